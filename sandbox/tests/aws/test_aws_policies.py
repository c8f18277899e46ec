"""The evaluator, by itself and through calls."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aws_harness import ACCOUNT, ALLOW_ALL, OTHER_ACCOUNT, Keys, Sandbox, code_of, policy, statement, trust

from redshift_sandbox.contracts import AwsError
from redshift_sandbox.identity.model import Caller
from redshift_sandbox.identity.policy import Ask, Decision, authorise, decide
from redshift_sandbox.identity.policy_document import parse_policy

ADMIN = f"arn:aws:iam::{ACCOUNT}:user/admin"
RUN = "arn:aws:s3:::acme/sluice/c1/run1/*"
UNLOAD_KEYS = policy(
    statement("Allow", ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
              "arn:aws:s3:::acme"),
    statement("Allow", ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload",
                        "s3:ListMultipartUploadParts"], RUN),
)  # fmt: skip


def test_b06_keys_of_an_unload_write_their_run_and_nothing_else(sandbox: Sandbox) -> None:
    role = sandbox.role("reader", trust(ADMIN), ALLOW_ALL)
    keys = sandbox.assume(sandbox.admin, role, Policy=json.dumps(UNLOAD_KEYS))
    s3 = sandbox.client("s3", keys)
    s3.put_object(Bucket="acme", Key="sluice/c1/run1/part", Body=b"x")
    assert s3.get_object(Bucket="acme", Key="sluice/c1/run1/part")["Body"].read() == b"x"
    assert code_of(s3.put_object, Bucket="acme", Key="sluice/c1/run10/part", Body=b"x") == "AccessDenied"
    assert code_of(s3.delete_object, Bucket="acme", Key="sluice/c1/run1/part") == "AccessDenied"
    serverless = sandbox.client("redshift-serverless", keys)
    assert code_of(serverless.get_credentials, workgroupName="analytics") == "AccessDeniedException"


def test_b06_session_policy_cannot_widen(sandbox: Sandbox) -> None:
    only_list = policy(statement("Allow", "s3:ListBucket", "*"))
    role = sandbox.role("reader", trust(ADMIN), only_list)
    s3 = sandbox.client("s3", sandbox.assume(sandbox.admin, role, Policy=json.dumps(ALLOW_ALL)))
    s3.list_objects_v2(Bucket="acme")
    assert code_of(s3.put_object, Bucket="acme", Key="k") == "AccessDenied"


def test_b06_explicit_deny_wins(sandbox: Sandbox) -> None:
    keys = sandbox.user("u", ALLOW_ALL, policy(statement("Deny", "s3:Put*", "arn:aws:s3:::acme/locked/*")))
    s3 = sandbox.client("s3", keys)
    s3.put_object(Bucket="acme", Key="open/k")
    assert code_of(s3.put_object, Bucket="acme", Key="locked/k") == "AccessDenied"


def test_listing_narrowed_by_prefix(sandbox: Sandbox) -> None:
    condition = {"StringLike": {"s3:prefix": ["sluice/*"]}}
    keys = sandbox.user("u", policy(statement("Allow", "s3:ListBucket", "*", Condition=condition)))
    s3 = sandbox.client("s3", keys)
    s3.list_objects_v2(Bucket="acme", Prefix="sluice/c1/")
    assert code_of(s3.list_objects_v2, Bucket="acme", Prefix="other/") == "AccessDenied"
    assert code_of(s3.list_objects_v2, Bucket="acme") == "AccessDenied"


def test_rights_change_at_once(sandbox: Sandbox) -> None:
    keys = sandbox.user("u", ALLOW_ALL)
    s3 = sandbox.client("s3", keys)
    s3.list_objects_v2(Bucket="acme")
    sandbox.services.identity.put_identity_policy(ACCOUNT, "user", "u", "p0", None)
    assert code_of(s3.list_objects_v2, Bucket="acme") == "AccessDenied"


def test_bucket_policy_unites_with_identity_in_one_account(sandbox: Sandbox) -> None:
    role = sandbox.role("reader", trust(ADMIN))
    keys = sandbox.assume(sandbox.admin, role)
    s3 = sandbox.client("s3", keys)
    assert code_of(s3.list_objects_v2, Bucket="acme") == "AccessDenied"
    grant = statement("Allow", "s3:ListBucket", "arn:aws:s3:::acme", Principal={"AWS": role.arn})
    sandbox.client("s3").put_bucket_policy(Bucket="acme", Policy=json.dumps(policy(grant)))
    s3.list_objects_v2(Bucket="acme")
    ban = statement("Deny", "s3:*", "*", Principal="*", Condition={
        "StringNotEquals": {"aws:PrincipalArn": ADMIN}})  # fmt: skip
    sandbox.client("s3").put_bucket_policy(Bucket="acme", Policy=json.dumps(policy(grant, ban)))
    assert code_of(s3.list_objects_v2, Bucket="acme") == "AccessDenied"
    sandbox.client("s3").delete_bucket_policy(Bucket="acme")


def test_across_accounts_bucket_and_identity_must_both_allow(sandbox: Sandbox) -> None:
    identity = sandbox.services.identity
    identity.put_user(OTHER_ACCOUNT, "guest", policies={"p": ALLOW_ALL})
    key = identity.add_access_key(OTHER_ACCOUNT, "guest")
    s3 = sandbox.client("s3", Keys(key.id, key.secret))
    assert code_of(s3.list_objects_v2, Bucket="acme") == "AccessDenied"
    grant = statement("Allow", "s3:ListBucket", "arn:aws:s3:::acme",
                      Principal={"AWS": f"arn:aws:iam::{OTHER_ACCOUNT}:root"})  # fmt: skip
    sandbox.client("s3").put_bucket_policy(Bucket="acme", Policy=json.dumps(policy(grant)))
    s3.list_objects_v2(Bucket="acme")
    identity.put_user(OTHER_ACCOUNT, "guest")
    assert code_of(s3.list_objects_v2, Bucket="acme") == "AccessDenied"


CASES: list[tuple[dict[str, Any], str, str, dict[str, str], Decision]] = [
    (statement("Allow", "s3:Get*", "*"), "s3:GetObject", "arn:aws:s3:::b/k", {}, Decision.ALLOW),
    (statement("Allow", "S3:getobject", "*"), "s3:GetObject", "arn:aws:s3:::b/k", {}, Decision.ALLOW),
    (statement("Allow", "s3:Get?bject", "*"), "s3:GetObject", "arn:aws:s3:::b/k", {}, Decision.ALLOW),
    (statement("Allow", "s3:GetObject", "arn:aws:s3:::b/K"), "s3:GetObject", "arn:aws:s3:::b/k", {},
     Decision.IMPLICIT_DENY),
    (statement("Allow", "s3:GetObject", "arn:aws:s3:::b*"), "s3:GetObject", "arn:aws:s3:::b/k/l", {},
     Decision.ALLOW),
    ({"Effect": "Allow", "NotAction": "s3:Delete*", "Resource": "*"}, "s3:DeleteObject", "arn:aws:s3:::b/k",
     {}, Decision.IMPLICIT_DENY),
    ({"Effect": "Allow", "NotAction": "s3:Delete*", "Resource": "*"}, "s3:PutObject", "arn:aws:s3:::b/k", {},
     Decision.ALLOW),
    ({"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::b/*"}, "s3:PutObject", "arn:aws:s3:::c/k",
     {}, Decision.EXPLICIT_DENY),
    (statement("Allow", "s3:*", "*", Condition={"StringEquals": {"s3:prefix": ["a/", "b/"]}}),
     "s3:ListBucket", "arn:aws:s3:::b", {"s3:prefix": "b/"}, Decision.ALLOW),
    (statement("Allow", "s3:*", "*", Condition={"StringEquals": {"s3:prefix": "a/"}}), "s3:ListBucket",
     "arn:aws:s3:::b", {}, Decision.IMPLICIT_DENY),
    (statement("Allow", "s3:*", "*", Condition={"StringEqualsIfExists": {"s3:prefix": "a/"}}),
     "s3:ListBucket", "arn:aws:s3:::b", {}, Decision.ALLOW),
    (statement("Allow", "s3:*", "*", Condition={"StringNotEquals": {"s3:prefix": "a/"}}), "s3:ListBucket",
     "arn:aws:s3:::b", {}, Decision.ALLOW),
    (statement("Allow", "s3:*", "*", Condition={"StringNotEquals": {"s3:prefix": ["a/", "b/"]}}),
     "s3:ListBucket", "arn:aws:s3:::b", {"s3:prefix": "b/"}, Decision.IMPLICIT_DENY),
    (statement("Deny", "s3:*", "*", Condition={"Bool": {"aws:SecureTransport": False}}), "s3:GetObject",
     "arn:aws:s3:::b/k", {"aws:SecureTransport": "true"}, Decision.IMPLICIT_DENY),
    (statement("Deny", "s3:*", "*", Condition={"Bool": {"AWS:securetransport": "true"}}), "s3:GetObject",
     "arn:aws:s3:::b/k", {"aws:SecureTransport": "true"}, Decision.EXPLICIT_DENY),
    (statement("Allow", "s3:*", "*", Condition={"Null": {"s3:prefix": "true"}}), "s3:ListBucket",
     "arn:aws:s3:::b", {"s3:prefix": ""}, Decision.IMPLICIT_DENY),
    (statement("Allow", "s3:*", "arn:aws:s3:::b/${aws:username}/*"), "s3:GetObject", "arn:aws:s3:::b/ann/k",
     {"aws:username": "ann"}, Decision.ALLOW),
    (statement("Allow", "s3:*", "arn:aws:s3:::b/${aws:username}/*"), "s3:GetObject", "arn:aws:s3:::b//k", {},
     Decision.IMPLICIT_DENY),
    (statement("Allow", "s3:*", "*", Condition={"StringEquals": {"s3:prefix": "a/"},
                                               "Bool": {"aws:SecureTransport": "true"}}),
     "s3:ListBucket", "arn:aws:s3:::b", {"s3:prefix": "a/"}, Decision.IMPLICIT_DENY),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "action", "resource", "context", "expected"), CASES)
def test_b06_evaluator_table(
    rule: dict[str, Any], action: str, resource: str, context: dict[str, str], expected: Decision
) -> None:
    assert decide([parse_policy(policy(rule), kind="identity")], Ask(action, resource, context)) is expected


def test_every_word_of_a_document_is_understood_or_refused() -> None:
    broken = [
        statement("Permit", "s3:*", "*"),
        {"Effect": "Allow", "Action": "s3:*"},
        statement("Allow", "s3:*", "*", NotAction="s3:Get*"),
        statement("Allow", "GetObject", "*"),
        statement("Allow", "s3:*", "acme/*"),
        statement("Allow", "s3:*", "*", Condition={"StringSortOf": {"a": "b"}}),
        statement("Allow", "s3:*", "*", Principal="*"),
        statement("Allow", "s3:*", "*", Resorce="*"),
    ]
    for rule in broken:
        with pytest.raises(AwsError) as caught:
            parse_policy(policy(rule), kind="identity")
        assert caught.value.code == "MalformedPolicyDocument"


def test_refusal_says_what_is_missing() -> None:
    caller = Caller("user", "arn:aws:iam::1:user/u", "1", "AIDA", "u", (ALLOW_ALL,), policy())
    verdict = authorise(caller, Ask("s3:GetObject", "arn:aws:s3:::b/k"))
    assert not verdict.allowed
    assert verdict.why == "because no session policy allows the s3:GetObject action"
