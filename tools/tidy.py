"""What a compiler does not see: a room includes only rooms its CMakeLists.txt lists, every source is
built by some target, and the texts keep to the project's rules. Prints findings, one a line."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from sandbox_arrows import check_sandbox_arrows

ROOT = Path(__file__).resolve().parent.parent
LINES_MAX = 600
# Headers that are plain contracts and may be seen by rooms beneath their own library: none so far.
ROOM = re.compile(r"sluice_room\(\s*([\w/]+)(.*?)\)", re.DOTALL)
INCLUDE = re.compile(r'^\s*#include "([^"]+)"', re.MULTILINE)
# The room that makes parts, and the rooms whose classes those above it do not name.
MAKER = "connection"
CONCRETE = {"aws", "http", "pq", "columnar", "destinations"}
KEYWORDS = {"DEPS", "LIBS", "TEST_DEPS", "TEST_LIBS", "SOURCES_EXCEPT"}


def rooms(source: Path) -> dict[str, tuple[set[str], set[str]]]:
    """Room -> (what it may include, what its tests may include besides)."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for listing in source.rglob("CMakeLists.txt"):
        for match in ROOM.finditer(re.sub(r"#.*", "", listing.read_text())):
            groups: dict[str, set[str]] = {keyword: set() for keyword in KEYWORDS}
            current = ""
            for word in match.group(2).split():
                if word in KEYWORDS:
                    current = word
                elif current:
                    groups[current].add(word)
            found[match.group(1)] = (groups["DEPS"], groups["TEST_DEPS"])
    return found


def room_of(path: str, names: set[str]) -> str | None:
    """The innermost room that a path below src/ lies in."""
    parts = path.split("/")[:-1]
    while parts:
        if "/".join(parts) in names:
            return "/".join(parts)
        parts.pop()
    return None


def closure(name: str, table: dict[str, tuple[set[str], set[str]]]) -> set[str]:
    """Arrows are transitive: a room may use what its rooms are made of."""
    reached: set[str] = set()
    waiting = [name]
    while waiting:
        for dep in table.get(waiting.pop(), (set(), set()))[0]:
            if dep not in reached:
                reached.add(dep)
                waiting.append(dep)
    return reached


def check_arrows(root: Path) -> Iterator[str]:
    source = root / "src"
    table = rooms(source)
    for name in table:
        if name in closure(name, table):
            yield f"src/{name}/CMakeLists.txt: the room reaches itself through its DEPS"
    for file in sorted([*source.rglob("*.h"), *source.rglob("*.cc")]):
        relative = file.relative_to(source).as_posix()
        room = room_of(relative, set(table))
        if room is None:
            yield f"src/{relative}: no room's CMakeLists.txt builds it"
            continue
        for_tests = file.name.endswith("_test.cc") or "/testing/" in relative
        allowed = closure(room, table) | {room}
        if for_tests:
            for dep in table[room][1]:
                allowed |= closure(dep, table) | {dep}
        for include in INCLUDE.findall(file.read_text()):
            if include.startswith("tests/"):
                if not for_tests:
                    yield f"src/{relative}: includes {include}, which only tests may"
                continue
            target = room_of(include, set(table))
            if target is None:
                yield f"src/{relative}: includes {include}, which lies in no room"
            elif target not in allowed:
                yield f"src/{relative}: includes {include}, but room {room} has no arrow to {target}"


def check_front_doors(root: Path) -> Iterator[str]:
    """What makes parts of a configuration names concrete classes; the rooms above it use what it makes."""
    source = root / "src"
    table = rooms(source)
    for file in sorted([*source.rglob("*.h"), *source.rglob("*.cc")]):
        relative = file.relative_to(source).as_posix()
        room = room_of(relative, set(table))
        if room is None or MAKER not in closure(room, table) or file.name.endswith("_test.cc"):
            continue
        for include in INCLUDE.findall(file.read_text()):
            if include.split("/")[0] in CONCRETE:
                yield f"src/{relative}: includes {include}, which room {MAKER} alone names"


def check_built(root: Path) -> Iterator[str]:
    """A room takes the *.cc of its own folder alone: one in a folder beneath is built by nobody."""
    source = root / "src"
    names = set(rooms(source))
    for file in sorted(source.rglob("*.cc")):
        folder = file.parent.relative_to(source).as_posix()
        if folder not in names:
            yield f"src/{folder}/{file.name}: lies beside no sluice_room(), so no target builds it"


def tracked(root: Path) -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True)
    return [root / name for name in listing.stdout.decode().split("\0") if name]


def check_texts(root: Path) -> Iterator[str]:
    for file in tracked(root):
        if not file.exists() or file.suffix not in {".cc", ".h", ".py", ".sh", ".cmake"}:
            continue
        text = file.read_text(errors="replace")
        name = file.relative_to(root)
        lines = text.count("\n")
        if lines > LINES_MAX:
            yield f"{name}: {lines} lines, more than {LINES_MAX}: look for the second job in it"
        if file.suffix == ".h" and not text.startswith("//"):
            yield f"{name}: a header begins by saying what it is for"
        if file.suffix == ".h" and "#pragma once" not in text:
            yield f"{name}: has no #pragma once"


def check_guarantees(root: Path) -> Iterator[str]:
    """Every promise of docs/GUARANTEES.md is quoted, word for word, by a test."""
    document = root / "docs" / "GUARANTEES.md"
    if not document.exists():
        yield "docs/GUARANTEES.md: is missing"
        return
    tests = [
        file.read_text(errors="replace")
        for file in tracked(root)
        if file.exists()
        and ("_test.cc" in file.name or file.name.startswith("test_") or "/testing/" in file.as_posix())
    ]
    # A promise may be broken over lines, in a comment or in a text.
    quoted = re.sub(r"\s*\n\s*(?://|#)?\s*", " ", "\n".join(tests))
    numbers: set[str] = set()
    for line in document.read_text().splitlines():
        promise = re.match(r"- \*\*(G\d+)\*\* (.+)", line)
        if promise and promise.group(1) in numbers:
            yield f"docs/GUARANTEES.md: {promise.group(1)} stands twice"
        if promise:
            numbers.add(promise.group(1))
        if promise and f"{promise.group(1)}: {promise.group(2)}" not in quoted:
            yield f"docs/GUARANTEES.md: no test quotes {promise.group(1)}"


def check_operations(root: Path) -> Iterator[str]:
    """docs/OPERATIONS.md tells what to do after every error code."""
    source, document = root / "src/base/error.cc", root / "docs/OPERATIONS.md"
    if not source.exists():
        return
    text = document.read_text() if document.exists() else ""
    told = {
        code for heading in re.findall(r"^### (.+)$", text, re.MULTILINE) for code in re.findall(r"`(\w+)`", heading)
    }
    for code in re.findall(r'case ErrorCode::k\w+: return "(\w+)"', source.read_text()):
        if code not in told:
            yield f"docs/OPERATIONS.md: no heading for the error code {code}"


def findings(root: Path = ROOT) -> list[str]:
    return [
        *check_arrows(root),
        *check_front_doors(root),
        *check_built(root),
        *check_sandbox_arrows(root),
        *check_texts(root),
        *check_guarantees(root),
        *check_operations(root),
    ]


if __name__ == "__main__":
    for finding in (all_findings := findings()):
        print(finding)
    sys.exit(1 if all_findings else 0)
