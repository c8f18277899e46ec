"""Each error of AssumeRole, with the code, status and text of STS."""

from __future__ import annotations

from typing import Any

import pytest
from aws_harness import ACCOUNT, ALLOW_ALL, Document, Keys, Sandbox, policy, refusal, statement, trust

ADMIN = f"arn:aws:iam::{ACCOUNT}:user/admin"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"
DENIED = f"User: {ADMIN} is not authorized to perform: sts:{{action}} on resource: {ROLE}"
WITH_ID = {"Condition": {"StringEquals": {"sts:ExternalId": "shared"}}}
DENY = policy(statement("Deny", "sts:AssumeRole", ROLE))
TAG = [{"Key": "RedshiftDbUser", "Value": "x"}]


@pytest.mark.parametrize(
    ("trusted", "asked", "expected"),
    [
        (trust(f"arn:aws:iam::{ACCOUNT}:user/other"), {}, ("AccessDenied", 403, DENIED.format(action="AssumeRole"))),
        (trust(ADMIN, **WITH_ID), {}, ("AccessDenied", 403, DENIED.format(action="AssumeRole"))),
        (trust(ADMIN, **WITH_ID), {"ExternalId": "wrong"},
         ("AccessDenied", 403, DENIED.format(action="AssumeRole"))),
        (trust(ADMIN), {"Tags": TAG}, ("AccessDenied", 403, DENIED.format(action="TagSession"))),
        (trust(ADMIN), {"DurationSeconds": 3601}, (
            "ValidationError", 400,
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")),
    ],
)  # fmt: skip
def test_texts(sandbox: Sandbox, trusted: Document, asked: dict[str, Any], expected: tuple[str, int, str]) -> None:
    sandbox.role("reader", trusted)
    client = sandbox.client("sts")
    assert refusal(client.assume_role, RoleArn=ROLE, RoleSessionName="s1", **asked) == expected


def test_explicit_deny_says_so(sandbox: Sandbox) -> None:
    sandbox.role("reader", trust(ADMIN))
    sandbox.services.identity.put_identity_policy(ACCOUNT, "user", "admin", "deny", DENY)
    code, status, text = refusal(sandbox.client("sts").assume_role, RoleArn=ROLE, RoleSessionName="s1")
    assert (code, status) == ("AccessDenied", 403)
    assert text == DENIED.format(action="AssumeRole") + " with an explicit deny in an identity-based policy"


def test_role_chaining_is_capped(sandbox: Sandbox) -> None:
    first = sandbox.role("first", trust(ADMIN), ALLOW_ALL)
    sandbox.role("reader", trust(first.arn), max_session_seconds=43200)
    client = sandbox.client("sts", sandbox.assume(sandbox.admin, first))
    code, status, text = refusal(client.assume_role, RoleArn=ROLE, RoleSessionName="s1", DurationSeconds=3601)
    assert (code, status) == ("ValidationError", 400)
    assert text == (
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    )


def test_deactivated_keys_in_each_services_words(sandbox: Sandbox) -> None:
    user = sandbox.user("carol", ALLOW_ALL)
    sandbox.services.identity.set_key_active(user.id, False)
    assert refusal(sandbox.client("sts", user).get_caller_identity)[:2] == ("InvalidClientTokenId", 403)
    minting = sandbox.client("redshift-serverless", user).get_credentials
    assert refusal(minting, workgroupName="analytics")[:2] == ("UnrecognizedClientException", 400)
    assert refusal(sandbox.client("s3", user).list_objects_v2, Bucket="acme")[:2] == ("InvalidAccessKeyId", 403)
    sandbox.services.identity.set_key_active(user.id, True)
    sandbox.client("sts", user).get_caller_identity()


def test_a_clock_twenty_minutes_off(sandbox: Sandbox) -> None:
    sandbox.clock.advance(1200)
    code, status, text = refusal(sandbox.client("sts").get_caller_identity)
    assert (code, status) == ("SignatureDoesNotMatch", 403)
    assert text.startswith("Signature expired: ")
    stale = Keys(sandbox.admin.id, sandbox.admin.secret)
    assert refusal(sandbox.client("s3", stale).list_objects_v2, Bucket="acme")[:2] == ("RequestTimeTooSkewed", 403)
