"""G11: After a merge the destination holds what the source held at the watermark, but for what no stamp told of.
G12: Every row that came is inserted, updated, unchanged, deleted or skipped; the counts add up.

Random histories of a table, with faults and kills between and during syncs: after every sync that
succeeds, the destination is what a plain model of the source says.

`HISTORIES=n` tells how many (default: enough for every change), `SEED=s` which is the first: a failing
seed is run alone with `SEED=s HISTORIES=1`.
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from typing import Any

import pytest
from harness import CRASHING_PROGRAM, Harness
from shop import Shop

pytestmark = pytest.mark.model

FIRST = int(os.environ.get("SEED", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("HISTORIES", "20")))
EFFECTS = ("prefix_recorded", "unloaded", "loaded", "committed", "cleaned")
FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("s3.slow_down", {}),
    ("s3.reset_mid_body", {}),
    ("s3.flip_byte", {"match": ".parquet"}),
    ("credentials.throttle", {}),
    ("unload.fail_after_files", {"files": 0}),
    ("s3.truncate_list", {}),
)
KEYS_COMPARED = {"key_scan": "0s", "max_percent": 100}

# How a stream is synced -> which rows of the source stand at the destination.
MODES: dict[str, dict[str, Any]] = {
    "incremental merge, keys compared": {"deletes": KEYS_COMPARED, "duplicate_keys": "newest"},
    "incremental merge, marked rows removed": {"deletes": {"column": "gone", "max_percent": 100}},
    "incremental append": {"write_mode": "append", "primary_key": []},
    "full overwrite": {"sync_mode": "full_refresh", "write_mode": "overwrite", "primary_key": [], "cursor": None},
    "full merge": {"sync_mode": "full_refresh", "deletes": {"max_percent": 100}, "duplicate_keys": "newest"},
}


class History:
    """Changes one table at random, and knows what a reader must find."""

    def __init__(self, harness: Harness, mode: str, chance: random.Random) -> None:
        self.mode, self.chance = mode, chance
        settings = {name: value for name, value in MODES[mode].items() if value is not None}
        self.shop = Shop(harness, **settings)
        for name, value in MODES[mode].items():
            if value is None:
                del self.shop.stream[name]
        self.columns = 0
        self.log: list[str] = []

    def change(self) -> None:
        key = self.chance.randrange(20)
        kind = self.chance.choice(self.kinds())
        self.log.append(f"{kind} {key}")
        if kind == "insert":
            self.shop.put(100 + self.shop.second, 1)
        elif kind == "put":
            self.shop.put(key, self.chance.randrange(3))
        elif kind == "late":
            self.shop.put(key, self.chance.randrange(3), late=7)
        elif kind == "duplicate":
            self.shop.put(key, 1)
            self.shop.duplicate(key, 2)
        elif kind == "mark":
            self.shop.put(key, 0, gone=True)
        elif kind == "delete":
            self.shop.delete(key)
        elif kind == "column":
            self.columns += 1
            self.shop.harness.source(f"ALTER TABLE {self.shop.table} ADD COLUMN extra{self.columns} integer DEFAULT 7")
            # Rows that are not stamped anew are not read anew: every one is, in their old order.
            self.shop.harness.source(f"UPDATE {self.shop.table} SET changed = changed + interval '100 seconds'")
            self.shop.second += 100

    def kinds(self) -> tuple[str, ...]:
        if self.mode == "incremental append":
            return ("insert",)
        if self.mode == "incremental merge, marked rows removed":
            return ("put", "put", "late", "mark", "column")
        if self.mode == "full overwrite":
            return ("put", "late", "delete", "column")
        return ("put", "put", "late", "delete", "duplicate", "column")

    def expected(self) -> list[tuple[Any, ...]]:
        newest: dict[tuple[Any, Any], tuple[Any, ...]] = {}
        for row in self.shop.rows_here():
            key = (row[0], row[1])
            if key not in newest or row[4] > newest[key][4]:
                newest[key] = row
        rows = newest.values() if self.shop.stream.get("primary_key") else self.shop.rows_here()
        marked = "column" in self.shop.stream.get("deletes", {})
        return sorted(row for row in rows if not (marked and row[3]))

    def disturb(self) -> None:
        """A sync that is killed, or meets a fault and may fail."""
        harness = self.shop.harness
        if self.chance.random() < 0.5:
            effect = self.chance.choice(EFFECTS)
            self.log.append(f"kill after {effect}")
            harness.variables["SLUICE_CRASH_AT"] = f"{effect} {self.shop.table}"
            finished = harness.run("sync", "--json", program=CRASHING_PROGRAM)
            del harness.variables["SLUICE_CRASH_AT"]
            assert finished.exit_code == -signal.SIGKILL, finished
            return
        name, args = self.chance.choice(FAULTS)
        self.log.append(f"fault {name}")
        harness.sandbox.faults.set(name, count=self.chance.randrange(1, 3), args=args)
        finished = harness.run("sync", "--json")
        harness.sandbox.faults.clear()
        harness.assert_bucket_clean()
        if finished.exit_code == 0:
            self.shop.judge(finished)
            self.compare()

    def compare(self) -> None:
        assert sorted(self.shop.rows_there()) == self.expected(), "\n".join(self.log)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_destination_follows_the_source(connect: Callable[..., Harness], seed: int) -> None:
    chance = random.Random(seed)
    mode = list(MODES)[seed % len(MODES)]
    history = History(connect(), mode, chance)
    history.log.append(f"seed {seed}, {mode}")
    for _ in range(5):
        for _ in range(chance.randrange(10)):
            history.change()
        if not history.shop.rows_here():
            history.shop.put(100, 0)
        if chance.random() < 0.5:
            history.disturb()
        full = mode.startswith("incremental") and chance.random() < 0.1
        history.log.append("sync --full" if full else "sync")
        history.shop.sync(*(["--full"] if full else []))
        history.compare()
