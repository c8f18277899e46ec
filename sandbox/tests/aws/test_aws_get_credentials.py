"""GetCredentials, its errors, and which database user a principal is."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from aws_harness import ACCOUNT, ALLOW_ALL, REGION, Keys, Reply, Sandbox, code_of, policy, refusal, statement, trust

ADMIN = f"arn:aws:iam::{ACCOUNT}:user/admin"
TAGGING = ["sts:AssumeRole", "sts:TagSession"]


def _post(sandbox: Sandbox, body: Any, operation: str = "GetCredentials", keys: Keys | None = None) -> Reply:
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": f"RedshiftServerless.{operation}",
    }
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return sandbox.signed("redshift-serverless", "POST", "/", body=data, headers=headers, keys=keys)


def test_b08_reply_byte_for_byte(sandbox: Sandbox) -> None:
    reply = _post(sandbox, {"workgroupName": "analytics", "dbName": "dev", "durationSeconds": 3600})
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/x-amz-json-1.1"
    assert re.fullmatch(r"[0-9a-f-]{36}", reply.headers["x-amzn-requestid"])
    form = rb'\{"dbUser":"IAM:admin","dbPassword":"[A-Za-z0-9+/]+=+","expiration":(\d+\.\d+),"nextRefreshTime":\1\}'
    match = re.fullmatch(form, reply.body)
    assert match is not None, reply.body
    assert abs(float(match[1]) - time.time() - 3600) < 30
    password = json.loads(reply.body)["dbPassword"]
    assert "+" in password
    assert "/" in password


def test_default_duration_is_900(sandbox: Sandbox) -> None:
    until = json.loads(_post(sandbox, {"workgroupName": "analytics"}).body)["expiration"]
    assert abs(until - time.time() - 900) < 30


@pytest.mark.parametrize(
    "body",
    [
        {"durationSeconds": 899}, {"durationSeconds": 3601}, {"dbName": "1dev"}, {"dbName": "a:b"},
        {"dbName": "a/b"}, {"dbName": "a" * 65}, {"dbName": "select"}, {"workgroupName": "ab"},
        {"workgroupName": "Upper"}, {"workgroupName": None}, {"dbName": ""},
    ],
)  # fmt: skip
def test_b08_member_rules(sandbox: Sandbox, body: dict[str, Any]) -> None:
    reply = _post(sandbox, {"workgroupName": "analytics", **body})
    assert reply.status == 400
    assert reply.headers["x-amzn-errortype"] == "ValidationException"
    error = json.loads(reply.body)
    assert error["__type"].endswith("#ValidationException")
    assert error["message"]


@pytest.mark.parametrize("seconds", [900, 3600])
def test_duration_bounds_are_allowed(sandbox: Sandbox, seconds: int) -> None:
    assert _post(sandbox, {"workgroupName": "analytics", "durationSeconds": seconds}).status == 200


def test_b08_extra_members_change_nothing(sandbox: Sandbox) -> None:
    body = {"workgroupName": "analytics", "dbUser": "boss", "autoCreate": True, "dbGroups": ["a"]}
    reply = _post(sandbox, body)
    assert json.loads(reply.body)["dbUser"] == "IAM:admin"


def test_bad_json_and_unknown_operation(sandbox: Sandbox) -> None:
    assert _post(sandbox, b"{").headers["x-amzn-errortype"] == "SerializationException"
    assert _post(sandbox, {"workgroupName": 7}).headers["x-amzn-errortype"] == "SerializationException"
    reply = _post(sandbox, {}, "DeleteWorkgroup")
    assert reply.headers["x-amzn-errortype"] == "UnknownOperationException"


def test_passwords_open_logins_until_they_expire(sandbox: Sandbox) -> None:
    passwords = sandbox.services.passwords
    client = sandbox.client("redshift-serverless")
    first = client.get_credentials(workgroupName="analytics", durationSeconds=900)
    second = client.get_credentials(workgroupName="analytics", durationSeconds=1800)
    assert first["dbPassword"] != second["dbPassword"]
    for reply in (first, second):
        assert passwords.verify(reply["dbUser"], reply["dbPassword"]).outcome == "ok"
    assert passwords.verify("iam:admin", first["dbPassword"]).outcome == "wrong"
    assert passwords.verify("IAM:admin", first["dbPassword"] + "x").outcome == "wrong"
    assert passwords.verify("IAM:admin", "").outcome == "wrong"
    sandbox.let_time_pass(901)
    assert passwords.verify("IAM:admin", first["dbPassword"]).outcome == "expired"
    assert passwords.verify("IAM:admin", second["dbPassword"]).outcome == "ok"


@pytest.mark.parametrize("name", ["analytic", "analytics-endpoint-x1y2z3"])
def test_b09_unknown_workgroup(sandbox: Sandbox, name: str) -> None:
    client = sandbox.client("redshift-serverless")
    for call in (client.get_credentials, client.get_workgroup):
        code, status, text = refusal(call, workgroupName=name)
        assert (code, status) == ("ResourceNotFoundException", 400)
        assert text == f"Serverless workgroup {name} not found."
    body = json.loads(_post(sandbox, {"workgroupName": name}).body)
    assert body["resourceName"] == name


def test_b09_right_name_in_another_region(sandbox: Sandbox) -> None:
    client = sandbox.client("redshift-serverless", region="eu-west-1")
    code, _, text = refusal(client.get_credentials, workgroupName="analytics")
    assert (code, text) == ("ResourceNotFoundException", "Serverless workgroup analytics not found.")


def test_b09_workgroup_and_namespace_behind_their_own_actions(sandbox: Sandbox) -> None:
    client = sandbox.client("redshift-serverless")
    found = client.get_workgroup(workgroupName="analytics")["workgroup"]
    assert found["endpoint"]["address"] == "127.0.0.1"
    assert found["endpoint"]["port"] == 5439
    assert found["status"] == "AVAILABLE"
    assert found["workgroupArn"] == f"arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:workgroup/{found['workgroupId']}"
    assert {"publiclyAccessible", "configParameters", "patchVersion", "namespaceName"} <= set(found)
    space = client.get_namespace(namespaceName=found["namespaceName"])["namespace"]
    assert "iamRoles" in space
    login_only = sandbox.user("u", policy(statement("Allow", "redshift-serverless:GetCredentials", "*")))
    client = sandbox.client("redshift-serverless", login_only)
    client.get_credentials(workgroupName="analytics")
    assert code_of(client.get_workgroup, workgroupName="analytics") == "AccessDeniedException"
    assert code_of(client.get_namespace, namespaceName="analytics") == "AccessDeniedException"
    assert code_of(sandbox.client("redshift-serverless").get_namespace, namespaceName="none") == (
        "ResourceNotFoundException"
    )


def _db_user(sandbox: Sandbox, keys: Keys) -> str:
    reply = sandbox.client("redshift-serverless", keys).get_credentials(workgroupName="analytics")
    return str(reply["dbUser"])


def test_b10_db_user_of_users_and_roles(sandbox: Sandbox) -> None:
    assert _db_user(sandbox, sandbox.user("carol", ALLOW_ALL, path="/team/x/")) == "IAM:carol"
    role = sandbox.role("Sluice-Reader", trust(ADMIN), ALLOW_ALL, path="/service/")
    assert _db_user(sandbox, sandbox.assume(sandbox.admin, role, "any-session")) == "IAMR:Sluice-Reader"
    root = sandbox.services.identity.add_access_key(ACCOUNT, None)
    assert _db_user(sandbox, Keys(root.id, root.secret)) == "IAM:RootIdentity"


def test_b10_tag_on_the_role_and_session_tag_over_it(sandbox: Sandbox) -> None:
    tags = {"RedshiftDbUser": "fromrole"}
    role = sandbox.role("reader", trust(ADMIN, actions=TAGGING), ALLOW_ALL, tags=tags)
    assert _db_user(sandbox, sandbox.assume(sandbox.admin, role)) == "IAMR:fromrole"
    session = sandbox.assume(sandbox.admin, role, Tags=[{"Key": "redshiftdbuser", "Value": "fromsession"}])
    assert _db_user(sandbox, session) == "IAMR:fromsession"
    assert _db_user(sandbox, sandbox.user("dora", ALLOW_ALL, tags={"RedshiftDbUser": "x"})) == "IAM:x"


def test_b10_permission_is_on_the_uuid_and_not_on_the_name(sandbox: Sandbox) -> None:
    prefix = f"arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:workgroup"
    by_id = policy(statement("Allow", "redshift-serverless:GetCredentials", sandbox.workgroup.arn))
    by_name = policy(statement("Allow", "redshift-serverless:GetCredentials", f"{prefix}/analytics"))
    assert _db_user(sandbox, sandbox.user("a", by_id)) == "IAM:a"
    client = sandbox.client("redshift-serverless", sandbox.user("b", by_name))
    code, status, text = refusal(client.get_credentials, workgroupName="analytics")
    assert (code, status) == ("AccessDeniedException", 400)
    assert text.startswith(
        f"User: arn:aws:iam::{ACCOUNT}:user/b is not authorized to perform: redshift-serverless:GetCredentials "
        f"on resource: {prefix}/{sandbox.workgroup.id} because no identity-based policy allows"
    )
    assert sandbox.workgroup.arn == f"{prefix}/{sandbox.workgroup.id}"
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", sandbox.workgroup.id)


def test_condition_on_the_workgroups_tag(sandbox: Sandbox) -> None:
    sandbox.workgroup.tags["team"] = "sales"
    for team, allowed in (("sales", True), ("hr", False)):
        condition = {"StringEquals": {"aws:ResourceTag/team": team}}
        rule = statement("Allow", "redshift-serverless:GetCredentials", "*", Condition=condition)
        keys = sandbox.user(f"u-{team}", policy(rule))
        client = sandbox.client("redshift-serverless", keys)
        if allowed:
            client.get_credentials(workgroupName="analytics")
        else:
            assert code_of(client.get_credentials, workgroupName="analytics") == "AccessDeniedException"


def test_database_roles_by_session_tag_or_with_the_right_to_read_tags(sandbox: Sandbox) -> None:
    login = policy(statement("Allow", "redshift-serverless:GetCredentials", "*"))
    readable = policy(statement("Allow", ["tag:GetResources", "tag:GetTagKeys"], "*"))
    tags = {"RedshiftDbRoles": "sluice_read:extra"}
    blind = sandbox.role("blind", trust(ADMIN, actions=TAGGING), login, tags=tags)
    seeing = sandbox.role("seeing", trust(ADMIN), login, readable, tags=tags)
    by_session = [{"Key": "RedshiftDbRoles", "Value": "audit"}]
    for keys, expected in (
        (sandbox.assume(sandbox.admin, blind), ()),
        (sandbox.assume(sandbox.admin, seeing), ("sluice_read", "extra")),
        (sandbox.assume(sandbox.admin, blind, Tags=by_session), ("audit",)),
    ):
        reply = sandbox.client("redshift-serverless", keys).get_credentials(workgroupName="analytics")
        verdict = sandbox.services.passwords.verify(reply["dbUser"], reply["dbPassword"])
        assert (verdict.outcome, verdict.db_roles) == ("ok", expected)


def test_b11_throttling_and_internal_error(sandbox: Sandbox) -> None:
    client = sandbox.client("redshift-serverless")
    sandbox.fault("credentials.throttle", 2)
    for _ in range(2):
        code, status, text = refusal(client.get_credentials, workgroupName="analytics")
        assert (code, status) == ("ThrottlingException", 400)
        assert "Rate exceeded" in text
    client.get_credentials(workgroupName="analytics")
    sandbox.fault("credentials.internal_error", 1)
    assert refusal(client.get_credentials, workgroupName="analytics")[:2] == ("InternalServerException", 500)
    sandbox.fault("credentials.throttle", 2)
    sandbox.client("redshift-serverless", retries=4).get_credentials(workgroupName="analytics")
