"""G5: A failed or interrupted sync leaves the destination as it was and the bucket clean, or names what is left.

What goes wrong between the source and us, one test for each: it is overcome, or it is told with its code and a remedy;
and the next run recovers.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from followed import Followed
from harness import CRASHING_PROGRAM, Harness
from redshift_sandbox.world import Options, Sandbox

from destinations import DuckDb

pytestmark = pytest.mark.faults
ALWAYS = None

@pytest.fixture
def followed(harness: Harness) -> Followed:
    return Followed(harness)

# -- the connection to the workgroup ----------------------------------------------------------------

def test_reset_before_unload_is_sent_again(followed: Followed) -> None:
    followed.fault("gateway.reset_before", statement="UNLOAD")
    followed.ends_right()
    assert followed.unloads() == 1, "the first never began"

def test_reset_during_unload_pays_once(followed: Followed) -> None:
    """Redshift goes on for a client that is gone; what it finishes is loaded, not read again."""
    followed.fault("unload.slow_per_file", ALWAYS, seconds=0.3)
    followed.fault("gateway.reset_during", statement="UNLOAD")
    followed.ends_right()
    assert followed.unloads() == 1

def test_reset_after_unload_pays_once(followed: Followed) -> None:
    """The server had finished and its reply was lost: the manifest is asked, not Redshift."""
    followed.fault("gateway.reset_after", statement="UNLOAD")
    followed.ends_right()
    assert followed.unloads() == 1

@pytest.mark.parametrize("when", ["before", "during", "after"])
def test_reset_around_commit_at_the_source(followed: Followed, when: str) -> None:
    """It ends a transaction that wrote nothing: whether it was committed does not matter."""
    followed.fault(f"gateway.reset_{when}", statement="COMMIT")
    followed.ends_right()
    assert followed.unloads() == 1

@pytest.mark.parametrize("statement", ["UNLOAD", "SELECT", "BEGIN"])
def test_a_connection_that_breaks_every_time_is_told(followed: Followed, statement: str) -> None:
    followed.fault("gateway.reset_before", ALWAYS, statement=statement)
    # An UNLOAD whose reply is missing may have run all the same.
    followed.ends_in_error("unreachable", in_doubt=statement == "UNLOAD")
    followed.recovers()

def test_an_unload_that_loses_its_client_every_time_leaves_nothing(followed: Followed) -> None:
    followed.fault("gateway.reset_during", ALWAYS, statement="UNLOAD")
    finished = followed.harness.run("sync", "--json")
    if finished.exit_code != 0:
        assert followed.error_of(finished)["code"] == "unreachable", finished
        assert followed.harness.fingerprint() == followed.before
    followed.recovers()

# -- conflicts with whoever writes the tables ---------------------------------------------------------

@pytest.mark.parametrize("fault", ["serializable_conflict", "relation_gone"])  # 1023, 1018
@pytest.mark.parametrize("statement", ["SELECT", "UNLOAD", "COMMIT"])
def test_a_conflict_is_overcome_by_a_new_transaction(followed: Followed, fault: str, statement: str) -> None:
    followed.fault(f"gateway.{fault}", statement=statement, match=followed.name if statement == "UNLOAD" else "")
    followed.ends_right()

@pytest.mark.parametrize("fault", ["serializable_conflict", "relation_gone"])
def test_a_conflict_every_time_is_told(followed: Followed, fault: str) -> None:
    followed.fault(f"gateway.{fault}", ALWAYS, statement="UNLOAD")
    followed.ends_in_error("conflict", followed.table)
    assert followed.unloads() == 3, "each is paid for"
    followed.recovers()

def test_an_unload_cancelled_by_an_administrator_is_told(followed: Followed) -> None:
    text = "Query (1) canceled on user's request"
    followed.fault("gateway.error", statement="UNLOAD", sqlstate="57014", message=text)
    finished = followed.harness.run("sync", "--json")
    error = followed.error_of(finished)
    assert error["code"] in ("timeout", "cancelled"), error
    assert error["remedy"], error
    followed.is_unharmed()
    followed.recovers()

# -- keys that expire ---------------------------------------------------------------------------------

def test_keys_that_expire_while_unload_writes(followed: Followed) -> None:
    followed.fault("unload.keys_expire", files=0)
    followed.ends_right()
    assert followed.unloads() == 2, "the second with fresh keys"

def test_keys_that_expire_in_every_unload_are_told(followed: Followed) -> None:
    followed.fault("unload.keys_expire", ALWAYS, files=0)
    followed.ends_in_error("authentication", "expired")
    followed.recovers()

@pytest.mark.parametrize("what", [".parquet", "manifest"])
def test_keys_that_expire_while_we_fetch_are_renewed(followed: Followed, what: str) -> None:
    followed.fault("s3.expired_token", operation="GetObject", match=what)
    followed.ends_right()
    assert followed.unloads() == 1

# -- what comes from the bucket -------------------------------------------------------------------------

@pytest.mark.parametrize("operation", ["GetObject", "ListObjectsV2", "DeleteObjects", "PutObject"])
def test_503_is_overcome(followed: Followed, operation: str) -> None:
    followed.fault("s3.slow_down", count=2 if operation != "PutObject" else 1, operation=operation)
    followed.ends_right()

def test_503_every_time_is_told(followed: Followed) -> None:
    followed.fault("s3.slow_down", ALWAYS, operation="GetObject", match=".parquet")
    followed.ends_in_error("throttled")
    followed.recovers()

@pytest.mark.parametrize("fault", ["s3.truncate_body", "s3.reset_mid_body"])
@pytest.mark.parametrize("what", [".parquet", "manifest"])
def test_a_body_cut_short_is_fetched_again(followed: Followed, fault: str, what: str) -> None:
    followed.fault(fault, match=what)
    followed.ends_right()
    assert followed.unloads() == 1

def test_a_listing_cut_short_is_never_believed(followed: Followed) -> None:
    followed.fault("s3.truncate_list")
    followed.ends_right()

@pytest.mark.parametrize("offset", [-6, -1])
def test_a_part_that_arrives_corrupted_is_never_loaded(followed: Followed, offset: int) -> None:
    """Every time, so that no repetition helps: the length of its footer, or its last byte."""
    followed.fault("s3.flip_byte", ALWAYS, match=".parquet", offset=offset)
    followed.ends_in_error("corrupt")
    followed.recovers()

def test_a_corrupted_manifest_is_never_believed(followed: Followed) -> None:
    followed.fault("s3.flip_byte", ALWAYS, match="manifest", offset=0)
    followed.ends_in_error("corrupt", "manifest")
    followed.recovers()

def test_a_part_that_vanished_is_read_anew(followed: Followed) -> None:
    followed.fault("s3.vanish", match=".parquet")
    followed.ends_right()
    assert followed.unloads() == 2

def test_parts_that_vanish_every_time_are_told(followed: Followed) -> None:
    followed.fault("s3.vanish", ALWAYS, match=".parquet")
    error = followed.ends_in_error("corrupt")
    assert "lifecycle" in error["remedy"] or "another program" in error["remedy"], error
    followed.recovers()

def test_an_unload_that_fails_half_way_is_told(followed: Followed) -> None:
    followed.fault("unload.fail_after_files", ALWAYS, files=1)
    followed.ends_in_error("unavailable")
    followed.recovers()

# -- time -------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def other_time(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox whose clock may be moved: clients of the shared one would be late ever after."""
    with Sandbox(Options(tmp_path_factory.mktemp("other-time"), data="types")) as running:
        yield running

