"""How packages are made: the same bytes whoever makes them, and as Debian wants them. Of a small program."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, run


def test_the_same_program_gives_the_same_bytes(dist_of_small: Callable[..., tuple[Path, Path]], small: Path) -> None:
    """Another time, zone, umask and folder."""
    first = dist_of_small("first", SOURCE_DATE_EPOCH="1767225600")
    os.utime(small, (1, 1))
    before = os.umask(0o077)
    try:
        again = dist_of_small("again", SOURCE_DATE_EPOCH="1767225600", TZ="Asia/Tokyo", LANG="de_DE.UTF-8")
    finally:
        os.umask(before)
    assert [one.name for one in first] == [one.name for one in again]
    for one, other in zip(first, again, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name
    assert first[0].name.startswith("sluice-9.8.7-py3-none-manylinux_2_") and first[1].name.startswith("sluice_9.8.7_")


def test_lintian_finds_nothing(dist_of_small: Callable[..., tuple[Path, Path]]) -> None:
    _, package = dist_of_small("made")
    told = run("lintian", "--allow-root", "--fail-on", "warning,error", "--show-overrides", package)
    assert "sluice:" not in told.replace("N: ", "")


def test_what_is_no_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="make dist"):
        run(sys.executable, ROOT / "tools/dist.py", "--binary", tmp_path / "none", "--out", tmp_path)
