"""The body of an S3 request: removes aws-chunked, verifies hashes, chunk signatures and checksums.
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator

from redshift_sandbox.aws.checksums import ALGORITHMS, Checksum, encoded, new_checksum
from redshift_sandbox.aws.messages import Request
from redshift_sandbox.aws.sigv4 import UNSIGNED, Verified
from redshift_sandbox.contracts import AwsError

_CHUNKED_UNSIGNED = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
_CHUNKED_SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
_CHUNKED_SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
_CHUNKED = (_CHUNKED_UNSIGNED, _CHUNKED_SIGNED, _CHUNKED_SIGNED_TRAILER)
_EMPTY_HASH = hashlib.sha256(b"").hexdigest()
_CHUNK_MAX = 64 << 20


def declared_payload(request: Request, *, presigned: bool) -> str:
    """The value that the signature covers instead of the body's hash."""
    value = request.headers.get("x-amz-content-sha256")
    if value is None:
        if presigned:
            return UNSIGNED
        raise AwsError("InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
    if value != UNSIGNED and value not in _CHUNKED and not re.fullmatch(r"[0-9a-f]{64}", value):
        raise AwsError(
            "InvalidArgument",
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid "
            "sha256 value.",
        )
    return value


class Payload:
    """Read `chunks` to the end: only then is the body checked, and are `md5` and `checksum` known.

    Raises AwsError: XAmzContentSHA256Mismatch, BadDigest, InvalidDigest, IncompleteBody,
    SignatureDoesNotMatch (of a chunk), InvalidRequest (a broken frame or checksum header).
    """

    def __init__(self, request: Request, verified: Verified, declared: str) -> None:
        self._request = request
        self._declared = declared
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256() if len(declared) == 64 else None
        self._expected_md5 = _content_md5(request)
        self._checksum_name, self._expected_checksum = _announced_checksum(request)
        self._checksum: Checksum | None = (
            new_checksum(self._checksum_name) if self._checksum_name is not None else None
        )
        self._signer = _ChunkSigner(verified) if declared.startswith(_CHUNKED_SIGNED) else None
        self.proven_by_client = self._expected_md5 is not None or self._checksum_name is not None

    @property
    def md5(self) -> str:
        return self._md5.hexdigest()

    @property
    def checksum(self) -> tuple[str, str] | None:
        """The checksum that the client sent: algorithm and base64."""
        if self._checksum_name is None or self._checksum is None:
            return None
        return self._checksum_name, encoded(self._checksum)

    def read_small(self) -> bytes:
        limit, data = 4 << 20, bytearray()
        for chunk in self.chunks():
            data += chunk
            if len(data) > limit:
                raise AwsError("MaxMessageLengthExceeded", "Your request was too large.")
        return bytes(data)

    def chunks(self) -> Iterator[bytes]:
        chunked = self._declared in _CHUNKED
        for chunk in self._unframed() if chunked else self._request.body.chunks():
            self._md5.update(chunk)
            if self._sha256 is not None:
                self._sha256.update(chunk)
            if self._checksum is not None:
                self._checksum.update(chunk)
            yield chunk
        self._verify()

    def _verify(self) -> None:
        if self._sha256 is not None and self._sha256.hexdigest() != self._declared:
            raise AwsError(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
                members={
                    "ClientComputedContentSHA256": self._declared,
                    "S3ComputedContentSHA256": self._sha256.hexdigest(),
                },
            )
        if self._expected_md5 is not None and self._expected_md5 != self._md5.digest():
            raise AwsError("BadDigest", "The Content-MD5 you specified did not match what we received.")
        if self._checksum is not None and self._expected_checksum != encoded(self._checksum):
            raise AwsError(
                "BadDigest",
                f"The {(self._checksum_name or '').upper()} you specified did not match the calculated "
                "checksum.",
            )

    def _unframed(self) -> Iterator[bytes]:
        frames = _Frames(self._request.body.chunks())
        total = 0
        while True:
            header = frames.line()
            size_text, _, extension = header.partition(";")
            if not re.fullmatch(r"[0-9a-fA-F]{1,8}", size_text) or int(size_text, 16) > _CHUNK_MAX:
                raise AwsError("InvalidRequest", "The size of an aws-chunked chunk is not valid.")
            data = frames.exactly(int(size_text, 16))
            if self._signer is not None:
                self._signer.check_chunk(data, extension.removeprefix("chunk-signature="))
            if not data:
                break
            frames.end_of_chunk()
            total += len(data)
            yield data
        self._read_trailer(frames)
        if self._request.headers.get("x-amz-decoded-content-length") != str(total):
            raise AwsError(
                "IncompleteBody",
                "You did not provide the number of bytes specified by the x-amz-decoded-content-length "
                "HTTP header",
            )

    def _read_trailer(self, frames: _Frames) -> None:
        lines = []
        while line := frames.line(at_end=True):
            lines.append(line)
        trailer = dict(_split_field(line) for line in lines)
        signature = trailer.pop("x-amz-trailer-signature", None)
        if self._declared == _CHUNKED_SIGNED_TRAILER and self._signer is not None:
            self._signer.check_trailer(trailer, signature or "")
        announced = self._request.headers.get("x-amz-trailer")
        if announced is not None and announced.lower() not in trailer:
            raise AwsError("MalformedTrailerError", f"The trailer {announced} was announced but not sent.")
        if self._checksum_name is not None and announced is not None:
            self._expected_checksum = trailer.get(f"x-amz-checksum-{self._checksum_name}")


class _Frames:
    """Reads lines and exact lengths from a stream of chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = bytearray()

    def _more(self) -> bool:
        chunk = next(self._chunks, None)
        if chunk is None:
            return False
        self._buffer += chunk
        return True

    def line(self, *, at_end: bool = False) -> str:
        """The next line. `at_end`: the body may end here, and its end counts as an empty line."""
        while (cut := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > 16384 or not self._more():
                if at_end and not self._buffer:
                    return ""
                raise AwsError("IncompleteBody", "The aws-chunked body ended inside a frame.")
        text = self._buffer[:cut].decode("latin-1")
        del self._buffer[: cut + 2]
        return text

    def exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            if not self._more():
                raise AwsError("IncompleteBody", "The aws-chunked body ended inside a chunk.")
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def end_of_chunk(self) -> None:
        if self.exactly(2) != b"\r\n":
            raise AwsError("InvalidRequest", "An aws-chunked chunk is longer than its size says.")


class _ChunkSigner:
    """The signature of each chunk covers the one before it; the first covers that of the request."""

    def __init__(self, verified: Verified) -> None:
        signature = verified.signature
        self._stamp = signature.timestamp
        self._scope = f"{signature.date}/{signature.region}/s3/aws4_request"
        self._previous = signature.value
        key = f"AWS4{verified.secret}".encode()
        for part in (signature.date, signature.region, "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        self._key = key

    def check_chunk(self, data: bytes, given: str) -> None:
        digest = hashlib.sha256(data).hexdigest()
        self._check("AWS4-HMAC-SHA256-PAYLOAD", f"{_EMPTY_HASH}\n{digest}", given)

    def check_trailer(self, trailer: dict[str, str], given: str) -> None:
        text = "".join(f"{name}:{value}\n" for name, value in sorted(trailer.items()))
        self._check("AWS4-HMAC-SHA256-TRAILER", hashlib.sha256(text.encode()).hexdigest(), given)

    def _check(self, algorithm: str, tail: str, given: str) -> None:
        text = f"{algorithm}\n{self._stamp}\n{self._scope}\n{self._previous}\n{tail}"
        expected = hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected.encode(), given.encode()):
            raise AwsError(
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided.",
                403,
            )
        self._previous = expected


def _split_field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


def _content_md5(request: Request) -> bytes | None:
    text = request.headers.get("content-md5")
    if text is None:
        return None
    try:
        digest = base64.b64decode(text, validate=True)
    except ValueError:
        digest = b""
    if len(digest) != 16:
        raise AwsError("InvalidDigest", "The Content-MD5 you specified was invalid.")
    return digest


def _announced_checksum(request: Request) -> tuple[str | None, str | None]:
    """Algorithm and value of the checksum header; the value is None while it is still in the trailer."""
    trailer = (request.headers.get("x-amz-trailer") or "").lower()
    found: list[tuple[str, str | None]] = []
    for algorithm in ALGORITHMS:
        name = f"x-amz-checksum-{algorithm}"
        value = request.headers.get(name)
        if value is not None:
            found.append((algorithm, value))
        elif trailer == name:
            found.append((algorithm, None))
    if len(found) > 1:
        raise AwsError("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types "
                       "are not allowed.")  # fmt: skip
    return found[0] if found else (None, None)
