-- The catalog views of Redshift, over PostgreSQL's own catalog. Each shows what the caller can access:
-- https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_ALL_TABLES.html and the pages beside it.

-- Redshift has only those relations of PostgreSQL's own catalog that release 8 had; the sandbox's helpers are
-- never shown.
CREATE VIEW pg_sandbox.visible_schemas AS
  SELECT n.oid, n.nspname, n.nspowner, n.nspacl FROM pg_catalog.pg_namespace n
   WHERE n.nspname <> 'pg_sandbox' AND n.nspname <> 'pg_toast'
     AND n.nspname !~ '^pg_(toast_)?temp_' AND pg_catalog.has_schema_privilege(n.oid, 'USAGE');

CREATE VIEW pg_sandbox.visible_relations AS
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.relacl
    FROM pg_catalog.pg_class c JOIN pg_sandbox.visible_schemas n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
     AND (n.nspname NOT IN ('pg_catalog', 'information_schema')
          OR c.relname ~ '^(svv_|sys_)' OR c.relname IN ('pg_aggregate', 'pg_am', 'pg_attrdef', 'pg_attribute',
             'pg_cast', 'pg_class', 'pg_constraint', 'pg_conversion', 'pg_database', 'pg_depend', 'pg_description',
             'pg_group', 'pg_index', 'pg_indexes', 'pg_inherits', 'pg_language', 'pg_locks', 'pg_namespace',
             'pg_opclass', 'pg_operator', 'pg_proc', 'pg_rules', 'pg_settings', 'pg_statistic', 'pg_stats',
             'pg_tables', 'pg_tablespace', 'pg_trigger', 'pg_type', 'pg_user', 'pg_views', 'columns', 'tables',
             'schemata', 'views', 'table_constraints', 'key_column_usage', 'table_privileges'))
     AND (pg_catalog.has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, REFERENCES')
          OR pg_catalog.has_any_column_privilege(c.oid, 'SELECT'));

CREATE VIEW pg_catalog.svv_all_schemas AS
  SELECT pg_catalog.current_database()::varchar(128) AS database_name, pg_catalog.pg_sandbox_shown(n.nspname)::varchar(128) AS schema_name,
         n.nspowner::integer AS schema_owner, 'local'::varchar(128) AS schema_type,
         pg_catalog.array_to_string(n.nspacl, '~')::varchar(128) AS schema_acl,
         NULL::varchar(128) AS source_database, NULL::varchar(256) AS schema_option
    FROM pg_sandbox.visible_schemas n;

CREATE VIEW pg_catalog.svv_all_tables AS
  SELECT pg_catalog.current_database()::varchar(128) AS database_name, pg_catalog.pg_sandbox_shown(r.nspname)::varchar(128) AS schema_name,
         pg_catalog.pg_sandbox_shown(r.relname)::varchar(128) AS table_name,
         CASE WHEN r.relkind IN ('v', 'm') THEN 'VIEW' ELSE 'TABLE' END::varchar(128) AS table_type,
         pg_catalog.array_to_string(r.relacl, '~')::varchar(128) AS table_acl,
         pg_catalog.obj_description(r.oid, 'pg_class')::varchar(256) AS remarks
    FROM pg_sandbox.visible_relations r;

CREATE VIEW pg_catalog.svv_all_columns AS
  SELECT pg_catalog.current_database()::varchar(128) AS database_name, pg_catalog.pg_sandbox_shown(r.nspname)::varchar(128) AS schema_name,
         pg_catalog.pg_sandbox_shown(r.relname)::varchar(128) AS table_name, pg_catalog.pg_sandbox_shown(a.attname)::varchar(128) AS column_name,
         a.attnum::integer AS ordinal_position,
         pg_catalog.pg_get_expr(d.adbin, d.adrelid)::varchar(4000) AS column_default,
         CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END::varchar(3) AS is_nullable,
         pg_catalog.format_type(a.atttypid, NULL)::varchar(128) AS data_type,
         CASE WHEN a.atttypid IN (1042, 1043) AND a.atttypmod > 4 THEN a.atttypmod - 4 END::integer
           AS character_maximum_length,
         CASE a.atttypid WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64 WHEN 700 THEN 24 WHEN 701 THEN 53
              WHEN 1700 THEN CASE WHEN a.atttypmod > 4 THEN ((a.atttypmod - 4) >> 16) & 65535 END END::integer
           AS numeric_precision,
         CASE WHEN a.atttypid IN (20, 21, 23) THEN 0
              WHEN a.atttypid = 1700 AND a.atttypmod > 4 THEN (a.atttypmod - 4) & 65535 END::integer
           AS numeric_scale,
         pg_catalog.col_description(r.oid, a.attnum)::varchar(256) AS remarks
    FROM pg_sandbox.visible_relations r
    JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE pg_catalog.has_column_privilege(r.oid, a.attnum, 'SELECT, INSERT, UPDATE, REFERENCES')
      OR pg_catalog.has_table_privilege(r.oid, 'DELETE');

