"""What the catalog tells of a relation, leaves open or hides, and what each command makes of it."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness import Finished, streams_of
from redshift_sandbox.world import Sandbox
from scene import Scene, bad

pytestmark = pytest.mark.e2e

_numbers = itertools.count(1)
CATALOG = ("svv_all_columns", "svv_all_tables", "svv_all_schemas")


@pytest.fixture
def scene(sandbox: Sandbox, tmp_path: Path) -> Iterator[Scene]:
    yield Scene(sandbox, tmp_path, f"catalog-{next(_numbers)}")
    sandbox.faults.clear()


def deny(scene: Scene, view: str) -> None:
    scene.sandbox.faults.set(
        "gateway.error", args={"match": view, "sqlstate": "42501", "message": f"permission denied for relation {view}"}
    )


def discovered(finished: Finished) -> dict[str, dict[str, Any]]:
    return {t["table"]: t for s in finished.json["schemas"] for t in s["tables"]}


# What a view's column may be that the catalog describes in part or not at all.
OPEN = {
    "numeric_case": ("CASE WHEN id = 1 THEN total ELSE NULL END", "1.50"),
    "numeric_sum": ("sum(total) OVER ()", "1.50"),
    "varchar": ("name || '!'", "a!"),
    "text": ("CAST(name AS text)", "a"),
    "char": ("CAST(CASE WHEN id = 1 THEN 'x' END AS char(3))", "x"),
    "time": ("CAST('12:30:00' AS time)", "12:30:00"),
}


@pytest.mark.parametrize("binding", ["", " WITH NO SCHEMA BINDING"])
@pytest.mark.parametrize("kind", OPEN)
def test_a_views_types_are_those_of_its_zero_row_select(scene: Scene, kind: str, binding: str) -> None:
    expression, expected = OPEN[kind]
    for view, where in (("v", ""), ("empty", " WHERE id > 99")):
        scene.sql(f"CREATE VIEW {scene.schema}.{view} AS SELECT id, {expression} AS c FROM {scene.schema}.orders{where}"
                  + binding)  # fmt: skip
    scene.grant()
    harness = scene.harness.streams(f"{scene.schema}.v", f"{scene.schema}.empty")
    harness.settings["streams"][1]["write_mode"] = "append"
    harness.settings["streams"].append({"name": "q", "sql": f"SELECT * FROM {scene.schema}.v"})
    assert scene.check().exit_code == 0
    harness.sync()
    by_table, by_query = (
        harness.query(f"SELECT CAST(c AS VARCHAR) FROM {table}") for table in (f"{scene.schema}.v", "main.q")
    )
    assert by_table == by_query and by_query[0][0].rstrip() == expected
    # Its first row comes into the table that was made when it had none.
    scene.sql(f"INSERT INTO {scene.schema}.orders VALUES (100, 'b', 2.25)")
    harness.sync()
    assert harness.query(f"SELECT count(*) FROM {scene.schema}.empty") == [(1,)]


def test_discover_shows_no_precision_that_nobody_told(scene: Scene) -> None:
    scene.sql(f"CREATE VIEW {scene.schema}.v AS SELECT CASE WHEN id = 1 THEN total END AS c FROM {scene.schema}.orders")
    scene.grant()
    table = discovered(scene.harness.run("discover", "--json", scene.schema))["v"]
    assert table["columns"][0]["type"] != "decimal(18,0)"


@pytest.mark.parametrize("denied", [*CATALOG, "svv_all_"])
def test_a_denied_catalog_does_no_harm_or_names_the_view_to_grant(scene: Scene, denied: str) -> None:
    deny(scene, denied)
    schema, harness = scene.schema, scene.harness
    check = scene.check()
    assert check.exit_code == 0, list(bad(check))
    harness.sync()
    assert harness.query(f"SELECT count(*) FROM {schema}.orders") == [(1,)]
    assert harness.run("status", "--json").exit_code == 0
    discover = harness.run("discover", "--json")
    everything = discover.stdout + discover.stderr + check.stdout
    assert "<schema>" not in everything
    if denied == "svv_all_":
        assert discover.exit_code == 1
        assert f'GRANT SELECT ON pg_catalog.{denied} TO "{scene.user}"' in discover.json["error"]["remedy"]
    else:
        assert discover.exit_code == 0, discover
        columns = discovered(discover)["orders"]["columns"]
        assert [c["name"] for c in columns] == ["id", "name", "total"]
        assert columns[2]["type"] == "decimal(18,2)"


# Names that a person may have to paste into sluice.yaml.
NAMES = [
    "plain", "Mixed", "with space", "dot.ted", 'quo"ted', "it's", "dollar$", "two$$", "ref${x}", "select", "1digit",
    "ünïcode", "a: b", "hash #", "-dash", "[list]", "{map}", "*star", "back\\slash", "100", "null", " blank ", '"q"',
]  # fmt: skip


def test_every_discovered_name_can_be_pasted_as_a_table(scene: Scene) -> None:
    schema = scene.schema
    quoted = {name: '"' + name.replace('"', '""') + '"' for name in NAMES}
    for name in NAMES:
        scene.harness.source(f"CREATE TABLE {schema}.{quoted[name]} (n int)")
        scene.harness.source(f"INSERT INTO {schema}.{quoted[name]} VALUES (1)")
    scene.grant()
    for name in (".dotted", '"', "Big Schema"):
        scene.harness.source(f'CREATE SCHEMA "{schema}{name.replace(chr(34), chr(34) * 2)}"')
    found = discovered(scene.harness.run("discover", "--json", schema))
    assert set(NAMES) <= set(found)
    # As a person pastes it, and as a program writes it.
    pasted = "streams:\n" + "".join(f"  - table: {found[name]['name']}\n" for name in NAMES)
    assert len(yaml.safe_load(pasted)["streams"]) == len(NAMES)
    written = [{"table": found[name]["name"]} for name in NAMES]
    for streams in (pasted, yaml.safe_dump({"streams": written}, allow_unicode=True)):
        scene.settings["streams"] = []
        config = scene.harness.write_config()
        config.write_text(config.read_text().replace("streams: []\n", streams))
        finished = scene.harness.finish(scene.harness.start("sync", "--json", "--dry-run", config=config))
        assert finished.exit_code == 0, finished
        plans = finished.json["streams"]
        for name, plan in zip(NAMES, plans, strict=True):
            assert f".{quoted[name]}" in plan["select"], plan


def test_what_the_catalog_hides_is_described_or_said_to_be_hidden(scene: Scene) -> None:
    scene.sql(f"CREATE TABLE {scene.schema}.late (id integer)")  # after the grant
    scene.harness.streams(f"{scene.schema}.orders", f"{scene.schema}.late", f"{scene.schema}.gone")
    found = discovered(scene.harness.run("discover", "--json"))
    assert found["orders"]["hidden"] is None and found["orders"]["configured"]
    assert "permission" in found["late"]["hidden"] or "may not" in found["late"]["hidden"]
    assert found["late"]["columns"] == []
    assert "gone" not in found, "what does not exist is not hidden"


@pytest.mark.parametrize(
    ("fault", "args"),
    [("gateway.connection_limit", {"limit": 0}), ("credentials.throttle", {}), ("credentials.internal_error", {})],
)
@pytest.mark.parametrize("command", [("sync",), ("check",), ("discover",)])
def test_the_first_login_is_tried_for_several_seconds(
    scene: Scene, fault: str, args: dict[str, Any], command: tuple[str, ...]
) -> None:
    scene.sandbox.faults.set(fault, args=args)
    clearing = threading.Timer(2.5, lambda: scene.sandbox.faults.clear(fault))
    clearing.start()
    try:
        finished = scene.harness.run(*command, "--json")
    finally:
        clearing.cancel()
    assert finished.exit_code == 0, finished


def test_a_workgroup_that_stays_full_is_named_and_ctrl_c_does_not_wait(scene: Scene) -> None:
    scene.sandbox.faults.set("gateway.connection_limit", count=1, args={"limit": 0})
    assert scene.harness.run("sync", "--json").exit_code == 0, "refused once"
    scene.sandbox.faults.set("gateway.connection_limit", args={"limit": 0})
    process = scene.harness.start("sync")
    time.sleep(1.5)
    began = time.monotonic()
    process.send_signal(2)
    scene.harness.finish(process)
    assert process.returncode == 130
    assert time.monotonic() - began < 5


def test_streams_that_fail_alike_are_told_with_their_own_columns(scene: Scene) -> None:
    for name, cursor in (("orders", "seen"), ("customers", "visited")):
        scene.settings["streams"].append(
            {"table": f"{scene.schema}.{name}", "cursor": cursor, "sync_mode": "incremental", "write_mode": "append"}
        )
    del scene.settings["streams"][:2]
    finished = scene.harness.run("sync")
    said = " ".join(finished.stdout.split())
    assert said.count("no such column") == 1, "told once"
    assert f"{scene.schema}.orders, cursor seen; {scene.schema}.customers, cursor visited" in said
    errors = {name: one["error"]["subject"] for name, one in streams_of(scene.harness.run("sync", "--json")).items()}
    assert errors == {
        f"{scene.schema}.orders": f"stream {scene.schema}.orders, cursor seen",
        f"{scene.schema}.customers": f"stream {scene.schema}.customers, cursor visited",
    }


def test_a_sketch_is_among_the_columns_that_cannot_be_read(scene: Scene) -> None:
    scene.harness.source(f"CREATE TABLE {scene.schema}.s (id integer, seen hllsketch, name varchar(5))")
    scene.grant()
    table = discovered(scene.harness.run("discover", "--json", scene.schema))["s"]
    assert [c["name"] for c in table["columns"]] == ["id", "name"]
    assert table["unreadable_columns"] == [{"name": "seen", "type": "hllsketch"}]
