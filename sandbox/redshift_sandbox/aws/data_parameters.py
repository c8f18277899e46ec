"""Named parameters of the Data API, `:name` outside of literals, become numbered ones of the protocol.

https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-calling.html#data-api-calling-considerations
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from redshift_sandbox.contracts import AwsError

_PIECES = re.compile(
    r"(?P<skip>'(?:[^'\\]|''|\\.)*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|::)|:(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<end>;)",
    re.DOTALL,
)


def numbered(sql: str, parameters: Sequence[Mapping[str, str]]) -> tuple[str, list[str]]:
    """The statement with $1, $2, ... and their values. REQUIRES: check_parameters."""
    by_name = {one["name"]: one["value"] for one in parameters}
    order: list[str] = []

    def number(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None or name not in by_name:
            return match.group()
        if name not in order:
            order.append(name)
        return f"${order.index(name) + 1}"

    return _PIECES.sub(number, sql), [by_name[name] for name in order]


def check_parameters(statements: Sequence[str], parameters: Sequence[Mapping[str, str]]) -> None:
    """Raises AwsError ValidationException for a parameter without a value, and for a value without a parameter."""
    used = {match["name"] for sql in statements for match in _PIECES.finditer(sql) if match["name"]}
    given = {one["name"] for one in parameters}
    if len(given) != len(parameters):
        raise AwsError("ValidationException", "Parameters have the same name twice.")
    if given - used:
        unused = f"Parameters list contains unused parameters. Unused parameters: {sorted(given - used)}"
        raise AwsError("ValidationException", unused)
    if given and used - given:
        raise AwsError("ValidationException", f"Parameters list is missing parameters: {sorted(used - given)}")


def is_several(sql: str) -> bool:
    """Whether something follows a semicolon."""
    return any(match["end"] and sql[match.end() :].strip(" \t\r\n;") for match in _PIECES.finditer(sql))
