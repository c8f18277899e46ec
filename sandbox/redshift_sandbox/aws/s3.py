"""The entry of S3: finds the operation of a request, and writes errors as the XML of S3.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Callable

from redshift_sandbox.aws import s3_buckets, s3_history, s3_multipart, s3_reads, s3_settings, s3_writes
from redshift_sandbox.aws.messages import Request, Response
from redshift_sandbox.aws.regions import HostName
from redshift_sandbox.aws.s3_access import REGION_HEADER, wrong_region
from redshift_sandbox.aws.s3_call import Backend, Call
from redshift_sandbox.aws.s3_gate import raise_fault
from redshift_sandbox.aws.s3_payload import Payload, declared_payload
from redshift_sandbox.aws.sigv4 import Verifier
from redshift_sandbox.aws.xml import s3_error_document
from redshift_sandbox.contracts import AwsError

Operation = Callable[[Call], Response]

# Decides between operations with the same method: the first of these names in the query.
_SUBRESOURCES = (
    "uploadId", "uploads", "delete", "location", "policy", "versioning", "versions", "acl", "tagging",
    "lifecycle", "cors", "encryption", "notification", "replication", "website", "logging", "ownershipControls",
    "publicAccessBlock", "object-lock", "accelerate", "requestPayment", "inventory", "metrics", "analytics",
    "attributes", "legal-hold", "retention", "restore", "select", "torrent", "policyStatus", "session",
)  # fmt: skip

_BUCKET: dict[tuple[str, str], tuple[str, Operation]] = {
    ("PUT", ""): ("CreateBucket", s3_buckets.create_bucket),
    ("DELETE", ""): ("DeleteBucket", s3_buckets.delete_bucket),
    ("HEAD", ""): ("HeadBucket", s3_buckets.head_bucket),
    ("GET", "location"): ("GetBucketLocation", s3_buckets.get_location),
    ("GET", "versioning"): ("GetBucketVersioning", s3_settings.get_versioning),
    ("PUT", "versioning"): ("PutBucketVersioning", s3_settings.put_versioning),
    ("GET", "versions"): ("ListObjectVersions", s3_history.list_object_versions),
    ("GET", "policy"): ("GetBucketPolicy", s3_settings.get_policy),
    ("PUT", "policy"): ("PutBucketPolicy", s3_settings.put_policy),
    ("DELETE", "policy"): ("DeleteBucketPolicy", s3_settings.delete_policy),
    ("GET", "lifecycle"): ("GetBucketLifecycleConfiguration", s3_settings.get_lifecycle),
    ("PUT", "lifecycle"): ("PutBucketLifecycleConfiguration", s3_settings.put_lifecycle),
    ("DELETE", "lifecycle"): ("DeleteBucketLifecycle", s3_settings.delete_lifecycle),
    ("GET", "encryption"): ("GetBucketEncryption", s3_settings.get_encryption),
    ("PUT", "encryption"): ("PutBucketEncryption", s3_settings.put_encryption),
    ("GET", "uploads"): ("ListMultipartUploads", s3_multipart.list_uploads),
    ("POST", "delete"): ("DeleteObjects", s3_writes.delete_objects),
}
_OBJECT: dict[tuple[str, str], tuple[str, Operation]] = {
    ("GET", ""): ("GetObject", s3_reads.get_object),
    ("HEAD", ""): ("HeadObject", s3_reads.head_object),
    ("PUT", ""): ("PutObject", s3_writes.put_object),
    ("DELETE", ""): ("DeleteObject", s3_writes.delete_object),
    ("POST", "uploads"): ("CreateMultipartUpload", s3_multipart.create_upload),
    ("PUT", "uploadId"): ("UploadPart", s3_multipart.upload_part),
    ("GET", "uploadId"): ("ListParts", s3_multipart.list_parts),
    ("POST", "uploadId"): ("CompleteMultipartUpload", s3_multipart.complete_upload),
    ("DELETE", "uploadId"): ("AbortMultipartUpload", s3_multipart.abort_upload),
}
_COPIES: dict[str, tuple[str, Operation]] = {
    "PutObject": ("CopyObject", s3_writes.copy_object),
    "UploadPart": ("UploadPartCopy", s3_multipart.upload_part_copy),
}


class S3Service:
    def __init__(self, backend: Backend, verifier: Verifier) -> None:
        self._backend = backend
        self._verifier = verifier

    def handle(self, request: Request, host: HostName) -> Response:
        bucket, key = _address(request, host)
        note: dict[str, str] = {}
        try:
            response = self._run(request, host, bucket, key, note)
        except AwsError as error:
            response = self._refusal(request, error, bucket)
            note["code"] = error.code
        response.note.update(note)
        response.headers += [("x-amz-request-id", request.id), ("x-amz-id-2", _host_id(request))]
        return response

    def _run(
        self, request: Request, host: HostName, bucket: str, key: str, note: dict[str, str]
    ) -> Response:
        name, operation = _operation(request, bucket, key)
        note["operation"] = name
        raise_fault(self._backend.faults, name, key or request.param("prefix") or "")
        _refuse_signature_v2(request)
        presigned = request.param("X-Amz-Algorithm") is not None
        signed = presigned or "authorization" in request.headers
        declared = declared_payload(request, presigned=presigned) if signed else ""
        verified = self._verifier.verify(request, "s3", declared, None)
        note["principal"] = verified.caller.arn
        if host.region is not None and bucket and host.region != verified.region:
            raise wrong_region(verified.region, host.region)
        payload = Payload(request, verified, declared)
        call = Call(request, verified.caller, verified.region, bucket, key, payload, self._backend)
        response = operation(call)
        response.lost = self._loses_answer(name, key)
        return response

    def _loses_answer(self, name: str, key: str) -> bool:
        def concerns(args: dict[str, object]) -> bool:
            return args.get("operation", name) == name and str(args.get("match", "")) in key

        return self._backend.faults.take_if("s3.lose_answer", concerns) is not None

    def _refusal(self, request: Request, error: AwsError, bucket: str) -> Response:
        headers = dict(error.headers)
        if request.method == "HEAD" and bucket and REGION_HEADER not in headers:
            # https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html: on a 403 as well
            with contextlib.suppress(AwsError):
                headers[REGION_HEADER] = self._backend.store.bucket(bucket).region
        response = Response(error.status, [("Content-Type", "application/xml"), *headers.items()])
        if error.status != 304 and request.method != "HEAD":
            response.body = s3_error_document(error, request.path, request.id, _host_id(request))
        return response


def _address(request: Request, host: HostName) -> tuple[str, str]:
    """Bucket and key, from the host name or from the path."""
    path = request.path.removeprefix("/")
    if host.bucket is not None:
        return host.bucket, path
    bucket, _, key = path.partition("/")
    return bucket, key


def _operation(request: Request, bucket: str, key: str) -> tuple[str, Operation]:
    names = {name for name, _ in request.query}
    subresource = next((s for s in _SUBRESOURCES if s in names), "")
    found: tuple[str, Operation] | None
    if not bucket:
        found = ("ListBuckets", s3_buckets.list_buckets) if request.method == "GET" else None
    elif key:
        found = _OBJECT.get((request.method, subresource))
        if found is not None and "x-amz-copy-source" in request.headers:
            found = _COPIES.get(found[0], found)
    elif (request.method, subresource) == ("GET", ""):
        v2 = request.param("list-type") == "2"
        found = (
            ("ListObjectsV2", s3_buckets.list_objects_v2) if v2 else ("ListObjects", s3_buckets.list_objects)
        )
    else:
        found = _BUCKET.get((request.method, subresource))
    if found is None:
        raise AwsError(
            "NotImplemented", "A header or query you provided implies functionality that is not implemented",
            501,
        )  # fmt: skip
    return found


def _refuse_signature_v2(request: Request) -> None:
    """Newer regions accept only Signature Version 4; the sandbox does so in all regions."""
    if request.param("AWSAccessKeyId") or (request.headers.get("authorization") or "").startswith("AWS "):
        raise AwsError(
            "InvalidRequest",
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
        )


def _host_id(request: Request) -> str:
    return base64.b64encode(hashlib.sha256(request.id.encode()).digest()).decode()
