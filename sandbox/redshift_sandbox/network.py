"""Ports that fail as real networks do, on loopback, for tests of diagnoses.

with silent_port() as port: ...     a firewall that drops: connecting never ends
with foreign_port() as port: ...    a server answers, but speaks HTTP
with mute_port() as port: ...       a server accepts the connection and sends nothing
port = closed_port()                no server listens: the connection is refused
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_HOST = "127.0.0.1"
_FILLERS_MAX = 64
_QUIET_SECONDS = 0.3  # loopback answers within microseconds: a longer wait has no end
_HTTP = (
    b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n"
    b"Connection: close\r\n\r\nBad Request\n"
)


def closed_port() -> int:
    """A port where no server listens at this moment."""
    with socket.create_server((_HOST, 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that drops every SYN: its listener never accepts and its backlog is full. Raises RuntimeError where
    the kernel does not drop then."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((_HOST, 0))
        listener.listen(0)
        port = int(listener.getsockname()[1])
        for _ in range(_FILLERS_MAX):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex((_HOST, port))
            if not select.select([], [filler], [], _QUIET_SECONDS)[1]:
                break
        else:
            raise RuntimeError("this kernel accepts connections although the backlog of the listener is full")
        yield port


@contextmanager
def foreign_port(answer: bytes = _HTTP) -> Iterator[int]:
    """A server of another kind: it gives the same answer to everything, and closes."""

    def talk(sock: socket.socket) -> None:
        if sock.recv(65536):
            sock.sendall(answer)

    with _serving(talk) as port:
        yield port


@contextmanager
def mute_port() -> Iterator[int]:
    """A server that accepts connections and sends nothing, until the block ends."""
    over = threading.Event()
    with _serving(lambda _: bool(over.wait())) as port:
        try:
            yield port
        finally:
            over.set()


@contextmanager
def _serving(talk: Callable[[socket.socket], object]) -> Iterator[int]:
    """Each connection gets a thread that runs `talk` and closes it."""
    listener = socket.create_server((_HOST, 0))
    threads: list[threading.Thread] = []

    def serve(sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError):
            talk(sock)

    def accept() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=(sock,), daemon=True))
            threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(5)
