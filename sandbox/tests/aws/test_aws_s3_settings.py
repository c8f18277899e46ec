"""Versions, lifecycle, encryption by KMS, policies of buckets, unusual keys."""

from __future__ import annotations

import datetime as dt

import pytest
from aws_harness import ACCOUNT, OTHER_ACCOUNT, Keys, Sandbox, code_of, policy, refusal, statement
from botocore.client import BaseClient

from redshift_sandbox import policies
from redshift_sandbox.aws.lifecycle import rules_of_json

BUCKET, OBJECTS = "arn:aws:s3:::acme", "arn:aws:s3:::acme/*"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def _rule(**more: object) -> dict[str, object]:
    return {"ID": "sluice staging", "Status": "Enabled", "Filter": {"Prefix": "sluice/"}, **more}


def _versioned(s3: BaseClient) -> None:
    s3.put_bucket_versioning(Bucket="acme", VersioningConfiguration={"Status": "Enabled"})


# Versions


def test_no_version_is_sent_until_versioning_is_on(s3: BaseClient) -> None:
    assert "Status" not in s3.get_bucket_versioning(Bucket="acme")
    assert "VersionId" not in s3.put_object(Bucket="acme", Key="k", Body=b"0")
    _versioned(s3)
    assert s3.get_bucket_versioning(Bucket="acme")["Status"] == "Enabled"
    first = s3.put_object(Bucket="acme", Key="k", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket="acme", Key="k", Body=b"2")["VersionId"]
    assert first != second and "null" not in (first, second)
    assert s3.get_object(Bucket="acme", Key="k")["VersionId"] == second
    assert s3.head_object(Bucket="acme", Key="k", VersionId=first)["ContentLength"] == 1
    assert s3.get_object(Bucket="acme", Key="k", VersionId=first)["Body"].read() == b"1"
    assert s3.get_object(Bucket="acme", Key="k", VersionId="null")["Body"].read() == b"0"
    assert refusal(s3.get_object, Bucket="acme", Key="k", VersionId="none")[:2] == ("NoSuchVersion", 404)


def test_b57_delete_leaves_a_marker_and_deleting_that_brings_the_object_back(s3: BaseClient) -> None:
    _versioned(s3)
    s3.put_object(Bucket="acme", Key="k", Body=b"1")
    gone = s3.delete_object(Bucket="acme", Key="k")
    assert gone["DeleteMarker"] is True
    with pytest.raises(s3.exceptions.NoSuchKey) as caught:
        s3.get_object(Bucket="acme", Key="k")
    assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    assert s3.list_objects_v2(Bucket="acme")["KeyCount"] == 0
    listing = s3.list_object_versions(Bucket="acme")
    assert [(m["VersionId"], m["IsLatest"]) for m in listing["DeleteMarkers"]] == [(gone["VersionId"], True)]
    assert [v["IsLatest"] for v in listing["Versions"]] == [False]
    assert refusal(s3.get_object, Bucket="acme", Key="k", VersionId=gone["VersionId"])[:2] == ("MethodNotAllowed", 405)
    assert code_of(s3.delete_bucket, Bucket="acme") == "BucketNotEmpty"
    s3.delete_object(Bucket="acme", Key="k", VersionId=gone["VersionId"])
    assert s3.get_object(Bucket="acme", Key="k")["Body"].read() == b"1"
    [version] = s3.list_object_versions(Bucket="acme")["Versions"]
    s3.delete_objects(Bucket="acme", Delete={"Objects": [{"Key": "k", "VersionId": version["VersionId"]}]})
    assert "Versions" not in s3.list_object_versions(Bucket="acme")
    s3.delete_bucket(Bucket="acme")


def test_multi_delete_names_its_markers(s3: BaseClient) -> None:
    _versioned(s3)
    [told] = s3.delete_objects(Bucket="acme", Delete={"Objects": [{"Key": "absent"}]})["Deleted"]
    [marker] = s3.list_object_versions(Bucket="acme")["DeleteMarkers"]
    assert (told["DeleteMarker"], told["DeleteMarkerVersionId"]) == (True, marker["VersionId"])


