"""A read whose pieces are of several moments: some a dead sync had unloaded, the rest came with the sync that
adopted them. Every row is then as of one of those moments, and no row that stayed the same is missing.

Which piece a row lies in is not asked: that would repeat the program. So each key is judged by itself, and
what all of them are allowed to have counted is added up.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from plain_destination import Counts, PlainDestination
from plain_source import Row, Snapshot

ById = dict[Any, list[Row]]
# Columns that no change of a row moves: all rows of a key stay in their piece.
FIXED = ("keys", "id")


def settle_mixture(
    was: PlainDestination, snapshots: Sequence[Snapshot], keys: Snapshot, seen: Iterable[tuple[Any, ...]] | None
) -> tuple[PlainDestination, list[Counts]]:
    """What stands there now, and all that may have been counted. `snapshots`: oldest first, the first is that to
    whose greatest stamp all were read. `seen`: rows at the destination by the columns of the result; None if
    nothing was committed, then the counts are of all that might have been. The share of deletes is not judged.
    Raises AssertionError if no choice of pieces explains it, MustRefuse as PlainDestination.after."""
    origin = snapshots[0]
    assert was.may_mix(), "pieces of several moments were mixed"
    assert all((s.columns, s.types) == (origin.columns, origin.types) for s in snapshots), "adopted in spite of columns"
    cut = [by_id(snapshot.up_to(origin.high).rows) for snapshot in snapshots]
    here, known = by_id(was.rows), by_id(keys.rows)
    whole, _ = was.after(replace(origin, rows=()), high=origin.high)
    at = whole.columns.index("id")
    there: dict[Any, Counter[tuple[Any, ...]]] = defaultdict(Counter)
    for row in seen or ():
        there[row[at]][row] += 1
    whole.rows, sums = [], {()}
    for one in {*here, *there, *itertools.chain(*cut)}:
        part = replace(was, rows=here.get(one, []))
        fits: dict[tuple[tuple[str, int], ...], list[Row]] = {}
        for rows in versions([rows.get(one, []) for rows in cut], fixed=was.mode.split in FIXED):
            new, counts = part.after(replace(origin, rows=tuple(rows)), high=origin.high, asked=True,
                                     keys=replace(keys, rows=tuple(known.get(one, []))))  # fmt: skip
            if seen is None or Counter(new.shown()) == there[one]:
                fits[tuple(counts.items())] = new.rows
        assert fits, f"rows of id {one} are as of no moment: {there[one]}, of {[rows.get(one) for rows in cut]}"
        whole.rows += next(iter(fits.values()))
        sums = {tuple(added(a, b).items()) for a in sums for b in fits}
    return whole, [dict(one) for one in sums]


def versions(moments: list[list[Row]], *, fixed: bool) -> Iterator[list[Row]]:
    """What may have come of one key. If a change moves rows between pieces: what was the same all the while, and
    of the rest anything."""
    if fixed:
        yield from moments
        return
    counted = [Counter(tuple(row.items()) for row in rows) for rows in moments]
    same = functools.reduce(operator.and_, counted)
    others = functools.reduce(operator.or_, counted) - same
    for size in range(others.total() + 1):
        for some in itertools.combinations(others.elements(), size):
            rows = [dict(row) for row in (*same.elements(), *some)]
            yield rows
            # Of two versions with one stamp either may win.
            yield rows[::-1]


def by_id(rows: Iterable[Row]) -> ById:
    found: ById = defaultdict(list)
    for row in rows:
        found[row["id"]].append(row)
    return found


def added(one: Iterable[tuple[str, int]], other: Iterable[tuple[str, int]]) -> Counts:
    total = Counter(dict(one))
    total.update(dict(other))
    return dict(total)
