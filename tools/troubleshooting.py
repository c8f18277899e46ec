#!/usr/bin/python3
"""Writes docs/TROUBLESHOOTING.md from the program's own table of findings.

tools/troubleshooting.py PROGRAM           writes the page
tools/troubleshooting.py PROGRAM --check   exit code 1 if the page is not what would be written
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from generated_page import write_or_check

PAGE = Path(__file__).resolve().parent.parent / "docs" / "TROUBLESHOOTING.md"

INTRODUCTION = """\
# Troubleshooting
What `sluice check` can find, in the order in which it looks, and how to fix it. The program prints the same with
names filled in; `<names>` stand for them here. This page is made from the program's table by
`tools/troubleshooting.py`: do not edit it.

A *failure* stops a sync, or would bring something else than was meant; a *warning* does not; an *advice* makes a good
set-up better. Begin with the first failure: later ones often follow from it. `<step>.failed` is a failure that has no
entry of its own: its text says what was seen, and what to do. `<step>.skipped` was not looked at, because an earlier
step failed.
"""


def text_of(program: Path) -> str:
    """The page. Raises CalledProcessError if the program fails."""
    output = subprocess.run([program, "check", "--list-findings"], capture_output=True, text=True, check=True)
    table = json.loads(output.stdout)
    return "\n".join([INTRODUCTION, contents(table), *(section(step, table) for step in table["steps"])])


def kinds(step: dict[str, Any], table: dict[str, Any]) -> list[dict[str, Any]]:
    return [f for f in table["findings"] if f["step"] == step["name"] and f["severity"] != "ok"]


def contents(table: dict[str, Any]) -> str:
    rows = ["| Finding | What it is |", "|---|---|"]
    for step in table["steps"]:
        rows += [f"| [`{f['id']}`](#{anchor(f)}) | {f['title']} |" for f in kinds(step, table)]
    return "\n".join([*rows, ""])


def anchor(finding: dict[str, Any]) -> str:
    return str(finding["id"]).replace(".", "")


def section(step: dict[str, Any], table: dict[str, Any]) -> str:
    lines = [f"## {step['title']}", step["why"], ""]
    for finding in kinds(step, table):
        lines += [
            f"### {finding['id']}",
            f"**{finding['title']}** ({finding['severity']}). {prose(finding['why'])}",
            "",
        ]
        lines += ["```text", finding["remedy"], "```", ""]
    return "\n".join(lines)


def prose(text: str) -> str:
    """`<names>` outside of code would be taken for HTML."""
    return text.replace("<", "\\<")


if __name__ == "__main__":
    sys.exit(write_or_check(PAGE, __doc__, text_of))
