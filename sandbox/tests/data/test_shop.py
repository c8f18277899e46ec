"""The shop's writer: its model equals the tables, and the same seed makes the same changes."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

from redshift_sandbox import account
from redshift_sandbox.data import shop_rows
from redshift_sandbox.data.shop import KINDS, ShopWriter
from redshift_sandbox.testing import RunningSandbox, fresh_name

Prefix = Callable[[], str]
EVERYTHING = dict.fromkeys(KINDS, 1.0)


def writer_of(sandbox: RunningSandbox, seed: int, **options: object) -> ShopWriter:
    made = ShopWriter(sandbox.world.shop_connection, seed, fresh_name("shop_"), **options)  # type: ignore[arg-type]
    made.create([account.ROLE_DB_USER])
    return made


@pytest.mark.parametrize("seed", range(6))
def test_the_model_is_what_stands_in_the_tables(sandbox: RunningSandbox, seed: int) -> None:
    with closing(writer_of(sandbox, seed, weights=EVERYTHING if seed % 2 else None)) as shop:
        for _ in range(8):
            events = shop.run(15)
            assert shop.read().tables == shop.model.tables, "\n".join(map(str, events))
        shop.settle()
        assert shop.open_transactions == 0
        assert shop.read().tables == shop.model.tables


def test_the_same_seed_makes_the_same_changes(sandbox: RunningSandbox) -> None:
    with closing(writer_of(sandbox, 5)) as one, closing(writer_of(sandbox, 5)) as same:
        assert one.run(100) == same.run(100)
    with closing(writer_of(sandbox, 6)) as other:
        assert other.run(100) != one.run(100)


def test_every_kind_happens(sandbox: RunningSandbox) -> None:
    with closing(writer_of(sandbox, 1, weights=EVERYTHING)) as shop:
        happened = {event.kind for event in shop.run(400)}
    assert set(KINDS) <= happened, set(KINDS) - happened


def test_what_is_held_appears_late_with_its_older_stamp(sandbox: RunningSandbox) -> None:
    with closing(writer_of(sandbox, 3, weights={"insert": 1})) as shop, sandbox.connect() as reader:
        newest = f"SELECT max(updated_at), count(*) FROM {shop.schema}.orders"
        began = shop.step("hold", "orders").at
        assert shop.step("insert", "orders").puts
        before = reader.execute(newest.encode()).fetchone()
        released = shop.step("release")
        assert released.kind == "release" and released.puts
        assert {row["updated_at"] for row in released.puts} == {began}
        after = reader.execute(newest.encode()).fetchone()
        assert before is not None and after is not None
        assert began < before[0] == after[0]  # a reader that only looks above its watermark never sees them


def test_no_transaction_stays_open_longer_than_allowed(sandbox: RunningSandbox) -> None:
    with closing(writer_of(sandbox, 4, weights={"hold": 5, "insert": 5, "update": 5}, late_seconds=120)) as shop:
        releases = [event for event in shop.run(300) if event.kind == "release"]
        ages = [event.at - row["updated_at"] for event in releases for row in event.puts if row["updated_at"]]
        assert dt.timedelta(0) < max(ages) <= dt.timedelta(seconds=120)


def test_changes_without_a_cursor_value_are_marked(sandbox: RunningSandbox) -> None:
    """A reader that follows the cursor sees every event except the silent ones."""
    with closing(writer_of(sandbox, 8, weights=EVERYTHING)) as shop:
        for _ in range(200):
            before = shop.model.copy()
            event = shop.step()
            if event.silent or event.kind == "pause":
                continue
            table, old = shop.model.tables[event.table], before.tables[event.table]
            cursor = table.shape.cursor
            changed = [row for key, row in table.rows.items() if key not in old.rows or old.rows[key] != row]
            assert set(old.rows) <= set(table.rows), event
            if event.columns is None and cursor is not None and cursor not in table.shape.key:
                assert all(row[cursor] is None or row[cursor] > event.at - shop._late for row in changed), event


def test_readers_may_read_what_was_made_again(sandbox: RunningSandbox) -> None:
    with closing(writer_of(sandbox, 9)) as shop, sandbox.connect() as reader:
        event = shop.step("recreate", "customers")
        assert event.columns is not None and len(event.columns) == 6
        found = reader.execute(f"SELECT count(*) FROM {shop.schema}.customers".encode()).fetchone()
        assert found == (len(shop.model.tables["customers"].rows),)


def test_a_writer_takes_over(sandbox: RunningSandbox) -> None:
    with closing(writer_of(sandbox, 10)) as first:
        first.run(40)
        first.settle()
    with closing(ShopWriter(sandbox.world.shop_connection, 11, first.schema)) as second:
        second.adopt([account.ROLE_DB_USER])
        assert second.model.tables == first.model.tables
        second.run(40)
        assert second.read().tables == second.model.tables


def test_unknown_kinds_are_refused(sandbox: RunningSandbox) -> None:
    with pytest.raises(ValueError, match="no kinds of change: explode"):
        ShopWriter(sandbox.world.shop_connection, 1, weights={"explode": 1})


def test_super_travels_as_json(sandbox: RunningSandbox, prefix: Prefix, tmp_path: Path) -> None:
    with closing(writer_of(sandbox, 12)) as shop, sandbox.connect() as connection:
        where = prefix()
        cursor = connection.execute(f"SELECT profile FROM {shop.schema}.customers LIMIT 0".encode())
        assert cursor.description is not None and cursor.description[0].type_code == 4000
        named = f"WHERE schema_name = '{shop.schema}' AND column_name = 'profile'"
        kind = connection.execute(f"SELECT data_type FROM svv_all_columns {named}".encode()).fetchone()
        assert kind == ("super",)
        sandbox.unload(connection, f"SELECT customer_id, profile FROM {shop.schema}.customers", where)
        found = {}
        for key in sandbox.objects(where):
            if key.endswith(".parquet"):
                path = tmp_path / key.rpartition("/")[2]
                path.write_bytes(sandbox.body(key))
                assert str(parquet.ParquetFile(path).schema.column(1).logical_type) == "JSON"
                for row in parquet.read_table(path).to_pylist():
                    found[(row["customer_id"],)] = None if row["profile"] is None else json.loads(row["profile"])
        assert found == {key: row["profile"] for key, row in shop.model.tables["customers"].rows.items()}
        assert sandbox.manifest(where)["schema"]["elements"][1] == {"name": "profile", "type": {"base": "super"}}


def test_texts_fit_their_bytes() -> None:
    maker = shop_rows.RowMaker(random.Random(1))
    assert all(len(maker._text(n).encode()) <= n for n in (2, 12, 20) for _ in range(300))
