"""What must stand at the destination: the promise of each mode in plain Python.

It follows the documents (docs/GUARANTEES.md, the configuration's schema), not the program: given a
snapshot of the source and what stood there before, it says the rows, the columns, the watermark and the
counts that a sync must leave, or the error it must end with.
"""

from __future__ import annotations

import copy
import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any

from plain_source import CURSOR, KEY, LADDERS, Row, Snapshot, newest_by_key, waits
from shaping import Shaping

Counts = dict[str, int]
# What history adds to a row. A time is a stamp of the source, or the number of the commit that read the row: its
# moment, which only the program knows (moments.py).
FROM, TO, CURRENT = "_valid_from", "_valid_to", "_is_current"
Moment = dt.datetime | int
# What a narrower column asks for: nothing that a flag could do by itself.
DROP = "drop the table at the destination"


class MustRefuse(Exception):
    """The sync must change nothing and end with this error code, and say what lets the next one through."""

    def __init__(self, code: str, remedy: str) -> None:
        super().__init__(f"{code}, {remedy}")
        self.code, self.remedy = code, remedy


@dataclass(frozen=True)
class Mode:
    """How the one stream is synced."""

    sync_mode: str
    write_mode: str
    deletes: str = "none"  # none, key_scan, drop, keep
    overlap: int = 300
    null_cursor: str = "read"
    from_sql: bool = False
    split: str = "none"  # none, keys, or the column whose ranges the pieces are
    pieces: int = 3
    max_percent: int | None = 100  # None: not written down
    shaping: Shaping = field(default_factory=Shaping)

    @property
    def incremental(self) -> bool:
        return self.sync_mode == "incremental"

    @property
    def merges(self) -> bool:
        """By key: what is there is met by what comes."""
        return self.write_mode in ("merge", "history")

    @property
    def keeps_history(self) -> bool:
        return self.write_mode == "history"

    def settings(self, table: str) -> dict[str, Any]:
        """The stream as it stands in a configuration."""
        stream: dict[str, Any] = {"table": table}
        if self.from_sql:
            stream = {"name": table.split(".")[1], "sql": f"SELECT * FROM {table}"}
        stream |= {"sync_mode": self.sync_mode, "write_mode": self.write_mode}
        if self.incremental:
            stream |= {"cursor": CURSOR, "null_cursor": self.null_cursor}
        if self.incremental and self.merges:
            stream["overlap"] = f"{self.overlap}s"
        if self.merges:
            stream |= {"primary_key": list(KEY), "duplicate_keys": "newest", "cursor": CURSOR,
                       "deletes": self._deletes()}  # fmt: skip
        if self.split != "none":
            stream.setdefault("primary_key", list(KEY))
            stream["split"] = {"pieces": self.pieces} | ({} if self.split == "keys" else {"column": self.split})
        return stream | self.shaping.settings()

    def may_remove(self, deleted: int, rows: int) -> bool:
        """Of so many rows, without being asked for."""
        if self.max_percent is None:
            return rows < 100 or deleted * 2 <= rows
        return deleted * 100 <= self.max_percent * rows

    def _deletes(self) -> dict[str, Any]:
        deletes: dict[str, Any] = {} if self.max_percent is None else {"max_percent": self.max_percent}
        if self.deletes == "key_scan":
            deletes["key_scan"] = "0s"
        elif self.deletes != "none":
            deletes |= {"column": "gone", "keep": self.deletes == "keep"}
        return deletes


