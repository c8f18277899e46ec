"""What the sandbox's rooms hand to each other: values, errors and the interfaces between services.

The services (aws, gateway, unload) and the data sets never import each other: what one needs of another is an
interface here, and `world.py` hands it in. Which room may import which is written in `sandbox/arrows.toml`, and
`tools/tidy.py` checks it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import psycopg


class AwsError(Exception):
    """An error that an AWS service answers; each service writes it in its own format."""

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
    """An error that the database answers: SQLSTATE, message, optional DETAIL and HINT."""

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
    """The sandbox's time, which tests advance. All services ask it; nothing else reads a clock."""

    def now(self) -> dt.datetime:
        """The time in UTC, with its time zone."""
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
        """The same without using it up: for settings that stay on."""
        ...


@dataclass(frozen=True)
class ControlRequest:
    """One call of the control interface, `/_sandbox/...`, as its handler gets it."""

    method: str
    path: str  # after the prefix
    query: Mapping[str, str]
    body: Any  # the JSON document; {} if there is none

    def member(self, name: str) -> Any:
        """A member that the body must have. Raises ValueError with its name."""
        if not isinstance(self.body, dict) or name not in self.body:
            raise ValueError(f"the body lacks {name!r}")
        return self.body[name]

    def get(self, name: str, default: Any = None) -> Any:
        return self.body.get(name, default) if isinstance(self.body, dict) else default


@dataclass(frozen=True)
class AccessKeys:
    """AWS keys, as a statement or a client sends them."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class KmsEncryption:
    """Asks for SSE-KMS: a key's ARN, id or alias, or None for the bucket's default key (the account's AWS
    managed key if the bucket has none)."""

    key: str | None = None


class ObjectGate(Protocol):
    """S3 as any client sees it, without HTTP: every call is authorised with the given
    keys by the same evaluator as a signed request. UNLOAD uses this. Raises AwsError (AccessDenied 403,
    InvalidAccessKeyId 403, ExpiredToken 400, NoSuchBucket 404, PermanentRedirect 301, ...)."""

    def list_keys(self, keys: AccessKeys, region: str, bucket: str, prefix: str, limit: int) -> list[str]: ...

    def read_file(self, keys: AccessKeys, region: str, bucket: str, key: str) -> Path:
        """The object's bytes as a file, which the caller does not change. COPY uses this."""
        ...

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
    """The answer to a database login with a password from GetCredentials."""

    outcome: str  # "ok", "expired" or "wrong"
    db_roles: tuple[str, ...] = ()
    login_as: str | None = None  # the existing database user whose rights apply, if it has another name


class LoginPasswords(Protocol):
    """The passwords that GetCredentials and GetClusterCredentials gave out."""

    def verify(self, db_user: str, password: str) -> LoginVerdict: ...


class DataLogin(Protocol):
    """How the Data API logs into the database: a new connection, through the gateway, as any client."""

    def __call__(self, db_user: str, database: str, db_roles: tuple[str, ...]) -> psycopg.Connection[Any]:
        """Raises psycopg.OperationalError."""
        ...


class SessionContext(Protocol):
    """One database session, as UNLOAD sees it. Implemented by the gateway."""

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
        """True once a CancelRequest for this session has arrived or its statement_timeout has passed; UNLOAD
        asks between files, and raises SqlError 57014."""
        ...

    def identifier_case_sensitive(self) -> bool: ...

    def to_backend_sql(self, redshift_sql: str) -> str:
        """Translates one Redshift statement for the private PostgreSQL. Raises SqlError for what Redshift
        does not support."""
        ...

    def query(self, backend_sql: str) -> list[list[str | None]]:
        """Rows of one statement of the private PostgreSQL's SQL, in the session's own transaction."""
        ...

    def copy_in(self, backend_sql: str, lines: Iterable[bytes]) -> None:
        """A `COPY ... FROM STDIN` of the private PostgreSQL with these lines, in the session's own transaction and
        with its rights. Raises SqlError."""
        ...

    def last_copy_count(self, rows: int) -> None:
        """Sets what pg_last_copy_count() answers from now on."""
        ...

    def last_unload_count(self, rows: int) -> None:
        """Sets what pg_last_unload_count() answers from now on."""
        ...


@dataclass(frozen=True)
class UnloadOutcome:
    rows: int
    files: int
    bytes: int


class Unloader(Protocol):
    """Executes UNLOAD, and COPY from S3, for the gateway."""

    def is_unload(self, sql: str) -> bool:
        """Whether the statement is one of the two."""
        ...

    def run(self, session: SessionContext, sql: str) -> UnloadOutcome:
        """Parses, authorises, reads, writes, sends the INFO notice; the caller sends the tag.
        Raises SqlError."""
        ...

    def blank(self, sql: str) -> str:
        """The statement without its credentials, for logs and sys_query_history."""
        ...
