"""One HTTP request and one response, as the services see them."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import unquote, unquote_plus

from redshift_sandbox.contracts import AwsError

SMALL_BODY_MAX = 4 << 20  # the largest body of a control or query call


class Headers:
    """Header fields in order; names compare without case."""

    def __init__(self, items: Iterable[tuple[str, str]] = ()) -> None:
        self._items = list(items)
        self._by_name: dict[str, list[str]] = {}
        for name, value in self._items:
            self._by_name.setdefault(name.lower(), []).append(value)

    def get(self, name: str) -> str | None:
        values = self._by_name.get(name.lower())
        return values[0] if values else None

    def get_all(self, name: str) -> list[str]:
        return list(self._by_name.get(name.lower(), ()))

    def items(self) -> list[tuple[str, str]]:
        return list(self._items)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._by_name

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)


class BodySource(Protocol):
    """The bytes of a request's body, still on the connection."""

    def chunks(self) -> Iterator[bytes]:
        """The body in order, with the transfer coding removed. REQUIRES: called once."""
        ...


@dataclass
class Request:
    method: str
    raw_path: str  # as the client sent it, without the query
    raw_query: str
    headers: Headers
    client: str
    body: BodySource = field(repr=False)
    query: list[tuple[str, str]] = field(default_factory=list)
    path: str = ""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def __post_init__(self) -> None:
        self.path = unquote(self.raw_path)
        self.query = [
            (unquote_plus(name), unquote_plus(value))
            for name, _, value in (p.partition("=") for p in self.raw_query.split("&") if p)
        ]

    @property
    def host(self) -> str:
        """The Host header without its port, in lower case."""
        host = (self.headers.get("host") or "").lower()
        return host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host

    def param(self, name: str) -> str | None:
        return next((value for key, value in self.query if key == name), None)

    def params(self) -> dict[str, str]:
        return dict(reversed(self.query))

    def read_small(self) -> bytes:
        """The whole body. Raises AwsError RequestEntityTooLarge 413 above SMALL_BODY_MAX."""
        data = bytearray()
        for chunk in self.body.chunks():
            data += chunk
            if len(data) > SMALL_BODY_MAX:
                raise AwsError("RequestEntityTooLarge", "Request body is too large.", 413)
        return bytes(data)


@dataclass
class FileBody:
    """A slice of an open file as the body of a response; the one who sends it closes the descriptor.

    The descriptor keeps the bytes even if the object is replaced or removed meanwhile.
    """

    descriptor: int
    offset: int
    length: int
    bytes_per_second: float | None = None
    reset_after: int | None = None  # end the connection after this number of bytes of the body
    cut_politely: bool = False  # with a normal close, as if all had been sent, instead of a reset
    flip_at: int | None = None  # invert this byte of the body

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


@dataclass
class Response:
    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | FileBody = b""
    # The length that a HEAD reply names without sending a body.
    announced_length: int | None = None
    lost: bool = False  # the operation is done, but the connection ends before the answer
    # For the request log: the operation, the principal's ARN and the error code, when known.
    note: dict[str, str] = field(default_factory=dict)

    @property
    def length(self) -> int:
        if self.announced_length is not None:
            return self.announced_length
        return self.body.length if isinstance(self.body, FileBody) else len(self.body)


def with_headers(response: Response, headers: Mapping[str, str]) -> Response:
    response.headers.extend(headers.items())
    return response
