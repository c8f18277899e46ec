"""Tables chosen by pattern, found, written down and looked at; files that belong to the configuration."""

from __future__ import annotations

import itertools
import json
import os
import pty
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import PROGRAM, Finished, Harness
from redshift_sandbox.world import Sandbox
from scene import Scene, bad

pytestmark = [pytest.mark.e2e, pytest.mark.choose]

_numbers = itertools.count(1)


@pytest.fixture
def scene(sandbox: Sandbox, tmp_path: Path) -> Iterator[Scene]:
    """One whose streams are a pattern: every table of its schema but those that end in _tmp."""
    scene = Scene(sandbox, tmp_path, f"choose-{next(_numbers)}")
    table(scene, "orders_tmp")
    scene.settings["streams"] = [{"tables": f"{scene.schema}.*", "exclude": ["*_tmp"]}]
    yield scene
    sandbox.faults.clear()


def table(scene: Scene, name: str) -> None:
    scene.sql(f"CREATE TABLE {scene.schema}.{name} (id integer, note varchar(20))")
    scene.sql(f"INSERT INTO {scene.schema}.{name} VALUES (1, 'a')")
    scene.grant()


def names(finished: Finished, field: str = "stream") -> list[str]:
    return [stream[field].split(".")[-1] for stream in finished.json["streams"]]


def ids(finished: Finished) -> set[str]:
    return {finding["id"] for finding in finished.json["findings"]}


def news(finished: Finished, kind: str) -> list[str]:
    return [one["stream"].split(".")[-1] for one in finished.json["tables"][kind]]


def test_a_pattern_is_in_every_command_the_streams_that_it_stands_for(scene: Scene) -> None:
    harness, schema = scene.harness, scene.schema
    harness.write_config()
    check = scene.check()
    assert check.exit_code == 0 and list(bad(check)) == []
    assert {f["subject"] for f in check.json["findings"] if f["id"] == "streams.ok"} == {
        f"stream {schema}.orders", f"stream {schema}.customers"}  # fmt: skip
    assert names(harness.run("sync", "--dry-run", "--json"), "name") == ["customers", "orders"]
    assert names(harness.run("status", "--json")) == []
    assert names(harness.sync()) == ["customers", "orders"]
    assert harness.query(f"SELECT count(*) FROM {schema}.orders") == [(1,)]
    assert names(harness.run("status", "--json")) == ["customers", "orders"]
    assert names(harness.sync(f"{schema}.orders")) == ["orders"]
    unknown = harness.run("sync", f"{schema}.ordrs", "--json")
    assert unknown.exit_code == 2 and f"Did you mean {schema}.orders?" in unknown.json["error"]["remedy"]
    assert harness.run("reset", f"{schema}.orders").exit_code == 0
    # By hand it is the same stream, with the same state.
    scene.settings["streams"] = [{"table": f"{schema}.customers"}]
    before = harness.run("status", "--json").json["streams"][0]
    assert before["stream"] == f"{schema}.customers" and before["committed"] is not None


def test_new_tables_are_told_and_taken_or_only_told_and_gone_ones_told_once(scene: Scene) -> None:
    harness, schema = scene.harness, scene.schema
    scene.settings["streams"][0]["new_tables"] = "tell"
    harness.sync()
    table(scene, "later")
    assert "streams.not_taken" in ids(scene.check())
    told = harness.sync()
    assert news(told, "not_taken") == ["later"] and names(told) == ["customers", "orders"]
    assert "a new table is not synced" in told.stderr
    refused = harness.run("sync", f"{schema}.later", "--json")
    assert refused.exit_code == 2 and f"- table: {schema}.later" in refused.json["error"]["remedy"]
    scene.settings["streams"][0]["new_tables"] = "follow"
    check = scene.check()
    assert check.exit_code == 0 and "streams.new_table" in ids(check)
    taken = harness.sync()
    assert news(taken, "new") == ["later"] and "later" in names(taken)
    assert news(harness.sync(), "new") == []
    scene.sql(f"DROP TABLE {schema}.later")
    assert "streams.gone" in ids(scene.check())
    gone = harness.sync()
    assert news(gone, "gone") == ["later"] and names(gone) == ["customers", "orders"]
    assert news(harness.sync(), "gone") == []
    assert harness.query(f"SELECT count(*) FROM {schema}.later") == [(1,)], "its rows stay"
    assert harness.run("reset", f"{schema}.later").exit_code == 0
    assert harness.run("clean").exit_code == 0