def test_suspended_versioning_keeps_one_null_version(s3: BaseClient) -> None:
    _versioned(s3)
    kept = s3.put_object(Bucket="acme", Key="k", Body=b"1")["VersionId"]
    s3.put_bucket_versioning(Bucket="acme", VersioningConfiguration={"Status": "Suspended"})
    assert s3.put_object(Bucket="acme", Key="k", Body=b"2")["VersionId"] == "null"
    s3.put_object(Bucket="acme", Key="k", Body=b"3")
    found = s3.list_object_versions(Bucket="acme")["Versions"]
    assert [(v["VersionId"], v["IsLatest"]) for v in found] == [("null", True), (kept, False)]
    s3.delete_object(Bucket="acme", Key="k")
    listing = s3.list_object_versions(Bucket="acme")
    assert [m["VersionId"] for m in listing["DeleteMarkers"]] == ["null"]
    assert [v["VersionId"] for v in listing["Versions"]] == [kept]


def test_b57_versions_are_listed_in_pages_with_prefix_and_delimiter(sandbox: Sandbox, s3: BaseClient) -> None:
    _versioned(s3)
    for key in ("a/1", "a/2", "b c", "b c", "d"):
        s3.put_object(Bucket="acme", Key=key)
    sandbox.fault("s3.page_size", keys=1)
    pages = list(s3.get_paginator("list_object_versions").paginate(Bucket="acme"))
    assert [v["Key"] for page in pages for v in page["Versions"]] == ["a/1", "a/2", "b c", "b c", "d"]
    pages = list(s3.get_paginator("list_object_versions").paginate(Bucket="acme", Delimiter="/"))
    names = [[p["Prefix"] for p in page.get("CommonPrefixes", [])] + [v["Key"] for v in page.get("Versions", [])]
             for page in pages]  # fmt: skip
    assert names == [["a/"], ["b c"], ["b c"], ["d"]]


def test_versions_need_rights_of_their_own(sandbox: Sandbox, s3: BaseClient) -> None:
    _versioned(s3)
    version = s3.put_object(Bucket="acme", Key="k")["VersionId"]
    plain = policy(statement("Allow", ["s3:GetObject", "s3:DeleteObject", "s3:ListBucket"], [BUCKET, OBJECTS]))
    poor = sandbox.client("s3", sandbox.user("poor", plain))
    assert code_of(poor.list_object_versions, Bucket="acme") == "AccessDenied"
    assert code_of(poor.get_object, Bucket="acme", Key="k", VersionId=version) == "AccessDenied"
    assert code_of(poor.delete_object, Bucket="acme", Key="k", VersionId=version) == "AccessDenied"
    assert code_of(poor.get_bucket_versioning, Bucket="acme") == "AccessDenied"
    assert poor.delete_object(Bucket="acme", Key="k")["DeleteMarker"] is True


# Lifecycle


def test_b58_an_object_that_a_rule_will_expire_says_when(sandbox: Sandbox, s3: BaseClient) -> None:
    s3.put_bucket_lifecycle_configuration(
        Bucket="acme", LifecycleConfiguration={"Rules": [_rule(Expiration={"Days": 2})]}
    )
    told = s3.put_object(Bucket="acme", Key="sluice/x")["Expiration"]
    due = (dt.datetime.now(dt.UTC) + dt.timedelta(days=3)).strftime("%a, %d %b %Y 00:00:00 GMT")
    assert told == f'expiry-date="{due}", rule-id="sluice%20staging"'
    assert s3.get_object(Bucket="acme", Key="sluice/x")["Expiration"] == told
    assert s3.head_object(Bucket="acme", Key="sluice/x")["Expiration"] == told
    assert "Expiration" not in s3.put_object(Bucket="acme", Key="slui")
    sandbox.let_time_pass(3 * 86400)
    assert code_of(s3.get_object, Bucket="acme", Key="sluice/x") == "NoSuchKey"
    assert [o["Key"] for o in s3.list_objects_v2(Bucket="acme")["Contents"]] == ["slui"]


