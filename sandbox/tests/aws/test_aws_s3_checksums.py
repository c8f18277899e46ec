"""What S3 sends about an object's bytes: checksums by default and on demand, of whole objects and of parts, and ETags.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

import base64
import hashlib
import random
import zlib

import pytest
from aws_harness import Sandbox
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from redshift_sandbox.aws import checksums

BUCKET = "acme"
PART = 5 << 20


def crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def shown(s3: BaseClient, key: str, **how: object) -> dict[str, str]:
    """Checksum, type and ETag in the answer to HEAD, and what else was asked for."""
    head = s3.head_object(Bucket=BUCKET, Key=key, ChecksumMode="ENABLED", **how)
    return {k: v for k, v in head.items() if k.startswith("Checksum") or k in ("ETag", "PartsCount")}


def upload(s3: BaseClient, key: str, parts: list[bytes], **how: str) -> None:
    upload_id = s3.create_multipart_upload(Bucket=BUCKET, Key=key, **how)["UploadId"]
    named = []
    for number, part in enumerate(parts, 1):
        more = {}
        if how.get("ChecksumAlgorithm") == "CRC64NVME":  # boto3 computes this one only with the package awscrt
            more["ChecksumCRC64NVME"] = checksums.value_of("crc64nvme", part)
        made = s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload_id, PartNumber=number, Body=part, **more)
        named.append({"PartNumber": number, "ETag": made["ETag"]})
    s3.complete_multipart_upload(Bucket=BUCKET, Key=key, UploadId=upload_id, MultipartUpload={"Parts": named})


def test_the_checksums_are_the_worlds_at_every_length() -> None:
    assert (
        checksums.value_of("crc64nvme", b"123456789")
        == base64.b64encode(0xAE8B14860A799888.to_bytes(8, "big")).decode()
    )
    assert checksums.value_of("crc32c", b"123456789") == base64.b64encode(0xE3069283.to_bytes(4, "big")).decode()
    data = random.Random(5).randbytes(40_000)
    for size in (0, 1, 255, 256, 257, 1000, 4096, 40_000):
        for polynomial, bits in ((0x82F63B78, 32), (0x9A6C9329AC4BC9B5, 64)):
            fast = checksums._TableCrc(polynomial, bits)
            slow = checksums._TableCrc(polynomial, bits)
            fast.update(b"before")
            slow.update(b"before")
            fast.update(data[:size])
            slow._value = slow._one_by_one(data[:size])
            assert fast.digest() == slow.digest(), (bits, size)


def test_what_comes_without_a_checksum_gets_crc64nvme(sandbox: Sandbox, s3: BaseClient) -> None:
    store = sandbox.services.store
    store.put_bytes(store.bucket(BUCKET), "plain", b"123456789")
    found = shown(s3, "plain")
    assert found["ChecksumCRC64NVME"] == checksums.value_of("crc64nvme", b"123456789")
    assert found["ChecksumType"] == "FULL_OBJECT"
    assert found["ETag"] == f'"{hashlib.md5(b"123456789").hexdigest()}"'
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix="plain")["Contents"][0]
    assert (listed["ChecksumAlgorithm"], listed["ChecksumType"]) == (["CRC64NVME"], "FULL_OBJECT")


def test_no_checksum_unless_asked_for_and_none_with_a_range(s3: BaseClient) -> None:
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"0123456789", ChecksumAlgorithm="SHA256")
    got = s3.get_object(Bucket=BUCKET, Key="k", ChecksumMode="ENABLED")
    assert got["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"0123456789").digest()).decode()
    ranged = s3.get_object(Bucket=BUCKET, Key="k", ChecksumMode="ENABLED", Range="bytes=0-9")
    assert "ChecksumSHA256" not in ranged


def test_an_upload_in_parts_has_the_checksum_of_checksums(s3: BaseClient) -> None:
    parts = [bytes([65]) * PART, b"tail"]
    upload(s3, "big", parts, ChecksumAlgorithm="CRC32")
    found = shown(s3, "big")
    joined = b"".join(zlib.crc32(part).to_bytes(4, "big") for part in parts)
    assert found["ChecksumCRC32"] == f"{crc32(joined)}-2"
    assert found["ChecksumType"] == "COMPOSITE"
    md5s = b"".join(hashlib.md5(part).digest() for part in parts)
    assert found["ETag"] == f'"{hashlib.md5(md5s).hexdigest()}-2"'
    second = shown(s3, "big", PartNumber=2)
    assert second["ChecksumCRC32"] == crc32(b"tail")
    assert second["PartsCount"] == 2
    whole = s3.get_object(Bucket=BUCKET, Key="big", Range="bytes=0-", ChecksumMode="ENABLED")
    assert whole["ChecksumCRC32"] == crc32(joined)  # looks like the checksum of all bytes, but is not


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC64NVME", None])
def test_an_upload_in_parts_can_have_one_of_all_bytes(s3: BaseClient, algorithm: str | None) -> None:
    parts = [b"a" * PART, b"tail"]
    how = {} if algorithm is None else {"ChecksumAlgorithm": algorithm, "ChecksumType": "FULL_OBJECT"}
    upload(s3, f"whole-{algorithm}", parts, **how)
    found = shown(s3, f"whole-{algorithm}")
    name = "CRC64NVME" if algorithm is None and "ChecksumCRC64NVME" in found else (algorithm or "CRC32")
    value = found[f"Checksum{name}"]
    assert algorithm is None or found["ChecksumType"] == "FULL_OBJECT"
    if found["ChecksumType"] == "FULL_OBJECT":
        assert value == checksums.value_of(name.lower(), b"".join(parts))


def test_a_part_number_names_a_part_or_is_refused(s3: BaseClient) -> None:
    upload(s3, "parts", [b"x" * PART, b"y" * 7])
    assert s3.head_object(Bucket=BUCKET, Key="parts", PartNumber=1)["ContentLength"] == PART
    assert s3.get_object(Bucket=BUCKET, Key="parts", PartNumber=2)["Body"].read() == b"y" * 7
    with pytest.raises(ClientError) as refused:
        s3.head_object(Bucket=BUCKET, Key="parts", PartNumber=3)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 416
    s3.put_object(Bucket=BUCKET, Key="one", Body=b"abc")
    assert s3.head_object(Bucket=BUCKET, Key="one", PartNumber=1)["ContentLength"] == 3


def test_an_etag_of_what_kms_encrypts_is_no_md5(s3: BaseClient) -> None:
    s3.put_object(Bucket=BUCKET, Key="sealed", Body=b"abc", ServerSideEncryption="aws:kms")
    found = shown(s3, "sealed")
    assert len(found["ETag"]) == 34
    assert found["ETag"] != f'"{hashlib.md5(b"abc").hexdigest()}"'


def test_a_copy_has_its_sources_checksum_and_sends_it(s3: BaseClient) -> None:
    upload(s3, "source", [b"s" * PART, b"tail"], ChecksumAlgorithm="CRC32")
    made = s3.copy_object(Bucket=BUCKET, Key="copy", CopySource={"Bucket": BUCKET, "Key": "source"})
    whole = b"s" * PART + b"tail"
    assert made["CopyObjectResult"]["ChecksumCRC32"] == crc32(whole)
    assert shown(s3, "copy")["ChecksumType"] == "FULL_OBJECT"
    assert made["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(whole).hexdigest()}"'


def test_a_damaged_copy_has_the_checksum_of_what_was_stored(sandbox: Sandbox, s3: BaseClient) -> None:
    s3.put_object(Bucket=BUCKET, Key="whole", Body=b"0123456789")
    sandbox.fault("s3.damage_copy", 1)
    made = s3.copy_object(Bucket=BUCKET, Key="bad", CopySource={"Bucket": BUCKET, "Key": "whole"})
    stored = s3.get_object(Bucket=BUCKET, Key="bad")["Body"].read()
    assert stored != b"0123456789"
    assert made["CopyObjectResult"]["ChecksumCRC64NVME"] == checksums.value_of("crc64nvme", stored)


def test_checksums_can_be_switched_off(sandbox: Sandbox, s3: BaseClient) -> None:
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"abc")
    sandbox.fault("s3.no_checksums")
    assert not [name for name in shown(s3, "k") if name.startswith("Checksum")]