def test_a_stream_of_the_exact_name_is_read_as_it_says(scene: Scene) -> None:
    harness, schema = scene.harness, scene.schema
    scene.settings["streams"].append({"table": f"{schema}.orders", "columns": ["id"]})
    harness.sync()
    assert harness.query(f"SELECT * FROM {schema}.orders") == [(1,)]
    assert len(harness.query(f"SELECT * FROM {schema}.customers")[0]) == 3


def test_a_pattern_that_chooses_nothing_is_told_and_alone_it_is_an_error(scene: Scene) -> None:
    harness = scene.harness
    scene.settings["streams"].append({"tables": "no_such_schema.*"})
    check = scene.check()
    assert check.exit_code == 0 and [f["id"] for f in bad(check)] == ["streams.no_match"]
    synced = harness.sync()
    assert synced.json["tables"]["no_match"] == ["no_such_schema.*"]
    scene.settings["streams"] = [{"tables": f"{scene.schema}x.*"}]
    assert [f["id"] for f in bad(scene.check())] == ["streams.no_tables"]
    failed = harness.run("sync", "--json")
    assert failed.exit_code == 1 and f"Did you mean schema {scene.schema}?" in failed.json["error"]["remedy"]
    assert "no table" in harness.run("status").stdout, "why the run failed"


def test_patterns_cost_one_statement(scene: Scene) -> None:
    harness, meter = scene.harness, scene.sandbox.meter
    pattern = scene.settings["streams"]
    costs = []
    for streams in ([{"table": f"{scene.schema}.{t}"} for t in ("customers", "orders")], pattern):
        scene.settings["streams"] = streams
        meter.reset()
        harness.sync()
        costs.append(meter.statements)
    assert costs[1] == costs[0] + 1


def test_discover_asks_no_more_than_six_times_for_a_thousand_tables(scene: Scene) -> None:
    columns = ", ".join(f"c{i} integer" for i in range(30))
    scene.sql("".join(f"CREATE TABLE {scene.schema}.t{i} ({columns}, PRIMARY KEY (c0));" for i in range(1000)))
    scene.grant()
    scene.sandbox.meter.reset()
    found = scene.harness.run("discover", scene.schema, "--json")
    assert found.exit_code == 0, found.stderr
    assert scene.sandbox.meter.statements <= 6, scene.sandbox.meter.statements_by_kind
    tables = {t["table"]: t for t in found.json["schemas"][0]["tables"]}
    assert len(tables) == 1003 and len(tables["t999"]["columns"]) == 30
    assert tables["t999"]["primary_key"] == ["c0"] and tables["t999"]["rows"] is None


def test_discover_proposes_tests_keys_and_tells_sizes_where_it_may(scene: Scene) -> None:
    schema = scene.schema
    scene.sql(f"CREATE TABLE {schema}.items (a integer, b integer, updated_at timestamp, PRIMARY KEY (b, a))")
    scene.sql(f"INSERT INTO {schema}.items VALUES (1, 1, sysdate), (1, 1, sysdate), (2, 1, sysdate)")
    scene.sql(f"ANALYZE {schema}.items")
    scene.grant()
    item = one(scene, "items")
    assert item["primary_key"] == ["b", "a"] and item["proposed"]["cursor"] == "updated_at"
    assert item["proposed"]["write_mode"] == "merge" and "declared key" in item["proposed"]["reason"]
    assert item["rows"] is None and item["doubled_keys"] is None and item["configured"]
    item = one(scene, "items", "--verify-keys")
    assert item["doubled_keys"] == 1 and item["proposed"]["write_mode"] == "overwrite"
    scene.sql(f'GRANT SELECT ON pg_catalog.svv_table_info TO "{scene.user}"')
    try:
        assert one(scene, "items")["rows"] == 3
    finally:
        scene.sql(f'REVOKE SELECT ON pg_catalog.svv_table_info FROM "{scene.user}"')


