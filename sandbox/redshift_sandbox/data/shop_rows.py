"""The shop's tables at their start, and rows for them from a random generator."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Any

from redshift_sandbox.data.shop_model import Column, Key, Row, Shape, Table

_EXACT = Context(prec=60)
OPENING = dt.datetime(2026, 1, 1)  # where the writer's clock starts

REGIONS = ("eu", "us", "ap")
_STATES = ("new", "paid", "packed", "sent", "returned")
_WORDS = ("ocean", "größe", "a'b", "back\\slash", "tab\there", "two\nlines", "", "  blanks  ", "naïve", "東京",
          "x" * 30)  # fmt: skip

# Tables get and lose columns, but these stay: keys, cursors and the flag, which streams name.
SHAPES: Mapping[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape("customers", ("customer_id",), "updated_at", "is_deleted"),
        Shape("orders", ("region", "order_id"), "updated_at", "is_deleted"),
        Shape("items", ("region", "order_id", "line"), "updated_at"),  # whose cursor may be NULL
        Shape("events", ("event_id",), "event_id"),  # a number as cursor; events are never updated
        Shape("countries", ("code",)),  # no cursor at all
    )
}

_COLUMNS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "customers": (
        ("customer_id", "bigint"), ("name", "character varying(40)"), ("email", "character varying(80)"),
        ("profile", "super"), ("credit", "numeric(18,4)"), ("updated_at", "timestamp without time zone"),
        ("is_deleted", "boolean"),
    ),
    "orders": (
        ("region", "character varying(2)"), ("order_id", "bigint"), ("customer_id", "bigint"),
        ("total", "numeric(12,2)"), ("status", "character varying(12)"), ("note", "character varying(60)"),
        ("placed_at", "timestamp with time zone"), ("updated_at", "timestamp without time zone"),
        ("is_deleted", "boolean"),
    ),
    "items": (
        ("region", "character varying(2)"), ("order_id", "bigint"), ("line", "integer"),
        ("sku", "character varying(20)"), ("quantity", "integer"), ("price", "numeric(38,10)"),
        ("updated_at", "timestamp without time zone"),
    ),
    "events": (
        ("event_id", "bigint"), ("kind", "character varying(20)"), ("payload", "super"),
        ("amount", "double precision"), ("happened_at", "timestamp with time zone"),
    ),
    "countries": (("code", "character varying(2)"), ("name", "character varying(40)"), ("rate", "numeric(20,8)")),
}  # fmt: skip

_NOT_NULL = frozenset(name for shape in SHAPES.values() for name in shape.key)


def empty_tables() -> dict[str, Table]:
    return {
        name: Table(shape, [Column(*column) for column in _COLUMNS[name]]) for name, shape in SHAPES.items()
    }


def create_sql(schema: str, table: Table) -> str:
    columns = ", ".join(
        f'"{column.name}" {column.type}' + (" NOT NULL" if column.name in _NOT_NULL else "") for column in table.columns
    )
    key = ", ".join(f'"{name}"' for name in table.shape.key)
    return f'CREATE TABLE "{schema}"."{table.shape.name}" ({columns}, PRIMARY KEY ({key}))'


def droppable(table: Table) -> list[Column]:
    """Columns that may be dropped or renamed: no stream depends on them."""
    kept = {*table.shape.key, table.shape.cursor, table.shape.soft_delete}
    return [column for column in table.columns if column.name not in kept]


class RowMaker:
    """Makes rows; one random generator decides everything, so that the same seed makes the same rows."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._next: dict[str, int] = {}

    def begin_after(self, tables: Mapping[str, Table]) -> None:
        """Numbers of new rows start above the existing ones."""
        for name in ("customers", "orders", "events"):
            column = SHAPES[name].key[-1]
            self._next[name] = max((row[column] for row in tables[name].rows.values()), default=0)

    def new_key(self, table: Table, tables: Mapping[str, Table]) -> Key:
        """A key that no row has."""
        name, chance = table.shape.name, self._chance
        if name == "items":
            orders = tables["orders"].rows
            region, order = chance.choice(list(orders)) if orders else (chance.choice(REGIONS), 1)
            lines = [key[2] for key in table.rows if key[:2] == (region, order)]
            return region, order, max(lines, default=0) + 1
        if name == "countries":
            letters = "abcdefghijklmnopqrstuvwxyz"
            free = [a + b for a in letters for b in letters if (a + b,) not in table.rows]
            return (chance.choice(free),)
        self._next[name] = self._next.get(name, 0) + 1
        return (chance.choice(REGIONS), self._next[name]) if name == "orders" else (self._next[name],)

    def row(self, table: Table, key: Key, stamp: dt.datetime) -> Row:
        """A row with all present columns of the table. `stamp` is the value of the cursor, if that is a time."""
        row = {column.name: self._value(column, stamp) for column in table.columns}
        row.update(zip(table.shape.key, key, strict=True))
        cursor, flag = table.shape.cursor, table.shape.soft_delete
        if cursor is not None and cursor not in table.shape.key:
            # A nullable cursor stands for applications that forget the stamp.
            row[cursor] = None if table.shape.name == "items" and self._chance.random() < 0.1 else stamp
        if flag is not None:
            row[flag] = False
        return row

    def _value(self, column: Column, stamp: dt.datetime) -> Any:
        chance, name, kind = self._chance, column.name, column.type
        if name == "status":
            return chance.choice(_STATES)
        if name not in _NOT_NULL and chance.random() < 0.08:
            return None
        if kind.startswith("numeric"):
            precision, scale = (int(part) for part in kind[8:-1].split(","))
            digits = min(precision, chance.choice((3, 9, precision)))
            return Decimal(chance.randrange(-(10**digits) + 1, 10**digits)).scaleb(-scale, _EXACT)
        if kind.startswith("character"):
            return self._text(int(kind[kind.index("(") + 1 : -1]))
        if kind == "super":
            return self._super()
        if kind == "timestamp with time zone":
            return (stamp - dt.timedelta(seconds=chance.randrange(3600))).replace(tzinfo=dt.UTC)
        if kind == "timestamp without time zone":
            return stamp
        if kind == "double precision":
            return chance.choice((0.0, -1.5, 1e300, chance.random()))
        if kind == "boolean":
            return chance.random() < 0.5
        return chance.randrange(-1000, 1000)

    def _text(self, bytes_max: int) -> str:
        """VARCHAR(n) holds n bytes."""
        text = self._chance.choice(_WORDS) + str(self._chance.randrange(1000))
        return text if len(text.encode()) <= bytes_max else str(self._chance.randrange(10))

    def _super(self) -> Any:
        chance = self._chance
        return chance.choice((
            {"level": chance.randrange(5), "tags": ["a", chance.choice(_WORDS)]}, [1, 2.5, None], "text", 7, True, {},
        ))  # fmt: skip
