"""A socket, plain or TLS, that never blocks and keeps what it could not send yet.

One thread owns a Stream, because an OpenSSL connection may not be used by two.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
from collections import deque

RECEIVE_BYTES = 1 << 18
# With more unsent output than this, nothing more is read from the other side, so that a slow client costs
# memory for a few rows and not for the whole result.
BACKLOG_BYTES = 1 << 20


class Closed(Exception):
    """The peer has closed the connection."""


class Stream:
    """Takes over `sock`, which must have finished its handshake."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock = sock
        self._out: deque[memoryview] = deque()
        self._out_bytes = 0
        self._read_needs_write = False
        self.reset_after: int | None = None  # reset the connection when this number of bytes has been sent

    def receive(self) -> bytes | None:
        """What has arrived; None if nothing has. Throws Closed at the end of the stream."""
        self._read_needs_write = False
        try:
            data = self.sock.recv(RECEIVE_BYTES)
        except (ssl.SSLWantReadError, BlockingIOError, InterruptedError):
            return None
        except ssl.SSLWantWriteError:
            self._read_needs_write = True
            return None
        except (OSError, ValueError) as error:
            raise Closed(type(error).__name__) from error
        if not data:
            raise Closed("end of stream")
        return data

    def queue(self, data: bytes | memoryview) -> None:
        if data:
            self._out.append(memoryview(data))
            self._out_bytes += len(data)

    def flush(self) -> None:
        """Sends as much as the socket takes now. Throws Closed."""
        while self._out:
            head = self._out[0]
            if self.reset_after is not None:
                if self.reset_after <= 0:
                    self.reset()
                head = head[: self.reset_after]
            try:
                sent = self.sock.send(head)
            except (ssl.SSLWantWriteError, ssl.SSLWantReadError, BlockingIOError, InterruptedError):
                return
            except (OSError, ValueError) as error:
                raise Closed(type(error).__name__) from error
            self._out_bytes -= sent
            if self.reset_after is not None:
                self.reset_after -= sent
            if sent == len(self._out[0]):
                self._out.popleft()
            else:
                self._out[0] = self._out[0][sent:]

    def reset(self) -> None:
        """Ends the connection with RST, whatever was being sent. Throws Closed."""
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.drop()
        raise Closed("reset by fault")

    def flush_all(self, timeout_seconds: float) -> None:
        """Sends everything, or throws Closed if the peer does not read it in time."""
        self.flush()
        while self._out:
            poller = select.poll()
            poller.register(self.sock, select.POLLOUT | select.POLLIN)
            if not poller.poll(timeout_seconds * 1000):
                raise Closed("peer does not read")
            self.flush()

    @property
    def waits_to_send(self) -> bool:
        return bool(self._out)

    @property
    def congested(self) -> bool:
        return self._out_bytes > BACKLOG_BYTES

    @property
    def has_decrypted(self) -> bool:
        """Bytes that TLS has already read from the socket: poll() does not see them."""
        return isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0

    def events(self, *, read: bool) -> int:
        wanted = select.POLLIN if read else 0
        if self._out or self._read_needs_write:
            wanted |= select.POLLOUT
        return wanted

    def shut(self) -> None:
        """Ends the owner's wait from another thread; does not touch the state of TLS."""
        with contextlib.suppress(OSError, ValueError):
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def close(self) -> None:
        farewell(self.sock)

    def drop(self) -> None:
        """Closes without a message, as when a network fails."""
        with contextlib.suppress(OSError):
            self.sock.close()


def farewell(sock: socket.socket) -> None:
    """Closes; over TLS with a close notification, because libpq reports an error without one."""
    with contextlib.suppress(OSError, ValueError):
        if isinstance(sock, ssl.SSLSocket):
            sock.setblocking(False)
            sock.unwrap()  # sends ours and does not wait for the peer's
    with contextlib.suppress(OSError):
        sock.close()


def wait(streams: list[tuple[Stream, bool]], timeout_seconds: float | None) -> None:
    """Returns when a stream can be read (if asked) or take output, or after the timeout."""
    poller = select.poll()
    for stream, read in streams:
        if read and stream.has_decrypted:
            return
        events = stream.events(read=read)
        if events:
            poller.register(stream.sock, events)
    poller.poll(None if timeout_seconds is None else timeout_seconds * 1000)
