"""G5: A failed or interrupted sync leaves the destination as it was and the bucket clean, or names what is left.

What goes wrong on our own side (destination, ledger, configuration) and with the tables themselves, one test for each:
it is overcome, or it is told with its code and a remedy; and the next run recovers.
"""

from __future__ import annotations

import ctypes
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from followed import Followed
from harness import Harness, wait_for

pytestmark = pytest.mark.faults
HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("SELECT 1")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def followed(harness: Harness) -> Followed:
    return Followed(harness)


def small_files(bytes_max: int) -> Callable[[], None]:
    """No file may grow beyond this: what a full disk is to a program."""

    def before_exec() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, bytes_max))

    return before_exec


def mere_mortal() -> None:
    """Root without its right to pass over the modes of files: what any other user is."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        if libc.prctl(24, capability, 0, 0, 0) != 0:  # PR_CAPBSET_DROP
            raise OSError(ctypes.get_errno(), "prctl")


# -- the DuckDB file ----------------------------------------------------------------------------------


def test_destination_full(followed: Followed) -> None:
    size = followed.harness.warehouse.stat().st_size
    many = "SELECT 1000 + i, 'a', i, false, TIMESTAMP '2026-02-01' FROM generate_series(1, 60000) i"
    followed.harness.source(f"INSERT INTO {followed.table} {many}")
    followed.ends_in_error("no_space", preexec_fn=small_files(size + 16_384))
    followed.recovers()


def holder(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def let_go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None and process.stdout is not None
    process.stdin.close()
    process.wait(timeout=30)
    process.stdout.close()


def test_destination_locked(followed: Followed) -> None:
    process = holder(followed.harness.warehouse)
    try:
        finished = followed.harness.run("sync", "--json")
    finally:
        let_go(process)
    error = followed.error_of(finished)
    assert (finished.exit_code, error["code"]) == (1, "conflict"), finished
    assert "warehouse.duckdb" in error["subject"] + error["message"] and error["remedy"], error
    followed.is_unharmed()
    followed.recovers()


def test_destination_gone_is_built_anew(followed: Followed) -> None:
    """Somebody deleted the file: with it went the watermark, so everything is read again."""
    followed.harness.warehouse.unlink()
    stream = followed.ends_right()
    assert stream["counts"]["inserted"] == followed.harness.source_count(followed.table)
    followed.ends_right()


def test_destination_whose_folder_is_gone(followed: Followed) -> None:
    aside = followed.harness.warehouse
    followed.harness.settings["destination"]["path"] = str(followed.harness.folder / "no" / "such" / "folder.duckdb")
    finished = followed.harness.run("sync", "--json")
    error = followed.error_of(finished)
    assert finished.exit_code in (1, 2) and error["remedy"], finished
    assert "folder" in error["subject"] + error["message"] + error["remedy"], error
    followed.is_unharmed()
    followed.harness.settings["destination"]["path"] = str(aside)
    followed.recovers()


def test_destination_that_may_not_be_written(followed: Followed) -> None:
    followed.harness.warehouse.chmod(0o444)
    try:
        followed.ends_in_error("permission", "warehouse.duckdb", preexec_fn=mere_mortal)
    finally:
        followed.harness.warehouse.chmod(0o644)
    followed.recovers()


# -- the ledger ---------------------------------------------------------------------------------------


def ledger_of(followed: Followed) -> Path:
    return followed.harness.folder / ".sluice" / f"{followed.harness.name}.ledger"


def without_side_files(ledger: Path) -> None:
    for suffix in ("-wal", "-shm"):
        Path(str(ledger) + suffix).unlink(missing_ok=True)


def test_ledger_deleted(followed: Followed) -> None:
    """The truth stands at the destination: the sync goes on from its watermark."""
    shutil.rmtree(ledger_of(followed).parent)
    stream = followed.ends_right()
    assert stream["counts"]["updated"] == 1 and stream["counts"]["inserted"] == 1
    assert ledger_of(followed).exists()


@pytest.mark.parametrize("how", ["junk", "cut", "damaged"])
def test_ledger_corrupted(followed: Followed, how: str) -> None:
    ledger = ledger_of(followed)
    without_side_files(ledger)
    kept = bytearray(ledger.read_bytes())
    if how == "junk":
        kept = bytearray(b"this is no ledger " * 500)
    elif how == "cut":
        kept = kept[: len(kept) // 2]
    else:
        kept[100 : len(kept)] = bytes(len(kept) - 100)
    ledger.write_bytes(kept)
    error = followed.ends_in_error("corrupt", ".ledger")
    assert "move" in error["remedy"].lower(), error
    assert ledger.read_bytes() == bytes(kept), "evidence is not overwritten"
    ledger.rename(ledger.with_suffix(".away"))
    without_side_files(ledger)
    followed.recovers()


def test_ledger_emptied_is_as_good_as_none(followed: Followed) -> None:
    ledger = ledger_of(followed)
    without_side_files(ledger)
    ledger.write_bytes(b"")
    followed.ends_right()


def test_ledger_read_only(followed: Followed) -> None:
    """Nothing may be unloaded whose prefix cannot be noted first."""
    ledger = ledger_of(followed)
    without_side_files(ledger)
    ledger.chmod(0o444)
    ledger.parent.chmod(0o555)
    try:
        error = followed.ends_in_error("permission", ".ledger", preexec_fn=mere_mortal)
        assert followed.unloads() == 0
        assert error["remedy"]
    finally:
        ledger.parent.chmod(0o755)
        ledger.chmod(0o644)
    followed.recovers()


def test_ledger_on_a_full_disk(followed: Followed) -> None:
    finished = followed.harness.run("sync", "--json", preexec_fn=small_files(512))
    error = followed.error_of(finished)
    assert (finished.exit_code, error["code"]) == (1, "no_space"), finished
    followed.is_unharmed()
    assert followed.unloads() == 0
    followed.recovers()


def test_ledger_of_another_time(followed: Followed) -> None:
    """The machine's clock was a year ahead once: what was noted then must not confuse what comes now."""
    with sqlite3.connect(ledger_of(followed)) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for _, column, kind, *_ in connection.execute(f'PRAGMA table_info("{table}")').fetchall():
                if kind.upper().startswith("INT") and any(part in column for part in ("began", "ended", "at", "seen")):
                    change = f'"{column}" = "{column}" * 2 WHERE "{column}" > 1000000000'
                    connection.execute(f'UPDATE "{table}" SET {change}')
    connection.close()
    followed.ends_right()
    assert followed.harness.run("history", "--json").exit_code == 0


