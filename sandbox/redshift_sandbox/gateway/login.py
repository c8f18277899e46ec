"""From a new socket to an authenticated Redshift user: TLS, start-up parameters, password, errors.

https://www.postgresql.org/docs/15/protocol-flow.html; error texts are those of live workgroups.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import socket
import ssl
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from redshift_sandbox.contracts import Faults, LoginPasswords, LoginVerdict, SqlError
from redshift_sandbox.gateway import wire
from redshift_sandbox.gateway.backend import read_exactly, read_message

LOGIN_SECONDS = 60.0
_CLEARTEXT, _MD5, _SHA256 = 3, 5, 13
# What AWS's own drivers send, besides the four of PostgreSQL.
_DRIVER_KEYS = frozenset(("client_protocol_version", "driver_version", "os_version", "plugin_name",
                          "driver_discovery_version"))  # fmt: skip
_ACCEPTED = _DRIVER_KEYS | {"user", "database", "application_name", "client_encoding"}
# Settings that any session may change, so that a start-up packet may give them too, in any case of letters, as in
# PostgreSQL 8.0. AWS's JDBC driver sends DateStyle and extra_float_digits at every login
# (https://github.com/aws/amazon-redshift-jdbc-driver, ConnectionFactoryImpl).
_SETTINGS = frozenset(("datestyle", "extra_float_digits", "search_path", "statement_timeout", "timezone"))
# Parameters PostgreSQL 8.0 knew and only a superuser could set.
_SUPERUSER_ONLY = frozenset(("lc_messages", "lc_monetary", "lc_numeric", "lc_time"))


@runtime_checkable
class PlainPasswords(Protocol):
    """What MD5 authentication needs in addition to LoginPasswords: the passwords that a user may send."""

    def candidates(self, db_user: str) -> Iterable[str]: ...


@dataclass(frozen=True)
class CancelRequest:
    """Another client's request to cancel; `sock` is closed after it was passed on."""

    sock: socket.socket
    key: bytes


@dataclass(frozen=True)
class Greeting:
    """A client that asks to log in."""

    sock: socket.socket
    parameters: dict[str, str]

    @property
    def encrypted(self) -> bool:
        return isinstance(self.sock, ssl.SSLSocket)

    @property
    def db_user(self) -> str:
        return self.parameters.get("user", "")

    @property
    def database(self) -> str:
        return self.parameters.get("database") or self.db_user


def fatal(sqlstate: str, text: str) -> SqlError:
    return SqlError(sqlstate, text, severity="FATAL")


def greet(sock: socket.socket, tls: ssl.SSLContext | None, faults: Faults) -> Greeting | CancelRequest:
    """Reads up to the StartupMessage, with TLS if the client asks for it. Throws ProtocolError, SqlError, OSError."""
    sock.settimeout(LOGIN_SECONDS)
    while True:
        (length,) = struct.unpack(">I", read_exactly(sock, 4))
        if length < 8 or length > wire.STARTUP_BYTES_MAX:
            raise wire.ProtocolError("invalid length of startup packet")
        body = read_exactly(sock, length - 4)
        (code,) = struct.unpack(">I", body[:4])
        if code == wire.CANCEL_REQUEST:
            return CancelRequest(sock, body[4:])
        if code == wire.GSSENC_REQUEST:
            sock.sendall(b"N")
        elif code == wire.SSL_REQUEST:
            if tls is None or isinstance(sock, ssl.SSLSocket) or faults.peek("gateway.tls_refused") is not None:
                sock.sendall(b"N")
            else:
                sock.sendall(b"S")
                sock = tls.wrap_socket(sock, server_side=True)
        elif code == wire.PROTOCOL_3_0:
            return Greeting(sock, wire.read_startup(body[4:]))
        else:
            major, minor = code >> 16, code & 0xFFFF
            text = f"unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.0"
            sock.sendall(wire.error_response(fatal("0A000", text)))
            raise wire.ProtocolError(text)


