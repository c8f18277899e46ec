"""A wrong implementation is caught: with each of the defects of tests/mutants/mutants.toml switched on, the
model test or the crash test goes red; with none switched on, the same program passes both.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from harness import BUILD, ROOT, Harness
from history import MODES, Maker, Player, options_of
from plain_destination import Mode
from scripts import SCRIPTS
from test_crash import kill_at_every_effect

pytestmark = pytest.mark.mutants

LIST = ROOT / "tests" / "mutants" / "mutants.toml"
MUTANTS: list[dict[str, Any]] = tomllib.loads(LIST.read_text())["mutant"]
PROGRAM = BUILD / "tests" / "mutants" / "sluice_mutant"
# A defect that survives so many histories is not caught.
HISTORIES = int(os.environ.get("MUTANT_HISTORIES", "12"))


class Built:
    """The program with the defects, and its histories."""

    def __init__(self, connect: Callable[..., Harness], mutant: str) -> None:
        self._connect, self._mutant = connect, mutant

    def player(self, mode: Mode, kind: str) -> Player:
        harness = self._connect(destination=kind)
        harness.variables["SLUICE_MUTANT"] = self._mutant
        return Player(harness, mode, program=PROGRAM, crashing=PROGRAM)

    def try_out(self, mutant: dict[str, Any], mode: Mode, kind: str, seed: int) -> None:
        if "script" in mutant:
            self.script(mutant["script"], mode, kind)
        elif "crash" in mutant:
            self.kills(mode, kind)
        else:
            self.history(mode, kind, seed)

    def script(self, name: str, mode: Mode, kind: str) -> None:
        player = self.player(mode, kind)
        try:
            SCRIPTS[name](player)
        finally:
            player.close()

    def history(self, mode: Mode, kind: str, seed: int) -> None:
        chance = random.Random(seed)
        if mode in MODES.values():  # its options are left to chance
            mode = options_of(mode, chance)
        player = self.player(mode, kind)
        try:
            player.play(Maker(mode, chance).history())
        finally:
            player.close()

    def kills(self, mode: Mode, kind: str) -> None:
        kill_at_every_effect(self.player(mode, kind))


def modes_of(mutant: dict[str, Any]) -> list[Mode]:
    return [replace(MODES[name], **mutant.get("options", {})) for name in mutant["modes"]]


def test_every_defect_still_fits_its_source() -> None:
    ran = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "mutate.py"), "check"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert len({mutant["name"] for mutant in MUTANTS}) == len(MUTANTS) >= 12


def test_there_is_no_switch_in_the_product() -> None:
    product = (BUILD / "src" / "cli" / "sluice").read_bytes()
    assert b"SLUICE_MUTANT" not in product
    assert b"SLUICE_CRASH_AT" not in product


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant["name"].replace(" ", "_"))
def test_the_defect_is_caught(connect: Callable[..., Harness], mutant: dict[str, Any]) -> None:
    built = Built(connect, mutant["name"])
    kinds = mutant.get("kinds", ["duckdb"])
    for seed in range(1 if {"crash", "script"} & mutant.keys() else HISTORIES):
        for mode in modes_of(mutant):
            try:
                built.try_out(mutant, mode, kinds[seed % len(kinds)], seed)
            except AssertionError as caught:
                print(f"caught by history {seed + 1} of {mode}: {str(caught).splitlines()[0][:200]}")
                return
    pytest.fail(f"nothing caught it: {mutant['name']}", pytrace=False)


@pytest.mark.parametrize("name", MODES, ids=lambda name: name.replace(" ", "_"))
def test_without_a_defect_all_is_well(connect: Callable[..., Harness], name: str) -> None:
    Built(connect, "").history(MODES[name], "duckdb", seed=0)


@pytest.mark.parametrize("split", ["none", "keys"])
def test_without_a_defect_kills_do_no_harm(connect: Callable[..., Harness], split: str) -> None:
    Built(connect, "").kills(replace(MODES["incremental merge"], split=split), "duckdb")


def test_without_a_defect_misfortunes_do_no_harm(connect: Callable[..., Harness]) -> None:
    for mutant in MUTANTS:
        if "script" in mutant:
            Built(connect, "").script(mutant["script"], modes_of(mutant)[0], mutant.get("kinds", ["duckdb"])[0])
