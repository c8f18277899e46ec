"""The arrows between rooms hold, every file is built, every promise is quoted; and the checks see it
when they do not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import tidy  # noqa: E402


def test_the_tree_is_tidy() -> None:
    assert tidy.findings(ROOT) == []


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for room, deps in (("base", ""), ("model", " DEPS base"), ("sync", " DEPS model")):
        folder = tmp_path / "src" / room
        folder.mkdir(parents=True)
        (folder / "CMakeLists.txt").write_text(f"sluice_room({room}{deps})\n")
        (folder / f"{room}.h").write_text("// What it is.\n#pragma once\n")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def test_arrows_may_be_followed_through_rooms(tree: Path) -> None:
    (tree / "src/sync/run.cc").write_text('#include "base/base.h"\n#include "sync/sync.h"\n')
    assert list(tidy.check_arrows(tree)) == []


def test_an_include_without_arrow_is_found(tree: Path) -> None:
    (tree / "src/base/up.cc").write_text('#include "model/model.h"\n')
    assert "no arrow to model" in "\n".join(tidy.check_arrows(tree))


def test_a_circle_is_found(tree: Path) -> None:
    (tree / "src/base/CMakeLists.txt").write_text("sluice_room(base DEPS sync)\n")
    assert "reaches itself" in "\n".join(tidy.check_arrows(tree))


def test_a_front_door_that_names_a_concrete_class_is_found(tree: Path) -> None:
    for room, deps in (("aws", ""), ("connection", " DEPS aws"), ("cli", " DEPS connection")):
        folder = tree / "src" / room
        folder.mkdir()
        (folder / "CMakeLists.txt").write_text(f"sluice_room({room}{deps})\n")
        (folder / "x.cc").write_text('#include "aws/s3.h"\n')
    assert [text.split(":")[0] for text in tidy.check_front_doors(tree)] == ["src/cli/x.cc"]


def test_product_code_that_includes_test_support_is_found(tree: Path) -> None:
    (tree / "src/base/x.cc").write_text('#include "tests/support/matchers.h"\n')
    assert "only tests may" in "\n".join(tidy.check_arrows(tree))


def test_a_file_nobody_builds_is_found(tree: Path) -> None:
    (tree / "src/base/deep").mkdir()
    (tree / "src/base/deep/lost.cc").write_text("int x;\n")
    assert "lost.cc" in "\n".join(tidy.check_built(tree))


def test_a_promise_without_test_is_found(tree: Path) -> None:
    (tree / "docs").mkdir()
    (tree / "docs/GUARANTEES.md").write_text("- **G1** Rows are counted.\n- **G2** Keys are hidden.\n")
    (tree / "src/base/base_test.cc").write_text("// G1: Rows are\n// counted.\n")
    subprocess.run(["git", "add", "-A"], cwd=tree, check=True)
    assert list(tidy.check_guarantees(tree)) == ["docs/GUARANTEES.md: no test quotes G2"]
    (tree / "docs/GUARANTEES.md").write_text("- **G1** Rows are counted.\n- **G1** Rows are counted.\n")
    assert list(tidy.check_guarantees(tree)) == ["docs/GUARANTEES.md: G1 stands twice"]


def test_an_error_code_that_operations_do_not_tell_is_found(tree: Path) -> None:
    (tree / "docs").mkdir()
    (tree / "docs/OPERATIONS.md").write_text("### `throttled`, `unavailable`\n")
    codes = '    case ErrorCode::kThrottled: return "throttled";\n    case ErrorCode::kCorrupt: return "corrupt";\n'
    (tree / "src/base/error.cc").write_text(codes)
    assert list(tidy.check_operations(tree)) == ["docs/OPERATIONS.md: no heading for the error code corrupt"]
