"""GetClusterCredentials for a workgroup."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from aws_harness import ACCOUNT, REGION, Document, Sandbox, code_of, policy, refusal, statement

CLUSTER = "redshift-serverless-analytics"


def _rights(sandbox: Sandbox) -> dict[str, Document]:
    group = sandbox.workgroup
    namespace = sandbox.services.identity.find_namespace(ACCOUNT, REGION, group.namespace)
    assert namespace is not None
    cluster = f"serverless-{ACCOUNT}-{group.id}"
    place = f"arn:aws:redshift:{REGION}:{ACCOUNT}"
    return {
        "user": statement("Allow", "redshift:GetClusterCredentials", f"{place}:dbuser:{cluster}/guide_user"),
        "database": statement("Allow", "redshift:GetClusterCredentials", f"{place}:dbname:{cluster}/dev"),
        "workgroup": statement("Allow", "redshift-serverless:GetWorkgroup", group.arn),
        "namespace": statement("Allow", "redshift-serverless:GetNamespace", namespace.arn),
    }


def _ask(sandbox: Sandbox, *documents: Document, **more: Any) -> Any:
    client = sandbox.client("redshift", sandbox.user("carol", *documents))
    wanted = {"ClusterIdentifier": CLUSTER, "DbUser": "guide_user", "DbName": "dev", "AutoCreate": False, **more}
    return client.get_cluster_credentials(**wanted)


def test_b12_returns_the_user_with_its_prefix(sandbox: Sandbox) -> None:
    reply = _ask(sandbox, policy(*_rights(sandbox).values()), DurationSeconds=1800)
    assert reply["DbUser"] == "IAM:guide_user"
    left = reply["Expiration"] - dt.datetime.now(dt.UTC)
    assert dt.timedelta(minutes=29) < left <= dt.timedelta(minutes=30)
    verdict = sandbox.services.passwords.verify("IAM:guide_user", reply["DbPassword"])
    assert (verdict.outcome, verdict.login_as) == ("ok", "guide_user")


@pytest.mark.parametrize(
    ("without", "action"),
    [
        ("user", "redshift:GetClusterCredentials on resource: arn:aws:redshift:us-east-1:123456789012:dbuser:"),
        ("database", "redshift:GetClusterCredentials on resource: arn:aws:redshift:us-east-1:123456789012:dbname:"),
        ("workgroup", "redshift-serverless:GetWorkgroup on resource:"),
        ("namespace", "redshift-serverless:GetNamespace on resource:"),
    ],
)
def test_every_right_is_needed(sandbox: Sandbox, without: str, action: str) -> None:
    rights = _rights(sandbox)
    del rights[without]
    code, status, text = refusal(_ask, sandbox, policy(*rights.values()))
    assert (code, status) == ("AccessDenied", 403)
    assert f"is not authorized to perform: {action}" in text


def test_other_users_and_databases_are_others(sandbox: Sandbox) -> None:
    document = policy(*_rights(sandbox).values())
    assert code_of(_ask, sandbox, document, DbUser="other") == "AccessDenied"
    assert code_of(_ask, sandbox, document, DbName="other") == "AccessDenied"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"ClusterIdentifier": "analytics"}, "ClusterNotFound"),
        ({"ClusterIdentifier": "redshift-serverless-nowhere"}, "ClusterNotFound"),
        ({"DurationSeconds": 899}, "InvalidParameterValue"),
        ({"DurationSeconds": 3601}, "InvalidParameterValue"),
        ({"DbUser": "IAM:guide_user"}, "InvalidParameterValue"),
        ({"DbName": "a/b"}, "InvalidParameterValue"),
    ],
)
def test_parameters_are_checked(sandbox: Sandbox, change: dict[str, Any], code: str) -> None:
    assert code_of(_ask, sandbox, policy(statement("Allow", "*", "*")), **change) == code


def test_throttling(sandbox: Sandbox) -> None:
    sandbox.fault("credentials.throttle", 1)
    document = policy(*_rights(sandbox).values())
    assert refusal(_ask, sandbox, document)[::2] == ("Throttling", "Rate exceeded")
    assert _ask(sandbox, document)["DbUser"] == "IAM:guide_user"
