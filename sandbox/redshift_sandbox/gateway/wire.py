"""PostgreSQL wire protocol 3.0 messages: how to write them, cut them out of a stream, and read them.

https://www.postgresql.org/docs/15/protocol-message-formats.html
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from redshift_sandbox.contracts import SqlError

PROTOCOL_3_0 = 196608
CANCEL_REQUEST = 80877102
SSL_REQUEST = 80877103
GSSENC_REQUEST = 80877104
STARTUP_BYTES_MAX = 10_000  # as PostgreSQL's MAX_STARTUP_PACKET_LENGTH
# Twice the longest statement, 16 MB: https://docs.aws.amazon.com/redshift/latest/dg/c_SQL_commands.html
MESSAGE_BYTES_MAX = 32 << 20

_INT32 = struct.Struct(">I")
_HEAD = struct.Struct(">BI")


class ProtocolError(Exception):
    """The peer's bytes are not protocol 3.0; the connection cannot go on."""


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + _INT32.pack(len(body) + 4) + body


def cstring(text: str) -> bytes:
    return text.encode() + b"\0"


def query(sql: str) -> bytes:
    return message(b"Q", cstring(sql))


def parse(name: bytes, sql: str, types: bytes = b"\0\0") -> bytes:
    return message(b"P", name + b"\0" + cstring(sql) + types)


def parameter_status(name: str, value: str) -> bytes:
    return message(b"S", cstring(name) + cstring(value))


def ready_for_query(status: bytes) -> bytes:
    return message(b"Z", status)


def command_complete(tag: str) -> bytes:
    return message(b"C", cstring(tag))


def startup(parameters: dict[str, str]) -> bytes:
    body = b"".join(cstring(key) + cstring(value) for key, value in parameters.items()) + b"\0"
    return _INT32.pack(len(body) + 8) + _INT32.pack(PROTOCOL_3_0) + body


def cancel_request(key: bytes) -> bytes:
    """`key` is the body of BackendKeyData."""
    return _INT32.pack(8 + len(key)) + _INT32.pack(CANCEL_REQUEST) + key


def fields(kind: bytes, values: list[tuple[str, str]]) -> bytes:
    """An ErrorResponse (`E`) or NoticeResponse (`N`)."""
    return message(kind, b"".join(code.encode() + cstring(value) for code, value in values) + b"\0")


def error_response(error: SqlError) -> bytes:
    values = [("S", error.severity), ("C", error.sqlstate), ("M", error.message)]
    if error.detail:
        values.append(("D", error.detail))
    if error.hint:
        values.append(("H", error.hint))
    return fields(b"E", values)


def read_fields(body: bytes) -> list[tuple[str, str]]:
    """The fields of an ErrorResponse or NoticeResponse."""
    return [(part[:1].decode("latin-1"), part[1:].decode("utf-8", "replace")) for part in body.split(b"\0") if part]


def read_startup(body: bytes) -> dict[str, str]:
    """The parameters of a StartupMessage, without length and version. Throws ProtocolError."""
    parts = body.split(b"\0")
    if len(parts) < 2 or parts[-1] or parts[-2]:
        raise ProtocolError("invalid startup packet layout: expected terminator as last byte")
    values = parts[:-2]
    if len(values) % 2:
        raise ProtocolError("invalid startup packet layout: a name without a value")
    try:
        texts = [value.decode() for value in values]
    except UnicodeDecodeError as error:
        raise ProtocolError("startup packet is not UTF-8") from error
    return dict(zip(texts[::2], texts[1::2], strict=True))


def cut_messages(buffer: bytearray) -> Iterator[tuple[int, bytes]]:
    """Takes every complete message off the front of `buffer`. Throws ProtocolError.

    A consumer that stops early loses nothing: a message is removed before it is returned.
    """
    while len(buffer) >= 5:
        kind, length = _HEAD.unpack_from(buffer)
        if length < 4 or length > MESSAGE_BYTES_MAX:
            raise ProtocolError(f"invalid message length {length}")
        if len(buffer) < length + 1:
            return
        body = bytes(buffer[5 : length + 1])
        del buffer[: length + 1]
        yield kind, body
