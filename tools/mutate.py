#!/usr/bin/python3
"""Makes wrong implementations: copies of sources in which each defect of tests/mutants/mutants.toml can be switched on.

  tools/mutate.py files             the sources that are copied, one a line
  tools/mutate.py check             whether every defect's text still stands in its source, exactly once
  tools/mutate.py generate FOLDER   writes the copies beneath FOLDER

A defect is on while the program's environment says SLUICE_MUTANT=<name>. The product holds no such switch:
CMake links the copies into one program of the tests, before the libraries that hold the originals. A defect
whose text is no longer in its source is an error that names it: move it along with the code, or replace it.

Needs only Debian's own Python, because CMake runs it.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "tests" / "mutants" / "mutants.toml"


class Stale(Exception):
    """A defect that does not fit the source any more."""


@dataclass(frozen=True)
class Edit:
    """One place of a defect. `old` is an expression, or with `statement` whole statements, that `new` replaces."""

    mutant: str
    file: str
    old: str
    new: str
    statement: bool

    def find(self, text: str) -> int:
        count = text.count(self.old)
        if count != 1:
            raise Stale(f"mutant {self.mutant}: its text stands {count} times in {self.file}, not once:\n{self.old}")
        return text.index(self.old)


def read_edits(path: Path = LIST) -> list[Edit]:
    edits = []
    for mutant in tomllib.loads(path.read_text())["mutant"]:
        for edit in mutant["edit"]:
            edits.append(
                Edit(mutant["name"], edit["file"], edit["old"].strip("\n"), edit["new"].strip("\n"),
                     edit.get("statement", False))
            )  # fmt: skip
    return edits


def patched(file: str, text: str, edits: list[Edit]) -> str:
    """The source with all its defects in it, each behind its switch."""
    places: dict[int, list[Edit]] = defaultdict(list)
    for edit in edits:
        places[edit.find(text)].append(edit)
    out, at = [], 0
    for start in sorted(places):
        here = places[start]
        old = here[0].old
        if start < at or any((edit.old, edit.statement) != (old, here[0].statement) for edit in here):
            raise Stale(f"mutants {', '.join(e.mutant for e in here)}: their texts overlap in {file}")
        out += [text[at:start], _switched(here)]
        at = start + len(old)
    body = "".join(out) + text[at:]
    return f'#include "tests/mutants/mutant.h"\n#line 1 "{file}"\n{body}'


def _switched(edits: list[Edit]) -> str:
    old = edits[0].old
    if edits[0].statement:
        ifs = "".join(f'if (sluice::test::Mutant("{e.mutant}")) {{\n{e.new}\n}} else ' for e in edits)
        return f"{ifs}{{\n{old}\n}}"
    chain = "".join(f'sluice::test::Mutant("{e.mutant}") ? ({e.new}) : ' for e in edits)
    return f"({chain}({old}))"


def by_file(edits: list[Edit]) -> dict[str, list[Edit]]:
    files: dict[str, list[Edit]] = defaultdict(list)
    for edit in edits:
        files[edit.file].append(edit)
    return files


def stale() -> list[str]:
    """What is wrong with the list, one text for each defect."""
    problems = []
    for file, edits in by_file(read_edits()).items():
        try:
            text = (ROOT / file).read_text()
        except OSError:
            problems.append(f"mutant {edits[0].mutant}: there is no {file}")
            continue
        for edit in edits:
            try:
                edit.find(text)
            except Stale as problem:
                problems.append(str(problem))
    return problems


def generate(folder: Path) -> None:
    for file, edits in by_file(read_edits()).items():
        made = patched(file, (ROOT / file).read_text(), edits)
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_text() != made:
            target.write_text(made)
        else:
            target.touch()  # so that the build knows it to be newer than its sources


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("command", choices=("files", "check", "generate"))
    parser.add_argument("folder", nargs="?", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "files":
        print("\n".join(sorted(by_file(read_edits()))))
        return 0
    problems = stale()
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems and arguments.command == "generate":
        if arguments.folder is None:
            parser.error("generate needs a FOLDER")
        generate(arguments.folder)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
