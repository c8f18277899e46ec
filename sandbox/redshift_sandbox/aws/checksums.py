"""The checksums of S3's x-amz-checksum-* headers.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html

Only CRC-32 and the SHA family have fast code in the standard library. CRC-32C and CRC-64/NVME, which S3 computes
for everything without a checksum, use NumPy on many pieces of the bytes at once.
"""

from __future__ import annotations

import base64
import hashlib
import os
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

_Words = npt.NDArray[np.uint64]


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


_LANE = 128  # bytes that are read one after the other
_LANES_MAX = 8192  # read at the same time: 1 MiB
_SHORT = 256  # below this, the calls of NumPy cost more than they save


@lru_cache
def _pairs(polynomial: int) -> _Words:
    """Two bytes at a time."""
    once = np.array(_table(polynomial), dtype=np.uint64)
    value = np.arange(65536, dtype=np.uint64)
    for _ in range(2):
        value = once[value & np.uint64(0xFF)] ^ value >> np.uint64(8)
    return value


def _after_zeros(polynomial: int, bits: int, count: int) -> list[int]:
    """What each bit of a state becomes when `count` zero bytes follow."""
    table = _table(polynomial)
    images = []
    for bit in range(bits):
        value = 1 << bit
        for _ in range(count):
            value = table[value & 0xFF] ^ value >> 8
        images.append(value)
    return images


@lru_cache
def _moves(polynomial: int, bits: int) -> list[_Words]:
    """For each level of joining: eight tables, one for each byte of the state, that advance a state by 128 bytes,
    256, 512, ..."""
    images = _after_zeros(polynomial, bits, _LANE)
    levels = []
    for _ in range(_LANES_MAX.bit_length() - 1):
        tables = np.zeros((8, 256), dtype=np.uint64)
        for place in range(bits // 8):
            for byte in range(256):
                value = 0
                for bit in range(8):
                    if byte >> bit & 1:
                        value ^= images[place * 8 + bit]
                tables[place, byte] = value
        levels.append(tables)
        images = [int(_moved(np.array([image], dtype=np.uint64), tables)[0]) for image in images]
    return levels


def _moved(states: _Words, tables: _Words) -> _Words:
    result = np.zeros_like(states)
    for place in range(8):
        result ^= tables[place][states >> np.uint64(8 * place) & np.uint64(0xFF)]
    return result


class _TableCrc:
    """A reflected CRC of `bits` bits, starting from and ending in inverted form."""

    def __init__(self, polynomial: int, bits: int) -> None:
        self._polynomial, self._bits = polynomial, bits
        self._mask = (1 << bits) - 1
        self._value = self._mask

    def update(self, data: bytes) -> None:
        step = _LANE * _LANES_MAX
        for at in range(0, len(data), step):
            block = data[at : at + step]
            self._value = self._one_by_one(block) if len(block) < _SHORT else self._many(block)

    def digest(self) -> bytes:
        return (self._value ^ self._mask).to_bytes(self._bits // 8, "big")

    def _one_by_one(self, data: bytes) -> int:
        value, table = self._value, _table(self._polynomial)
        for byte in data:
            value = table[(value ^ byte) & 0xFF] ^ value >> 8
        return value

    def _many(self, data: bytes) -> int:
        """Cuts the bytes into lanes and joins them in pairs. The state so far is added to the first bytes; zeros
        in front of everything change nothing."""
        lanes = 1 << (-(-len(data) // _LANE) - 1).bit_length()
        padded = np.zeros(lanes * _LANE, dtype=np.uint8)
        padded[-len(data) :] = np.frombuffer(data, dtype=np.uint8)
        first = len(padded) - len(data)
        count = self._bits // 8
        padded[first : first + count] ^= np.frombuffer(self._value.to_bytes(count, "little"), dtype=np.uint8)
        columns = np.ascontiguousarray(padded.view("<u2").reshape(lanes, _LANE // 2).T)
        table = _pairs(self._polynomial)
        states: _Words = np.zeros(lanes, dtype=np.uint64)
        for column in columns:
            states = np.take(table, states.view("<u2")[::4] ^ column) ^ states >> np.uint64(16)
        for tables in _moves(self._polynomial, self._bits):
            if len(states) == 1:
                break
            states = _moved(states[0::2], tables) ^ states[1::2]
        return int(states[0])


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


def value_of(algorithm: str, data: bytes) -> str:
    checksum = new_checksum(algorithm)
    checksum.update(data)
    return encoded(checksum)


def of_file(algorithm: str, descriptor: int) -> str:
    """Of all bytes of an open file."""
    checksum, at = new_checksum(algorithm), 0
    while data := os.pread(descriptor, 1 << 20, at):
        checksum.update(data)
        at += len(data)
    return encoded(checksum)


def composite(algorithm: str, parts: Sequence[str]) -> str:
    """The checksum of the parts' checksums, and how many there were: what S3 keeps for an upload in parts, unless
    its type is FULL_OBJECT."""
    joined = b"".join(base64.b64decode(part) for part in parts)
    return f"{value_of(algorithm, joined)}-{len(parts)}"


def type_of(value: str) -> str:
    return "COMPOSITE" if "-" in value else "FULL_OBJECT"
