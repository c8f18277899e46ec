"""A plain model of the shop's tables: what a reader of the source sees, as Python values.

`Event` says what one step of the writer changed, `Model.apply` makes the same change here. Values: int, bool, str,
Decimal, datetime (without a zone for TIMESTAMP, in UTC for TIMESTAMPTZ), and the parsed JSON for SUPER.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any

Row = dict[str, Any]
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Column:
    name: str
    type: str  # as Redshift spells it, e.g. "character varying(40)"


@dataclass(frozen=True)
class Shape:
    """What never changes of a table."""

    name: str
    key: tuple[str, ...]
    cursor: str | None = None
    soft_delete: str | None = None


@dataclass(frozen=True)
class Event:
    """What one step of the writer committed. Apply it in the order of the fields."""

    number: int
    kind: str  # one of shop.KINDS
    table: str
    at: dt.datetime  # the writer's clock, from which stamps are taken
    emptied: bool = False  # every row was removed
    renamed: tuple[tuple[str, str], ...] = ()  # (old, new) names of columns
    columns: tuple[Column, ...] | None = None  # all columns from now on, where they changed
    gone: tuple[Key, ...] = ()  # keys whose rows were deleted
    puts: tuple[Row, ...] = ()  # rows inserted, or replacing the one of their key
    silent: bool = False  # changed without a new cursor value: only a full read, or a scan of the keys, sees it
    unstamped: bool = False  # some of `puts` have NULL as their cursor

    def __str__(self) -> str:
        """A short text for logs: keys, but no values."""
        parts = [f"{self.number} {self.kind} {self.table}"]
        if self.puts:
            parts.append(f"put {len(self.puts)}")
        if self.gone:
            parts.append(f"gone {', '.join('/'.join(map(str, key)) for key in self.gone)}")
        if self.columns is not None:
            parts.append("columns " + ", ".join(column.name for column in self.columns))
        return "; ".join(parts)


@dataclass
class Table:
    """The committed rows of one table."""

    shape: Shape
    columns: list[Column]
    rows: dict[Key, Row] = field(default_factory=dict)  # the newest row of each key
    older: dict[Key, list[Row]] = field(default_factory=dict)  # more rows of a key: Redshift does not enforce keys

    def key_of(self, row: Row) -> Key:
        return tuple(row[name] for name in self.shape.key)

    def all_rows(self) -> list[Row]:
        """Every row of the table, duplicates of a key included."""
        return [*self.rows.values(), *(row for rows in self.older.values() for row in rows)]

    def live_rows(self) -> list[Row]:
        """The newest row of each key, without those flagged as deleted."""
        flag = self.shape.soft_delete
        return [row for row in self.rows.values() if flag is None or flag not in row or not row[flag]]

    def apply(self, event: Event) -> None:
        if event.emptied:
            self.rows.clear()
            self.older.clear()
        if event.columns is not None:
            self._reshape(dict(event.renamed), event.columns)
        for key in event.gone:
            del self.rows[key]
            self.older.pop(key, None)
        for row in event.puts:
            key = self.key_of(row)
            if event.kind == "duplicate" and key in self.rows:
                self.older.setdefault(key, []).append(self.rows[key])
            elif event.kind != "duplicate":
                self.older.pop(key, None)
            self.rows[key] = dict(row)

    def _reshape(self, renamed: dict[str, str], columns: tuple[Column, ...]) -> None:
        self.columns = list(columns)
        back = {new: old for old, new in renamed.items()}

        def reshaped(row: Row) -> Row:
            return {column.name: row.get(back.get(column.name, column.name)) for column in columns}

        self.rows = {key: reshaped(row) for key, row in self.rows.items()}
        self.older = {key: [reshaped(row) for row in rows] for key, rows in self.older.items()}


class Model:
    """All tables of one shop."""

    def __init__(self, tables: dict[str, Table]) -> None:
        self.tables = tables

    def apply(self, event: Event) -> None:
        if event.table:
            self.tables[event.table].apply(event)

    def copy(self) -> Model:
        """A copy that later events do not change."""
        return Model({
            name: replace(
                table, columns=list(table.columns), rows={key: dict(row) for key, row in table.rows.items()},
                older={key: [dict(row) for row in rows] for key, rows in table.older.items()},
            )
            for name, table in self.tables.items()
        })  # fmt: skip
