"""Rights and regions of S3, addressing, consistency."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_harness import (
    ACCOUNT,
    ALLOW_ALL,
    Keys,
    Sandbox,
    code_of,
    policy,
    refusal,
    statement,
    trust,
)
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from redshift_sandbox.contracts import AccessKeys, AwsError, ObjectGate

READ = statement("Allow", "s3:GetObject", "arn:aws:s3:::acme/*")
LIST = statement("Allow", "s3:ListBucket", "arn:aws:s3:::acme")


def test_b55_missing_key_is_404_only_to_those_who_may_list(sandbox: Sandbox) -> None:
    blind = sandbox.client("s3", sandbox.user("blind", policy(READ)))
    seeing = sandbox.client("s3", sandbox.user("seeing", policy(READ, LIST)))
    assert refusal(blind.get_object, Bucket="acme", Key="k")[:2] == ("AccessDenied", 403)
    assert refusal(seeing.get_object, Bucket="acme", Key="k")[:2] == ("NoSuchKey", 404)
    assert refusal(blind.head_object, Bucket="acme", Key="k")[1] == 403
    assert refusal(seeing.head_object, Bucket="acme", Key="k")[1] == 404
    lister = sandbox.client("s3", sandbox.user("lister", policy(LIST)))
    assert refusal(lister.get_object, Bucket="acme", Key="k")[:2] == ("AccessDenied", 403)


def _head_bucket(client: BaseClient, bucket: str) -> tuple[int, str | None]:
    try:
        answer: dict[str, Any] = client.head_bucket(Bucket=bucket)
    except ClientError as error:
        answer = dict(error.response)
    meta = answer["ResponseMetadata"]
    return meta["HTTPStatusCode"], meta["HTTPHeaders"].get("x-amz-bucket-region")


def test_b55_bucket_region_on_every_head(sandbox: Sandbox, s3: BaseClient) -> None:
    assert _head_bucket(s3, "acme") == (200, "us-east-1")
    assert _head_bucket(sandbox.client("s3", sandbox.user("poor")), "acme") == (403, "us-east-1")
    stranger = sandbox.client("s3", Keys("AKIAUNKNOWN", "secret"))
    assert _head_bucket(stranger, "acme") == (403, "us-east-1")
    assert _head_bucket(s3, "nowhere") == (404, None)


def test_bucket_region_of_a_bucket_elsewhere(sandbox: Sandbox) -> None:
    sandbox.services.add_bucket("ireland", "eu-west-1")
    for region, status in (("us-east-1", 400), ("ap-south-1", 301), ("eu-west-1", 200)):
        reply = sandbox.signed("s3", "HEAD", "/ireland", region=region)
        assert (reply.status, reply.headers["x-amz-bucket-region"]) == (status, "eu-west-1")
        assert reply.body == b""


def test_bucket_location(sandbox: Sandbox, s3: BaseClient) -> None:
    sandbox.services.add_bucket("ireland", "eu-west-1")
    assert s3.get_bucket_location(Bucket="acme")["LocationConstraint"] is None
    assert s3.get_bucket_location(Bucket="ireland")["LocationConstraint"] == "eu-west-1"
    poor = sandbox.client("s3", sandbox.user("poor"))
    assert code_of(poor.get_bucket_location, Bucket="acme") == "AccessDenied"


def test_b56_wrong_region_names_the_right_one(sandbox: Sandbox) -> None:
    sandbox.services.add_bucket("ireland", "eu-west-1")
    reply = sandbox.signed("s3", "GET", "/ireland/k", region="ap-south-1")
    assert reply.status == 301
    assert b"<Code>PermanentRedirect</Code>" in reply.body
    assert b"<Endpoint>s3.eu-west-1.amazonaws.com</Endpoint>" in reply.body
    assert reply.headers["x-amz-bucket-region"] == "eu-west-1"
    reply = sandbox.signed("s3", "GET", "/ireland/k", region="us-east-1")
    assert reply.status == 400
    assert b"<Code>AuthorizationHeaderMalformed</Code>" in reply.body
    assert b"<Region>eu-west-1</Region>" in reply.body


def test_boto3_finds_its_way_to_the_right_region(sandbox: Sandbox) -> None:
    sandbox.services.add_bucket("ireland", "eu-west-1")
    sandbox.client("s3", region="eu-west-1").put_object(Bucket="ireland", Key="k", Body=b"x")
    for region in ("us-east-1", "ap-south-1"):
        client = sandbox.client("s3", region=region, retries=3)
        assert client.get_object(Bucket="ireland", Key="k")["Body"].read() == b"x"


@pytest.mark.parametrize("host", ["acme.s3.us-east-1.amazonaws.com", "acme.s3.amazonaws.com", "acme.localhost",
                                  "acme.s3.localhost", "acme.s3.dualstack.us-east-1.amazonaws.com"])  # fmt: skip
def test_b56_virtual_hosted_style(sandbox: Sandbox, s3: BaseClient, host: str) -> None:
    s3.put_object(Bucket="acme", Key="a/b c", Body=b"x")
    assert sandbox.signed("s3", "GET", "/a/b%20c", host=host).body == b"x"
    assert b"<Key>a/b c</Key>" in sandbox.signed("s3", "GET", "/?list-type=2", host=host).body


def test_b59_reads_and_lists_after_writes_are_consistent(sandbox: Sandbox) -> None:
    """Eight writers, each reading and listing its own key after every change; none may see an older state."""
    failures: list[str] = []

    def work(name: str) -> None:
        s3 = sandbox.client("s3")
        for turn in range(12):
            body = f"{name}-{turn}".encode()
            s3.put_object(Bucket="acme", Key=name, Body=body)
            if s3.get_object(Bucket="acme", Key=name)["Body"].read() != body:
                failures.append(f"{name} read an old body in turn {turn}")
            if s3.list_objects_v2(Bucket="acme", Prefix=name)["KeyCount"] != 1:
                failures.append(f"{name} was not listed in turn {turn}")
            s3.delete_object(Bucket="acme", Key=name)
            if s3.list_objects_v2(Bucket="acme", Prefix=name)["KeyCount"] != 0:
                failures.append(f"{name} was listed after its removal in turn {turn}")

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_b59_expiring_token_does_not_cut_a_body(sandbox: Sandbox, s3: BaseClient) -> None:
    body = bytes(n % 251 for n in range(40 << 20))
    s3.put_object(Bucket="acme", Key="big", Body=body)
    role = sandbox.role("reader", trust(f"arn:aws:iam::{ACCOUNT}:user/admin"), ALLOW_ALL)
    reader = sandbox.client("s3", sandbox.assume(sandbox.admin, role, DurationSeconds=900))
    stream = reader.get_object(Bucket="acme", Key="big")["Body"]
    start = stream.read(1 << 20)
    sandbox.let_time_pass(901)
    assert code_of(reader.get_object, Bucket="acme", Key="big") == "ExpiredToken"
    assert start + stream.read() == body


def test_replaced_or_deleted_objects_do_not_change_a_body_under_way(s3: BaseClient) -> None:
    body = bytes(n % 251 for n in range(40 << 20))
    s3.put_object(Bucket="acme", Key="big", Body=body)
    stream = s3.get_object(Bucket="acme", Key="big")["Body"]
    start = stream.read(1000)
    s3.put_object(Bucket="acme", Key="big", Body=b"new")
    s3.delete_object(Bucket="acme", Key="big")
    assert start + stream.read() == body


# Faults of a download and of listings


def test_b58_slow_down(sandbox: Sandbox, s3: BaseClient) -> None:
    sandbox.fault("s3.slow_down", 2, operation="GetObject")
    s3.put_object(Bucket="acme", Key="k", Body=b"x")
    for _ in range(2):
        assert refusal(s3.get_object, Bucket="acme", Key="k")[:2] == ("SlowDown", 503)
    assert s3.get_object(Bucket="acme", Key="k")["Body"].read() == b"x"
    sandbox.fault("s3.slow_down", 2)
    assert sandbox.client("s3", retries=4).get_object(Bucket="acme", Key="k")["Body"].read() == b"x"


def test_b58_reset_mid_body(sandbox: Sandbox, s3: BaseClient) -> None:
    s3.put_object(Bucket="acme", Key="k", Body=b"x" * 300_000)
    sandbox.fault("s3.reset_mid_body", 1, after=100_000, match="k")
    stream = s3.get_object(Bucket="acme", Key="k")["Body"]
    with pytest.raises(Exception, match=r"(?i)reset|incomplete|broken|eof"):
        stream.read()
    assert len(s3.get_object(Bucket="acme", Key="k")["Body"].read()) == 300_000


def test_b58_flip_byte_is_caught_by_the_checksum(sandbox: Sandbox, s3: BaseClient) -> None:
    body = bytes(100_000)
    s3.put_object(Bucket="acme", Key="k", Body=body)
    sandbox.fault("s3.flip_byte", 1, offset=70_000)
    plain = sandbox.client("s3", response_checksum_validation="when_required")
    damaged = plain.get_object(Bucket="acme", Key="k")["Body"].read()
    assert [n for n in range(100_000) if damaged[n] != body[n]] == [70_000]
    sandbox.fault("s3.flip_byte", 1)
    with pytest.raises(Exception, match="checksum"):
        s3.get_object(Bucket="acme", Key="k")["Body"].read()


def test_b58_truncate_list(sandbox: Sandbox, s3: BaseClient) -> None:
    for n in range(5):
        s3.put_object(Bucket="acme", Key=f"k{n}")
    sandbox.fault("s3.truncate_list", 1)
    reply = sandbox.signed("s3", "GET", "/acme?list-type=2")
    assert reply.status == 200
    assert not reply.body.endswith(b"</ListBucketResult>")
    assert sandbox.signed("s3", "GET", "/acme?list-type=2").body.endswith(b"</ListBucketResult>")


def test_b58_vanish_takes_one_object_between_manifest_and_read(sandbox: Sandbox, s3: BaseClient) -> None:
    for key in ("run/manifest", "run/0000_part_00", "run/0001_part_00"):
        s3.put_object(Bucket="acme", Key=key, Body=b"x")
    sandbox.fault("s3.vanish", 1, match="0001_part")
    s3.get_object(Bucket="acme", Key="run/manifest")
    s3.get_object(Bucket="acme", Key="run/0000_part_00")
    assert code_of(s3.get_object, Bucket="acme", Key="run/0001_part_00") == "NoSuchKey"


def test_slow_paces_a_body(sandbox: Sandbox, s3: BaseClient) -> None:
    s3.put_object(Bucket="acme", Key="k", Body=b"x" * 500_000)
    sandbox.fault("s3.slow", 1, bytes_per_second=1_000_000)
    began = time.monotonic()
    assert len(s3.get_object(Bucket="acme", Key="k")["Body"].read()) == 500_000
    assert time.monotonic() - began > 0.4


# The gate, through which UNLOAD uses the same store


def _refused(call: Callable[[], Any]) -> tuple[str, int]:
    with pytest.raises(AwsError) as caught:
        call()
    return caught.value.code, caught.value.status


def test_gate_has_the_rights_of_its_keys(sandbox: Sandbox, s3: BaseClient, tmp_path: Path) -> None:
    gate: ObjectGate = sandbox.services.gate
    writer = sandbox.user("w", policy(
        LIST, statement("Allow", ["s3:PutObject", "s3:GetObject"], "arn:aws:s3:::acme/run1/*")))  # fmt: skip
    keys = writer.for_gate()
    gate.put_bytes(keys, "us-east-1", "acme", "run1/manifest", b"{}")
    part = tmp_path / "part"
    part.write_bytes(b"PAR1" * 1000)
    gate.put_file(keys, "us-east-1", "acme", "run1/linked", part, link=True)
    gate.put_file(keys, "us-east-1", "acme", "run1/copied", part, link=False)
    assert part.stat().st_nlink == 2
    assert s3.get_object(Bucket="acme", Key="run1/linked")["Body"].read() == b"PAR1" * 1000
    names = ["run1/copied", "run1/linked", "run1/manifest"]
    assert gate.list_keys(keys, "us-east-1", "acme", "run1/", 10) == names
    assert gate.list_keys(keys, "us-east-1", "acme", "run1/", 2) == names[:2]
    assert _refused(lambda: gate.put_bytes(keys, "us-east-1", "acme", "run2/x", b"")) == ("AccessDenied", 403)
    assert _refused(lambda: gate.delete(keys, "us-east-1", "acme", names)) == ("AccessDenied", 403)
    gate.delete(sandbox.admin.for_gate(), "us-east-1", "acme", names)
    assert part.read_bytes() == b"PAR1" * 1000
    assert part.stat().st_nlink == 1


def test_gate_refuses_keys_as_s3_does(sandbox: Sandbox) -> None:
    gate = sandbox.services.gate
    sandbox.services.add_bucket("ireland", "eu-west-1")
    role = sandbox.role("reader", trust(f"arn:aws:iam::{ACCOUNT}:user/admin"), ALLOW_ALL)
    session = sandbox.assume(sandbox.admin, role, DurationSeconds=900)

    def put(keys: AccessKeys, bucket: str = "acme") -> Callable[[], None]:
        return lambda: gate.put_bytes(keys, "us-east-1", bucket, "k", b"")

    put(session.for_gate())()
    assert _refused(put(AccessKeys("AKIANONE", "s"))) == ("InvalidAccessKeyId", 403)
    assert _refused(put(AccessKeys(session.id, session.secret))) == ("InvalidAccessKeyId", 403)
    assert _refused(put(AccessKeys(session.id, session.secret, "wrong"))) == ("InvalidToken", 400)
    assert _refused(put(AccessKeys(session.id, "wrong", session.token))) == ("SignatureDoesNotMatch", 403)
    assert _refused(put(session.for_gate(), "nowhere")) == ("NoSuchBucket", 404)
    assert _refused(put(session.for_gate(), "ireland")) == ("PermanentRedirect", 301)
    sandbox.clock.advance(901)
    assert _refused(put(session.for_gate())) == ("ExpiredToken", 400)
