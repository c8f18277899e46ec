"""Where the configuration lies and what is in its way; names that try to shape the screen; connections of names that
are alike."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Harness
from newcomer import Newcomer
from scene import Scene

pytestmark = pytest.mark.cli

# Escapes, C1, directions, no width, a line of our own.
EVIL = "o\x1b[2m\u202e\u200b\x7f\u009b31m\n✓ ready."
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


@pytest.fixture
def person(tmp_path: Path) -> Newcomer:
    return Newcomer(tmp_path)


# -- the file ---------------------------------------------------------------------------------------


def test_no_configuration_is_told_with_the_command_that_writes_one(person: Newcomer) -> None:
    for command in (["check"], ["sync"], ["status"], ["config", "validate"]):
        finished = person.run(*command)
        assert finished.exit_code == 2
        assert "does not exist" in finished.stderr
        assert "sluice init" in finished.stderr


@pytest.mark.parametrize(("there", "asked"), [("sluice.yml", "sluice.yaml"), ("acme.yaml", "acme.yml")])
def test_the_other_spelling_is_noticed(person: Newcomer, there: str, asked: str) -> None:
    person.file = person.folder / there
    person.write()
    finished = person.run("-c", asked, "check")
    assert finished.exit_code == 2
    assert f"There is {there}" in finished.stderr
    assert person.run("-c", there, "config", "validate").exit_code == 0
    before = sorted(person.folder.iterdir())
    finished = person.run("-c", asked, "init", "--non-interactive")
    assert finished.exit_code == 2
    assert there in finished.stderr
    assert sorted(person.folder.iterdir()) == before


def test_a_folder_is_told_with_the_file_in_it(person: Newcomer) -> None:
    (person.folder / "conf").mkdir()
    for command in (["check"], ["init", "--non-interactive"]):
        finished = person.run("-c", "conf", *command)
        assert finished.exit_code == 2
        assert "conf/sluice.yaml" in finished.stderr


def test_a_byte_order_mark_does_not_matter(person: Newcomer) -> None:
    person.write()
    person.text = b"\xef\xbb\xbf" + person.file.read_bytes()
    person.write()
    assert person.problems() == []


@pytest.mark.parametrize("content", [b"", b"\n  \n"])
def test_init_fills_an_empty_file(person: Newcomer, content: bytes) -> None:
    person.text = content
    person.write()
    finished = person.run("init", "--non-interactive", "--name", "acme", "--host",
                          "analytics.123456789012.us-east-1.redshift-serverless.amazonaws.com:5439/dev",
                          "--bucket", "acme-staging", "--role-arn", "arn:aws:iam::123456789012:role/r")  # fmt: skip
    assert finished.exit_code == 0, finished
    assert person.problems() == []


def test_help_and_version_are_commands(person: Newcomer) -> None:
    assert person.run("version").stdout == person.run("--version").stdout
    assert person.run("help", "sync").stdout == person.run("sync", "--help").stdout
    assert "--json" in person.run("status", "--help").stdout


# -- names that shape the screen --------------------------------------------------------------------


def test_no_name_shapes_the_screen_and_json_keeps_it(make_scene: Callable[[str, str], Scene]) -> None:
    scene = make_scene("evil_names", "role")
    quoted = '"' + EVIL + '"'
    scene.sql(f"CREATE TABLE {scene.schema}.{quoted} (id integer, {quoted} varchar(20))")
    scene.sql(f"INSERT INTO {scene.schema}.{quoted} VALUES (1, 'a')")
    scene.sql(f'GRANT SELECT ON {scene.schema}.{quoted} TO "{scene.user}"')
    found = scene.harness.run("discover", scene.schema, "--json")
    assert not RAW.search(found.stdout.replace("\n", ""))
    tables = [t for schema in json.loads(found.stdout)["schemas"] for t in schema["tables"]]
    assert EVIL in [t["table"] for t in tables]
    evil = next(t for t in tables if t["table"] == EVIL)
    assert EVIL in [c["name"] for c in evil["columns"]]
    # A query may call its columns and itself anything that YAML can write.
    scene.settings["streams"] = [{"table": f"{scene.schema}.orders", "name": "a\u202eb\u200bc"}]
    for command in (["discover", scene.schema], ["check"], ["sync", "--dry-run"], ["sync", "--verbose"], ["status"],
                    ["history"], ["config", "validate"]):  # fmt: skip
        finished = scene.harness.run(*command)
        assert finished.exit_code == 0, finished
        for text in (finished.stdout, finished.stderr):
            assert not RAW.search(text), (command, text)
            assert "\n✓ ready.\n" not in text
        if command[0] in ("discover", "sync", "status"):
            assert "\\u202e" in finished.stdout + finished.stderr
    finished = scene.harness.run("sync", "--json")
    assert finished.json["streams"][0]["stream"] == "a\u202eb\u200bc"
    assert "\u202e" not in finished.stdout
    finished = scene.harness.run("sync", EVIL)
    assert finished.exit_code == 2
    assert not RAW.search(finished.stderr)


def test_no_name_of_a_file_shapes_the_screen(person: Newcomer) -> None:
    finished = person.run("-c", "a\u202eb\x1b[2J\n.yaml", "check")
    assert finished.exit_code == 2
    assert not RAW.search(finished.stderr)
    assert "a\\u202eb\\u001b[2J\\u000a.yaml" in finished.stderr


# -- one name, one root -----------------------------------------------------------------------------


def test_names_that_are_alike_share_no_root(connect: Callable[..., Harness]) -> None:
    harness = connect().streams("tpch.nation")
    seen = set()
    for name in (f"{harness.name}-x_y", f"{harness.name}-x-y", f"{harness.name}-x_", f"{harness.name}-x"):
        harness.settings["name"] = name
        harness.sync()
        ledger = sqlite3.connect(harness.folder / ".sluice" / f"{name}.ledger")
        prefixes = [row[0] for row in ledger.execute("SELECT prefix FROM attempt")]
        ledger.close()
        roots = {prefix.split("/")[1] for prefix in prefixes}
        assert roots == {name}
        seen |= roots
    assert len(seen) == 4


def test_what_lies_beneath_the_earlier_root_goes_and_the_neighbour_stays(connect: Callable[..., Harness]) -> None:
    """As a version wrote it that spelled `x_y` as `x-y`, and died."""
    harness = connect().streams("tpch.nation")
    name = f"{harness.name}-x_y"
    harness.settings["name"] = name
    harness.sync()
    old = f"sluice/{name.replace('_', '-')}"
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - 600))
    dead, alive = f"{stamp}-00000000000000aa", f"{stamp}-00000000000000bb"
    harness.put_object(f"{old}/{dead}/tpch-nation/a/rows/0000_part_00.parquet", b"x")
    harness.put_object(f"{old}/{alive}/tpch-nation/b/rows/0000_part_00.parquet", b"x")
    ledger = sqlite3.connect(harness.folder / ".sluice" / f"{name}.ledger")
    columns = [row[1] for row in ledger.execute("PRAGMA table_info(attempt)")]
    row = dict(zip(columns, ledger.execute("SELECT * FROM attempt").fetchone(), strict=True))
    row |= {"run": dead, "attempt": "a-dead", "state": "planned", "prefix": f"{old}/{dead}/tpch-nation/a/"}
    ledger.execute(f"INSERT INTO attempt VALUES ({', '.join('?' * len(columns))})", [row[c] for c in columns])
    ledger.commit()
    ledger.close()
    harness.sync()
    left = [o.key for o in harness.sandbox.aws.store.list_objects(harness.bucket, f"{old}/", "", "", 1000).objects]
    assert left == [f"{old}/{alive}/tpch-nation/b/rows/0000_part_00.parquet"]
    harness.sandbox.aws.store.delete(harness.bucket, left[0])
