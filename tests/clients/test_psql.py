"""psql 15 as people use it to look around.

It takes the server for a PostgreSQL 9.2 or later, because it no longer knows older ones, and Redshift's catalog is that
of release 8.0. So lists of tables, views and schemas work, and what asks for newer columns fails. For `\\l` that is
reported by others (https://github.com/npgsql/efcore.pg/issues/1885 has the same column); for the rest the error is
assumed from the catalog of release 8.0.
"""

from __future__ import annotations

import os

import pytest
from programs import run_program
from redshift_sandbox.serverless_fixture import RedshiftServerless


@pytest.fixture(scope="session")
def environment(redshift_serverless: RedshiftServerless) -> dict[str, str]:
    redshift_serverless.load(
        """CREATE TABLE psql_orders (id bigint, price decimal(18, 2)); CREATE VIEW psql_prices AS
        SELECT price FROM psql_orders"""
    )
    return {
        "PATH": os.environ["PATH"], "PGPASSWORD": redshift_serverless.password, "PGUSER": redshift_serverless.user,
        "PGHOST": redshift_serverless.host, "PGPORT": str(redshift_serverless.port), "PGDATABASE": "dev",
        "PGSSLMODE": "verify-full", "PGSSLROOTCERT": redshift_serverless.ca_file, "PGCLIENTENCODING": "UTF8",
    }  # fmt: skip


def _psql(command: str, environment: dict[str, str], *, fails: bool = False) -> str:
    return run_program(["psql", "-X", "-At", "-v", "ON_ERROR_STOP=1", "-c", command], environment, fails=fails)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (r"\dt psql*", "public|psql_orders|table|IAM:developer\n"),
        (r"\dv psql*", "public|psql_prices|view|IAM:developer\n"),
        (r"\dn pub*", "public|rdsdb\n"),
    ],
)
def test_psql_lists(environment: dict[str, str], command: str, told: str) -> None:
    assert _psql(command, environment) == told


def test_psql_lists_everything(environment: dict[str, str]) -> None:
    listed = _psql(r"\d", environment).splitlines()
    assert "public|psql_orders|table|IAM:developer" in listed and "public|psql_prices|view|IAM:developer" in listed
    assert not [line for line in listed if "sandbox" in line]
    schemas = _psql(r"\dn", environment).splitlines()
    assert "public|rdsdb" in schemas and not [line for line in schemas if "sandbox" in line]


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (r"\l", 'column "datcollate" does not exist in pg_database'),
        (r"\d psql_orders", 'column "relhastriggers" does not exist in pg_class'),
        (r"\dp", 'type "e" does not exist'),
        (r"\df", 'column "proiswindow" does not exist in pg_proc, pg_namespace'),
        (r"\du", 'relation "pg_catalog.pg_auth_members" does not exist'),
    ],
)
def test_psql_asks_for_what_redshift_lacks(environment: dict[str, str], command: str, error: str) -> None:
    assert f"ERROR:  {error}" in _psql(command, environment, fails=True)
