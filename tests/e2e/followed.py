"""A stream that has synced once and has something new to bring: what a fault is held against, and the
recovery after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness import Finished, Harness, issued_secrets, only_error, streams_of
from shop import Shop


class Followed:
    """REQUIRES: nothing else uses the harness. Rows of the stream `shop.table` change as a test likes."""

    def __init__(self, harness: Harness, rows: int = 8, **stream: Any) -> None:
        self.harness = harness
        self.shop = Shop(harness, **stream)
        for key in range(rows):
            self.shop.put(key, key)
        self.shop.sync()
        self.shop.put(3, 33)
        self.shop.put(1000, 1)
        self.before = harness.fingerprint()
        self._awaited: set[str] = set()
        harness.sandbox.meter.reset()

    @property
    def table(self) -> str:
        return self.shop.table

    @property
    def name(self) -> str:
        """Of the table, without its schema: as it stands in a statement, between quotes."""
        return self.table.split(".")[1]

    def fault(self, name: str, count: int | None = 1, **args: Any) -> None:
        """Switches a fault on; one with a count must have been met by the end of the next sync."""
        self.harness.sandbox.faults.set(name, count=count, args=args)
        if count is not None:
            self._awaited.add(name)

    def unloads(self) -> int:
        """UNLOADs that were sent since the stream was last in order: each is paid for."""
        return self.harness.sandbox.meter.statements_by_kind.get("UNLOAD", 0)

    # -- what may come of a sync --------------------------------------------------------------------

    def ends_right(self, *arguments: str, **options: Any) -> dict[str, Any]:
        """The sync overcomes it: everything arrives, everything is accounted for, nothing is left."""
        finished = self.harness.run("sync", "--json", *arguments, **options)
        assert finished.exit_code == 0, finished
        self._has_met_them()
        stream = self.shop.judge(finished)
        self.is_in_order()
        return stream

    def ends_in_error(
        self, code: str, *concerns: str, arguments: Sequence[str] = (), in_doubt: bool = False, **options: Any
    ) -> dict[str, Any]:
        """The sync fails with this code and a remedy; `concerns` are words of what it tells. Nothing has changed."""
        finished = self.harness.run("sync", "--json", *arguments, **options)
        error = self.error_of(finished)
        assert finished.exit_code == 1, finished
        self._has_met_them()
        assert error["code"] == code, error
        assert error["remedy"], error
        told = " ".join(str(error[part]) for part in ("operation", "subject", "message", "remedy"))
        for concern in concerns:
            assert concern in told, error
        assert error["in_doubt"] is in_doubt, error
        self.is_unharmed()
        return error

    def recovers(self, *arguments: str) -> dict[str, Any]:
        """Once what was wrong is fixed, the next sync ends as if nothing had been."""
        self.harness.sandbox.faults.clear()
        return self.ends_right(*arguments)

    def _has_met_them(self) -> None:
        missed = self._awaited & set(self.harness.sandbox.faults.list())
        assert not missed, f"never met: {missed}"
        self._awaited.clear()

    # -- looking ------------------------------------------------------------------------------------

    @staticmethod
    def error_of(finished: Finished) -> dict[str, Any]:
        document = finished.json
        return dict(document["error"]) if document.get("error") else only_error(document["streams"])

    def is_in_order(self) -> None:
        assert self.shop.rows_there() == self.shop.rows_here()
        self.leaves_nothing()

    def is_unharmed(self) -> None:
        assert self.harness.fingerprint() == self.before
        self.leaves_nothing()

    def leaves_nothing(self) -> None:
        self.harness.assert_bucket_clean()
        self.harness.assert_no_parts_on_disk()
        written = "".join(self.harness.outputs)
        for secret in issued_secrets(self.harness.sandbox):
            assert secret not in written

    def warnings(self, finished: Finished) -> list[str]:
        return list(streams_of(finished)[self.table]["warnings"])
