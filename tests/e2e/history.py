"""Histories: a source that changes, syncs that succeed, fail and die, and after each of them the question
whether the destination is what the promise says.

A history is a list of events made from a seed; each stands for itself, so that any of them can be left
out and the rest still be played (shrink.py).
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness import CRASHING_PROGRAM, PROGRAM, Finished, Harness, streams_of
from mixture import settle_mixture
from moments import Moments
from plain_destination import DROP, Counts, Mode, MustRefuse, PlainDestination
from plain_source import CURSOR, PlainSource, Snapshot

from destinations import DESTINATIONS, Destination

FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("s3.slow_down", {}),
    ("s3.internal_error", {}),
    ("s3.reset_mid_body", {}),
    ("s3.flip_byte", {"match": ".parquet"}),
    ("s3.vanish", {"match": ".parquet"}),
    ("s3.truncate_list", {}),
    ("credentials.throttle", {}),
    ("unload.fail_after_files", {"files": 0}),
    ("unload.fail_after_files", {"files": 1}),
)
# From what stood there to what does now, and what may have been counted.
Candidate = Callable[[PlainDestination], tuple[PlainDestination, list[Counts]]]
# Keys of rows that only a writer at work during a sync makes, and of those whose transaction is held.
BUSY_KEYS, HELD_KEYS, FRESH_KEYS = 20_000, 10_000, 1_000

MODES: dict[str, Mode] = {
    "full overwrite": Mode("full_refresh", "overwrite"),
    "full append": Mode("full_refresh", "append"),
    "full merge": Mode("full_refresh", "merge"),
    "incremental append": Mode("incremental", "append", null_cursor="first"),
    "incremental merge": Mode("incremental", "merge"),
    "incremental merge, keys compared": Mode("incremental", "merge", deletes="key_scan"),
    "incremental merge, marked rows removed": Mode("incremental", "merge", deletes="drop"),
    "incremental merge, marked rows kept": Mode("incremental", "merge", deletes="keep"),
    "full history": Mode("full_refresh", "history"),
    "incremental history, keys compared": Mode("incremental", "history", deletes="key_scan"),
    "incremental history, marked rows removed": Mode("incremental", "history", deletes="drop"),
}
# `MODE=history` looks at modes of that name alone.
ONLY = os.environ.get("MODE", "")

# Mode by name and kind of destination: all that go together.
CASES = [
    (name, kind.kind)
    for kind, name in itertools.product(DESTINATIONS, MODES)
    if MODES[name].write_mode in kind.write_modes and ONLY in name
]


@functools.cache
def effects() -> tuple[str, ...]:
    """The moments at which the engine can be killed, as the program names them."""
    listed = subprocess.run(
        [str(CRASHING_PROGRAM)], env={"SLUICE_CRASH_AT": "list"}, capture_output=True, text=True, check=True
    )
    return tuple(listed.stdout.split())


@dataclass(frozen=True)
class Event:
    kind: str
    key: int = 0
    value: int = 0
    word: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.word} key={self.key} value={self.value}".replace("  ", " ")


# -- making one ---------------------------------------------------------------------------------


class Maker:
    """Events by chance, of kinds that mean something in a mode."""

    def __init__(self, mode: Mode, chance: random.Random) -> None:
        self._mode, self._chance = mode, chance

    def history(self, syncs: int = 4) -> list[Event]:
        events: list[Event] = []
        for _ in range(syncs):
            events += [self._change() for _ in range(self._chance.randrange(9))]
            if self._chance.random() < 0.5:
                split = self._mode.split != "none"
                events.append(self._disturbance())
                events += [self._change() for _ in range(self._chance.randrange(6 if split else 3))]
                if split and self._chance.random() < 0.3:
                    events.append(self._disturbance())
            events.append(self._sync())
        return events

    def _change(self) -> Event:
        kind, word = self._chance.choices(*zip(*self._kinds(), strict=True))[0].split(":")
        return Event(kind, self._chance.randrange(12), self._chance.randrange(3), word)

    def _kinds(self) -> list[tuple[str, int]]:
        kinds = [("put:new", 8), ("insert:new", 6), ("put:late", 2), ("put:tie", 2), ("put:none", 2), ("put:future", 1),
                 ("delete:", 3), ("duplicate:", 2), ("mark:", 3), ("unstamped:", 1), ("hold:", 2), ("release:", 2),
                 ("column:add", 1), ("column:drop", 1), ("column:rename", 1), ("restamp:", 1),
                 ("widen:wide", 1), ("widen:n", 1), ("narrow:wide", 1), ("narrow:n", 2),
                 ("empty:", 1), ("recreate:", 1), ("purge:", 2)]  # fmt: skip
        if self._mode.write_mode == "append" and self._mode.incremental:
            # Whatever is deleted may be the newest row, and then the cursor goes back: rarely.
            kinds = [(kind, 14 if kind == "insert:new" else weight) for kind, weight in kinds if kind != "purge:"]
        return kinds

    def _disturbance(self) -> Event:
        if self._mode.split != "none" and self._chance.random() < 0.5:
            return Event("kill", word="piece_unloaded")
        which = self._chance.random()
        if which < 0.45:
            return Event("kill", word=self._chance.choice(effects()))
        if which < 0.6:
            return Event("kill_late", value=self._chance.randrange(100))
        return Event("fault", self._chance.randrange(1, 3), self._chance.randrange(len(FAULTS)))

    def _sync(self) -> Event:
        which = self._chance.random()
        if self._mode.incremental and which < 0.1:
            return Event("sync", word="--full")
        if self._mode.incremental and which < 0.3:
            return Event("busy_sync")
        return Event("sync")


def options_of(mode: Mode, chance: random.Random) -> Mode:
    """The mode with the options that a seed gives it."""
    split = chance.choice(("none", "none", "none", "keys", "keys", "id", "n", CURSOR))
    mode = replace(mode, from_sql=chance.random() < 0.2, split=split, pieces=chance.randrange(2, 5))
    if mode.merges:
        mode = replace(mode, max_percent=chance.choice((100, 100, 50, 20, 0, None)))
    if not mode.incremental:
        return mode
    nulls = ("read", "first", "skip") if mode.merges else ("first", "skip")
    return replace(mode, overlap=chance.choice((0, 0, 5, 300)), null_cursor=chance.choice(nulls))


# -- playing one --------------------------------------------------------------------------------


@dataclass
class Player:
    """Plays events against one connection. Raises AssertionError, with the log, at the first lie."""

    harness: Harness
    mode: Mode
    program: Path = PROGRAM
    crashing: Path = CRASHING_PROGRAM
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.table = f"tpch.h_{self.harness.name.replace('-', '_')}"[:50]
        self.source = PlainSource(self.harness.sandbox, self.table, self.mode.shaping)
        self.there = PlainDestination(self.mode)
        stream = self.mode.settings(self.table)
        self.stream = stream.get("name") or stream["table"]
        self.target = f"main.{self.stream}" if self.mode.from_sql else self.table
        self.harness.settings["streams"] = [stream]
        self.harness.settings["defaults"] |= self.mode.shaping.defaults()
        self.seconds = 0.5  # that a sync takes
        self.last: dict[str, Any] = {}  # what the last sync that ended told of the stream
        self.missing = self.extra = 0  # rows, at the last comparison
        self._busy = 0
        self._moments = Moments()  # of the commits so far
        # What was seen by syncs that died or failed since the last commit: the next one may load it.
        self._unfinished: list[Snapshot] = []
        # Set right after a death between two pieces: what the next sync must not read again.
        self._piece_of: Snapshot | None = None

    def close(self) -> None:
        self.harness.sandbox.faults.clear()
        self.source.close()

    def play(self, events: list[Event]) -> None:
        for event in events:
            self.log.append(str(event))
            try:
                self._play(event)
            except AssertionError as error:
                raise AssertionError(f"{error}\nafter:\n  " + "\n  ".join(self.log)) from None

    def _play(self, event: Event) -> None:
        getattr(self, "_" + event.kind)(event)

    # -- changes ----------------------------------------------------------------------------------

    def _put(self, event: Event) -> None:
        self.source.put(event.key, event.value, self._stamp(event.word))

    def _insert(self, event: Event) -> None:
        self.source.insert(FRESH_KEYS + self.source.second, event.value, self.source.stamp())

    def _stamp(self, word: str) -> dt.datetime | None:
        if word == "none":
            return None
        if word == "future":
            return self.source.future_stamp()
        if word == "tie":
            return self.source.newest() or self.source.stamp()
        return self.source.stamp(late=4 if word == "late" else 0)

    def _delete(self, event: Event) -> None:
        self.source.delete(event.key)

    def _purge(self, event: Event) -> None:
        """Two thirds of the keys go."""
        for key in sorted({row["id"] for row in self.source.rows if row["id"] % 3 != event.key % 3}):
            self.source.delete(key)

    def _duplicate(self, event: Event) -> None:
        if all(row["id"] != event.key for row in self.source.rows):
            self.source.insert(event.key, event.value + 1, self.source.stamp())
        self.source.insert(event.key, event.value, self.source.stamp())

    def _mark(self, event: Event) -> None:
        self.source.put(event.key, event.value, self.source.stamp(), gone=True)

    def _unstamped(self, event: Event) -> None:
        self.source.change_unstamped(event.key, event.value)

    def _hold(self, event: Event) -> None:
        self.source.hold(HELD_KEYS + self.source.second, event.value)

    def _release(self, _event: Event) -> None:
        self.source.release()

    def _column(self, event: Event) -> None:
        getattr(self.source, event.word + "_column")()

    def _widen(self, event: Event) -> None:
        self.source.widen(event.word)

    def _narrow(self, event: Event) -> None:
        self.source.narrow(event.word)

    def _restamp(self, _event: Event) -> None:
        self.source.stamp_all_anew()

    def _empty(self, _event: Event) -> None:
        self.source.empty()

    def _recreate(self, _event: Event) -> None:
        self.source.recreate()

    # -- syncs ------------------------------------------------------------------------------------

    def _run(self, *arguments: str, program: Path | None = None) -> Finished:
        self._piece_of = None
        return self.harness.run("sync", "--json", *arguments, program=program or self.program)

    def _sync(self, event: Event) -> None:
        flags = event.word.split()
        full, asked = "--full" in flags, "--allow-deletes" in flags
        snapshot = self.source.snapshot()
        unloads_max = None if full or self._may_be_refused(snapshot) else self._unloads_max(snapshot)
        before = self._unloads()
        began = time.monotonic()
        finished = self._run(*flags)
        self.seconds = time.monotonic() - began
        if unloads_max is not None:
            # G13: An UNLOAD that ended is loaded once and not paid for twice, unless it no longer is what is asked for.
            sent = self._unloads() - before
            assert sent <= unloads_max, f"{sent} UNLOADs, {unloads_max} had not ended\n{finished.stdout}"
        try:
            self.expect_success(finished, snapshot, full=full, asked=asked)
        except MustRefuse as refusal:
            assert refusal.remedy not in flags, f"refused in spite of {flags}"
            self.expect_refusal(finished, refusal)
            self._heed(refusal, flags)
            self.log.append(f"sync {' '.join(flags)}, after that refusal")
            self._sync(Event("sync", word=" ".join(flags)))

    def _heed(self, refusal: MustRefuse, flags: list[str]) -> None:
        """Does what lets the next sync through."""
        if refusal.remedy != DROP:
            flags.append(refusal.remedy)
        elif self.mode.incremental and not self.mode.merges:
            flags.append("--full")  # makes the table again
        else:
            self.source.widen_to(self.there.types)

    def _unloads(self) -> int:
        return self.harness.sandbox.meter.statements_by_kind["UNLOAD"]

    def _unloads_max(self, now: Snapshot) -> int | None:
        """Of a sync after one that died between two pieces; None if it may read everything again."""
        then = self._piece_of
        if then is None or len(self._unfinished) > 1 or (then.columns, then.types) != (now.columns, now.types):
            return None
        if not self.there.may_mix() or not self.there.comes(then):
            return None
        keys = self.mode.deletes == "key_scan" and self.there.watermark is not None
        return self.mode.pieces - 1 + keys

    def _busy_sync(self, _event: Event) -> None:
        """Rows are written and committed all the while: what has come is what the watermark says."""
        self.source.flush()
        low = self.there.watermark
        over = threading.Event()
        writer = threading.Thread(target=self._write_until, args=(over,))
        # The UNLOAD takes a while, so that something is written behind its back.
        self.harness.sandbox.faults.set("unload.slow_per_file", args={"seconds": 0.02})
        writer.start()
        try:
            finished = self._run()
        finally:
            over.set()
            writer.join()
            self.harness.sandbox.faults.clear()
        committed = self.harness.there.committed().get(self.stream)
        watermark = _time(committed.watermark) if committed else None
        seen = self.source.snapshot()
        # What else it may refuse, it refuses whatever came besides.
        up_to_there = finished.exit_code == 0 or "lies below what was read before" in finished.stdout
        try:
            self.expect_success(finished, seen.up_to(watermark or low) if up_to_there else seen)
        except MustRefuse as refusal:
            self.expect_refusal(finished, refusal)

    def _write_until(self, over: threading.Event) -> None:
        while not over.is_set() and self._busy < 2000:
            self._busy += 1
            self.source.write_at_once(BUSY_KEYS + self._busy, 1)
            over.wait(0.01)

    def _fault(self, event: Event) -> None:
        name, args = FAULTS[event.value]
        self.log.append(f"  {name} {args}")
        before, snapshot = self.attempt(), self.source.snapshot()
        self.harness.sandbox.faults.set(name, count=event.key, args=args)
        finished = self._run()
        self.harness.sandbox.faults.clear()
        self._unfinished.append(snapshot)  # what one attempt of a sync had unloaded its next one may adopt
        try:
            if finished.exit_code == 0:
                self.expect_success(finished, snapshot)
                return
        except MustRefuse:
            raise AssertionError(f"ended well, and should have refused\n{finished.stdout}") from None
        assert self.attempt() == before, f"failed, and committed\n{finished}"
        self.compare()
        self.expect_nothing_left(kept=self._told(finished).get("kept", []))

    def _kill(self, event: Event) -> None:
        self.kill_at(event.word)

    def kill_at(self, effect: str) -> bool:
        """Whether the sync reached the effect; if it did not, it must have ended right."""
        snapshot = self.source.snapshot()
        before = self.attempt()
        self.harness.variables["SLUICE_CRASH_AT"] = f"{effect} {self.stream}"
        finished = self._run(program=self.crashing)
        del self.harness.variables["SLUICE_CRASH_AT"]
        if finished.exit_code != -signal.SIGKILL:
            self._not_killed(finished, snapshot)
            return False
        self.died(before, snapshot)
        if effect == "piece_unloaded" and self.mode.split != "none":
            self._piece_of = snapshot
        return True

    def _kill_late(self, event: Event) -> None:
        self.kill_after(self.seconds * event.value / 100)

    def kill_after(self, seconds: float) -> bool:
        """Whether it was alive to be killed."""
        snapshot = self.source.snapshot()
        before = self.attempt()
        self._piece_of = None
        process = self.harness.start("sync", "--json", program=self.program)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        finished = self.harness.finish(process)
        if finished.exit_code != -signal.SIGKILL:
            self._not_killed(finished, snapshot)
            return False
        self.died(before, snapshot)
        return True

    def _not_killed(self, finished: Finished, snapshot: Snapshot) -> None:
        try:
            self.expect_success(finished, snapshot)
        except MustRefuse as refusal:
            self.expect_refusal(finished, refusal)

    # -- judging ----------------------------------------------------------------------------------

    def attempt(self) -> str | None:
        """That of the stream's last commit, as the destination says."""
        committed = self.harness.there.committed().get(self.stream)
        return committed.attempt if committed else None

    def died(self, before: str | None, snapshot: Snapshot) -> None:
        """After a kill: all of it is there, or nothing."""
        self._unfinished.append(snapshot)
        if self.attempt() == before:
            self.compare()
            return
        self._settle(self._unfinished)
        self._unfinished = []

    def expect_success(
        self, finished: Finished, snapshot: Snapshot, *, full: bool = False, asked: bool = False
    ) -> None:
        """Raises MustRefuse if the sync ought not to have succeeded."""
        told = self._told(finished)
        if (told.get("error") or {}).get("code") == "unsupported":
            self.there.check_types(snapshot)  # two refusals may be due: these come first where there is what to adopt
        if told.get("adopted") and finished.exit_code != 0:
            self.there.after(snapshot, full=full, asked=asked)  # types that it refuses now, as it would have then
        if told.get("adopted"):
            assert finished.exit_code == 0, f"the sync failed\n{finished.stdout}\n{finished.stderr}"
            self._settle(self._unfinished, now=snapshot, told=told, asked=asked)
        else:
            new, counts = self.there.after(snapshot, full=full, asked=asked)
            assert finished.exit_code == 0, f"the sync failed\n{finished.stdout}\n{finished.stderr}"
            self.there = new
            self.compare()
            self._check_counts(told, counts)
            if self.mode.incremental:
                warned = any("after the server's clock" in one for one in told["warnings"])
                assert warned == bool(snapshot.waiting), f"{snapshot.waiting} rows wait, {told['warnings']}"
        self._unfinished = []
        self.expect_nothing_left()

    def _may_be_refused(self, now: Snapshot) -> bool:
        """What a dead sync saw may be what the destination refuses: then all is read again, and that counts."""
        for one in self._candidates(self._unfinished, now, committed=False):
            try:
                for counts in filter(None, one(self.there)[1]):
                    self.there.check_share(counts)
            except MustRefuse:
                return True
            except AssertionError:
                continue
        return False

    def _settle(
        self, saw: list[Snapshot], now: Snapshot | None = None, told: dict[str, Any] | None = None, *,
        asked: bool = False,
    ) -> None:  # fmt: skip
        """One of them was committed, newest first, or pieces of several; which cannot always be told from outside.
        `now`: what the sync saw that adopted them. `told`: what it said."""
        failed: Exception | None = None
        was = self.there
        for one in self._candidates(saw, now):
            try:
                self.there, allowed = one(was)
                if self.mode.merges and not asked:
                    allowed = [counts for counts in allowed if self._may_go(was, counts)]
                    assert allowed, "more rows went than may go unasked"
                self.compare()
                if told is not None:
                    self._check_counts(told, *allowed)
            except (AssertionError, MustRefuse) as error:
                self.there, failed = was, failed or error
            else:
                return
        raise AssertionError(f"committed what no sync saw: {failed}")

    @staticmethod
    def _may_go(was: PlainDestination, counts: Counts) -> bool:
        return was.may_remove(counts["deleted"])

    def _candidates(self, saw: list[Snapshot], now: Snapshot | None, *, committed: bool = True) -> Iterator[Candidate]:
        """The newest first, and whole ones before mixtures."""
        if now is not None:
            saw = [one for one in saw if (one.columns, one.types) == (now.columns, now.types)]
        after = [] if now is None else [now]
        for place in reversed(range(len(saw))):
            # Keys that were not there when a sync died are read by a later one, which may die too.
            later = [*saw[place + 1 :], *after] if self.mode.deletes == "key_scan" else after
            for keys in (None, *reversed(later)):
                yield functools.partial(_whole, saw[place], keys)
        if self.mode.split == "none":
            return
        for first in reversed(range(len(saw))):
            moments = [*saw[first:], *after]
            for keys in reversed(moments[1:]):
                yield functools.partial(self._mixed, moments, keys, committed)

    def _mixed(
        self, moments: list[Snapshot], keys: Snapshot, committed: bool, was: PlainDestination
    ) -> tuple[PlainDestination, list[Counts]]:
        seen = None
        if committed:
            seen, _ = self._rows(self.harness.there, was.columns_after(moments[0]), was.commits + 1)
        return settle_mixture(was, moments, keys, seen)

    def _told(self, finished: Finished) -> dict[str, Any]:
        try:
            self.last = streams_of(finished)[self.stream]
        except (ValueError, KeyError):  # it failed before it had streams
            self.last = {}
        return self.last

    def _check_counts(self, told: dict[str, Any], *allowed: Counts) -> None:
        proof, seen = told["proof"], {name: told["counts"][name] for name in allowed[0]}
        came = proof["loaded_rows"]
        assert proof["manifest_rows"] == proof["footer_rows"] == came
        assert seen["inserted"] + seen["updated"] + seen["unchanged"] + seen["skipped"] + (
            seen["deleted"] - seen["deleted_absent"]) == came, told  # fmt: skip
        assert seen in allowed, f"counted {seen}, expected {' or '.join(map(str, allowed))}"

    def expect_refusal(self, finished: Finished, refusal: MustRefuse) -> None:
        assert finished.exit_code != 0, f"should have refused: {refusal}\n{finished.stdout}"
        error = self._told(finished)["error"]
        assert error["code"] == refusal.code and refusal.remedy in error["remedy"], error
        self.compare()
        self.expect_nothing_left(kept=self.last.get("kept", []))

    def expect_nothing_left(self, kept: Sequence[str] = ()) -> None:
        """But for prefixes that the sync said it keeps for the next."""
        prefixes = tuple(prefix.split("/", 3)[3] for prefix in kept)
        left = [key for key in self.harness.objects() if not key.startswith(prefixes)]
        assert left == [], f"left in the bucket: {left}"
        self.harness.assert_no_parts_on_disk()
        assert self.harness.there.leftovers() == []

    def compare(self) -> None:
        """Rows, columns and watermark, against the plain model."""
        with self.harness.there.reading():
            self._compare(self.harness.there)

    def _compare(self, there: Destination) -> None:
        if not self.there.synced:
            assert self.target not in there.tables(), "a table of no commit"
            return
        columns = there.columns(self.target)
        assert sorted(columns) == sorted(self.there.columns), f"columns {columns}, expected {self.there.columns}"
        rows, moments = self._rows(there, self.there.columns, self.there.commits)
        seen = Counter(rows)
        expected = Counter(self.there.shown())
        missing, extra = expected - seen, seen - expected
        self.missing, self.extra = missing.total(), extra.total()
        assert not missing and not extra, f"missing {_listed(missing)}\nextra {_listed(extra)}"
        if self.mode.incremental:
            watermark = _time(there.committed()[self.stream].watermark)
            assert watermark == self.there.watermark, f"watermark {watermark}, expected {self.there.watermark}"
        self._moments = moments

    def _rows(self, there: Destination, columns: list[str], commit: int) -> tuple[list[tuple[Any, ...]], Moments]:
        """What stands there; under history the moments of reads have the numbers of their commits."""
        rows = there.rows(self.target, columns)
        return self._moments.numbered(rows, columns, commit) if self.mode.keeps_history else (rows, self._moments)


def _whole(snapshot: Snapshot, keys: Snapshot | None, was: PlainDestination) -> tuple[PlainDestination, list[Counts]]:
    new, counts = was.after(snapshot, keys=keys, asked=True)
    return new, [counts]


def _time(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text)


def _listed(rows: Counter[tuple[Any, ...]]) -> str:
    return "".join(f"\n    {count} x {row}" for row, count in sorted(rows.items(), key=repr)[:20])


def play_afresh(make: Callable[[], Harness], mode: Mode, events: list[Event]) -> None:
    """From nothing to the end of the events."""
    player = Player(make(), mode)
    try:
        player.play(events)
    finally:
        player.close()
