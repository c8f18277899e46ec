"""A table of the source, twice: in the sandbox, and as plain Python rows that say what it holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import psycopg
from redshift_sandbox import account
from redshift_sandbox.world import Sandbox
from shaping import Shaping

Row = dict[str, Any]
START = dt.datetime(2026, 1, 1)  # stamps have no zone
FUTURE = dt.datetime(3000, 1, 1)  # no clock of a test comes so far
CURSOR = "changed"
KEY = ("id", "part")
BASE_COLUMNS = {
    "id": "bigint", "part": "varchar(10)", "n": "numeric(16,2)", "gone": "boolean", CURSOR: "timestamp",
    "wide": "integer",
}  # fmt: skip
# The types that a column may have, each of which holds all values of those before it.
LADDERS = {
    "wide": ("integer", "bigint"),
    "n": ("numeric(12,2)", "numeric(16,2)", "numeric(20,4)"),
}
# What only the wider ones hold, added to a row's value.
BEYOND = {
    "integer": 0, "bigint": 1 << 40,
    "numeric(12,2)": 0, "numeric(16,2)": Decimal(10**12), "numeric(20,4)": Decimal("0.0004"),
}  # fmt: skip


@dataclass(frozen=True)
class Snapshot:
    """What a reader of the source sees at one moment."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def high(self) -> dt.datetime | None:
        """The greatest stamp that the server's clock has reached."""
        return max((row[CURSOR] for row in self.rows if row[CURSOR] is not None and not waits(row)), default=None)

    @property
    def waiting(self) -> int:
        """Rows dated in the future."""
        return sum(map(waits, self.rows))

    def up_to(self, stamp: dt.datetime | None) -> Snapshot:
        """Without rows stamped later, as if they were written later; those dated in the future tell nothing of that."""
        kept = (
            r for r in self.rows if r[CURSOR] is None or waits(r) or (stamp is not None and r[CURSOR] <= stamp)
        )  # fmt: skip
        return replace(self, rows=tuple(kept))


def waits(row: Row) -> bool:
    """Whether it is dated in the future."""
    return row[CURSOR] is not None and row[CURSOR] >= FUTURE


