"""The manifest, byte for byte as AWS shows it.

https://docs.aws.amazon.com/redshift/latest/dg/r_UNLOAD_command_examples.html

The page prints `{"base":"character varying", 25}`, which is not JSON; real files carry "max_length"
(measured by others).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    url: str  # "s3://bucket/key", nothing percent-encoded
    rows: int
    size_bytes: int


def render(entries: Sequence[Entry], schema: Sequence[tuple[str, dict[str, Any]]], *, verbose: bool) -> bytes:
    """The manifest's bytes; the one without VERBOSE has only the addresses."""
    if not verbose:
        return _json({"entries": [{"url": entry.url} for entry in entries]})
    return _json(
        {
            "entries": [{"url": entry.url, "meta": _meta(entry.size_bytes, entry.rows)} for entry in entries],
            "schema": {"elements": [{"name": name, "type": dict(kind)} for name, kind in schema]},
            "meta": _meta(sum(entry.size_bytes for entry in entries), sum(entry.rows for entry in entries)),
            "author": {"name": "Amazon Redshift", "version": "1.0.0"},
        }
    )


def _meta(size_bytes: int, rows: int) -> dict[str, int]:
    return {"content_length": size_bytes, "record_count": rows}


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
