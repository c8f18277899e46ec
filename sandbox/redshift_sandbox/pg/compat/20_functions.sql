-- Functions that Redshift has and PostgreSQL does not have, and the reverse.

-- The built-in ones are renamed, not dropped: PostgreSQL pins them.
ALTER FUNCTION pg_catalog.version() RENAME TO pg_sandbox_builtin_version;
ALTER FUNCTION pg_catalog.pg_sleep(double precision) RENAME TO pg_sandbox_builtin_sleep;
ALTER FUNCTION pg_catalog.pg_sleep_for(interval) RENAME TO pg_sandbox_builtin_sleep_for;
ALTER FUNCTION pg_catalog.pg_sleep_until(timestamptz) RENAME TO pg_sandbox_builtin_sleep_until;
ALTER FUNCTION pg_catalog.pg_cancel_backend(integer) RENAME TO pg_sandbox_builtin_cancel;
ALTER FUNCTION pg_catalog.pg_terminate_backend(integer, bigint) RENAME TO pg_sandbox_builtin_terminate;

-- An UNLOAD runs in the gateway, where PostgreSQL's own signal does not reach it: this message, which the client never
-- sees, tells the gateway. The built-in function decides whose sessions may be cancelled, with the rule of Redshift
-- (https://docs.aws.amazon.com/redshift/latest/dg/PG_CANCEL_BACKEND.html).
CREATE FUNCTION pg_catalog.pg_cancel_backend(pid integer) RETURNS boolean LANGUAGE plpgsql VOLATILE STRICT AS $$
BEGIN
  IF NOT pg_catalog.pg_sandbox_builtin_cancel(pid) THEN RETURN false; END IF;
  RAISE INFO 'pg_sandbox cancel %', pid;
  RETURN true;
END $$;
CREATE FUNCTION pg_catalog.pg_terminate_backend(pid integer) RETURNS boolean LANGUAGE plpgsql VOLATILE STRICT AS $$
BEGIN
  IF NOT pg_catalog.pg_sandbox_builtin_terminate(pid, 0) THEN RETURN false; END IF;
  RAISE INFO 'pg_sandbox terminate %', pid;
  RETURN true;
END $$;

-- chr(1) stands for the NUL byte that the real text ends with and that no PostgreSQL text can hold;
-- the gateway puts the NUL back.
CREATE FUNCTION pg_catalog.version() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.436211'
         || pg_catalog.chr(1) $$;

CREATE FUNCTION pg_catalog.pg_last_unload_count() RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT COALESCE(NULLIF(pg_catalog.current_setting('redshift.last_unload_count', true), ''), '0')::bigint $$;

-- "<number of the statement> <rows>" (https://docs.aws.amazon.com/redshift/latest/dg/PG_LAST_COPY_COUNT.html)
CREATE FUNCTION pg_catalog.pg_last_copy_count() RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT split_part(COALESCE(NULLIF(pg_catalog.current_setting('redshift.last_copy', true), ''), '-1 0'), ' ', 2)::bigint $$;
CREATE FUNCTION pg_catalog.pg_last_copy_id() RETURNS integer LANGUAGE sql VOLATILE AS $$
  SELECT split_part(COALESCE(NULLIF(pg_catalog.current_setting('redshift.last_copy', true), ''), '-1 0'), ' ', 1)::integer $$;

CREATE FUNCTION pg_catalog.json_parse(text) RETURNS super LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT $1::jsonb $$;
CREATE FUNCTION pg_catalog.json_serialize(super) RETURNS varchar LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT $1::text $$;

-- GETDATE is the statement's time, SYSDATE the transaction's, both UTC without a zone
-- (https://docs.aws.amazon.com/redshift/latest/dg/r_GETDATE.html, r_SYSDATE.html).
CREATE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql STABLE AS $$
  SELECT pg_catalog.date_trunc('second', pg_catalog.timezone('UTC', pg_catalog.statement_timestamp())) $$;
CREATE FUNCTION pg_catalog.sysdate() RETURNS timestamp LANGUAGE sql STABLE AS $$
  SELECT pg_catalog.timezone('UTC', pg_catalog.transaction_timestamp()) $$;

CREATE FUNCTION pg_catalog.len(text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT pg_catalog.length($1) $$;
-- Without a replacement every match is removed (https://docs.aws.amazon.com/redshift/latest/dg/REGEXP_REPLACE.html).
CREATE FUNCTION pg_catalog.regexp_replace(text, text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT pg_catalog.regexp_replace($1, $2, '', 'g') $$;
CREATE FUNCTION pg_catalog.charindex(text, text) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT pg_catalog.strpos($2, $1) $$;
CREATE FUNCTION pg_catalog.to_hex(bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT pg_catalog.encode($1, 'hex') $$;

-- https://docs.aws.amazon.com/redshift/latest/dg/r_DATEADD_function.html
CREATE FUNCTION pg_catalog.dateadd(part text, amount bigint, moment timestamp) RETURNS timestamp
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT moment + CASE
    WHEN lower(part) IN ('quarter', 'quarters', 'qtr', 'qtrs') THEN make_interval(months => (3 * amount)::int)
    WHEN lower(part) IN ('month', 'months', 'mon', 'mons') THEN make_interval(months => amount::int)
    WHEN lower(part) IN ('year', 'years', 'y', 'yr', 'yrs') THEN make_interval(years => amount::int)
    ELSE (amount || ' ' || CASE lower(part) WHEN 'd' THEN 'day' WHEN 'w' THEN 'week' WHEN 'm' THEN 'minute'
                                ELSE lower(part) END)::interval END $$;

-- Counts boundaries crossed, not whole units (https://docs.aws.amazon.com/redshift/latest/dg/r_DATEDIFF_function.html).
CREATE FUNCTION pg_catalog.datediff(part text, since timestamp, till timestamp) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE
    WHEN lower(part) IN ('year', 'years', 'y', 'yr', 'yrs')
      THEN (extract(year FROM till) - extract(year FROM since))::bigint
    WHEN lower(part) IN ('quarter', 'quarters', 'qtr', 'qtrs')
      THEN (4 * extract(year FROM till) + extract(quarter FROM till) - 4 * extract(year FROM since) - extract(quarter FROM since))::bigint
    WHEN lower(part) IN ('month', 'months', 'mon', 'mons')
      THEN (12 * extract(year FROM till) + extract(month FROM till) - 12 * extract(year FROM since) - extract(month FROM since))::bigint
    WHEN lower(part) IN ('week', 'weeks', 'w')
      THEN (date_trunc('week', till + interval '1 day')::date - date_trunc('week', since + interval '1 day')::date)::bigint / 7
    WHEN lower(part) IN ('day', 'days', 'd') THEN (till::date - since::date)::bigint
    WHEN lower(part) IN ('hour', 'hours', 'h', 'hr', 'hrs')
      THEN (extract(epoch FROM date_trunc('hour', till) - date_trunc('hour', since)) / 3600)::bigint
    WHEN lower(part) IN ('minute', 'minutes', 'm', 'min', 'mins')
      THEN (extract(epoch FROM date_trunc('minute', till) - date_trunc('minute', since)) / 60)::bigint
    WHEN lower(part) IN ('second', 'seconds', 's', 'sec', 'secs')
      THEN extract(epoch FROM date_trunc('second', till) - date_trunc('second', since))::bigint
    WHEN lower(part) IN ('millisecond', 'milliseconds', 'ms', 'msec', 'msecs', 'msecond', 'mseconds')
      THEN (extract(epoch FROM date_trunc('milliseconds', till) - date_trunc('milliseconds', since)) * 1000)::bigint
    WHEN lower(part) IN ('microsecond', 'microseconds', 'us', 'usec', 'usecs', 'usecond', 'useconds', 'microsecs', 'microsec')
      THEN (extract(epoch FROM till - since) * 1000000)::bigint END $$;
