"""SHOW TABLES and similar statements, answered by SELECTs from the catalog views.

https://docs.aws.amazon.com/redshift/latest/dg/r_SHOW_TABLES.html and the pages beside it. Like those views they
show what the caller can access; what is missing or hidden has no row (assumed).
"""

from __future__ import annotations

from redshift_sandbox.contracts import SqlError
from redshift_sandbox.gateway.tokens import Kind, Token, qualified_name, quote_literal

_DATABASES = """SELECT database_name, database_owner, database_type, database_acl, database_options AS parameters,
 database_isolation_level FROM pg_catalog.svv_redshift_databases WHERE true"""
_SCHEMAS = """SELECT database_name, schema_name, schema_owner, schema_type, schema_acl, source_database, schema_option
 FROM pg_catalog.svv_all_schemas WHERE database_name = {0}"""
# The time of the last change is not kept: null, as AWS has it for views, so clients must accept it.
_TABLES = """SELECT t.database_name, t.schema_name, t.table_name, t.table_type, t.table_acl, t.remarks,
  pg_catalog.pg_get_userbyid(c.relowner)::varchar(128) AS owner, NULL::timestamp AS last_altered_time,
  NULL::timestamp AS last_modified_time,
  CASE WHEN t.table_type = 'TABLE' THEN 'AUTO(ALL)' END::varchar(128) AS dist_style,
  CASE c.relkind WHEN 'v' THEN 'REGULAR VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'REGULAR TABLE'
  END::varchar(128) AS table_subtype
 FROM pg_catalog.svv_all_tables t
 JOIN pg_catalog.pg_sandbox_namespace n ON n.nspname = t.schema_name
 JOIN pg_catalog.pg_sandbox_class c ON c.relnamespace = n.oid AND c.relname = t.table_name
 WHERE t.database_name = {0} AND t.schema_name = {1}"""
_COLUMNS = """SELECT database_name, schema_name, table_name, column_name, ordinal_position, column_default, is_nullable,
  data_type, character_maximum_length, numeric_precision, numeric_scale, remarks,
  NULL::varchar(128) AS sort_key_type, NULL::integer AS sort_key, 0 AS dist_key, 'none'::varchar(128) AS encoding,
  NULL::varchar(128) AS collation
 FROM pg_catalog.svv_all_columns WHERE database_name = {0} AND schema_name = {1} AND table_name = {2}"""
_PRIMARY_KEYS = """SELECT t.database_name, t.schema_name, t.table_name, a.attname::varchar(128) AS column_name,
  k.place::integer AS key_seq, p.conname::varchar(128) AS pk_name
 FROM pg_catalog.svv_all_tables t
 JOIN pg_catalog.pg_sandbox_namespace n ON n.nspname = t.schema_name
 JOIN pg_catalog.pg_sandbox_class c ON c.relnamespace = n.oid AND c.relname = t.table_name
 JOIN pg_catalog.pg_constraint p ON p.conrelid = c.oid AND p.contype = 'p'
 CROSS JOIN LATERAL pg_catalog.unnest(p.conkey) WITH ORDINALITY AS k(number, place)
 JOIN pg_catalog.pg_sandbox_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
 WHERE t.database_name = {0} AND t.schema_name = {1} AND t.table_name = {2}"""

# Words of the statement -> its SELECT, how many parts its name has, what LIKE compares, what orders it.
_FORMS: dict[tuple[str, ...], tuple[str, int, str, str]] = {
    ("DATABASES",): (_DATABASES, 0, "database_name", "database_name"),
    ("SCHEMAS", "FROM", "DATABASE"): (_SCHEMAS, 1, "schema_name", "schema_name"),
    ("TABLES", "FROM", "SCHEMA"): (_TABLES, 2, "t.table_name", "t.table_name"),
    ("COLUMNS", "FROM", "TABLE"): (_COLUMNS, 3, "column_name", "ordinal_position"),
    ("CONSTRAINTS", "PRIMARY", "KEYS", "FROM", "TABLE"): (_PRIMARY_KEYS, 3, "", "k.place"),
}


def translate_show_catalog(tokens: list[Token], database: str, *, case_sensitive: bool) -> str | None:
    """SQL for one of the forms above; None if it is none of them. `tokens` are the meaningful ones, SHOW first."""
    words = tuple(token.word for token in tokens[1:])
    for form, (select, parts, liked, order) in _FORMS.items():
        if words[: len(form)] == form:
            rest = tokens[1 + len(form) :]
            names, after = qualified_name(rest, 0, keep_case=case_sensitive) if parts else ([], 0)
            if len(names) < parts:  # the database may be left out: it is the session's own then
                names = [database, *names]
            if len(names) != parts:
                raise _syntax(rest[after] if after < len(rest) else None)
            sql = select.format(*(quote_literal(name) for name in names))
            return sql + _tail(rest[after:], liked, order)
    return None


def _tail(tokens: list[Token], liked: str, order: str) -> str:
    """[LIKE 'pattern'] [LIMIT n]"""
    sql, position = "", 0
    if liked and [token.word for token in tokens[:1]] == ["LIKE"]:
        if len(tokens) < 2 or tokens[1].kind is not Kind.STRING:
            raise _syntax(tokens[1] if len(tokens) > 1 else None)
        sql, position = f" AND {liked} LIKE {tokens[1].text}", 2
    sql += f" ORDER BY {order}"
    if [token.word for token in tokens[position : position + 1]] == ["LIMIT"]:
        if len(tokens) < position + 2 or not tokens[position + 1].text.isdecimal():
            raise _syntax(tokens[position + 1] if len(tokens) > position + 1 else None)
        sql, position = f"{sql} LIMIT {tokens[position + 1].text}", position + 2
    if position < len(tokens):
        raise _syntax(tokens[position])
    return sql


def _syntax(token: Token | None) -> SqlError:
    return SqlError("42601", f'syntax error at or near "{token.text}"' if token else "syntax error at end of input")
