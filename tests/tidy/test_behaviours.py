"""Every behaviour in the sandbox's list has a test that bears its number, and every numbered test has a row there."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
_TEST = re.compile(r"^def test_b(\d+)_", re.MULTILINE)
AT_LEAST = 59


def rows() -> list[tuple[int, str, str]]:
    text = (ROOT / "sandbox" / "BEHAVIOURS.md").read_text()
    return [(int(number), what, source) for number, what, source in _ROW.findall(text)]


def test_the_list_counts_without_gaps_and_names_its_sources() -> None:
    numbers = [number for number, _, _ in rows()]
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= AT_LEAST
    for number, what, source in rows():
        assert what.strip(), number
        assert re.search(r"\.html|https://|others|assumed", source), f"behaviour {number} has no source"


def test_each_behaviour_has_a_test_of_its_number() -> None:
    texts = [path.read_text() for path in (ROOT / "sandbox" / "tests").rglob("test_*.py")]
    tested = Counter(int(number) for text in texts for number in _TEST.findall(text))
    assert set(tested) == {number for number, _, _ in rows()}
