"""Buckets and objects on disk. Objects are files in this directory, everything about them is in memory: a
sandbox starts with empty buckets.

Files never change once they are stored: a PUT to an existing key stores a new file and unlinks the old one, so
a download that has started can end, and hard links to files of the store stay the same.
"""

from __future__ import annotations

import bisect
import hashlib
import os
import shutil
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from redshift_sandbox.aws import checksums, s3_versions
from redshift_sandbox.aws.file_facts import DEFAULT_ALGORITHM, FileFacts
from redshift_sandbox.aws.lifecycle import midnight_after
from redshift_sandbox.aws.s3_model import (
    Bucket,
    DeleteMarker,
    Listing,
    ObjectHeaders,
    Part,
    StoredObject,
    StoredPart,
    Upload,
    Version,
)
from redshift_sandbox.contracts import AwsError, Clock
from redshift_sandbox.identity.model import Policy, unique_id
from redshift_sandbox.identity.policy_document import parse_policy

_LAST = chr(0x10FFFF)  # sorts after every character of a key


class ObjectStore:
    """Any thread may call it. Raises AwsError NoSuchBucket, NoSuchUpload and similar; it checks no rights:
    `s3_access.S3Access` does."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        """REQUIRES: only this store uses `directory`; what an earlier one left there is removed."""
        self._objects = directory / "objects"
        self._incoming = directory / "incoming"
        for folder in (self._objects, self._incoming):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self._clock = clock
        self._mutex = threading.RLock()
        self._buckets: dict[str, Bucket] = {}
        self._linked = FileFacts()

    # Buckets

    def add_bucket(self, name: str, region: str, account: str) -> Bucket:
        with self._mutex:
            existing = self._buckets.get(name)
            if existing is not None:
                code = "BucketAlreadyOwnedByYou" if existing.account == account else "BucketAlreadyExists"
                raise AwsError(code, "The requested bucket name is not available.", 409)
            self._buckets[name] = Bucket(name, region, account, self._clock.now())
            return self._buckets[name]

    def bucket(self, name: str) -> Bucket:
        with self._mutex:
            if name not in self._buckets:
                raise AwsError(
                    "NoSuchBucket", "The specified bucket does not exist", 404, members={"BucketName": name}
                )
            return self._buckets[name]

    def buckets(self) -> list[Bucket]:
        with self._mutex:
            return sorted(self._buckets.values(), key=lambda b: b.name)

    def delete_bucket(self, bucket: Bucket) -> None:
        with self._mutex:
            if bucket.objects or bucket.uploads or bucket.history:
                raise AwsError("BucketNotEmpty", "The bucket you tried to delete is not empty", 409)
            self._buckets.pop(bucket.name, None)

    def set_policy(self, bucket: Bucket, text: str | Policy | None) -> None:
        """Replaces the bucket's policy; None removes it. Raises AwsError MalformedPolicy."""
        try:
            bucket.policy = None if text is None else parse_policy(text, kind="bucket")
        except AwsError as error:
            raise AwsError("MalformedPolicy", error.message) from None

    # Objects

    def incoming_file(self) -> Path:
        """A new path for bytes that arrive; give it to `commit` or unlink it."""
        return self._incoming / uuid.uuid4().hex

    def commit(
        self, bucket: Bucket, key: str, file: Path, etag: str, headers: ObjectHeaders,
        checksum: tuple[str, str] | None = None, *, if_match: str | None = None, if_none_match: bool = False,
        parts: tuple[StoredPart, ...] = (),
    ) -> StoredObject:  # fmt: skip
        """Makes the incoming file the object; after it returns, every read and list sees it.

        Raises PreconditionFailed 412 if the existing object does not meet the condition; nothing changes then.
        """
        size = file.stat().st_size
        if headers.encryption.startswith("aws:"):
            etag = _opaque(etag)
        with self._mutex:
            existing = bucket.objects.get(key)
            try:
                _check_preconditions(existing, if_match, if_none_match)
            except AwsError:
                file.unlink(missing_ok=True)
                raise
            final = self._objects / uuid.uuid4().hex
            file.rename(final)
            version = s3_versions.new_version_id(bucket)
            stored = StoredObject(key, final, size, etag, self._clock.now(), headers, checksum, version, parts)
            dropped = s3_versions.place(bucket, stored)
        _unlink(dropped)
        return stored

    def put_bytes(
        self, bucket: Bucket, key: str, body: bytes, headers: ObjectHeaders = ObjectHeaders()  # noqa: B008
    ) -> StoredObject:
        file = self.incoming_file()
        file.write_bytes(body)
        return self.commit(bucket, key, file, hashlib.md5(body).hexdigest(), headers)

    def put_file(
        self, bucket: Bucket, key: str, path: Path, *, link: bool, headers: ObjectHeaders = ObjectHeaders()  # noqa: B008
    ) -> StoredObject:
        """Stores a local file; `link` makes a hard link if the file system allows it."""
        file = self.incoming_file()
        try:
            if not link:
                raise OSError("a copy is wanted")
            os.link(path, file)
        except OSError:
            shutil.copyfile(path, file)
        etag, parts = self._linked.describe(file)
        return self.commit(bucket, key, file, etag, headers, parts=parts)

    def checksum_of(self, stored: StoredObject, descriptor: int) -> tuple[str, str]:
        """Algorithm and value of the object's checksum; `descriptor` is of its bytes."""
        if stored.checksum is not None:
            return stored.checksum
        return DEFAULT_ALGORITHM, self._linked.default_checksum(descriptor)

    def find(self, bucket: Bucket, key: str) -> StoredObject | None:
        with self._mutex:
            return bucket.objects.get(key)

    def open(self, bucket: Bucket, key: str) -> tuple[StoredObject, int] | None:
        """The object and a descriptor of its bytes, taken together; the caller closes it."""
        with self._mutex:
            stored = bucket.objects.get(key)
            return None if stored is None else (stored, os.open(stored.file, os.O_RDONLY | os.O_CLOEXEC))

    def delete(self, bucket: Bucket, key: str) -> DeleteMarker | None:
        """Removes the object if there is one; returns the delete marker if the bucket keeps versions."""
        with self._mutex:
            marker, dropped = s3_versions.remove(bucket, key, self._clock.now())
        _unlink(dropped)
        return marker

    def delete_version(self, bucket: Bucket, key: str, version_id: str) -> Version | None:
        """Removes and returns a version; None if there is none with that id."""
        with self._mutex:
            removed = s3_versions.remove_version(bucket, key, version_id)
        _unlink([removed] if isinstance(removed, StoredObject) else [])
        return removed

    def open_version(self, bucket: Bucket, key: str, version_id: str) -> tuple[Version, int] | None:
        """The version and a descriptor of its bytes (-1 for a marker); the caller closes it."""
        with self._mutex:
            version = s3_versions.find_version(bucket, key, version_id)
            if isinstance(version, StoredObject):
                return version, os.open(version.file, os.O_RDONLY | os.O_CLOEXEC)
            return None if version is None else (version, -1)

    def latest_marker(self, bucket: Bucket, key: str) -> DeleteMarker | None:
        """The marker that hides the key, if one does."""
        with self._mutex:
            past = bucket.history.get(key, [])
            top = past[0] if past and key not in bucket.objects else None
            return top if isinstance(top, DeleteMarker) else None

    def versions(self, bucket: Bucket, prefix: str = "") -> list[tuple[Version, bool]]:
        """Keys in order, newest first, each with whether it is the key's latest."""
        with self._mutex:
            return list(s3_versions.all_versions(bucket, prefix))

    def sweep(self, bucket: Bucket) -> None:
        """Removes what has expired by the bucket's lifecycle rules. Everything that reads a bucket calls this
        first, so that objects expire at once by the sandbox's clock; AWS itself may take another day."""
        if not bucket.lifecycle:
            return
        with self._mutex:
            now = self._clock.now()
            self._expire_objects(bucket)
            for rule in bucket.lifecycle:
                for version, since in list(s3_versions.noncurrent_since(bucket)):
                    days = rule.noncurrent_days
                    if days is not None and rule.covers(version.key) and midnight_after(since, days) <= now:
                        self.delete_version(bucket, version.key, version.version_id)
                for upload in list(bucket.uploads.values()):
                    days = rule.abort_days
                    if days is not None and rule.covers(upload.key) and midnight_after(upload.initiated, days) <= now:
                        self.abort_upload(bucket, upload)
                for key, past in list(bucket.history.items()):
                    lone = rule.lone_markers and rule.covers(key) and len(past) == 1 and key not in bucket.objects
                    if lone and isinstance(past[0], DeleteMarker):
                        self.delete_version(bucket, key, past[0].version_id)

    def _expire_objects(self, bucket: Bucket) -> None:
        now = self._clock.now()
        for stored in list(bucket.objects.values()):
            due = [rule.expires(stored.modified) for rule in bucket.lifecycle if rule.covers(stored.key)]
            if any(when is not None and when <= now for when in due):
                self.delete(bucket, stored.key)

    def list_objects(self, bucket: Bucket, prefix: str, delimiter: str, after: str, limit: int) -> Listing:
        """At most `limit` keys and common prefixes after `after`, in order."""
        with self._mutex:
            return _list(bucket, prefix, delimiter, after, limit)

    # Multipart uploads

    def create_upload(
        self, bucket: Bucket, key: str, headers: ObjectHeaders, initiator: str,
        algorithm: str | None = None, *, full_object: bool = True,
    ) -> Upload:  # fmt: skip
        identity = unique_id("up") + uuid.uuid4().hex
        upload = Upload(identity, key, self._clock.now(), headers, initiator, algorithm, full_object)
        with self._mutex:
            bucket.uploads[upload.id] = upload
        return upload

    def upload(self, bucket: Bucket, key: str, upload_id: str) -> Upload:
        with self._mutex:
            upload = bucket.uploads.get(upload_id)
            if upload is None or upload.key != key:
                raise AwsError(
                    "NoSuchUpload",
                    "The specified upload does not exist. The upload ID may be invalid, or the upload may "
                    "have been aborted or completed.",
                    404, members={"UploadId": upload_id},
                )  # fmt: skip
            return upload

    def uploads(self, bucket: Bucket, prefix: str = "") -> list[Upload]:
        with self._mutex:
            found = [u for u in bucket.uploads.values() if u.key.startswith(prefix)]
        return sorted(found, key=lambda u: (u.key, u.initiated))

    def add_part(
        self, bucket: Bucket, upload: Upload, number: int, file: Path, etag: str,
        checksum: tuple[str, str] | None,
    ) -> Part:  # fmt: skip
        part = Part(number, file, file.stat().st_size, etag, self._clock.now(), checksum)
        with self._mutex:
            if upload.id not in bucket.uploads:  # aborted while the part was sent
                file.unlink(missing_ok=True)
            self.upload(bucket, upload.key, upload.id)
            replaced = upload.parts.get(number)
            upload.parts[number] = part
        if replaced is not None:
            replaced.file.unlink(missing_ok=True)
        return part

    def abort_upload(self, bucket: Bucket, upload: Upload) -> None:
        with self._mutex:
            bucket.uploads.pop(upload.id, None)
            parts = list(upload.parts.values())
        for part in parts:
            part.file.unlink(missing_ok=True)

    def complete_upload(
        self, bucket: Bucket, upload: Upload, numbers: Sequence[int], *, if_none_match: bool = False
    ) -> StoredObject:
        """Joins the named parts, in this order; parts that are not named are dropped."""
        with self._mutex:
            parts = [upload.parts[n] for n in numbers]
        digest = hashlib.md5(b"".join(bytes.fromhex(p.etag) for p in parts)).hexdigest()
        file = self.incoming_file()
        with file.open("wb") as out:
            for part in parts:
                _append(out.fileno(), part.file)
        checksum, kept = _joined_checksum(upload, parts, file)
        stored = self.commit(
            bucket, upload.key, file, f"{digest}-{len(parts)}", upload.headers, checksum,
            if_none_match=if_none_match, parts=kept,
        )  # fmt: skip
        self.abort_upload(bucket, upload)
        return stored


