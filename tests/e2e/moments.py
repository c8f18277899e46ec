"""When commits read a source, as a table that keeps history tells it: moments that only the program knows, so a
plain model gives them the numbers of their commits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from plain_destination import FROM, TO
from plain_source import START

# No stamp of a test comes so far, and no commit is as old; but for stamps in the future, which begin no version.
STAMPS_END = START + dt.timedelta(days=30)
Tuples = list[tuple[Any, ...]]


class Moments:
    """Those that are known."""

    def __init__(self, known: dict[dt.datetime, int] | None = None) -> None:
        self._known = known or {}

    def numbered(self, rows: Tuples, columns: list[str], commit: int) -> tuple[Tuples, Moments]:
        """The rows with numbers in the place of moments, and the moments known then. `commit`: that of the moment
        that is new. Raises AssertionError for several new ones, or one that is older than any known."""
        places = [columns.index(FROM), columns.index(TO)]
        fresh = {row[place] for row in rows for place in places} - {None} - self._known.keys()
        known = self._known | self._dated({moment for moment in fresh if moment > STAMPS_END}, commit)
        return [
            tuple(known.get(value, value) if at in places else value for at, value in enumerate(row)) for row in rows
        ], Moments(known)

    def _dated(self, fresh: Iterable[dt.datetime], commit: int) -> dict[dt.datetime, int]:
        dated = dict.fromkeys(fresh, commit)
        assert len(dated) <= 1, f"one commit, several moments: {dated}"
        for moment in dated:
            assert moment > max(self._known, default=STAMPS_END), f"{moment} is older than an earlier commit"
        return dated
