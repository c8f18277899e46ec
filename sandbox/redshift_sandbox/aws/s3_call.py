"""What the handlers of S3 operations share: the call, and how its headers become those of an object."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from redshift_sandbox.aws.lifecycle import expiration_header
from redshift_sandbox.aws.messages import Request, Response
from redshift_sandbox.aws.s3_access import S3Access
from redshift_sandbox.aws.s3_model import Bucket, ObjectHeaders, StoredObject
from redshift_sandbox.aws.s3_payload import Payload
from redshift_sandbox.aws.s3_store import ObjectStore
from redshift_sandbox.contracts import AwsError, Faults
from redshift_sandbox.identity.conditions import Context
from redshift_sandbox.identity.model import Caller

XML = [("Content-Type", "application/xml")]
_KEPT = ("Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires")
# New buckets have the object ownership "bucket owner enforced"; it allows only these two ACLs, which do nothing.
_ACLS = ("private", "bucket-owner-full-control")


@dataclass
class Backend:
    store: ObjectStore
    access: S3Access
    faults: Faults


@dataclass
class Call:
    """One authenticated S3 request. `bucket_name` and `key` are decoded; "" if there is none."""

    request: Request
    caller: Caller
    region: str
    bucket_name: str
    key: str
    payload: Payload
    backend: Backend

    def bucket(self) -> Bucket:
        """The bucket, if this region is its own."""
        bucket = self.backend.store.bucket(self.bucket_name)
        self.backend.access.require_region(bucket, self.region, signed=True)
        self.backend.store.sweep(bucket)
        return bucket

    def require(
        self, action: str, bucket: Bucket, key: str | None = None, context: Context | None = None
    ) -> None:
        self.backend.access.require(self.caller, action, bucket, key, context)

    def authorised_bucket(self, action: str, key: str | None = None) -> Bucket:
        """The bucket, for an operation without a body: the body is read, and the right to `action` is checked."""
        bucket = self.bucket()
        self.finish_body()
        self.require(action, bucket, key)
        return bucket

    def sealed(self, bucket: Bucket) -> ObjectHeaders:
        """The headers of a new object, with the bucket's default encryption if the request names none; the
        caller must be allowed to use the key."""
        headers = object_headers(self.request)
        key = headers.kms_key
        asked = self.request.headers.get("x-amz-server-side-encryption")
        if asked not in (None, "AES256", "aws:kms", "aws:kms:dsse") or (key and asked in (None, "AES256")):
            raise AwsError("InvalidArgument", "The encryption method specified is not supported")
        if key is None and asked != "AES256":
            key = bucket.kms_key
        key = None if key is None else self.backend.access.kms_arn(bucket, key)
        self.backend.access.require_kms(self.caller, "kms:GenerateDataKey", key)
        used = asked or ("AES256" if key is None else "aws:kms")
        return dataclasses.replace(headers, encryption=used, kms_key=key)

    def finish_body(self) -> None:
        """Reads and checks a body that the operation does not need."""
        for _ in self.payload.chunks():
            pass


def xml_response(body: bytes, headers: Mapping[str, str] | None = None) -> Response:
    return Response(200, [*XML, *(headers or {}).items()], body)


def object_headers(request: Request) -> ObjectHeaders:
    """The headers that a PUT, a copy with REPLACE or a multipart upload gives to its object."""
    acl = request.headers.get("x-amz-acl")
    if acl is not None and acl not in _ACLS:
        raise AwsError("AccessControlListNotSupported", "The bucket does not allow ACLs")
    other = {name: value for name in _KEPT if (value := request.headers.get(name)) is not None}
    encoding = [
        part.strip() for part in other.pop("Content-Encoding", "").split(",") if part.strip() != "aws-chunked"
    ]
    if any(encoding):
        other["Content-Encoding"] = ",".join(encoding)
    metadata = {
        name.lower(): value for name, value in request.headers.items() if name.lower().startswith("x-amz-meta-")
    }
    return ObjectHeaders(
        request.headers.get("content-type") or "binary/octet-stream", other, metadata,
        request.headers.get("x-amz-server-side-encryption") or "AES256",
        request.headers.get("x-amz-server-side-encryption-aws-kms-key-id"),
    )  # fmt: skip


def encryption_context(request: Request) -> dict[str, str]:
    """The condition keys with which bucket policies can demand encryption."""
    names = ("x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id")
    return {f"s3:{name}": value for name in names if (value := request.headers.get(name)) is not None}


def version_headers(bucket: Bucket, stored: StoredObject) -> list[tuple[str, str]]:
    """The headers about the object's version and the day it expires."""
    version = [("x-amz-version-id", stored.version_id)] if bucket.versioning else []
    return [*version, *expiration_header(bucket.lifecycle, stored.key, stored.modified)]


def encryption_headers(headers: ObjectHeaders) -> list[tuple[str, str]]:
    found = [("x-amz-server-side-encryption", headers.encryption)]
    if headers.kms_key is not None:
        found.append(("x-amz-server-side-encryption-aws-kms-key-id", headers.kms_key))
    return found