def test_rules_round_trip_and_switch_off(sandbox: Sandbox, s3: BaseClient) -> None:
    assert code_of(s3.get_bucket_lifecycle_configuration, Bucket="acme") == "NoSuchLifecycleConfiguration"
    rule = _rule(Expiration={"Days": 2}, NoncurrentVersionExpiration={"NoncurrentDays": 1},
                 AbortIncompleteMultipartUpload={"DaysAfterInitiation": 2})  # fmt: skip
    s3.put_bucket_lifecycle_configuration(Bucket="acme", LifecycleConfiguration={"Rules": [rule]})
    assert s3.get_bucket_lifecycle_configuration(Bucket="acme")["Rules"] == [rule]
    assert sandbox.services.store.bucket("acme").lifecycle == rules_of_json({"Rules": [rule]})
    off = {**rule, "Status": "Disabled"}
    s3.put_bucket_lifecycle_configuration(Bucket="acme", LifecycleConfiguration={"Rules": [off]})
    assert "Expiration" not in s3.put_object(Bucket="acme", Key="sluice/x")
    s3.delete_bucket_lifecycle(Bucket="acme")
    assert code_of(s3.get_bucket_lifecycle_configuration, Bucket="acme") == "NoSuchLifecycleConfiguration"


def test_expiry_in_a_versioned_bucket_and_of_uploads(sandbox: Sandbox, s3: BaseClient) -> None:
    _versioned(s3)
    rule = _rule(Expiration={"Days": 1}, NoncurrentVersionExpiration={"NoncurrentDays": 1},
                 AbortIncompleteMultipartUpload={"DaysAfterInitiation": 1})  # fmt: skip
    s3.put_bucket_lifecycle_configuration(Bucket="acme", LifecycleConfiguration={"Rules": [rule]})
    s3.put_object(Bucket="acme", Key="sluice/x")
    s3.create_multipart_upload(Bucket="acme", Key="sluice/y")
    sandbox.let_time_pass(2 * 86400)
    listing = s3.list_object_versions(Bucket="acme")
    assert [m["Key"] for m in listing["DeleteMarkers"]] == [v["Key"] for v in listing["Versions"]] == ["sluice/x"]
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="acme")
    sandbox.let_time_pass(2 * 86400)
    listing = s3.list_object_versions(Bucket="acme")
    assert "Versions" not in listing and len(listing["DeleteMarkers"]) == 1


def test_rules_need_their_own_right_and_a_meaning(sandbox: Sandbox, s3: BaseClient) -> None:
    poor = sandbox.client("s3", sandbox.user("poor", policy(statement("Allow", "s3:*Object*", "*"))))
    rules = {"Rules": [_rule(Expiration={"Days": 2})]}
    assert code_of(poor.put_bucket_lifecycle_configuration, Bucket="acme", LifecycleConfiguration=rules) == (
        "AccessDenied"
    )
    assert code_of(poor.get_bucket_lifecycle_configuration, Bucket="acme") == "AccessDenied"
    for wrong, code in (
        (_rule(), "InvalidRequest"),
        (_rule(Expiration={"Days": 0}), "InvalidArgument"),
        (_rule(Transitions=[{"Days": 1, "StorageClass": "GLACIER"}]), "NotImplemented"),
    ):
        given = {"Rules": [wrong]}
        assert code_of(s3.put_bucket_lifecycle_configuration, Bucket="acme", LifecycleConfiguration=given) == code


# Encryption


def _gate_put(sandbox: Sandbox, s3: BaseClient, **more: str) -> str:
    try:
        s3.put_object(Bucket="acme", Key="k", Body=b"x", **more)
    except s3.exceptions.ClientError as error:
        return str(error.response["Error"]["Message"])
    return "stored"


def test_bucket_that_demands_kms(sandbox: Sandbox, s3: BaseClient) -> None:
    s3.put_bucket_policy(Bucket="acme", Policy=policies.demand_kms("acme"))
    why = _gate_put(sandbox, s3)
    assert why.startswith(f"User: arn:aws:iam::{ACCOUNT}:user/admin is not authorized to perform: s3:PutObject on")
    assert why.endswith("with an explicit deny in a resource-based policy")
    assert "is not authorized" in _gate_put(sandbox, s3, ServerSideEncryption="AES256")
    assert s3.put_object(Bucket="acme", Key="k", ServerSideEncryption="aws:kms")["ServerSideEncryption"] == "aws:kms"


