"""Mistakes in what AWS, its organization, its keys, a proxy or the log-in allow: AWS's own words choose the cure."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from mistakes import Break, Mistake, act, assert_named_with_its_cure, fault, setting, variable
from redshift_sandbox import account, network
from scene import Scene
from standins import RefusingProxy

pytestmark = pytest.mark.mistakes

STRANGER = "210987654321"
KEY = f"arn:aws:kms:us-east-1:{account.ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
FOREIGN_KEY = KEY.replace(account.ACCOUNT, STRANGER)
PAGE = "<!DOCTYPE html><html><title>Log in to the network</title></html>"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str | list[str], resource: str = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def deny(action: str | list[str], resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def cap(words: str, *statements: dict[str, Any]) -> Break:
    """A policy above those of the identity, in force for everybody."""
    return act(lambda s: s.identity.set_cap(words, document(*statements)), lambda s: s.identity.set_cap(words, None))


def boundary(*statements: dict[str, Any]) -> Break:
    return act(
        lambda s: s.identity.set_boundary(account.ACCOUNT, "role", s.role, document(*statements)),
        lambda s: s.identity.set_boundary(account.ACCOUNT, "role", s.role, None),
    )


def bucket_policy(*statements: dict[str, Any]) -> Break:
    def put(scene: Scene, text: str | None) -> None:
        scene.sandbox.aws.store.set_policy(scene.bucket, text)

    return act(
        lambda s: put(s, document(*statements).replace("BUCKET", s.bucket_name)), lambda s: put(s, None)
    )  # fmt: skip


def more_rights(*statements: dict[str, Any]) -> Break:
    def do(scene: Scene) -> None:
        rights = json.loads(scene.rights)
        scene.set_rights(json.dumps({**rights, "Statement": [*rights["Statement"], *statements]}))

    return act(do, lambda s: s.set_rights(s.rights))


def encrypted_with(key: str) -> Break:
    return act(lambda s: setattr(s.bucket, "kms_key", key), lambda s: setattr(s.bucket, "kms_key", None))


def both(first: Break, second: Break) -> Break:
    def change(scene: Scene, stack: ExitStack) -> None:
        first(scene, stack)
        second(scene, stack)

    return change


def bucket_of(owner: str) -> Break:
    return act(lambda s: setattr(s.bucket, "account", owner), lambda s: setattr(s.bucket, "account", account.ACCOUNT))


def proxy(status: int) -> Break:
    def change(scene: Scene, stack: ExitStack) -> None:
        standin = stack.enter_context(RefusingProxy(status, PAGE))
        scene.harness.variables["HTTPS_PROXY"] = standin.url.replace("http://", "http://ann:hunter2@")

    return change


def proxy_gone(scene: Scene, _: ExitStack) -> None:
    scene.harness.variables["HTTPS_PROXY"] = f"http://127.0.0.1:{network.closed_port()}"


def no_own_policy(scene: Scene, stack: ExitStack) -> None:
    def put(text: str | None) -> None:
        scene.identity.put_identity_policy(account.BASE_ACCOUNT, "user", scene.base, "assume", text)

    stack.callback(put, document(allow(["sts:AssumeRole", "sts:TagSession"], scene.role_arn)))
    put(None)


def unload_answers(message: str, detail: str = "") -> Break:
    return fault("gateway.error", statement="UNLOAD", message=message, detail=detail)


def s3_says(because: str, action: str = "s3:PutObject", resource: str = "arn:aws:s3:::x/y") -> str:
    who = f"arn:aws:sts::{account.ACCOUNT}:assumed-role/reader/me"
    text = f'User: {who} is not authorized to perform: {action} on resource: "{resource}" {because}'
    return f"S3ServiceException:{text},Status 403,Error AccessDenied,Rid R,ExtRid x=,CanRetry 1"


UNLESS_VPC = {"Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}}, "Principal": "*"}
UNLESS_HOME = {"Condition": {"NotIpAddress": {"aws:SourceIp": "198.51.100.0/24"}}}

POLICIES = [
    Mistake("boundary_without_the_bucket", boundary(allow("redshift-serverless:*")), "bucket_rights.limited",
            ("permissions boundary", "role {role}", "s3:PutObject")),
    Mistake("boundary_denies", boundary(allow("*"), deny("s3:PutObject")), "bucket_rights.limited",
            ("permissions boundary", "role {role}")),
    Mistake("organization_denies_the_bucket",
            cap("service control policy", allow("*"), deny("s3:PutObject", "arn:aws:s3:::b-organization-*")),
            "bucket_rights.limited", ("Service control policies", "administrators of the organization")),
    Mistake("organization_allows_too_little", cap("service control policy", allow(["sts:*", "redshift-serverless:*"])),
            "bucket_rights.limited", ("Service control policies",)),
    Mistake("organization_denies_the_resource",
            cap("resource control policy", allow("*"), deny("s3:PutObject")),
            "bucket_rights.limited", ("Resource control policies",)),
    Mistake("organization_denies_the_log_in",
            cap("service control policy", allow("*"), deny("redshift-serverless:GetCredentials")),
            "database_credentials.limited", ("Service control policies", "{workgroup_arn}")),
    Mistake("organization_denies_the_role",
            cap("service control policy", allow("*"), deny("sts:AssumeRole")), "identity.limited",
            ("Service control policies", "{role_arn}")),
    Mistake("endpoint_policy_without_the_bucket",
            cap("VPC endpoint policy", allow(["sts:*", "redshift-serverless:*"])),
            "bucket_rights.limited", ("VPC endpoint between this machine and AWS", "describe-vpc-endpoints")),
    Mistake("base_may_not_assume", no_own_policy, "identity.assume_not_allowed",
            ("sts:AssumeRole", "{role_arn}", "user u-base-may-not-assume")),
    Mistake("bucket_of_another_account", bucket_of(STRANGER), "bucket_rights.no_put",
            ("sluice setup bucket --bucket-account ID", "arn:aws:s3:::{bucket}/sluice/*")),
    Mistake("bucket_takes_a_vpc_only", bucket_policy(deny("s3:*", "*", **UNLESS_VPC)), "bucket_rights.denied",
            ("get-bucket-policy --bucket {bucket}", "aws:SourceVpce")),
    Mistake("role_denied_outside_the_office", more_rights(deny("*", **UNLESS_HOME)), "database_credentials.denied",
            ("policies attached to role {role}", "source address")),
    Mistake("role_denied_to_write", more_rights(deny("s3:PutObject")), "bucket_rights.denied",
            ("policies attached to role {role}",)),
]  # fmt: skip

KEYS = [
    Mistake("kms_rights_missing", encrypted_with(KEY), "bucket_rights.kms_denied",
            ("kms:GenerateDataKey", "kms:Decrypt", KEY, "role {role}")),
    Mistake("kms_key_of_another_account",
            both(encrypted_with(FOREIGN_KEY), more_rights(allow("kms:*"))), "bucket_rights.kms_denied",
            ("key policy of " + FOREIGN_KEY, '"AWS":"{role_arn}"')),
    Mistake("kms_key_denied", both(encrypted_with(KEY), more_rights(allow("kms:*"), deny("kms:GenerateDataKey"))),
            "bucket_rights.kms_denied", ("Deny", KEY)),
    Mistake("kms_key_gone", fault("aws.error", operation="PutObject", code="KMS.NotFoundException", message="no key"),
            "bucket_rights.kms_key", ("get-bucket-encryption --bucket {bucket}",)),
    Mistake("kms_key_disabled",
            fault("aws.error", operation="PutObject", code="KMS.DisabledException", message="disabled"),
            "bucket_rights.kms_key", ("aws kms enable-key",)),
    Mistake("secret_key_with_a_line_break", variable("AWS_SECRET_ACCESS_KEY", "abc\nX-Evil: 1"), "identity.key_form",
            ("one line",)),
]  # fmt: skip

WAY = [
    Mistake("proxy_wants_a_password", proxy(407), "identity.proxy", ("user:password@host:port", "NO_PROXY")),
    Mistake("proxy_refuses", proxy(403), "identity.proxy", ("administrator", "NO_PROXY")),
    Mistake("proxy_knows_no_way", proxy(502), "identity.proxy", ("the proxy itself has no way",)),
    Mistake("proxy_not_there", proxy_gone, "identity.proxy", ("HTTPS_PROXY",)),
    Mistake("network_wants_a_log_in",
            fault("aws.error", service="sts", status=302, body=PAGE, location="http://portal.test/?token=1"),
            "identity.foreign_answer", ("captive portal",)),
    Mistake("page_in_place_of_sts", fault("aws.error", service="sts", status=200, body=PAGE),
            "identity.foreign_answer", ("HTTPS_PROXY",)),
    Mistake("page_in_place_of_get_credentials",
            fault("aws.error", service="redshift-serverless", status=403, body=PAGE),
            "identity.foreign_answer", ("captive portal",)),
    Mistake("keys_in_the_clear", variable("AWS_ENDPOINT_URL_STS", "http://sts.example.com"), "AWS_ENDPOINT_URL_STS",
            exit_code=2),
    Mistake("host_of_a_cluster", setting("redshift", "host", "c.abc123.us-east-1.redshift.amazonaws.com"),
            "redshift.host", exit_code=2),
    Mistake("host_of_the_api", setting("redshift", "host", "redshift-serverless.us-east-1.amazonaws.com"),
            "redshift.host", exit_code=2),
]  # fmt: skip

SERVER = [
    Mistake("shared_database",
            fault("gateway.login_fatal", message='Cannot connect to shared database "sales_share" created from Data '
                  "Catalog ARN. Connect to a local database."),
            "login.shared_database", ("SELECT * FROM sales_share.",)),
    Mistake("no_right_on_the_database",
            fault("gateway.login_fatal", message='User does not have permissions to connect to database "dev"'),
            "login.no_connect", ('GRANT USAGE ON DATABASE "dev" TO "{user}"',)),
    Mistake("usage_limit_at_log_in",
            fault("gateway.login_fatal", message="Query reached usage limit"), "login.usage_limit",
            ("Manage usage limits",)),
    Mistake("log_in_refused", fault("gateway.login_fatal", message="this user may not come in today"),
            "login.refused", ("was reached",)),
    Mistake("workgroup_without_a_way_to_s3",
            unload_answers("connection timed out after 50000 ms",
                           "\n  error:  S3CurlException: Connection timed out, CurlError 28, multiCurlError 0\n"
                           "  code:      9001\n  context:   Listing bucket=x\n  query:     12\n"),
            "unload.no_way_to_s3", ("gateway endpoint for S3", "com.amazonaws.us-east-1.s3")),
    Mistake("workgroup_behind_an_endpoint_policy",
            unload_answers(s3_says("because no VPC endpoint policy allows the s3:PutObject action")),
            "unload.limited", ("VPC endpoint between the workgroup and S3",)),
    Mistake("workgroup_without_the_key",
            unload_answers(s3_says("because no identity-based policy allows it", "kms:GenerateDataKey", KEY)),
            "unload.kms_denied", (KEY, "kms:Decrypt")),
    Mistake("workgroup_denied_by_the_organization",
            unload_answers(s3_says("with an explicit deny in a service control policy")), "unload.limited",
            ("Service control policies",)),
]  # fmt: skip

MISTAKES = [*POLICIES, *KEYS, *WAY, *SERVER]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m.id)
def test_mistake_is_named_with_its_cure(make_scene: Callable[[str, str], Scene], mistake: Mistake) -> None:
    assert_named_with_its_cure(make_scene, mistake)


def test_kms_is_no_guess_where_the_bucket_cannot_be_listed(make_scene: Callable[[str, str], Scene]) -> None:
    scene = make_scene("no-guess", "role")
    with ExitStack() as stack:
        bucket_policy(deny("s3:*", "*", **UNLESS_VPC))(scene, stack)
        findings = scene.check().json["findings"]
    text = json.dumps([f for f in findings if f["severity"] == "failure"])
    assert "bucket_rights.kms_demanded" not in text
    assert "requires encryption" not in text or "One guess" in text


def test_proxy_is_named_without_its_password(make_scene: Callable[[str, str], Scene]) -> None:
    scene = make_scene("named-proxy", "role")
    with ExitStack() as stack:
        proxy(407)(scene, stack)
        finished = scene.check()
    told = next(f for f in finished.json["findings"] if f["id"] == "identity.proxy")
    assert "http://127.0.0.1:" in told["seen"] and "(HTTPS_PROXY)" in told["seen"]
    assert "hunter2" not in finished.stdout + finished.stderr


def test_address_of_the_environment_is_named_in_its_errors(make_scene: Callable[[str, str], Scene]) -> None:
    scene = make_scene("named-address", "role")
    scene.harness.variables["AWS_ENDPOINT_URL_S3"] = f"https://127.0.0.1:{network.closed_port()}"
    findings = scene.check().json["findings"]
    assert any("AWS_ENDPOINT_URL_S3" in f["seen"] for f in findings if f["severity"] == "failure"), findings
