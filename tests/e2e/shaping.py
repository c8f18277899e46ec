"""Shapes of a stream, and what they make of the source's rows: all that a model of the destination may see."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plain_source import Row, Snapshot

SALT = "pepper"
# Rows that do not meet it have the value 2, at the type that a column begins with: put, they leave.
WHERE, LEFT_OUT = "n <> 1000000000002", Decimal(1_000_000_000_002)


@dataclass(frozen=True)
class Shaping:
    """Of a history's one stream. A column that is added in its course may be renamed or left out."""

    filtered: bool = False
    renamed: bool = False  # the columns that are added
    excluded: bool = False  # the second of them
    cast: bool = False  # the key's text
    hashed: bool = False  # a part of the key

    def settings(self) -> dict[str, Any]:
        """Fields of the stream."""
        fields: dict[str, Any] = {"where": WHERE} if self.filtered else {}
        if self.hashed:
            fields["hash"] = {"columns": ["part"], "salt": SALT}
        elif self.cast:
            fields["cast"] = {"part": "varchar(20)"}
        return fields

    def defaults(self) -> dict[str, Any]:
        """Fields of `defaults`, where a column that is not there is no mistake."""
        brought = [f"extra{i}" for i in range(1, 30) if not (self.excluded and i == 2)]
        fields: dict[str, Any] = {}
        if self.renamed:
            fields["rename"] = {name: self.name_of(name) for name in brought}
        if self.excluded:
            fields["columns"] = {"exclude": ["extra2"]}
        return fields

    def name_of(self, column: str) -> str:
        return column.replace("extra", "More ") if self.renamed else column

    def applied(self, source: Snapshot) -> Snapshot:
        """What a reader sees of the source through the stream."""
        kept = [at for at, name in enumerate(source.columns) if not (self.excluded and name == "extra2")]
        columns = [source.columns[at] for at in kept]
        types = ["varchar(64)" if self.hashed and source.columns[at] == "part" else source.types[at] for at in kept]
        rows = [row for row in source.rows if not (self.filtered and row["n"] == LEFT_OUT)]
        return replace(
            source, columns=tuple(map(self.name_of, columns)), types=tuple(types),
            rows=tuple(self._row(row, columns) for row in rows),
        )  # fmt: skip

    def _row(self, row: Row, columns: list[str]) -> Row:
        shaped = {self.name_of(name): row[name] for name in columns}
        if self.hashed:
            shaped["part"] = hashlib.sha256((SALT + row["part"]).encode()).hexdigest()
        return shaped


def shaping_of(chance: random.Random) -> Shaping:
    """None for every second history."""
    if chance.random() < 0.5:
        return Shaping()
    return Shaping(*(chance.random() < 0.5 for _ in range(5)))