def test_a_named_key_must_be_allowed(sandbox: Sandbox, s3: BaseClient) -> None:
    plain = statement("Allow", ["s3:PutObject", "s3:GetObject"], OBJECTS)
    poor = sandbox.client("s3", sandbox.user("poor", policy(plain)))
    seal = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KEY}
    code, status, why = refusal(poor.put_object, Bucket="acme", Key="k", **seal)
    assert (code, status) == ("AccessDenied", 403)
    assert f"is not authorized to perform: kms:GenerateDataKey on resource: {KEY}" in why
    writer = sandbox.client("s3", sandbox.user("w", policy(plain, statement("Allow", "kms:GenerateDataKey", KEY))))
    assert writer.put_object(Bucket="acme", Key="k", **seal)["SSEKMSKeyId"] == KEY
    assert "kms:Decrypt" in refusal(writer.get_object, Bucket="acme", Key="k")[2]
    reader = sandbox.client("s3", sandbox.user("r", policy(plain, statement("Allow", "kms:Decrypt", KEY))))
    assert reader.get_object(Bucket="acme", Key="k")["SSEKMSKeyId"] == KEY


def test_default_encryption_of_the_bucket(sandbox: Sandbox, s3: BaseClient) -> None:
    rules = [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}}]
    s3.put_bucket_encryption(Bucket="acme", ServerSideEncryptionConfiguration={"Rules": rules})
    shown = s3.get_bucket_encryption(Bucket="acme")["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert shown["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == KEY
    assert s3.put_object(Bucket="acme", Key="k")["SSEKMSKeyId"] == KEY
    poor = sandbox.client("s3", sandbox.user("poor", policy(statement("Allow", "s3:PutObject", OBJECTS))))
    assert "kms:GenerateDataKey" in refusal(poor.put_object, Bucket="acme", Key="k")[2]


# Policies of buckets


def test_bucket_policy_of_the_administrator_reaches_another_account(sandbox: Sandbox) -> None:
    identity = sandbox.services.identity
    may = policy(statement("Allow", "s3:GetObject", OBJECTS))
    far = identity.put_user(OTHER_ACCOUNT, "far", policies={"p": may})
    made = identity.add_access_key(OTHER_ACCOUNT, "far")
    client = sandbox.client("s3", Keys(made.id, made.secret))
    sandbox.client("s3").put_object(Bucket="acme", Key="k", Body=b"x")
    assert code_of(client.get_object, Bucket="acme", Key="k") == "AccessDenied"
    store = sandbox.services.store
    grant = statement("Allow", "s3:GetObject", OBJECTS, Principal={"AWS": far.arn})
    store.set_policy(store.bucket("acme"), policy(grant))
    assert client.get_object(Bucket="acme", Key="k")["Body"].read() == b"x"
    store.set_policy(store.bucket("acme"), policy(grant, {**grant, "Effect": "Deny"}))
    assert refusal(client.get_object, Bucket="acme", Key="k")[2] == "Access Denied", "nothing more to other accounts"


# Keys with unusual characters


HARD_KEYS = ("a=b/c+d e", "ü/ж/日", "100%/x", "a//b", "~tilde_-.", "q?x&y#z", "semi;colon,@:!*'()")


@pytest.mark.parametrize("key", HARD_KEYS)
@pytest.mark.parametrize("style", ["path", "virtual"])
def test_b56_hard_keys_in_both_styles(sandbox: Sandbox, s3: BaseClient, key: str, style: str) -> None:
    if style == "path":
        s3.put_object(Bucket="acme", Key=key, Body=b"x")
        assert s3.get_object(Bucket="acme", Key=key)["Body"].read() == b"x"
        assert [o["Key"] for o in s3.list_objects_v2(Bucket="acme", Prefix=key)["Contents"]] == [key]
        s3.copy_object(Bucket="acme", Key="copy", CopySource={"Bucket": "acme", "Key": key})
        s3.delete_objects(Bucket="acme", Delete={"Objects": [{"Key": key}]})
        assert code_of(s3.get_object, Bucket="acme", Key=key) == "NoSuchKey"
        return
    host = f"acme.s3.localhost:{sandbox.port}"
    url = s3.generate_presigned_url("get_object", {"Bucket": "acme", "Key": key})
    target = url.split(str(sandbox.port), 1)[1].split("?")[0].removeprefix("/acme")
    assert sandbox.signed("s3", "PUT", target, body=b"v", host=host).status == 200
    assert [o.key for o in sandbox.services.store.list_objects(
        sandbox.services.store.bucket("acme"), "", "", "", 9).objects] == [key]  # fmt: skip
    assert sandbox.signed("s3", "GET", target, host=host).body == b"v"
