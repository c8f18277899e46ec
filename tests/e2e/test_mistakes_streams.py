"""Mistakes in what is synced and where it lands: each is told by check with what to write instead, and is one at
which a sync fails, too."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb
import pytest
from mistakes import Break, Mistake, act, assert_named_with_its_cure, query, setting, sql
from scene import Scene

pytestmark = pytest.mark.mistakes


def stream(**members: Any) -> Break:
    """The only stream: of `orders`, unless said otherwise; "{schema}" is filled in."""

    def change(scene: Scene, _: ExitStack) -> None:
        made = {k: v.format(schema=scene.schema) if isinstance(v, str) else v for k, v in members.items()}
        if "sql" not in made:
            made = {"table": f"{scene.schema}.orders", **made}
        scene.settings["streams"] = [made]

    return change


def merge(**members: Any) -> Break:
    return stream(**{"sync_mode": "full_refresh", "write_mode": "merge", "primary_key": ["id"], **members})


def follow(cursor: str, **members: Any) -> Break:
    return stream(sync_mode="incremental", write_mode="append", cursor=cursor, **members)


def both(*breaks: Break) -> Break:
    def change(scene: Scene, stack: ExitStack) -> None:
        for one in breaks:
            one(scene, stack)

    return change


def queries(*names: str) -> Break:
    def change(scene: Scene, _: ExitStack) -> None:
        scene.settings["streams"] += [{"name": n, "sql": f"SELECT id FROM {scene.schema}.orders"} for n in names]

    return change


def there(*statements: str) -> Break:
    """Somebody else's at the destination: a file that was not there before."""

    def change(scene: Scene, stack: ExitStack) -> None:
        path: Path = scene.harness.warehouse
        stack.callback(lambda: path.unlink(missing_ok=True))
        with duckdb.connect(str(path)) as file:
            file.execute(f"CREATE SCHEMA {scene.schema}")
            for statement in statements:
                file.execute(statement.format(schema=scene.schema))

    return change


def source_schema(name: str) -> Break:
    return both(
        sql(f'CREATE SCHEMA {name}; CREATE TABLE {name}.t (id integer);'
            f'GRANT USAGE ON SCHEMA {name} TO "{{user}}"; GRANT SELECT ON {name}.t TO "{{user}}"',
            f"DROP TABLE {name}.t; DROP SCHEMA {name}"),
        stream(table=f"{name}.t"),
    )  # fmt: skip


def cursor_changed(scene: Scene, stack: ExitStack) -> None:
    stack.callback(lambda: scene.harness.warehouse.unlink())
    follow("id")(scene, stack)
    scene.harness.sync()
    follow("total")(scene, stack)


def shape_changed(scene: Scene, stack: ExitStack) -> None:
    stack.callback(lambda: scene.harness.warehouse.unlink())
    follow("id")(scene, stack)
    scene.harness.sync()
    follow("id", where="id > 1")(scene, stack)


def at_path(where: Callable[[Scene], Path], text: bytes | None) -> Break:
    """A file, or a folder if `text` is None, where something else is expected."""

    def change(scene: Scene, stack: ExitStack) -> None:
        path = where(scene)
        path.parent.mkdir(exist_ok=True)
        if text is None:
            path.mkdir()
            stack.callback(path.rmdir)
        else:
            path.write_bytes(text)
            stack.callback(path.unlink)

    return change


def ledger_of(scene: Scene) -> Path:
    return scene.harness.folder / ".sluice" / f"{scene.name}.ledger"


def newer_ledger(scene: Scene, stack: ExitStack) -> None:
    path = ledger_of(scene)
    path.parent.mkdir(exist_ok=True)
    with sqlite3.connect(path) as file:
        file.execute("PRAGMA user_version = 99")
    stack.callback(path.unlink)


def work_dir(scene: Scene) -> Path:
    return scene.harness.folder / "parts"


def sketch(columns: list[str]) -> Break:
    def make(scene: Scene) -> None:
        scene.harness.source(f"CREATE TABLE {scene.schema}.hll (id integer, h hllsketch)")
        scene.sql(f'GRANT SELECT ON {scene.schema}.hll TO "{scene.user}"')

    undo = act(make, lambda s: s.harness.source(f"ALTER TABLE {s.schema}.hll DROP COLUMN h"))
    return both(undo, stream(table="{schema}.hll", **({"columns": columns} if columns else {})))


LATE_VIEW = (
    "CREATE VIEW {schema}.v AS SELECT id FROM {schema}%s.x WITH NO SCHEMA BINDING;"
    'GRANT SELECT ON {schema}.v TO "{user}"'
)

