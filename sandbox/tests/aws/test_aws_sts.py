"""GetCallerIdentity, roles, federation, tokens."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from aws_harness import (
    ACCOUNT,
    ALLOW_ALL,
    OTHER_ACCOUNT,
    Keys,
    Sandbox,
    code_of,
    from_reply,
    policy,
    refusal,
    statement,
    trust,
)

ADMIN = f"arn:aws:iam::{ACCOUNT}:user/admin"


def test_b02_arn_of_keys_role_federation_and_root(sandbox: Sandbox) -> None:
    pathed = sandbox.user("carol", path="/team/x/")
    assert sandbox.arn_of(pathed) == f"arn:aws:iam::{ACCOUNT}:user/team/x/carol"
    role = sandbox.role("reader", trust(ADMIN), path="/service/")
    session = sandbox.assume(sandbox.admin, role, "sluice-42")
    reply = sandbox.client("sts", session).get_caller_identity()
    assert reply["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/sluice-42"
    assert (reply["UserId"], reply["Account"]) == (f"{role.id}:sluice-42", ACCOUNT)
    federated = from_reply(sandbox.client("sts").get_federation_token(Name="unload"))
    assert sandbox.arn_of(federated) == f"arn:aws:sts::{ACCOUNT}:federated-user/unload"
    root = sandbox.services.identity.add_access_key(ACCOUNT, None)
    assert sandbox.arn_of(Keys(root.id, root.secret)) == f"arn:aws:iam::{ACCOUNT}:root"


def test_needs_no_permission_even_under_an_explicit_deny(sandbox: Sandbox) -> None:
    denied = sandbox.user("dave", policy(statement("Deny", "*", "*")))
    assert sandbox.arn_of(denied).endswith(":user/dave")


def test_b03_reply_is_xml_in_the_sts_namespace(sandbox: Sandbox) -> None:
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    reply = sandbox.signed("sts", "POST", "/", body=body, headers=headers)
    assert reply.status == 200
    assert reply.body.startswith(
        b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        b"<GetCallerIdentityResult>"
    )
    assert b"<ResponseMetadata><RequestId>" in reply.body


def test_credentials_of_a_role(sandbox: Sandbox) -> None:
    role = sandbox.role("reader", trust(ADMIN))
    reply = sandbox.client("sts").assume_role(RoleArn=role.arn, RoleSessionName="sluice-1")
    assert reply["AssumedRoleUser"] == {
        "AssumedRoleId": f"{role.id}:sluice-1",
        "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/sluice-1",
    }
    assert reply["Credentials"]["AccessKeyId"].startswith("ASIA")
    left = reply["Credentials"]["Expiration"] - dt.datetime.now(dt.UTC)
    assert 3590 < left.total_seconds() <= 3600
    assert "PackedPolicySize" not in reply


def _assume(sandbox: Sandbox, role_arn: str, keys: Keys | None = None, **more: Any) -> tuple[str, int, str]:
    return refusal(
        sandbox.client("sts", keys).assume_role, RoleArn=role_arn, RoleSessionName="sluice-1", **more
    )


def test_b03_trust_must_name_the_caller(sandbox: Sandbox) -> None:
    role = sandbox.role("reader", trust(ADMIN))
    stranger = sandbox.user("eve", ALLOW_ALL)
    code, status, text = _assume(sandbox, role.arn, stranger)
    assert (code, status) == ("AccessDenied", 403)
    assert text == (
        f"User: arn:aws:iam::{ACCOUNT}:user/eve is not authorized to perform: sts:AssumeRole "
        f"on resource: {role.arn}"
    )
    unknown = f"arn:aws:iam::{ACCOUNT}:role/none"
    assert _assume(sandbox, unknown)[:2] == ("AccessDenied", 403)


def test_trust_in_the_account_also_needs_the_callers_own_right(sandbox: Sandbox) -> None:
    role = sandbox.role("reader", trust(f"arn:aws:iam::{ACCOUNT}:root"))
    poor = sandbox.user("poor")
    assert _assume(sandbox, role.arn, poor)[0] == "AccessDenied"
    sandbox.assume(sandbox.user("able", policy(statement("Allow", "sts:AssumeRole", role.arn))), role)
    named = sandbox.role("named", trust(f"arn:aws:iam::{ACCOUNT}:user/poor"))
    sandbox.assume(poor, named)
    forbidden = sandbox.user("poor", policy(statement("Deny", "sts:*", "*")))
    assert _assume(sandbox, named.arn, forbidden)[0] == "AccessDenied"


def test_across_accounts_both_sides_must_agree(sandbox: Sandbox) -> None:
    role = sandbox.role("reader", trust(f"arn:aws:iam::{OTHER_ACCOUNT}:root"))
    identity = sandbox.services.identity
    identity.put_user(OTHER_ACCOUNT, "base")
    key = identity.add_access_key(OTHER_ACCOUNT, "base")
    keys = Keys(key.id, key.secret)
    assert _assume(sandbox, role.arn, keys)[0] == "AccessDenied"
    identity.put_user(OTHER_ACCOUNT, "base", policies={"p": policy(statement("Allow", "sts:*", role.arn))})
    sandbox.assume(keys, role)


def test_b03_external_id(sandbox: Sandbox) -> None:
    condition = {"StringEquals": {"sts:ExternalId": "sesame-1"}}
    role = sandbox.role("reader", trust(ADMIN, Condition=condition))
    assert _assume(sandbox, role.arn)[:2] == ("AccessDenied", 403)
    assert _assume(sandbox, role.arn, ExternalId="sesame-2")[:2] == ("AccessDenied", 403)
    sandbox.assume(sandbox.admin, role, ExternalId="sesame-1")


def test_b03_tags_need_the_right_to_tag(sandbox: Sandbox) -> None:
    tags = [{"Key": "RedshiftDbUser", "Value": "x"}]
    plain = sandbox.role("plain", trust(ADMIN))
    code, status, text = _assume(sandbox, plain.arn, Tags=tags)
    assert (code, status) == ("AccessDenied", 403)
    assert f"is not authorized to perform: sts:TagSession on resource: {plain.arn}" in text
    tagging = sandbox.role("tagging", trust(ADMIN, actions=["sts:AssumeRole", "sts:TagSession"]))
    sandbox.assume(sandbox.admin, tagging, Tags=tags)


def test_tag_rules_and_transitive_tags(sandbox: Sandbox) -> None:
    role = sandbox.role(
        "tagging", trust([ADMIN, f"arn:aws:iam::{ACCOUNT}:root"], actions=["sts:AssumeRole", "sts:TagSession"]),
        ALLOW_ALL,
    )  # fmt: skip
    twice = [{"Key": "Team", "Value": "a"}, {"Key": "team", "Value": "b"}]
    assert _assume(sandbox, role.arn, Tags=twice)[0] == "InvalidParameterValue"
    assert _assume(sandbox, role.arn, Tags=[{"Key": "k", "Value": "semi;colon"}])[0] == "ValidationError"
    many = [{"Key": f"k{n}", "Value": ""} for n in range(51)]
    assert _assume(sandbox, role.arn, Tags=many)[0] == "ValidationError"
    first = sandbox.assume(sandbox.admin, role, Tags=[{"Key": "Team", "Value": "a"}], TransitiveTagKeys=["Team"])
    again = [{"Key": "team", "Value": "b"}]
    assert _assume(sandbox, role.arn, first, Tags=again)[0] == "InvalidParameterValue"
    second = sandbox.assume(first, role)
    caller = sandbox.services.identity.caller(second.id)
    assert caller is not None
    assert caller.tag("team") == "a"


def test_b03_duration_bounds_role_maximum_and_chaining(sandbox: Sandbox) -> None:
    here = f"arn:aws:iam::{ACCOUNT}:root"
    role = sandbox.role("reader", trust([ADMIN, here]), ALLOW_ALL, max_session_seconds=7200)
    # botocore checks no upper limit; for the lower one, too, the error of the service is needed
    for seconds, rule in ((899, "greater than or equal to 900"), (43201, "less than or equal to 43200")):
        code, status, text = _raw_assume(sandbox, role.arn, seconds)
        assert (code, status) == ("ValidationError", 400)
        assert f"Value '{seconds}' at 'durationSeconds' failed to satisfy constraint" in text
        assert rule in text
    code, _, text = _assume(sandbox, role.arn, DurationSeconds=7201)
    assert code == "ValidationError"
    assert text == "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    session = sandbox.assume(sandbox.admin, role, DurationSeconds=7200)
    code, _, text = _assume(sandbox, role.arn, session, DurationSeconds=3601)
    assert code == "ValidationError"
    assert text == (
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    )
    sandbox.assume(session, role, DurationSeconds=3600)


def _raw_assume(sandbox: Sandbox, arn: str, seconds: int) -> tuple[str, int, str]:
    client = sandbox.client("sts", parameter_validation=False)
    return refusal(client.assume_role, RoleArn=arn, RoleSessionName="sluice-1", DurationSeconds=seconds)


def test_session_name_is_checked(sandbox: Sandbox) -> None:
    role = sandbox.role("reader", trust(ADMIN))
    client = sandbox.client("sts", parameter_validation=False)
    for name in ("x", "has space", "a" * 65):
        assert code_of(client.assume_role, RoleArn=role.arn, RoleSessionName=name) == "ValidationError"


def test_b03_session_policy_too_long_or_malformed(sandbox: Sandbox) -> None:
    role = sandbox.role("reader", trust(ADMIN), ALLOW_ALL)
    exact = json.dumps(ALLOW_ALL)
    sandbox.assume(sandbox.admin, role, Policy=exact + " " * (2048 - len(exact)))
    assert _assume(sandbox, role.arn, Policy=exact + " " * (2049 - len(exact)))[:2] == (
        "PackedPolicyTooLarge", 400,
    )  # fmt: skip
    for text in ("{", "[]", '{"Statement":[]}', '{"Statement":{"Effect":"Allow","Action":"s3:*"}}'):
        assert _assume(sandbox, role.arn, Policy=text)[:2] == ("MalformedPolicyDocument", 400)
    reply = sandbox.client("sts").assume_role(RoleArn=role.arn, RoleSessionName="s-1", Policy=exact)
    assert 1 <= reply["PackedPolicySize"] <= 100


def test_b05_federation_needs_long_term_keys(sandbox: Sandbox) -> None:
    role = sandbox.role("reader", trust(ADMIN), ALLOW_ALL)
    session = sandbox.assume(sandbox.admin, role)
    assert refusal(sandbox.client("sts", session).get_federation_token, Name="unload")[:2] == (
        "AccessDenied", 403,
    )  # fmt: skip
    poor = sandbox.user("poor")
    assert code_of(sandbox.client("sts", poor).get_federation_token, Name="unload") == "AccessDenied"


def test_b05_without_a_policy_the_session_can_do_nothing(sandbox: Sandbox) -> None:
    keys = from_reply(sandbox.client("sts").get_federation_token(Name="unload"))
    assert code_of(sandbox.client("s3", keys).list_objects_v2, Bucket="acme") == "AccessDenied"
    narrow = json.dumps(policy(statement("Allow", "s3:ListBucket", "arn:aws:s3:::acme")))
    keys = from_reply(sandbox.client("sts").get_federation_token(Name="unload", Policy=narrow))
    sandbox.client("s3", keys).list_objects_v2(Bucket="acme")
    assert code_of(sandbox.client("s3", keys).put_object, Bucket="acme", Key="k") == "AccessDenied"
    role = sandbox.role("open", trust("*"))
    assert _assume(sandbox, role.arn, keys)[0] == "AccessDenied"
    assert code_of(
        sandbox.client("redshift-serverless", keys).get_credentials, workgroupName="analytics"
    ) == "AccessDeniedException"  # fmt: skip


def test_b07_token_lengths_vary_and_the_knob_makes_them_long(sandbox: Sandbox) -> None:
    role = sandbox.role("reader", trust(ADMIN), ALLOW_ALL)
    lengths = {len(sandbox.assume(sandbox.admin, role).token or "") for _ in range(8)}
    assert len(lengths) > 1
    sandbox.fault("sts.long_token", bytes=3500)
    keys = sandbox.assume(sandbox.admin, role)
    assert len(keys.token or "") == 3500
    sandbox.client("s3", keys).list_objects_v2(Bucket="acme")
    assert ":assumed-role/" in sandbox.arn_of(keys)


def test_unknown_action_is_refused(sandbox: Sandbox) -> None:
    assert code_of(sandbox.client("sts").get_access_key_info, AccessKeyId="A" * 20) == "InvalidAction"
