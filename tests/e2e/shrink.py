"""From a failing history to one that still fails and has as few events as could be found in the time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

E = TypeVar("E")


def shrink(events: Sequence[E], fails: Callable[[list[E]], bool], seconds: float) -> list[E]:
    """Leaves out halves, quarters, ... and at last single events, as long as the rest fails. `fails` must
    begin afresh each time. Stops when nothing can be left out, or after `seconds`."""
    limit = time.monotonic() + seconds
    kept = list(events)
    size = max(1, len(kept) // 2)
    while True:
        smaller = False
        at = 0
        while at < len(kept):
            if time.monotonic() > limit:
                return kept
            tried = kept[:at] + kept[at + size :]
            if tried and fails(tried):
                kept, smaller = tried, True
            else:
                at += size
        if size == 1 and not smaller:
            return kept
        size = max(1, size // 2)
