"""PutObject, CopyObject, DeleteObject and DeleteObjects."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
from pathlib import Path
from urllib.parse import unquote

from redshift_sandbox.aws.checksums import of_file, type_of
from redshift_sandbox.aws.messages import Response
from redshift_sandbox.aws.s3_access import check_key
from redshift_sandbox.aws.s3_call import (
    Call,
    encryption_context,
    encryption_headers,
    object_headers,
    version_headers,
    xml_response,
)
from redshift_sandbox.aws.s3_model import Bucket, DeleteMarker, ObjectHeaders, StoredObject, Version
from redshift_sandbox.aws.s3_reads import check_copy_conditions, open_readable
from redshift_sandbox.aws.xml import malformed, parse_s3, s3_document, s3_time, tags, wrap
from redshift_sandbox.contracts import AwsError

_DELETE_MAX = 1000
_COPY_MAX = 5 << 30


def receive(call: Call) -> Path:
    """The body as an incoming file, checked; no file stays if it is refused."""
    file = call.backend.store.incoming_file()
    try:
        with file.open("wb") as out:
            for chunk in call.payload.chunks():
                out.write(chunk)
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    return file


def put_object(call: Call) -> Response:
    bucket = call.bucket()
    check_key(call.key)
    call.require("s3:PutObject", bucket, call.key, encryption_context(call.request))
    if "content-length" not in call.request.headers and "transfer-encoding" not in call.request.headers:
        raise AwsError("MissingContentLength", "You must provide the Content-Length HTTP header.", 411)
    headers = call.sealed(bucket)
    none_match = _only_if_absent(call)
    file = receive(call)
    stored = call.backend.store.commit(
        bucket, call.key, file, call.payload.md5, headers, call.payload.checksum,
        if_match=call.request.headers.get("if-match"), if_none_match=none_match,
    )  # fmt: skip
    told = [*version_headers(bucket, stored), *encryption_headers(headers), *_checksum(stored)]
    return Response(200, [("ETag", f'"{stored.etag}"'), *told])


def _only_if_absent(call: Call) -> bool:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html"""
    none_match = call.request.headers.get("if-none-match")
    if none_match not in (None, "*"):
        raise AwsError("NotImplemented", "If-None-Match on a write takes only the value *.", 501)
    if none_match and call.backend.faults.take_for("s3.conditional_conflict", call.key) is not None:
        raise AwsError(
            "ConditionalRequestConflict",
            "The conditional request cannot succeed due to a conflicting operation against this resource.", 409,
        )  # fmt: skip
    return none_match is not None


def _checksum(stored: StoredObject) -> list[tuple[str, str]]:
    if stored.checksum is None:
        return []
    algorithm, value = stored.checksum
    return [(f"x-amz-checksum-{algorithm}", value), ("x-amz-checksum-type", type_of(value))]


def find_copy_source(call: Call) -> tuple[Bucket, StoredObject, int]:
    """The object of x-amz-copy-source, open; the caller must be allowed to read it. Raises PreconditionFailed
    412 if a condition of the request is not met."""
    given, _, version_id = (call.request.headers.get("x-amz-copy-source") or "").partition("?versionId=")
    name, _, key = unquote(given).lstrip("/").partition("/")
    if not key:
        raise AwsError("InvalidArgument", "Copy Source must mention the source bucket and key: "
                       "sourcebucket/sourcekey")  # fmt: skip
    bucket = call.backend.store.bucket(name)
    stored, descriptor = open_readable(call, bucket, key, version_id or None)
    try:
        check_copy_conditions(call.request, stored)
    except AwsError:
        os.close(descriptor)
        raise
    return bucket, stored, descriptor


def copy_object(call: Call) -> Response:
    bucket = call.bucket()
    call.finish_body()
    check_key(call.key)
    call.require("s3:PutObject", bucket, call.key, encryption_context(call.request))
    none_match = _only_if_absent(call)
    source_bucket, source, descriptor = find_copy_source(call)
    with os.fdopen(descriptor, "rb") as content:
        if source.size > _COPY_MAX:
            raise AwsError("InvalidRequest", "The specified copy source is larger than the maximum allowable "
                           "size for a copy source: 5368709120")  # fmt: skip
        headers = _resealed(call, bucket, _copied_headers(call, source, (source_bucket.name, source.key)))
        # An object that was uploaded in parts is one part now, and its ETag is the MD5 of its bytes.
        etag = source.etag if "-" not in source.etag else hashlib.file_digest(content, "md5").hexdigest()
        file = call.backend.store.incoming_file()
        try:
            os.link(source.file, file)  # files of the store never change
        except OSError:  # replaced meanwhile, or hard links are not possible here
            content.seek(0)
            with file.open("wb") as out:
                shutil.copyfileobj(content, out, 1 << 20)
    damaged = call.backend.faults.take_for("s3.damage_copy", call.key) is not None
    if damaged:
        file = _damaged(file)
    with file.open("rb") as content:
        checksum = None if damaged else _checksum_of_copy(source, content.fileno())
    stored = call.backend.store.commit(
        bucket, call.key, file, etag, headers, checksum,
        if_match=call.request.headers.get("if-match"), if_none_match=none_match,
    )  # fmt: skip
    fields = {"LastModified": s3_time(stored.modified), "ETag": f'"{stored.etag}"', **checksum_members(call, stored)}
    result = tags(fields)
    return xml_response(s3_document("CopyObjectResult", result), dict(version_headers(bucket, stored)))


