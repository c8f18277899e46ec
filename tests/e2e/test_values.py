"""G8: Every value arrives as the source has it.

TPC-H at scale 0.1 and every plain type at its edges, PostgreSQL against the DuckDB file. Both sides are
read as canonical text that each database makes itself, so that no client's conversion can hide a change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from harness import Harness
from redshift_sandbox import account
from redshift_sandbox.data.dataset import TableName
from redshift_sandbox.world import Options, Sandbox
from scene import Scene
from value_text import in_order, quoted, source_rows, target_rows

from destinations import LakeAt, Postgres

pytestmark = pytest.mark.types


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    with Sandbox(Options(tmp_path_factory.mktemp("values"), data="tpch:0.1,types")) as sandbox:
        harness = Harness(sandbox, tmp_path_factory.mktemp("connection"), "values").all_tables()
        harness.sync()
        yield harness


def compare(table: object, got: pa.Table, expected: pa.Table) -> int:
    """How many values were compared; fails naming the first that differs."""
    got, expected = in_order(got), in_order(expected)
    assert got.column_names == expected.column_names, table
    assert got.num_rows == expected.num_rows, table
    for name in expected.column_names:
        if not got[name].equals(expected[name].cast(pa.string())):
            at = next(i for i in range(got.num_rows) if got[name][i] != expected[name][i])
            pytest.fail(f"{table}.{name} row {at}: got {got[name][at]}, source has {expected[name][at]}")
    return int(expected.num_rows * expected.num_columns)


def test_every_value_of_every_table(synced: Harness) -> None:
    compared = 0
    with (
        synced.sandbox.postgres.admin(account.DATABASE) as source,
        duckdb.connect(str(synced.warehouse), read_only=True) as target,
    ):
        target.execute("SET TimeZone = 'UTC'")
        for table in synced.sandbox.facts.tables:
            got = target_rows(target, table.schema, table.table)
            compared += compare(table, got, source_rows(source, table.schema, table.table))
    assert compared > 10_000_000, "scale 0.1 holds more values than that"


def test_every_value_in_postgresql(connect: Callable[..., Harness]) -> None:
    harness = connect(destination="postgres").all_tables()
    harness.sync()
    assert isinstance(harness.destination, Postgres)
    with (
        harness.sandbox.postgres.admin(account.DATABASE) as source,
        harness.destination.server.connect(harness.destination.database) as target,
    ):
        for table in harness.sandbox.facts.tables:
            got = source_rows(target, table.schema, table.table)
            compare(table, got, source_rows(source, table.schema, table.table))


@pytest.mark.parametrize("kind", ["lake", "lake-s3"])
def test_every_value_in_a_lake(connect: Callable[..., Harness], kind: str) -> None:
    harness = connect(destination=kind).all_tables()
    harness.sync()
    assert isinstance(harness.destination, LakeAt)
    with harness.sandbox.postgres.admin(account.DATABASE) as source:
        for table in harness.sandbox.facts.tables:
            got = lake_rows(harness.destination, table)
            compare(table, got, source_rows(source, table.schema, table.table))


def lake_rows(destination: LakeAt, table: TableName) -> pa.Table:
    """As docs/LAKE.md tells a reader: the files of the newest commit, by name, each cast to its type."""
    commit = destination.lake.commit(table.schema, table.table)
    assert commit is not None, table
    home = destination.lake.home(table.schema, table.table)
    with (
        duckdb.connect() as connection,
        destination.lake.local([f"{home}/{file['path']}" for file in commit["files"]]) as paths,
    ):
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE SCHEMA {quoted(table.schema)}")
        name = f"{quoted(table.schema)}.{quoted(table.table)}"
        columns = ", ".join(f"{quoted(c['name'])} {c['type']}" for c in commit["columns"])
        connection.execute(f"CREATE TABLE {name} ({columns})")
        if paths:
            files = [str(path) for path in paths]
            connection.execute(
                f"INSERT INTO {name} BY NAME SELECT * FROM read_parquet(?, union_by_name = true,"
                " hive_partitioning = false, binary_as_string = true)", [files],
            )  # fmt: skip
        return target_rows(connection, table.schema, table.table)


@pytest.mark.parametrize(
    "table", ["nation", "region", "part", "supplier", "partsupp", "customer", "orders", "lineitem"]
)
def test_tpch_is_there(synced: Harness, table: str) -> None:
    assert synced.tables()[f"tpch.{table}"] > 0


def test_types_become_what_the_documentation_says(synced: Harness, tmp_path: Path) -> None:
    kinds = dict(
        synced.query(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'tpch' AND table_name = 'lineitem'"
        )
    )
    assert kinds["l_orderkey"] == "BIGINT"
    assert kinds["l_quantity"] == "DECIMAL(15,2)"
    assert kinds["l_shipdate"] == "DATE"
    assert kinds["l_comment"] == "VARCHAR"


def test_types_that_parquet_does_not_take_arrive_as_well(make_scene: Callable[..., Scene]) -> None:
    """By an expression in the statement; a sketch has none, and is refused by its column's name."""
    scene = make_scene("rare", "role")
    point = "0101000000000000000000F03F0000000000000040"
    scene.harness.settings["streams"] = [{"table": f"{scene.schema}.rare"}]
    scene.sql(
        f"""CREATE TABLE {scene.schema}.rare (id int IDENTITY(5, 2), bytes varbyte(9), shape geometry, place geography,
        months interval year to month, span interval day to second, at time, till timetz, big decimal(38, 0));
        INSERT INTO {scene.schema}.rare (bytes, shape, place, months, span, at, till, big) VALUES
        ('a\\\\\\\\b', ST_Point(1, 2),
        '{point}', '1 year 2 months', '3 days 4 hours', '12:30', '12:30:00+02', {"9" * 38});
        INSERT INTO {scene.schema}.rare (bytes) VALUES (NULL)"""
    )
    scene.grant()
    scene.harness.sync()
    rows = scene.harness.query(f"SELECT * FROM {scene.schema}.rare ORDER BY id")
    first = [value.hex() if isinstance(value, bytes) else str(value) for value in rows[0]]
    assert first == [
        "5", "615c62", first[2], first[3], "1 year 2 mons", "3 days 04:00:00", "12:30:00", first[7], "9" * 38,
    ]  # fmt: skip
    assert [value.upper() for value in first[2:4]] == [point, point]
    assert first[7].startswith("10:30:00"), "in UTC"
    assert rows[1][0] == 7 and set(rows[1][1:]) == {None}
    scene.sql(f"ALTER TABLE {scene.schema}.rare ADD COLUMN seen hllsketch")
    finished = scene.harness.run("sync", "--json", "--full")
    assert finished.exit_code != 0
    assert "seen" in finished.stdout and "hllsketch" in finished.stdout.lower()
