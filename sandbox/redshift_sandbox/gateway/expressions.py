"""Expressions that PostgreSQL writes differently: NVL, SYSDATE, TOP n, DATEADD(day, ...), casts."""

from __future__ import annotations

from redshift_sandbox.gateway.tokens import Kind, Token, quote_literal
from redshift_sandbox.gateway.types import rewrite_type

_DATE_PART_FUNCTIONS = frozenset(("DATEADD", "DATEDIFF", "DATE_ADD", "DATE_DIFF"))


def rewrite_expressions(tokens: list[Token], start: int) -> None:
    """Rewrites the meaningful tokens from `start` on, in place."""
    for index in range(start, len(tokens)):
        token = tokens[index]
        if token.kind is Kind.WORD:
            _word(tokens, index)
        elif token.text == ":" and index and tokens[index - 1].text == ":" and index + 1 < len(tokens):
            rewrite_type(tokens, index + 1, declares=False)


def _word(tokens: list[Token], index: int) -> None:
    token, word = tokens[index], tokens[index].word
    qualified = index > 0 and tokens[index - 1].text == "."
    follows = tokens[index + 1].text if index + 1 < len(tokens) else ""
    if word == "NVL" and follows == "(":
        token.text = "COALESCE"
    elif word == "SYSDATE" and follows not in ("(", ".") and not qualified and not _is_alias(tokens, index):
        token.text = "pg_catalog.sysdate()"
    elif word in _DATE_PART_FUNCTIONS and follows == "(" and index + 3 < len(tokens):
        part = tokens[index + 2]
        if part.kind is Kind.WORD and tokens[index + 3].text == ",":
            part.kind, part.text = Kind.STRING, quote_literal(part.text)
        token.text = token.text.replace("_", "")
    elif word == "TOP" and index > 0 and tokens[index - 1].word in ("SELECT", "DISTINCT"):
        _top(tokens, index)
    elif word == "AS" and index > 0 and _inside_cast(tokens, index) and index + 1 < len(tokens):
        rewrite_type(tokens, index + 1, declares=False)


def _is_alias(tokens: list[Token], index: int) -> bool:
    return index > 0 and tokens[index - 1].word == "AS"


def _inside_cast(tokens: list[Token], index: int) -> bool:
    """Whether the AS at `index` belongs to CAST(... AS type)."""
    depth = 0
    for position in range(index - 1, 0, -1):
        text = tokens[position].text
        if text == ")":
            depth += 1
        elif text == "(":
            if depth == 0:
                return tokens[position - 1].word == "CAST"
            depth -= 1
    return False


def _top(tokens: list[Token], index: int) -> None:
    """SELECT TOP n ... becomes SELECT ... LIMIT n: at the end of that select, not of the statement."""
    if index + 1 >= len(tokens) or tokens[index + 1].kind is not Kind.NUMBER:
        return
    number = tokens[index + 1].text
    tokens[index].text = tokens[index + 1].text = ""
    depth = 0
    for position in range(index + 2, len(tokens)):
        token = tokens[position]
        if token.kind is Kind.OTHER and token.text == "(":
            depth += 1
        elif token.kind is Kind.OTHER and ")" in token.text:  # an outer TOP may have written there too
            depth -= 1
        if depth < 0:
            token.text = f" LIMIT {number}{token.text}"
            return
    tokens[-1].text += f" LIMIT {number}"
