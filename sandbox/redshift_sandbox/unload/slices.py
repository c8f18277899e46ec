"""How rows are distributed over files, and the names of the files."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

_SLICE_NUMBERS = 128  # numbers seen on live workgroups have gaps and vary between runs (measured by others)


@dataclass(frozen=True)
class Layout:
    """What decides the number of files, besides their maximum size."""

    slices: int = 4
    rows_per_file: int | None = None  # None: the same for all slices, by the planner's estimate


class Names:
    """File names of one UNLOAD: file i is part i // slices of slice i % slices."""

    def __init__(self, prefix: str, extension: str, slices: int, parallel: bool, rng: random.Random) -> None:
        self._prefix = prefix
        self._extension = extension
        self._parallel = parallel
        self._slices = _with_gaps(slices, rng)

    def of(self, index: int, folder: str = "") -> str:
        """`folder` is that of a partition, with a slash at its end."""
        if not self._parallel:
            return f"{self._prefix}{folder}{index:03d}{self._extension}"
        number = self._slices[index % len(self._slices)]
        return f"{self._prefix}{folder}{number:04d}_part_{index // len(self._slices):02d}{self._extension}"


def _with_gaps(count: int, rng: random.Random) -> list[int]:
    numbers = sorted(rng.sample(range(max(_SLICE_NUMBERS, 2 * count)), count))
    if numbers == list(range(numbers[0], numbers[0] + count)):
        numbers[-1] += 1  # without a gap, a reader that only counts upwards would work
    return numbers


def rows_for_file(index: int, layout: Layout, estimate: int, parallel: bool) -> int:
    """The maximum of rows in file `index`. If the estimate was too low, each round over the slices is four times
    larger, so that the number of files stays small."""
    if layout.rows_per_file is not None:
        return max(1, layout.rows_per_file)
    if not parallel:
        return 2**62
    share = max(1, math.ceil(estimate / layout.slices))
    return int(share * 4 ** min(index // layout.slices, 16))