# -- the configuration ----------------------------------------------------------------------------------


def test_a_stream_added_leaves_the_others_alone(followed: Followed) -> None:
    followed.harness.settings["streams"].append({"table": "tpch.nation", "sync_mode": "full_refresh"})
    stream = followed.ends_right()
    assert stream["counts"]["inserted"] == 1 and stream["counts"]["updated"] == 1
    assert followed.harness.tables()["tpch.nation"] == 25


def test_a_stream_removed_keeps_its_table(followed: Followed) -> None:
    settings = followed.harness.settings
    settings["streams"].append({"table": "tpch.nation", "sync_mode": "full_refresh"})
    followed.ends_right()
    settings["streams"] = settings["streams"][:1]
    followed.shop.put(4, 44)
    followed.ends_right()
    assert followed.harness.tables()["tpch.nation"] == 25
    status = followed.harness.run("status", "--json")
    assert status.exit_code == 0, status


def test_a_stream_that_comes_back_goes_on_from_its_watermark(followed: Followed) -> None:
    settings = followed.harness.settings
    settings["streams"] = [{"table": "tpch.nation", "sync_mode": "full_refresh"}]
    followed.harness.sync()
    settings["streams"] = [followed.shop.stream]
    stream = followed.ends_right()
    assert (stream["counts"]["inserted"], stream["counts"]["updated"]) == (1, 1)


# -- the tables ------------------------------------------------------------------------------------------


def test_a_cursor_that_went_backwards_is_told(followed: Followed) -> None:
    """The source was restored from a backup: what changes now is stamped below the watermark."""
    followed.ends_right()
    followed.harness.source(f"UPDATE {followed.table} SET changed = changed - interval '400 days', n = n + 1")
    followed.before = followed.harness.fingerprint()
    followed.ends_in_error("conflict", "--full")
    followed.recovers("--full")
    followed.shop.second = 50
    followed.harness.source(f"UPDATE {followed.table} SET changed = changed + interval '1 second', n = n + 1")
    followed.ends_right()


def test_a_table_emptied_is_asked_about(harness: Harness) -> None:
    followed = Followed(harness, rows=120, deletes={"key_scan": "0s"})  # where a share of rows means something
    harness.source(f"DELETE FROM {followed.table}")
    error = followed.ends_in_error("conflict")
    assert "--allow-deletes" in error["remedy"], error
    followed.recovers("--allow-deletes")
    assert harness.tables()[followed.table] == 0
    followed.shop.put(1, 1)
    followed.ends_right()


def test_a_table_emptied_keeps_its_rows_where_deletes_are_not_followed(followed: Followed) -> None:
    followed.ends_right()
    rows = followed.shop.rows_there()
    followed.harness.source(f"TRUNCATE {followed.table}")
    followed.harness.sync()
    assert followed.shop.rows_there() == rows
    followed.leaves_nothing()
    followed.shop.put(2000, 5)
    followed.harness.sync()
    assert len(followed.shop.rows_there()) == len(rows) + 1


