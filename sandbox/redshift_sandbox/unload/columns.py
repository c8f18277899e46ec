"""What becomes of each column of the SELECT: PostgreSQL type -> how it is read -> Arrow type -> manifest entry.

Types of the files: https://docs.aws.amazon.com/redshift/latest/dg/r_UNLOAD.html, and measurements by others on
live workgroups.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from redshift_sandbox.contracts import SqlError

MAX_PRECISION = 38
UNBOUND_VARCHAR = 65535  # an expression without a declared length may be as long as Redshift's longest VARCHAR


@dataclass(frozen=True)
class Described:
    """One result column as PostgreSQL describes it."""

    name: str
    oid: int
    typmod: int


@dataclass(frozen=True)
class Column:
    """One column of the files."""

    name: str
    arrow: pa.DataType
    manifest_type: dict[str, Any]
    as_text: bool  # ask PostgreSQL for ::text, which is 3 times faster than the driver's own conversion

    def field(self) -> pa.Field:
        return pa.field(self.name, self.arrow, nullable=True)

    def converted(self, values: pa.Array) -> pa.Array:
        """Values as read -> values as written. Raises SqlError 22003 if a number does not fit."""
        if isinstance(values, pa.ExtensionArray):
            values = values.storage
        if values.type == self.arrow:
            return values
        if isinstance(self.arrow, pa.BaseExtensionType):
            return pa.ExtensionArray.from_storage(self.arrow, values)
        try:
            return pc.cast(values, self.arrow)
        except pa.ArrowInvalid:
            raise SqlError("22003", f'numeric value of column "{self.name}" does not fit {self.arrow}') from None


_REFUSED_IN_PARQUET = {
    17: "varbyte",
    1083: "time without time zone",
    1266: "time with time zone",
    6551: "varbyte",
    3000: "geometry",
    3001: "geography",
    2935: "hllsketch",
    # That Parquet takes no intervals is assumed: how they would be written is not documented.
    1186: "interval",
    1188: "interval year to month",
    1190: "interval day to second",
}
VARBYTES = frozenset((17, 6551))


def _plain(arrow: pa.DataType, base: str) -> Callable[[Described, int | None], Column]:
    return lambda d, _: Column(d.name, arrow, {"base": base}, as_text=False)


def _character(base: str) -> Callable[[Described, int | None], Column]:
    def make(d: Described, _: int | None) -> Column:
        length = d.typmod - 4 if d.typmod >= 4 else (1 if d.oid == 1042 else UNBOUND_VARCHAR)
        # ::text would remove the padding of CHAR, which Redshift writes.
        return Column(d.name, pa.string(), {"base": base, "max_length": length}, as_text=d.oid == 19)

    return make


def _super(d: Described, _: int | None) -> Column:
    """JSON text, marked by an annotation (https://docs.aws.amazon.com/redshift/latest/dg/unload-super-parquet.html)."""
    return Column(d.name, pa.json_(pa.string()), {"base": "super"}, as_text=True)


def _numeric(d: Described, scale_seen: int | None) -> Column:
    if d.typmod >= 4:
        precision, scale = ((d.typmod - 4) >> 16) & 0xFFFF, (d.typmod - 4) & 0xFFFF
    else:
        # sum() and avg() of decimals are NUMERIC(38, s) on Redshift; PostgreSQL leaves s open: the values decide.
        precision, scale = MAX_PRECISION, scale_seen or 0
    if precision > MAX_PRECISION or scale > MAX_PRECISION:
        raise SqlError("22023", f'column "{d.name}": DECIMAL precision {precision} must be between 1 and 38')
    # The names of these keys are assumed; readers should ignore keys that they do not know.
    base = {"base": "numeric", "precision": precision, "scale": scale}
    return Column(d.name, pa.decimal128(precision, scale), base, as_text=True)


_TYPES: dict[int, Callable[[Described, int | None], Column]] = {
    16: _plain(pa.bool_(), "boolean"),
    20: _plain(pa.int64(), "bigint"),
    21: _plain(pa.int16(), "smallint"),
    23: _plain(pa.int32(), "integer"),
    700: _plain(pa.float32(), "real"),
    701: _plain(pa.float64(), "double precision"),
    1082: _plain(pa.date32(), "date"),
    1114: _plain(pa.timestamp("us"), "timestamp without time zone"),
    1184: _plain(pa.timestamp("us"), "timestamp with time zone"),  # INT96 holds the UTC clock, no zone
    19: _character("character varying"),
    25: _character("character varying"),
    1042: _character("character"),
    1043: _character("character varying"),
    1700: _numeric,
    3802: _super,
}


def is_open_numeric(d: Described) -> bool:
    """NUMERIC whose scale is taken from the values."""
    return d.oid == 1700 and d.typmod < 4


def parquet_columns(described: Sequence[Described], scales: dict[int, int]) -> list[Column]:
    """The columns of the files; `scales` gives the scale of open numerics by position. Raises SqlError for a type
    that Parquet cannot hold, with Redshift's text."""
    columns = []
    for position, d in enumerate(described):
        if d.oid in _REFUSED_IN_PARQUET:
            kind = _REFUSED_IN_PARQUET[d.oid]
            raise SqlError("0A000", f'UNLOAD {kind} column "{d.name}" is only supported for TEXT/CSV.')
        make = _TYPES.get(d.oid)
        if make is None:
            raise SqlError("0A000", f'UNLOAD column "{d.name}" has a type that UNLOAD does not support')
        columns.append(make(d, scales.get(position)))
    return columns


def manifest_types(described: Sequence[Described]) -> list[dict[str, Any]]:
    """Manifest types of a text format, where every type is allowed."""
    types = []
    for d in described:
        make = _TYPES.get(d.oid)
        base = {"base": _REFUSED_IN_PARQUET.get(d.oid, "character varying")}
        types.append(make(d, None).manifest_type if make else base)
    return types