def one(scene: Scene, name: str, *options: str) -> dict[str, Any]:
    found = scene.harness.run("discover", scene.schema, "--json", *options)
    assert found.exit_code == 0, found.stderr
    return next(t for t in found.json["schemas"][0]["tables"] if t["table"] == name)


def test_discover_writes_streams_into_the_main_file_and_keeps_comments(scene: Scene) -> None:
    harness, schema = scene.harness, scene.schema
    scene.sql(f'CREATE TABLE {schema}."odd.*name" (id integer)')
    scene.sql(f"CREATE VIEW {schema}.a_view AS SELECT 1 AS one")
    scene.grant()
    scene.settings["streams"] = [{"table": f"{schema}.orders"}]
    main = harness.write_config()
    shared = {key: value for key, value in scene.settings.items() if key not in ("name", "streams")}
    (harness.folder / "shared.yaml").write_text(yaml.safe_dump(shared))
    main.write_text(
        f"# ours\nname: {harness.name}\ninclude: shared.yaml\nstreams:\n  - table: {schema}.orders  # the first\n"
    )
    main.chmod(0o640)
    found = harness.finish(harness.start("discover", schema, "--write", "--json", config=main))
    assert found.exit_code == 0, found.stderr
    assert found.json["written"] == [f"{schema}.customers", f"{schema}.odd.*name", f"{schema}.orders_tmp"]
    text = main.read_text()
    assert text.startswith("# ours\n") and "# the first\n" in text and main.stat().st_mode & 0o777 == 0o640
    assert "streams" not in yaml.safe_load((harness.folder / "shared.yaml").read_text())
    again = harness.finish(harness.start("discover", schema, "--write", "--json", config=main))
    assert again.json["written"] == [] and main.read_text() == text
    synced = harness.finish(harness.start("sync", "--json", config=main))
    assert synced.exit_code == 0, synced
    assert len(synced.json["streams"]) == 4


def test_preview_shows_rows_on_the_screen_alone_and_only_what_the_stream_brings(scene: Scene) -> None:
    harness, schema = scene.harness, scene.schema
    scene.sql(f"INSERT INTO {schema}.orders VALUES (2, 'planted-value', 2), (3, 'planted-value', NULL)")
    scene.settings["streams"] = [
        {"tables": f"{schema}.*"},
        {"name": "q", "sql": f"SELECT id, name FROM {schema}.orders ORDER BY id", "columns": ["name"]},
    ]
    shown = harness.run("preview", f"{schema}.orders", "--json", "--verbose")
    assert shown.exit_code == 0, shown.stderr
    assert sorted(row[0] for row in shown.json["rows"]) == ["1", "2", "3"]
    assert [column["name"] for column in shown.json["columns"]] == ["id", "name", "total"]
    assert "planted-value" not in shown.stderr
    assert len(harness.run("preview", f"{schema}.orders", "--limit", "2", "--json").json["rows"]) == 2
    table_text = harness.run("preview", "q").stdout
    assert "planted-value" in table_text and "id" not in table_text.splitlines()[0]
    # The harness's own secret scan need not know of rows on standard output.
    harness.outputs.clear()
    for path in harness.folder.rglob("*"):
        if path.is_file():
            assert b"planted-value" not in path.read_bytes(), path


def test_preview_fits_the_terminal(scene: Scene) -> None:
    scene.sql(f"CREATE TABLE {scene.schema}.wide ({', '.join(f'column_{i} varchar(100)' for i in range(20))})")
    scene.sql(f"INSERT INTO {scene.schema}.wide VALUES ({', '.join(repr('x' * 100) for _ in range(20))})")
    scene.grant()
    config = scene.harness.write_config()
    leader, follower = pty.openpty()
    subprocess.run(["stty", "cols", "60"], stdin=follower, check=True)
    process = subprocess.Popen([str(PROGRAM), "-c", str(config), "preview", f"{scene.schema}.wide"],
                               env={**scene.harness.variables, "TERM": "dumb"}, stdin=subprocess.DEVNULL,
                               stdout=follower, stderr=subprocess.PIPE)  # fmt: skip
    _, stderr = process.communicate(timeout=60)
    os.close(follower)
    text = os.read(leader, 100_000).decode().replace("\r\n", "\n")
    os.close(leader)
    assert process.returncode == 0, stderr
    assert all(len(line) <= 60 for line in text.split("\n\n")[0].splitlines()) and "did not fit" in text