def authenticate(greeting: Greeting, passwords: LoginPasswords, faults: Faults) -> LoginVerdict:
    """Asks for the password and checks it. Throws SqlError (FATAL) with Redshift's text."""
    user = greeting.db_user
    if not user:
        raise fatal("28000", "no PostgreSQL user name specified in startup packet")
    if not greeting.encrypted:
        # IAM logins without TLS fail with this text, which misleads
        # (https://docs.aws.amazon.com/redshift/latest/mgmt/generating-iam-credentials-cli-api.html).
        raise fatal("28000", f'password authentication failed for user "{user}"')
    knob = faults.peek("gateway.auth_code") or {}
    code = int(knob.get("code", _CLEARTEXT))
    verdict = _ask(greeting.sock, user, code, passwords)
    if verdict.outcome == "expired":
        raise fatal("28000", "IAM Authentication token has expired")
    if verdict.outcome != "ok":
        raise fatal("28000", f'IAM authentication failed for user "{user}"')
    told = faults.take("gateway.login_fatal")
    if told is not None:
        raise fatal(str(told.get("sqlstate", "28000")), str(told.get("message", "log-in refused")))
    return verdict


def check_parameters(parameters: dict[str, str]) -> None:
    """Throws SqlError (FATAL) for a start-up parameter Redshift does not know."""
    for name, value in parameters.items():
        if name in _SUPERUSER_ONLY:
            raise fatal("42501", f'permission denied to set parameter "{name}" to "{value}"')
        if name not in _ACCEPTED and name.lower() not in _SETTINGS:
            raise fatal("42704", f'unrecognized configuration parameter "{name}"')
    encoding = parameters.get("client_encoding", "UTF8").strip("'\"").upper().replace("-", "")
    if encoding not in ("UTF8", "UNICODE"):
        raise fatal("22023", f'invalid value for parameter "client_encoding": "{encoding}"')


def settings(parameters: dict[str, str]) -> dict[str, str]:
    """What of the start-up packet the session's backend is to start with, by lower-case name."""
    return {name.lower(): value for name, value in parameters.items() if name.lower() in _SETTINGS}


def _ask(sock: socket.socket, user: str, code: int, passwords: LoginPasswords) -> LoginVerdict:
    if code == _MD5:
        return _ask_md5(sock, user, passwords)
    if code == _SHA256:
        # Redshift's own digest: standard clients stop here, which is what the fault is for. The answer to it is
        # not documented, so no login succeeds (assumed layout: iteration count, then salt).
        sock.sendall(wire.message(b"R", struct.pack(">II", _SHA256, 65536) + os.urandom(16)))
        _password(sock)
        return LoginVerdict("wrong")
    sock.sendall(wire.message(b"R", struct.pack(">I", _CLEARTEXT)))
    return passwords.verify(user, _password(sock).decode("utf-8", "replace"))


def _ask_md5(sock: socket.socket, user: str, passwords: LoginPasswords) -> LoginVerdict:
    if not isinstance(passwords, PlainPasswords):
        raise fatal("28000", "MD5 authentication needs the passwords in plain text, which this sandbox does not have")
    salt = os.urandom(4)
    sock.sendall(wire.message(b"R", struct.pack(">I", _MD5) + salt))
    given = _password(sock)
    for candidate in passwords.candidates(user):
        inner = hashlib.md5(candidate.encode() + user.encode()).hexdigest()
        expected = b"md5" + hashlib.md5(inner.encode() + salt).hexdigest().encode()
        if hmac.compare_digest(expected, given):
            return passwords.verify(user, candidate)
    return LoginVerdict("wrong")


def _password(sock: socket.socket) -> bytes:
    kind, body = read_message(sock)
    if kind != b"p":
        raise wire.ProtocolError(f"expected a password, got message type {kind!r}")
    return body.removesuffix(b"\0")
