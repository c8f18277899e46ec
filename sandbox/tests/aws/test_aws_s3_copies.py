"""Copies inside S3 and conditional writes: rights, conditions, and answers that are lost."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import boto3
import pytest
from aws_harness import Sandbox, code_of, policy, refusal, statement
from botocore.client import BaseClient

MIB = 1 << 20


def _copy(s3: BaseClient, **more: Any) -> Any:
    return s3.copy_object(Bucket="acme", Key="target", CopySource="acme/source", **more)


def test_copy_needs_the_right_to_read_and_the_right_to_write(sandbox: Sandbox, s3: BaseClient) -> None:
    sandbox.services.add_bucket("lake", "us-east-1")
    s3.put_object(Bucket="acme", Key="source", Body=b"x")
    read = statement("Allow", "s3:GetObject", "arn:aws:s3:::acme/*")
    write = statement("Allow", "s3:PutObject", "arn:aws:s3:::lake/w/*")
    both, reader, writer = (
        sandbox.client("s3", sandbox.user(name, policy(*given)))
        for name, given in (("both", (read, write)), ("reader", (read,)), ("writer", (write,)))
    )
    for client in (reader, writer):
        assert code_of(client.copy_object, Bucket="lake", Key="w/k", CopySource="acme/source") == "AccessDenied"
    assert code_of(both.copy_object, Bucket="lake", Key="v/k", CopySource="acme/source") == "AccessDenied"
    both.copy_object(Bucket="lake", Key="w/k", CopySource="acme/source")
    assert s3.get_object(Bucket="lake", Key="w/k")["Body"].read() == b"x"


def test_copy_in_parts_needs_the_same_rights(sandbox: Sandbox, s3: BaseClient) -> None:
    s3.put_object(Bucket="acme", Key="source", Body=b"x")
    writer = sandbox.client(
        "s3", sandbox.user("writer", policy(statement("Allow", "s3:PutObject", "arn:aws:s3:::acme/*")))
    )
    upload = writer.create_multipart_upload(Bucket="acme", Key="target")["UploadId"]
    where = {"Bucket": "acme", "Key": "target", "UploadId": upload, "PartNumber": 1}
    assert code_of(writer.upload_part_copy, **where, CopySource="acme/source") == "AccessDenied"
    s3.upload_part_copy(**where, CopySource="acme/source")


def test_conditions_on_the_source(s3: BaseClient) -> None:
    etag = s3.put_object(Bucket="acme", Key="source", Body=b"x")["ETag"]
    hour = dt.timedelta(hours=1)
    now = dt.datetime.now(dt.UTC)
    for holds in ({"CopySourceIfMatch": etag}, {"CopySourceIfNoneMatch": '"other"'},
                  {"CopySourceIfModifiedSince": now - hour}, {"CopySourceIfUnmodifiedSince": now + hour},
                  {"CopySourceIfMatch": etag, "CopySourceIfUnmodifiedSince": now - hour}):  # fmt: skip
        _copy(s3, **holds)
    for fails in ({"CopySourceIfMatch": '"other"'}, {"CopySourceIfNoneMatch": etag},
                  {"CopySourceIfModifiedSince": now + hour}, {"CopySourceIfUnmodifiedSince": now - hour},
                  {"CopySourceIfNoneMatch": etag, "CopySourceIfModifiedSince": now - hour}):  # fmt: skip
        assert refusal(_copy, s3, **fails)[:2] == ("PreconditionFailed", 412)
    upload = s3.create_multipart_upload(Bucket="acme", Key="target")["UploadId"]
    where = {"Bucket": "acme", "Key": "target", "UploadId": upload, "PartNumber": 1, "CopySource": "acme/source"}
    assert refusal(s3.upload_part_copy, **where, CopySourceIfMatch='"other"')[1] == 412
    s3.upload_part_copy(**where, CopySourceIfMatch=etag)


def test_a_copy_of_what_came_in_parts_is_one_part(s3: BaseClient) -> None:
    body = bytes(n % 251 for n in range(11 * MIB))
    upload = s3.create_multipart_upload(Bucket="acme", Key="source")["UploadId"]
    where: dict[str, Any] = {"Bucket": "acme", "Key": "source", "UploadId": upload}
    halves = [body[: 6 * MIB], body[6 * MIB :]]
    parts = [
        {"PartNumber": n, "ETag": s3.upload_part(**where, PartNumber=n, Body=half)["ETag"]}
        for n, half in enumerate(halves, 1)
    ]
    made = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    assert made["ETag"].endswith('-2"')
    copied = _copy(s3, CopySourceIfMatch=made["ETag"])["CopyObjectResult"]["ETag"]
    assert copied == f'"{hashlib.md5(body).hexdigest()}"'
    s3.delete_object(Bucket="acme", Key="source")
    assert s3.get_object(Bucket="acme", Key="target")["Body"].read() == body


def test_a_copy_in_parts_joins_ranges(s3: BaseClient) -> None:
    body = bytes(n % 253 for n in range(12 * MIB + 5))
    s3.put_object(Bucket="acme", Key="source", Body=body)
    upload = s3.create_multipart_upload(Bucket="acme", Key="target")["UploadId"]
    where: dict[str, Any] = {"Bucket": "acme", "Key": "target", "UploadId": upload}
    parts = []
    for n, (first, last) in enumerate([(0, 7 * MIB - 1), (7 * MIB, len(body) - 1)], 1):
        result = s3.upload_part_copy(
            **where, PartNumber=n, CopySource="acme/source", CopySourceRange=f"bytes={first}-{last}"
        )
        assert result["CopyPartResult"]["ETag"] == f'"{hashlib.md5(body[first : last + 1]).hexdigest()}"'
        parts.append({"PartNumber": n, "ETag": result["CopyPartResult"]["ETag"]})
    beyond = {"PartNumber": 3, "CopySource": "acme/source", "CopySourceRange": f"bytes=0-{len(body)}"}
    assert code_of(s3.upload_part_copy, **where, **beyond) == "InvalidArgument"
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket="acme", Key="target")["Body"].read() == body


def test_one_of_many_writers_wins_a_name(sandbox: Sandbox) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def put(n: int) -> bool:
        client = sandbox.client("s3")
        try:
            client.put_object(Bucket="acme", Key="k", Body=str(n).encode(), IfNoneMatch="*")
        except client.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "PreconditionFailed"
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(put, range(16)))
    assert won.count(True) == 1
    body = sandbox.client("s3").get_object(Bucket="acme", Key="k")["Body"].read()
    assert body == str(won.index(True)).encode()


def test_a_conditional_write_may_meet_another(sandbox: Sandbox, s3: BaseClient) -> None:
    sandbox.fault("s3.conditional_conflict", count=1)
    s3.put_object(Bucket="acme", Key="plain", Body=b"1")
    assert refusal(s3.put_object, Bucket="acme", Key="k", Body=b"1", IfNoneMatch="*")[:2] == (
        "ConditionalRequestConflict", 409,
    )  # fmt: skip
    s3.put_object(Bucket="acme", Key="k", Body=b"1", IfNoneMatch="*")


def test_a_copy_may_be_conditional_on_its_target(s3: BaseClient) -> None:
    s3.put_object(Bucket="acme", Key="source", Body=b"x")
    etag = _copy(s3, IfNoneMatch="*")["CopyObjectResult"]["ETag"]
    assert refusal(_copy, s3, IfNoneMatch="*")[:2] == ("PreconditionFailed", 412)
    assert refusal(_copy, s3, IfMatch='"other"')[1] == 412
    _copy(s3, IfMatch=etag)


def test_an_answer_may_be_lost_after_the_work_was_done(sandbox: Sandbox, s3: BaseClient) -> None:
    sandbox.fault("s3.lose_answer", count=1, operation="PutObject", match="k2")
    s3.put_object(Bucket="acme", Key="k1", Body=b"1", IfNoneMatch="*")
    with pytest.raises(boto3.exceptions.botocore.exceptions.HTTPClientError):
        s3.put_object(Bucket="acme", Key="k2", Body=b"2", IfNoneMatch="*")
    assert s3.get_object(Bucket="acme", Key="k2")["Body"].read() == b"2"
