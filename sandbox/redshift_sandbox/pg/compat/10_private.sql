-- The sandbox's own tables. Only superusers may read the schema; views in pg_catalog show the part of it
-- that Redshift shows. Literals here have no backslash: the cluster reads it as an escape.
CREATE SCHEMA pg_sandbox;
REVOKE ALL ON SCHEMA pg_sandbox FROM PUBLIC;

-- Names longer than PostgreSQL's 63 bytes, by what is kept for them (gateway/long_names.py).
CREATE TABLE pg_sandbox.long_names (short text PRIMARY KEY, name text NOT NULL);
CREATE FUNCTION pg_catalog.pg_sandbox_keep_name(text, text) RETURNS void LANGUAGE sql SECURITY DEFINER AS $$
  INSERT INTO pg_sandbox.long_names VALUES ($1, $2) ON CONFLICT DO NOTHING $$;
CREATE FUNCTION pg_catalog.pg_sandbox_full_name(text) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER AS $$
  SELECT COALESCE((SELECT l.name FROM pg_sandbox.long_names l WHERE l.short = $1 LIMIT 1), $1) $$;
-- Not SECURITY DEFINER, so that PostgreSQL writes it into the query.
CREATE FUNCTION pg_catalog.pg_sandbox_shown(name) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN octet_length($1::text) = 63 THEN pg_catalog.pg_sandbox_full_name($1::text) ELSE $1::text END $$;

-- Columns: https://docs.aws.amazon.com/redshift/latest/dg/SYS_UNLOAD_HISTORY.html and SYS_UNLOAD_DETAIL.html
CREATE UNLOGGED TABLE pg_sandbox.unload_history (
  user_id integer, query_id bigint, transaction_id bigint, session_id integer, database_name text,
  status text, start_time timestamp, end_time timestamp, duration bigint, file_format text,
  compression_type text, unloaded_location text, unloaded_rows bigint, unloaded_files_count bigint,
  unloaded_files_size bigint, error_message text);
CREATE UNLOGGED TABLE pg_sandbox.unload_detail (
  user_id integer, query_id bigint, start_time timestamp, file_name text, line_count bigint,
  transfer_size bigint, file_format text);
-- The columns of SYS_LOAD_HISTORY.html and SYS_LOAD_ERROR_DETAIL.html there that mean something here.
CREATE UNLOGGED TABLE pg_sandbox.load_history (
  user_id integer, query_id bigint, transaction_id bigint, session_id integer, database_name text, status text,
  table_name text, start_time timestamp, end_time timestamp, duration bigint, data_source text, file_format text,
  loaded_rows bigint, loaded_bytes bigint, source_file_count integer, source_file_bytes bigint, error_count bigint,
  error_message text);
CREATE UNLOGGED TABLE pg_sandbox.load_error_detail (
  user_id integer, query_id bigint, transaction_id bigint, session_id integer, database_name text, table_id integer,
  start_time timestamp, file_name text, line_number bigint, column_name text, column_type text, column_length text,
  "position" integer, error_code integer, error_message text);
-- https://docs.aws.amazon.com/redshift/latest/dg/SYS_SERVERLESS_USAGE.html
CREATE UNLOGGED TABLE pg_sandbox.serverless_usage (
  start_time timestamp, end_time timestamp, compute_seconds double precision, compute_capacity double precision,
  data_storage integer, cross_region_transferred_data integer, charged_seconds integer);
-- The columns of https://docs.aws.amazon.com/redshift/latest/dg/SYS_QUERY_HISTORY.html that mean something here.
CREATE UNLOGGED TABLE pg_sandbox.query_history (
  user_id integer, query_id bigint, query_label text, transaction_id bigint, session_id integer,
  database_name text, query_type text, status text, result_cache_hit boolean DEFAULT false,
  start_time timestamp, end_time timestamp, elapsed_time bigint, queue_time bigint DEFAULT 0,
  execution_time bigint, error_message text, returned_rows bigint, query_text text,
  redshift_version text DEFAULT '1.0.436211');
