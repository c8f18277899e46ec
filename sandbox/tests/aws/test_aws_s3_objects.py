"""The operations on objects and listings, with stock boto3."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import io
import json
import zlib
from typing import Any

import pytest
from aws_harness import ACCOUNT, Sandbox, code_of, policy, refusal, statement
from botocore.client import BaseClient

HARD = ["a b", "a+b", "a=b", "manifest_", "p/00=1/x y+z", "ü/猫", "<&>\"'", "%41", "a//b", "tab\tx"]


def _keys(page: dict[str, Any]) -> list[str]:
    return [o["Key"] for o in page.get("Contents", [])]


def _fill(s3: BaseClient, *keys: str) -> None:
    for key in keys:
        s3.put_object(Bucket="acme", Key=key, Body=key.encode())


@pytest.mark.parametrize("operation", ["list_objects_v2", "list_objects"])
def test_b54_pages_of_a_thousand(sandbox: Sandbox, s3: BaseClient, operation: str) -> None:
    bucket = sandbox.services.store.bucket("acme")
    names = sorted(f"p/{n:04}" for n in range(2345))
    for name in names:
        sandbox.services.store.put_bytes(bucket, name, b"")
    pages = list(s3.get_paginator(operation).paginate(Bucket="acme", Prefix="p/"))
    assert [len(_keys(p)) for p in pages] == [1000, 1000, 345]
    assert [name for p in pages for name in _keys(p)] == names
    assert [p["IsTruncated"] for p in pages] == [True, True, False]
    assert len(_keys(s3.list_objects_v2(Bucket="acme", MaxKeys=5000))) == 1000


def test_b54_knob_for_smaller_pages_and_delimiter_across_them(sandbox: Sandbox, s3: BaseClient) -> None:
    _fill(s3, "a", "b/1", "b/2", "b/3", "c/1", "c/2", "d", "e/1")
    sandbox.fault("s3.page_size", keys=1)
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket="acme", Delimiter="/"))
    found = [_keys(p) + [c["Prefix"] for c in p.get("CommonPrefixes", [])] for p in pages]
    assert found == [["a"], ["b/"], ["c/"], ["d"], ["e/"]]
    assert all(p["KeyCount"] == 1 for p in pages)
    v1 = list(s3.get_paginator("list_objects").paginate(Bucket="acme", Delimiter="/"))
    assert [_keys(p) + [c["Prefix"] for c in p.get("CommonPrefixes", [])] for p in v1] == found


def test_prefix_start_after_owner_and_tokens(s3: BaseClient) -> None:
    _fill(s3, "foo/1/a", "foo/10/a", "foo/2", "zoo")
    assert _keys(s3.list_objects_v2(Bucket="acme", Prefix="foo/1")) == ["foo/1/a", "foo/10/a"]
    assert _keys(s3.list_objects_v2(Bucket="acme", Prefix="foo/1/")) == ["foo/1/a"]
    assert _keys(s3.list_objects_v2(Bucket="acme", StartAfter="foo/10/a")) == ["foo/2", "zoo"]
    page = s3.list_objects_v2(Bucket="acme", MaxKeys=1, FetchOwner=True)
    assert page["Contents"][0]["Owner"]["ID"] == ACCOUNT
    assert "Owner" not in s3.list_objects_v2(Bucket="acme")["Contents"][0]
    rest = s3.list_objects_v2(Bucket="acme", ContinuationToken=page["NextContinuationToken"])
    assert _keys(rest) == ["foo/10/a", "foo/2", "zoo"]
    assert code_of(s3.list_objects_v2, Bucket="acme", ContinuationToken="made-up") == "InvalidArgument"
    nothing = s3.list_objects_v2(Bucket="acme", MaxKeys=0)
    assert (nothing["KeyCount"], nothing["IsTruncated"]) == (0, False)


def test_hard_keys_survive_lists_in_both_encodings(sandbox: Sandbox, s3: BaseClient) -> None:
    _fill(s3, *HARD)
    page = s3.list_objects_v2(Bucket="acme")
    assert _keys(page) == sorted(HARD)
    encoded = sandbox.signed("s3", "GET", "/acme?encoding-type=url&list-type=2&prefix=p").body
    assert b"<Key>p/00%3D1/x+y%2Bz</Key>" in encoded
    plain = sandbox.signed("s3", "GET", "/acme?list-type=2&prefix=p").body
    assert b"<Key>p/00=1/x y+z</Key>" in plain
    by_delimiter = s3.list_objects_v2(Bucket="acme", Delimiter=" ", Prefix="a")
    assert by_delimiter["CommonPrefixes"] == [{"Prefix": "a "}]


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-0", 0, 0), ("bytes=2-5", 2, 5), ("bytes=90-", 90, 99), ("bytes=-7", 93, 99),
     ("bytes=50-1000", 50, 99), ("bytes=-1000", 0, 99)],
)  # fmt: skip
def test_b54_ranges(s3: BaseClient, asked: str, first: int, last: int) -> None:
    body = bytes(range(100))
    s3.put_object(Bucket="acme", Key="k", Body=body)
    reply = s3.get_object(Bucket="acme", Key="k", Range=asked)
    assert reply["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert reply["ContentRange"] == f"bytes {first}-{last}/100"
    assert reply["ContentLength"] == last - first + 1
    assert reply["Body"].read() == body[first : last + 1]


def test_range_of_a_large_object_off_page_boundaries(s3: BaseClient) -> None:
    body = bytes(n % 251 for n in range(3_000_000))
    s3.put_object(Bucket="acme", Key="k", Body=body)
    reply = s3.get_object(Bucket="acme", Key="k", Range="bytes=4097-2999990")
    assert reply["Body"].read() == body[4097:2999991]
    assert s3.get_object(Bucket="acme", Key="k")["Body"].read() == body


def test_b54_ranges_that_hold_nothing(s3: BaseClient) -> None:
    _fill(s3, "k")
    s3.put_object(Bucket="acme", Key="empty", Body=b"")
    for key, asked in (("k", "bytes=1-"), ("k", "bytes=5-9"), ("k", "bytes=-0"), ("empty", "bytes=0-0")):
        code, status, _ = refusal(s3.get_object, Bucket="acme", Key=key, Range=asked)
        assert (code, status) == ("InvalidRange", 416)
    for asked in ("bytes=0-0,2-3", "rows=0-1", "bytes=3-1"):  # no single range: the whole object
        assert s3.get_object(Bucket="acme", Key="k", Range=asked)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert s3.get_object(Bucket="acme", Key="empty")["Body"].read() == b""


def test_b54_conditional_reads(s3: BaseClient) -> None:
    etag = s3.put_object(Bucket="acme", Key="k", Body=b"x")["ETag"]
    assert etag == f'"{hashlib.md5(b"x").hexdigest()}"'
    where: dict[str, Any] = {"Bucket": "acme", "Key": "k"}
    hour = dt.timedelta(hours=1)
    now = dt.datetime.now(dt.UTC)
    for call in (s3.get_object, s3.head_object):
        call(**where, IfMatch=etag)
        call(**where, IfNoneMatch='"other"')
        call(**where, IfModifiedSince=now - hour)
        call(**where, IfUnmodifiedSince=now + hour)
        call(**where, IfMatch=etag, IfUnmodifiedSince=now - hour)
        assert refusal(call, **where, IfMatch='"other"')[1] == 412
        assert refusal(call, **where, IfNoneMatch=etag)[1] == 304
        assert refusal(call, **where, IfModifiedSince=now + hour)[1] == 304
        assert refusal(call, **where, IfUnmodifiedSince=now - hour)[1] == 412


def test_conditional_writes(s3: BaseClient) -> None:
    first = s3.put_object(Bucket="acme", Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    assert refusal(s3.put_object, Bucket="acme", Key="k", Body=b"2", IfNoneMatch="*")[:2] == (
        "PreconditionFailed", 412,
    )  # fmt: skip
    second = s3.put_object(Bucket="acme", Key="k", Body=b"2", IfMatch=first)["ETag"]
    assert refusal(s3.put_object, Bucket="acme", Key="k", Body=b"3", IfMatch=first)[1] == 412
    assert s3.get_object(Bucket="acme", Key="k")["Body"].read() == b"2"
    assert s3.head_object(Bucket="acme", Key="k")["ETag"] == second
    assert code_of(s3.put_object, Bucket="acme", Key="none", Body=b"", IfMatch=first) == "NoSuchKey"


def test_headers_and_metadata_travel(s3: BaseClient) -> None:
    s3.put_object(Bucket="acme", Key="k", Body=b"x", ContentType="text/csv", Metadata={"run": "7"},
                  CacheControl="no-store", ContentEncoding="gzip")  # fmt: skip
    head = s3.head_object(Bucket="acme", Key="k")
    assert (head["ContentType"], head["Metadata"], head["CacheControl"]) == ("text/csv", {"run": "7"}, "no-store")
    assert head["ContentEncoding"] == "gzip"  # and not aws-chunked, in which boto3 sent it
    assert head["ServerSideEncryption"] == "AES256"
    assert head["ContentLength"] == 1


def test_copy_and_delete(s3: BaseClient) -> None:
    s3.put_object(Bucket="acme", Key="a b", Body=b"x", Metadata={"run": "7"})
    s3.copy_object(Bucket="acme", Key="c", CopySource={"Bucket": "acme", "Key": "a b"})
    assert s3.get_object(Bucket="acme", Key="c")["Metadata"] == {"run": "7"}
    s3.copy_object(Bucket="acme", Key="d", CopySource="acme/c", MetadataDirective="REPLACE", Metadata={})
    assert s3.get_object(Bucket="acme", Key="d")["Metadata"] == {}
    assert code_of(s3.copy_object, Bucket="acme", Key="c", CopySource="acme/c") == "InvalidRequest"
    assert code_of(s3.copy_object, Bucket="acme", Key="c", CopySource="acme/none") == "NoSuchKey"
    assert s3.delete_object(Bucket="acme", Key="c")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert s3.delete_object(Bucket="acme", Key="c")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert _keys(s3.list_objects_v2(Bucket="acme")) == ["a b", "d"]


def test_multi_delete_quiet_and_loud(s3: BaseClient) -> None:
    _fill(s3, *HARD)
    gone = s3.delete_objects(Bucket="acme", Delete={"Objects": [{"Key": k} for k in [*HARD[:4], "never"]]})
    assert [d["Key"] for d in gone["Deleted"]] == [*HARD[:4], "never"]
    rest = {"Objects": [{"Key": k} for k in HARD[4:]], "Quiet": True}
    reply = s3.delete_objects(Bucket="acme", Delete=rest)
    assert "Deleted" not in reply
    assert "Errors" not in reply
    assert _keys(s3.list_objects_v2(Bucket="acme")) == []


def test_b54_multi_delete_reports_errors_inside_a_200(sandbox: Sandbox, s3: BaseClient) -> None:
    _fill(s3, "run1/a", "run2/a")
    keys = sandbox.user("u", policy(statement("Allow", "s3:DeleteObject", "arn:aws:s3:::acme/run1/*")))
    doomed = {"Objects": [{"Key": "run1/a"}, {"Key": "run2/a"}], "Quiet": True}
    reply = sandbox.client("s3", keys).delete_objects(Bucket="acme", Delete=doomed)
    assert reply["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert [(e["Key"], e["Code"]) for e in reply["Errors"]] == [("run2/a", "AccessDenied")]
    assert _keys(s3.list_objects_v2(Bucket="acme")) == ["run2/a"]


def test_b54_multi_delete_needs_a_right_digest(sandbox: Sandbox, s3: BaseClient) -> None:
    _fill(s3, "a", "b", "c")

    def post(key: str, **headers: str) -> tuple[int, bytes]:
        body = f"<Delete><Object><Key>{key}</Key></Object></Delete>".encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        reply = sandbox.signed("s3", "POST", "/acme?delete", body=body, headers=named)
        return reply.status, reply.body

    def digest(key: str) -> str:
        body = f"<Delete><Object><Key>{key}</Key></Object></Delete>".encode()
        return base64.b64encode(hashlib.md5(body).digest()).decode()

    status, body = post("a")
    assert (status, b"<Code>InvalidRequest</Code>" in body) == (400, True)
    status, body = post("a", Content_MD5=digest("b"))
    assert (status, b"<Code>BadDigest</Code>" in body) == (400, True)
    status, body = post("a", Content_MD5="short")
    assert (status, b"<Code>InvalidDigest</Code>" in body) == (400, True)
    assert len(_keys(s3.list_objects_v2(Bucket="acme"))) == 3
    assert post("a", Content_MD5=digest("a"))[0] == 200
    crc = zlib.crc32(b"<Delete><Object><Key>b</Key></Object></Delete>").to_bytes(4, "big")
    assert post("b", x_amz_checksum_crc32=base64.b64encode(crc).decode())[0] == 200
    assert _keys(s3.list_objects_v2(Bucket="acme")) == ["c"]


def test_multi_delete_takes_a_thousand_keys_and_not_one_more(s3: BaseClient) -> None:
    objects = [{"Key": f"k{n}"} for n in range(1001)]
    s3.delete_objects(Bucket="acme", Delete={"Objects": objects[:1000]})
    assert code_of(s3.delete_objects, Bucket="acme", Delete={"Objects": objects}) == "MalformedXML"


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_upload_checksums_are_verified_and_given_back(sandbox: Sandbox, algorithm: str) -> None:
    s3 = sandbox.client("s3")
    sent = s3.put_object(Bucket="acme", Key="k", Body=b"wheat", ChecksumAlgorithm=algorithm)
    head = s3.head_object(Bucket="acme", Key="k", ChecksumMode="ENABLED")
    assert head[f"Checksum{algorithm}"] == sent[f"Checksum{algorithm}"]
    wrong = {f"Checksum{algorithm}": base64.b64encode(b"\0" * 4).decode()}
    assert code_of(s3.put_object, Bucket="acme", Key="l", Body=b"wheat", **wrong) == "BadDigest"
    assert _keys(s3.list_objects_v2(Bucket="acme")) == ["k"]


def test_b57_multipart_upload_is_invisible_until_it_is_complete(s3: BaseClient) -> None:
    made = s3.create_multipart_upload(Bucket="acme", Key="run/big", Metadata={"run": "7"})
    where: dict[str, Any] = {"Bucket": "acme", "Key": "run/big", "UploadId": made["UploadId"]}
    first, last = b"a" * (5 << 20), b"tail"
    etags = [s3.upload_part(**where, PartNumber=n, Body=b)["ETag"] for n, b in ((1, first), (7, last))]
    assert _keys(s3.list_objects_v2(Bucket="acme")) == []
    assert code_of(s3.get_object, Bucket="acme", Key="run/big") == "NoSuchKey"
    listed = s3.list_multipart_uploads(Bucket="acme", Prefix="run/")["Uploads"]
    assert [(u["Key"], u["UploadId"]) for u in listed] == [("run/big", made["UploadId"])]
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="acme", Prefix="other/")
    assert [(p["PartNumber"], p["Size"]) for p in s3.list_parts(**where)["Parts"]] == [(1, 5 << 20), (7, 4)]
    parts = [{"PartNumber": n, "ETag": e} for n, e in zip((1, 7), etags, strict=True)]
    assert code_of(
        s3.complete_multipart_upload, **where, MultipartUpload={"Parts": parts[::-1]}
    ) == "InvalidPartOrder"  # fmt: skip
    wrong = [{"PartNumber": 1, "ETag": etags[1]}]
    assert code_of(s3.complete_multipart_upload, **where, MultipartUpload={"Parts": wrong}) == "InvalidPart"
    done = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    assert done["ETag"].endswith('-2"')
    got = s3.get_object(Bucket="acme", Key="run/big")
    assert got["Body"].read() == first + last
    assert got["Metadata"] == {"run": "7"}
    assert code_of(s3.list_parts, **where) == "NoSuchUpload"


def test_small_middle_parts_and_aborted_uploads(sandbox: Sandbox, s3: BaseClient) -> None:
    made = s3.create_multipart_upload(Bucket="acme", Key="k")
    where: dict[str, Any] = {"Bucket": "acme", "Key": "k", "UploadId": made["UploadId"]}
    parts = [
        {"PartNumber": n, "ETag": s3.upload_part(**where, PartNumber=n, Body=b"x")["ETag"]} for n in (1, 2)
    ]
    assert code_of(
        s3.complete_multipart_upload, **where, MultipartUpload={"Parts": parts}
    ) == "EntityTooSmall"  # fmt: skip
    assert s3.abort_multipart_upload(**where)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert code_of(s3.upload_part, **where, PartNumber=3, Body=b"x") == "NoSuchUpload"
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="acme")
    shown = json.loads(sandbox.control("GET", "objects?bucket=acme").body)
    assert shown == {"objects": [], "uploads": []}


def test_uploads_listed_in_pages(s3: BaseClient) -> None:
    ids = {s3.create_multipart_upload(Bucket="acme", Key=k)["UploadId"] for k in ("a", "a", "b", "c")}
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket="acme", PaginationConfig={"PageSize": 1})
    found = [u["UploadId"] for p in pages for u in p.get("Uploads", [])]
    assert len(found) == 4
    assert set(found) == ids


def test_managed_transfers_of_boto3(s3: BaseClient) -> None:
    body = bytes(n % 253 for n in range(17_000_001))
    s3.upload_fileobj(io.BytesIO(body), "acme", "big")
    s3.copy({"Bucket": "acme", "Key": "big"}, "acme", "copy")
    out = io.BytesIO()
    s3.download_fileobj("acme", "copy", out)
    assert out.getvalue() == body
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="acme")


def test_unimplemented_subresources_say_so(s3: BaseClient) -> None:
    assert refusal(s3.get_bucket_cors, Bucket="acme")[:2] == ("NotImplemented", 501)
    assert code_of(s3.put_object_acl, Bucket="acme", Key="k", ACL="private") == "NotImplemented"
    assert code_of(s3.put_object, Bucket="acme", Key="k", ACL="public-read") == "AccessControlListNotSupported"


def test_buckets_are_made_listed_and_removed(sandbox: Sandbox, s3: BaseClient) -> None:
    s3.create_bucket(Bucket="fresh")
    assert code_of(s3.create_bucket, Bucket="fresh") == "BucketAlreadyOwnedByYou"
    assert code_of(s3.create_bucket, Bucket="UPPER") == "InvalidBucketName"
    west = sandbox.client("s3", region="eu-west-1")
    west.create_bucket(Bucket="west", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == ["acme", "fresh", "west"]
    s3.put_object(Bucket="fresh", Key="k")
    assert code_of(s3.delete_bucket, Bucket="fresh") == "BucketNotEmpty"
    s3.delete_object(Bucket="fresh", Key="k")
    s3.delete_bucket(Bucket="fresh")
    assert code_of(s3.list_objects_v2, Bucket="fresh") == "NoSuchBucket"
    assert code_of(sandbox.client("s3", sandbox.user("poor")).create_bucket, Bucket="mine") == "AccessDenied"
