"""AWS's JDBC driver as a Java program uses it: what it asks of the catalog, values, transactions, cancel."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from programs import CLIENTS, run_program
from redshift_sandbox.serverless_fixture import RedshiftServerless

Facts = list[list[str]]
_JAR = CLIENTS / "jdbc" / "redshift-jdbc42.jar"


@pytest.fixture(scope="session")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled program."""
    folder = tmp_path_factory.mktemp("jdbc")
    source = Path(__file__).with_name("JdbcClient.java")
    run_program(["javac", "-cp", _JAR, "-d", folder, source], {"PATH": os.environ["PATH"]})
    return folder


@pytest.fixture
def run_java(
    classes: Path, client_environment: dict[str, str], redshift_serverless: RedshiftServerless
) -> Callable[..., Facts]:  # fmt: skip
    """Runs one step of the program; the facts it printed."""
    # Java prints in the encoding of the locale.
    environment = {**client_environment, "JDBC_URL": redshift_serverless.jdbc_url, "LC_ALL": "C.UTF-8"}

    def run(*arguments: str) -> Facts:
        text = run_program(["java", "-Xshare:auto", "-cp", f"{_JAR}:{classes}", "JdbcClient", *arguments], environment)
        return [line.split("|") for line in text.splitlines()]

    return run


@pytest.fixture(scope="session")
def many(redshift_serverless: RedshiftServerless) -> None:
    """A table whose threefold product takes minutes."""
    redshift_serverless.load(
        "CREATE TABLE jdbc_many (id int); INSERT INTO jdbc_many SELECT * FROM generate_series(1, 2000)"
    )


def _told(facts: Facts, what: str) -> Facts:
    return [rest for first, *rest in facts if first == what]


def test_the_driver_reads_the_catalog(run_java: Callable[..., Facts], redshift_serverless: RedshiftServerless) -> None:
    redshift_serverless.load(
        """CREATE SCHEMA jdbc;
        CREATE TABLE jdbc.orders (id bigint IDENTITY(1, 1), "Customer" varchar(20) NOT NULL, price decimal(18, 2),
          at timestamptz, info super, PRIMARY KEY ("Customer", id));
        CREATE VIEW jdbc.prices AS SELECT price FROM jdbc.orders;
        CREATE VIEW jdbc.late AS SELECT id FROM jdbc.orders WITH NO SCHEMA BINDING"""
    )
    facts = run_java("metadata", "jdbc")
    assert _told(facts, "product") == [["Redshift", "8.0.2"]]
    assert _told(facts, "catalog") == [["dev"]]
    schemas = [name for (name,) in _told(facts, "schema")]
    assert {"jdbc", "pg_catalog", "public"} <= set(schemas) and "pg_sandbox" not in schemas
    tables, columns = _told(facts, "table"), _told(facts, "column")
    assert tables[: len(tables) // 2] == tables[len(tables) // 2 :], "with the database's name and without it"
    assert sorted(tables[: len(tables) // 2]) == [["late", "VIEW"], ["orders", "TABLE"], ["prices", "VIEW"]]
    of_table = [rest for table, *rest in columns if table == "orders"]
    assert of_table[:5] == [
        ["id", "int8", "19", "0", "NO", "NO", "1"],
        ["customer", "varchar", "20", "0", "NO", "NO", "2"],
        ["price", "numeric", "18", "2", "YES", "NO", "3"],
        ["at", "timestamptz", "35", "0", "YES", "NO", "4"],
        ["info", "super", "null", "null", "YES", "NO", "5"],
    ]
    assert [rest[:2] for table, *rest in columns if table == "late"][:1] == [["id", "int8"]]
    assert sorted(_told(facts, "key")) == [["customer", "1"], ["id", "2"]]
    assert _told(facts, "procedure") == []
    assert (_told(facts, "types"), _told(facts, "external")) == ([["true"]], [["false"]])


def test_values_have_their_java_types(run_java: Callable[..., Facts], redshift_serverless: RedshiftServerless) -> None:
    redshift_serverless.load(
        """CREATE TABLE jdbc_values (id bigint, b boolean, s smallint, i int, r real, d float8, n decimal(38, 10),
          c char(4), v varchar(20), day date, at timestamp, z timestamptz, info super,
          bytes varbyte(9), shape geometry, months interval year to month, span interval day to second, t time);
        INSERT INTO jdbc_values SELECT 1, true, 2, 3, 1.5, 2.5, 12345678901234567890.0123456789, 'ab', 'größe',
          '2024-02-29', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56Z', json_parse('{"a": [1, null]}'),
          'abc', ST_Point(1, 2), INTERVAL '1-2' YEAR TO MONTH, INTERVAL '3 days 4 hours', '12:30';
        INSERT INTO jdbc_values (id) VALUES (2)"""
    )
    facts = run_java("values", "jdbc_values")
    assert facts[:18] == [
        ["id", "int8", "1", "Long"],
        ["b", "bool", "true", "Boolean"],
        ["s", "int2", "2", "Short"],
        ["i", "int4", "3", "Integer"],
        ["r", "float4", "1.5", "Float"],
        ["d", "float8", "2.5", "Double"],
        ["n", "numeric", "12345678901234567890.0123456789", "BigDecimal"],
        ["c", "bpchar", "ab  ", "String"],
        ["v", "varchar", "größe", "String"],
        ["day", "date", "2024-02-29", "Date"],
        ["at", "timestamp", "2024-02-29 12:34:56.789012", "Timestamp"],
        ["z", "timestamptz", "2024-02-29 12:34:56+00", facts[11][3]],
        ["info", "super", '{"a": [1, null]}', "String"],
        ["bytes", "varbyte", "616263", "byte[]"],
        ["shape", "geometry", "0101000000000000000000F03F0000000000000040", "byte[]"],
        ["months", "intervaly2m", "1 years 2 mons", "RedshiftIntervalYearToMonth"],
        ["span", "intervald2s", "3 days 4 hours 0 mins 0.0 secs", "RedshiftIntervalDayToSecond"],
        ["t", "time", "12:30:00", "Time"],
    ]
    assert [value for _, _, value, _ in facts[19:]] == ["null"] * 17


def test_transactions_and_no_savepoints(run_java: Callable[..., Facts], many: None) -> None:
    assert run_java("transactions", "jdbc_steps") == [
        ["inserted", "2"],
        ["after rollback", "2"],
        ["fetched in parts", "95"],
        ["savepoint refused", "0A000", 'ERROR: SQL command "SAVEPOINT "here"" not supported.'],
        ["at the end", "2", "true"],
    ]


def test_cancel_and_time_limit(run_java: Callable[..., Facts], many: None) -> None:
    assert run_java("cancel") == [
        ["cancelled", "57014", "ERROR: Query (N) canceled on user's request"],
        ["timed out", "57014", "ERROR: Query (N) canceled on user's request"],
        ["goes on", "2000"],
    ]
