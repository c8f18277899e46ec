"""A proxy between the program and a PostgreSQL server, plain TCP, that goes wrong at COMMIT."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable

_LENGTH = struct.Struct(">I")
Act = Callable[[], None]


class Between:
    """`before` is called with COMMIT in hand and not passed on, `after` with its answer in hand and not passed on.
    Each returns True if the connection is to be reset there. Used as a context manager."""

    def __init__(self, port: int, before: Callable[[], bool], after: Callable[[], bool]) -> None:
        self._server = ("127.0.0.1", port)
        self._before, self._after = before, after
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.commits = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Between:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._server)
            except OSError:  # it is down: so are we
                _reset(client)
                continue
            _Talk(self, client, server).start()

    def before(self) -> bool:
        self.commits += 1
        return self._before()

    def after(self) -> bool:
        return self._after()


class _Talk:
    def __init__(self, owner: Between, client: socket.socket, server: socket.socket) -> None:
        self._owner, self._client, self._server = owner, client, server
        self._committing = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._requests, daemon=True).start()
        threading.Thread(target=self._answers, daemon=True).start()

    def _end(self) -> None:
        _reset(self._client)
        _reset(self._server)

    def _requests(self) -> None:
        buffer, started = bytearray(), False
        with contextlib.suppress(OSError):
            while data := self._client.recv(1 << 16):
                buffer += data
                while True:
                    head = 0 if not started else 1
                    if len(buffer) < head + 4:
                        break
                    size = head + _LENGTH.unpack_from(buffer, head)[0]
                    if len(buffer) < size:
                        break
                    message, started = bytes(buffer[:size]), True
                    del buffer[:size]
                    if message[:1] == b"Q" and message[5:].rstrip(b"\0; \n").upper() == b"COMMIT":
                        if self._owner.before():
                            self._end()
                            return
                        self._committing.set()
                    self._server.sendall(message)
        self._end()

    def _answers(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._server.recv(1 << 16):
                if self._committing.is_set():
                    self._committing.clear()
                    if self._owner.after():
                        break
                self._client.sendall(data)
        self._end()


def _reset(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


class Times:
    """True for the first `count` times, calling `act` first; then False."""

    def __init__(self, count: int = 0, act: Act | None = None) -> None:
        self._left, self._act = count, act
        self._mutex = threading.Lock()

    def __call__(self) -> bool:
        with self._mutex:
            if self._left == 0:
                return False
            self._left -= 1
        if self._act is not None:
            self._act()
        return True
