"""PutObject, CopyObject, DeleteObject and DeleteObjects."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from urllib.parse import unquote

from redshift_sandbox.aws.messages import Response
from redshift_sandbox.aws.s3_access import check_key
from redshift_sandbox.aws.s3_call import (
    Call,
    encryption_context,
    encryption_headers,
    object_headers,
    xml_response,
)
from redshift_sandbox.aws.s3_store import Bucket, ObjectHeaders, StoredObject
from redshift_sandbox.aws.xml import parse_s3, s3_document, tags, wrap
from redshift_sandbox.contracts import AwsError

_DELETE_MAX = 1000
_COPY_MAX = 5 << 30


def receive(call: Call) -> Path:
    """The body as an incoming file, proven; nothing is left behind if it is refused."""
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
    headers = object_headers(call.request)
    none_match = call.request.headers.get("if-none-match")
    if none_match not in (None, "*"):
        raise AwsError("NotImplemented", "If-None-Match on a write takes only the value *.", 501)
    file = receive(call)
    stored = call.backend.store.commit(
        bucket, call.key, file, call.payload.md5, headers, call.payload.checksum,
        if_match=call.request.headers.get("if-match"), if_none_match=none_match is not None,
    )  # fmt: skip
    return Response(200, [("ETag", f'"{stored.etag}"'), *encryption_headers(headers), *_checksum(stored)])


def _checksum(stored: StoredObject) -> list[tuple[str, str]]:
    if stored.checksum is None:
        return []
    algorithm, value = stored.checksum
    return [(f"x-amz-checksum-{algorithm}", value), ("x-amz-checksum-type", "FULL_OBJECT")]


def find_copy_source(call: Call) -> tuple[Bucket, StoredObject, int]:
    """The object of x-amz-copy-source, open; the caller must be allowed to read it."""
    source = unquote(call.request.headers.get("x-amz-copy-source") or "").lstrip("/").split("?versionId=")[0]
    name, _, key = source.partition("/")
    if not key:
        raise AwsError("InvalidArgument", "Copy Source must mention the source bucket and key: "
                       "sourcebucket/sourcekey")  # fmt: skip
    bucket = call.backend.store.bucket(name)
    call.require("s3:GetObject", bucket, key)
    found = call.backend.store.open(bucket, key)
    if found is None:
        raise call.backend.access.missing_key(call.caller, bucket, key)
    return bucket, *found


def copy_object(call: Call) -> Response:
    bucket = call.bucket()
    call.finish_body()
    check_key(call.key)
    call.require("s3:PutObject", bucket, call.key, encryption_context(call.request))
    source_bucket, source, descriptor = find_copy_source(call)
    with os.fdopen(descriptor, "rb") as content:
        if source.size > _COPY_MAX:
            raise AwsError("InvalidRequest", "The specified copy source is larger than the maximum allowable "
                           "size for a copy source: 5368709120")  # fmt: skip
        headers = _copied_headers(call, source, (source_bucket.name, source.key))
        file = call.backend.store.incoming_file()
        with file.open("wb") as out:
            shutil.copyfileobj(content, out, 1 << 20)
    etag = source.etag if "-" not in source.etag else hashlib.md5(file.read_bytes()).hexdigest()
    stored = call.backend.store.commit(bucket, call.key, file, etag, headers, source.checksum)
    result = tags({"LastModified": _iso(stored), "ETag": f'"{stored.etag}"'})
    return xml_response(s3_document("CopyObjectResult", result))


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


def _iso(stored: StoredObject) -> str:
    return stored.modified.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def delete_object(call: Call) -> Response:
    bucket = call.bucket()
    call.finish_body()
    call.require("s3:DeleteObject", bucket, call.key)
    call.backend.store.delete(bucket, call.key)
    return Response(204)


def delete_objects(call: Call) -> Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html"""
    bucket = call.bucket()
    if not call.payload.proven_by_client:
        raise AwsError("InvalidRequest", "Missing required header for this request: Content-MD5 OR "
                       "x-amz-checksum-*")  # fmt: skip
    document = parse_s3(call.payload.read_small(), "Delete")
    keys = [element.findtext("Key") or "" for element in document.findall("Object")]
    if not 1 <= len(keys) <= _DELETE_MAX or "" in keys:
        raise AwsError("MalformedXML", "The XML you provided was not well-formed or did not validate against "
                       "our published schema")  # fmt: skip
    quiet = (document.findtext("Quiet") or "").lower() == "true"
    results = []
    for key in keys:
        if not call.backend.access.allowed(call.caller, "s3:DeleteObject", bucket, key):
            fields = {"Key": key, "Code": "AccessDenied", "Message": "Access Denied"}
            results.append(wrap("Error", tags(fields)))
            continue
        call.backend.store.delete(bucket, key)
        if not quiet:
            results.append(wrap("Deleted", tags({"Key": key})))
    return xml_response(s3_document("DeleteResult", "".join(results)))
