"""/_sandbox/shop: lets a writer change the data set `shop` of a running sandbox.

| Route | Meaning |
|---|---|
| POST shop `{"steps"?, "seed"?, "kind"?, "table"?}` | that many steps (default 1); another seed starts a new writer, and rolls back the open transactions of the earlier one |
| POST shop `{"settle": true}` | commits all open transactions |
| GET shop | seed, open transactions, rows of each table |
"""  # noqa: E501 a table's row is one line

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from redshift_sandbox.contracts import ControlRequest
from redshift_sandbox.data.shop import KINDS, Connect, ShopWriter
from redshift_sandbox.data.shop_rows import SHAPES


class ShopRoute:
    """Any thread may call it: requests are served one after another."""

    def __init__(self, connect: Connect, readers: Sequence[str], present: Callable[[], bool]) -> None:
        """`present`: whether the sandbox has the data set."""
        self._connect, self._readers, self._present = connect, list(readers), present
        self._mutex = threading.Lock()
        self._writer: ShopWriter | None = None

    def close(self) -> None:
        """Rolls open transactions back."""
        with self._mutex:
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    def __call__(self, request: ControlRequest) -> dict[str, Any]:
        if not self._present():
            raise ValueError("this sandbox has no shop: start one with the data set shop, such as --data shop")
        with self._mutex:
            events = self._change(request) if request.method == "POST" else []
            writer = self._writer_of(None)
            return {
                "seed": writer.seed, "now": writer.now.isoformat(), "events": [str(event) for event in events],
                "open_transactions": writer.open_transactions,
                "rows": {name: len(table.all_rows()) for name, table in writer.model.tables.items()},
            }  # fmt: skip

    def _change(self, request: ControlRequest) -> list[Any]:
        seed, kind, table = request.get("seed"), request.get("kind"), request.get("table")
        if kind is not None and kind not in KINDS:
            raise ValueError(f"there is no kind of change {kind!r}; there are {', '.join(KINDS)}")
        if table is not None and table not in SHAPES:
            raise ValueError(f"there is no table {table!r}; there are {', '.join(SHAPES)}")
        writer = self._writer_of(None if seed is None else int(seed))
        if request.get("settle"):
            return list(writer.settle())
        return [writer.step(kind, table) for _ in range(int(request.get("steps", 1)))]

    def _writer_of(self, seed: int | None) -> ShopWriter:
        if self._writer is None or seed not in (None, self._writer.seed):
            if self._writer is not None:
                self._writer.close()
            writer = ShopWriter(self._connect, seed or 0)
            writer.adopt(self._readers)
            self._writer = writer
        return self._writer
