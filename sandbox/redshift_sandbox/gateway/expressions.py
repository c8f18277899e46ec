"""Expressions that PostgreSQL writes differently: NVL, SYSDATE, TOP n, DATEADD(day, ...), casts."""

from __future__ import annotations

from redshift_sandbox.gateway.tokens import Kind, Token, quote_literal
from redshift_sandbox.gateway.types import rewrite_type

_DATE_PART_FUNCTIONS = frozenset(("DATEADD", "DATEDIFF", "DATE_ADD", "DATE_DIFF", "DATE_PART"))


# What may stand behind a complete condition or a table.
_AFTER = frozenset(("", "AND", "OR", "WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "OFFSET", "UNION", "INTERSECT",
                    "EXCEPT", "MINUS", "ON", "USING", "JOIN", "LEFT", "RIGHT", "FULL", "INNER", "CROSS",
                    "NATURAL"))  # fmt: skip


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
    if word in ("NVL", "ISNULL") and follows == "(":
        token.text = "COALESCE"
    elif word == "SYSDATE" and follows not in ("(", ".") and not qualified and not _is_alias(tokens, index):
        token.text = "pg_catalog.sysdate()"
    elif word in _DATE_PART_FUNCTIONS and follows == "(" and index + 3 < len(tokens):
        part = tokens[index + 2]
        if part.kind is Kind.WORD and tokens[index + 3].text == ",":
            part.kind, part.text = Kind.STRING, quote_literal(part.text)
        if word != "DATE_PART":
            token.text = token.text.replace("_", "")
    elif word == "WHERE" and index + 1 < len(tokens) and tokens[index + 1].kind is Kind.NUMBER:
        _condition(tokens, index + 1)
    elif word == "PG_GET_LATE_BINDING_VIEW_COLS" and follows == "(":
        _late_view_columns(tokens, index)
    elif word in ("FROM", "JOIN") and follows == "(":
        _unnamed(tokens, index + 1)
    elif word == "TOP" and index > 0 and tokens[index - 1].word in ("SELECT", "DISTINCT"):
        _top(tokens, index)
    elif word == "AS" and index > 0 and _inside_cast(tokens, index) and index + 1 < len(tokens):
        rewrite_type(tokens, index + 1, declares=False)


def _condition(tokens: list[Token], index: int) -> None:
    """WHERE 1 AND ...: a number alone is a condition, as sqlalchemy-redshift writes it."""
    if _may_follow(tokens, index + 1):
        tokens[index].text = "true" if float(tokens[index].text) else "false"


def _unnamed(tokens: list[Token], index: int) -> None:
    """FROM (SELECT ...) needs no alias, as AWS's JDBC driver writes it."""
    if index + 1 >= len(tokens) or tokens[index + 1].word not in ("SELECT", "WITH", ""):
        return
    depth = 0
    for position in range(index, len(tokens)):
        text = tokens[position].text
        depth += (text == "(") - (text == ")")
        if depth == 0:
            has_query = any(token.word == "SELECT" for token in tokens[index:position])
            if has_query and _may_follow(tokens, position + 1):
                tokens[position].text = f") AS pg_sandbox_unnamed_{index}"
            return


_LATE_VIEW_TYPES = ("varchar", "varchar", "varchar", "varchar", "integer")


def _late_view_columns(tokens: list[Token], index: int) -> None:
    """The caller declares the result, `cols(view_schema name, ..., col_type text, ...)`: with the types of the
    sandbox's function, because the backend takes no others."""
    start = next((i for i in range(index + 3, min(index + 7, len(tokens))) if tokens[i].text == "("), len(tokens))
    column, depth, first = 0, 0, True
    for token in tokens[start + 1 :]:
        if token.text == ")" and depth == 0:
            return
        depth += (token.text == "(") - (token.text == ")")
        if token.text == "," and depth == 0:
            column, first = column + 1, True
        elif first:
            first = False
            token.text += f" {_LATE_VIEW_TYPES[min(column, 4)]}"
        else:
            token.text = ""


def _may_follow(tokens: list[Token], index: int) -> bool:
    """Whether what comes before `index` is complete, without a name behind it."""
    if index >= len(tokens):
        return True
    token = tokens[index]
    return token.word in _AFTER if token.kind is Kind.WORD else token.text in (")", ",")


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