class PlainSource:
    """Every change is made here first; the sandbox gets it at `flush`, all in one go."""

    def __init__(self, sandbox: Sandbox, table: str, shaping: Shaping | None = None) -> None:
        self.table = table
        self._shaping = shaping or Shaping()
        self.columns = dict(BASE_COLUMNS)
        self.rows: list[Row] = []
        self.second = 0
        self._extra = 0
        self._statements: list[str] = []
        self._user = sandbox.facts.role_db_user
        self._connection = sandbox.postgres.admin(account.DATABASE)
        self._holder = psycopg.connect(sandbox.postgres.dsn(database=account.DATABASE), autocommit=True)
        self._held: list[Row] = []
        self._create()

    def close(self) -> None:
        self.release()
        self._statements = [f"DROP TABLE IF EXISTS {self.table}"]  # perhaps nobody looked at it yet
        self.flush()
        self._connection.close()
        self._holder.close()

    def flush(self) -> None:
        """Everything so far is committed and visible to readers."""
        if not self._statements:
            return
        self._connection.execute(";\n".join(self._statements).encode())
        self._statements = []

    def snapshot(self) -> Snapshot:
        self.flush()
        rows = tuple(dict(row) for row in self.rows)
        return self._shaping.applied(Snapshot(tuple(self.columns), tuple(self.columns.values()), rows))

    # -- rows -----------------------------------------------------------------------------------

    def newest(self) -> dt.datetime | None:
        return max((row[CURSOR] for row in self.rows if row[CURSOR] is not None and not waits(row)), default=None)

    def future_stamp(self) -> dt.datetime:
        self.second += 1
        return FUTURE + dt.timedelta(seconds=self.second)

    def stamp(self, late: int = 0) -> dt.datetime:
        """A second later than any before; `late`: that much earlier."""
        self.second += 1
        return START + dt.timedelta(seconds=self.second - late, microseconds=1)

    def put(self, key: int, value: int, stamp: dt.datetime | None, *, gone: bool = False) -> None:
        self.delete(key)
        self.insert(key, value, stamp, gone=gone)

    def insert(self, key: int, value: int, stamp: dt.datetime | None, *, gone: bool = False) -> None:
        """Beside whatever has that key: Redshift enforces none."""
        row = self._row(key, value, stamp, gone=gone)
        self.rows.append(row)
        self._statements.append(self._insert_text(row))

    def change_unstamped(self, key: int, value: int) -> None:
        for row in self.rows:
            if row["id"] == key:
                row["n"] = Decimal(value)
        self._statements.append(f"UPDATE {self.table} SET n = {value} WHERE id = {key}")

    def delete(self, key: int) -> None:
        self.rows = [row for row in self.rows if row["id"] != key]
        self._statements.append(f"DELETE FROM {self.table} WHERE id = {key}")

    def empty(self) -> None:
        self.rows = []
        self._statements.append(f"DELETE FROM {self.table}")

    def _row(self, key: int, value: int, stamp: dt.datetime | None, *, gone: bool) -> Row:
        row: Row = {"id": key, "part": "ab"[key % 2], "n": Decimal(value), "gone": gone, CURSOR: stamp, "wide": key}
        for name in LADDERS:
            row[name] += BEYOND[self.columns[name]]
        for name in self.columns:
            row.setdefault(name, value)
        return {name: row[name] for name in self.columns}

    def _insert_text(self, row: Row) -> str:
        names = ", ".join(row)
        return f"INSERT INTO {self.table} ({names}) VALUES ({', '.join(map(_literal, row.values()))})"

    # -- transactions that end late ---------------------------------------------------------------

    def hold(self, key: int, value: int) -> None:
        """A row whose stamp is taken now, and which nobody sees before `release`."""
        self.release()
        self.flush()
        row = self._row(key, value, self.stamp(), gone=False)
        self._holder.execute(b"BEGIN")
        self._holder.execute(self._insert_text(row).encode())
        self._held.append(row)

    def release(self) -> None:
        if not self._held:
            return
        self.flush()  # what came before it must not touch its row
        self._holder.execute(b"COMMIT")
        self.rows += self._held
        self._held = []

    def write_at_once(self, row_key: int, value: int) -> None:
        """One row, committed before this returns, from any one thread."""
        self.insert(row_key, value, self.stamp())
        self.flush()

    # -- columns --------------------------------------------------------------------------------

    def add_column(self) -> None:
        self.release()  # its lock would be waited for
        self._extra += 1
        name = f"extra{self._extra}"
        self.columns[name] = "integer"
        for row in self.rows:
            row[name] = 7
        self._statements.append(f"ALTER TABLE {self.table} ADD COLUMN {name} integer DEFAULT 7")

    def drop_column(self) -> None:
        """The newest of those that were added."""
        name = self._newest_extra()
        if name is None:
            return
        self.release()
        del self.columns[name]
        for row in self.rows:
            del row[name]
        self._statements.append(f"ALTER TABLE {self.table} DROP COLUMN {name}")

    def rename_column(self) -> None:
        name = self._newest_extra()
        if name is None:
            return
        self.release()
        self._extra += 1
        new = f"extra{self._extra}"
        self.columns = {new if old == name else old: kind for old, kind in self.columns.items()}
        self.rows = [{new if old == name else old: value for old, value in row.items()} for row in self.rows]
        self._statements.append(f"ALTER TABLE {self.table} RENAME COLUMN {name} TO {new}")

    def widen(self, name: str) -> None:
        self._retype(name, +1)

    def narrow(self, name: str) -> None:
        """Its values are made to fit first, without a stamp."""
        if self.columns[name] == LADDERS[name][0]:
            return
        self.release()
        for row in self.rows:
            row[name] = type(row[name])(row["id"])
        self._statements.append(f"UPDATE {self.table} SET {name} = id")
        self._retype(name, -1)

    def widen_to(self, types: dict[str, str]) -> None:
        """Until every column holds what those of `types` do."""
        for name, ladder in LADDERS.items():
            while name in types and ladder.index(self.columns[name]) < ladder.index(types[name]):
                self.widen(name)

    def _retype(self, name: str, steps: int) -> None:
        ladder = LADDERS[name]
        at = ladder.index(self.columns[name]) + steps
        if at == len(ladder):
            return
        self.release()
        self.columns[name] = ladder[at]
        self._statements.append(f"ALTER TABLE {self.table} ALTER COLUMN {name} TYPE {ladder[at]}")

    def stamp_all_anew(self) -> None:
        """Every row in its order, as a careful owner does after adding a column."""
        shift = dt.timedelta(seconds=100)
        self.second += 100
        for row in self.rows:
            if row[CURSOR] is not None:
                row[CURSOR] += shift
        self._statements.append(f"UPDATE {self.table} SET {CURSOR} = {CURSOR} + interval '100 seconds'")

    def recreate(self) -> None:
        """Dropped and made again, empty, without the columns that were added; what is stamped goes on."""
        self.release()
        self.rows = []
        self.columns = {**BASE_COLUMNS, **{name: self.columns[name] for name in LADDERS}}
        self._statements.append(f"DROP TABLE {self.table}")
        self._create()

    def _newest_extra(self) -> str | None:
        return next((name for name in reversed(self.columns) if name.startswith("extra")), None)

    def _create(self) -> None:
        columns = ", ".join(f"{name} {kind}" for name, kind in self.columns.items())
        self._statements.append(f"CREATE TABLE {self.table} ({columns})")
        self._statements.append(f'GRANT SELECT ON {self.table} TO "{self._user}"')


def newest_by_key(rows: Iterable[Row]) -> dict[tuple[Any, ...], Row]:
    """Of rows with one key the one with the greatest cursor; none is less than any."""
    best: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = tuple(row[name] for name in KEY)
        if key not in best or (row[CURSOR] or dt.datetime.min) > (best[key][CURSOR] or dt.datetime.min):
            best[key] = row
    return best


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, dt.datetime):
        return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
    if isinstance(value, str):
        return f"'{value}'"
    return str(value)
