"""G7: No secret appears in anything the program writes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from harness import Finished, Harness, Sampler, issued_secrets
from people import SALT, SHAPE, People, hashed

pytestmark = pytest.mark.secrets


def written_files(harness: Harness) -> list[Path]:
    """Everything below the connection's folder but the configuration, which the test itself wrote."""
    return [f for f in harness.folder.rglob("*") if f.is_file() and f.name != "sluice.yaml"]


def assert_no_secret(harness: Harness, arguments: set[str]) -> None:
    secrets = {s for s in issued_secrets(harness.sandbox) if s}
    assert len(secrets) >= 5, "the sandbox must have issued keys, tokens and passwords"
    texts = {f"output {i}": text.encode() for i, text in enumerate(harness.outputs)}
    texts |= {f"arguments {i}": text.encode() for i, text in enumerate(arguments)}
    texts |= {str(file): file.read_bytes() for file in written_files(harness)}
    for place, content in texts.items():
        for secret in secrets:
            assert secret.encode() not in content, f"a secret stands in {place}"


@pytest.mark.sanitized
@pytest.mark.parametrize("auth", ["role", "keys"])
def test_nothing_written_holds_a_secret(connect: Callable[..., Harness], auth: str) -> None:
    harness = connect(auth).streams("tpch.nation", "tpch.orders", "types.no_such_table")
    arguments: set[str] = set()
    for command in (
        ["check"], ["check", "--json", "--verbose"], ["discover"], ["config", "validate"],
        ["sync", "--verbose"], ["sync", "--json"], ["status"], ["history", "--json"], ["clean", "--verbose"],
        ["setup"], ["setup", "--json"], ["setup", "terraform", "--verbose"], ["check", "--list-findings"],
    ):  # fmt: skip
        process = harness.start(*command)
        sampler = Sampler(process)
        harness.finish(process)
        sampler.join()
        arguments |= sampler.seen
    assert arguments, "the process's arguments must have been seen"
    assert any("warehouse.duckdb" in str(f) for f in written_files(harness))
    assert any(".ledger" in str(f) for f in written_files(harness))
    assert_no_secret(harness, arguments)


@pytest.mark.sanitized
@pytest.mark.parametrize("store", ["environment", "file"])
def test_init_keeps_the_secret_out_of_the_configuration(connect: Callable[..., Harness], store: str) -> None:
    harness = connect("keys")
    facts, secret = harness.sandbox.facts, harness.sandbox.card.keys.secret
    given = harness.folder / "secret"
    written = harness.folder / "acme.yaml"
    arguments = [
        "init", "--non-interactive", "--verbose", "--name", harness.name, "--workgroup", facts.workgroup,
        "--host", f"{facts.host}:{facts.port}/{facts.database}", "--region", facts.region,
        "--username", facts.keys_db_user, "--bucket", facts.bucket, "--bucket-region", facts.region,
        "--access-key-id", harness.sandbox.card.keys.key_id, "--sslrootcert", str(facts.ca_file),
        "--destination-path", str(harness.warehouse), "--table", "tpch.nation", "--check",
    ]  # fmt: skip
    if store == "file":
        given.write_text(secret + "\n")
        given.chmod(0o600)
        arguments += ["--secret-access-key-file", str(given)]
    else:
        harness.variables["AWS_SECRET_ACCESS_KEY"] = secret
        arguments += ["--secret-store", "environment"]
    process = harness.start(*arguments, config=written)
    sampler = Sampler(process)
    finished = harness.finish(process)
    sampler.join()
    assert written.exists(), finished
    given.unlink(missing_ok=True)
    assert_no_secret(harness, sampler.seen)


@pytest.mark.sanitized
def test_findings_hold_no_secret(connect: Callable[..., Harness]) -> None:
    """Every kind of refusal there is time for, told in words and as JSON."""
    harness = connect("keys").streams("tpch.nation", "tpch.no_such_table")
    good = dict(harness.variables)
    wrong = {
        "SANDBOX_KEYS_SECRET_ACCESS_KEY": "wrongWrongWrongWrongWrongWrongWrongWrong",
        "SANDBOX_KEYS_ACCESS_KEY_ID": "AKIAWRONGWRONGWRONG1",
        "AWS_ENDPOINT_URL": "https://127.0.0.1:1",
    }
    for name, value in wrong.items():
        harness.variables = good | {name: value}
        assert harness.run("check", "--verbose").exit_code == 1, name
        assert harness.run("check", "--json").exit_code == 1, name
    harness.variables = good
    harness.sandbox.faults.set("unload.fail_after_files", args={"files": 0})
    assert harness.run("check", "--verbose").exit_code == 1
    assert not any("wrongWrong" in output for output in harness.outputs)
    assert_no_secret(harness, set())


def test_errors_hold_no_secret(connect: Callable[..., Harness]) -> None:
    harness = connect("keys").streams("tpch.nation")
    harness.variables["SANDBOX_KEYS_SECRET_ACCESS_KEY"] = "wrongWrongWrongWrongWrongWrongWrongWrong"
    result = harness.run("sync", "--verbose")
    assert result.exit_code == 1
    assert "wrongWrong" not in result.stdout + result.stderr
    harness.variables["SANDBOX_KEYS_SECRET_ACCESS_KEY"] = harness.sandbox.card.keys.secret
    harness.sandbox.faults.set("unload.fail_after_files", args={"files": 0})
    harness.run("sync", "--verbose")
    assert_no_secret(harness, set())


