"""Passes the backend's messages on to the client.

Rows are passed on in blocks: the loop only reads their lengths, and everything between two messages
that must be looked at is one slice of what was received.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

# Handles one message that is not a row: its type and body; None passes it on unchanged.
Handler = Callable[[int, bytes], bytes | None]

_LENGTH = struct.Struct(">I").unpack_from
_DATA_ROW = ord("D")
# version() cannot hold the NUL its text ends with; the compatibility catalog puts chr(1) there.
_VERSION_MARK, _VERSION_END = b"Redshift 1.0.436211\x01", b"Redshift 1.0.436211\x00"


class ResponseFilter:
    """One per session, one thread."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._tail = b""
        self.rows = 0  # DataRows passed on since the owner last set this to zero
        self.shows_version = False
        self.varbytes: list[int] = []  # columns of VARBYTE in the rows that come

    @property
    def incomplete(self) -> bool:
        return bool(self._tail)

    def feed(self, data: bytes) -> list[bytes | memoryview]:
        """What the client is to get for `data`, in order."""
        buffer = self._tail + data if self._tail else data
        view = memoryview(buffer)
        out: list[bytes | memoryview] = []
        size, start, position = len(buffer), 0, 0
        while size - position >= 5:
            kind = buffer[position]
            first = position
            if kind == _DATA_ROW:
                count = 0
                while size - position >= 5 and buffer[position] == _DATA_ROW:
                    end = position + 1 + _LENGTH(buffer, position + 1)[0]
                    if end > size:
                        break
                    position = end
                    count += 1
                self.rows += count
                if position == first:
                    break
                continue
            end = position + 1 + _LENGTH(buffer, position + 1)[0]
            if end > size:
                break
            # What the handler decides may concern the rows before it: they are sent first.
            if position > start:
                out.append(self._patched(view[start:position]))
            replaced = self._handler(kind, bytes(view[position + 5 : end]))
            if replaced is None:
                out.append(view[position:end])
            elif replaced:
                out.append(replaced)
            start = position = end
        if position > start:
            out.append(self._patched(view[start:position]))
        self._tail = bytes(view[position:])
        return out

    def _patched(self, rows: memoryview) -> bytes | memoryview:
        if self.varbytes:
            rows = memoryview(b"".join(without_mark(body, self.varbytes) for body in _bodies(rows)))
        if not self.shows_version:
            return rows
        return bytes(rows).replace(_VERSION_MARK, _VERSION_END)


def _bodies(rows: memoryview) -> Iterator[bytes]:
    position = 0
    while position < len(rows):
        end = position + 1 + _LENGTH(rows, position + 1)[0]
        yield bytes(rows[position + 5 : end])
        position = end


def without_mark(body: bytes, columns: list[int]) -> bytes:
    """A DataRow in which the values of `columns` are hexadecimal digits without the \\x before them."""
    out, position = bytearray(body[:2]), 2
    for number in range(int.from_bytes(body[:2], "big")):
        (length,) = struct.unpack_from(">i", body, position)
        value = body[position + 4 : position + 4 + max(length, 0)]
        position += 4 + max(length, 0)
        if number in columns and value.startswith(b"\\x"):
            value = value[2:]
            length -= 2
        out += struct.pack(">i", length) + value
    return b"D" + struct.pack(">I", len(out) + 4) + bytes(out)
