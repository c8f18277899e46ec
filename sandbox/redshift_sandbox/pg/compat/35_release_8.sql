-- PostgreSQL's own catalog in the shape that Redshift kept of release 8.0: its columns and no later ones, with those
-- that Redshift added. The gateway reads pg_class as pg_sandbox_class, and so on (gateway/release_8.py), so that a
-- client that asks for a newer column fails here as it does there. Columns: the catalog of PostgreSQL 8.0
-- (https://www.postgresql.org/docs/8.0/catalogs.html) and what AWS's JDBC driver and sqlalchemy-redshift read.
-- oid, a hidden column in release 8.0, stands last.

-- The sandbox's own schema, functions and relations are never shown.
CREATE VIEW pg_catalog.pg_sandbox_namespace AS
  SELECT pg_catalog.pg_sandbox_shown(nspname) AS nspname, nspowner, nspacl, oid FROM pg_catalog.pg_namespace
   WHERE nspname <> 'pg_sandbox' AND nspname !~ '^pg_toast_temp_';

-- A key has an index in the catalog, as AWS's JDBC driver reads it.
-- Distribution and sort keys are accepted and not kept: every table is AUTO, which the catalog shows as 9 (assumed).
CREATE VIEW pg_catalog.pg_sandbox_class AS
  SELECT pg_catalog.pg_sandbox_shown(relname) AS relname, relnamespace, reltype, relowner, relam, relfilenode, reltablespace, relpages, reltuples, reltoastrelid,
         0::oid AS reltoastidxid, relhasindex, relisshared, relkind, relnatts, 0::oid AS relexternid,
         false AS relisreplicated, false AS relispinned, 9::smallint AS reldiststyle, 0::oid AS relprojbaseid, relchecks,
         0::smallint AS reltriggers, 0::smallint AS relukeys, 0::smallint AS relfkeys, 0::smallint AS relrefs,
         false AS relhasoids,
         EXISTS (SELECT FROM pg_catalog.pg_constraint p WHERE p.conrelid = c.oid AND p.contype = 'p') AS relhaspkey,
         relhasrules, relhassubclass, relacl, oid
    FROM pg_catalog.pg_class c
   WHERE relnamespace NOT IN (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = 'pg_sandbox')
     AND relname !~ '^pg_sandbox_' AND relkind <> 't';

-- Late-binding views have no columns here: see pg_get_late_binding_view_cols().
CREATE VIEW pg_catalog.pg_sandbox_attribute AS
  SELECT attrelid, pg_catalog.pg_sandbox_shown(attname) AS attname, atttypid, attstattarget, attlen, attnum, attndims, attcacheoff, atttypmod, attbyval, attstorage,
         attalign, attnotnull, atthasdef OR attidentity <> '' AS atthasdef, attisdropped, attislocal, attinhcount,
         false AS attisdistkey, false AS attispreloaded, 0 AS attsortkeyord, 0::smallint AS attencodingtype,
         0::smallint AS attencrypttype
    FROM pg_catalog.pg_attribute
   WHERE attrelid NOT IN (SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_proc f ON f.pronamespace = c.relnamespace
                           WHERE c.relkind = 'v' AND f.proname = 'pg_sandbox_late_' || pg_catalog.md5(c.relname));

-- The default of an identity column is a call that has seed and step in a text; AWS's JDBC driver tells a column that also
-- takes values by the call's name (https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_TABLE_NEW.html). Expressions
-- are kept as texts here, so pg_get_expr() has nothing to do.
CREATE VIEW pg_catalog.pg_sandbox_attrdef AS
  SELECT adrelid, adnum, pg_catalog.pg_get_expr(adbin, adrelid) AS adbin, pg_catalog.pg_get_expr(adbin, adrelid) AS adsrc, oid
    FROM pg_catalog.pg_attrdef
  UNION ALL
  SELECT i.attrelid, i.attnum, i.call, i.call, 0::oid FROM (
    SELECT a.attrelid, a.attnum,
           pg_catalog.format('%s(%s, %s, %L::text)', CASE a.attidentity WHEN 'd' THEN 'default_identity' ELSE '"identity"' END,
             a.attrelid, a.attnum - 1, s.seqstart || ',' || s.seqincrement) AS call
      FROM pg_catalog.pg_attribute a
      JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = a.attrelid
                                 AND d.refobjsubid = a.attnum AND d.deptype = 'i'
      JOIN pg_catalog.pg_sequence s ON s.seqrelid = d.objid
     WHERE a.attidentity <> '') i;
CREATE FUNCTION pg_catalog.pg_get_expr(text, oid) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1 $$;

CREATE VIEW pg_catalog.pg_sandbox_type AS
  SELECT typname, typnamespace, typowner, typlen, typbyval, CASE typtype WHEN 'd' THEN 'b' ELSE typtype END AS typtype,
         typisdefined, typdelim, typrelid, typelem, typinput, typoutput, typreceive, typsend, typanalyze, typalign,
         typstorage, typnotnull, typbasetype, typtypmod, typndims, typdefaultbin, typdefault, oid
    FROM pg_catalog.pg_type
   WHERE typtype IN ('b', 'c', 'd', 'p')
     AND typname !~ '^_?(json|jsonb|jsonpath|uuid|xml|tsvector|tsquery|gtsvector|pg_lsn|pg_snapshot|txid_snapshot|reg(role|namespace|collation|config|dictionary)|interval|pg_.*)$'
     AND typrelid NOT IN (SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                           WHERE n.nspname = 'pg_sandbox');

CREATE VIEW pg_catalog.pg_sandbox_proc AS
  SELECT proname, pronamespace, proowner, prolang, prokind = 'a' AS proisagg, prosecdef, proisstrict, proretset, provolatile,
         pronargs, prorettype, proargtypes, proargnames, prosrc, probin, proacl, oid
    FROM pg_catalog.pg_proc WHERE proname !~ '^pg_sandbox_' AND pronamespace NOT IN
         (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = 'pg_sandbox');

CREATE VIEW pg_catalog.pg_sandbox_database AS
  SELECT datname, datdba, encoding, datistemplate, datallowconn, 0::oid AS datlastsysoid, datfrozenxid AS datvacuumxid,
         datfrozenxid, dattablespace, NULL::text[] AS datconfig, datacl, oid
    FROM pg_catalog.pg_database;

CREATE VIEW pg_catalog.pg_sandbox_constraint AS
  SELECT conname, connamespace, contype, condeferrable, condeferred, conrelid, contypid, confrelid, confupdtype, confdeltype,
         confmatchtype, conkey, confkey, conbin, pg_catalog.pg_get_expr(conbin, conrelid) AS consrc, oid
    FROM pg_catalog.pg_constraint;

-- https://docs.aws.amazon.com/redshift/latest/dg/r_PG_CLASS_INFO.html: 10 is AUTO(ALL).
CREATE VIEW pg_catalog.pg_class_info AS
  SELECT oid AS reloid, c.*, NULL::timestamp AS relcreationtime, 10::smallint AS releffectivediststyle
    FROM pg_catalog.pg_sandbox_class c;
-- Procedures too, which pg_proc of release 8.0 cannot tell from functions; columns as AWS's JDBC driver reads them.
CREATE VIEW pg_catalog.pg_proc_info AS
  SELECT oid AS prooid, proname, pronamespace, proowner, prolang, prokind = 'a' AS proisagg, prosecdef, proisstrict, proretset,
         provolatile, pronargs, prorettype, proargtypes, proargnames, prosrc, probin, proacl, prokind, proargmodes,
         proallargtypes
    FROM pg_catalog.pg_proc WHERE proname !~ '^pg_sandbox_' AND pronamespace NOT IN
         (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = 'pg_sandbox');

-- https://docs.aws.amazon.com/redshift/latest/dg/r_PG_TABLE_DEF.html: only what the search path reaches.
CREATE VIEW pg_catalog.pg_table_def AS
  SELECT n.nspname AS schemaname, c.relname AS tablename, pg_catalog.pg_sandbox_shown(a.attname) AS "column",
         pg_catalog.format_type(a.atttypid, a.atttypmod) AS "type", 'none'::char(32) AS encoding, false AS distkey,
         0 AS sortkey, a.attnotnull AS "notnull"
    FROM pg_catalog.pg_sandbox_class c
    JOIN pg_catalog.pg_sandbox_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
   WHERE c.relkind = 'r' AND pg_catalog.pg_table_is_visible(c.oid);

-- The number of a column's encoding; the sandbox keeps none.
CREATE FUNCTION pg_catalog.format_encoding(integer) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE $1 WHEN 0 THEN 'none' END $$;

-- There are no external schemas: the views are empty. Columns:
-- https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_EXTERNAL_SCHEMAS.html and the pages beside it.
CREATE VIEW pg_catalog.svv_external_schemas AS
  SELECT NULL::oid AS esoid, NULL::smallint AS eskind, NULL::name AS schemaname, NULL::integer AS esowner,
         NULL::text AS databasename, NULL::text AS esoptions WHERE false;
CREATE VIEW pg_catalog.svv_external_databases AS
  SELECT NULL::integer AS eskind, NULL::text AS esoptions, NULL::text AS databasename, NULL::text AS location,
         NULL::text AS parameters WHERE false;
CREATE VIEW pg_catalog.svv_external_tables AS
  SELECT NULL::text AS redshift_database_name, NULL::text AS schemaname, NULL::text AS tablename, NULL::text AS tabletype,
         NULL::text AS location, NULL::text AS input_format, NULL::text AS output_format, NULL::text AS serialization_lib,
         NULL::text AS serde_parameters, NULL::integer AS compressed, NULL::text AS parameters WHERE false;
CREATE VIEW pg_catalog.svv_external_columns AS
  SELECT NULL::text AS redshift_database_name, NULL::text AS schemaname, NULL::text AS tablename, NULL::text AS columnname,
         NULL::text AS external_type, NULL::integer AS columnnum, NULL::integer AS part_key, NULL::text AS is_nullable
   WHERE false;

-- https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_TABLES.html and r_SVV_COLUMNS.html
CREATE VIEW pg_catalog.svv_tables AS
  SELECT database_name::text AS table_catalog, schema_name::text AS table_schema, table_name::text AS table_name,
         CASE table_type WHEN 'TABLE' THEN 'BASE TABLE' ELSE table_type END::text AS table_type, remarks::text AS remarks
    FROM pg_catalog.svv_all_tables;
CREATE VIEW pg_catalog.svv_columns AS
  SELECT database_name::text AS table_catalog, schema_name::text AS table_schema, table_name::text AS table_name,
         column_name::text AS column_name, ordinal_position, column_default::text AS column_default,
         is_nullable::text AS is_nullable, data_type::text AS data_type, character_maximum_length, numeric_precision,
         CASE WHEN numeric_precision IS NULL THEN NULL WHEN data_type = 'numeric' THEN 10 ELSE 2 END AS numeric_precision_radix,
         numeric_scale, CASE WHEN data_type ~ '^time' THEN 6 END AS datetime_precision, NULL::text AS interval_type,
         NULL::text AS interval_precision, NULL::text AS character_set_catalog, NULL::text AS character_set_schema,
         NULL::text AS character_set_name, NULL::text AS collation_catalog, NULL::text AS collation_schema,
         NULL::text AS collation_name, NULL::text AS domain_name, remarks::text AS remarks
    FROM pg_catalog.svv_all_columns;
CREATE VIEW pg_catalog.svv_redshift_schemas AS
  SELECT database_name, schema_name, schema_owner, schema_type, schema_acl, schema_option FROM pg_catalog.svv_all_schemas;
CREATE VIEW pg_catalog.svv_redshift_tables AS
  SELECT database_name, schema_name, table_name, table_type, table_acl, remarks,
         pg_catalog.pg_get_userbyid(c.relowner)::varchar(128) AS table_owner
    FROM pg_catalog.svv_all_tables t JOIN pg_catalog.pg_sandbox_namespace n ON n.nspname = t.schema_name
    JOIN pg_catalog.pg_sandbox_class c ON c.relnamespace = n.oid AND c.relname = t.table_name;
CREATE VIEW pg_catalog.svv_redshift_columns AS
  SELECT database_name, schema_name, table_name, column_name, ordinal_position, data_type, column_default, is_nullable,
         'none'::varchar(128) AS encoding, false AS distkey, 0 AS sortkey, NULL::varchar(128) AS column_acl, remarks
    FROM pg_catalog.svv_all_columns;

GRANT SELECT ON pg_catalog.pg_sandbox_namespace, pg_catalog.pg_sandbox_class, pg_catalog.pg_sandbox_attribute,
  pg_catalog.pg_sandbox_attrdef, pg_catalog.pg_sandbox_type, pg_catalog.pg_sandbox_proc, pg_catalog.pg_sandbox_database,
  pg_catalog.pg_sandbox_constraint, pg_catalog.pg_class_info, pg_catalog.pg_proc_info, pg_catalog.pg_table_def,
  pg_catalog.svv_external_schemas, pg_catalog.svv_external_databases, pg_catalog.svv_external_tables,
  pg_catalog.svv_external_columns, pg_catalog.svv_tables, pg_catalog.svv_columns, pg_catalog.svv_redshift_schemas,
  pg_catalog.svv_redshift_tables, pg_catalog.svv_redshift_columns TO PUBLIC;