@pytest.mark.sanitized
def test_no_password_of_a_database_is_written(connect: Callable[..., Harness]) -> None:
    """A sync that works, one that is refused, and one that PostgreSQL fails with a row's value in its text."""
    harness = connect(destination="postgres").streams("tpch.nation")
    password = harness.variables["SLUICE_TEST_PASSWORD"]
    arguments: set[str] = set()
    for command in (["check", "--verbose"], ["sync", "--verbose"], ["sync", "--json"], ["status", "--json"]):
        process = harness.start(*command)
        sampler = Sampler(process)
        assert harness.finish(process).exit_code == 0
        sampler.join()
        arguments |= sampler.seen
    server = harness.destination.server
    with server.connect(harness.destination.database) as connection:
        connection.execute("ALTER TABLE tpch.nation ADD CHECK (n_name <> 'FRANCE') NOT VALID")
    harness.settings["streams"][0] |= {"write_mode": "append", "schema_changes": "freeze"}
    refused = harness.run("sync", "--verbose")
    assert refused.exit_code == 1
    assert "FRANCE" not in refused.stdout + refused.stderr, "a row's value"
    harness.variables["SLUICE_TEST_PASSWORD"] = "wrongWrongWrong"
    for command in (["sync", "--verbose"], ["check", "--json"]):
        assert harness.run(*command).exit_code == 1
    assert not any("wrongWrong" in output for output in harness.outputs)
    texts = [text.encode() for text in [*harness.outputs, *arguments]]
    texts += [file.read_bytes() for file in written_files(harness)]
    assert not any(password.encode() in text for text in texts)
    assert_no_secret(harness, arguments)


@pytest.mark.sanitized
def test_nothing_in_a_lake_holds_a_secret(connect: Callable[..., Harness]) -> None:
    harness = connect(destination="lake").streams("tpch.nation", "tpch.orders")
    for command in (["check"], ["sync", "--verbose"], ["sync", "--json"], ["status"]):
        assert harness.run(*command).exit_code == 0
    assert any("_commits" in str(file) for file in written_files(harness))
    assert_no_secret(harness, set())


def test_the_scan_sees_a_secret_that_is_there(harness: Harness) -> None:
    harness.streams("tpch.nation").sync()
    (harness.folder / "leak.txt").write_text(harness.sandbox.card.base.secret)
    with pytest.raises(AssertionError, match=r"leak\.txt"):
        assert_no_secret(harness, set())


def all_texts(parquet: bytes) -> str:
    """Every value of a file, as text: its pages are compressed."""
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        file.write(parquet)
        file.flush()
        return repr(duckdb.sql(f"SELECT * FROM read_parquet('{file.name}')").fetchall())


# G60: A hashed or masked value appears nowhere: not in the bucket, on disk, at the destination or in a log.
@pytest.mark.parametrize("kind", ["duckdb", "postgres", "lake-s3"])
def test_a_hidden_value_and_the_salt_appear_nowhere(
    connect: Callable[..., Harness], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    harness = connect(destination=kind)
    people = People(harness, **SHAPE)
    planted = ["planted-mail", "+49 0000 99", "planted-note", "planted-pass", "planor"]
    people.put(1, email="'planted-mail@example.com'", phone="'+49 0000 991234'", note="'planted-note'",
               password="'planted-pass'", **{'"order"': "'planor'"})  # fmt: skip
    store, written = harness.sandbox.aws.store, []
    commit = store.commit

    def seen(*arguments: Any, **named: Any) -> Any:
        stored = commit(*arguments, **named)
        written.append(stored.file.read_bytes())
        return stored

    monkeypatch.setattr(store, "commit", seen)
    outcomes: list[Finished] = [
        harness.run(*command)
        for command in (("sync", "--dry-run"), ("sync", "--verbose"), ("check", "--verbose"),
                        ("config", "validate", "--json"), ("status", "--json"), ("history", "--json"),
                        ("discover", "--json"))
    ]  # fmt: skip
    assert outcomes[1].exit_code == 0, outcomes[1]
    harness.sandbox.faults.set("unload.fail_after_files", args={"files": 0})
    assert harness.run("sync", "--verbose", "--full").exit_code == 1
    harness.sandbox.faults.clear()
    people.stream["where"] = "no_such_function(email) = 1"
    assert harness.run("sync", "--json", "--verbose").exit_code == 1
    parquet = [content for content in written if content.startswith(b"PAR1")]
    assert parquet, "the parts must have been seen"
    texts = [text.encode() for text in harness.outputs] + written + [all_texts(part).encode() for part in parquet]
    texts += [file.read_bytes() for file in written_files(harness)]
    texts.append(repr(harness.there.rows(people.target)).encode())
    assert any(hashed("planted-mail@example.com").encode() in text for text in texts), "the scan sees what lands"
    for secret in (*planted, SALT, SALT.replace("'", "''").replace("\\", "\\\\")):
        assert not any(secret.encode() in text for text in texts), secret
    assert_no_secret(harness, set())
