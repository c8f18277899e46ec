"""A table that changes, and the stream that follows it."""

from __future__ import annotations

import itertools
from typing import Any

from harness import Finished, Harness, streams_of

_numbers = itertools.count(1)
START = "TIMESTAMP '2026-01-01 00:00:00'"
# Rows stamped further back than this are not looked for again: a writer's stamp may be this late.
OVERLAP = 300


class Shop:
    """One table of orders that changes, and the stream that follows it."""

    def __init__(self, harness: Harness, **stream: Any) -> None:
        self.harness = harness
        self.table = f"tpch.orders_{next(_numbers)}_{harness.name.replace('-', '_')}"[:60]
        self.second = 0
        harness.source(
            f"CREATE TABLE {self.table} (id bigint, part text, n numeric(12,2), gone boolean, changed timestamp)"
        )
        harness.source(f'GRANT SELECT ON {self.table} TO "{harness.sandbox.facts.role_db_user}"')
        self.stream: dict[str, Any] = {
            "table": self.table, "sync_mode": "incremental", "write_mode": "merge", "primary_key": ["id", "part"],
            "cursor": "changed", **stream,
        }  # fmt: skip
        harness.settings["streams"] = [self.stream]

    def put(self, key: int, value: float, *, gone: bool = False, late: int = 0) -> None:
        """Inserts or updates a row, stamped a second later than any before; `late`: that much earlier."""
        self.second += 1
        stamp = f"{START} + interval '{self.second - late} seconds' + interval '1 microsecond'"
        part = "ab"[key % 2]
        self.harness.source(f"DELETE FROM {self.table} WHERE id = {key}")
        self.harness.source(f"INSERT INTO {self.table} VALUES ({key}, '{part}', {value}, {gone}, {stamp})")

    def delete(self, key: int) -> None:
        self.harness.source(f"DELETE FROM {self.table} WHERE id = {key}")

    def duplicate(self, key: int, value: float) -> None:
        """A second row of one key, stamped newer: Redshift enforces no key."""
        self.second += 1
        stamp = f"{START} + interval '{self.second} seconds'"
        self.harness.source(f"INSERT INTO {self.table} VALUES ({key}, '{'ab'[key % 2]}', {value}, false, {stamp})")

    def sync(self, *arguments: str) -> dict[str, Any]:
        """A sync that must succeed."""
        return self.judge(self.harness.sync(*arguments))

    def judge(self, finished: Finished) -> dict[str, Any]:
        """Every row of a finished sync is accounted for, and the bucket is clean."""
        stream = streams_of(finished)[self.table]
        counts, proof = stream["counts"], stream["proof"]
        came = proof["loaded_rows"]
        assert proof["manifest_rows"] == proof["footer_rows"] == came
        assert (
            counts["inserted"]
            + counts["updated"]
            + counts["unchanged"]
            + counts["skipped"]
            + (counts["deleted"] - counts["deleted_absent"])
            == came
        ), stream
        self.harness.assert_bucket_clean()
        return stream

    def rows_there(self) -> list[tuple[Any, ...]]:
        return self.harness.query(f"SELECT id, part, n, gone, changed FROM {self.table} ORDER BY 1, 2")

    def rows_here(self, where: str = "true") -> list[tuple[Any, ...]]:
        return self.harness.source(f"SELECT id, part, n, gone, changed FROM {self.table} WHERE {where} ORDER BY 1, 2")