-- https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_REDSHIFT_DATABASES.html; the isolation level is
-- the default of new workgroups (https://docs.aws.amazon.com/redshift/latest/dg/c_serial_isolation.html).
CREATE VIEW pg_catalog.svv_redshift_databases AS
  SELECT d.datname::varchar(128) AS database_name, d.datdba::integer AS database_owner,
         'local'::varchar(32) AS database_type, pg_catalog.array_to_string(d.datacl, '~')::varchar(128) AS database_acl,
         NULL::varchar(128) AS database_options, 'Snapshot Isolation'::varchar(128) AS database_isolation_level
    FROM pg_catalog.pg_database d WHERE NOT d.datistemplate AND d.datname <> 'postgres';

-- Superusers only, and empty tables are left out: https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_TABLE_INFO.html
CREATE VIEW pg_catalog.svv_table_info AS
  SELECT pg_catalog.current_database()::text AS "database", pg_catalog.pg_sandbox_shown(n.nspname) AS "schema", c.oid AS table_id,
         pg_catalog.pg_sandbox_shown(c.relname) AS "table", 'N'::text AS encoded, 'AUTO(ALL)'::text AS diststyle,
         NULL::text AS sortkey1, NULL::integer AS max_varchar, NULL::text AS sortkey1_enc, 0 AS sortkey_num,
         (pg_catalog.pg_relation_size(c.oid) / 1048576)::bigint AS size, 0::numeric(10,4) AS pct_used,
         0::bigint AS empty, NULL::numeric(5,2) AS unsorted, NULL::numeric(5,2) AS stats_off,
         GREATEST(c.reltuples, 0)::numeric(38,0) AS tbl_rows
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
     AND pg_catalog.pg_relation_size(c.oid) > 0;

CREATE VIEW pg_sandbox.caller AS
  SELECT r.oid::integer AS user_id, r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user;
CREATE VIEW pg_catalog.sys_unload_history AS
  SELECT h.* FROM pg_sandbox.unload_history h, pg_sandbox.caller c WHERE c.rolsuper OR h.user_id = c.user_id;
CREATE VIEW pg_catalog.sys_unload_detail AS
  SELECT d.* FROM pg_sandbox.unload_detail d, pg_sandbox.caller c WHERE c.rolsuper OR d.user_id = c.user_id;
CREATE VIEW pg_catalog.sys_load_history AS
  SELECT h.* FROM pg_sandbox.load_history h, pg_sandbox.caller c WHERE c.rolsuper OR h.user_id = c.user_id;
CREATE VIEW pg_catalog.sys_load_error_detail AS
  SELECT d.* FROM pg_sandbox.load_error_detail d, pg_sandbox.caller c WHERE c.rolsuper OR d.user_id = c.user_id;
CREATE VIEW pg_catalog.sys_query_history AS
  SELECT q.* FROM pg_sandbox.query_history q, pg_sandbox.caller c WHERE c.rolsuper OR q.user_id = c.user_id;
-- Superusers, and whoever has the system role for monitoring:
-- https://docs.aws.amazon.com/redshift/latest/dg/r_roles-default.html
CREATE VIEW pg_catalog.sys_serverless_usage AS SELECT * FROM pg_sandbox.serverless_usage;
CREATE ROLE "role:sys:monitor" NOLOGIN;
GRANT SELECT ON pg_catalog.sys_serverless_usage, pg_catalog.svv_table_info TO "role:sys:monitor";

GRANT SELECT ON pg_catalog.svv_all_schemas, pg_catalog.svv_all_tables, pg_catalog.svv_all_columns,
  pg_catalog.svv_redshift_databases, pg_catalog.sys_unload_history, pg_catalog.sys_unload_detail,
  pg_catalog.sys_query_history, pg_catalog.sys_load_history, pg_catalog.sys_load_error_detail TO PUBLIC;

-- Every user may create in schema public (https://docs.aws.amazon.com/redshift/latest/dg/r_Schemas_and_tables.html).
ALTER SCHEMA public OWNER TO rdsdb;
GRANT CREATE, USAGE ON SCHEMA public TO PUBLIC;
