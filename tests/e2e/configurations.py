"""Random configurations and random states of source, bucket, destination and local folder, wrong and right mixed.

`make_case` draws one from a seed: what it did is told by `Case.told`, so that a failure explains itself."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import duckdb
import psycopg
from scene import Scene

from destinations import Destination

# Names and what they are: a key has unique values, a cursor an order, a mark is never set.
COLUMNS = {
    "id": "integer",
    "name": "varchar(20)",
    "total": "numeric(18,2)",
    "at": "timestamp",
    "day": "date",
    "gone": "boolean",
    "ratio": "double precision",
}
KEYS = ("id", "name")
CURSORS = ("at", "day", "id", "total")
MISSPELT = {"id": "idd", "name": "nmae", "total": "totl", "at": "att", "day": "dya", "gone": "gne", "ratio": "rato"}


@dataclass
class Case:
    scene: Scene
    destination: Destination
    chance: random.Random
    told: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.told.append(text)

    def maybe(self, percent: int) -> bool:
        return self.chance.random() * 100 < percent

    def sql(self, text: str) -> None:
        for statement in text.split(";"):
            self.scene.sql(statement.format(s=self.scene.schema, user=self.scene.user))


def make_source(case: Case) -> list[str]:
    """Tables and views of the scene's schema; returns those that a stream may name."""
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    values = "({0}, 'n{0}', {0}.50, '2024-01-0{0} 10:00:00', '2024-01-0{0}', false, 0.5)"
    rows = ", ".join(values.format(i) for i in range(1, 6))
    for table in ("a", "b"):
        case.sql(f"CREATE TABLE {{s}}.{table} ({columns}); INSERT INTO {{s}}.{table} VALUES {rows}")
    case.sql("CREATE VIEW {s}.plain AS SELECT * FROM {s}.a")
    case.sql("CREATE VIEW {s}.late AS SELECT * FROM {s}.a WITH NO SCHEMA BINDING")
    case.sql("GRANT SELECT ON {s}.a TO \"{user}\"; GRANT SELECT ON {s}.b TO \"{user}\"")
    case.sql("GRANT SELECT ON {s}.plain TO \"{user}\"; GRANT SELECT ON {s}.late TO \"{user}\"")
    names = ["a", "a", "a", "b", "plain", "late"]
    odd: dict[str, str] = {
        "broken": "CREATE TABLE {s}.x (id integer);"
        "CREATE VIEW {s}.broken AS SELECT id FROM {s}.x WITH NO SCHEMA BINDING; DROP TABLE {s}.x",
        "narrowed": "CREATE TABLE {s}.y (id integer, name varchar(9)); CREATE VIEW {s}.narrowed AS SELECT id, name FROM"
        " {s}.y WITH NO SCHEMA BINDING; ALTER TABLE {s}.y DROP COLUMN name",
        "sketch": "CREATE TABLE {s}.sketch (id integer, h hllsketch)",
        "denied": "CREATE SCHEMA {s}_raw; CREATE TABLE {s}_raw.t (id integer);"
        "CREATE VIEW {s}.denied AS SELECT id FROM {s}_raw.t WITH NO SCHEMA BINDING",
        "ungranted": "CREATE TABLE {s}.ungranted (id integer)",
    }
    if case.maybe(25):
        name = case.chance.choice(list(odd))
        case.sql(odd[name])
        if name != "ungranted":
            case.sql(f'GRANT SELECT ON {{s}}.{name} TO "{{user}}"')
        case.note(f"source has {name}")
        names += [name, name]
    return names


def column(case: Case, right: tuple[str, ...], chosen: list[str]) -> str:
    """Mostly a right one, else one that is misspelt, of another type, or not selected."""
    if case.maybe(88):
        return case.chance.choice([name for name in right if not chosen or name in chosen] or list(right))
    if case.maybe(40):
        return MISSPELT[case.chance.choice(list(COLUMNS))]
    return case.chance.choice([*COLUMNS, "ID", "At"])


