"""Splits Redshift SQL into tokens without losing a character: the joined texts are the SQL again.

Inside single quotes a backslash is an escape character, as everywhere in Redshift (measured by others on
live workgroups; PostgreSQL 8.0 before it), so `'a\\'b'` is one literal.
https://docs.aws.amazon.com/redshift/latest/dg/r_names.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto

from redshift_sandbox.contracts import SqlError


class Kind(Enum):
    SPACE = auto()  # blanks and comments
    STRING = auto()
    ESCAPED = auto()  # E'...' and similar ones, which Redshift does not know
    QUOTED = auto()  # a double-quoted name
    WORD = auto()  # a keyword or a bare name
    NUMBER = auto()
    PARAMETER = auto()
    DOLLAR = auto()  # $tag$...$tag$
    SEMICOLON = auto()
    OTHER = auto()  # one character of an operator or a bracket
    BROKEN = auto()  # a literal or comment without its end


@dataclass(slots=True)
class Token:
    kind: Kind
    text: str
    keep: bool = False  # a user's name: its case stays, whatever the session says

    @property
    def word(self) -> str:
        """Upper case of a bare word, else the empty string."""
        return self.text.upper() if self.kind is Kind.WORD else ""


# Quantifiers are possessive, so that a literal without its end takes one pass and not exponential time.
_PATTERN = re.compile(
    r"""
    (?P<SPACE>   \s++ | --[^\n]*+ )
  | (?P<COMMENT> /\* )
  | (?P<ESCAPED> (?: [eE] | [uU]& )'(?:[^'\\]++|\\.|'')*+' )
  | (?P<STRING>  (?: [nNbBxX] )?'(?:[^'\\]++|\\.|'')*+' )
  | (?P<QUOTED>  "(?:[^"]++|"")++" )
  | (?P<DOLLAR>  \$(?P<tag>(?:[A-Za-z_\x80-\U0010ffff][\w]*+)?+)\$ )
  | (?P<PARAMETER> \$\d++ )
  | (?P<NUMBER>  (?:\d++(?:\.\d*+)?+|\.\d++)(?:[eE][+-]?+\d++)?+ )
  | (?P<WORD>    [A-Za-z_\x80-\U0010ffff#][\w$#\x80-\U0010ffff]*+ )
  | (?P<SEMICOLON> ; )
  | (?P<BROKEN>  ['"] )
  | (?P<OTHER>   . )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"/\*|\*/")


def _end_of_comment(sql: str, start: int) -> int:
    """Comments nest. -1 if the end is missing."""
    depth, position = 1, start
    while depth:
        edge = _COMMENT_EDGE.search(sql, position)
        if edge is None:
            return -1
        depth += 1 if edge.group() == "/*" else -1
        position = edge.end()
    return position


def tokenize(sql: str) -> list[Token]:
    """Throws SqlError 42601 for NUL; a literal without its end becomes one BROKEN token to the end."""
    if "\0" in sql:
        raise SqlError("22021", 'invalid byte sequence for encoding "UNICODE": 0x00')
    tokens: list[Token] = []
    position, length = 0, len(sql)
    while position < length:
        match = _PATTERN.match(sql, position)
        assert match is not None  # OTHER takes any character
        name, end = match.lastgroup, match.end()
        if name == "tag" or name == "DOLLAR":
            close = sql.find(match.group(), end)
            end, kind = (close + len(match.group()), Kind.DOLLAR) if close >= 0 else (length, Kind.BROKEN)
        elif name == "COMMENT":
            end, kind = _end_of_comment(sql, end), Kind.SPACE
            if end < 0:
                end, kind = length, Kind.BROKEN
        elif name == "BROKEN":
            end, kind = length, Kind.BROKEN
        else:
            assert name is not None
            kind = Kind[name]
        tokens.append(Token(kind, sql[position:end]))
        position = end
    return tokens


def split_statements(tokens: list[Token]) -> list[list[Token]]:
    """Cuts at semicolons, and leaves out statements that are empty."""
    statements: list[list[Token]] = [[]]
    for token in tokens:
        if token.kind is Kind.SEMICOLON:
            statements.append([])
        else:
            statements[-1].append(token)
    return [one for one in statements if any(token.kind is not Kind.SPACE for token in one)]


def meaningful(tokens: list[Token]) -> list[Token]:
    """The tokens without space and comments. The same objects: changing one changes the statement."""
    return [token for token in tokens if token.kind is not Kind.SPACE]


def text_of(tokens: list[Token]) -> str:
    return "".join(token.text for token in tokens)


def name_of(token: Token, *, keep_case: bool) -> str:
    """The name that a token means: without quotes and in lower case. `keep_case` keeps the case of quoted names."""
    if token.kind is Kind.QUOTED:
        name = token.text[1:-1].replace('""', '"')
        return name if keep_case else fold(name)
    return fold(token.text)


def qualified_name(tokens: list[Token], start: int, *, keep_case: bool) -> tuple[list[str], int]:
    """The parts of `a.b.c` that begins at `start`, and where it ends; no parts if there is no name. `tokens` are
    the meaningful ones."""
    parts: list[str] = []
    position = start
    while position < len(tokens) and tokens[position].kind in (Kind.WORD, Kind.QUOTED):
        parts.append(name_of(tokens[position], keep_case=keep_case))
        position += 1
        if position >= len(tokens) or tokens[position].text != ".":
            break
        position += 1
    return parts, position


def fold(name: str) -> str:
    """Changes only ASCII letters to lower case, as Redshift does with names."""
    return name.translate(_ASCII_LOWER)


def quote_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
