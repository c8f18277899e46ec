"""Turns the private PostgreSQL's errors into Redshift's.

The texts are those of live workgroups or of the documentation. Fields that PostgreSQL 8.0 did not have are left
out, and so are positions, because they would point into the translated statement.
"""

from __future__ import annotations

import re

from redshift_sandbox.contracts import SqlError
from redshift_sandbox.gateway.release_8 import as_known
from redshift_sandbox.gateway.tokens import Kind, meaningful, tokenize

_FIELDS_8_0 = frozenset("SCMDHWFLR")
_REFUSED = re.compile(r"__refused_(\d+)__")
_DENIED = re.compile(r"^permission denied for (?:table|view|materialized view|foreign table|sequence) ")
_MISSING = re.compile(r'^relation "([^"]+)" does not exist$')
_COLUMN = re.compile(r'^column "?([^" ]+)"? does not exist$')


def refused_marker(number: int) -> str:
    """SQL that cannot be parsed: sent instead of a statement that the gateway refuses, so that the backend
    fails where the client expects it, with the right state of transaction and extended protocol."""
    return f"__refused_{number}__"


def refused_number(message: str) -> int | None:
    match = _REFUSED.search(message)
    return int(match.group(1)) if match and message.startswith("syntax error") else None


def as_fields(error: SqlError) -> list[tuple[str, str]]:
    values = [("S", error.severity), ("C", error.sqlstate), ("M", error.message)]
    if error.detail:
        values.append(("D", error.detail))
    if error.hint:
        values.append(("H", error.hint))
    return values


def rewrite(values: list[tuple[str, str]], query_id: int, sql: str) -> list[tuple[str, str]]:
    """The fields of one ErrorResponse as Redshift would send them. `sql` is the statement that failed, for
    texts that name its tables."""
    kept = [(code, value) for code, value in values if code in _FIELDS_8_0]
    by_code = dict(kept)
    sqlstate, text = by_code.get("C", ""), by_code.get("M", "")
    if sqlstate == "57014":
        # The same for cancel and statement_timeout:
        # https://docs.aws.amazon.com/redshift/latest/dg/r_statement_timeout.html
        text = f"Query ({query_id}) canceled on user's request"
    elif sqlstate == "42501":
        text = _DENIED.sub("permission denied for relation ", text)
    elif sqlstate == "428C9":
        # https://docs.aws.amazon.com/redshift/latest/dg/c_Examples_of_INSERT_30.html; the SQLSTATE is assumed.
        text = "cannot set an identity column to a value"
        kept = [(code, "0A000" if code == "C" else value) for code, value in kept if code not in "DH"]
    elif sqlstate == "42703":
        match, relations = _COLUMN.match(text), _relations(sql)
        if match and relations:
            text = f'column "{match.group(1).rpartition(".")[2]}" does not exist in {", ".join(relations)}'
        kept = [(code, value) for code, value in kept if code != "H"]  # later releases guess what was meant
    return [(code, text if code == "M" else value) for code, value in kept]


def as_datashare(values: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The text for a missing relation of a datashare (measured by others on live workgroups)."""
    by_code = dict(values)
    match = _MISSING.match(by_code.get("M", ""))
    if by_code.get("C") != "42P01" or match is None:
        return values
    name = match.group(1).rpartition(".")[2]
    changed = {"C": "XX000", "M": f"Relation {name} does not exist in the database."}
    return [(code, changed.get(code, value)) for code, value in values]


def _relations(sql: str) -> list[str]:
    """The names after FROM, JOIN, UPDATE and INTO, without their schemas."""
    try:
        tokens = meaningful(tokenize(sql))
    except SqlError:
        return []
    found: list[str] = []
    for index, token in enumerate(tokens[:-1]):
        if token.word in ("FROM", "JOIN", "UPDATE", "INTO"):
            end = index + 1
            while end + 2 < len(tokens) and tokens[end + 1].text == ".":
                end += 2
            name = as_known(tokens[end].text.strip('"'))
            if tokens[end].kind in (Kind.WORD, Kind.QUOTED) and name not in found:
                found.append(name)
    return found