def make_stream(case: Case, names: list[str]) -> dict[str, Any]:
    chance, schema = case.chance, case.scene.schema
    stream: dict[str, Any]
    if case.maybe(20):
        text = chance.choice(
            ["SELECT * FROM {0}.a", "SELECT id, name, at, gone FROM {0}.b", "SELECT idd FROM {0}.a",
             "SELECT id FROM {0}.no", "SELECT count(*) AS id FROM {0}.a"]
            if case.maybe(60) else ["SELECT * FROM {0}.b"]
        )  # fmt: skip
        stream = {"name": chance.choice(["q", "a", "b", "Q"]), "sql": text.format(schema)}
    else:
        stream = {"table": f"{schema}.{chance.choice(names) if case.maybe(97) else 'none'}"}
    chosen: list[str] = []
    if case.maybe(25):
        chosen = chance.sample(list(COLUMNS), chance.randint(1, 6))
        if case.maybe(70):
            chosen = list({"id": 0, "name": 0, **dict.fromkeys(chosen)})
        stream["columns"] = chosen
    stream["sync_mode"] = chance.choice(["full_refresh", "incremental"])
    modes = ["append", "merge", "history"] + ["overwrite"] * (stream["sync_mode"] == "full_refresh")
    stream["write_mode"] = chance.choice(modes)
    by_key = stream["write_mode"] in ("merge", "history")
    if by_key or case.maybe(15):
        stream["primary_key"] = [column(case, KEYS, chosen)]
    if stream["sync_mode"] == "incremental" or case.maybe(15):
        stream["cursor"] = column(case, CURSORS, chosen)
    if by_key and case.maybe(25):
        stream["deletes"] = {"column": column(case, ("gone",), chosen)} if case.maybe(70) else {"key_scan": "24h"}
    if case.maybe(20):
        stream["split"] = {"pieces": 2}
        if case.maybe(60) or "primary_key" not in stream:
            stream["split"]["column"] = column(case, ("id", "at", "total"), chosen)
    if case.maybe(15):
        stream["schema_changes"] = chance.choice(["follow", "freeze", "fail"])
    return stream


# -- what else may be wrong ----------------------------------------------------------------------

Wrong = Callable[[Case], None]


def target_of(case: Case) -> tuple[str, str]:
    stream = case.scene.settings["streams"][0]
    schema, table = stream["table"].split(".") if "table" in stream else ("main", stream["name"])
    return case.scene.settings["destination"].get("schema", schema), table


def at_destination(statement: str) -> Wrong:
    """Runs it there, as somebody else would; {t} is the first stream's target."""

    def do(case: Case) -> None:
        if case.destination.kind.startswith("lake"):
            return
        if not case.scene.settings["streams"]:
            return
        schema, table = target_of(case)
        if schema.lower() in ("_sluice", "information_schema", "pg_catalog"):
            return
        try:
            write_there(case, [f'CREATE SCHEMA IF NOT EXISTS "{schema}"', statement.format(t=f'"{schema}"."{table}"')])
        except (duckdb.Error, psycopg.Error):
            case.note("which an earlier sync had made")

    return do


def write_there(case: Case, statements: list[str]) -> None:
    if case.destination.kind == "postgres":
        with case.destination.server.connect(case.destination.database) as connection:  # type: ignore[attr-defined]
            for statement in statements:
                connection.execute(statement.encode())
        return
    with duckdb.connect(str(case.destination.path)) as file:  # type: ignore[attr-defined]
        for statement in statements:
            file.execute(statement)


def destination_schema(case: Case) -> None:
    name = case.chance.choice(["_sluice", "_SLUICE", "information_schema", "pg_catalog", "all", "main", "x.y"])
    case.scene.settings["destination"]["schema"] = name
    case.note(f"destination.schema {name}")


