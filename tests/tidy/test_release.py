"""A version is cut whole or not at all."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import release


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "CMakeLists.txt").write_text("project(sluice VERSION 0.1.0 LANGUAGES CXX)\n")
    unreleased = tmp_path / "changelog" / "unreleased"
    unreleased.mkdir(parents=True)
    (unreleased / "fix-a.md").write_text("Fix: Tell what is wrong\n\nIt was not\ntold. It is.\n")
    (unreleased / "add-b.md").write_text("Add: Read more\n")
    return tmp_path


def test_joins_the_changes_and_sets_the_version(tree: Path) -> None:
    tag = release.release(tree, "0.2.0", "2026-12-01")
    section = (
        "## 0.2.0 (2026-12-01)\n\n### Added\n- **Read more.**\n\n"
        "### Fixed\n- **Tell what is wrong.** It was not told. It is.\n"
    )
    assert (tree / "CHANGELOG.md").read_text() == release.HEAD + "\n" + section
    assert tag.read_text() == "Sluice 0.2.0\n\n" + section
    assert "VERSION 0.2.0" in (tree / "CMakeLists.txt").read_text()
    assert not list((tree / "changelog" / "unreleased").iterdir())


def test_puts_the_newest_version_first(tree: Path) -> None:
    release.release(tree, "0.2.0", "2026-12-01")
    (tree / "changelog" / "unreleased" / "fix-c.md").write_text("Fix: Again\n")
    release.release(tree, "0.2.1", "2026-12-02")
    text = (tree / "CHANGELOG.md").read_text()
    assert text.count("# Changelog\n") == 1
    assert text.index("## 0.2.1") < text.index("## 0.2.0")


@pytest.mark.parametrize("version", ["0.1.0", "0.0.9", "0.2", "v0.2.0", "0.2.0-rc1", ""])
def test_refuses_what_is_no_later_version_and_writes_nothing(tree: Path, version: str) -> None:
    with pytest.raises(release.Refused):
        release.release(tree, version, "2026-12-01")
    assert not (tree / "CHANGELOG.md").exists()
    assert len(list((tree / "changelog" / "unreleased").iterdir())) == 2


def test_refuses_a_change_without_its_kind_and_writes_nothing(tree: Path) -> None:
    (tree / "changelog" / "unreleased" / "odd.md").write_text("Something changed\n")
    with pytest.raises(release.Refused, match=r"odd\.md"):
        release.release(tree, "0.2.0", "2026-12-01")
    assert "0.1.0" in (tree / "CMakeLists.txt").read_text()


def test_every_change_that_waits_can_be_joined() -> None:
    files = sorted((release.ROOT / "changelog" / "unreleased").glob("*.md"))
    assert release.joined(files, "9.9.9", "2026-12-01")
