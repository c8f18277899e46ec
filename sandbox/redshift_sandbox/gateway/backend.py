"""Opens sessions of the private PostgreSQL and reads what it answers to a login."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass, field
from pathlib import Path

from redshift_sandbox.contracts import SqlError
from redshift_sandbox.gateway import wire

_CONNECT_SECONDS = 30.0


@dataclass
class Backend:
    """A backend session that is ready for its first query. The owner closes `sock`."""

    sock: socket.socket
    key: bytes = b""  # body of BackendKeyData
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def pid(self) -> int:
        return int(struct.unpack(">I", self.key[:4])[0])


def connect(
    path: Path, user: str, database: str, application_name: str, settings: dict[str, str] | None = None
) -> Backend:  # fmt: skip
    """Throws SqlError with the backend's own login error, such as 3D000, or 22023 for a value of `settings`."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    backend = Backend(sock)
    try:
        sock.settimeout(_CONNECT_SECONDS)
        sock.connect(str(path))
        parameters = {"user": user, "database": database, "client_encoding": "UTF8"}
        # Redshift prints 15 digits unless asked for more; see extra_float_digits in its documentation.
        parameters |= {"extra_float_digits": "0", "application_name": application_name}
        parameters |= settings or {}
        sock.sendall(wire.startup(parameters))
        _greeting(backend)
    except BaseException:
        sock.close()
        raise
    return backend


def _greeting(backend: Backend) -> None:
    while True:
        kind, body = read_message(backend.sock)
        if kind == b"E":
            values = dict(wire.read_fields(body))
            raise SqlError(values["C"], values["M"], severity="FATAL")
        if kind == b"S":
            name, value = body[:-1].split(b"\0", 1)
            backend.parameters[name.decode()] = value.decode()
        elif kind == b"K":
            backend.key = body
        elif kind == b"Z":
            return


def read_message(sock: socket.socket) -> tuple[bytes, bytes]:
    """One message of a blocking socket. Throws wire.ProtocolError if the peer closes in the middle of it."""
    head = read_exactly(sock, 5)
    length = struct.unpack(">I", head[1:])[0]
    if length < 4 or length > wire.MESSAGE_BYTES_MAX:
        raise wire.ProtocolError(f"invalid message length {length}")
    return head[:1], read_exactly(sock, length - 4)


def read_exactly(sock: socket.socket, count: int) -> bytes:
    out = bytearray()
    while len(out) < count:
        part = sock.recv(count - len(out))
        if not part:
            raise wire.ProtocolError("connection closed by the peer")
        out += part
    return bytes(out)


def cancel(path: Path, key: bytes) -> None:
    """Asks the backend to cancel what the session with `key` runs."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(_CONNECT_SECONDS)
        sock.connect(str(path))
        sock.sendall(wire.cancel_request(key))
        sock.recv(1)  # PostgreSQL closes once it has passed the request on
