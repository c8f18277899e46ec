"""Multipart uploads. https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html"""

from __future__ import annotations

import hashlib
import os
import re
from itertools import pairwise

from redshift_sandbox.aws.checksums import ALGORITHMS
from redshift_sandbox.aws.messages import Response
from redshift_sandbox.aws.s3_access import check_key
from redshift_sandbox.aws.s3_call import Call, encryption_context, version_headers, xml_response
from redshift_sandbox.aws.s3_model import Bucket, Part, Upload
from redshift_sandbox.aws.s3_writes import checksum_members, find_copy_source, receive
from redshift_sandbox.aws.xml import malformed, parse_s3, s3_document, s3_time, tag, tags, wrap
from redshift_sandbox.contracts import AwsError

_PART_MIN = 5 << 20
_PARTS_MAX = 10_000
_PAGE_MAX = 1000


def create_upload(call: Call) -> Response:
    bucket = call.bucket()
    call.finish_body()
    check_key(call.key)
    call.require("s3:PutObject", bucket, call.key, encryption_context(call.request))
    algorithm, full_object = _checksums_of_parts(call)
    upload = call.backend.store.create_upload(
        bucket, call.key, call.sealed(bucket), call.caller.arn, algorithm, full_object=full_object
    )
    fields = {"Bucket": bucket.name, "Key": call.key, "UploadId": upload.id}
    headers = {}
    if algorithm is not None:
        headers["x-amz-checksum-algorithm"] = algorithm.upper()
        headers["x-amz-checksum-type"] = "FULL_OBJECT" if full_object else "COMPOSITE"
    return xml_response(s3_document("InitiateMultipartUploadResult", tags(fields)), headers)


def _checksums_of_parts(call: Call) -> tuple[str | None, bool]:
    """Algorithm, and whether the object's checksum will be of all bytes: always for CRC64NVME, never for the SHA
    family, for the others if the client asks for it.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html"""
    given = call.request.headers.get("x-amz-checksum-algorithm")
    kind = call.request.headers.get("x-amz-checksum-type")
    if given is None:
        return None, True
    algorithm = given.lower()
    if algorithm not in ALGORITHMS or kind not in (None, "COMPOSITE", "FULL_OBJECT"):
        raise AwsError("InvalidRequest", "Checksum algorithm provided is unsupported.")
    only = {"crc64nvme": "FULL_OBJECT", "sha1": "COMPOSITE", "sha256": "COMPOSITE"}.get(algorithm)
    if kind is not None and only is not None and kind != only:
        raise AwsError("InvalidRequest", f"The {kind} checksum type cannot be used with the {algorithm} checksum "
                       "algorithm.")  # fmt: skip
    return algorithm, (kind or only or "COMPOSITE") == "FULL_OBJECT"


def upload_part(call: Call) -> Response:
    bucket = call.bucket()
    call.require("s3:PutObject", bucket, call.key)
    upload, number = _upload(call, bucket), _part_number(call)
    file = receive(call)
    part = call.backend.store.add_part(bucket, upload, number, file, call.payload.md5, call.payload.checksum)
    headers = [("ETag", f'"{part.etag}"')]
    if part.checksum is not None:
        headers.append((f"x-amz-checksum-{part.checksum[0]}", part.checksum[1]))
    return Response(200, headers)


def upload_part_copy(call: Call) -> Response:
    bucket = call.authorised_bucket("s3:PutObject", call.key)
    upload, number = _upload(call, bucket), _part_number(call)
    _, source, descriptor = find_copy_source(call)
    file = call.backend.store.incoming_file()
    with os.fdopen(descriptor, "rb") as content, file.open("wb") as out:
        span = re.fullmatch(r"bytes=(\d+)-(\d+)", call.request.headers.get("x-amz-copy-source-range") or "")
        first, last = (int(span[1]), int(span[2])) if span else (0, source.size - 1)
        if last >= source.size or first > last:
            raise AwsError("InvalidArgument", "Range specified is not valid for source object of size: "
                           f"{source.size}")  # fmt: skip
        content.seek(first)
        digest, left = hashlib.md5(), last - first + 1
        while left > 0 and (data := content.read(min(left, 1 << 20))):
            digest.update(data)
            out.write(data)
            left -= len(data)
    part = call.backend.store.add_part(bucket, upload, number, file, digest.hexdigest(), None)
    fields = {"LastModified": s3_time(part.modified), "ETag": f'"{part.etag}"'}
    return xml_response(s3_document("CopyPartResult", tags(fields)))


def complete_upload(call: Call) -> Response:
    bucket = call.bucket()
    call.require("s3:PutObject", bucket, call.key)
    upload = _upload(call, bucket)
    document = parse_s3(call.payload.read_small(), "CompleteMultipartUpload")
    wanted = [
        (int(e.findtext("PartNumber") or 0), (e.findtext("ETag") or "").strip('"'))
        for e in document.findall("Part")
    ]
    _check_parts(upload, wanted)
    stored = call.backend.store.complete_upload(
        bucket, upload, [number for number, _ in wanted],
        if_none_match=call.request.headers.get("if-none-match") == "*",
    )  # fmt: skip
    fields = {
        "Location": f"https://{bucket.name}.s3.{bucket.region}.amazonaws.com/{call.key}",
        "Bucket": bucket.name, "Key": call.key, "ETag": f'"{stored.etag}"', **checksum_members(call, stored),
    }  # fmt: skip
    headers = dict(version_headers(bucket, stored))
    return xml_response(s3_document("CompleteMultipartUploadResult", tags(fields)), headers)


