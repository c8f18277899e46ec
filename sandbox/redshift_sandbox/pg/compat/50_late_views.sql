-- CREATE VIEW ... WITH NO SCHEMA BINDING (https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_VIEW.html). The view reads
-- from a function whose text PostgreSQL reads again in every query, so its tables may be dropped and created again. They must
-- exist when the view is created, and those who read the view must be allowed to read them.
CREATE FUNCTION pg_catalog.pg_sandbox_late_view(name text, query text, replacing boolean) RETURNS void
LANGUAGE plpgsql VOLATILE STRICT AS $$
DECLARE
  function_name text;
  columns text;
  shown text;
BEGIN
  IF replacing THEN
    EXECUTE 'DROP VIEW IF EXISTS ' || name;
  END IF;
  EXECUTE 'CREATE VIEW ' || name || ' AS ' || query;  -- takes the columns from it
  SELECT pg_catalog.string_agg(pg_catalog.format('c%s %s', attnum, pg_catalog.pg_sandbox_builtin_format_type(atttypid, NULL)), ', ' ORDER BY attnum),
         pg_catalog.string_agg(pg_catalog.format('c%s::%s AS %I', attnum, pg_catalog.pg_sandbox_builtin_format_type(atttypid, atttypmod), attname), ', '
                               ORDER BY attnum)
    INTO columns, shown FROM pg_catalog.pg_attribute WHERE attrelid = name::regclass AND attnum > 0;
  SELECT pg_catalog.format('%I.%I', n.nspname, 'pg_sandbox_late_' || pg_catalog.md5(c.relname)) INTO function_name
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = name::regclass;
  EXECUTE 'DROP VIEW ' || name;
  EXECUTE pg_catalog.format('DROP FUNCTION IF EXISTS %s()', function_name);
  EXECUTE pg_catalog.format('CREATE FUNCTION %s() RETURNS TABLE (%s) LANGUAGE sql STABLE AS %L', function_name, columns, query);
  EXECUTE pg_catalog.format('CREATE VIEW %s AS SELECT %s FROM %s() f', name, shown, function_name);
END $$;

-- https://docs.aws.amazon.com/redshift/latest/dg/PG_GET_LATE_BINDING_VIEW_COLS.html: the columns of all such views of the
-- database that the caller may use; the caller names the result's columns.
CREATE FUNCTION pg_catalog.pg_get_late_binding_view_cols() RETURNS SETOF record LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN QUERY
    SELECT pg_catalog.pg_sandbox_shown(n.nspname)::varchar, pg_catalog.pg_sandbox_shown(c.relname)::varchar,
           pg_catalog.pg_sandbox_shown(a.attname)::varchar, pg_catalog.format_type(a.atttypid, a.atttypmod)::varchar, a.attnum::integer
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
     WHERE c.relkind = 'v' AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
       AND EXISTS (SELECT FROM pg_catalog.pg_proc f
                    WHERE f.pronamespace = n.oid AND f.proname = 'pg_sandbox_late_' || pg_catalog.md5(c.relname));
END $$;