def _joined_checksum(
    upload: Upload, parts: Sequence[Part], file: Path
) -> tuple[tuple[str, str] | None, tuple[StoredPart, ...]]:
    """The object's checksum and its parts with theirs.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html"""
    if upload.algorithm is None:
        return None, tuple(StoredPart(part.size) for part in parts)
    if upload.full_object:
        with file.open("rb") as content:
            whole = checksums.of_file(upload.algorithm, content.fileno())
        return (upload.algorithm, whole), tuple(StoredPart(part.size) for part in parts)
    values = []
    for part in parts:
        with part.file.open("rb") as content:
            given = part.checksum
            known = given is not None and given[0] == upload.algorithm
            values.append(given[1] if known and given else checksums.of_file(upload.algorithm, content.fileno()))
    kept = tuple(StoredPart(part.size, value) for part, value in zip(parts, values, strict=True))
    return (upload.algorithm, checksums.composite(upload.algorithm, values)), kept


def _opaque(etag: str) -> str:
    """The ETag of an object encrypted with KMS: as long as an MD5, but not the MD5 of the bytes.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html"""
    _, dash, count = etag.partition("-")
    return uuid.uuid4().hex + dash + count


def _unlink(dropped: Iterable[StoredObject]) -> None:
    for stored in dropped:
        stored.file.unlink(missing_ok=True)


