"""`SELECT *` of a user with rights on some columns only: Redshift returns those columns, PostgreSQL refuses the query.

https://docs.aws.amazon.com/redshift/latest/dg/r_GRANT-usage-notes.html. Done for the plain form, `SELECT * FROM
schema.table` with the clauses of one table; with a join or an alias PostgreSQL's error stays. Tables and grants of the
session's open transaction are not seen.
"""

from __future__ import annotations

import threading
from typing import Any

import psycopg

from redshift_sandbox.gateway.tokens import Kind, Token, meaningful, qualified_name, quote_name
from redshift_sandbox.pg import Postgres

# Nothing if the user may read the whole table, or none of it.
_PERMITTED = """SELECT a.attname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
   AND NOT pg_catalog.has_table_privilege(%(user)s, c.oid, 'SELECT')
   AND pg_catalog.has_column_privilege(%(user)s, c.oid, a.attnum, 'SELECT') ORDER BY a.attnum"""


class ColumnRights:
    """Thread-safe. Keeps one administrator's connection for each database that it was asked about."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._mutex = threading.Lock()
        self._connections: dict[str, psycopg.Connection[Any]] = {}

    def shrink(self, tokens: list[Token], user: str, database: str, *, case_sensitive: bool) -> None:
        """Replaces the star in `tokens` by the permitted columns, in place."""
        main = meaningful(tokens)
        named = _star_of(main, case_sensitive)
        if named is None:
            return
        columns = self._permitted(user, database, *named)
        if columns:
            # Quoted: the spelling of the catalog must not be changed to lower case.
            main[1].kind, main[1].text = Kind.OTHER, ", ".join(quote_name(column) for column in columns)

    def close(self) -> None:
        with self._mutex:
            for connection in self._connections.values():
                connection.close()
            self._connections.clear()

    def _permitted(self, user: str, database: str, schema: str, table: str) -> list[str]:
        with self._mutex:
            connection = self._connections.get(database)
            if connection is None or connection.closed:
                connection = self._connections[database] = self._postgres.admin(database)
            found = connection.execute(_PERMITTED, {"schema": schema, "table": table, "user": user}).fetchall()
        return [column for (column,) in found]


def _star_of(main: list[Token], case_sensitive: bool) -> tuple[str, str] | None:
    """Schema and table of `SELECT * FROM [database.]schema.table ...`, if nothing is joined to it."""
    if len(main) < 6 or main[0].word != "SELECT" or main[1].text != "*" or main[2].word != "FROM":
        return None
    names, position = qualified_name(main, 3, keep_case=case_sensitive)
    follows = main[position].word if position < len(main) else "LIMIT"
    if len(names) not in (2, 3) or follows not in ("WHERE", "ORDER", "LIMIT", "OFFSET"):
        return None
    return names[-2], names[-1]
