"""What the sandbox's rooms hand to each other: values, errors and the interfaces between services.

The services (aws, gateway, unload) and the data sets never import each other: what one needs of another is an
interface here, and `world.py` hands it in. Which room may import which is written in `sandbox/arrows.toml`, and
`tools/tidy.py` checks it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


class AwsError(Exception):
    """An error as an AWS service answers it; each service renders it in its own wire form."""

    def __init__(
        self,
        code: str,
        message: str,
        status: int = 400,
        *,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.headers = dict(headers or {})
        self.members = dict(members or {})  # extra members of the error body, such as resourceName


class SqlError(Exception):
    """An error as the database answers it: SQLSTATE, message, optional DETAIL and HINT."""

    def __init__(
        self, sqlstate: str, message: str, *, detail: str | None = None, hint: str | None = None,
        severity: str = "ERROR",
    ) -> None:
        super().__init__(f"{sqlstate}: {message}")
        self.sqlstate = sqlstate
        self.message = message
        self.detail = detail
        self.hint = hint
        self.severity = severity


class Clock(Protocol):
    """The sandbox's time, which tests advance. All services ask it; nobody else tells time."""

    def now(self) -> dt.datetime:
        """Aware UTC time."""
        ...

    def advance(self, seconds: float) -> None: ...


class Faults(Protocol):
    """Faults by name, switched on through /_sandbox/faults, e.g. {"name": "s3.slow_down", "count": 3, "args": {...}}."""

    def take(self, name: str) -> dict[str, Any] | None:
        """The fault's args if it is on (using up one of its count), else None."""
        ...

    def take_if(self, name: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        """`take`, but only if `wanted(args)`; otherwise nothing is used up."""
        ...

    def take_for(self, name: str, key: str) -> dict[str, Any] | None:
        """`take` for a fault about the object `key`: only if the fault's `match` is part of it."""
        ...

    def peek(self, name: str) -> dict[str, Any] | None:
        """The same without using it up: for knobs that stay on."""
        ...


@dataclass(frozen=True)
class ControlRequest:
    """One call of the control interface, `/_sandbox/...`, as its handler gets it."""

    method: str
    path: str  # behind the prefix
    query: Mapping[str, str]
    body: Any  # the JSON document; {} if there is none

    def member(self, name: str) -> Any:
        """A member of the body that must be there. Raises ValueError naming it."""
        if not isinstance(self.body, dict) or name not in self.body:
            raise ValueError(f"the body lacks {name!r}")
        return self.body[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self.body.get(name, default) if isinstance(self.body, dict) else default


@dataclass(frozen=True)
class AccessKeys:
    """AWS keys as a statement or a client carries them."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class KmsEncryption:
    """The wish for SSE-KMS: a key's ARN, id or alias, or None for the bucket's default key (the account's AWS
    managed key, where the bucket has none)."""

    key: str | None = None


class ObjectGate(Protocol):
    """S3 as any client sees it, without the HTTP in between: every call is authorised with the given
    keys by the same evaluator as a signed request. UNLOAD uses this. Raises AwsError (AccessDenied 403,
    InvalidAccessKeyId 403, ExpiredToken 400, NoSuchBucket 404, PermanentRedirect 301, ...)."""

    def list_keys(self, keys: AccessKeys, region: str, bucket: str, prefix: str, limit: int) -> list[str]: ...

    def put_file(
        self, keys: AccessKeys, region: str, bucket: str, key: str, path: Path, *, link: bool,
        kms: KmsEncryption | None = None,
    ) -> None:
        """Stores the file under the key; `link` hard-links instead of copying (the file never changes)."""
        ...

    def put_bytes(
        self, keys: AccessKeys, region: str, bucket: str, key: str, body: bytes, *, kms: KmsEncryption | None = None
    ) -> None: ...

    def delete(self, keys: AccessKeys, region: str, bucket: str, names: Sequence[str]) -> None: ...


@dataclass(frozen=True)
class LoginVerdict:
    """Answer to a database login attempt with a minted password."""

    outcome: str  # "ok", "expired" or "wrong"
    db_roles: tuple[str, ...] = ()
    login_as: str | None = None  # the existing database user whose rights apply, when not the name itself


class LoginPasswords(Protocol):
    """Passwords minted by GetCredentials and GetClusterCredentials."""

    def verify(self, db_user: str, password: str) -> LoginVerdict: ...


class SessionContext(Protocol):
    """One database session, as UNLOAD and the meter see it. Implemented by the gateway."""

    user: str  # current_user, e.g. "IAMR:sluice-reader"
    database: str
    session_id: int
    in_transaction: bool

    def snapshot(self) -> str | None:
        """Exports the session's snapshot (pg_export_snapshot) if it is in a transaction, else None.
        Another backend connection of the same role reads the same rows with it."""
        ...

    def backend_dsn(self) -> str:
        """libpq keywords of the private PostgreSQL for a second connection that may act as `user`."""
        ...

    def notice(self, severity: str, message: str) -> None:
        """Sends a NoticeResponse to the client now."""
        ...

    def cancelled(self) -> bool:
        """True once a CancelRequest for this session arrived or its statement_timeout passed; UNLOAD
        polls it between files and raises SqlError 57014."""
        ...

    def identifier_case_sensitive(self) -> bool: ...

    def to_backend_sql(self, redshift_sql: str) -> str:
        """Translates one Redshift statement to what the private PostgreSQL understands
        (folding of quoted names, refused constructs raise SqlError)."""
        ...

    def last_unload_count(self, rows: int) -> None:
        """What pg_last_unload_count() answers from now on."""
        ...


@dataclass(frozen=True)
class UnloadOutcome:
    rows: int
    files: int
    bytes: int


class Unloader(Protocol):
    """Executes UNLOAD for the gateway."""

    def is_unload(self, sql: str) -> bool: ...

    def run(self, session: SessionContext, sql: str) -> UnloadOutcome:
        """Parses, authorises, reads, writes, sends the INFO notice; the caller sends tag `UNLOAD`.
        Raises SqlError."""
        ...

    def blank(self, sql: str) -> str:
        """The statement with credentials blanked, for logs and sys_query_history."""
        ...
