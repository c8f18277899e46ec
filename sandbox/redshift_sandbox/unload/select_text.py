"""Checks the text of the inner SELECT: it must be one query, and its outer level must have no LIMIT."""

from __future__ import annotations

import re
from collections.abc import Iterator

from redshift_sandbox.contracts import SqlError

# Parts in which words and brackets do not count: literals, quoted names, comments.
_PIECES = re.compile(
    r"(?P<skip>'(?:[^'\\]|''|\\.)*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/)"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_$]*)|(?P<sign>[();])",
    re.DOTALL,
)


def _words_by_depth(select: str) -> Iterator[tuple[int, str]]:
    """Each word (in upper case) and bracket, with the number of brackets around it."""
    depth = 0
    for match in _PIECES.finditer(select):
        if match.lastgroup == "skip":
            continue
        text = match.group()
        if text == ")":
            depth -= 1
        yield depth, text.upper()
        if text == "(":
            depth += 1


def _outer_depth(pieces: list[tuple[int, str]]) -> int:
    """How many brackets enclose the whole query, as in `(SELECT ...)`."""
    depth = 0
    while depth < len(pieces) and pieces[depth][1] == "(":
        closing = [i for i, piece in enumerate(pieces) if piece == (depth, ")")]
        if not closing or closing[0] != len(pieces) - 1 - depth:
            break
        depth += 1
    return depth


def check_select(select: str) -> None:
    """Raises SqlError if this is not a query, or more than one, or has a LIMIT at its outer level.

    https://docs.aws.amazon.com/redshift/latest/dg/r_UNLOAD.html: "The SELECT query can't use a LIMIT
    clause in the outer SELECT"; a nested one is fine.
    """
    if "\0" in select:
        raise SqlError("22021", "invalid byte sequence for encoding \"UNICODE\": 0x00")
    pieces = list(_words_by_depth(select))
    outer = _outer_depth(pieces)
    words = [text for depth, text in pieces if depth == outer]
    if ";" in (text for _, text in pieces):
        raise SqlError("42601", 'syntax error at or near ";"')
    if not words or words[0] not in ("SELECT", "WITH", "("):
        raise SqlError("42601", "UNLOAD requires a SELECT statement")
    if "LIMIT" in words:
        raise SqlError("42601", "Limit clause is not supported")


_NAME = r'(?:"(?:[^"]|"")+"|[A-Za-z_][A-Za-z0-9_$]*)'
_READ_FROM = re.compile(rf"(?:FROM|JOIN)\s+(?:{_NAME}\s*\.\s*)*({_NAME})", re.IGNORECASE)


def relations(select: str) -> tuple[str, ...]:
    """The names after FROM and JOIN, without their schemas, for the texts of errors."""
    found: dict[str, None] = {}
    for match in _READ_FROM.finditer(select):
        found[match.group(1).strip('"').replace('""', '"')] = None
    return tuple(found)