@pytest.fixture
def moved(other_time: Sandbox, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Followed]:
    """Only tokens age there, signatures do not: the clients' clocks are taken for right."""
    other_time.faults.set("sigv4.machine_dates")
    name = "moved-" + "".join(c if c.isalnum() else "-" for c in request.node.name)[:30].lower().strip("-")
    other_time.gateway.admin_execute("CREATE SCHEMA IF NOT EXISTS tpch")
    other_time.gateway.admin_execute(f'GRANT USAGE ON SCHEMA tpch TO "{other_time.facts.role_db_user}"')
    yield Followed(Harness(other_time, tmp_path, name, "role", DuckDb(tmp_path / "warehouse.duckdb")))
    other_time.faults.clear()

def set_lifecycle(sandbox: Sandbox, days: int | None) -> None:
    from redshift_sandbox.administrator import Administrator

    rule = {"ID": "staging", "Status": "Enabled", "Filter": {"Prefix": "sluice/"}, "Expiration": {"Days": days}}
    Administrator(sandbox).apply_lifecycle(None if days is None else json.dumps({"Rules": [rule]}))

def test_what_a_lifecycle_rule_expired_is_read_anew(moved: Followed) -> None:
    """A sync died with its UNLOAD done; days later a rule has removed the objects."""
    harness = moved.harness
    harness.variables["SLUICE_CRASH_AT"] = f"unloaded {moved.table}"
    assert harness.run("sync", "--json", program=CRASHING_PROGRAM).exit_code == -signal.SIGKILL
    del harness.variables["SLUICE_CRASH_AT"]
    assert harness.objects() != []
    set_lifecycle(harness.sandbox, 1)
    harness.sandbox.clock.advance(3 * 86400)
    harness.put_object("sluice/neighbour/keep.txt", b"somebody else's")
    try:
        before = moved.unloads()
        moved.ends_right()
        assert moved.unloads() == before + 1
    finally:
        set_lifecycle(harness.sandbox, None)

def test_a_jump_of_the_clock_during_unload(moved: Followed) -> None:
    """An hour passes at once, and all keys with it: new ones are got."""
    sandbox = moved.harness.sandbox
    sandbox.faults.set("unload.slow_per_file", args={"seconds": 1})
    process = moved.harness.start("sync", "--json")
    from harness import wait_for

    wait_for(lambda: moved.unloads() > 0, "UNLOAD")
    sandbox.clock.advance(3700)
    sandbox.faults.clear("unload.slow_per_file")
    finished = moved.harness.finish(process)
    if finished.exit_code != 0:
        assert moved.error_of(finished)["code"] == "authentication", finished
        moved.is_unharmed()
    sandbox.faults.set("sigv4.machine_dates")
    moved.ends_right()

def test_a_clock_that_is_off_is_told_by_how_much(moved: Followed) -> None:
    sandbox = moved.harness.sandbox
    sandbox.faults.clear("sigv4.machine_dates")
    sandbox.clock.advance(1200)
    moved.ends_in_error("authentication", "clock")
    sandbox.faults.set("sigv4.machine_dates")  # as if it had been set right
    moved.ends_right()

Change = Callable[[Followed], Any]
