"""GetObject and HeadObject: conditions, ranges, and the faults of a download."""

from __future__ import annotations

import datetime as dt
import os
import re
from email.utils import format_datetime, parsedate_to_datetime

from redshift_sandbox.aws.checksums import type_of
from redshift_sandbox.aws.messages import FileBody, Request, Response
from redshift_sandbox.aws.s3_call import Call, encryption_headers, version_headers
from redshift_sandbox.aws.s3_model import Bucket, StoredObject
from redshift_sandbox.contracts import AwsError

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_OVERRIDES = {
    "response-content-type": "Content-Type",
    "response-content-disposition": "Content-Disposition",
    "response-content-encoding": "Content-Encoding",
    "response-content-language": "Content-Language",
    "response-cache-control": "Cache-Control",
    "response-expires": "Expires",
}


def get_object(call: Call) -> Response:
    stored, descriptor = _open(call)
    body = FileBody(descriptor, 0, stored.size)
    try:
        response = _reply(call, stored, body, descriptor)
        _apply_faults(call, body)
    except Exception:
        body.close()
        raise
    if response.status == 304:
        body.close()
        response.body = b""
    return response


def head_object(call: Call) -> Response:
    stored, descriptor = _open(call)
    try:
        body = FileBody(-1, 0, stored.size)
        response = _reply(call, stored, body, descriptor)
    finally:
        os.close(descriptor)
    response.announced_length, response.body = body.length, b""
    return response


def _open(call: Call) -> tuple[StoredObject, int]:
    bucket, backend = call.bucket(), call.backend
    call.finish_body()
    if backend.faults.take_for("s3.vanish", call.key) is not None:
        backend.store.delete(bucket, call.key)
    return open_readable(call, bucket, call.key, call.request.param("versionId"))


def open_readable(call: Call, bucket: Bucket, key: str, version_id: str | None) -> tuple[StoredObject, int]:
    """The object and a descriptor of its bytes, if the caller may read it. Raises AwsError: NoSuchKey or
    NoSuchVersion 404, AccessDenied 403, MethodNotAllowed 405 for a delete marker."""
    backend = call.backend
    if version_id is None:
        call.require("s3:GetObject", bucket, key)
        found = backend.store.open(bucket, key)
        if found is None:
            raise _missing(call, bucket, key)
    else:
        call.require("s3:GetObjectVersion", bucket, key)
        version = backend.store.open_version(bucket, key, version_id)
        if version is None:
            raise AwsError("NoSuchVersion", "The specified version does not exist.", 404,
                           members={"Key": key, "VersionId": version_id})  # fmt: skip
        stored, descriptor = version
        if not isinstance(stored, StoredObject):
            raise AwsError("MethodNotAllowed", "The specified method is not allowed against this resource.", 405,
                           headers={"x-amz-delete-marker": "true", "Allow": "DELETE"})  # fmt: skip
        found = stored, descriptor
    try:
        backend.access.require_kms(call.caller, "kms:Decrypt", found[0].headers.kms_key)
    except AwsError:
        os.close(found[1])
        raise
    return found


def _missing(call: Call, bucket: Bucket, key: str) -> AwsError:
    error = call.backend.access.missing_key(call.caller, bucket, key)
    marker = call.backend.store.latest_marker(bucket, key)
    if marker is not None and error.status == 404:
        error.headers |= {"x-amz-delete-marker": "true", "x-amz-version-id": marker.version_id}
    return error


def _reply(call: Call, stored: StoredObject, body: FileBody, descriptor: int) -> Response:
    request = call.request
    headers = [
        ("Last-Modified", format_datetime(stored.modified, usegmt=True)),
        ("ETag", f'"{stored.etag}"'),
        *version_headers(call.backend.store.bucket(call.bucket_name), stored),
    ]
    if _not_modified(request, stored):
        return Response(304, headers, body)
    headers += _description(request, stored)
    span = _part_span(request, stored, headers)
    part = span is not None
    if span is None:
        span = _range(request.headers.get("range"), stored.size)
    headers += _told_checksum(call, stored, span, descriptor)
    if span is None:
        return Response(200, headers, body)
    first, last = span
    body.offset, body.length = first, last - first + 1
    if part and not stored.parts:
        return Response(200, headers, body)
    headers.append(("Content-Range", f"bytes {first}-{last}/{stored.size}"))
    return Response(206, headers, body)


