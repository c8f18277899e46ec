"""An administrator's Redshift SQL, run directly on the private PostgreSQL."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from redshift_sandbox.gateway.dialect import Dialect, translate_statement
from redshift_sandbox.gateway.long_names import KEEP, shorten
from redshift_sandbox.gateway.tokens import split_statements, tokenize
from redshift_sandbox.pg import Postgres
from redshift_sandbox.pg.postgres import ADMIN


def admin_execute(
    postgres: Postgres, redshift_sql: str, database: str = "dev", *, user: str | None = None
) -> list[tuple[Any, ...]]:
    """The rows of the last statement, [] if it has none. Throws SqlError from the translation, before anything has
    run, and psycopg.Error from PostgreSQL. Statements run one by one, each in its own transaction unless they say
    BEGIN. They run as the namespace's administrator, or as another existing `user`, who then owns what he
    creates."""
    rows: list[tuple[Any, ...]] = []
    with psycopg.connect(postgres.dsn(user=ADMIN, database=database), autocommit=True) as connection:
        if user is not None:
            connection.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(user)))
        statements = split_statements(tokenize(redshift_sql))
        names = {k: v for tokens in statements for k, v in shorten(tokens, case_sensitive=False).items()}
        dialect = Dialect(superuser=user is None, database=database)
        translated = [translate_statement(tokens, dialect) for tokens in statements]
        for pair in names.items():
            connection.execute(KEEP, pair)
        for statement in translated:
            cursor = connection.execute(statement.sql.encode())
            rows = cursor.fetchall() if cursor.description is not None else []
    return rows
