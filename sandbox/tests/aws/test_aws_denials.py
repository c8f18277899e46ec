"""AWS's texts for which policy refused, and answers that a test may choose.
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"""

from __future__ import annotations

import json

import pytest
from aws_harness import ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT, Document, Sandbox, policy, statement, trust
from botocore.client import BaseClient
from botocore.exceptions import ClientError

PUT = "s3:PutObject"


def refused(client: BaseClient, bucket: str = "acme") -> str:
    with pytest.raises(ClientError) as caught:
        client.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert caught.value.response["Error"]["Code"] == "AccessDenied"
    return str(caught.value.response["Error"]["Message"])


def without_put() -> Document:
    return policy(statement("Allow", "*", "*"), statement("Deny", PUT, "*"))


NO_PUT = policy(statement("Allow", ["s3:Get*", "s3:List*", "sts:*"], "*"))


def test_denial_names_the_identity_policy_within_the_account(sandbox: Sandbox) -> None:
    text = refused(sandbox.client("s3", sandbox.user("u", NO_PUT)))
    assert text.endswith(f'on resource: "arn:aws:s3:::acme/k" because no identity-based policy allows the {PUT} action')
    assert refused(sandbox.client("s3", sandbox.user("v", without_put()))).endswith(
        "with an explicit deny in an identity-based policy"
    )


def test_denial_names_the_bucket_policy_within_the_account(sandbox: Sandbox) -> None:
    ban = statement("Deny", PUT, "arn:aws:s3:::acme/*", Principal="*")
    sandbox.services.store.set_policy(sandbox.services.store.bucket("acme"), json.dumps(policy(ban)))
    assert refused(sandbox.client("s3", sandbox.user("u", ALLOW_ALL))).endswith(
        "with an explicit deny in a resource-based policy"
    )


def test_denial_names_no_policy_to_another_account(sandbox: Sandbox) -> None:
    sandbox.services.add_bucket("foreign", "us-east-1", OTHER_ACCOUNT)
    assert refused(sandbox.client("s3", sandbox.user("u", ALLOW_ALL)), "foreign") == "Access Denied"


@pytest.mark.parametrize("words", ["service control policy", "resource control policy", "VPC endpoint policy"])
def test_policies_that_cap_all_rights(sandbox: Sandbox, words: str) -> None:
    s3 = sandbox.client("s3", sandbox.user("u", ALLOW_ALL))
    sandbox.services.identity.set_cap(words, NO_PUT)
    assert refused(s3).endswith(f"because no {words} allows the {PUT} action")
    sandbox.services.identity.set_cap(words, without_put())
    assert refused(s3).endswith(f"with an explicit deny in a {words}")
    sandbox.services.identity.set_cap(words, None)
    s3.put_object(Bucket="acme", Key="k", Body=b"x")


def test_permissions_boundary(sandbox: Sandbox) -> None:
    s3 = sandbox.client("s3", sandbox.user("u", ALLOW_ALL))
    sandbox.services.identity.set_boundary(ACCOUNT, "user", "u", NO_PUT)
    assert refused(s3).endswith(f"because no permissions boundary allows the {PUT} action")
    sandbox.services.identity.set_boundary(ACCOUNT, "user", "u", without_put())
    assert refused(s3).endswith("with an explicit deny in a permissions boundary")


def test_session_policy(sandbox: Sandbox) -> None:
    role = sandbox.role("reader", trust(f"arn:aws:iam::{ACCOUNT}:user/admin"), ALLOW_ALL)
    keys = sandbox.assume(sandbox.admin, role, Policy=json.dumps(NO_PUT))
    assert refused(sandbox.client("s3", keys)).endswith(f"because no session policy allows the {PUT} action")


def test_denial_names_the_key_policy_of_another_account(sandbox: Sandbox) -> None:
    bucket = sandbox.services.store.bucket("acme")
    bucket.kms_key = f"arn:aws:kms:us-east-1:{OTHER_ACCOUNT}:key/1"
    text = refused(sandbox.client("s3", sandbox.user("u", ALLOW_ALL)))
    assert "not authorized to perform: kms:GenerateDataKey on resource: arn:aws:kms:" in text
    assert text.endswith("because no resource-based policy allows the kms:GenerateDataKey action")


def test_denial_names_the_missing_identity_policy_for_assume_role(sandbox: Sandbox) -> None:
    role = sandbox.role("reader", trust(f"arn:aws:iam::{ACCOUNT}:root"))
    sts = sandbox.client("sts", sandbox.user("u"))
    with pytest.raises(ClientError, match="because no identity-based policy allows the sts:AssumeRole action"):
        sts.assume_role(RoleArn=role.arn, RoleSessionName="s1")


def test_chosen_error_of_each_service(sandbox: Sandbox) -> None:
    sandbox.fault("aws.error", operation="PutObject", status=400, code="KMS.DisabledException", message="m")
    with pytest.raises(ClientError, match=r"KMS\.DisabledException"):
        sandbox.client("s3").put_object(Bucket="acme", Key="k", Body=b"x")
    sandbox.client("s3").list_objects_v2(Bucket="acme")
    sandbox.fault("aws.error", service="sts", operation="GetCallerIdentity", status=403, code="C", message="m <&>")
    with pytest.raises(ClientError, match="m <&>") as caught:
        sandbox.client("sts").get_caller_identity()
    assert caught.value.response["Error"]["Code"] == "C"
    sandbox.fault("aws.error", service="redshift-serverless", status=400, code="UsageLimitExceeded", message="m")
    with pytest.raises(ClientError, match="UsageLimitExceeded"):
        sandbox.client("redshift-serverless").get_workgroup(workgroupName="analytics")


def test_chosen_body_is_sent_as_it_is(sandbox: Sandbox) -> None:
    sandbox.fault("aws.error", 1, service="s3", status=302, body="<html>log in</html>", location="http://portal.test/x?t=1")
    reply = sandbox.send("GET", "/acme/k")
    assert (reply.status, reply.body) == (302, b"<html>log in</html>")
    assert {name.lower(): value for name, value in reply.headers.items()}["location"] == "http://portal.test/x?t=1"
