"""The HTTPS server under the services: HTTP/1.1 with keep-alive, one thread per connection.

Built for large downloads: bodies are sent as slices of a memory-mapped file, directly to OpenSSL,
so Python copies nothing and the interpreter lock is free while a slice is encrypted and sent.
"""

from __future__ import annotations

import contextlib
import mmap
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from email.utils import format_datetime
from http import HTTPStatus
from io import BufferedReader
from typing import cast

from redshift_sandbox.aws.messages import FileBody, Headers, Request, Response
from redshift_sandbox.contracts import Clock

Handler = Callable[[Request], Response]

_LINE_MAX = 64 << 10  # presigned URLs and session tokens are long
_HEADERS_MAX = 200
_READ = 256 << 10
# Large enough that a slice costs little time in Python, small enough that the server stops soon.
_SLICE = 2 << 20
_FAREWELL_SECONDS = 0.5
_HANDSHAKE_SECONDS = 20.0
_STOP_SECONDS = 5.0


class BadRequest(Exception):
    """The bytes are not an HTTP request that we understand; the connection closes after the answer."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class _ConnectionBody:
    """Implements messages.BodySource over a connection, answering `Expect: 100-continue` on first use."""

    def __init__(self, reader: BufferedReader, headers: Headers, send_continue: Callable[[], None]) -> None:
        self._reader = reader
        self._chunked = (headers.get("transfer-encoding") or "").lower() == "chunked"
        self._left = 0 if self._chunked else _content_length(headers)
        self.awaited = (headers.get("expect") or "").lower() == "100-continue"
        self._send_continue = send_continue
        self._stream: Iterator[bytes] | None = None

    def chunks(self) -> Iterator[bytes]:
        if self._stream is None:
            self._stream = self._read_chunked() if self._chunked else self._read_plain()
        if self.awaited:
            self.awaited = False
            self._send_continue()
        return self._stream

    def drain(self) -> None:
        """Reads what the service did not read, so that the next request starts at its first byte."""
        for _ in self.chunks():
            pass

    def _read_plain(self) -> Iterator[bytes]:
        while self._left > 0:
            data = self._reader.read(min(self._left, _READ))
            if not data:
                raise ConnectionError("the client closed the connection in the middle of a body")
            self._left -= len(data)
            yield data

    def _read_chunked(self) -> Iterator[bytes]:
        while True:
            line = _read_line(self._reader)
            try:
                self._left = int(line.split(b";")[0], 16)
            except ValueError:
                raise BadRequest(400, "a chunk size is not hexadecimal") from None
            if self._left == 0:
                while _read_line(self._reader):
                    pass  # nothing in the trailers of the transfer coding is used
                return
            yield from self._read_plain()
            if _read_line(self._reader):
                raise BadRequest(400, "a chunk is longer than its size says")


class HttpsServer:
    """Serves `handler` until `stop`. Start it once; `stop` may be called twice.

    `handler` is called from many threads and must not raise; if it does, the answer is a plain 500.
    """

    def __init__(self, context: ssl.SSLContext, handler: Handler, clock: Clock) -> None:
        self._context = context
        self._handler = handler
        self._clock = clock
        self._listener: socket.socket | None = None
        self._acceptor: threading.Thread | None = None
        self._stopping = threading.Event()
        self._mutex = threading.Lock()
        self._connections: dict[socket.socket, threading.Thread] = {}

    def start(self, host: str, port: int) -> int:
        """Listens, and returns the port. Raises OSError if it is in use."""
        listener = socket.create_server((host, port), backlog=256)
        self._listener = listener
        self._acceptor = threading.Thread(target=self._accept, args=(listener,), name="aws-accept", daemon=True)
        self._acceptor.start()
        return int(listener.getsockname()[1])

    def stop(self) -> None:
        """Closes the listener and every connection, and waits for their threads."""
        self._stopping.set()
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
            self._listener.close()
        if self._acceptor is not None:
            self._acceptor.join(_STOP_SECONDS)
        with self._mutex:
            open_now = dict(self._connections)
        for connection in open_now:
            # The shutdown of the base class: the one of SSLSocket would remove the TLS state of the other thread.
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        deadline = time.monotonic() + _STOP_SECONDS
        for thread in open_now.values():
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                raw, address = listener.accept()
            except OSError:
                if self._stopping.wait(0.01):
                    return
                continue  # the peer closed before our accept, or there are no descriptors left
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            raw.settimeout(_HANDSHAKE_SECONDS)
            tls = self._context.wrap_socket(raw, server_side=True, do_handshake_on_connect=False)
            thread = threading.Thread(
                target=self._serve, args=(tls, str(address[0])), name="aws-connection", daemon=True
            )
            with self._mutex:
                self._connections[tls] = thread
            thread.start()

    def _serve(self, tls: ssl.SSLSocket, client: str) -> None:
        try:
            tls.do_handshake()
            tls.settimeout(None)
            with cast(BufferedReader, tls.makefile("rb", buffering=_READ)) as reader:
                while not self._stopping.is_set() and self._exchange(tls, reader, client):
                    pass
        except (OSError, ValueError, ConnectionError):
            pass  # the peer has closed, or refused our certificate: no answer is possible
        finally:
            with self._mutex:
                self._connections.pop(tls, None)
            with contextlib.suppress(OSError):
                tls.close()

    def _exchange(self, tls: ssl.SSLSocket, reader: BufferedReader, client: str) -> bool:
        """One request and its answer; False if the connection must end."""
        try:
            head = _read_head(reader)
            if head is None:
                return False
            method, target, headers = head
            body = _ConnectionBody(reader, headers, lambda: tls.sendall(b"HTTP/1.1 100 Continue\r\n\r\n"))
            raw_path, _, raw_query = target.partition("?")
            request = Request(method, raw_path, raw_query, headers, client, body)
            response = self._answer(request)
            if not body.awaited:
                body.drain()
        except BadRequest as error:
            self._send(tls, Response(error.status, [("Content-Type", "text/plain")], str(error).encode()),
                       close=True, head=False)  # fmt: skip
            return False
        # A client that waits for "100 Continue" never sends the body of a refused request.
        close = body.awaited or (headers.get("connection") or "").lower() == "close"
        self._send(tls, response, close=close, head=method == "HEAD")
        return not close

    def _answer(self, request: Request) -> Response:
        try:
            return self._handler(request)
        except (BadRequest, OSError):
            raise
        except Exception as error:
            text = f"internal error of the sandbox: {type(error).__name__}: {error}"
            return Response(500, [("Content-Type", "text/plain")], text.encode())

    def _send(self, tls: ssl.SSLSocket, response: Response, *, close: bool, head: bool) -> None:
        if response.lost:
            _reset(tls)
        lines = [f"HTTP/1.1 {response.status} {_reason(response.status)}"]
        lines += [f"{name}: {value}" for name, value in response.headers]
        lines.append(f"Date: {format_datetime(self._clock.now(), usegmt=True)}")
        lines.append("Server: redshift-sandbox")
        if response.status not in (204, 304):
            lines.append(f"Content-Length: {response.length}")
        if close:
            lines.append("Connection: close")
        start = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
        body = response.body
        if isinstance(body, FileBody):
            try:
                tls.sendall(start)
                if not head:
                    self._send_file(tls, body)
            finally:
                body.close()
        else:
            tls.sendall(start if head else start + body)

    def _send_file(self, tls: ssl.SSLSocket, body: FileBody) -> None:
        if body.length == 0:
            return
        start = body.offset - body.offset % mmap.ALLOCATIONGRANULARITY
        size = body.offset + body.length - start
        flags = mmap.MAP_SHARED | mmap.MAP_POPULATE
        mapped = mmap.mmap(body.descriptor, size, flags=flags, prot=mmap.PROT_READ, offset=start)
        try:
            with memoryview(mapped) as whole, whole[body.offset - start : size] as view:
                self._send_view(tls, view, body)
        finally:
            # When a client ends in the middle of a body, the frame of the failed send still uses the mapping; it is
            # unmapped together with that frame then.
            with contextlib.suppress(BufferError):
                mapped.close()

    def _send_view(self, tls: ssl.SSLSocket, view: memoryview, body: FileBody) -> None:
        step = _SLICE if body.bytes_per_second is None else max(1, int(body.bytes_per_second / 20))
        end = len(view) if body.reset_after is None else min(len(view), body.reset_after)
        for at in range(0, end, step):
            with view[at : min(at + step, end)] as piece:
                if body.flip_at is not None and at <= body.flip_at < at + len(piece):
                    damaged = bytearray(piece)
                    damaged[body.flip_at - at] ^= 0xFF
                    tls.sendall(damaged)
                else:
                    tls.sendall(piece)
            if body.bytes_per_second is not None and self._stopping.wait(step / body.bytes_per_second):
                return
        if body.reset_after is not None:
            if body.cut_politely:
                with contextlib.suppress(OSError, ValueError):
                    tls.settimeout(_FAREWELL_SECONDS)
                    tls.unwrap()
                raise ConnectionAbortedError("fault: the body ends early")
            _reset(tls)


def _reset(tls: ssl.SSLSocket) -> None:
    """Ends the connection with RST instead of a TLS close."""
    tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionResetError("fault: reset in the middle of a reply")


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _read_line(reader: BufferedReader) -> bytes:
    line = reader.readline(_LINE_MAX)
    if not line.endswith(b"\n"):
        if len(line) >= _LINE_MAX:
            raise BadRequest(431, "a header line is too long")
        raise ConnectionError("the client closed the connection in the middle of a request")
    return line.rstrip(b"\r\n")


def _read_head(reader: BufferedReader) -> tuple[str, str, Headers] | None:
    """Method, target and headers; None if the client ended the connection between requests."""
    if not reader.peek(1):
        return None
    parts = _read_line(reader).decode("latin-1").split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequest(400, "the request line is not METHOD TARGET HTTP/1.x")
    items: list[tuple[str, str]] = []
    while line := _read_line(reader):
        name, colon, value = line.partition(b":")
        if not colon or len(items) >= _HEADERS_MAX:
            raise BadRequest(400, "a header has no colon, or there are too many")
        items.append((name.decode("latin-1").strip(), _text(value.strip())))
    target = parts[1]
    if "://" in target.partition("?")[0]:  # the absolute form, as proxies send it
        target = "/" + target.partition("://")[2].partition("/")[2]
    return parts[0], target, Headers(items)


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _content_length(headers: Headers) -> int:
    text = headers.get("content-length") or "0"
    if not text.isdecimal():
        raise BadRequest(400, "Content-Length is not a number")
    return int(text)
