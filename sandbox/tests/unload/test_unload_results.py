# Goal: the result cache uses earlier files only while a new UNLOAD would write the same; and an UNLOAD can be
# cancelled while it reads and while it waits.

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from reading import local_parts, rows

from redshift_sandbox import account
from redshift_sandbox.testing import RunningSandbox, fault, fresh_name

Prefix = Callable[[], str]


class Table:
    """A small table; results of its UNLOADs are kept, also of short ones."""

    def __init__(self, sandbox: RunningSandbox, prefix: Prefix, folder: Path) -> None:
        self.name = fresh_name("cached")
        self._sandbox = sandbox
        self._prefix = prefix
        self._folder = folder
        sandbox.admin(f"CREATE TABLE {self.name} AS SELECT i AS id, 'v' || i AS v FROM generate_series(1, 50) AS i")
        sandbox.admin(f'GRANT SELECT ON {self.name} TO "{account.ROLE_DB_USER}"')

    def unload(self, connection: psycopg.Connection[Any], select: str | None = None) -> list[int]:
        """Inodes of the objects: the same inodes again mean that the cache gave them."""
        self.where = self._prefix()
        done = self._sandbox.unload(connection, select or f"SELECT id, v FROM {self.name}", self.where)
        store = self._sandbox.world.aws.store
        found = [store.find(store.bucket(account.BUCKET), key) for key in done.keys if key.endswith(".parquet")]
        return sorted(one.file.stat().st_ino for one in found if one is not None)

    def values(self) -> list[tuple[Any, ...]]:
        return rows(local_parts(self._sandbox, self.where, self._folder))


@pytest.fixture
def table(sandbox: RunningSandbox, prefix: Prefix, tmp_path: Path) -> Iterator[Table]:
    sandbox.world.faults.set("unload.cache", args={"min_seconds": 0})
    made = Table(sandbox, prefix, tmp_path)
    yield made
    sandbox.admin(f"DROP TABLE IF EXISTS {made.name}")


def test_unchanged_table_gives_the_same_files(sandbox: RunningSandbox, table: Table) -> None:
    with sandbox.connect() as connection:
        first = table.unload(connection)
        assert table.unload(connection) == first
        assert len(table.values()) == 50
        sandbox.admin(f"CREATE TABLE {table.name}_other (a int)")  # a transaction that writes another table
        assert table.unload(connection) == first
        sandbox.admin(f"DROP TABLE {table.name}_other")


@pytest.mark.parametrize(("change", "rows_then"), [
    ("INSERT INTO {t} VALUES (51, 'new')", 51),
    ("DELETE FROM {t} WHERE id = 7", 49),
    ("UPDATE {t} SET v = 'changed' WHERE id = 7", 50),
    ("DELETE FROM {t} WHERE id = 7; INSERT INTO {t} VALUES (7, 'again')", 50),
    ("TRUNCATE {t}; INSERT INTO {t} SELECT i, 'w' FROM generate_series(1, 50) AS i", 50),
    ("DELETE FROM {t} WHERE id = 7; VACUUM {t}", 49),
    ("ALTER TABLE {t} ALTER COLUMN v TYPE varchar(300)", 50),
])  # fmt: skip
def test_each_kind_of_change_is_seen(sandbox: RunningSandbox, table: Table, change: str, rows_then: int) -> None:
    with sandbox.connect() as connection:
        first = table.unload(connection)
        assert table.unload(connection) == first, "else this test proves nothing"
        for statement in change.format(t=table.name).split("; "):
            sandbox.admin(statement)
        assert set(table.unload(connection)).isdisjoint(first)
        assert len(table.values()) == rows_then
        expected = connection.execute(f"SELECT id, v FROM {table.name} ORDER BY 1".encode()).fetchall()
        assert table.values() == expected


def test_rolled_back_changes_do_not_matter(sandbox: RunningSandbox, table: Table) -> None:
    with sandbox.connect() as connection, sandbox.world.postgres.admin() as writer:
        writer.execute("BEGIN")
        writer.execute(f"DELETE FROM {table.name}".encode())
        for end in (None, "ROLLBACK"):
            if end is not None:
                writer.execute(end.encode())
            table.unload(connection)
            assert len(table.values()) == 50


