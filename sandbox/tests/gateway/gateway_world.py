"""What the gateway gets in its tests: a clock, faults, passwords, an unloader, certificates."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from redshift_sandbox.contracts import LoginVerdict, SessionContext, SqlError, UnloadOutcome
from redshift_sandbox.gateway import Gateway
from redshift_sandbox.meter import Meter
from redshift_sandbox.pg import Postgres

USER, PASSWORD = "IAMR:sluice-reader", "c2VjcmV0+/=="


class FakeClock:
    def __init__(self) -> None:
        self.offset = dt.timedelta()

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + self.offset

    def advance(self, seconds: float) -> None:
        self.offset += dt.timedelta(seconds=seconds)


class FakeFaults:
    def __init__(self) -> None:
        self.on: dict[str, dict[str, Any]] = {}
        self.once: dict[str, dict[str, Any]] = {}

    def take(self, name: str) -> dict[str, Any] | None:
        return self.once.pop(name, None)

    def take_if(self, name: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        return self.once.pop(name) if name in self.once and wanted(self.once[name]) else None

    def peek(self, name: str) -> dict[str, Any] | None:
        return self.on.get(name)


class FakePasswords:
    """Accepts any user with PASSWORD; tests add other verdicts."""

    def __init__(self) -> None:
        self.verdicts: dict[tuple[str, str], LoginVerdict] = {}

    def verify(self, db_user: str, password: str) -> LoginVerdict:
        given = self.verdicts.get((db_user, password))
        if given is not None:
            return given
        return LoginVerdict("ok" if password == PASSWORD else "wrong")

    def candidates(self, db_user: str) -> list[str]:
        return [PASSWORD]


@dataclass
class FakeUnloader:
    """UNLOAD ('<select>') counts the select's rows; `hook` sees the session before that."""

    hook: Callable[[SessionContext, str], None] | None = None
    seen: list[str] = field(default_factory=list)

    def is_unload(self, sql: str) -> bool:
        return sql.lower().startswith("unload")

    def blank(self, sql: str) -> str:
        return "UNLOAD blanked"

    def run(self, session: SessionContext, sql: str) -> UnloadOutcome:
        if "(" not in sql:
            raise SqlError("42601", 'syntax error at or near "UNLOAD"')
        if self.hook is not None:
            self.hook(session, sql)
        select = sql[sql.index("'") + 1 : sql.rindex("')")].replace("''", "'")
        with psycopg.connect(session.backend_dsn()) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            snapshot = session.snapshot()
            if snapshot is not None:
                connection.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
            rows = len(connection.execute(session.to_backend_sql(select).encode()).fetchall())
        session.last_unload_count(rows)
        session.notice("INFO", f"UNLOAD completed, {rows} record(s) unloaded successfully.")
        return UnloadOutcome(rows, 1, 1)


@dataclass(frozen=True)
class Certificates:
    authority: Path
    context: ssl.SSLContext


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def make_certificates(directory: Path) -> Certificates:
    """A private authority and a server whose name `localhost` is only in the SAN."""
    now = dt.datetime.now(dt.UTC)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def begin(subject: str, public: Any) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name("test authority"))
            .public_key(public).serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        )  # fmt: skip

    ca = begin("test authority", ca_key.public_key()).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    server = begin("not the host", key.public_key()).add_extension(
        x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False
    )
    ca_pem = ca.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    authority, chain = directory / "ca.pem", directory / "server.pem"
    authority.write_bytes(ca_pem)
    chain.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + server.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return Certificates(authority, context)


@dataclass
class World:
    """What a test may use."""

    postgres: Postgres
    gateway: Gateway
    port: int
    authority: Path
    clock: FakeClock
    faults: FakeFaults
    passwords: FakePasswords
    unloader: FakeUnloader
    meter: Meter
    log: list[tuple[str, dict[str, Any]]]

    def keywords(self, **changes: Any) -> dict[str, Any]:
        base = {
            "host": "localhost", "port": self.port, "dbname": "dev", "user": USER, "password": PASSWORD,
            "sslmode": "verify-full", "sslrootcert": str(self.authority), "gssencmode": "disable",
        }  # fmt: skip
        return {name: value for name, value in (base | changes).items() if value is not None}

    def connect(self, *, autocommit: bool = True, **changes: Any) -> psycopg.Connection[Any]:
        return psycopg.connect(**self.keywords(**changes), autocommit=autocommit)

    def admin(self, sql: str) -> list[tuple[Any, ...]]:
        return self.gateway.admin_execute(sql)