def _part_span(
    request: Request, stored: StoredObject, headers: list[tuple[str, str]]
) -> tuple[int, int] | None:
    """First and last byte of the requested part.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html"""
    text = request.param("partNumber")
    if text is None:
        return None
    if "range" in request.headers:
        raise AwsError("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
    number = int(text) if text.isdecimal() else 0
    sizes = [part.size for part in stored.parts] or [stored.size]
    if not 1 <= number <= 10_000:
        raise AwsError("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
    if number > len(sizes):
        raise AwsError("InvalidPartNumber", "The requested partnumber is not satisfiable", 416)
    if stored.parts:
        headers.append(("x-amz-mp-parts-count", str(len(sizes))))
    first = sum(sizes[: number - 1])
    return first, first + sizes[number - 1] - 1


def _told_checksum(
    call: Call, stored: StoredObject, span: tuple[int, int] | None, descriptor: int
) -> list[tuple[str, str]]:
    """For the whole object: its checksum. For the exact bytes of a part that has one: the checksum of the part. For
    other ranges: none, except if the range is the whole of a composite object: then S3 sends the composite one, which
    looks like a checksum of all bytes and is not (https://github.com/boto/botocore/issues/3346)."""
    if call.request.headers.get("x-amz-checksum-mode") != "ENABLED":
        return []
    if call.backend.faults.peek("s3.no_checksums") is not None:
        return []
    algorithm, value = call.backend.store.checksum_of(stored, descriptor)
    kind = type_of(value)
    if span is not None:
        if kind == "FULL_OBJECT":
            return []
        if span == (0, stored.size - 1):
            value = value.partition("-")[0]
        else:
            own = _checksum_of_part(stored, span)
            if own is None:
                return []
            value = own
    return [(f"x-amz-checksum-{algorithm}", value), ("x-amz-checksum-type", kind)]


def _checksum_of_part(stored: StoredObject, span: tuple[int, int]) -> str | None:
    at = 0
    for part in stored.parts:
        if (at, at + part.size - 1) == span:
            return part.checksum
        at += part.size
    return None


def _description(request: Request, stored: StoredObject) -> list[tuple[str, str]]:
    kept = stored.headers
    fields = {"Content-Type": kept.content_type, "Accept-Ranges": "bytes", **kept.other, **kept.metadata}
    for name, header in _OVERRIDES.items():
        value = request.param(name)
        if value is not None:
            fields[header] = value
    return [*fields.items(), *encryption_headers(kept)]


def _not_modified(request: Request, stored: StoredObject) -> bool:
    """True for a 304. Raises PreconditionFailed 412. If-Match and If-None-Match come before the dates.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html"""
    return _conditions(request, stored, "")


def check_copy_conditions(request: Request, source: StoredObject) -> None:
    """The same for the source of a copy, where 412 takes the place of 304.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html"""
    if _conditions(request, source, "x-amz-copy-source-"):
        raise _failed("x-amz-copy-source-If-None-Match")


def _conditions(request: Request, stored: StoredObject, prefix: str) -> bool:
    modified = stored.modified.replace(microsecond=0)
    match = request.headers.get(prefix + "if-match")
    none_match = request.headers.get(prefix + "if-none-match")
    since = _date(request.headers.get(prefix + "if-modified-since"))
    unmodified = _date(request.headers.get(prefix + "if-unmodified-since"))
    if match is not None and not _names(match, stored.etag):
        raise _failed(prefix + "If-Match")
    if match is None and unmodified is not None and modified > unmodified:
        raise _failed(prefix + "If-Unmodified-Since")
    if none_match is not None:
        return _names(none_match, stored.etag)
    return since is not None and modified <= since


def _names(header: str, etag: str) -> bool:
    given = [part.strip().removeprefix("W/").strip('"') for part in header.split(",")]
    return "*" in given or etag in given


def _failed(condition: str) -> AwsError:
    return AwsError(
        "PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412,
        members={"Condition": condition},
    )  # fmt: skip


def _date(text: str | None) -> dt.datetime | None:
    try:
        return None if text is None else parsedate_to_datetime(text).astimezone(dt.UTC)
    except ValueError:
        return None


def _range(header: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte; None for the whole object, which is also the answer to several ranges and to
    an invalid one. Raises InvalidRange 416 if no byte of the range exists."""
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or header is None or not (match[1] or match[2]):
        return None
    if match[1]:
        first, last = int(match[1]), min(int(match[2]) if match[2] else size - 1, size - 1)
        if match[2] and int(match[2]) < first:
            return None
    else:
        first, last = max(0, size - int(match[2])), size - 1
    if first >= size or (not match[1] and int(match[2]) == 0):
        raise AwsError(
            "InvalidRange", "The requested range is not satisfiable", 416,
            headers={"Content-Range": f"bytes */{size}"},
            members={"RangeRequested": header, "ActualObjectSize": str(size)},
        )  # fmt: skip
    return first, last


def _apply_faults(call: Call, body: FileBody) -> None:
    faults = call.backend.faults
    if body.length == 0:
        return
    slow = faults.take_for("s3.slow", call.key)
    if slow is not None:
        body.bytes_per_second = float(slow.get("bytes_per_second", 1 << 20))
    reset = faults.take_for("s3.reset_mid_body", call.key)
    if reset is not None:
        body.reset_after = int(reset.get("after", body.length // 2))
    cut = faults.take_for("s3.truncate_body", call.key)
    if cut is not None:
        body.reset_after, body.cut_politely = int(cut.get("after", body.length // 2)), True
    flip = faults.take_for("s3.flip_byte", call.key)
    if flip is not None:
        offset = int(flip.get("offset", body.length // 2))
        body.flip_at = offset if offset >= 0 else body.length + offset