def synced_before(case: Case) -> None:
    """The configuration was another one when it was last synced."""
    now = json.loads(json.dumps(case.scene.settings["streams"]))
    for stream in case.scene.settings["streams"]:
        if "cursor" in stream:
            stream["cursor"] = case.chance.choice(CURSORS)
    case.scene.harness.run("sync", "--json")
    case.scene.settings["streams"] = now
    if case.maybe(60) and "since" not in " ".join(case.told):
        change = case.chance.choice(
            ["DROP VIEW {s}.plain; ALTER TABLE {s}.a ALTER COLUMN name TYPE varchar(90)",
             "ALTER TABLE {s}.a ADD COLUMN more integer",
             "DROP VIEW {s}.plain; ALTER TABLE {s}.a DROP COLUMN ratio",
             "DROP VIEW {s}.plain; ALTER TABLE {s}.a DROP COLUMN total; ALTER TABLE {s}.a ADD COLUMN total varchar(5)"]
        )  # fmt: skip
        case.sql(change)
        case.note(f"since: {change}")


def work_dir_is_a_file(case: Case) -> None:
    file = case.scene.harness.folder / "parts"
    if not file.exists():
        file.write_text("theirs")


def ledger(case: Case) -> None:
    folder = case.scene.harness.folder / ".sluice"
    path = folder / f"{case.scene.name}.ledger"
    if folder.exists():
        return
    kind = case.chance.choice(["corrupt", "newer", "a folder", "below a file"])
    case.note(f"ledger {kind}")
    if kind == "below a file":
        folder.write_text("theirs")
        return
    folder.mkdir()
    if kind == "corrupt":
        path.write_bytes(b"SQLite format 3\0" + bytes(case.chance.randrange(256) for _ in range(4000)))
    elif kind == "newer":
        with sqlite3.connect(path) as file:
            file.execute("PRAGMA user_version = 99")
    else:
        path.mkdir()


def rights(case: Case) -> None:
    sid = case.chance.choice(["Bucket", "Objects", "Login"])
    case.scene.change_rights(sid)
    case.note(f"without right {sid}")


def bucket(case: Case) -> None:
    case.scene.settings["staging"].update(case.chance.choice([{"bucket": "no-such-bucket"}, {"region": "eu-west-1"}]))


def no_streams(case: Case) -> None:
    case.scene.settings["streams"] = []


def grants(case: Case) -> None:
    case.sql(
        case.chance.choice(
            ['REVOKE SELECT ON {s}.a FROM "{user}"', 'REVOKE USAGE ON SCHEMA {s} FROM "{user}"',
             'REVOKE SELECT ON {s}.a FROM "{user}"; GRANT SELECT (id, name) ON {s}.a TO "{user}"']
        )
    )  # fmt: skip


WRONGS: dict[str, Wrong] = {
    "target is a view": at_destination("CREATE VIEW {t} AS SELECT 1 AS id"),
    "target has other types": at_destination("CREATE TABLE {t} (id boolean, name integer, at integer, total date)"),
    "target has narrower types": at_destination("CREATE TABLE {t} (id smallint, total numeric(4,1))"),
    "target has other columns": at_destination("CREATE TABLE {t} (z integer)"),
    "target has more columns": at_destination("CREATE TABLE {t} (id integer, z integer)"),
    "target folds alike": at_destination("CREATE TABLE {t} (\"ID\" integer, \"Name\" varchar)"),
    "destination.schema": destination_schema,
    "destination.schema again": destination_schema,
    "synced before": synced_before,
    "synced before again": synced_before,
    "work_dir is a file": work_dir_is_a_file,
    "ledger": ledger,
    "rights": rights,
    "bucket": bucket,
    "no streams": no_streams,
    "grants": grants,
}  # fmt: skip


def make_case(scene: Scene, destination: Destination, chance: random.Random) -> Case:
    case = Case(scene, destination, chance)
    case.note(f"destination {destination.kind}")
    scene.settings["destination"] = destination.settings()
    scene.harness.variables.update(destination.variables())
    names = make_source(case)
    scene.settings["streams"] = [make_stream(case, names) for _ in range(chance.choice([1, 1, 2, 3]))]
    for name in chance.sample(list(WRONGS), chance.choice([0, 0, 1, 1, 2])):
        case.note(name)
        WRONGS[name](case)
    return case