STREAMS = [
    Mistake("cursor_misspelt", follow("idd"), "streams.column_missing", ("Did you mean id?", "cursor: id")),
    Mistake("cursor_outside_columns", follow("total", columns=["id", "name"]), "streams.column_missing",
            ("columns: [id, name, total]", "Follow one of: id")),
    Mistake("cursor_of_a_float",
            both(sql("ALTER TABLE {schema}.orders ADD COLUMN ratio double precision",
                     "ALTER TABLE {schema}.orders DROP COLUMN ratio"), follow("ratio")),
            "streams.cursor_type", ("Follow one of: id",)),
    Mistake("cursor_of_another_sync", cursor_changed, "streams.other_cursor", ("--full",)),
    Mistake("filter_of_another_sync", shape_changed, "streams.other_shape", ("--full",)),
    Mistake("filter_that_cannot_be_run", stream(where="no_such_column = 1"), "streams.shape", ("Correct `where`",)),
    Mistake("two_columns_of_one_name", stream(rename={"id": "Name"}), "streams.shape", ("another name",)),
    Mistake("hidden_column_misspelt", stream(mask={"nmae": None}), "streams.column_missing", ("Did you mean name?",)),
    Mistake("excluded_column_misspelt", stream(columns={"exclude": ["nmae"]}), "streams.no_column",
            ("Did you mean name?",)),
    Mistake("key_misspelt", merge(primary_key=["idd"]), "streams.column_missing", ("primary_key: [id]",)),
    Mistake("key_in_another_case", merge(primary_key=["ID"]), "streams.column_missing", ("Did you mean id?",)),
    Mistake("key_outside_columns", merge(columns=["name", "total"]), "streams.column_missing",
            ("columns: [name, total, id]",)),
    Mistake("one_key_of_two_misspelt", merge(primary_key=["id", "nane"]), "streams.column_missing",
            ("primary_key: [id, name]",)),
    Mistake("key_to_cut_by_misspelt", stream(primary_key=["idd"], split={"pieces": 2}), "streams.column_missing",
            ("primary_key: [id]",)),
    Mistake("key_that_is_not_needed_misspelt", stream(primary_key=["idd"]), "streams.column_ignored",
            ("Correct primary_key",), exit_code=0),
    Mistake("split_misspelt", stream(split={"column": "totl", "pieces": 4}), "streams.column_missing",
            ("split: { column: total, pieces: 4 }",)),
    Mistake("split_outside_columns", stream(columns=["name"], split={"column": "total", "pieces": 4}),
            "streams.column_missing", ("columns: [name, total]",)),
    Mistake("split_by_a_text", stream(split={"column": "name", "pieces": 4}), "streams.split_type",
            ("split: { pieces: 8 }",)),
    Mistake("deletes_misspelt", merge(deletes={"column": "nam", "keep": True}), "streams.column_missing",
            ("deletes: { column: name, keep: true }",)),
    Mistake("deletes_outside_columns", merge(columns=["id"], deletes={"column": "total"}), "streams.column_missing",
            ("columns: [id, total]",)),
    Mistake("selected_column_misspelt", stream(columns=["id", "nmae"]), "streams.no_column", ("Did you mean name?",)),
    Mistake("column_that_cannot_be_unloaded", sketch([]), "streams.unreadable_column", ("columns: [id]",)),
    Mistake("column_selected_that_cannot_be_unloaded", sketch(["id", "h"]), "streams.unreadable_column",
            ("columns: [id]",)),
    Mistake("column_of_a_query_twice",
            stream(name="q", sql="SELECT id, name AS id FROM {schema}.orders", columns=["id"]), "streams.column_twice",
            ("AS id_2",)),
    Mistake("query_of_no_table", query("SELECT * FROM {schema}.ordres"), "streams.relation_missing",
            ("sluice discover",)),
    Mistake("query_of_no_schema", query("SELECT * FROM {schema}x.orders"), "streams.relation_missing",
            ("sluice discover",)),
    Mistake("view_over_a_dropped_table",
            both(sql("CREATE TABLE {schema}.x (id integer); " + LATE_VIEW % "" + "; DROP TABLE {schema}.x",
                     "DROP VIEW {schema}.v"), stream(table="{schema}.v")),
            "streams.view_broken", ('SHOW VIEW "{schema}"."v"',)),
    Mistake("view_over_a_schema_without_rights",
            both(sql("CREATE SCHEMA {schema}_raw; CREATE TABLE {schema}_raw.x (id integer); " + LATE_VIEW % "_raw",
                     "DROP VIEW {schema}.v; DROP TABLE {schema}_raw.x"), stream(table="{schema}.v")),
            "streams.view_denied", ('GRANT USAGE ON SCHEMA "{schema}_raw" TO "{user}"',)),
    Mistake("no_streams", setting("", "streams", []), "configuration.no_streams", ("sluice discover", "streams:")),
    Mistake("two_queries_that_fold", queries("q", "Q"), "configuration.one_target", ("give it another",)),
    Mistake("query_with_a_tables_name",
            both(queries("orders"), setting("destination", "schema", lambda s: s.schema)), "configuration.one_target",
            ("destination.schema",)),
    Mistake("two_schemas_into_one",
            both(sql("CREATE SCHEMA {schema}_b; CREATE TABLE {schema}_b.orders (id integer);"
                     'GRANT USAGE ON SCHEMA {schema}_b TO "{user}"; GRANT SELECT ON {schema}_b.orders TO "{user}"',
                     "DROP TABLE {schema}_b.orders; DROP SCHEMA {schema}_b"),
                 lambda s, _: s.settings["streams"].append({"table": f"{s.schema}_b.orders"}),
                 setting("destination", "schema", "all")),
            "configuration.one_target", ("Leave out destination.schema",)),
]  # fmt: skip

