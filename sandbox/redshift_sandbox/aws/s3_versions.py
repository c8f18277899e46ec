"""How puts and deletes change the versions of a bucket: only its tables, without lock or files.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html. The caller holds the
store's lock, and removes the files of what these functions return.
"""

from __future__ import annotations

import bisect
import datetime as dt
import secrets
from collections.abc import Iterator

from redshift_sandbox.aws.s3_model import NULL_VERSION, Bucket, DeleteMarker, StoredObject, Version


def new_version_id(bucket: Bucket) -> str:
    return secrets.token_urlsafe(24) if bucket.versioning == "Enabled" else NULL_VERSION


def place(bucket: Bucket, stored: StoredObject) -> list[StoredObject]:
    """`stored` becomes the key's current object. Returns what can no longer be read."""
    earlier = bucket.objects.get(stored.key)
    dropped = _shelve(bucket, stored.key, _take_current(bucket, stored.key)) if earlier else []
    if bucket.versioning == "Suspended":
        dropped += _drop_null(bucket, stored.key)
    _make_current(bucket, stored)
    return dropped


def remove(bucket: Bucket, key: str, now: dt.datetime) -> tuple[DeleteMarker | None, list[StoredObject]]:
    """A delete without a version: removes the object, or hides it with a marker if the bucket keeps versions."""
    current = _take_current(bucket, key)
    if not bucket.versioning:
        return None, [current] if current is not None else []
    dropped = _shelve(bucket, key, current)
    if bucket.versioning == "Suspended":
        dropped += _drop_null(bucket, key)
    marker = DeleteMarker(key, new_version_id(bucket), now)
    bucket.history.setdefault(key, []).insert(0, marker)
    return marker, dropped


def remove_version(bucket: Bucket, key: str, version_id: str) -> Version | None:
    """Removes one version; if it was the latest, the next older one becomes the latest."""
    current = bucket.objects.get(key)
    removed: Version | None = None
    if current is not None and current.version_id == version_id:
        removed = _take_current(bucket, key)
    else:
        past = bucket.history.get(key, [])
        removed = next((v for v in past if v.version_id == version_id), None)
        if removed is not None:
            past.remove(removed)
    past = bucket.history.get(key, [])
    if key not in bucket.objects and past and isinstance(past[0], StoredObject):
        top = past.pop(0)
        assert isinstance(top, StoredObject)
        _make_current(bucket, top)
    if not past:
        bucket.history.pop(key, None)
    return removed


def find_version(bucket: Bucket, key: str, version_id: str) -> Version | None:
    return next((v for v in _of_key(bucket, key) if v.version_id == version_id), None)


def all_versions(bucket: Bucket, prefix: str = "") -> Iterator[tuple[Version, bool]]:
    """Every version below `prefix`, keys in order and newest first, and whether it is the latest."""
    for key in sorted({*bucket.objects, *bucket.history}):
        if key.startswith(prefix):
            for place_of, version in enumerate(_of_key(bucket, key)):
                yield version, place_of == 0


def noncurrent_since(bucket: Bucket) -> Iterator[tuple[Version, dt.datetime]]:
    """Every version that is not the latest, and when the next newer one was stored."""
    for key in list(bucket.history):
        newer: dt.datetime | None = None
        for version in _of_key(bucket, key):
            if newer is not None:
                yield version, newer
            newer = version.modified


def _of_key(bucket: Bucket, key: str) -> list[Version]:
    current = bucket.objects.get(key)
    return [*([current] if current is not None else []), *bucket.history.get(key, [])]


def _take_current(bucket: Bucket, key: str) -> StoredObject | None:
    stored = bucket.objects.pop(key, None)
    if stored is not None:
        del bucket.order[bisect.bisect_left(bucket.order, key)]
    return stored


def _make_current(bucket: Bucket, stored: StoredObject) -> None:
    if stored.key not in bucket.objects:
        bisect.insort(bucket.order, stored.key)
    bucket.objects[stored.key] = stored


def _shelve(bucket: Bucket, key: str, current: StoredObject | None) -> list[StoredObject]:
    """Moves the last current object to the older versions if it must be kept; otherwise returns it."""
    if current is None:
        return []
    kept = bucket.versioning == "Enabled" or (bucket.versioning and current.version_id != NULL_VERSION)
    if not kept:
        return [current]
    bucket.history.setdefault(key, []).insert(0, current)
    return []


def _drop_null(bucket: Bucket, key: str) -> list[StoredObject]:
    """There is at most one version called null: a new one replaces it, marker or object."""
    past = bucket.history.get(key, [])
    gone = [v for v in past if v.version_id == NULL_VERSION]
    if gone:
        bucket.history[key] = [v for v in past if v.version_id != NULL_VERSION]
        if not bucket.history[key]:
            del bucket.history[key]
    return [v for v in gone if isinstance(v, StoredObject)]