@dataclass
class PlainDestination:
    mode: Mode
    columns: list[str] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    watermark: dt.datetime | None = None
    synced: bool = False  # ever
    commits: int = 0

    def after(
        self, source: Snapshot, *, full: bool = False, keys: Snapshot | None = None,
        high: dt.datetime | None = None, asked: bool = False,
    ) -> tuple[PlainDestination, Counts]:  # fmt: skip
        """What stands there when a sync of `source` has committed, and what it counts. `keys`: a later snapshot
        from which the keys to compare come, if not from the same. `high`: the greatest stamp, if it is not the
        snapshot's own. `asked`: any share of the rows may go. Raises MustRefuse."""
        new = copy.deepcopy(self)
        new.synced, new.commits = True, self.commits + 1
        came, complete = list(source.rows), True
        if self.mode.incremental:
            came, complete = new._read_range(source, high or source.high, full=full, there=self.synced)
        replaces = self.mode.write_mode == "overwrite" or (
            self.mode.incremental and self.mode.write_mode == "append" and complete
        )
        if replaces:
            new.columns, new.rows = list(source.columns), came
            new.types = dict(zip(source.columns, source.types, strict=True))
            return new, _counts(inserted=len(came))
        ours = (FROM, TO, CURRENT) if self.mode.keeps_history else ()
        new.columns += [name for name in (*source.columns, *ours) if name not in new.columns]
        new._follow_types(source)
        if not self.mode.merges:
            new.rows += came
            return new, _counts(inserted=len(came))
        bring = new._keep if self.mode.keeps_history else new._merge
        counts = bring(source, came, keys or source, complete=complete)
        if not asked:
            self.check_share(counts)
        return new, counts

    def check_types(self, source: Snapshot) -> None:
        """Raises MustRefuse if the table that is there cannot take those of `source`."""
        if self.mode.write_mode != "overwrite":
            copy.deepcopy(self)._follow_types(source)

    def _follow_types(self, source: Snapshot) -> None:
        for name, now in zip(source.columns, source.types, strict=True):
            there = self.types.setdefault(name, now)
            ladder = LADDERS.get(name, (there,))
            # A decimal in a table without rows has nothing to lose.
            if ladder.index(now) < ladder.index(there) and (self.rows or not now.startswith("numeric")):
                raise MustRefuse("unsupported", DROP)
            self.types[name] = now

    def check_share(self, counts: Counts) -> None:
        if not self.may_remove(counts["deleted"]):
            raise MustRefuse("conflict", "--allow-deletes")

    def may_remove(self, deleted: int) -> bool:
        """Without being asked for."""
        return self.mode.may_remove(deleted, sum(row.get(CURRENT, True) for row in self.rows))

    def shown(self) -> list[tuple[Any, ...]]:
        """Rows as a reader gets them, by `columns`."""
        return [tuple(row.get(name) for name in self.columns) for row in self.rows]

    def comes(self, source: Snapshot) -> list[Row]:
        """The rows that an incremental read brings."""
        return copy.copy(self)._read_range(source, source.high, full=False)[0]

    def columns_after(self, source: Snapshot) -> list[str]:
        return self.after(replace(source, rows=()), high=source.high)[0].columns

    def may_mix(self) -> bool:
        """Whether the next read may be of pieces from several moments: only where a row that is missing, or comes
        in two versions, is put right by its stamp."""
        if not self.mode.incremental:
            return False
        if self.mode.split == "n":  # a row may change it without a new stamp, and be missing for good
            return False
        first = self.watermark is None
        doubles = self.mode.write_mode == "append" and first and self.mode.null_cursor != "skip"
        return not doubles and not (first and self.synced)

    def _read_range(
        self, source: Snapshot, high: dt.datetime | None, *, full: bool, there: bool = False
    ) -> tuple[list[Row], bool]:
        """`there`: rows of an earlier commit may be at the destination."""
        low = None if full else self.watermark
        reach = dt.timedelta(seconds=self.mode.overlap if self.mode.merges else 0)
        if low is not None and high is not None and high < low - reach:
            raise MustRefuse("conflict", "--full")  # the cursor went back: rows may be missing
        self.watermark = high if high is not None else low

        def comes(row: Row) -> bool:
            stamp = row[CURSOR]
            if stamp is None:
                return self.mode.null_cursor == "read" or (self.mode.null_cursor == "first" and low is None)
            if waits(row):  # but a merge that deletes what it does not see must see it
                return self.mode.merges and low is None and there
            if low is None:
                return True
            return bool(stamp >= low - reach if self.mode.merges else stamp > low)

        return [row for row in source.rows if comes(row)], low is None

    def _merge(self, source: Snapshot, came: list[Row], keys: Snapshot, *, complete: bool) -> Counts:
        here = {tuple(row.get(name) for name in KEY): row for row in self.rows}
        newest = newest_by_key(came)
        counts = _counts(skipped=len(came) - len(newest))
        for key, row in newest.items():
            old = here.get(key)
            if self.mode.deletes == "drop" and row["gone"]:
                counts["deleted" if old else "skipped"] += 1
                here.pop(key, None)
            elif old is None:
                counts["inserted"] += 1
                here[key] = row
            elif all(old.get(name) == row[name] for name in source.columns):
                counts["unchanged"] += 1
            else:
                counts["updated"] += 1
                here[key] = row
        gone = set()
        if complete:
            gone = here.keys() - newest.keys()
        elif self.mode.deletes == "key_scan":
            # A row that came has proven its key.
            gone = here.keys() - newest.keys() - {tuple(row[name] for name in KEY) for row in keys.rows}
        for key in gone:
            del here[key]
        counts["deleted_absent"] = len(gone)
        counts["deleted"] += len(gone)
        self.rows = list(here.values())
        return counts


    def _keep(self, source: Snapshot, came: list[Row], keys: Snapshot, *, complete: bool) -> Counts:
        """One row per version. docs/adr/0013-history.md"""
        here = {_key(row): row for row in self.rows if row[CURRENT]}
        newest = newest_by_key(came)
        counts = _counts(skipped=len(came) - len(newest))
        for key, row in newest.items():
            old = here.pop(key, None)
            marked = self.mode.deletes == "drop" and row["gone"]
            late = not complete and old is not None and None not in (row[CURSOR], old[CURSOR]) and (
                row[CURSOR] < old[CURSOR] and not waits(old))  # fmt: skip
            if late or (old is None and marked):
                counts["skipped"] += 1
            elif old is None:
                counts["inserted"] += 1
                ends = [one[TO] for one in self.rows if _key(one) == key]
                self._begin(row, max(ends, key=_order, default=None), again=True)
            elif not marked and all(old.get(name) == row[name] for name in source.columns):
                counts["unchanged"] += 1
            else:
                counts["deleted" if marked else "updated"] += 1
                old[TO], old[CURRENT] = self._moment(row, old[FROM]), False
                if not marked:
                    self._begin(row, old[FROM])
        if complete or self.mode.deletes == "key_scan":
            seen = set() if complete else {_key(row) for row in keys.rows}
            for key, row in here.items():
                if key not in seen:
                    row[TO], row[CURRENT] = self.commits, False
                    counts["deleted"] += 1
                    counts["deleted_absent"] += 1
        return counts

    def _begin(self, row: Row, after: Moment | None, *, again: bool = False) -> None:
        self.rows.append({**row, FROM: self._moment(row, after, again=again), TO: None, CURRENT: True})

    def _moment(self, row: Row, after: Moment | None, *, again: bool = False) -> Moment:
        """The row's own time where it can be one: seen already, and later than what it follows."""
        own = row[CURSOR]
        if own is None or waits(row) or isinstance(after, int):
            return self.commits
        follows = after is None or own > after or (again and own == after)
        return own if follows else self.commits


def _key(row: Row) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in KEY)


def _order(moment: Moment) -> tuple[bool, Any]:
    """Any commit of a test is later than any stamp."""
    return isinstance(moment, int), moment


def _counts(**given: int) -> Counts:
    zero = dict.fromkeys(("inserted", "updated", "unchanged", "deleted", "deleted_absent", "skipped"), 0)
    return zero | given
