"""Redshift's column types: spellings, OIDs in the protocol, and the types of the private PostgreSQL that hold them.

https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html; OIDs measured by others. A type
whose `backend` is None has no counterpart in PostgreSQL; a table with such a column is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

from redshift_sandbox.contracts import SqlError
from redshift_sandbox.gateway.tokens import Kind, Token

NAME_BYTES_MAX = 63  # PostgreSQL's NAMEDATALEN; Redshift itself keeps 127


@dataclass(frozen=True)
class RedshiftType:
    name: str  # as svv_all_columns spells it
    oid: int
    backend: str | None
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
        RedshiftType("binary varying", 6551, None),
        RedshiftType("geometry", 3000, None),
        RedshiftType("geography", 3001, None),
        RedshiftType("hllsketch", 2935, None),
    )
}

# Longest spelling first, so that CHARACTER VARYING is not read as CHARACTER.
_SPELLINGS: dict[tuple[str, ...], str] = {
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
    without a length keeps the whole value in both databases. Throws SqlError 0A000 for a type
    the sandbox cannot hold.
    """
    found = read_type(tokens, position)
    if found is None:
        return position
    kind, size = found
    if kind.backend is None:
        raise SqlError("0A000", f"the sandbox does not support the type {kind.name}")
    after = position + size
    bracket = after < len(tokens) and tokens[after].text == "("
    text = kind.backend
    if not declares and kind.name == "character varying" and tokens[position].word == "TEXT":
        text = "text"
    elif not bracket and kind.default_modifier and (declares or kind.name == "numeric"):
        text += kind.default_modifier
    if bracket and after + 1 < len(tokens) and tokens[after + 1].word == "MAX" and kind.name == "character varying":
        tokens[after + 1].text = "65535"
    tokens[position].text = text
    for token in tokens[position + 1 : after]:
        token.text = ""
    return after


def check_name(token: Token) -> None:
    """Throws SqlError 42622 for a name that PostgreSQL would cut, so that two names cannot become the same."""
    if token.kind in (Kind.WORD, Kind.QUOTED) and len(token.text.encode()) > NAME_BYTES_MAX + 2 * (
        token.kind is Kind.QUOTED
    ):
        raise SqlError("42622", f"the name is longer than {NAME_BYTES_MAX} bytes, which is the sandbox's limit")