def _checksum_of_copy(source: StoredObject, descriptor: int) -> tuple[str, str] | None:
    """The checksum of the source, but never a composite one: a copy is one piece."""
    if source.checksum is None or type_of(source.checksum[1]) == "FULL_OBJECT":
        return source.checksum
    return source.checksum[0], of_file(source.checksum[0], descriptor)


def _damaged(file: Path) -> Path:
    """The same with its middle byte inverted, in a new file."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.unlink()
    file.write_bytes(data)
    return file


def checksum_members(call: Call, stored: StoredObject) -> dict[str, object]:
    """The members of CopyObjectResult and CompleteMultipartUploadResult about the object's checksum.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObjectResult.html"""
    if call.backend.faults.peek("s3.no_checksums") is not None:
        return {}
    with stored.file.open("rb") as content:
        algorithm, value = call.backend.store.checksum_of(stored, content.fileno())
    return {f"Checksum{algorithm.upper()}": value, "ChecksumType": type_of(value)}


def _resealed(call: Call, bucket: Bucket, headers: ObjectHeaders) -> ObjectHeaders:
    """A copy is encrypted as its own request or bucket says, never as its source was."""
    sealed = call.sealed(bucket)
    return dataclasses.replace(headers, encryption=sealed.encryption, kms_key=sealed.kms_key)


def _copied_headers(call: Call, source: StoredObject, where: tuple[str, str]) -> ObjectHeaders:
    if call.request.headers.get("x-amz-metadata-directive") == "REPLACE":
        return object_headers(call.request)
    if where == (call.bucket_name, call.key):
        raise AwsError(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing "
            "the object's metadata, storage class, website redirect location or encryption attributes.",
        )
    return source.headers


def delete_object(call: Call) -> Response:
    bucket = call.bucket()
    call.finish_body()
    version_id = call.request.param("versionId")
    call.require("s3:DeleteObject" if version_id is None else "s3:DeleteObjectVersion", bucket, call.key)
    told = _delete(call, bucket, call.key, version_id)
    return Response(204, [(_HEADERS[name], str(value).lower() if value is True else str(value))
                          for name, value in told.items()])  # fmt: skip


# What the answer to a delete contains, as members of <Deleted> and as headers.
_HEADERS = {"DeleteMarker": "x-amz-delete-marker", "DeleteMarkerVersionId": "x-amz-version-id",
            "VersionId": "x-amz-version-id"}  # fmt: skip


def _delete(call: Call, bucket: Bucket, key: str, version_id: str | None) -> dict[str, object]:
    """Deletes; returns what the answer says about versions."""
    if version_id is None:
        made = call.backend.store.delete(bucket, key)
        return {} if made is None else {"DeleteMarker": True, "DeleteMarkerVersionId": made.version_id}
    gone: Version | None = call.backend.store.delete_version(bucket, key, version_id)
    if isinstance(gone, DeleteMarker):
        return {"VersionId": version_id, "DeleteMarker": True, "DeleteMarkerVersionId": version_id}
    return {"VersionId": version_id}


def delete_objects(call: Call) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html"""
    bucket = call.bucket()
    if not call.payload.proven_by_client:
        raise AwsError("InvalidRequest", "Missing required header for this request: Content-MD5 OR "
                       "x-amz-checksum-*")  # fmt: skip
    document = parse_s3(call.payload.read_small(), "Delete")
    wanted = [(e.findtext("Key") or "", e.findtext("VersionId")) for e in document.findall("Object")]
    if not 1 <= len(wanted) <= _DELETE_MAX or "" in (key for key, _ in wanted):
        raise malformed()
    quiet = (document.findtext("Quiet") or "").lower() == "true"
    results = []
    for key, version_id in wanted:
        action = "s3:DeleteObject" if version_id is None else "s3:DeleteObjectVersion"
        if not call.backend.access.allowed(call.caller, action, bucket, key):
            named = {} if version_id is None else {"VersionId": version_id}
            fields = {"Key": key, **named, "Code": "AccessDenied", "Message": "Access Denied"}
            results.append(wrap("Error", tags(fields)))
            continue
        told = _delete(call, bucket, key, version_id)
        if not quiet:
            results.append(wrap("Deleted", tags({"Key": key, **told})))
    return xml_response(s3_document("DeleteResult", "".join(results)))
