"""Cuts the text of one UNLOAD statement into words, numbers, literals and signs.

A literal is unescaped here, once: this is level 2 of the two levels of quoting. The SELECT inside the
first literal is level 1 and is unescaped by the database. Backslash is an escape character in ordinary
literals, as in PostgreSQL 8.0, on which Redshift is based, so a SELECT that was quoted only by doubling its
quotes loses its backslashes here, without an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from redshift_sandbox.contracts import SqlError


class Kind(Enum):
    WORD = "word"
    QUOTED = "quoted"  # a name in double quotes; the text is without them
    NUMBER = "number"
    LITERAL = "literal"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True)
class Token:
    kind: Kind
    text: str  # upper case for words, the unescaped value for literals

    def shown(self) -> str:
        """The token as an error may quote it: a literal may be a secret key, so its value is left out."""
        return "'...'" if self.kind is Kind.LITERAL else self.text


_BLANK = re.compile(r"(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)+", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_NUMBER = re.compile(r"\d+(?:\.\d*)?|\.\d+")
_QUOTED = re.compile(r'"((?:[^"]|"")+)"')
_LITERAL = re.compile(r"'((?:[^'\\]|''|\\.)*)'", re.DOTALL)
_ESCAPE = re.compile(r"''|\\([0-7]{1,3}|x[0-9A-Fa-f]{1,2}|.)", re.DOTALL)
_NAMED_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def unescape(body: str) -> str:
    """The value of a literal from the text between its quotes."""
    return _ESCAPE.sub(_unescape_one, body)


def _unescape_one(match: re.Match[str]) -> str:
    escaped: str | None = match.group(1)
    if escaped is None:
        return "'"
    if escaped in _NAMED_ESCAPES:
        return _NAMED_ESCAPES[escaped]
    if escaped[0] == "x" and len(escaped) > 1:
        return chr(int(escaped[1:], 16))
    if escaped[0] in "01234567":
        return chr(int(escaped, 8) & 0xFF)
    return escaped


def tokens(sql: str) -> Iterator[Token]:
    """All tokens of the statement, and then END without end."""
    at = 0
    while True:
        blank = _BLANK.match(sql, at)
        at = blank.end() if blank else at
        if at >= len(sql):
            break
        token, at = _next(sql, at)
        yield token
    while True:
        yield Token(Kind.END, "end of input")


def _next(sql: str, at: int) -> tuple[Token, int]:
    if match := _WORD.match(sql, at):
        return Token(Kind.WORD, match.group().upper()), match.end()
    if match := _NUMBER.match(sql, at):
        return Token(Kind.NUMBER, match.group()), match.end()
    if sql[at] == "'":
        match = _LITERAL.match(sql, at)
        if match is None:
            raise SqlError("42601", "unterminated quoted string at or near \"'...\"")
        return Token(Kind.LITERAL, unescape(match.group(1))), match.end()
    if match := _QUOTED.match(sql, at):
        return Token(Kind.QUOTED, match.group(1).replace('""', '"')), match.end()
    return Token(Kind.SIGN, sql[at]), at + 1


def starts_with_copy_from_s3(sql: str) -> bool:
    """Whether this is `COPY name ... FROM 's3://...'`; every other COPY is none of ours."""
    read = tokens(sql)
    if next(read) != Token(Kind.WORD, "COPY"):
        return False
    for token in read:
        if token.kind is Kind.END:
            return False
        if token == Token(Kind.WORD, "FROM"):
            source = next(read)
            return source.kind is Kind.LITERAL and source.text.lower().startswith("s3:")
    return False


def starts_with_unload(sql: str) -> bool:
    """Whether the first word, after blanks and comments, is UNLOAD."""
    blank = _BLANK.match(sql)
    word = _WORD.match(sql, blank.end() if blank else 0)
    return word is not None and word.group().upper() == "UNLOAD"
