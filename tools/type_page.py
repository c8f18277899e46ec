#!/usr/bin/python3
"""Writes docs/TYPES.md from the tables that the program works by.

tools/type_page.py PROGRAM           writes the page
tools/type_page.py PROGRAM --check   exit code 1 if the page is not what would be written
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from generated_page import write_or_check

PAGE = Path(__file__).resolve().parent.parent / "docs" / "TYPES.md"

INTRODUCTION = """\
# Types
What each type of Redshift becomes. Every value arrives as the source has it, or the stream fails and says at which
column: no value is changed in silence. This page is made from the program's own tables by `tools/type_page.py`: do
not edit it.

*Read as* is what stands in the SELECT for a column `c`: Parquet, as UNLOAD writes it, knows fewer types than Redshift.
A lake's types are those of its commit file, which DuckDB reads; *taken as it is* means that a lake in S3 copies the
part, where all of its columns allow that. `n`, `p` and `s` stand for a column's own length, precision and scale.
"""

NAMES = """\
## Names
A name in Redshift has up to 127 bytes. It is kept exactly, its case included.

- **DuckDB file**: any length.
- **PostgreSQL**: 63 bytes. The server would cut a longer one off, and two names with the same beginning would become
  one; so it is refused by name before anything is billed. Give the column another name in a query (`sql: SELECT ...
  AS ...`), the table another stream `name`.
- **Lake**: columns of any length; schemas and tables 250 bytes as a folder's name, in which a byte of a capital letter
  or of a letter beyond ASCII takes three. A longer one is refused by name.

Two columns of a query with one name are told apart by `_2`, `_3` at their ends, within 127 bytes. Names that differ by
case alone are refused where the destination does not tell them apart.
"""


def types_of(program: Path) -> list[dict[str, Any]]:
    """Raises CalledProcessError if the program fails."""
    output = subprocess.run([program, "discover", "--list-types"], capture_output=True, text=True, check=True)
    return list(json.loads(output.stdout)["types"])


def code(text: str | None) -> str:
    return f"`{text}`" if text else "cannot be read"


def row(one: dict[str, Any]) -> str:
    lake = code(one["lake"]) + (", taken as it is" if one["lake_copies"] else "")
    cells = [code(one["redshift"]), code(one["read"]), code(one["duckdb"]), code(one["postgres"]), lake]
    return "| " + " | ".join(cells) + " |"


def details(one: dict[str, Any]) -> list[str]:
    refused = f" {one['refused']}" if one["refused"] else ""
    values = f"{one['values']}." if one["values"] else ""
    return [f"- `{one['redshift']}`: {values}{refused}".replace(":  ", ": ")]


def text_of(program: Path) -> str:
    types = types_of(program)
    lines = [INTRODUCTION, "| Redshift | Read as | DuckDB file | PostgreSQL | Lake |", "|---|---|---|---|---|"]
    lines += [row(one) for one in types]
    lines += ["", "## Values, and what is refused"]
    for one in types:
        lines += details(one)
    return "\n".join([*lines, "", NAMES])


if __name__ == "__main__":
    sys.exit(write_or_check(PAGE, __doc__, text_of))
