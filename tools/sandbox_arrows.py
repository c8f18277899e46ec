"""The rooms of the sandbox import each other along the arrows of sandbox/arrows.toml only. tools/tidy.py runs it.

Every import counts: one within a function or under TYPE_CHECKING is there because two modules need each other, which
is what is looked for.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "redshift_sandbox"
ARROWS = "sandbox/arrows.toml"
README = "sandbox/README.md"


@dataclass(frozen=True)
class Import:
    line: int
    module: str  # dotted, below the package; "" is the package itself


def modules_of(package: Path) -> dict[str, Path]:
    """Dotted name below the package -> file. A folder's `__init__.py` has the folder's name."""
    found = {}
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def room_of(module: str) -> str:
    return module.partition(".")[0]


def imports_of(module: str, file: Path, known: Mapping[str, Path]) -> list[Import]:
    """What the module imports of its own package, wherever in the file that stands."""
    found = []
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, module, file)
            # `from room import name` means the module of that name, if there is one.
            names = [f"{base}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            first, _, rest = name.partition(".")
            if first == PACKAGE:
                found.append(Import(node.lineno, rest if rest in known else rest.rpartition(".")[0]))
    return found


def _absolute(node: ast.ImportFrom, module: str, file: Path) -> str:
    if not node.level:
        return node.module or ""
    parts = [PACKAGE, *filter(None, module.split("."))]
    here = parts if file.name == "__init__.py" else parts[:-1]
    return ".".join([*here[: len(here) - node.level + 1], *filter(None, [node.module])])


def circle_in(graph: Mapping[str, list[str]]) -> list[str] | None:
    """Modules that import each other in a ring, the first again at the end; None if there are none."""
    done: set[str] = set()
    way: list[str] = []

    def follow(module: str) -> list[str] | None:
        if module in way:
            return [*way[way.index(module) :], module]
        if module in done:
            return None
        way.append(module)
        for target in graph.get(module, []):
            if ring := follow(target):
                return ring
        done.add(way.pop())
        return None

    for module in graph:
        if ring := follow(module):
            return ring
    return None


def check_table(table: Mapping[str, list[str]], rooms: set[str]) -> Iterator[str]:
    above: set[str] = set()
    for room, targets in table.items():
        if room not in rooms:
            yield f"{ARROWS}: {room} is no room of {PACKAGE}"
        for target in targets:
            if target not in above:
                yield f"{ARROWS}: the arrow from {room} to {target} runs back: {target} is not written above {room}"
        above.add(room)
    for room in sorted(rooms - set(table)):
        yield f"{ARROWS}: has no line for {room}"


def check_readme(readme: Path, rooms: set[str]) -> Iterator[str]:
    section = re.search(r"^## Rooms$(.*?)^## ", readme.read_text() + "\n## ", re.MULTILINE | re.DOTALL)
    told = set(re.findall(r"`(\w+)/?`", section.group(1))) if section else set()
    for room in sorted(rooms - told):
        yield f"{README}: the section Rooms does not say what {room} is for"


def check_sandbox_arrows(root: Path) -> Iterator[str]:
    package, listing = root / "sandbox" / PACKAGE, root / ARROWS
    if not package.exists():
        return
    table: dict[str, list[str]] = tomllib.loads(listing.read_text())["arrows"]
    known = modules_of(package)
    rooms = {room_of(module) for module in known if module}
    yield from check_table(table, rooms)
    yield from check_readme(root / README, rooms)
    graph: dict[str, list[str]] = {}
    used: set[tuple[str, str]] = set()
    for module, file in known.items():
        graph[module] = []
        for one in imports_of(module, file, known):
            graph[module].append(one.module)
            here, target = room_of(module), room_of(one.module)
            if here == target or not one.module:
                continue
            used.add((here, target))
            if target not in table.get(here, []):
                name = file.relative_to(root).as_posix()
                yield f"{name}:{one.line}: imports {one.module}, but {here} has no arrow to {target} in {ARROWS}"
    for room, targets in table.items():
        for target in targets:
            if (room, target) not in used:
                yield f"{ARROWS}: nothing in {room} imports {target}, so the arrow can go"
    if ring := circle_in(graph):
        yield f"sandbox/{PACKAGE}: modules import each other in a circle: {' -> '.join(ring)}"
