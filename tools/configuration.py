#!/usr/bin/python3
"""Writes docs/CONFIGURATION.md from the program's own table of fields.

tools/configuration.py PROGRAM           writes the page
tools/configuration.py PROGRAM --check   exit code 1 if the page is not what would be written
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from generated_page import write_or_check

PAGE = Path(__file__).resolve().parent.parent / "docs" / "CONFIGURATION.md"
Schema = dict[str, Any]

INTRODUCTION = """\
# Configuration
Every field of `sluice.yaml`. This page is made from the program's table of fields by `tools/configuration.py`: do not
edit it. `sluice config schema` prints the same as JSON Schema, for editors; `sluice config validate` tells all mistakes
at once, with line and fix, and contacts nobody.

In every text may stand `${NAME}` (a variable of the environment), `${NAME:-default}` and `${file:PATH}` (the contents
of a file). Durations are a number and `s`, `m`, `h` or `d`. A relative path is taken from the configuration's folder.
Fields marked **required** must be there; all others may be left out.
"""


def page(schema: Schema) -> str:
    return "\n".join([INTRODUCTION, *sections("", "The file", schema)])


def sections(path: str, description: str, schema: Schema) -> Iterator[str]:
    """The section of a group, then those of the groups in it."""
    yield f"## {path or 'At the top'}"
    if path:
        yield f"{description}\n"
    yield "| Field | Takes | Default | What it is |\n|---|---|---|---|"
    inner: list[tuple[str, str, Schema]] = []
    # At the top an included file may have them instead.
    required = schema.get("required", schema.get("anyOf", [{}])[-1].get("required", []))
    for name, field in schema["properties"].items():
        yield row(name, field, name in required)
        inner += [(f"{path}.{name}" if path else name, field["description"], group) for group in groups(field)]
    yield ""
    for where, told, group in inner:
        yield from sections(where, told, group)


def row(name: str, field: Schema, required: bool) -> str:
    told = field["description"]
    example = field.get("examples", [None])[0]
    if example is not None and example != str(field.get("default")):
        told += f" For example `{example}`."
    default = f"`{json.dumps(field['default']).strip(chr(34))}`" if "default" in field else ""
    mark = " **required**" if required else ""
    return f"| `{name}`{mark} | {takes(field)} | {default} | {told.replace('|', chr(92) + '|')} |"


def groups(field: Schema) -> Iterator[Schema]:
    for one in (field, field.get("items", {}), *field.get("anyOf", [])):
        if "properties" in one:
            yield one


def takes(field: Schema) -> str:
    if "anyOf" in field:
        kinds = list(dict.fromkeys(takes(one) for one in field["anyOf"]))
        return "text, or a list of texts" if kinds == ["text", "a list"] else " or ".join(kinds)
    if "enum" in field:
        words = [word for word in field["enum"] if isinstance(word, str)]
        return ", ".join(f"`{word}`" for word in words)
    kind = field.get("type")
    if kind == "object":
        return "a group" if "properties" in field else "names with texts"
    if kind == "array":
        return "a list"
    if kind == ["integer", "string"]:
        return f"{field['minimum']} to {field['maximum']}"
    pattern = field.get("pattern", "")
    if "[0-9]+[smhd]" in pattern:
        words = pattern.removeprefix("^(").split("[0-9]+[smhd]")[0].strip("|").split("|")
        return ", ".join([*(f"`{word}`" for word in sorted(filter(None, words))), "a duration"])
    return "text"


def text_of(program: Path) -> str:
    output = subprocess.run([program, "config", "schema"], capture_output=True, text=True, check=True)
    return page(json.loads(output.stdout))


if __name__ == "__main__":
    sys.exit(write_or_check(PAGE, __doc__, text_of))
