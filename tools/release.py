#!/usr/bin/python3
"""Cuts a version: joins the changes of changelog/unreleased/ into CHANGELOG.md, sets the version in
CMakeLists.txt, and leaves the tag's text in build/release/VERSION.txt. Commits and tags nothing.

  tools/release.py 0.2.0 [--date 2026-12-01]
"""

from __future__ import annotations

import argparse
import datetime
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# In the order in which a reader wants them: what may break first.
KINDS = {"Change": "Changed", "Add": "Added", "Fix": "Fixed"}
HEAD = "# Changelog\n\nWhat a user can see, newest version first.\n"


class Refused(Exception):
    """Nothing was written."""


def version_of(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d+\.\d+\.\d+", text):
        raise Refused(f"{text!r} is not a version: write three numbers, such as 0.2.0")
    return tuple(int(part) for part in text.split("."))


def entry_of(file: Path) -> tuple[str, str, str]:
    """Kind, title and body of one change."""
    first, _, body = file.read_text().partition("\n")
    kind, colon, title = first.partition(": ")
    if not colon or kind not in KINDS or not title.strip():
        raise Refused(f"{file.name}: the first line must be `Add: ...`, `Change: ...` or `Fix: ...`")
    title = title.strip()
    return kind, title[0].upper() + title[1:], " ".join(body.split())


def joined(files: list[Path], version: str, date: str) -> str:
    """The section of one version."""
    entries = [entry_of(file) for file in files]
    lines = [f"## {version} ({date})"]
    for kind, heading in KINDS.items():
        of_kind = [(title, body) for one, title, body in entries if one == kind]
        if not of_kind:
            continue
        lines += ["", f"### {heading}"]
        lines += [f"- **{title}.** {body}".rstrip() for title, body in of_kind]
    return "\n".join(lines) + "\n"


def release(root: Path, version: str, date: str) -> Path:
    """Returns the file with the tag's text."""
    settings = root / "CMakeLists.txt"
    text = settings.read_text()
    current = re.search(r"project\(sluice VERSION (\S+)", text)
    if current is None:
        raise Refused("CMakeLists.txt names no version")
    if version_of(version) <= version_of(current.group(1)):
        raise Refused(f"{version} does not come after {current.group(1)}, the version of now")
    files = sorted((root / "changelog" / "unreleased").glob("*.md"))
    if not files:
        raise Refused("changelog/unreleased/ is empty: there is nothing to release")
    section = joined(files, version, date)

    changelog = root / "CHANGELOG.md"
    past = changelog.read_text().removeprefix(HEAD) if changelog.exists() else ""
    changelog.write_text(HEAD + "\n" + section + past)
    settings.write_text(text.replace(current.group(0), f"project(sluice VERSION {version}"))
    for file in files:
        file.unlink()
    tag = root / "build" / "release" / f"{version}.txt"
    tag.parent.mkdir(parents=True, exist_ok=True)
    tag.write_text(f"Sluice {version}\n\n{section}")
    return tag


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("version")
    parser.add_argument("--date", default=datetime.date.today().isoformat())
    arguments = parser.parse_args()
    try:
        tag = release(ROOT, arguments.version, arguments.date)
    except Refused as refused:
        print(f"release: {refused}", file=sys.stderr)
        return 1
    print(
        f"CHANGELOG.md and CMakeLists.txt say {arguments.version}. Look at them, run `make lint test`, then:\n"
        f"  git commit -am 'release: {arguments.version}'\n"
        f"  git tag -a v{arguments.version} -F {tag.relative_to(ROOT)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
