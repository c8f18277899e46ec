"""The place in S3 that an UNLOAD writes to: checked first, then filled file by file, the manifest last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from redshift_sandbox.contracts import AccessKeys, AwsError, Faults, KmsEncryption, ObjectGate, SessionContext
from redshift_sandbox.unload import errors, manifest
from redshift_sandbox.unload.parts import Part
from redshift_sandbox.unload.slices import Names
from redshift_sandbox.unload.statement import UnloadStatement
from redshift_sandbox.unload.watch import pause

T = TypeVar("T")


class Target:
    """One UNLOAD's destination. Every call to S3 is authorised again with the statement's keys, so that it fails
    if they expire during the run."""

    def __init__(
        self, gate: ObjectGate, faults: Faults, session: SessionContext, statement: UnloadStatement, keys: AccessKeys,
        region: str, query_id: int, names: Names,
    ) -> None:
        self._gate = gate
        self._faults = faults
        self._session = session
        self._statement = statement
        self._keys = keys
        self._region = region
        self._query_id = query_id
        self._names = names
        # ENCRYPTED AUTO uses the bucket's default key, and ENCRYPTED alone does the same (assumed).
        self._kms = KmsEncryption(statement.kms_key_id) if statement.encrypted else None
        self.entries: list[manifest.Entry] = []
        self._files: Counter[str] = Counter()  # by folder

    def prepare(self) -> None:
        """Checks that nothing is under the prefix, which is compared as a string: `foo/1` also means `foo/10`.
        CLEANPATH deletes what is there; ALLOWOVERWRITE leaves it."""
        wanted = 2**31 - 1 if self._statement.clean_path else 1
        found = self._s3(lambda: self._gate.list_keys(
            self._keys, self._region, self._statement.bucket, self._statement.prefix, wanted))
        if not found or self._statement.allow_overwrite:
            return
        if not self._statement.clean_path:
            raise errors.not_empty(self._query_id)
        self._s3(lambda: self._gate.delete(self._keys, self._region, self._statement.bucket, found))

    def put(self, part: Part, folder: str = "") -> None:
        """Sends one finished file, into the folder of its partition. The faults of failure and slowness act here."""
        self._fail_on_demand()
        slow = self._faults.peek("unload.slow_per_file")
        if slow is not None:
            pause(float(slow.get("seconds", 1)), self._session.cancelled)
        self.refuse_if_cancelled()
        key = self._names.of(self._files[folder], folder)
        self._files[folder] += 1
        bucket = self._statement.bucket
        self._expire_on_demand()
        self._s3(lambda: self._gate.put_file(
            self._keys, self._region, bucket, key, part.path, link=True, kms=self._kms))
        self.entries.append(manifest.Entry(f"s3://{bucket}/{key}", part.rows, part.size_bytes))

    def put_manifest(self, schema: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Written last, so that a manifest means that all files are there."""
        self._fail_on_demand()
        self.refuse_if_cancelled()
        body = manifest.render(self.entries, schema, verbose=self._statement.manifest_verbose)
        key = self._statement.prefix + "manifest"
        self._expire_on_demand()
        self._s3(lambda: self._gate.put_bytes(
            self._keys, self._region, self._statement.bucket, key, body, kms=self._kms))

    def refuse_if_cancelled(self) -> None:
        if self._session.cancelled():
            raise errors.cancelled(self._query_id)

    def _fail_on_demand(self) -> None:
        if self._due("unload.fail_after_files"):
            raise errors.internal_failure(len(self.entries), self._query_id)

    def _expire_on_demand(self) -> None:
        if self._due("unload.keys_expire"):
            raise errors.from_aws(AwsError("ExpiredToken", "The provided token has expired.", 400), self._query_id)

    def _due(self, fault: str) -> bool:
        """Whether the fault is on for this prefix, and enough files have been written for it."""

        def met(args: dict[str, Any]) -> bool:
            enough = len(self.entries) >= int(args.get("files", 1))
            return enough and str(args.get("match", "")) in self._statement.prefix

        return self._faults.take_if(fault, met) is not None

    def _s3(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except AwsError as error:
            raise errors.from_aws(error, self._query_id) from None
