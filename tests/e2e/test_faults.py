"""G5: A failed or interrupted sync leaves the destination as it was and the bucket clean, or names what
is left. G9: One failing stream does not stop the others. G10: An object outside the connection's own
root is never touched.

Each fault gives one error with its code, the thing it concerns and the remedy, and the exit code that
the documentation promises.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from harness import Finished, Harness, interrupt, issued_secrets, only_error, streams_of, wait_for

pytestmark = pytest.mark.faults

TABLE = "tpch.orders"


@pytest.fixture
def synced(harness: Harness) -> Harness:
    """A connection that has synced once, so that "unchanged" means something."""
    harness.streams(TABLE).sync()
    return harness


def error_of(result: Finished) -> dict[str, Any]:
    """The error of the command, or of its only failed stream."""
    document = result.json
    return dict(document["error"]) if document.get("error") else only_error(document["streams"])


def assert_told(result: Finished, code: str, *concerns: str, exit_code: int = 1) -> dict[str, Any]:
    assert result.exit_code == exit_code, result
    error = error_of(result)
    assert error["code"] == code, error
    told = " ".join(str(error[k]) for k in ("operation", "subject", "message", "remedy"))
    for concern in concerns:
        assert concern in told, error
    assert error["remedy"], error
    return error


def assert_harmless(harness: Harness, before: dict[str, Any]) -> None:
    assert harness.fingerprint() == before
    harness.assert_bucket_clean()
    harness.assert_no_parts_on_disk()
    written = "".join(harness.outputs)
    for secret in issued_secrets(harness.sandbox):
        assert secret not in written


def check_fault(harness: Harness, code: str, *concerns: str, exit_code: int = 1) -> dict[str, Any]:
    before = harness.fingerprint()
    error = assert_told(harness.run("sync", "--json"), code, *concerns, exit_code=exit_code)
    assert_harmless(harness, before)
    return error


# -- identity -------------------------------------------------------------------------------------


def test_wrong_secret(synced: Harness) -> None:
    synced.variables["AWS_SECRET_ACCESS_KEY"] = "wrongWrongWrongWrongWrongWrongWrongWrong"
    check_fault(synced, "authentication", "secret")


def test_unknown_key(synced: Harness) -> None:
    synced.variables["AWS_ACCESS_KEY_ID"] = "AKIAUNKNOWNUNKNOWN00"
    check_fault(synced, "authentication")


def test_role_that_may_not_be_assumed(synced: Harness) -> None:
    synced.settings["auth"]["role_arn"] = "arn:aws:iam::123456789012:role/somebody-else"
    check_fault(synced, "permission", "arn:aws:iam::123456789012:role/somebody-else")


def test_wrong_external_id(synced: Harness) -> None:
    synced.variables["SLUICE_EXTERNAL_ID"] = "not-the-agreed-one"
    check_fault(synced, "permission", "xternal")


def test_unknown_workgroup(synced: Harness) -> None:
    synced.settings["redshift"]["workgroup"] = "no-such-workgroup"
    check_fault(synced, "not_found", "no-such-workgroup")


# -- network --------------------------------------------------------------------------------------


def test_workgroup_unreachable(synced: Harness) -> None:
    with socket.socket() as taken:  # bound but not listening: the connection is refused
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        synced.settings["redshift"]["port"] = port
        check_fault(synced, "unreachable", str(port))


def test_name_that_does_not_resolve(synced: Harness) -> None:
    synced.settings["redshift"]["host"] = "analytics.invalid"
    check_fault(synced, "unreachable", "analytics.invalid")


def test_certificate_of_another_name(synced: Harness) -> None:
    synced.settings["redshift"]["host"] = "127.0.0.1"
    check_fault(synced, "unreachable", "certificate")


# -- bucket ---------------------------------------------------------------------------------------


def test_missing_bucket(synced: Harness) -> None:
    synced.settings["staging"]["bucket"] = "acme-no-such-bucket"
    before = synced.fingerprint()
    result = synced.run("sync", "--json")
    error = assert_told(result, error_of(result)["code"], "acme-no-such-bucket")
    assert error["code"] in ("not_found", "permission")
    assert_harmless(synced, before)


def test_bucket_in_another_region(synced: Harness) -> None:
    synced.settings["staging"]["bucket"] = "acme-sluice-staging-eu"
    check_fault(synced, "invalid_config", "eu-west-1", exit_code=2)


# -- source ---------------------------------------------------------------------------------------


def test_table_without_grant(synced: Harness) -> None:
    synced.source("CREATE TABLE IF NOT EXISTS types.not_granted (a int)")
    synced.streams("types.not_granted")
    check_fault(synced, "permission", "types", "not_granted", "GRANT")


def test_table_that_does_not_exist(synced: Harness) -> None:
    synced.streams("tpch.no_such_table")
    check_fault(synced, "not_found", "no_such_table")


def test_misspelt_column(synced: Harness) -> None:
    synced.settings["streams"] = [{"name": "q", "sql": "SELECT o_orderkye FROM tpch.orders"}]
    check_fault(synced, "not_found", "o_orderkye")


def test_one_failing_stream_does_not_stop_the_others(synced: Harness) -> None:
    """G9: One failing stream does not stop the others."""
    synced.streams("tpch.nation", "tpch.no_such_table", "tpch.region")
    result = synced.run("sync", "--json")
    assert result.exit_code == 3
    streams = streams_of(result)
    assert streams["tpch.nation"]["error"] is None
    assert streams["tpch.no_such_table"]["error"]["code"] == "not_found"
    assert streams["tpch.region"]["error"] is None
    assert synced.tables()["tpch.nation"] == 25
    synced.assert_bucket_clean()


# -- configuration --------------------------------------------------------------------------------


def test_malformed_yaml(synced: Harness) -> None:
    before = synced.fingerprint()
    config = synced.folder / "broken.yaml"
    config.write_text("name: acme\nredshift: [unclosed\n")
    result = synced.run("sync", "--json", config=config)
    assert_told(result, "invalid_config", "broken.yaml", exit_code=2)
    assert_harmless(synced, before)


def test_unset_variable(synced: Harness) -> None:
    del synced.variables["SLUICE_EXTERNAL_ID"]
    check_fault(synced, "invalid_config", "SLUICE_EXTERNAL_ID", exit_code=2)


# -- this machine ---------------------------------------------------------------------------------


def limited(bytes_max: int) -> Callable[[], None]:
    """No file may grow beyond this: what a full disk is to a program."""

    def before_exec() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, bytes_max))

    return before_exec


def test_disk_full_while_fetching(synced: Harness) -> None:
    before = synced.fingerprint()
    synced.streams("tpch.lineitem")
    result = synced.run("sync", "--json", preexec_fn=limited(200_000))
    assert_told(result, "no_space", "parts")
    assert_harmless(synced, before)


HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("SELECT 1")
print("held", flush=True)
sys.stdin.read()
"""


