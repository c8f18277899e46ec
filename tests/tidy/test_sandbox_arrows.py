"""The rooms of the sandbox import each other along the arrows of sandbox/arrows.toml only, and the check sees it when
they do not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import sandbox_arrows  # noqa: E402
import tidy  # noqa: E402

ARROWS = """[arrows]
contracts = []
clock = []
aws = ["contracts"]
world = ["aws", "clock"]
"""


class Tree:
    """A small sandbox: two modules of values, a service in a folder, and what puts them together."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.package = root / "sandbox/redshift_sandbox"
        (self.package / "aws").mkdir(parents=True)
        (root / sandbox_arrows.ARROWS).write_text(ARROWS)
        told = "## Rooms\n`contracts`, `clock`, `aws/`, `world`, `meter`\n## End\n"
        (root / sandbox_arrows.README).write_text(told)
        for name in ("__init__", "contracts", "clock", "aws/__init__", "aws/xml"):
            self.write(name, '"""What it is."""\n')
        self.write("aws/s3", "from redshift_sandbox.contracts import Clock\nfrom redshift_sandbox.aws import xml\n")
        self.write("world", "from redshift_sandbox import clock\nimport redshift_sandbox.aws.s3\n")

    def write(self, module: str, text: str) -> None:
        (self.package / f"{module}.py").write_text(text)

    def arrows(self, old: str, new: str) -> None:
        listing = self.root / sandbox_arrows.ARROWS
        assert old in listing.read_text()
        listing.write_text(listing.read_text().replace(old, new))

    def findings(self) -> list[str]:
        return list(sandbox_arrows.check_sandbox_arrows(self.root))


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_imports_along_arrows_and_within_a_room_are_fine(tree: Tree) -> None:
    assert tree.findings() == []


@pytest.mark.parametrize(
    "text",
    [
        "from redshift_sandbox.clock import SandboxClock\n",
        "from redshift_sandbox import clock\n",
        "import redshift_sandbox.clock as time\n",
        "from ..clock import SandboxClock\n",
        "from .. import clock\n",
        "def now():\n    from redshift_sandbox.clock import SandboxClock\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from redshift_sandbox.clock import SandboxClock\n",
    ],
    ids=["name", "module", "plain", "relative", "relative-module", "in-a-function", "for-the-type-checker"],
)
def test_an_import_without_an_arrow_is_found(tree: Tree, text: str) -> None:
    tree.write("aws/xml", text)
    line = text[: text.index("clock")].count("\n") + 1
    assert tree.findings() == [
        f"sandbox/redshift_sandbox/aws/xml.py:{line}: imports clock, but aws has no arrow to clock in "
        "sandbox/arrows.toml"
    ]


def test_an_arrow_is_not_followed_through_another_room(tree: Tree) -> None:
    tree.write("world", "from redshift_sandbox import clock, contracts\nfrom redshift_sandbox.aws import s3\n")
    assert "world has no arrow to contracts" in "\n".join(tree.findings())


def test_an_arrow_that_runs_back_is_found(tree: Tree) -> None:
    tree.arrows("clock = []", 'clock = ["world"]')
    tree.write("clock", "from redshift_sandbox import world\n")
    assert "the arrow from clock to world runs back" in "\n".join(tree.findings())


def test_an_arrow_that_nothing_uses_is_found(tree: Tree) -> None:
    tree.arrows('aws = ["contracts"]', 'aws = ["clock", "contracts"]')
    assert tree.findings() == ["sandbox/arrows.toml: nothing in aws imports clock, so the arrow can go"]


@pytest.mark.parametrize("late", [False, True], ids=["at-once", "in-a-function"])
def test_a_circle_within_a_room_is_found(tree: Tree, late: bool) -> None:
    tree.write("aws/xml", "def f():\n    from .s3 import S3\n" if late else "from .s3 import S3\n")
    assert tree.findings() == [
        "sandbox/redshift_sandbox: modules import each other in a circle: aws.s3 -> aws.xml -> aws.s3"
    ]


def test_a_circle_through_several_rooms_is_found(tree: Tree) -> None:
    tree.write("contracts", "from redshift_sandbox.world import Sandbox\n")
    found = "\n".join(tree.findings())
    assert "contracts has no arrow to world" in found
    assert "aws.s3 -> contracts -> world -> aws.s3" in found


def test_a_room_without_a_line_is_found(tree: Tree) -> None:
    tree.write("meter", "")
    assert tree.findings() == ["sandbox/arrows.toml: has no line for meter"]


def test_a_line_without_a_room_is_found(tree: Tree) -> None:
    tree.arrows("clock = []", "clock = []\nmeter = []")
    assert tree.findings() == ["sandbox/arrows.toml: meter is no room of redshift_sandbox"]


def test_a_room_that_the_readme_does_not_name_is_found(tree: Tree) -> None:
    (tree.root / sandbox_arrows.README).write_text("## Rooms\n`contracts`, `clock`, `world`\n## End\n`aws/`\n")
    assert tree.findings() == ["sandbox/README.md: the section Rooms does not say what aws is for"]


def test_tidy_runs_the_check(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.write("meter", "")
    monkeypatch.setattr(tidy, "tracked", lambda root: [])
    assert "sandbox/arrows.toml: has no line for meter" in tidy.findings(tree.root)
