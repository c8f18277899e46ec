"""What S3 knows about the bytes of an object from a local file: computed once for each file, because the result
cache of UNLOAD links the same file into the store many times.
"""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

from redshift_sandbox.aws import checksums
from redshift_sandbox.aws.s3_model import StoredPart

# For everything that comes without a checksum.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
DEFAULT_ALGORITHM = "crc64nvme"
# Above this Redshift uploads a file in parts of this size (assumed).
_PART_BYTES = 8 << 20
_KEPT = 10_000

_Identity = tuple[int, int, int, int]


class FileFacts:
    """Any thread may call it. REQUIRES: files do not change."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._etags: dict[_Identity, str] = {}
        self._checksums: dict[_Identity, str] = {}

    def describe(self, file: Path) -> tuple[str, tuple[StoredPart, ...]]:
        """The ETag of a file from Redshift, and the parts it was uploaded in."""
        with file.open("rb") as content:
            size = os.fstat(content.fileno()).st_size
            identity = _identity(content.fileno())
            with self._mutex:
                etag = self._etags.get(identity)
            if etag is None:
                etag = _etag(content.fileno(), size)
                self._keep(self._etags, identity, etag)
        if size <= _PART_BYTES:
            return etag, ()
        sizes = [min(_PART_BYTES, size - at) for at in range(0, size, _PART_BYTES)]
        return etag, tuple(StoredPart(size) for size in sizes)

    def default_checksum(self, descriptor: int) -> str:
        identity = _identity(descriptor)
        with self._mutex:
            value = self._checksums.get(identity)
        if value is None:
            value = checksums.of_file(DEFAULT_ALGORITHM, descriptor)
            self._keep(self._checksums, identity, value)
        return value

    def _keep(self, into: dict[_Identity, str], identity: _Identity, value: str) -> None:
        with self._mutex:
            if len(into) >= _KEPT:
                into.clear()
            into[identity] = value


def _identity(descriptor: int) -> _Identity:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _etag(descriptor: int, size: int) -> str:
    if size <= _PART_BYTES:
        return hashlib.md5(os.pread(descriptor, size, 0)).hexdigest()
    digests, at = b"", 0
    while data := os.pread(descriptor, _PART_BYTES, at):
        digests += hashlib.md5(data).digest()
        at += len(data)
    return f"{hashlib.md5(digests).hexdigest()}-{-(-size // _PART_BYTES)}"
