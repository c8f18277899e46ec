"""What the gateway still expects from the backend, in order.

Protocol 3.0 answers strictly in the order of the requests, so a queue shows at any time which request
an answer belongs to.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum, auto

from redshift_sandbox.gateway.statements import Running


class Step(Enum):
    PARSE = auto()
    BIND = auto()
    DESCRIBE = auto()
    EXECUTE = auto()
    CLOSE = auto()
    SYNC = auto()
    QUERY = auto()


@dataclass
class Expected:
    step: Step
    running: deque[Running] = field(default_factory=deque)
    more_follows: bool = False  # part of a longer simple query: the client must not see ReadyForQuery yet


# The backend's answer that completes a step.
COMPLETES = {
    ord("1"): Step.PARSE, ord("2"): Step.BIND, ord("3"): Step.CLOSE, ord("T"): Step.DESCRIBE,
    ord("n"): Step.DESCRIBE, ord("C"): Step.EXECUTE, ord("I"): Step.EXECUTE, ord("s"): Step.EXECUTE,
}  # fmt: skip
