"""Clients of others, unchanged: psql and the AWS Python driver."""

from __future__ import annotations

import datetime as dt
import decimal
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import redshift_connector
from gateway_world import PASSWORD, USER, World
from test_gateway_unload_path import UNLOAD


def psql(world: World, *arguments: str, script: str = "") -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    target = (
        f"host=localhost port={world.port} dbname=dev user='{USER}' sslmode=verify-full sslrootcert={world.authority}"
    )
    return subprocess.run(
        ["psql", "-X", "-w", target, *arguments], input=script, text=True, capture_output=True, timeout=60,
        env=environment | {"PGPASSWORD": PASSWORD, "LC_ALL": "C.UTF-8"},
    )  # fmt: skip


def test_psql_runs_a_script(world: World) -> None:
    done = psql(world, "-At", script=f"SELECT 'a\\\\b', 'ä';\n\\echo done\nSHOW query_group;\n{UNLOAD};\n")
    assert (done.returncode, done.stdout) == (0, "a\\b|ä\ndone\nunset\nUNLOAD\n")
    assert "INFO:  UNLOAD completed, 5 record(s) unloaded successfully." in done.stderr


def test_psql_reports_errors_and_stops(world: World) -> None:
    done = psql(world, "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", "-c", "SELECT E'a'")
    assert done.returncode == 1
    assert 'ERROR:  42704: type "e" does not exist' in done.stderr


def test_psql_describes_a_result(world: World) -> None:
    done = psql(world, "-At", script="SELECT 1::bigint AS a, 'x'::varchar(5) AS b \\gdesc\n")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def driver(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    # The driver trusts its own bundle and OpenSSL's default file.
    monkeypatch.setenv("SSL_CERT_FILE", str(world.authority))
    connection = redshift_connector.connect(
        host="localhost", port=world.port, database="dev", user=USER, password=PASSWORD, ssl=True,
        sslmode="verify-full",
    )  # fmt: skip
    yield connection
    connection.close()


def test_redshift_connector_types_and_parameters(driver: Any) -> None:
    cursor = driver.cursor()
    cursor.execute(
        "SELECT %s::int, %s::varchar(9), 1.25::decimal(9,2), date '2024-02-29', timestamp '2024-01-02 03:04:05.678901',"
        " true, NULL::int, 1.5::float8", (7, "x'\\y")
    )  # fmt: skip
    assert cursor.fetchone() == [
        7, "x'\\y", decimal.Decimal("1.25"), dt.date(2024, 2, 29), dt.datetime(2024, 1, 2, 3, 4, 5, 678901),
        True, None, 1.5,
    ]  # fmt: skip


def test_redshift_connector_catalog_and_transactions(world: World, driver: Any, schema: str) -> None:
    world.admin(f'GRANT CREATE ON SCHEMA {schema} TO "{USER}"')
    cursor = driver.cursor()
    cursor.execute(f"CREATE TABLE {schema}.t (a int) DISTSTYLE EVEN")
    cursor.executemany(f"INSERT INTO {schema}.t VALUES (%s)", [(1,), (2,)])
    driver.rollback()
    cursor.execute("SELECT count(*) FROM svv_all_tables WHERE schema_name = %s", (schema,))
    assert cursor.fetchone() == [0]
    driver.commit()
    driver.autocommit = True
    cursor.execute("SELECT version()")
    assert cursor.fetchone()[0].endswith("\0")


def test_redshift_connector_unloads(driver: Any) -> None:
    cursor = driver.cursor()
    for _ in range(2):  # the driver keeps its prepared statements
        cursor.execute(UNLOAD)
        cursor.execute("SELECT pg_last_unload_count()")
        assert cursor.fetchone() == [5]
    cursor.execute("UNLOAD ('SELECT 1') TO 's3://b/p/'")
    cursor.execute("SELECT pg_last_unload_count()")
    assert cursor.fetchone() == [1]
    driver.commit()


def test_redshift_connector_error_then_rollback(driver: Any) -> None:
    cursor = driver.cursor()
    with pytest.raises(redshift_connector.error.ProgrammingError) as caught:
        cursor.execute("SELECT * FROM nothing")
    assert caught.value.args[0]["C"] == "42P01"
    driver.rollback()
    cursor.execute("SELECT 1")
    assert cursor.fetchone() == [1]