def test_a_commit_after_an_unload_that_ran_beside_it_is_seen(sandbox: RunningSandbox, table: Table) -> None:
    with sandbox.connect() as connection, sandbox.world.postgres.admin() as writer:
        writer.execute("BEGIN")
        writer.execute(f"DELETE FROM {table.name} WHERE id > 10".encode())
        table.unload(connection)
        assert len(table.values()) == 50
        writer.execute("COMMIT")
        table.unload(connection)
        assert len(table.values()) == 10


def test_an_older_snapshot_reads_its_own_rows(sandbox: RunningSandbox, table: Table) -> None:
    with sandbox.connect() as old, sandbox.connect() as new:
        old.execute("BEGIN")
        old.execute(f"SELECT count(*) FROM {table.name}".encode())
        sandbox.admin(f"DELETE FROM {table.name} WHERE id > 10")
        table.unload(new)
        assert len(table.values()) == 10
        table.unload(old)
        assert len(table.values()) == 50
        old.execute("COMMIT")
        table.unload(old)
        assert len(table.values()) == 10


@pytest.mark.parametrize("select", [
    "SELECT id, random() AS r FROM {t}", "SELECT id, getdate() AS r FROM {t}", "SELECT id, current_user AS r FROM {t}",
    "SELECT id, sysdate AS r FROM {t}", "SELECT id, CURRENT_DATE AS r FROM {t}",
])  # fmt: skip
def test_results_that_depend_on_more_than_tables_are_not_kept(
    sandbox: RunningSandbox, table: Table, select: str
) -> None:
    with sandbox.connect() as connection:
        first = table.unload(connection, select.format(t=table.name))
        assert set(table.unload(connection, select.format(t=table.name))).isdisjoint(first)


def test_rights_are_checked_before_the_cache_answers(sandbox: RunningSandbox, table: Table) -> None:
    with sandbox.connect() as connection:
        table.unload(connection)
        sandbox.admin(f'REVOKE SELECT ON {table.name} FROM "{account.ROLE_DB_USER}"')
        with pytest.raises(psycopg.Error, match="permission denied for relation"):
            table.unload(connection)


def test_the_knob_switches_it_off(sandbox: RunningSandbox, table: Table) -> None:
    with sandbox.connect() as connection:
        first = table.unload(connection)
        with fault(sandbox, "unload.cache", {"enabled": False}):
            assert set(table.unload(connection)).isdisjoint(first)


def test_cancel_while_waiting_between_files(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    with sandbox.connect() as connection, fault(sandbox, "unload.slow_per_file", {"seconds": 60}):
        cancel = threading.Timer(0.3, connection.cancel_safe)
        cancel.start()
        with pytest.raises(psycopg.errors.QueryCanceled, match=r"Query \(\d+\) canceled on user's request"):
            sandbox.unload(connection, "SELECT * FROM tpch.orders", where)
        cancel.join()
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert sandbox.objects(where) == []


def test_cancel_while_reading(sandbox: RunningSandbox, prefix: Prefix) -> None:
    table = fresh_name("slow")
    sandbox.admin(f"CREATE TABLE {table} AS SELECT i FROM generate_series(1, 20000) AS i")
    sandbox.admin(f'GRANT SELECT ON {table} TO "{account.ROLE_DB_USER}"')
    with sandbox.connect() as connection:
        cancel = threading.Timer(0.5, connection.cancel_safe)
        cancel.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            # Four hundred million pairs: minutes, if it were not cancelled.
            select = f"SELECT count(*) AS n FROM {table} AS a, {table} AS b WHERE (a.i * b.i) % 7 = 3"
            sandbox.unload(connection, select, prefix())
        cancel.join()
    sandbox.admin(f"DROP TABLE {table}")


def test_an_error_in_mid_stream_keeps_its_code(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    with sandbox.connect() as connection, pytest.raises(psycopg.Error) as caught:
        sandbox.unload(connection, "SELECT 1 / (l_linenumber - 3) AS q FROM tpch.lineitem", where)
    assert caught.value.sqlstate == "22012"
    assert caught.value.diag.message_primary == "division by zero"
    assert sandbox.objects(where) == []


def test_statement_timeout(sandbox: RunningSandbox, prefix: Prefix) -> None:
    with sandbox.connect() as connection, fault(sandbox, "unload.slow_per_file", {"seconds": 60}):
        connection.execute("SET statement_timeout TO 500")
        with pytest.raises(psycopg.errors.QueryCanceled):
            sandbox.unload(connection, "SELECT * FROM tpch.orders", prefix())
