"""Buckets, objects and their versions as plain values. `s3_store.ObjectStore` keeps them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from redshift_sandbox.aws.lifecycle import Rule
from redshift_sandbox.identity.model import Policy

NULL_VERSION = "null"  # the version of everything stored while versioning was off


@dataclass(frozen=True)
class ObjectHeaders:
    """What belongs to an object besides its bytes."""

    content_type: str = "binary/octet-stream"
    other: Mapping[str, str] = field(default_factory=dict)  # Cache-Control and similar
    metadata: Mapping[str, str] = field(default_factory=dict)
    encryption: str = "AES256"
    kms_key: str | None = None  # None also for the account's AWS managed key, which needs no rights


@dataclass(frozen=True)
class StoredPart:
    """A part that an object was uploaded in."""

    size: int
    checksum: str | None = None  # base64; None: S3 keeps none


@dataclass(frozen=True)
class StoredObject:
    key: str
    file: Path
    size: int
    etag: str  # without its quotes
    modified: dt.datetime
    headers: ObjectHeaders = ObjectHeaders()
    # Algorithm in lower case and base64 value, with "-N" if it is composite. None: CRC64NVME, which S3 adds by
    # itself; `ObjectStore.checksum_of` computes it when it is needed.
    checksum: tuple[str, str] | None = None
    version_id: str = NULL_VERSION
    parts: tuple[StoredPart, ...] = ()  # empty: it was uploaded in one piece


@dataclass(frozen=True)
class DeleteMarker:
    """What a delete without a version leaves in a versioned bucket."""

    key: str
    version_id: str
    modified: dt.datetime


Version = StoredObject | DeleteMarker


@dataclass(frozen=True)
class Part:
    number: int
    file: Path
    size: int
    etag: str
    modified: dt.datetime
    checksum: tuple[str, str] | None = None


@dataclass
class Upload:
    """An unfinished multipart upload."""

    id: str
    key: str
    initiated: dt.datetime
    headers: ObjectHeaders
    initiator: str
    algorithm: str | None = None  # of the checksums of its parts
    full_object: bool = True
    parts: dict[int, Part] = field(default_factory=dict)


@dataclass
class Bucket:
    name: str
    region: str
    account: str
    created: dt.datetime
    policy: Policy | None = None
    versioning: str = ""  # "Enabled", "Suspended", or "" if it never was
    lifecycle: tuple[Rule, ...] = ()
    kms_key: str | None = None  # ARN of the default encryption's key; None: SSE-S3
    objects: dict[str, StoredObject] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)  # keys, sorted: by code point, as UTF-8 sorts
    # Newest first: the older versions of a key. If a key has no current object, the first one is a delete marker.
    history: dict[str, list[Version]] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:::{self.name}"


@dataclass(frozen=True)
class Listing:
    objects: Sequence[StoredObject]
    prefixes: Sequence[str]
    truncated: bool
    last: str | None  # the last key or common prefix on this page