def _check_preconditions(existing: StoredObject | None, if_match: str | None, if_none_match: bool) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html"""
    text = "At least one of the pre-conditions you specified did not hold"
    if if_none_match and existing is not None:
        raise AwsError("PreconditionFailed", text, 412, members={"Condition": "If-None-Match"})
    if if_match is not None:
        if existing is None:
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
        if if_match.strip('"') not in ("*", existing.etag):
            raise AwsError("PreconditionFailed", text, 412, members={"Condition": "If-Match"})


def _append(out: int, file: Path) -> None:
    with file.open("rb") as source:
        offset, left = 0, file.stat().st_size
        while left > 0:
            sent = os.sendfile(out, source.fileno(), offset, left)
            offset, left = offset + sent, left - sent


def _list(bucket: Bucket, prefix: str, delimiter: str, after: str, limit: int) -> Listing:
    objects: list[StoredObject] = []
    prefixes: list[str] = []
    last: str | None = None
    for key, common in _entries(bucket.order, prefix, delimiter, after):
        if len(objects) + len(prefixes) == limit:
            return Listing(objects, prefixes, True, last)
        if common:
            prefixes.append(key)
        else:
            objects.append(bucket.objects[key])
        last = key
    return Listing(objects, prefixes, False, last)


def _entries(order: Sequence[str], prefix: str, delimiter: str, after: str) -> Iterator[tuple[str, bool]]:
    """Keys (False) and common prefixes (True) after `after`; a prefix that was listed already is left out."""
    at = max(bisect.bisect_left(order, prefix), bisect.bisect_right(order, after))
    if delimiter and after.startswith(prefix) and delimiter in after[len(prefix) :]:
        head = after[: after.index(delimiter, len(prefix)) + len(delimiter)]
        if head == after:  # the page before ended with this common prefix
            at = max(at, bisect.bisect_left(order, head + _LAST))
    while at < len(order) and order[at].startswith(prefix):
        key = order[at]
        cut = key.find(delimiter, len(prefix)) if delimiter else -1
        if cut < 0:
            yield key, False
            at += 1
        else:
            common = key[: cut + len(delimiter)]
            yield common, True
            at = bisect.bisect_left(order, common + _LAST, at)
