-- The types that Redshift has and PostgreSQL does not have, with their numbers in the protocol
-- (https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html; numbers as AWS's drivers know them).

-- Gives a type that nothing but its own functions uses yet another number.
CREATE FUNCTION pg_sandbox.renumber_type(name text, number oid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  old oid := (SELECT t.oid FROM pg_type t WHERE t.typname = name AND t.typnamespace = 'pg_catalog'::regnamespace);
BEGIN
  UPDATE pg_type SET oid = number WHERE oid = old;
  UPDATE pg_type SET typelem = number WHERE typelem = old;
  UPDATE pg_proc SET prorettype = number WHERE prorettype = old;
  UPDATE pg_proc SET proargtypes = array_to_string(array_replace(proargtypes::oid[], old, number), ' ')::oidvector
   WHERE old = ANY (proargtypes);
  UPDATE pg_depend SET objid = number WHERE classid = 'pg_type'::regclass AND objid = old;
  UPDATE pg_depend SET refobjid = number WHERE refclassid = 'pg_type'::regclass AND refobjid = old;
END $$;

-- VARBYTE is bytes; text becomes its UTF-8. It is printed as hexadecimal digits (the gateway takes away the \x before them).
CREATE TYPE pg_catalog.varbyte;
CREATE FUNCTION pg_catalog.pg_sandbox_varbyte_in(cstring) RETURNS varbyte AS 'byteain' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION pg_catalog.pg_sandbox_varbyte_out(varbyte) RETURNS cstring AS 'byteaout' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION pg_catalog.pg_sandbox_varbyte_recv(internal) RETURNS varbyte AS 'bytearecv' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION pg_catalog.pg_sandbox_varbyte_send(varbyte) RETURNS bytea AS 'byteasend' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE pg_catalog.varbyte (INPUT = pg_sandbox_varbyte_in, OUTPUT = pg_sandbox_varbyte_out,
  RECEIVE = pg_sandbox_varbyte_recv, SEND = pg_sandbox_varbyte_send, LIKE = bytea);
SELECT pg_sandbox.renumber_type('varbyte', 6551);
CREATE CAST (varbyte AS bytea) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (bytea AS varbyte) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE FUNCTION pg_catalog.pg_sandbox_varbyte(text) RETURNS varbyte LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT pg_catalog.convert_to($1, 'UTF8')::varbyte $$;
CREATE CAST (text AS varbyte) WITH FUNCTION pg_catalog.pg_sandbox_varbyte(text) AS ASSIGNMENT;
-- https://docs.aws.amazon.com/redshift/latest/dg/r_TO_VARBYTE.html, r_FROM_VARBYTE.html
CREATE FUNCTION pg_catalog.to_varbyte(value text, format text) RETURNS varbyte LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE lower(format) WHEN 'hex' THEN pg_catalog.decode(value, 'hex') WHEN 'base64' THEN pg_catalog.decode(value, 'base64')
    WHEN 'utf8' THEN pg_catalog.convert_to(value, 'UTF8') WHEN 'utf-8' THEN pg_catalog.convert_to(value, 'UTF8') END::varbyte $$;
CREATE FUNCTION pg_catalog.from_varbyte(value varbyte, format text) RETURNS varchar LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT CASE lower(format) WHEN 'hex' THEN pg_catalog.encode(value, 'hex') WHEN 'base64' THEN pg_catalog.encode(value, 'base64')
    WHEN 'utf8' THEN pg_catalog.convert_from(value, 'UTF8') WHEN 'utf-8' THEN pg_catalog.convert_from(value, 'UTF8') END $$;

-- Shapes are the hexadecimal digits of their EWKB, which is also how they are printed; sketches are their JSON text. The
-- sandbox keeps and returns them, and computes nothing with them.
CREATE TYPE pg_catalog.geometry;
CREATE FUNCTION pg_catalog.pg_sandbox_geometry_in(cstring) RETURNS geometry AS 'textin' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION pg_catalog.pg_sandbox_geometry_out(geometry) RETURNS cstring AS 'textout' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE pg_catalog.geometry (INPUT = pg_sandbox_geometry_in, OUTPUT = pg_sandbox_geometry_out, LIKE = text);
SELECT pg_sandbox.renumber_type('geometry', 3000);
CREATE TYPE pg_catalog.geography;
CREATE FUNCTION pg_catalog.pg_sandbox_geography_in(cstring) RETURNS geography AS 'textin' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION pg_catalog.pg_sandbox_geography_out(geography) RETURNS cstring AS 'textout' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE pg_catalog.geography (INPUT = pg_sandbox_geography_in, OUTPUT = pg_sandbox_geography_out, LIKE = text);
SELECT pg_sandbox.renumber_type('geography', 3001);
CREATE TYPE pg_catalog.hllsketch;
CREATE FUNCTION pg_catalog.pg_sandbox_hllsketch_in(cstring) RETURNS hllsketch AS 'textin' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE FUNCTION pg_catalog.pg_sandbox_hllsketch_out(hllsketch) RETURNS cstring AS 'textout' LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE;
CREATE TYPE pg_catalog.hllsketch (INPUT = pg_sandbox_hllsketch_in, OUTPUT = pg_sandbox_hllsketch_out, LIKE = text);
SELECT pg_sandbox.renumber_type('hllsketch', 2935);
CREATE FUNCTION pg_catalog.st_point(x float8, y float8) RETURNS geometry LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT (upper('0101000000' || (SELECT pg_catalog.string_agg(pg_catalog.substr(h, 15 - 2 * i, 2), '' ORDER BY n, i) FROM
    (VALUES (1, pg_catalog.encode(pg_catalog.float8send(x), 'hex')), (2, pg_catalog.encode(pg_catalog.float8send(y), 'hex'))) v(n, h),
    pg_catalog.generate_series(0, 7) i)))::geometry $$;
CREATE FUNCTION pg_catalog.st_ashexewkb(geometry) RETURNS varchar LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1::varchar $$;
CREATE FUNCTION pg_catalog.st_ashexewkb(geography) RETURNS varchar LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT $1::varchar $$;

-- Intervals of months and intervals of microseconds are two types
-- (https://docs.aws.amazon.com/redshift/latest/dg/r_interval_data_types.html).
CREATE TYPE pg_catalog.intervaly2m;
CREATE FUNCTION pg_catalog.pg_sandbox_y2m_in(cstring, oid, integer) RETURNS intervaly2m AS 'interval_in' LANGUAGE internal STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION pg_catalog.pg_sandbox_y2m_out(intervaly2m) RETURNS cstring AS 'interval_out' LANGUAGE internal STABLE STRICT PARALLEL SAFE;
CREATE TYPE pg_catalog.intervaly2m (INPUT = pg_sandbox_y2m_in, OUTPUT = pg_sandbox_y2m_out, LIKE = interval);
SELECT pg_sandbox.renumber_type('intervaly2m', 1188);
CREATE TYPE pg_catalog.intervald2s;
CREATE FUNCTION pg_catalog.pg_sandbox_d2s_in(cstring, oid, integer) RETURNS intervald2s AS 'interval_in' LANGUAGE internal STABLE STRICT PARALLEL SAFE;
CREATE FUNCTION pg_catalog.pg_sandbox_d2s_out(intervald2s) RETURNS cstring AS 'interval_out' LANGUAGE internal STABLE STRICT PARALLEL SAFE;
CREATE TYPE pg_catalog.intervald2s (INPUT = pg_sandbox_d2s_in, OUTPUT = pg_sandbox_d2s_out, LIKE = interval);
SELECT pg_sandbox.renumber_type('intervald2s', 1190);
CREATE CAST (intervaly2m AS interval) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (intervald2s AS interval) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (interval AS intervaly2m) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (interval AS intervald2s) WITHOUT FUNCTION AS ASSIGNMENT;

-- SUPER (https://docs.aws.amazon.com/redshift/latest/dg/r_SUPER_type.html) is kept as jsonb: members lose their order.
CREATE DOMAIN pg_catalog.super AS jsonb;
SELECT pg_sandbox.renumber_type('super', 4000);

-- What Redshift calls them.
ALTER FUNCTION pg_catalog.format_type(oid, integer) RENAME TO pg_sandbox_builtin_format_type;
CREATE FUNCTION pg_catalog.format_type(kind oid, modifier integer) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT CASE kind WHEN 6551 THEN 'binary varying' WHEN 1188 THEN 'interval year to month' WHEN 1190 THEN 'interval day to second'
    ELSE pg_catalog.pg_sandbox_builtin_format_type(kind, modifier) END $$;

-- A TIMETZ is kept in UTC (https://docs.aws.amazon.com/redshift/latest/dg/r_Datetime_types.html): a trigger on each table
-- that has one, whose arguments are the columns.
CREATE FUNCTION pg_sandbox.times_in_utc() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  RETURN jsonb_populate_record(NEW, (
    SELECT jsonb_object_agg(name, timezone('UTC', (to_jsonb(NEW) ->> name)::timetz)::text) FROM unnest(TG_ARGV) AS name));
END $$;
CREATE FUNCTION pg_sandbox.watch_times() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  made record;
BEGIN
  FOR made IN
    SELECT c.oid::regclass AS relation, string_agg(quote_literal(a.attname), ', ') AS columns
      FROM pg_event_trigger_ddl_commands() d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'r'
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.atttypid = 'timetz'::regtype AND NOT a.attisdropped
     WHERE d.classid = 'pg_class'::regclass GROUP BY 1 LOOP
    EXECUTE format('CREATE OR REPLACE TRIGGER pg_sandbox_times BEFORE INSERT OR UPDATE ON %s FOR EACH ROW '
                   'EXECUTE FUNCTION pg_sandbox.times_in_utc(%s)', made.relation, made.columns);
  END LOOP;
END $$;
CREATE EVENT TRIGGER watch_times ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE')
  EXECUTE FUNCTION pg_sandbox.watch_times();