def test_a_table_emptied_and_read_whole(harness: Harness) -> None:
    followed = Followed(harness, sync_mode="full_refresh", write_mode="overwrite")
    harness.source(f"TRUNCATE {followed.table}")
    followed.ends_right()
    assert harness.tables()[followed.table] == 0
    followed.shop.put(1, 1)
    followed.ends_right()


def test_a_table_dropped_is_told_and_its_rows_stay(followed: Followed) -> None:
    harness = followed.harness
    harness.source(f"ALTER TABLE {followed.table} RENAME TO {followed.table.split('.')[1]}_aside")
    followed.ends_in_error("not_found", followed.table)
    harness.source(f"ALTER TABLE {followed.table}_aside RENAME TO {followed.table.split('.')[1]}")
    followed.recovers()


@pytest.mark.parametrize("keys_compared", [True, False])
def test_a_table_made_again_with_fewer_columns(harness: Harness, keys_compared: bool) -> None:
    deletes = {"key_scan": "0s", "max_percent": 100} if keys_compared else "none"
    followed = Followed(harness, deletes=deletes)
    followed.ends_right()
    table, shop = followed.table, followed.shop
    harness.source(f"DROP TABLE {table}")
    harness.source(f"CREATE TABLE {table} (id bigint, part text, gone boolean, changed timestamp)")
    harness.source(f'GRANT SELECT ON {table} TO "{harness.sandbox.facts.role_db_user}"')
    stamp = f"TIMESTAMP '2026-01-01 00:00:00' + interval '{shop.second + 5} seconds'"
    rows = ", ".join(f"({row}, false, {stamp})" for row in ("1, 'b'", "2, 'a'", "500, 'a'"))
    harness.source(f"INSERT INTO {table} VALUES {rows}")
    shop.judge(harness.sync())
    there = {row[0]: row for row in harness.query(f"SELECT id, part, n, gone, changed FROM {table}")}
    here = harness.source(f"SELECT id, part, gone, changed FROM {table} ORDER BY 1")
    for number, part, gone, changed in here:
        kept, written = there[number][2], (there[number][0], there[number][1], there[number][3], there[number][4])
        assert written == (number, part, gone, changed)
        assert kept is None, "a dropped column stays, and is null where rows are written again"
    if keys_compared:
        assert sorted(there) == [1, 2, 500]
    else:
        assert set(there) > {1, 2, 500}
    followed.leaves_nothing()
    harness.source(f"INSERT INTO {table} VALUES (501, 'b', false, {stamp} + interval '1 second')")
    shop.judge(harness.sync())
    assert harness.query(f"SELECT count(*) FROM {table} WHERE id = 501") == [(1,)]


def test_a_table_made_again_while_it_is_read(followed: Followed) -> None:
    """DROP and CREATE come in the middle of an UNLOAD, and wait for its transaction: it reads the old table whole, and
    the next sync the new one."""
    harness, shop, table = followed.harness, followed.shop, followed.table
    old = shop.rows_here()
    followed.fault("unload.slow_per_file", None, seconds=0.5)
    process = harness.start("sync", "--json")
    wait_for(lambda: any(key.endswith(".parquet") for key in harness.objects()), "the first part")
    columns = "id bigint, part text, n numeric(12,2), gone boolean, changed timestamp"
    again = f"DROP TABLE {table}; CREATE TABLE {table} ({columns}); GRANT SELECT ON {table} TO PUBLIC"
    remade = threading.Thread(target=harness.source, args=(again,))
    remade.start()
    finished = harness.finish(process)
    remade.join()
    assert finished.exit_code == 0, finished
    assert shop.rows_there() == old
    followed.leaves_nothing()
    shop.put(3, 77)
    followed.harness.sandbox.faults.clear()
    assert shop.sync()["counts"]["updated"] == 1
    assert harness.query(f"SELECT n FROM {table} WHERE id = 3") == [(77,)]


def test_two_syncs_at_once(followed: Followed) -> None:
    """The second says who holds it, and harms nothing."""
    harness = followed.harness
    harness.sandbox.faults.set("unload.slow_per_file", args={"seconds": 3})
    first = harness.start("sync", "--json")
    wait_for(lambda: followed.unloads() > 0, "UNLOAD")
    second = harness.run("sync", "--json")
    error = followed.error_of(second)
    assert (second.exit_code, error["code"]) == (1, "conflict"), second
    assert str(first.pid) in error["message"] + error["subject"], error
    assert harness.finish(first).exit_code == 0
    followed.recovers()
