"""A shop whose tables change: the data set `shop`, and a seeded writer that changes them.

    shop = ShopWriter(sandbox.shop_connection, seed=7, schema="shop_7")   # any number of them, side by side
    shop.create(readers=["IAMR:sluice-reader"])                           # not for the data set's own schema
    event = shop.step()                                                   # changes something and returns what
    shop.model.tables["orders"].live_rows()                               # what a reader of the source now sees

The same seed makes the same steps, whatever the machine's clock says: stamps come from the writer's own clock, which
starts at shop_rows.OPENING and goes on by 0 to 20 seconds in each step (0: equal stamps). What a writer does:

| Kind | Meaning |
|---|---|
| `insert`, `update` | 1 to 5 rows, stamped now |
| `soft_delete` | the flag is set, stamped now (customers, orders) |
| `hard_delete` | rows are deleted; no stamp shows it |
| `hold` | a transaction stamps rows and stays open: nothing is committed yet |
| `release` | the oldest open one commits: rows appear with older stamps, at most `late_seconds` old |
| `rollback` | the oldest open one is rolled back |
| `add_column`, `drop_column`, `rename_column`, `widen` | ALTER TABLE; after a rename every row gets a new stamp |
| `truncate` | the table is emptied |
| `recreate` | dropped and created again with one column less and half of its rows, with new stamps |
| `duplicate` | a second row of an existing key, stamped now; only if `weights` says so |
| `silent_update` | a row changes and its stamp does not; only if `weights` says so |
| `pause` | nothing, because no change of the chosen kind was possible |

`Event.silent` marks changes that no cursor shows. Rows of `items` sometimes have no stamp at all (`Event.unstamped`).
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from psycopg import sql
from psycopg.types.json import Jsonb

from redshift_sandbox.data import shop_rows
from redshift_sandbox.data.dataset import TableName
from redshift_sandbox.data.shop_model import Column, Event, Key, Model, Row, Table

if TYPE_CHECKING:
    import psycopg

SCHEMA = "shop"
KINDS: Mapping[str, float] = {  # how often each is chosen
    "insert": 30, "update": 25, "soft_delete": 6, "hard_delete": 5, "hold": 8, "release": 8, "rollback": 2,
    "add_column": 2, "drop_column": 1.5, "rename_column": 1, "widen": 1.5, "truncate": 0.7, "recreate": 0.7,
    "duplicate": 0, "silent_update": 0,
}  # fmt: skip
_DDL = frozenset(("add_column", "drop_column", "rename_column", "widen", "truncate", "recreate"))
_ADDED_TYPES = ("character varying(20)", "integer", "numeric(10,2)", "boolean", "timestamp without time zone", "super")
_HELD_MAX = 3
_TICKS = (0, 0, 1, 250_000, 1_000_000, 7_000_001, 20_000_000)  # microseconds
_TICK_MAX = dt.timedelta(microseconds=max(_TICKS))
_VARCHAR = "character varying("

Connect = Callable[[], "psycopg.Connection[Any]"]


@dataclass
class _Held:
    """An open transaction, and what it will have changed."""

    connection: psycopg.Connection[Any]
    table: str
    began: dt.datetime
    puts: list[Row] = field(default_factory=list)
    keys: set[Key] = field(default_factory=set)


class ShopWriter:
    """Changes the tables of one schema and keeps `model` equal to what is committed there. One thread at a time;
    no other may write into the schema. `connect` gives a new autocommit connection that may do everything, such as
    Postgres.admin; close() ends what is open."""

    def __init__(
        self, connect: Connect, seed: int, schema: str = SCHEMA, *, weights: Mapping[str, float] | None = None,
        tables: Sequence[str] | None = None, late_seconds: int = 240,
    ) -> None:  # fmt: skip
        """`weights`: instead of KINDS; kinds left out do not happen. `tables`: change only these. No transaction
        stays open longer than `late_seconds` of the writer's clock, as long as step() may choose."""
        unknown = set(weights or {}) - set(KINDS)
        if unknown:
            raise ValueError(f"no kinds of change: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
        self.seed, self.schema = seed, schema
        self.model = Model(shop_rows.empty_tables())
        self.now = shop_rows.OPENING
        self._connect = connect
        self._connection: psycopg.Connection[Any] | None = None
        self._chance = random.Random(seed)
        self._rows = shop_rows.RowMaker(self._chance)
        self._weights = dict(KINDS if weights is None else weights)
        self._tables = list(tables or shop_rows.SHAPES)
        self._late = dt.timedelta(seconds=late_seconds)
        self._held: list[_Held] = []
        self._readers: list[str] = []
        self._number = self._added = 0
        self._kinds: dict[str, Callable[[Table], Event | None]] = {
            "insert": self._insert_some, "update": self._update_some, "soft_delete": self._soft_delete,
            "hard_delete": self._hard_delete, "hold": self._hold, "release": self._release,
            "rollback": self._rollback, "add_column": self._add_column, "drop_column": self._drop_column,
            "rename_column": self._rename_column, "widen": self._widen, "truncate": self._truncate,
            "recreate": self._recreate, "duplicate": self._duplicate, "silent_update": self._silent_update,
        }  # fmt: skip

    # -- life -----------------------------------------------------------------------------------

    def create(self, readers: Iterable[str] = (), rows: int = 40) -> None:
        """Creates schema and tables, with about `rows` orders in them; `readers` are database users who may select,
        also after a table is created again."""
        self._readers = list(readers)
        connection = self.connection
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(self.schema)))
        for reader in self._readers:
            connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(
                sql.Identifier(self.schema), sql.Identifier(reader)))
        for name, table in self.model.tables.items():
            with connection.transaction():
                self._create_table(table)
                made = self._first_rows(table, rows)
                self._insert(connection, table, made)
            self.model.apply(Event(0, "insert", name, self.now, puts=tuple(made)))

    def adopt(self, readers: Iterable[str] = ()) -> None:
        """Goes on with the tables that are in the schema already: the model is read from them."""
        self._readers = list(readers)
        self.model = self.read()
        stamps = [
            stamp for table in self.model.tables.values() for row in table.rows.values()
            if isinstance(stamp := row.get(table.shape.cursor or ""), dt.datetime)
        ]  # fmt: skip
        self.now = max([shop_rows.OPENING, *stamps])
        self._rows.begin_after(self.model.tables)

    def close(self) -> None:
        """Rolls open transactions back. The tables stay."""
        for held in self._held:
            held.connection.close()
        self._held.clear()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def connection(self) -> psycopg.Connection[Any]:
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    @property
    def open_transactions(self) -> int:
        return len(self._held)

    # -- changes --------------------------------------------------------------------------------

    def step(self, kind: str | None = None, table: str | None = None) -> Event:
        """One change, at random where `kind` and `table` are not given. What is not possible (no row to update, no
        open transaction) becomes a `pause`."""
        self.now += dt.timedelta(microseconds=self._chance.choice(_TICKS))
        self._number += 1
        # One transaction commits in a step, and a step may take the longest tick: keep steps for all open ones.
        margin = _TICK_MAX * len(self._held)
        if kind is None and self._held and self.now - self._held[0].began > self._late - margin:
            kind = "release"
        if kind is None:
            kinds = list(self._weights)
            kind = self._chance.choices(kinds, [self._weights[one] for one in kinds])[0]
        chosen = self.model.tables[table or self._chance.choice(self._tables)]
        event = self._kinds[kind](chosen) or self._event("pause", chosen)
        self.model.apply(event)
        return event

    def run(self, steps: int) -> list[Event]:
        return [self.step() for _ in range(steps)]

    def settle(self) -> list[Event]:
        """Commits all open transactions."""
        events = []
        while self._held:
            events.append(self.step("release"))
        return events

    def read(self) -> Model:
        """The tables in the database, in the form of the model, to compare the two."""
        tables = {}
        for name, shape in shop_rows.SHAPES.items():
            columns = [Column(str(row[0]), str(row[1])) for row in self.connection.execute(
                "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
                " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                [f'"{self.schema}"."{name}"'],
            ).fetchall()]  # fmt: skip
            table = Table(shape, columns)
            order = sql.SQL(", ").join(
                sql.Identifier(c) + sql.SQL(" NULLS FIRST") for c in (shape.cursor or shape.key[0], *shape.key)
            )
            for values in self.connection.execute(
                sql.SQL("SELECT * FROM {} ORDER BY {}").format(self._relation(name), order)
            ):
                row = {column.name: value for column, value in zip(columns, values, strict=True)}
                key = table.key_of(row)
                if key in table.rows:
                    table.older.setdefault(key, []).append(table.rows[key])
                table.rows[key] = row
            tables[name] = table
        return Model(tables)

    # -- each kind: None if it is not possible now ------------------------------------------------

    def _new_rows(self, table: Table, connection: psycopg.Connection[Any]) -> list[Row]:
        made = []
        taken = self._held_keys(table)
        for _ in range(self._chance.randrange(1, 6)):
            key = self._rows.new_key(table, self.model.tables)
            if key not in taken:
                taken.add(key)
                made.append(self._rows.row(table, key, self.now))
        self._insert(connection, table, made)
        return made

    def _insert_some(self, table: Table) -> Event:
        return self._event("insert", table, puts=self._new_rows(table, self.connection))

    def _update_some(self, table: Table) -> Event | None:
        if table.shape.name == "events":  # its cursor is its key, so an update would be silent
            return None
        puts = self._changed(table, self._some_keys(table))
        self._replace(self.connection, table, puts)
        return self._event("update", table, puts=puts, silent=table.shape.cursor is None)

    def _soft_delete(self, table: Table) -> Event | None:
        flag, cursor = table.shape.soft_delete, table.shape.cursor
        if flag is None or cursor is None:
            return None
        keys = [key for key in self._some_keys(table) if not table.rows[key][flag]]
        puts = [{**table.rows[key], flag: True, cursor: self.now} for key in keys]
        self._replace(self.connection, table, puts)
        return self._event("soft_delete", table, puts=puts)

    def _hard_delete(self, table: Table) -> Event | None:
        keys = self._some_keys(table)
        with self.connection.transaction():
            self._delete(self.connection, table, keys)
        return self._event("hard_delete", table, gone=tuple(keys), silent=True) if keys else None

    def _hold(self, table: Table) -> Event | None:
        if len(self._held) >= _HELD_MAX or not isinstance(self._stamp(table), dt.datetime):
            return None
        held = _Held(self._connect(), table.shape.name, self.now)
        held.connection.execute("BEGIN")
        if self._chance.random() < 0.5:
            held.puts = self._new_rows(table, held.connection)
        else:
            held.puts = [row for row in self._changed(table, self._some_keys(table)) if not _unstamped(table, [row])]
            self._replace(held.connection, table, held.puts)
        held.keys = {table.key_of(row) for row in held.puts}
        self._held.append(held)
        return self._event("hold", table)

    def _release(self, _: Table) -> Event | None:
        if not self._held:
            return None
        held = self._held.pop(0)
        held.connection.execute("COMMIT")
        held.connection.close()
        return self._event("release", self.model.tables[held.table], puts=held.puts)

    def _rollback(self, _: Table) -> Event | None:
        if not self._held:
            return None
        held = self._held.pop(0)
        held.connection.close()
        return self._event("rollback", self.model.tables[held.table])

    def _duplicate(self, table: Table) -> Event | None:
        if not isinstance(self._stamp(table), dt.datetime):
            return None
        # The second row must be the newer one, or it would not be known which of the two counts.
        cursor = table.shape.cursor or ""
        keys = [key for key in self._some_keys(table) if (table.rows[key][cursor] or _LONG_AGO) < self.now]
        puts = [row for row in self._changed(table, keys) if not _unstamped(table, [row])][:1]
        self._insert(self.connection, table, puts)
        return self._event("duplicate", table, puts=puts) if puts else None

    def _silent_update(self, table: Table) -> Event | None:
        cursor = table.shape.cursor
        puts = self._changed(table, self._some_keys(table))
        if cursor is not None:
            for row in puts:
                row[cursor] = table.rows[table.key_of(row)][cursor]
        self._replace(self.connection, table, puts)
        return self._event("silent_update", table, puts=puts, silent=True) if puts else None

    def _add_column(self, table: Table) -> Event | None:
        if not self._alterable(table) or len(table.columns) > 14:
            return None
        self._added += 1
        column = Column(f"extra_{self._added}", self._chance.choice(_ADDED_TYPES))
        self._alter(table, sql.SQL("ADD COLUMN {} {}").format(sql.Identifier(column.name), _type(column)))
        return self._event("add_column", table, columns=(*table.columns, column))

    def _drop_column(self, table: Table) -> Event | None:
        found = self._victim(table)
        if found is None:
            return None
        self._alter(table, sql.SQL("DROP COLUMN {}").format(sql.Identifier(found.name)))
        return self._event("drop_column", table, columns=tuple(c for c in table.columns if c != found))

    def _rename_column(self, table: Table) -> Event | None:
        found = self._victim(table)
        if found is None or not isinstance(self._stamp(table), dt.datetime):
            return None
        self._added += 1
        new = Column(f"renamed_{self._added}", found.type)
        with self.connection.transaction():
            self._alter(table, sql.SQL("RENAME COLUMN {} TO {}").format(
                sql.Identifier(found.name), sql.Identifier(new.name)))
            self.connection.execute(sql.SQL("UPDATE {} SET {} = %s").format(
                self._relation(table.shape.name), sql.Identifier(table.shape.cursor or "")), [self.now])
        columns = tuple(new if c == found else c for c in table.columns)
        puts = [
            {**{(new.name if name == found.name else name): value for name, value in row.items()},
             table.shape.cursor or "": self.now}
            for row in table.rows.values()
        ]  # fmt: skip
        return self._event("rename_column", table, columns=columns, renamed=((found.name, new.name),), puts=puts)

    def _widen(self, table: Table) -> Event | None:
        others = [c for c in table.columns if c.name not in table.shape.key]
        texts = [c for c in others if c.type.startswith(_VARCHAR) and _length(c) < 8000]
        if not texts or not self._alterable(table):
            return None
        found = self._chance.choice(texts)
        wider = Column(found.name, f"{_VARCHAR}{_length(found) * 2})")
        self._alter(table, sql.SQL("ALTER COLUMN {} TYPE {}").format(sql.Identifier(found.name), _type(wider)))
        return self._event("widen", table, columns=tuple(wider if c == found else c for c in table.columns))

    def _truncate(self, table: Table) -> Event | None:
        if not self._alterable(table):
            return None
        self.connection.execute(sql.SQL("TRUNCATE {}").format(self._relation(table.shape.name)))
        return self._event("truncate", table, emptied=True, silent=True)

    def _recreate(self, table: Table) -> Event | None:
        found = self._victim(table)
        if found is None:
            return None
        columns = tuple(c for c in table.columns if c != found)
        kept = [row for row in table.rows.values() if self._chance.random() < 0.5]
        puts = [{name: value for name, value in row.items() if name != found.name} for row in kept]
        cursor = table.shape.cursor
        if isinstance(self._stamp(table), dt.datetime) and cursor is not None:
            puts = [{**row, cursor: self.now} for row in puts]
        smaller = Table(table.shape, list(columns))
        with self.connection.transaction():
            self.connection.execute(sql.SQL("DROP TABLE {}").format(self._relation(table.shape.name)))
            self._create_table(smaller)
            self._insert(self.connection, smaller, puts)
        return self._event("recreate", table, emptied=True, columns=columns, puts=puts, silent=True)

    # -- choices --------------------------------------------------------------------------------

    def _event(self, kind: str, table: Table, puts: Sequence[Row] = (), **more: Any) -> Event:
        unstamped = _unstamped(table, puts)
        return Event(self._number, kind, table.shape.name, self.now, puts=tuple(puts), unstamped=unstamped, **more)

    def _stamp(self, table: Table) -> dt.datetime | None:
        """The present value for the cursor of a row; None if it is not a time."""
        cursor = table.shape.cursor
        return self.now if cursor is not None and cursor not in table.shape.key else None

    def _held_keys(self, table: Table) -> set[Key]:
        """Rows that an open transaction has locked, or keys that it will add."""
        return {key for held in self._held if held.table == table.shape.name for key in held.keys}

    def _some_keys(self, table: Table) -> list[Key]:
        """Keys of 0 to 5 rows that no transaction has locked."""
        held = self._held_keys(table)
        free = [key for key in table.rows if key not in held]
        return self._chance.sample(free, min(len(free), self._chance.randrange(1, 6)))

    def _changed(self, table: Table, keys: Sequence[Key]) -> list[Row]:
        return [self._rows.row(table, key, self.now) for key in keys]

    def _alterable(self, table: Table) -> bool:
        """Whether no open transaction would make ALTER wait without end."""
        return not any(held.table == table.shape.name for held in self._held)

    def _victim(self, table: Table) -> Column | None:
        """A column that may be dropped; one column besides the keys always stays."""
        found = shop_rows.droppable(table)
        return self._chance.choice(found) if len(found) > 1 and self._alterable(table) else None

    def _first_rows(self, table: Table, count: int) -> list[Row]:
        many = {"customers": count // 2, "orders": count, "items": 2 * count, "events": 2 * count, "countries": 12}
        made = Table(table.shape, table.columns)
        for _ in range(many[table.shape.name]):
            self.now += dt.timedelta(milliseconds=self._chance.choice((0, 1, 1000)))
            key = self._rows.new_key(made, self.model.tables)
            made.rows[key] = self._rows.row(made, key, self.now)
        return list(made.rows.values())

    # -- SQL ------------------------------------------------------------------------------------

    def _relation(self, name: str) -> sql.Identifier:
        return sql.Identifier(self.schema, name)

    def _create_table(self, table: Table) -> None:
        self.connection.execute(shop_rows.create_sql(self.schema, table).encode())
        for reader in self._readers:
            self.connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(
                self._relation(table.shape.name), sql.Identifier(reader)))

    def _alter(self, table: Table, change: sql.Composable) -> None:
        self.connection.execute(sql.SQL("ALTER TABLE {} ").format(self._relation(table.shape.name)) + change)

    def _insert(self, connection: psycopg.Connection[Any], table: Table, rows: Sequence[Row]) -> None:
        names = [column.name for column in table.columns]
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            self._relation(table.shape.name), sql.SQL(", ").join(map(sql.Identifier, names)),
            sql.SQL(", ").join([sql.Placeholder()] * len(names)),
        )  # fmt: skip
        supers = {column.name for column in table.columns if column.type == "super"}

        def value(row: Row, name: str) -> Any:
            return Jsonb(row[name]) if name in supers and row[name] is not None else row[name]

        values = [[value(row, name) for name in names] for row in rows]
        if values:
            with connection.cursor() as cursor:
                cursor.executemany(statement, values)

    def _delete(self, connection: psycopg.Connection[Any], table: Table, keys: Sequence[Key]) -> None:
        where = sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in table.shape.key)
        if keys:
            with connection.cursor() as cursor:
                cursor.executemany(
                    sql.SQL("DELETE FROM {} WHERE ").format(self._relation(table.shape.name)) + where, list(keys)
                )

    def _replace(self, connection: psycopg.Connection[Any], table: Table, rows: Sequence[Row]) -> None:
        """UPDATE as Redshift does it: deletes the old rows of a key, duplicates too, and inserts the new one."""
        with connection.transaction():
            self._delete(connection, table, [table.key_of(row) for row in rows])
            self._insert(connection, table, rows)


_LONG_AGO = dt.datetime.min


def _unstamped(table: Table, rows: Sequence[Row]) -> bool:
    cursor = table.shape.cursor
    return cursor is not None and any(row[cursor] is None for row in rows)


def _length(column: Column) -> int:
    return int(column.type[len(_VARCHAR) : -1])


def _type(column: Column) -> sql.SQL:
    return sql.SQL(column.type)


class Shop:
    """The data set: the five tables in schema `shop`, with about `orders` orders."""

    def __init__(self, orders: int = 40) -> None:
        self._orders = orders

    @property
    def name(self) -> str:
        return f"shop-{self._orders}"

    @property
    def schema(self) -> str:
        return SCHEMA

    def granted(self) -> list[TableName]:
        return [TableName(SCHEMA, name) for name in shop_rows.SHAPES]

    def load(self, connection: psycopg.Connection[Any]) -> None:
        writer = ShopWriter(lambda: connection, seed=0)
        writer.create(rows=self._orders)
