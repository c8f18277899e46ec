"""An administrator's Redshift SQL, run directly on the private PostgreSQL."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from redshift_sandbox.gateway.dialect import Dialect, translate
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
        for statement in translate(redshift_sql, Dialect(superuser=user is None, database=database)):
            cursor = connection.execute(statement.sql.encode())
            rows = cursor.fetchall() if cursor.description is not None else []
    return rows
