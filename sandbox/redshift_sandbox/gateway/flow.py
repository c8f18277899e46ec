"""What the gateway still expects from the backend, in order, and the statements behind it.

Protocol 3.0 answers strictly in the order of the requests, so a queue of expectations tells at any time
which answer belongs to what.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto

from redshift_sandbox.gateway.dialect import Translated


class Step(Enum):
    PARSE = auto()
    BIND = auto()
    DESCRIBE = auto()
    EXECUTE = auto()
    CLOSE = auto()
    SYNC = auto()
    QUERY = auto()


@dataclass
class Running:
    """One statement in execution."""

    query_id: int
    statement: Translated
    text: str  # blanked of secrets
    started: dt.datetime
    rows: int = 0


@dataclass
class Expected:
    step: Step
    running: deque[Running] = field(default_factory=deque)
    more_follows: bool = False  # part of a longer simple query: the client must not see ReadyForQuery yet


@dataclass(frozen=True)
class Prepared:
    """A prepared statement as the client named it."""

    statement: Translated
    text: str
    unload: str | None = None  # the UNLOAD itself, which the backend never sees


# The backend's answer that completes a step.
COMPLETES = {
    ord("1"): Step.PARSE, ord("2"): Step.BIND, ord("3"): Step.CLOSE, ord("T"): Step.DESCRIBE,
    ord("n"): Step.DESCRIBE, ord("C"): Step.EXECUTE, ord("I"): Step.EXECUTE, ord("s"): Step.EXECUTE,
}  # fmt: skip


def relations_of(words_in_order: list[str]) -> tuple[str, ...]:
    """Names behind FROM, JOIN, UPDATE and INTO, unqualified, for error texts."""
    found: list[str] = []
    for index, word in enumerate(words_in_order[:-1]):
        if word.upper() in ("FROM", "JOIN", "UPDATE", "INTO"):
            end = index + 1
            while end + 2 < len(words_in_order) and words_in_order[end + 1] == ".":
                end += 2
            name = words_in_order[end].strip('"')
            if name != "(" and name not in found:
                found.append(name)
    return tuple(found)