def _check_parts(upload: Upload, wanted: list[tuple[int, str]]) -> None:
    if not wanted:
        raise malformed()
    numbers = [number for number, _ in wanted]
    if any(b <= a for a, b in pairwise(numbers)):
        raise AwsError("InvalidPartOrder", "The list of parts was not in ascending order. Parts must be "
                       "ordered by part number.")  # fmt: skip
    for number, etag in wanted:
        part = upload.parts.get(number)
        if part is None or part.etag != etag:
            raise AwsError(
                "InvalidPart",
                "One or more of the specified parts could not be found. The part may not have been uploaded, "
                "or the specified entity tag may not match the part's entity tag.",
                members={"UploadId": upload.id, "PartNumber": str(number), "ETag": etag},
            )
    for number in numbers[:-1]:
        if upload.parts[number].size < _PART_MIN:
            raise AwsError(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
                members={"PartNumber": str(number), "MinSizeAllowed": str(_PART_MIN)},
            )


def abort_upload(call: Call) -> Response:
    bucket = call.authorised_bucket("s3:AbortMultipartUpload", call.key)
    call.backend.store.abort_upload(bucket, _upload(call, bucket))
    return Response(204)


def list_parts(call: Call) -> Response:
    bucket = call.authorised_bucket("s3:ListMultipartUploadParts", call.key)
    upload = _upload(call, bucket)
    after = _number(call, "part-number-marker", 0)
    limit = min(_number(call, "max-parts", _PAGE_MAX), _PAGE_MAX)
    rest = [upload.parts[n] for n in sorted(upload.parts) if n > after]
    page = rest[:limit]
    head = {"Bucket": bucket.name, "Key": call.key, "UploadId": upload.id, "PartNumberMarker": after,
            "MaxParts": limit, "IsTruncated": len(rest) > len(page)}  # fmt: skip
    if len(rest) > len(page) and page:
        head["NextPartNumberMarker"] = page[-1].number
    return xml_response(s3_document("ListPartsResult", tags(head) + "".join(_part_xml(p) for p in page)))


def _part_xml(part: Part) -> str:
    fields = {"PartNumber": part.number, "LastModified": s3_time(part.modified),
              "ETag": f'"{part.etag}"', "Size": part.size}  # fmt: skip
    return wrap("Part", tags(fields))


def list_uploads(call: Call) -> Response:
    bucket = call.authorised_bucket("s3:ListBucketMultipartUploads")
    given = call.request.params()
    prefix, marker = given.get("prefix", ""), (given.get("key-marker", ""), given.get("upload-id-marker", ""))
    limit = min(_number(call, "max-uploads", _PAGE_MAX), _PAGE_MAX)
    found = call.backend.store.uploads(bucket, prefix)
    rest = _after_marker(found, *marker)
    page = rest[:limit]
    head: dict[str, object] = {
        "Bucket": bucket.name, "KeyMarker": marker[0], "UploadIdMarker": marker[1], "Prefix": prefix,
        "MaxUploads": limit, "IsTruncated": len(rest) > len(page),
    }  # fmt: skip
    if len(rest) > len(page) and page:
        head |= {"NextKeyMarker": page[-1].key, "NextUploadIdMarker": page[-1].id}
    return xml_response(
        s3_document("ListMultipartUploadsResult", tags(head) + "".join(_upload_xml(u) for u in page))
    )


def _after_marker(found: list[Upload], key: str, upload_id: str) -> list[Upload]:
    """Uploads after the marker: greater keys, and uploads of the same key after the marked one."""
    if not key:
        return found
    same = [u.id for u in found if u.key == key]
    behind = same[same.index(upload_id) + 1 :] if upload_id in same else []
    return [u for u in found if u.key > key or u.id in behind]


def _upload_xml(upload: Upload) -> str:
    who = wrap("Initiator", tag("ID", upload.initiator) + tag("DisplayName", upload.initiator))
    fields = {"Key": upload.key, "UploadId": upload.id}
    when = tag("Initiated", s3_time(upload.initiated))
    return wrap("Upload", tags(fields) + who + tag("StorageClass", "STANDARD") + when)


def _upload(call: Call, bucket: Bucket) -> Upload:
    return call.backend.store.upload(bucket, call.key, call.request.param("uploadId") or "")


def _part_number(call: Call) -> int:
    number = _number(call, "partNumber", 0)
    if not 1 <= number <= _PARTS_MAX:
        raise AwsError("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
    return number


def _number(call: Call, name: str, default: int) -> int:
    text = call.request.param(name)
    if text is None:
        return default
    if not text.isdecimal():
        raise AwsError("InvalidArgument", f"Provided {name} not an integer or within integer range")
    return int(text)
