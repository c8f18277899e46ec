"""Tables of the plain types at their limits, of unusual names and of unusual sizes, in schema `types`.

Limits: https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html. CHAR holds single-byte characters
and VARCHAR(n) n bytes there, so the values here keep to that although PostgreSQL counts characters.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from redshift_sandbox.data.dataset import TableName

if TYPE_CHECKING:
    import psycopg

Row = tuple[object, ...]

_NAN, _INF = float("nan"), float("inf")
_LONGEST = 65535  # bytes of the longest VARCHAR

_PLAIN_COLUMNS = """id bigint PRIMARY KEY, a_bool boolean, a_smallint smallint, a_integer integer, a_bigint bigint,
    a_real real, a_double double precision, a_decimal decimal(18,2), a_char char(10), a_varchar varchar(256),
    a_date date, a_timestamp timestamp, a_timestamptz timestamptz"""

_UTC = dt.UTC
_INDIA = dt.timezone(dt.timedelta(hours=5, minutes=30))
_PLAIN_ROWS: list[Row] = [
    (1, True, 1, 1, 1, 1.5, 1.5, Decimal("1.50"), "char", "varchar", dt.date(2024, 2, 29),
     dt.datetime(2024, 2, 29, 12, 34, 56, 789012), dt.datetime(2024, 2, 29, 12, 34, 56, 789012, _UTC)),
    (2, False, -32768, -(2**31), -(2**63), -3.4028234663852886e38, -1.7976931348623157e308,
     Decimal("-9999999999999999.99"), "", "", dt.date(1, 1, 1), dt.datetime(1, 1, 1),
     dt.datetime(1, 1, 1, tzinfo=_UTC)),
    (3, True, 32767, 2**31 - 1, 2**63 - 1, 3.4028234663852886e38, 1.7976931348623157e308,
     Decimal("9999999999999999.99"), "tenletters", "x" * 256, dt.date(9999, 12, 31),
     dt.datetime(9999, 12, 31, 23, 59, 59, 999999), dt.datetime(9999, 12, 31, 23, 59, 59, 999999, _UTC)),
    (4, False, 0, 0, 0, 0.0, -0.0, Decimal("0.00"), " lead", " both ", dt.date(1970, 1, 1),
     dt.datetime(1970, 1, 1), dt.datetime(1970, 1, 1, tzinfo=_UTC)),
    (5, None, None, None, None, None, None, None, None, None, None, None, None),
    (6, True, -1, -1, -1, _NAN, _NAN, Decimal("-0.01"), "it's", "it's \"quoted\"", dt.date(1969, 12, 31),
     dt.datetime(1969, 12, 31, 23, 59, 59, 999999), dt.datetime(1969, 12, 31, 23, 59, 59, 999999, _UTC)),
    (7, True, 7, 7, 7, _INF, _INF, Decimal("7.00"), "back\\slash", "back\\slash\\\\", dt.date(1582, 10, 15),
     dt.datetime(1582, 10, 14, 23, 59, 59, 999999), dt.datetime(1582, 10, 15, tzinfo=_UTC)),
    (8, False, 8, 8, 8, -_INF, -_INF, Decimal("8.00"), "a\nb", "tab\tnew\nline\r\nend", dt.date(2262, 4, 12),
     dt.datetime(2262, 4, 11, 23, 47, 16, 854776), dt.datetime(2262, 4, 12, tzinfo=_UTC)),
    (9, True, 9, 9, 9, 1.1754943508222875e-38, 5e-324, Decimal("9.99"), "$$ -- ;", "'; -- $$ %s {} \\N",
     dt.date(1677, 9, 21), dt.datetime(1677, 9, 21, 0, 12, 43, 145224), dt.datetime(2000, 2, 29, 23, 59, 59, 1, _UTC)),
    (10, False, 10, 10, 10, 0.1, 0.1, Decimal("10.10"), "z", "größe 数 😀 é", dt.date(2000, 1, 1),
     dt.datetime(2000, 1, 1, 0, 0, 0, 1), dt.datetime(2000, 1, 1, tzinfo=_INDIA)),
]  # fmt: skip

_DECIMAL_COLUMNS = """id bigint PRIMARY KEY, d_1_0 decimal(1,0), d_5_5 decimal(5,5), d_9_4 decimal(9,4),
    d_10_0 decimal(10,0), d_18_2 decimal(18,2), d_19_0 decimal(19,0), d_28_10 decimal(28,10), d_38_0 decimal(38,0),
    d_38_37 decimal(38,37)"""
_DECIMAL_SHAPES = ((1, 0), (5, 5), (9, 4), (10, 0), (18, 2), (19, 0), (28, 10), (38, 0), (38, 37))

_TEXTS = [
    "", " ", "plain", "trailing  ", "NULL", "null", "\\N", "'", "''", '"', "\\", "\\\\", "\n", "\r\n", "\t", "a,b|c;d",
    "größe", "日本語", "😀", "e\u0301", "\u00a0", "\ufeffbom", "\u202eright to left", "$$", "--", "/*", "%", "{}",
    "x" * _LONGEST, "é" * (_LONGEST // 2), "\\" * 1000, "'" * 1000,
]  # fmt: skip


def _decimal_rows() -> list[Row]:
    def row(number: int, digits: str, sign: str) -> Row:
        return number, *(Decimal(f"{sign}{(digits * p)[:p]}E-{s}") for p, s in _DECIMAL_SHAPES)

    zero: Row = (4, *(Decimal(0) for _ in _DECIMAL_SHAPES))
    null: Row = (5, *(None for _ in _DECIMAL_SHAPES))
    least: Row = (6, *(Decimal(f"1E-{s}") for _, s in _DECIMAL_SHAPES))
    return [row(1, "9", ""), row(2, "9", "-"), row(3, "1234567890", ""), zero, null, least]


_CREATE = {
    "types_plain": _PLAIN_COLUMNS,
    "types_decimal": _DECIMAL_COLUMNS,
    "types_text": f"id bigint PRIMARY KEY, value varchar({_LONGEST})",
    "types_null": "id bigint PRIMARY KEY, " + ", ".join(
        f"n_{i} {kind}" for i, kind in enumerate((
            "boolean", "smallint", "integer", "bigint", "real", "double precision", "decimal(18,2)", "decimal(38,37)",
            "char(5)", "varchar(20)", "date", "timestamp", "timestamptz"))),
    "odd_names": '"id" bigint PRIMARY KEY, "Mixed Case" integer, "select" varchar(10), "with ""quote""" varchar(10), '
                 '"back\\slash" varchar(10), "größe" varchar(10), "1st" integer, "semi;colon--" integer, '
                 '"it\'s" integer',
    "empty": "id bigint PRIMARY KEY, value varchar(20), amount decimal(10,2), at timestamp",
    "one_row": "id bigint PRIMARY KEY, value varchar(20)",
    "no_grant": "id bigint PRIMARY KEY, value varchar(20)",
}  # fmt: skip

