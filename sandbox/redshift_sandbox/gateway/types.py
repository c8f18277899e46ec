"""Redshift's column types: spellings, OIDs in the protocol, and the types of the private PostgreSQL that hold them.

https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html; OIDs measured by others. Types that
PostgreSQL lacks are made in pg/compat/15_types.sql.
"""

from __future__ import annotations

from dataclasses import dataclass

from redshift_sandbox.contracts import SqlError
from redshift_sandbox.gateway.tokens import Token


@dataclass(frozen=True)
class RedshiftType:
    name: str  # as svv_all_columns spells it
    oid: int
    backend: str
    default_modifier: str = ""  # what a declaration without parentheses means


TYPES = {
    one.name: one
    for one in (
        RedshiftType("boolean", 16, "boolean"),
        RedshiftType("smallint", 21, "smallint"),
        RedshiftType("integer", 23, "integer"),
        RedshiftType("bigint", 20, "bigint"),
        RedshiftType("real", 700, "real"),
        RedshiftType("double precision", 701, "double precision"),
        RedshiftType("numeric", 1700, "numeric", "(18,0)"),
        RedshiftType("character", 1042, "character", "(1)"),
        RedshiftType("character varying", 1043, "character varying", "(256)"),
        RedshiftType("date", 1082, "date"),
        RedshiftType("timestamp without time zone", 1114, "timestamp"),
        RedshiftType("timestamp with time zone", 1184, "timestamptz"),
        RedshiftType("time without time zone", 1083, "time"),
        RedshiftType("time with time zone", 1266, "timetz"),
        RedshiftType("super", 4000, "super"),
        RedshiftType("binary varying", 6551, "varbyte"),
        RedshiftType("geometry", 3000, "geometry"),
        RedshiftType("geography", 3001, "geography"),
        RedshiftType("hllsketch", 2935, "hllsketch"),
        RedshiftType("interval year to month", 1188, "intervaly2m"),
        RedshiftType("interval day to second", 1190, "intervald2s"),
    )
}

# Longest spelling first, so that CHARACTER VARYING is not read as CHARACTER.
_SPELLINGS: dict[tuple[str, ...], str] = {
    ("INTERVAL", "YEAR", "TO", "MONTH"): "interval year to month",
    ("INTERVAL", "DAY", "TO", "SECOND"): "interval day to second",
    ("TIMESTAMP", "WITHOUT", "TIME", "ZONE"): "timestamp without time zone",
    ("TIMESTAMP", "WITH", "TIME", "ZONE"): "timestamp with time zone",
    ("TIME", "WITHOUT", "TIME", "ZONE"): "time without time zone",
    ("TIME", "WITH", "TIME", "ZONE"): "time with time zone",
    ("CHARACTER", "VARYING"): "character varying",
    ("BINARY", "VARYING"): "binary varying",
    ("DOUBLE", "PRECISION"): "double precision",
    ("BOOLEAN",): "boolean", ("BOOL",): "boolean",
    ("SMALLINT",): "smallint", ("INT2",): "smallint",
    ("INTEGER",): "integer", ("INT",): "integer", ("INT4",): "integer",
    ("BIGINT",): "bigint", ("INT8",): "bigint",
    ("REAL",): "real", ("FLOAT4",): "real",
    ("FLOAT8",): "double precision", ("FLOAT",): "double precision",
    ("NUMERIC",): "numeric", ("DECIMAL",): "numeric", ("DEC",): "numeric",
    ("CHARACTER",): "character", ("CHAR",): "character", ("NCHAR",): "character",
    ("VARCHAR",): "character varying", ("NVARCHAR",): "character varying", ("TEXT",): "character varying",
    ("DATE",): "date",
    ("TIMESTAMP",): "timestamp without time zone", ("TIMESTAMPTZ",): "timestamp with time zone",
    ("TIME",): "time without time zone", ("TIMETZ",): "time with time zone",
    ("SUPER",): "super", ("VARBYTE",): "binary varying", ("VARBINARY",): "binary varying",
    ("GEOMETRY",): "geometry", ("GEOGRAPHY",): "geography", ("HLLSKETCH",): "hllsketch",
    ("INTERVALY2M",): "interval year to month", ("INTERVALD2S",): "interval day to second",
}  # fmt: skip
# BPCHAR without a length is CHAR(256), https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html
_BPCHAR = RedshiftType("character", 1042, "character", "(256)")


