"""Faults of a session that concern one statement: which of them concern the next statement.

All take `statement` (the first word of the statement, such as "UNLOAD" or "COMMIT"; default any) and `match` (only
statements that contain this text, credentials removed), besides `count` and `skip`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from redshift_sandbox.contracts import Faults, SqlError

NAMES = (
    "gateway.reset_before", "gateway.reset_during", "gateway.reset_after", "gateway.drop_during_statement",
    "gateway.serializable_conflict", "gateway.relation_gone", "gateway.error",
)  # fmt: skip


class Statement(Protocol):
    @property
    def verb(self) -> str: ...

    @property
    def text(self) -> str: ...


def meets(faults: Faults, name: str, statements: Sequence[Statement]) -> dict[str, Any] | None:
    """The arguments of the fault if it concerns one of the statements, which uses up one of its count."""

    def wanted(args: dict[str, Any]) -> bool:
        verb, text = str(args.get("statement", "")).upper(), str(args.get("match", ""))
        return any(verb in ("", one.verb) and text in one.text for one in statements)

    return faults.take_if(name, wanted)


def failure(faults: Faults, statements: Sequence[Statement], query_id: int) -> SqlError | None:
    """The error with which one of the statements must fail."""
    if meets(faults, "gateway.serializable_conflict", statements) is not None:
        # https://docs.aws.amazon.com/redshift/latest/dg/c_serial_isolation.html; the SQLSTATE is assumed
        table, others = 100000 + query_id, f"{query_id}, {query_id + 1} (pid:{1000 + query_id})"
        text = f"Serializable isolation violation on table - {table}, transactions forming the cycle are: {others}"
        return SqlError("XX000", "1023", detail=text)
    if meets(faults, "gateway.relation_gone", statements) is not None:
        return relation_gone()
    args = meets(faults, "gateway.error", statements)
    if args is None:
        return None
    detail = args.get("detail")
    return SqlError(
        str(args.get("sqlstate", "XX000")), str(args.get("message", "internal error")),
        detail=None if detail is None else str(detail),
    )  # fmt: skip


def relation_gone() -> SqlError:
    """A table was dropped or created again after the transaction's snapshot: same page; the SQLSTATE is assumed."""
    return SqlError("XX000", "1018", detail="Relation does not exist")