def test_files_of_variables_anchors_and_includes_make_one_configuration(harness: Harness) -> None:
    harness.all_tables()
    secret = harness.variables.pop("AWS_SECRET_ACCESS_KEY")
    external_id = harness.variables.pop("SLUICE_EXTERNAL_ID")
    env = harness.folder / "my.env"
    env.write_text(f"# keys\nexport AWS_SECRET_ACCESS_KEY='{secret}'\nSLUICE_EXTERNAL_ID={external_id}\nNAME=other\n")
    env.chmod(0o600)
    harness.variables["NAME"] = harness.name
    streams = harness.settings.pop("streams")
    harness.settings["name"] = "${NAME}"
    shared = harness.write_config().rename(harness.folder / "shared.yaml")
    main = harness.folder / "main.yaml"
    main.write_text(
        "x-shared: &full { write_mode: overwrite, schema_changes: fail }\ninclude: shared.yaml\nstreams:\n"
        + "".join(f"  - {{ table: {stream['table']}, <<: *full }}\n" for stream in streams)
    )
    arguments = ("--env-file", str(env))
    synced = harness.finish(harness.start("sync", "--json", *arguments, config=main))
    assert synced.exit_code == 0, synced
    assert len(synced.json["streams"]) == len(streams)
    assert (harness.folder / ".sluice" / f"{harness.name}.ledger").exists(), "the environment wins over the file"
    # Without it the variable is missing; one that cannot be read is told; both before anything is billed.
    missing = harness.finish(harness.start("sync", "--json", config=main))
    assert missing.exit_code == 2 and "SLUICE_EXTERNAL_ID" in missing.json["error"]["message"]
    problem = missing.json["problems"][0]
    assert problem["file"] == str(shared) and problem["line"] > 0
    gone = harness.finish(harness.start("sync", "--json", "--env-file", "no.env", config=main))
    assert gone.exit_code == 2 and "does not exist" in gone.json["error"]["message"]
    env.chmod(0o644)
    warned = harness.finish(harness.start("config", "validate", "--json", *arguments, config=main))
    assert "every user of this machine" in json.dumps(warned.json["warnings"])


BAD = {
    "a schema of the system": ({"tables": ["sales.*", "pg_catalog.*"]}, "a schema of the system", "sales.*"),
    "a star in table": ({"table": "sales.*"}, "holds a *", 'tables: "schema.*"'),
    "no schema": ({"tables": "*_x"}, "the schema is missing", "schema.table"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_pattern_that_cannot_be_meant_is_one_error_with_line_and_remedy(
    connect: Callable[..., Harness], kind: str
) -> None:
    harness = connect()
    stream, words, remedy = BAD[kind]
    harness.settings["streams"] = [stream]
    harness.sandbox.meter.reset()
    finished = harness.run("sync", "--json")
    assert finished.exit_code == 2 and harness.sandbox.meter.statements == 0
    (problem,) = finished.json["problems"]
    assert words in problem["problem"] and remedy in problem["remedy"] and problem["line"] > 0


DESTINATIONS = ["duckdb", "postgres", "lake", "lake-s3"]


@pytest.mark.parametrize("destination", DESTINATIONS)
def test_patterns_land_at_every_destination(connect: Callable[..., Harness], destination: str) -> None:
    harness = connect(destination=destination)
    tables = harness.sandbox.facts.tables
    schema = tables[0].schema
    # Other tests make tables of their own there.
    harness.settings["streams"] = [{"tables": f"{schema}.*", "exclude": ["*_test_*"]}]
    synced = harness.sync()
    assert {s["stream"] for s in synced.json["streams"]} == {
        f"{t.schema}.{t.table}" for t in tables if t.schema == schema
    }
