"""An administrator's Redshift SQL, run directly on the private PostgreSQL."""

from __future__ import annotations

from typing import Any

from redshift_sandbox.gateway.dialect import Dialect, translate
from redshift_sandbox.pg import Postgres


def admin_execute(postgres: Postgres, redshift_sql: str, database: str = "dev") -> list[tuple[Any, ...]]:
    """Rows of the last statement, [] if it has none. Throws SqlError from translation, psycopg.Error from
    PostgreSQL. Statements run one by one, each in a transaction of its own unless they say BEGIN."""
    rows: list[tuple[Any, ...]] = []
    with postgres.admin(database) as connection:
        for statement in translate(redshift_sql, Dialect(superuser=True)):
            cursor = connection.execute(statement.sql.encode())
            rows = cursor.fetchall() if cursor.description is not None else []
    return rows
