"""G6: After SIGKILL at any point, the next sync ends with right data and an empty bucket.

The program is killed right after each effect, before it can do anything else, and at moments chosen by
chance; a fresh process then runs. In every mode and every destination.

`KILLS=n` tells how many kills come at random moments (default 40), `SEED=s` where chance begins.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from harness import Harness, wait_for
from history import CASES, MODES, ONLY, Event, Player, effects
from scripts import BETWEEN, OF_HISTORY, SCRIPTS

pytestmark = pytest.mark.crash

KILLS = int(os.environ.get("KILLS", "40"))
SEED = int(os.environ.get("SEED", "0"))
KILLS_PER_CHUNK = 20
# Effects before which another sync must have died, and where.
AFTER_DEATH_AT = {"adopted": "unloaded"}
# A sync that dies here has paid for an UNLOAD that the next one must not pay for again.
PAID = ("unloaded", "adopted", "loaded")
MISFORTUNE_MODES = [
    "full append", "incremental append", "incremental merge, keys compared",
    *(["incremental history, keys compared"] if ONLY else []),
]  # fmt: skip


def some_changes(player: Player, key: int) -> None:
    """What every mode has something to do for."""
    player.play([
        Event("insert", word="new", value=1), Event("put", key, 2, "new"), Event("insert", word="new"),
        *([] if player.mode.write_mode == "append" else [Event("delete", (key + 1) % 12)]),
    ])  # fmt: skip


# What it has of its own is in the rows, not in the order of effects.
AS_KEYS_COMPARED = "incremental history, marked rows removed"


@pytest.mark.parametrize(
    ("name", "kind"), [case for case in CASES if case[0] != AS_KEYS_COMPARED], ids=lambda value: value.replace(" ", "_")
)
def test_killed_after_each_effect(connect: Callable[..., Harness], name: str, kind: str) -> None:
    kill_at_every_effect(Player(connect(destination=kind), MODES[name]))


def kill_at_every_effect(player: Player) -> None:
    """Twice, in the first syncs ever and later."""
    try:
        # The first sync ever dies too: there is no table then, no state, perhaps no file.
        for round_, effect in enumerate([*effects(), *effects()]):
            if round_ == len(effects()):
                player.play([Event("restamp"), Event("sync")])
            some_changes(player, round_ % 12)
            if effect in AFTER_DEATH_AT:
                assert player.kill_at(AFTER_DEATH_AT[effect])
            die_and_recover(player, effect)
    finally:
        player.close()


def die_and_recover(player: Player, effect: str) -> None:
    player.log.append(f"kill {effect}")
    before = player.attempt()
    assert player.kill_at(effect), f"no sync of {player.mode} reaches {effect}"
    # G3: Rows and watermark appear together or not at all. (Rows and watermark were compared by kill_at.)
    committed = effects().index(effect) >= effects().index("committed")
    assert (player.attempt() != before) == committed, f"after {effect}"
    # G4: Files go only after the commit is confirmed, and only beneath our own prefix.
    gone = effects().index(effect) >= effects().index("cleaned")
    if effects().index(effect) >= effects().index("unloaded"):
        assert any(key.endswith("manifest") for key in player.harness.objects()) != gone
    meter = player.harness.sandbox.meter
    unloads = meter.unloads
    player.play([Event("sync")])
    if effect in PAID:
        assert player.last["adopted"], f"after {effect} the UNLOAD was not adopted"
        assert meter.unloads == unloads, f"after {effect} UNLOAD was sent again"


@pytest.mark.parametrize("script", [one for one in SCRIPTS if ONLY or SCRIPTS[one] not in OF_HISTORY])
@pytest.mark.parametrize("name", [name for name in MISFORTUNE_MODES if ONLY in name])
def test_misfortunes(connect: Callable[..., Harness], name: str, script: str) -> None:
    kinds = ["postgres"] if SCRIPTS[script] in BETWEEN else ["duckdb", "postgres"]
    for kind in kinds:
        player = Player(connect(destination=kind), MODES[name])
        try:
            SCRIPTS[script](player)
        finally:
            player.close()


@dataclass
class Totals:
    kills: int = 0
    verified: int = 0
    committed: int = 0
    lost: int = 0
    doubled: int = 0
    left: int = 0


@pytest.mark.parametrize("chunk", range((KILLS + KILLS_PER_CHUNK - 1) // KILLS_PER_CHUNK))
def test_killed_at_any_moment(
    connect: Callable[..., Harness], record_property: Callable[[str, object], None], chunk: int
) -> None:
    """Some kills in a row, then a sync that must put everything right."""
    chance = random.Random(SEED * 1000 + chunk)
    name, kind = CASES[(SEED + chunk) % len(CASES)]
    player = Player(connect(destination=kind), MODES[name])
    totals = Totals()
    try:
        player.play([Event("put", key, 1, "new") for key in range(8)])
        player.play([Event("sync")])
        while totals.kills < min(KILLS_PER_CHUNK, KILLS - chunk * KILLS_PER_CHUNK):
            some_changes(player, chance.randrange(12))
            before = player.attempt()
            # To the end of a sync and a little beyond: those that got away were syncs too.
            if player.kill_after(player.seconds * chance.random() * 1.05):
                totals.kills += 1
                totals.committed += player.attempt() != before
            if chance.random() < 0.2:
                verify(player, totals)
        verify(player, totals)
    finally:
        player.close()
        for what, number in vars(totals).items():
            record_property(f"kills:{what}", number)
    assert (totals.lost, totals.doubled, totals.left) == (0, 0, 0), "\n  ".join(player.log)


def verify(player: Player, totals: Totals) -> None:
    """A whole sync; what it leaves wrong is counted, and ends the chunk by what follows."""
    totals.verified += 1
    try:
        player.play([Event("sync")])
    except AssertionError:
        totals.lost += player.missing
        totals.doubled += player.extra
        totals.left += len(player.harness.objects()) + len(player.harness.there.leftovers())
        raise


def test_killed_while_unload_runs(harness: Harness) -> None:
    """Redshift goes on writing for a client that is gone: what it writes is removed by the next syncs."""
    harness.sandbox.faults.set("unload.slow_per_file", args={"seconds": 0.3})
    harness.sandbox.faults.set("unload.cache", args={"enabled": False})
    harness.streams("tpch.orders")
    process = harness.start("sync", "--json")
    wait_for(lambda: any(k.endswith(".parquet") for k in harness.objects()), "the first part")
    process.kill()
    harness.finish(process)
    wait_for(lambda: any(k.endswith("manifest") for k in harness.objects()), "the zombie's manifest")
    harness.sandbox.faults.clear()
    harness.sync()
    assert harness.tables() == {"tpch.orders": harness.source_count("tpch.orders")}
    harness.assert_bucket_clean()


def test_a_lost_ledger_loses_no_rows(harness: Harness) -> None:
    harness.streams("tpch.nation").sync()
    for file in harness.folder.rglob("*.ledger*"):
        file.unlink()
    harness.sync()
    assert harness.tables() == {"tpch.nation": 25}
    harness.assert_bucket_clean()