def read_type(tokens: list[Token], position: int) -> tuple[RedshiftType, int] | None:
    """The type spelled from `position` on among meaningful tokens, and how many tokens its name takes."""
    words = tuple(token.word for token in tokens[position : position + 4])
    if words[:1] == ("BPCHAR",):
        return _BPCHAR, 1
    for size in (4, 2, 1):
        name = _SPELLINGS.get(words[:size])
        if name is not None and len(words) >= size:
            return TYPES[name], size
    return None


def rewrite_type(tokens: list[Token], position: int, *, declares: bool) -> int:
    """Writes the backend's type over the one at `position`; returns the position after it.

    In a declaration every default length applies; in a cast only NUMERIC's, because a cast to VARCHAR
    without a length keeps the whole value in both databases. Throws SqlError 22023 for a length or precision
    beyond Redshift's limits.
    """
    found = read_type(tokens, position)
    if found is None:
        return position
    kind, size = found
    after = position + size
    bracket = after < len(tokens) and tokens[after].text == "("
    text = kind.backend
    if not declares and kind.name == "character varying" and tokens[position].word == "TEXT":
        text = "text"
    elif not bracket and kind.default_modifier and (declares or kind.name == "numeric"):
        text += kind.default_modifier
    if bracket:
        _check_limits(kind, tokens, after)
    if bracket and after + 1 < len(tokens) and tokens[after + 1].word == "MAX" and kind.name == "character varying":
        tokens[after + 1].text = "65535"
    tokens[position].text = text
    for token in tokens[position + 1 : after]:
        token.text = ""
    return after


# The greatest length, by type: https://docs.aws.amazon.com/redshift/latest/dg/r_Character_types.html and
# r_VARBYTE_type.html.
_LENGTH_MAX = {"character": 4096, "character varying": 65535, "binary varying": 16777216}
_PRECISION_MAX = 38  # https://docs.aws.amazon.com/redshift/latest/dg/r_Numeric_types201.html
_NOT_KEPT = frozenset(("binary varying", "interval day to second"))  # types of the sandbox, which take no length


def _check_limits(kind: RedshiftType, tokens: list[Token], bracket: int) -> None:
    """The texts are those of PostgreSQL 8.0 with Redshift's limits (assumed)."""
    end = next((i for i in range(bracket, len(tokens)) if tokens[i].text == ")"), len(tokens))
    numbers = [int(token.text) for token in tokens[bracket:end] if token.text.isdecimal()]
    longest = _LENGTH_MAX.get(kind.name)
    if longest is not None and numbers and not 1 <= numbers[0] <= longest:
        what = "at least 1" if numbers[0] < 1 else f"exceed {longest}"
        verb = "must be" if numbers[0] < 1 else "cannot"
        raise SqlError("22023", f"length for type {kind.name} {verb} {what}")
    if kind.name == "numeric" and numbers:
        if not 1 <= numbers[0] <= _PRECISION_MAX:
            raise SqlError("22023", f"DECIMAL precision {numbers[0]} must be between 1 and {_PRECISION_MAX}")
        if len(numbers) > 1 and numbers[1] > min(numbers[0], _PRECISION_MAX - 1):
            raise SqlError("22023", f"DECIMAL scale {numbers[1]} must be between 0 and precision {numbers[0]}")
    if kind.name in _NOT_KEPT:
        for token in tokens[bracket : end + 1]:
            token.text = ""


def check_number(token: Token) -> None:
    """Throws SqlError 22003 for a decimal literal with more digits than the widest DECIMAL (the text is assumed)."""
    digits = token.text.replace(".", "").strip("0")
    if "e" not in token.text.lower() and len(digits) > _PRECISION_MAX:
        raise SqlError("22003", f"numeric value has more than {_PRECISION_MAX} digits")
