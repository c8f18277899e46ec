"""The statements of the Data API: they run one after another in a thread each, and keep their results for a day.

https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html. A statement logs in through the gateway, as any client
does, so the meter counts it and the dialect is Redshift's.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import pq

from redshift_sandbox.aws.data_parameters import numbered
from redshift_sandbox.contracts import Clock, DataLogin

KEPT = dt.timedelta(hours=24)


@dataclass
class Outcome:
    """What one SQL statement gave."""

    sql: str
    status: str = "SUBMITTED"
    error: str = ""
    columns: list[dict[str, Any]] | None = None  # ColumnMetadata; None: no result set
    rows: list[list[dict[str, Any]]] = field(default_factory=list)
    affected: int = -1
    size: int = 0
    seconds: float = 0.0
    updated: dt.datetime | None = None


@dataclass
class Submitted:
    """One call of ExecuteStatement or BatchExecuteStatement. `mutex` guards what changes."""

    owner: str  # the caller's ARN
    db_user: str
    database: str
    workgroup: str
    workgroup_arn: str
    created: dt.datetime
    name: str
    parameters: Sequence[Mapping[str, str]]
    batch: bool
    outcomes: list[Outcome]
    session_id: str | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "SUBMITTED"
    error: str = ""
    pid: int = 0
    updated: dt.datetime | None = None
    connection: psycopg.Connection[Any] | None = field(default=None, repr=False)
    cancelled: bool = False
    done: threading.Event = field(default_factory=threading.Event)
    mutex: threading.Lock = field(default_factory=threading.Lock)

    @property
    def active(self) -> bool:
        return self.status in ("SUBMITTED", "PICKED", "STARTED")

    def cancel(self) -> bool:
        """False if it has ended already."""
        with self.mutex:
            if not self.active:
                return False
            self.cancelled = True
            connection = self.connection
        if connection is not None:
            with contextlib.suppress(psycopg.Error):  # it has ended meanwhile
                connection.cancel_safe(timeout=10)
        return True


class Runner:
    """Runs what is submitted. Any thread may call it."""

    def __init__(self, clock: Clock, login: DataLogin | None) -> None:
        self._clock = clock
        self.login = login
        self._mutex = threading.Lock()
        self._sessions: dict[str, tuple[psycopg.Connection[Any], dt.datetime]] = {}

    def begin(self, one: Submitted, roles: tuple[str, ...], keep_seconds: int = 0) -> None:
        """Starts its thread. `keep_seconds` keeps the session for later statements."""
        run = threading.Thread(target=self._run, args=(one, roles, keep_seconds), name="data-api", daemon=True)
        run.start()

    def has_session(self, session_id: str) -> bool:
        with self._mutex:
            found = self._sessions.get(session_id)
        return found is not None and found[1] > self._clock.now()

    def close(self) -> None:
        with self._mutex:
            sessions, self._sessions = list(self._sessions.values()), {}
        for connection, _ in sessions:
            connection.close()

    def _run(self, one: Submitted, roles: tuple[str, ...], keep_seconds: int) -> None:
        connection: psycopg.Connection[Any] | None = None
        try:
            connection = self._connection(one, roles)
            with one.mutex:
                one.connection, one.pid, one.status = connection, connection.info.backend_pid, "STARTED"
            self._execute(one, connection)
        except psycopg.Error as error:
            one.error = one.error or f"FATAL: {error.diag.message_primary or 'the connection was lost'}"
        finally:
            self._settle(one)
            if connection is not None:
                self._leave(one, connection, keep_seconds)
            one.done.set()

    def _connection(self, one: Submitted, roles: tuple[str, ...]) -> psycopg.Connection[Any]:
        with self._mutex:
            held = self._sessions.pop(one.session_id, None) if one.session_id else None
        if held is not None:
            return held[0]
        assert self.login is not None
        return self.login(one.db_user, one.database, roles)

    def _leave(self, one: Submitted, connection: psycopg.Connection[Any], keep_seconds: int) -> None:
        with one.mutex:
            one.connection = None
        if keep_seconds > 0 and one.session_id and not connection.closed:
            until = self._clock.now() + dt.timedelta(seconds=keep_seconds)
            with self._mutex:
                self._sessions[one.session_id] = (connection, until)
            return
        connection.close()

    def _execute(self, one: Submitted, connection: psycopg.Connection[Any]) -> None:
        if one.batch:
            connection.execute("BEGIN")
        for outcome in one.outcomes:
            if one.cancelled or one.error:
                outcome.status = "ABORTED"
                continue
            self._one(one, outcome, connection)
        if one.batch:
            connection.execute("ROLLBACK" if one.error or one.cancelled else "COMMIT")

    def _one(self, one: Submitted, outcome: Outcome, connection: psycopg.Connection[Any]) -> None:
        outcome.status = "STARTED"
        started = self._clock.now()
        sql, values = numbered(outcome.sql, one.parameters)
        cursor, failure = psycopg.RawCursor(connection), ""
        try:
            # Not by the calls of libpq that wait: they would stop the gateway, which runs in this process.
            cursor.execute(sql.encode(), values or None, prepare=False)
        except psycopg.Error as error:
            failure = f"ERROR: {error.diag.message_primary or 'the connection was lost'}"
        result = cursor.pgresult
        outcome.updated = self._clock.now()
        outcome.seconds = (outcome.updated - started).total_seconds()
        if failure or result is None:
            one.error = outcome.error = failure
            outcome.status = "ABORTED" if one.cancelled else "FAILED"
        elif result.status == pq.ExecStatus.TUPLES_OK:
            outcome.columns = described(result)
            outcome.rows = rows_of(result)
            outcome.affected = result.ntuples
            outcome.size = sum(len(result.get_value(r, c) or b"") for r in range(result.ntuples)
                               for c in range(result.nfields))  # fmt: skip
            outcome.status = "FINISHED"
        else:
            outcome.affected = result.command_tuples if result.command_tuples is not None else -1
            outcome.status = "FINISHED"

    def _settle(self, one: Submitted) -> None:
        with one.mutex:
            one.updated = self._clock.now()
            one.status = "ABORTED" if one.cancelled else "FAILED" if one.error else "FINISHED"
            for outcome in one.outcomes:
                if outcome.status in ("SUBMITTED", "STARTED"):
                    outcome.status = one.status


_LONG, _DOUBLE = frozenset((20, 21, 23, 26)), frozenset((700, 701))
_NAMES = {
    16: "bool", 20: "int8", 21: "int2", 23: "int4", 700: "float4", 701: "float8", 1700: "numeric", 25: "varchar",
    1042: "bpchar", 1043: "varchar", 1082: "date", 1083: "time", 1114: "timestamp", 1184: "timestamptz", 1266: "timetz",
    19: "name", 26: "oid", 4000: "super",
}  # fmt: skip


def described(result: pq.abc.PGresult) -> list[dict[str, Any]]:
    """https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_ColumnMetadata.html"""
    columns = []
    for i in range(result.nfields):
        oid, modifier, name = result.ftype(i), result.fmod(i), (result.fname(i) or b"").decode()
        precision, scale = 0, 0
        if oid == 1700 and modifier >= 4:
            precision, scale = ((modifier - 4) >> 16) & 0xFFFF, (modifier - 4) & 0xFFFF
        elif oid in (1042, 1043) and modifier >= 4:
            precision = modifier - 4
        columns.append({
            "isCaseSensitive": oid in (25, 1042, 1043), "isCurrency": False,
            "isSigned": oid in _LONG | _DOUBLE | {1700}, "label": name, "name": name, "nullable": 1,
            "precision": precision, "scale": scale, "schemaName": "", "tableName": "",
            "typeName": _NAMES.get(oid, "varchar"), "length": 0,
        })  # fmt: skip
    return columns


def rows_of(result: pq.abc.PGresult) -> list[list[dict[str, Any]]]:
    kinds = [result.ftype(i) for i in range(result.nfields)]
    return [
        [_field(kind, result.get_value(row, i)) for i, kind in enumerate(kinds)] for row in range(result.ntuples)
    ]


def _field(kind: int, value: bytes | None) -> dict[str, Any]:
    """https://docs.aws.amazon.com/redshift-data/latest/APIReference/API_Field.html"""
    if value is None:
        return {"isNull": True}
    text = value.decode(errors="replace")
    if kind == 16:
        return {"booleanValue": text == "t"}
    if kind in _LONG:
        return {"longValue": int(text)}
    if kind in _DOUBLE and text not in ("NaN", "Infinity", "-Infinity"):
        return {"doubleValue": float(text)}
    return {"stringValue": text}
