"""PARTITION BY of UNLOAD: one folder for each combination of values, named as Hive names them.

https://docs.aws.amazon.com/redshift/latest/dg/r_UNLOAD.html. That characters with a meaning in paths are escaped as
Hive escapes them, and that the folder follows the prefix without a slash of its own, is assumed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from redshift_sandbox.contracts import SqlError
from redshift_sandbox.unload.columns import Described
from redshift_sandbox.unload.statement import UnloadStatement

_DEFAULT = "__HIVE_DEFAULT_PARTITION__"
_ESCAPED = frozenset("\"#%'*/:=?\\{[]^")
_REFUSED = {17: "varbyte", 3802: "super", 1083: "time", 1266: "timetz"}


def partition_places(statement: UnloadStatement, described: Sequence[Described]) -> list[int]:
    """Where the keys stand in the select list. Raises SqlError."""
    names = [one.name for one in described]
    places = []
    for key in statement.partition_by:
        if key not in names:
            raise SqlError("42703", f'column "{key}" of PARTITION BY is not in the select list')
        place = names.index(key)
        if described[place].oid in _REFUSED:
            kind = _REFUSED[described[place].oid]
            raise SqlError("0A000", f'UNLOAD PARTITION BY column "{key}" cannot be of type {kind}')
        places.append(place)
    if len(set(places)) == len(names) and not statement.include_keys:
        # "at least one nonpartition column in the query to be part of the file"
        raise SqlError("42601", "UNLOAD with PARTITION BY requires at least one column that is no partition column")
    return places


def kept_places(statement: UnloadStatement, places: Sequence[int], width: int) -> list[int]:
    """The columns that the files hold."""
    return [i for i in range(width) if statement.include_keys or i not in places]


def folder_of(keys: Sequence[str], values: Sequence[Any]) -> str:
    return "".join(f"{_escape(key)}={_shown(value)}/" for key, value in zip(keys, values, strict=True))


def table_groups(table: pa.Table, places: Sequence[int]) -> Iterator[tuple[tuple[Any, ...], pa.Table]]:
    """The rows of each combination of values, in the order in which it is first seen. `places` are columns."""
    rows: dict[tuple[Any, ...], list[int]] = {}
    for number, values in enumerate(zip(*(table.column(i).to_pylist() for i in places), strict=True)):
        rows.setdefault(values, []).append(number)
    for values, numbers in rows.items():
        yield values, table.take(pa.array(numbers, pa.int64()))


def row_groups(
    rows: Iterator[tuple[str | None, ...]], places: Sequence[int], kept: Sequence[int]
) -> dict[tuple[str | None, ...], list[tuple[str | None, ...]]]:
    """The same for rows of text, without the columns that the files leave out."""
    groups: dict[tuple[str | None, ...], list[tuple[str | None, ...]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[i] for i in places), []).append(tuple(row[i] for i in kept))
    return groups


def _shown(value: Any) -> str:
    if value is None or value == "":
        return _DEFAULT
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dt.datetime):
        return _escape(value.isoformat(" "))
    return _escape(str(value))


def _escape(text: str) -> str:
    return "".join(f"%{ord(c):02X}" if c in _ESCAPED or ord(c) < 32 or c == "\x7f" else c for c in text)
