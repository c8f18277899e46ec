"""An alias of the select list, used in a later expression of the list or in WHERE.

Redshift reads such a name as the expression behind it, if no table of the query has a column of that name
(https://docs.aws.amazon.com/redshift/latest/dg/r_SELECT_list.html for the list; in WHERE AWS's own JDBC driver and
sqlalchemy-redshift rely on it). PostgreSQL does not, so the expression is written in place of the name. Done only
for `expression AS alias`, and not in a statement that starts with WITH.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from redshift_sandbox.gateway.tokens import Kind, Token, fold, meaningful
from redshift_sandbox.pg import Postgres

_SOME_COLUMNS = """SELECT DISTINCT a.attname FROM pg_catalog.pg_attribute a
 JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
 WHERE c.relname = ANY(%s) AND a.attname = ANY(%s) AND NOT a.attisdropped"""
_ENDS_LIST = frozenset(("FROM", "WHERE", "INTO"))
_ENDS_FROM = frozenset(("WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "UNION", "INTERSECT", "EXCEPT", "MINUS",
                        "QUALIFY"))  # fmt: skip
# Words before a word that is no column: AS type, AT TIME ZONE, WITH TIME ZONE, DOUBLE PRECISION, CHARACTER VARYING.
_BEFORE_OTHERS = frozenset(("AS", "AT", "TIME", "WITH", "WITHOUT", "DOUBLE", "CHARACTER"))
_TAKE_PARTS = frozenset(("DATEADD", "DATEDIFF", "DATE_ADD", "DATE_DIFF", "DATE_PART", "EXTRACT"))
_ENDS_WHERE = _ENDS_FROM - {"WHERE"}


@dataclass(frozen=True)
class _Select:
    """Positions among the meaningful tokens: [start, end) of each clause."""

    items: list[tuple[int, int]]
    source: tuple[int, int]
    where: tuple[int, int]


class Aliases:
    """Thread-safe. Keeps one administrator's connection for each database, opened when first needed."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._mutex = threading.Lock()
        self._connections: dict[str, psycopg.Connection[Any]] = {}

    def close(self) -> None:
        with self._mutex:
            for connection in self._connections.values():
                connection.close()
            self._connections.clear()

    def expand(self, tokens: list[Token], database: str) -> None:
        """Writes expressions in place of aliases into one statement's tokens."""
        main = meaningful(tokens)
        if main[0].word not in ("SELECT", "INSERT", "CREATE", "UNLOAD"):
            return
        places = {id(token): place for place, token in enumerate(tokens)}
        found: dict[int, list[Token]] = {}

        def written(start: int, end: int) -> list[Token]:
            """Copies of the tokens main[start:end] with what stands between them, after earlier replacements."""
            between = tokens[places[id(main[start])] : places[id(main[end - 1])] + 1]
            return [replace(out) for one in between for out in found.get(id(one), [one])]

        for select in _selects(main):
            self._expand_one(main, select, database, written, found)
        if found:
            tokens[:] = [out for one in tokens for out in found.get(id(one), [one])]

    def _expand_one(
        self, main: list[Token], select: _Select, database: str, written: Callable[[int, int], list[Token]],
        found: dict[int, list[Token]],
    ) -> None:  # fmt: skip
        source = {_name(token) for token in main[slice(*select.source)]}
        known: dict[str, tuple[int, int]] = {}
        uses: list[tuple[int, str]] = []
        for start, end in select.items:
            uses += [(i, n) for i, n in _names_used(main, start, end) if n in known and n not in source]
            if end - start > 2 and main[end - 2].word == "AS" and _name(main[end - 1]):
                known.setdefault(_name(main[end - 1]), (start, end - 2))
        uses += [(i, n) for i, n in _names_used(main, *select.where) if n in known and n not in source]
        if not uses:
            return
        columns = self._columns(database, sorted(source - {""}), sorted({name for _, name in uses}))
        for index, name in uses:
            if name not in columns:
                inner = written(*known[name])
                bare = len(inner) == 1  # NULL in brackets would have a type
                found[id(main[index])] = inner if bare else [Token(Kind.OTHER, "("), *inner, Token(Kind.OTHER, ")")]

    def _columns(self, database: str, relations: list[str], names: list[str]) -> set[str]:
        """Those of `names` that are columns of one of `relations`, in whatever schema."""
        with self._mutex:
            connection = self._connections.get(database)
            if connection is None or connection.closed:
                connection = self._connections[database] = self._postgres.admin(database)
            return {row[0] for row in connection.execute(_SOME_COLUMNS, (relations, names)).fetchall()}


