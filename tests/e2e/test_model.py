"""G11: After a merge the destination holds what the source held at the watermark, but for what no stamp told of.
G12: Every row that came is inserted, updated, unchanged, deleted or skipped; the counts add up.
G17: More rows than the stream allows never go without being asked for.

Random histories, with faults and kills between and during syncs: after every sync the destination is what
a plain model says, row by row, in every mode and every destination.

`HISTORIES=n` tells how many, `SEED=s` which is the first: a failing seed is run alone with
`SEED=s HISTORIES=1`. What fails is shortened first, for `SHRINK_SECONDS` (60) at most.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from harness import Harness
from history import CASES, MODES, Event, Maker, options_of, play_afresh
from shaping import shaping_of
from shrink import shrink

pytestmark = pytest.mark.model

FIRST = int(os.environ.get("SEED", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("HISTORIES", "200")))
SHRINK_SECONDS = float(os.environ.get("SHRINK_SECONDS", "60"))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_destination_follows_the_source(connect: Callable[..., Harness], seed: int) -> None:
    chance = random.Random(seed)
    name, kind = CASES[seed % len(CASES)]
    mode = replace(options_of(MODES[name], chance), shaping=shaping_of(random.Random(f"shape {seed}")))
    events = Maker(mode, chance).history()

    def play(tried: list[Event]) -> None:
        play_afresh(lambda: connect(destination=kind), mode, tried)

    def fails(tried: list[Event]) -> bool:
        try:
            play(tried)
        except AssertionError:
            return True
        return False

    try:
        play(events)
    except AssertionError as first:
        shortest = shrink(events, fails, SHRINK_SECONDS)
        told = f"seed {seed}, {kind}, {mode}"
        try:
            play(shortest)
        except AssertionError as short:
            pytest.fail(f"{told}\nshortened from {len(events)} events to {len(shortest)}:\n{short}", pytrace=False)
        pytest.fail(f"{told}\nnot every time; the first time:\n{first}", pytrace=False)