_ROWS: dict[str, list[Row]] = {
    "types_plain": _PLAIN_ROWS,
    "types_decimal": _decimal_rows(),
    "types_text": [(i, text) for i, text in enumerate(_TEXTS, start=1)] + [(len(_TEXTS) + 1, None)],
    "types_null": [(i, *([None] * 13)) for i in range(1, 6)],
    "odd_names": [(1, 1, "a", "b", "c", "d", 2, 3, 4), (2, None, None, None, None, None, None, None, None)],
    "empty": [],
    "one_row": [(1, "alone")],
    "no_grant": [(1, "secret")],
}


class Types:
    """See the module. `no_grant` is the table that no reader may select."""

    @property
    def name(self) -> str:
        return "types"

    @property
    def schema(self) -> str:
        return "types"

    def granted(self) -> list[TableName]:
        return [TableName(self.schema, table) for table in _CREATE if table != "no_grant"]

    def load(self, connection: psycopg.Connection[Any]) -> None:
        with connection.transaction():
            connection.execute("SET LOCAL standard_conforming_strings = on")
            connection.execute("CREATE SCHEMA types")
            for table, columns in _CREATE.items():
                connection.execute(f"CREATE TABLE types.{table} ({columns})".encode())
                with connection.cursor() as cursor, cursor.copy(f"COPY types.{table} FROM STDIN".encode()) as copy:
                    for row in _ROWS[table]:
                        copy.write_row(row)
