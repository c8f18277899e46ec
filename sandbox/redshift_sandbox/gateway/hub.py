"""What all sessions of one gateway share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from redshift_sandbox.contracts import Clock, Faults, Unloader
from redshift_sandbox.gateway.aliases import Aliases
from redshift_sandbox.gateway.column_rights import ColumnRights
from redshift_sandbox.gateway.long_names import LongNames
from redshift_sandbox.gateway.records import Records
from redshift_sandbox.gateway.users import Users
from redshift_sandbox.meter import Meter
from redshift_sandbox.pg import Postgres

# Called with an event's name and its facts: never SQL, secrets or row values.
Log = Callable[[str, dict[str, Any]], None]


class Member(Protocol):
    """A session, as other sessions see it. Any thread may call it."""

    @property
    def session_id(self) -> int: ...

    def facts(self) -> dict[str, Any]:
        """Its number, user and database."""
        ...

    def cancel(self) -> None: ...

    def end(self) -> None: ...


@dataclass
class Hub:
    """All members are thread-safe; `sessions` is guarded by `mutex`."""

    postgres: Postgres
    clock: Clock
    faults: Faults
    meter: Meter
    unloader: Unloader | None
    log: Log
    users: Users
    records: Records
    columns: ColumnRights
    aliases: Aliases
    names: LongNames
    stopping: threading.Event = field(default_factory=threading.Event)
    mutex: threading.Lock = field(default_factory=threading.Lock)
    sessions: dict[bytes, Member] = field(default_factory=dict)  # by BackendKeyData

    def signal(self, verb: str, session_id: int) -> None:
        """Cancels what a session runs, also an UNLOAD whose client has gone; "terminate" ends the session too."""
        with self.mutex:
            found = [one for one in self.sessions.values() if one.session_id == session_id]
        for session in found:
            session.cancel() if verb == "cancel" else session.end()
