# Goal: slice numbers always have gaps, and a wrong estimate of rows does not make thousands of files.

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from redshift_sandbox.unload.slices import Layout, Names, rows_for_file


class InARow(random.Random):
    """Chooses the first numbers of the population."""

    def sample(self, population: Sequence[Any], k: int, **_: Any) -> list[Any]:
        return list(population[:k])


def test_numbers_in_a_row_are_pulled_apart() -> None:
    names = Names("p/", ".parquet", 4, True, InARow())
    assert [names.of(i) for i in range(5)] == [
        "p/0000_part_00.parquet", "p/0001_part_00.parquet", "p/0002_part_00.parquet", "p/0004_part_00.parquet",
        "p/0000_part_01.parquet",
    ]  # fmt: skip


def test_one_slice_and_many_slices() -> None:
    assert Names("", "", 1, True, InARow()).of(0) == "0001_part_00"
    many = Names("", "", 300, True, random.Random(1))
    assert len({many.of(i) for i in range(300)}) == 300


def test_parallel_off_counts_upwards() -> None:
    assert [Names("p/", ".parquet", 4, False, InARow()).of(i) for i in (0, 1)] == ["p/000.parquet", "p/001.parquet"]


def test_rows_are_spread_evenly_by_the_estimate() -> None:
    assert [rows_for_file(i, Layout(4), 10, True) for i in range(4)] == [3, 3, 3, 3]


def test_a_low_estimate_makes_few_files() -> None:
    total = files = 0
    while total < 6_000_000:
        total += rows_for_file(files, Layout(4), 1, True)
        files += 1
    assert files < 50


def test_the_knob_and_parallel_off_outrank_the_estimate() -> None:
    assert rows_for_file(9, Layout(4, rows_per_file=7), 10**9, True) == 7
    assert rows_for_file(0, Layout(4), 10, False) > 10**15