LANDING = [
    Mistake("target_is_a_view", there("CREATE VIEW {schema}.orders AS SELECT 1 AS id"), "destination.name_taken",
            ("another schema",)),
    Mistake("target_folds_to_anothers_table", there('CREATE TABLE {schema}."Orders" (id integer)'),
            "destination.name_taken"),
    Mistake("schema_of_our_own", setting("destination", "schema", "_sluice"), "destination.schema", exit_code=2),
    Mistake("schema_of_our_own_in_capitals", setting("destination", "schema", "_SLUICE"), "destination.schema",
            exit_code=2),
    Mistake("schema_of_the_engine", setting("destination", "schema", "information_schema"), "destination.schema",
            exit_code=2),
    Mistake("schema_of_the_source_that_is_ours_there", source_schema("_sluice"), "destination.reserved_schema",
            ("destination.schema",)),
    Mistake("schema_of_the_source_that_is_the_engines_there", source_schema("system"), "destination.reserved_schema",
            ("destination.schema",)),
    Mistake("target_with_narrower_columns",
            both(merge(), there("CREATE TABLE {schema}.orders (id smallint, name varchar, total decimal(18,6));"
                                "INSERT INTO {schema}.orders VALUES (1, 'a', 1)", )),
            "destination.schema_change", ("--full",)),
    Mistake("target_with_other_types",
            both(merge(), there("CREATE TABLE {schema}.orders (id varchar, name integer)")),
            "destination.schema_change", ("ALTER COLUMN", "--full")),
    Mistake("target_differs_though_none_may",
            both(merge(schema_changes="fail"), there("CREATE TABLE {schema}.orders (id integer, name varchar)")),
            "destination.schema_change", ("schema_changes: follow",)),
    Mistake("target_frozen_without_the_key",
            both(merge(schema_changes="freeze"), there("CREATE TABLE {schema}.orders (name varchar)")),
            "destination.schema_change", ("schema_changes: follow",)),
    Mistake("target_made_by_another_write_mode",
            both(merge(write_mode="history"), there("CREATE TABLE {schema}.orders (id integer, name varchar)")),
            "destination.history_table", ("--full",)),
    Mistake("column_selected_twice", stream(columns=["id", "ID"]), "destination.names_clash", ("columns",)),
    Mistake("column_that_duckdb_cannot_merge",
            merge(name="q", sql="SELECT id, id AS rowid FROM {schema}.orders"), "destination.target",
            ("write_mode: overwrite",)),
    Mistake("lake_that_should_merge", both(merge(), setting("", "destination", {"type": "lake", "path": "lake"})),
            "destination.stream_mode", ("write_mode: overwrite",)),
    Mistake("lake_that_should_keep_history",
            both(merge(write_mode="history"), setting("", "destination", {"type": "lake", "path": "lake"})),
            "destination.stream_mode", ("type duckdb or postgres",)),
    Mistake("work_dir_is_a_file", at_path(work_dir, b"theirs"), "local.work_dir", ("limits.work_dir",)),
    Mistake("work_dir_below_a_file",
            both(at_path(work_dir, b"theirs"), setting("limits", "work_dir", lambda s: str(work_dir(s) / "x"))),
            "local.work_dir", ("limits.work_dir",)),
    Mistake("ledger_damaged", at_path(ledger_of, b"SQLite format 3\0" + b"\xff" * 4000), "local.ledger_corrupt",
            ("Move",)),
    Mistake("ledger_that_is_none", at_path(ledger_of, b"my notes\n" * 500), "local.ledger_corrupt", ("Move",)),
    Mistake("ledger_of_a_newer_version", newer_ledger, "local.ledger_corrupt", ("newer",)),
    Mistake("ledger_is_a_folder", at_path(ledger_of, None), "local.ledger_corrupt"),
    Mistake("folder_of_the_ledger_is_a_file", at_path(lambda s: s.harness.folder / ".sluice", b"x"),
            "local.ledger"),
]  # fmt: skip

MISTAKES = [*STREAMS, *LANDING]


def sync_fails(scene: Scene, mistake: Mistake) -> None:
    """The check was no false alarm."""
    finished = scene.harness.run("sync", "--json")
    assert (finished.exit_code != 0) == (mistake.exit_code != 0), finished


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m.id)
def test_mistake_is_named_with_its_cure(make_scene: Callable[[str, str], Scene], mistake: Mistake) -> None:
    assert_named_with_its_cure(make_scene, mistake, sync_fails)