def _name(token: Token) -> str:
    """The folded name of a bare or quoted word, else the empty string."""
    return fold(token.text.strip('"')) if token.kind in (Kind.WORD, Kind.QUOTED) else ""


def _names_used(main: list[Token], start: int, end: int) -> Iterator[tuple[int, str]]:
    """Unqualified names that may be columns; not within a SELECT of their own, and not an alias itself."""
    depth, nested = 0, 0
    for index in range(start, end):
        token = main[index]
        if token.text == "(":
            depth += 1
            if index + 1 < end and main[index + 1].word == "SELECT" and not nested:
                nested = depth
        elif token.text == ")":
            nested = 0 if depth == nested else nested
            depth -= 1
        name = _name(token)
        if not name or nested:
            continue
        if _may_be_column(main, index):
            yield index, name


def _may_be_column(main: list[Token], index: int) -> bool:
    """Not a qualified name, a function, a type as in DATE '2024-01-01' and x::date, or the part of a date."""
    before = main[index - 1]
    after = main[index + 1] if index + 1 < len(main) else Token(Kind.SPACE, "")
    if before.text in (".", ":") or before.word in _BEFORE_OTHERS or after.text in (".", "("):
        return False
    if after.kind is Kind.STRING or (after.word == "FROM" and before.text == "("):
        return False
    return not (before.text == "(" and index > 1 and main[index - 2].word in _TAKE_PARTS)


def _selects(main: list[Token]) -> Iterator[_Select]:
    """Every SELECT, the inner ones after the outer ones."""
    for index, token in enumerate(main):
        if token.word == "SELECT":
            yield _select(main, index + 1)


def _select(main: list[Token], start: int) -> _Select:
    items: list[tuple[int, int]] = []
    first, position = start, start
    for position in _same_depth(main, start):
        word = main[position].word
        if word in _ENDS_LIST or word in _ENDS_WHERE:
            break
        if main[position].text == ",":
            items.append((first, position))
            first = position + 1
    else:
        position = _end(main, start)
    items.append((first, position))
    source = _clause(main, position, "FROM", _ENDS_FROM)
    where = _clause(main, source[1], "WHERE", _ENDS_WHERE)
    return _Select(items, source, where)


def _clause(main: list[Token], position: int, word: str, ends: frozenset[str]) -> tuple[int, int]:
    if position >= len(main) or main[position].word != word:
        return position, position
    for index in _same_depth(main, position + 1):
        if main[index].word in ends:
            return position + 1, index
    return position + 1, _end(main, position + 1)


def _same_depth(main: list[Token], start: int) -> Iterator[int]:
    """Positions of the tokens at the depth of brackets at which `start` is, up to the bracket that closes it."""
    depth = 0
    for index in range(start, len(main)):
        text = main[index].text
        if text == ")":
            if depth == 0:
                return
            depth -= 1
        elif text == "(":
            depth += 1
        elif depth == 0:
            yield index


def _end(main: list[Token], start: int) -> int:
    """The position of the bracket that closes the depth of `start`, or the end."""
    depth = 0
    for index in range(start, len(main)):
        text = main[index].text
        if text == ")":
            if depth == 0:
                return index
            depth -= 1
        elif text == "(":
            depth += 1
    return len(main)
