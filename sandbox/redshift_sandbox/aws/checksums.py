"""The checksums of S3's x-amz-checksum-* headers.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html

Only CRC-32 and the SHA family have fast code in the standard library; clients choose CRC-32C and
CRC-64/NVME mostly with AWS's own C library installed, and then pay for our tables written in Python.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from functools import lru_cache
from typing import Protocol


class Checksum(Protocol):
    def update(self, data: bytes) -> None: ...

    def digest(self) -> bytes: ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


@lru_cache
def _table(polynomial: int) -> tuple[int, ...]:
    rows = []
    for row in range(256):
        for _ in range(8):
            row = row >> 1 ^ (polynomial if row & 1 else 0)
        rows.append(row)
    return tuple(rows)


class _TableCrc:
    """A reflected CRC of `bits` bits, starting from and ending in inverted form."""

    def __init__(self, polynomial: int, bits: int) -> None:
        self._table = _table(polynomial)
        self._bytes = bits // 8
        self._mask = (1 << bits) - 1
        self._value = self._mask

    def update(self, data: bytes) -> None:
        value, table = self._value, self._table
        for byte in data:
            value = table[(value ^ byte) & 0xFF] ^ value >> 8
        self._value = value

    def digest(self) -> bytes:
        return (self._value ^ self._mask).to_bytes(self._bytes, "big")


ALGORITHMS = ("crc32", "crc32c", "crc64nvme", "sha1", "sha256")


def new_checksum(algorithm: str) -> Checksum:
    """REQUIRES: `algorithm` is one of ALGORITHMS."""
    if algorithm == "crc32":
        return _Crc32()
    if algorithm == "crc32c":
        return _TableCrc(0x82F63B78, 32)
    if algorithm == "crc64nvme":
        return _TableCrc(0x9A6C9329AC4BC9B5, 64)
    return hashlib.new(algorithm)


def encoded(checksum: Checksum) -> str:
    return base64.b64encode(checksum.digest()).decode()