def test_destination_locked_by_another_process(synced: Harness) -> None:
    before = synced.fingerprint()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(synced.warehouse)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None and holder.stdin is not None
    try:
        assert holder.stdout.readline() == "held\n"
        result = synced.run("sync", "--json")
    finally:
        holder.stdin.close()
        holder.wait(timeout=30)
        holder.stdout.close()
    assert_told(result, "conflict", "warehouse.duckdb")
    assert_harmless(synced, before)


def test_destination_that_is_no_duckdb_file(harness: Harness) -> None:
    harness.streams(TABLE)
    harness.warehouse.write_bytes(b"this is somebody's letter, not a database" * 100)
    kept = harness.warehouse.read_bytes()
    result = harness.run("sync", "--json")
    assert result.exit_code == 1
    assert harness.warehouse.read_bytes() == kept
    harness.assert_bucket_clean()


# -- Ctrl-C ---------------------------------------------------------------------------------------


def test_ctrl_c_during_unload(synced: Harness) -> None:
    before = synced.fingerprint()
    synced.streams("tpch.lineitem")
    synced.sandbox.faults.set("unload.cache", args={"enabled": False})
    synced.sandbox.faults.set("unload.slow_per_file", args={"seconds": 2})
    process = synced.start("sync", "--json")
    wait_for(lambda: any(k.endswith(".parquet") for k in synced.objects()), "the first part")
    interrupt(process)
    result = synced.finish(process)
    assert result.exit_code == 130, result
    assert_harmless(synced, before)


