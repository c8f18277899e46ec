"""A small client for the bytes of protocol 3.0, for what standard clients hide."""

from __future__ import annotations

import socket
import ssl
import struct
from typing import Any

PROTOCOL_3_0 = 196608
SSL_REQUEST, GSSENC_REQUEST = 80877103, 80877104


def startup(parameters: dict[str, str], version: int = PROTOCOL_3_0) -> bytes:
    body = b"".join(name.encode() + b"\0" + value.encode() + b"\0" for name, value in parameters.items())
    return struct.pack(">II", len(body) + 9, version) + body + b"\0"


class RawClient:
    def __init__(self, port: int) -> None:
        self.sock: socket.socket = socket.create_connection(("localhost", port), timeout=20)

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: Any) -> None:
        self.sock.close()

    def special(self, code: int) -> bytes:
        """Sends an eight-byte request and returns the one byte that answers it."""
        self.sock.sendall(struct.pack(">II", 8, code))
        return self.sock.recv(1)

    def encrypt(self) -> None:
        assert self.special(SSL_REQUEST) == b"S"
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.sock = context.wrap_socket(self.sock)

    def login(self, parameters: dict[str, str], password: str) -> list[tuple[bytes, bytes]]:
        """Everything that the server sends from the startup message to ReadyForQuery, or to its end."""
        self.sock.sendall(startup(parameters))
        messages: list[tuple[bytes, bytes]] = []
        while not messages or messages[-1][0] not in (b"Z", b"E"):
            kind, body = self.message()
            messages.append((kind, body))
            if kind == b"R" and struct.unpack(">I", body[:4])[0] != 0:
                answer = password.encode() + b"\0"
                self.sock.sendall(b"p" + struct.pack(">I", len(answer) + 4) + answer)
        return messages

    def send(self, kind: bytes, body: bytes = b"") -> None:
        self.sock.sendall(kind + struct.pack(">I", len(body) + 4) + body)

    def message(self) -> tuple[bytes, bytes]:
        head = self._exactly(5)
        return head[:1], self._exactly(struct.unpack(">I", head[1:])[0] - 4)

    def until_ready(self) -> list[tuple[bytes, bytes]]:
        messages = [self.message()]
        while messages[-1][0] != b"Z":
            messages.append(self.message())
        return messages

    def _exactly(self, count: int) -> bytes:
        out = b""
        while len(out) < count:
            part = self.sock.recv(count - len(out))
            if not part:
                raise EOFError
            out += part
        return out


def fields(body: bytes) -> dict[str, str]:
    return {part[:1].decode(): part[1:].decode() for part in body.split(b"\0") if part}
