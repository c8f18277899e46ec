"""What the tools share that write a page of docs/ from one of the program's own tables."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path


def write_or_check(page: Path, description: str, text_of: Callable[[Path], str]) -> int:
    """Writes `page`, or with --check says whether it is what would be written; the exit code."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    text = text_of(arguments.program)
    if not arguments.check:
        page.write_text(text)
        return 0
    if page.exists() and page.read_text() == text:
        return 0
    print(f"{page.name} is stale: run tools/{Path(sys.argv[0]).name} {arguments.program}")
    return 1