def test_ctrl_c_during_fetch(synced: Harness) -> None:
    before = synced.fingerprint()
    synced.streams("tpch.lineitem")
    synced.sandbox.faults.set("s3.slow", args={"bytes_per_second": 100_000, "match": ".parquet"})
    process = synced.start("sync", "--json")
    wait_for(lambda: any(k.endswith("manifest") for k in synced.objects()), "the manifest")
    interrupt(process)
    result = synced.finish(process)
    assert result.exit_code == 130, result
    assert_harmless(synced, before)


def test_terminate_is_as_gentle_as_ctrl_c(synced: Harness) -> None:
    before = synced.fingerprint()
    synced.streams("tpch.lineitem")
    synced.sandbox.faults.set("s3.slow", args={"bytes_per_second": 100_000, "match": ".parquet"})
    process = synced.start("sync", "--json")
    wait_for(lambda: any(k.endswith("manifest") for k in synced.objects()), "the manifest")
    os.kill(process.pid, signal.SIGTERM)
    assert synced.finish(process).exit_code == 130
    assert_harmless(synced, before)


# -- the bucket's moods ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "args"),
    [("s3.slow_down", {}), ("s3.reset_mid_body", {"match": ".parquet"}), ("credentials.throttle", {})],
)
def test_a_passing_failure_is_overcome(synced: Harness, fault: str, args: dict[str, Any]) -> None:
    synced.sandbox.faults.set(fault, count=2, args=args)
    synced.streams(TABLE, "tpch.customer").sync()
    assert synced.tables()["tpch.customer"] == synced.source_count("tpch.customer")
    synced.assert_bucket_clean()


def test_a_part_that_vanishes_once_is_unloaded_again(synced: Harness) -> None:
    synced.sandbox.faults.set("s3.vanish", count=1, args={"match": ".parquet"})
    before = synced.fingerprint()
    result = synced.run("sync", "--json")
    assert result.exit_code == 0, result
    assert [stream["attempts"] for stream in result.json["streams"]] == [2]
    assert_harmless(synced, before)


def test_parts_that_keep_vanishing_commit_nothing(synced: Harness) -> None:
    synced.sandbox.faults.set("s3.vanish", args={"match": ".parquet"})
    before = synced.fingerprint()
    result = synced.run("sync", "--json")
    assert result.exit_code == 1
    assert_harmless(synced, before)


def test_a_damaged_footer_is_never_taken_for_rows(synced: Harness) -> None:
    synced.sandbox.faults.set("s3.flip_byte", args={"match": ".parquet", "offset": -6})
    before = synced.fingerprint()
    result = synced.run("sync", "--json")
    assert result.exit_code == 1, result
    assert_harmless(synced, before)


def test_an_unload_that_fails_half_way_leaves_nothing(synced: Harness) -> None:
    synced.sandbox.faults.set("unload.cache", args={"enabled": False})
    synced.sandbox.faults.set("unload.fail_after_files", args={"files": 1})
    before = synced.fingerprint()
    result = synced.run("sync", "--json")
    assert result.exit_code == 1
    assert_harmless(synced, before)


def test_rights_to_delete_missing_names_what_is_left(synced: Harness) -> None:
    identity = synced.sandbox.aws.identity
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}]}
    identity.put_identity_policy("123456789012", "role", "sluice-reader", "no-delete", deny)
    try:
        result = synced.run("sync", "--json")
    finally:
        identity.put_identity_policy("123456789012", "role", "sluice-reader", "no-delete", None)
    left = streams_of(result)[TABLE]["left_behind"]
    assert left, result
    assert sorted(left) == sorted(f"s3://{synced.sandbox.facts.bucket}/{key}" for key in synced.objects())
    synced.assert_neighbour_untouched()
    synced.sync()
    synced.assert_bucket_clean()
