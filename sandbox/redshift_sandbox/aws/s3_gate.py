"""S3 without HTTP, for UNLOAD: the same keys, policies and store as for a signed request."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from pathlib import Path

from redshift_sandbox.aws.auth_errors import FAMILIES
from redshift_sandbox.aws.s3_access import S3Access, check_key
from redshift_sandbox.aws.s3_model import Bucket, ObjectHeaders
from redshift_sandbox.aws.s3_store import ObjectStore
from redshift_sandbox.contracts import AccessKeys, AwsError, Clock, Faults, KmsEncryption
from redshift_sandbox.identity.directory import Directory
from redshift_sandbox.identity.model import Caller


class S3Gate:
    """Implements contracts.ObjectGate. Any thread may call it."""

    def __init__(
        self, directory: Directory, store: ObjectStore, access: S3Access, clock: Clock, faults: Faults,
        count: Callable[[str, int, int], None] = lambda _operation, _up, _down: None,
    ) -> None:  # fmt: skip
        """`count` is called with the operation of every call, refused ones included, and its bytes up and down."""
        self._count = count
        self._directory = directory
        self._store = store
        self._access = access
        self._clock = clock
        self._faults = faults

    def list_keys(self, keys: AccessKeys, region: str, bucket: str, prefix: str, limit: int) -> list[str]:
        self._count("ListObjectsV2", 0, 0)
        caller, found = self._enter(keys, region, bucket, "ListObjectsV2", prefix)
        context = {"s3:prefix": prefix, "s3:max-keys": str(limit)}
        self._access.require(caller, "s3:ListBucket", found, context=context)
        return [o.key for o in self._store.list_objects(found, prefix, "", "", limit).objects]

    def read_file(self, keys: AccessKeys, region: str, bucket: str, key: str) -> Path:
        """The object's file, which the caller does not change."""
        caller, found = self._enter(keys, region, bucket, "GetObject", key)
        self._access.require(caller, "s3:GetObject", found, key)
        stored = self._store.find(found, key)
        self._count("GetObject", 0, 0 if stored is None else stored.size)
        if stored is None:
            raise self._access.missing_key(caller, found, key)
        if stored.headers.kms_key is not None:
            self._access.require_kms(caller, "kms:Decrypt", stored.headers.kms_key)
        return stored.file

    def put_file(
        self, keys: AccessKeys, region: str, bucket: str, key: str, path: Path, *, link: bool,
        kms: KmsEncryption | None = None,
    ) -> None:  # fmt: skip
        """Stores the file under the key; `link` hard-links instead of copying (the file never changes)."""
        self._count("PutObject", path.stat().st_size, 0)
        found, headers = self._may_put(keys, region, bucket, key, kms)
        self._store.put_file(found, key, path, link=link, headers=headers)

    def put_bytes(
        self, keys: AccessKeys, region: str, bucket: str, key: str, body: bytes, *,
        kms: KmsEncryption | None = None,
    ) -> None:  # fmt: skip
        self._count("PutObject", len(body), 0)
        found, headers = self._may_put(keys, region, bucket, key, kms)
        self._store.put_bytes(found, key, body, headers)

    def delete(self, keys: AccessKeys, region: str, bucket: str, names: Sequence[str]) -> None:
        """Removes all or none: nothing is removed unless the caller may remove each of them."""
        self._count("DeleteObjects", 0, 0)
        caller, found = self._enter(keys, region, bucket, "DeleteObjects", "")
        for name in names:
            self._access.require(caller, "s3:DeleteObject", found, name)
        for name in names:
            self._store.delete(found, name)

    def _may_put(
        self, keys: AccessKeys, region: str, bucket: str, key: str, kms: KmsEncryption | None
    ) -> tuple[Bucket, ObjectHeaders]:
        caller, found = self._enter(keys, region, bucket, "PutObject", key)
        check_key(key)
        context: dict[str, str] = {}
        # If the statement names no encryption, the bucket's default applies, which policies do not see in the request.
        used = found.kms_key if kms is None or kms.key is None else self._access.kms_arn(found, kms.key)
        if kms is not None:
            context["s3:x-amz-server-side-encryption"] = "aws:kms"
            if used is not None:
                context["s3:x-amz-server-side-encryption-aws-kms-key-id"] = used
        self._access.require(caller, "s3:PutObject", found, key, context)
        self._access.require_kms(caller, "kms:GenerateDataKey", used)
        method = "AES256" if kms is None and used is None else "aws:kms"
        return found, ObjectHeaders(encryption=method, kms_key=used)

    def _enter(
        self, keys: AccessKeys, region: str, bucket: str, operation: str, key: str
    ) -> tuple[Caller, Bucket]:
        raise_fault(self._faults, operation, key)
        caller = self._authenticate(keys)
        found = self._store.bucket(bucket)
        self._access.require_region(found, region, signed=False)
        self._store.sweep(found)
        return caller, found

    def _authenticate(self, keys: AccessKeys) -> Caller:
        family = FAMILIES["s3"]
        credential = self._directory.credential(keys.access_key_id)
        if credential is None or (credential.token is not None and not keys.session_token):
            raise family.error("unknown_key")
        if not hmac.compare_digest(credential.secret.encode(), keys.secret_access_key.encode()):
            raise family.error("signature")
        if (credential.token or "") != (keys.session_token or ""):
            raise family.error("token")
        if credential.expires is not None and self._clock.now() >= credential.expires:
            raise family.error("expired_token")
        caller = self._directory.caller(keys.access_key_id)
        if caller is None:
            raise family.error("unknown_key")
        return caller


_REFUSALS = {
    "s3.slow_down": ("SlowDown", "Please reduce your request rate.", 503),
    "s3.internal_error": ("InternalError", "We encountered an internal error. Please try again.", 500),
    "s3.expired_token": ("ExpiredToken", "The provided token has expired.", 400),
    "s3.access_denied": ("AccessDenied", "Access Denied", 403),
}


def raise_fault(faults: Faults, operation: str, key: str) -> None:
    """Raises the error of a fault that is on for this operation and object; the key of a listing is its prefix."""

    def concerns(args: dict[str, object]) -> bool:
        return args.get("operation", operation) == operation and str(args.get("match", "")) in key

    for name, (code, message, status) in _REFUSALS.items():
        if faults.take_if(name, concerns) is not None:
            raise AwsError(code, message, status)
    args = faults.take_if(
        "aws.error", lambda args: args.get("service", "s3") == "s3" and "body" not in args and concerns(args)
    )
    if args is not None:
        raise AwsError(str(args.get("code", "")), str(args.get("message", "")), int(args.get("status", 400)))
