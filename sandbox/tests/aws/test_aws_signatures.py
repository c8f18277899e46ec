"""Every signed call is verified, and each mistake has the service's own code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aws_harness import ACCOUNT, ALLOW_ALL, Keys, Sandbox, code_of, refusal, trust
from botocore.client import BaseClient

CALLS: dict[str, Callable[[BaseClient], Any]] = {
    "sts": lambda c: c.get_caller_identity(),
    "redshift-serverless": lambda c: c.get_credentials(workgroupName="analytics"),
    "s3": lambda c: c.list_objects_v2(Bucket="acme"),
}


def _refusal(sandbox: Sandbox, service: str, keys: Keys | None = None, **more: Any) -> tuple[str, int, str]:
    return refusal(lambda: CALLS[service](sandbox.client(service, keys, **more)))


@pytest.mark.parametrize("service", CALLS)
def test_right_signature_passes(sandbox: Sandbox, service: str) -> None:
    CALLS[service](sandbox.client(service))


@pytest.mark.parametrize(
    ("service", "code", "status"),
    [
        ("sts", "SignatureDoesNotMatch", 403),
        ("redshift-serverless", "InvalidSignatureException", 400),
        ("s3", "SignatureDoesNotMatch", 403),
    ],
)
def test_b01_wrong_secret_gives_the_services_own_code(
    sandbox: Sandbox, service: str, code: str, status: int
) -> None:
    secret = sandbox.admin.secret
    wrong = Keys(sandbox.admin.id, secret[:-1] + ("y" if secret.endswith("x") else "x"))
    assert _refusal(sandbox, service, wrong)[:2] == (code, status)


@pytest.mark.parametrize(
    ("service", "code", "status"),
    [
        ("sts", "InvalidClientTokenId", 403),
        ("redshift-serverless", "UnrecognizedClientException", 400),
        ("s3", "InvalidAccessKeyId", 403),
    ],
)
def test_unknown_and_inactive_keys(sandbox: Sandbox, service: str, code: str, status: int) -> None:
    assert _refusal(sandbox, service, Keys("AKIAUNKNOWN", "secret"))[:2] == (code, status)
    sleeper = sandbox.user("sleeper", ALLOW_ALL)
    sandbox.services.identity.set_key_active(sleeper.id, False)
    assert _refusal(sandbox, service, sleeper)[:2] == (code, status)
    sandbox.services.identity.set_key_active(sleeper.id, True)
    CALLS[service](sandbox.client(service, sleeper))


@pytest.mark.parametrize(
    ("service", "code", "status", "text"),
    [
        ("sts", "SignatureDoesNotMatch", 403, "Credential should be scoped to a valid region"),
        ("redshift-serverless", "InvalidSignatureException", 400, "Credential should be scoped to a valid"),
        ("s3", "AuthorizationHeaderMalformed", 400, "the region 'us-east-1' is wrong; expecting 'eu-west-1'"),
    ],
)
def test_b01_wrong_region_in_the_scope(
    sandbox: Sandbox, service: str, code: str, status: int, text: str
) -> None:
    sandbox.services.add_bucket("elsewhere", "eu-west-1")
    host = f"{service}.eu-west-1.amazonaws.com"
    body, headers, method, target = b"Action=GetCallerIdentity&Version=2011-06-15", {}, "POST", "/"
    if service == "redshift-serverless":
        body = b"{}"
        headers = {
            "X-Amz-Target": "RedshiftServerless.GetCredentials",
            "Content-Type": "application/x-amz-json-1.1",
        }
    elif service == "sts":
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
    else:
        body, method, target = b"", "GET", "/elsewhere/key"
    reply = sandbox.signed(service, method, target, body=body, headers=headers, host=host)
    assert reply.status == status
    assert code in reply.body.decode()
    assert text in reply.body.decode().replace("&apos;", "'")


def test_a_region_that_does_not_exist(sandbox: Sandbox) -> None:
    assert _refusal(sandbox, "sts", region="mars-north-1")[0] == "SignatureDoesNotMatch"
    assert _refusal(sandbox, "redshift-serverless", region="mars-north-1")[0] == "InvalidSignatureException"


def test_wrong_service_in_the_scope(sandbox: Sandbox) -> None:
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    host = "sts.us-east-1.amazonaws.com"
    reply = sandbox.signed("redshift-serverless", "POST", "/", body=body, headers=headers, host=host)
    assert reply.status == 403
    assert b"Credential should be scoped to correct service: 'sts'" in reply.body.replace(b"&apos;", b"'")


def _change_body(client: BaseClient, was: bytes, becomes: bytes) -> None:
    """Changes the body after it was signed."""

    def change(request: Any, **_: Any) -> None:
        body = request.body.read() if hasattr(request.body, "read") else request.body
        body = body.encode() if isinstance(body, str) else bytes(body)
        assert was in body
        request.body = body.replace(was, becomes)

    client.meta.events.register("before-send.*", change)


def test_b01_changed_body(sandbox: Sandbox) -> None:
    sts = sandbox.client("sts")
    _change_body(sts, b"GetCallerIdentity", b"GetCallerIdentitY")
    assert code_of(sts.get_caller_identity) == "SignatureDoesNotMatch"
    serverless = sandbox.client("redshift-serverless")
    _change_body(serverless, b"analytics", b"analytict")
    assert code_of(serverless.get_credentials, workgroupName="analytics") == "InvalidSignatureException"
    s3 = sandbox.client("s3", s3={"addressing_style": "path", "payload_signing_enabled": True},
                        request_checksum_calculation="when_required")  # fmt: skip
    _change_body(s3, b"wheat", b"sheaf")
    assert code_of(s3.put_object, Bucket="acme", Key="k", Body=b"wheat") == "XAmzContentSHA256Mismatch"
    assert "Contents" not in sandbox.client("s3").list_objects_v2(Bucket="acme")


def test_changed_target_or_header(sandbox: Sandbox) -> None:
    for name, value in (("X-Amz-Target", "RedshiftServerless.GetWorkgroup"), ("X-Amz-Extra", "1")):
        client = sandbox.client("redshift-serverless")

        def change(request: Any, name: str = name, value: str = value, **_: Any) -> None:
            request.headers.pop(name, None)
            request.headers[name] = value

        client.meta.events.register("before-send.*", change)
        assert code_of(client.get_credentials, workgroupName="analytics") == "InvalidSignatureException"


@pytest.mark.parametrize("minutes", [-16, 16])
def test_b01_stale_date(sandbox: Sandbox, minutes: int) -> None:
    clock = sandbox.clock
    clock._offset = clock._offset.__class__(minutes=minutes)  # advance() itself never goes back
    code, status, text = _refusal(sandbox, "sts")
    assert (code, status) == ("SignatureDoesNotMatch", 403)
    assert ("Signature expired" if minutes > 0 else "Signature not yet current") in text
    assert _refusal(sandbox, "redshift-serverless")[:2] == ("InvalidSignatureException", 400)
    assert _refusal(sandbox, "s3")[:2] == ("RequestTimeTooSkewed", 403)


def test_fourteen_minutes_are_within_bounds(sandbox: Sandbox) -> None:
    sandbox.clock.advance(14 * 60)
    for service in CALLS:
        CALLS[service](sandbox.client(service))


@pytest.mark.parametrize(
    ("service", "expired", "wrong", "absent"),
    [
        ("sts", ("ExpiredToken", 403), ("InvalidClientTokenId", 403), ("InvalidClientTokenId", 403)),
        (
            "redshift-serverless", ("ExpiredTokenException", 400), ("UnrecognizedClientException", 400),
            ("UnrecognizedClientException", 400),
        ),
        ("s3", ("ExpiredToken", 400), ("InvalidToken", 400), ("InvalidAccessKeyId", 403)),
    ],
)  # fmt: skip
def test_b01_session_token_expired_wrong_or_absent(
    sandbox: Sandbox, service: str, expired: tuple[str, int], wrong: tuple[str, int], absent: tuple[str, int]
) -> None:
    role = sandbox.role("reader", trust(f"arn:aws:iam::{ACCOUNT}:user/admin"), ALLOW_ALL)
    keys = sandbox.assume(sandbox.admin, role, DurationSeconds=900)
    CALLS[service](sandbox.client(service, keys))
    other = sandbox.assume(sandbox.admin, role)
    assert _refusal(sandbox, service, Keys(keys.id, keys.secret, other.token))[:2] == wrong
    assert _refusal(sandbox, service, Keys(keys.id, keys.secret))[:2] == absent
    sandbox.let_time_pass(800)
    CALLS[service](sandbox.client(service, keys))
    sandbox.let_time_pass(101)
    assert _refusal(sandbox, service, keys)[:2] == expired


def test_unsigned_calls(sandbox: Sandbox) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    reply = sandbox.send("POST", "/", form, b"Action=GetCallerIdentity&Version=2011-06-15")
    assert reply.status == 403
    assert b"<Code>MissingAuthenticationToken</Code>" in reply.body
    target = {"X-Amz-Target": "RedshiftServerless.GetCredentials", "Content-Type": "application/x-amz-json-1.1"}
    reply = sandbox.send("POST", "/", target, b"{}")
    assert reply.status == 400
    assert reply.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    reply = sandbox.send("GET", "/acme?list-type=2")
    assert reply.status == 403
    assert b"<Code>AccessDenied</Code>" in reply.body


@pytest.mark.parametrize("key", ["a b", "a+b", "a=b/c=d", "ä/ß/猫.txt", "//x", "q?&#%25", "~-_.", "a/../b", "(1)*!'"])
def test_hard_paths_sign_as_botocore_signs_them(sandbox: Sandbox, s3: BaseClient, key: str) -> None:
    s3.put_object(Bucket="acme", Key=key, Body=key.encode())
    assert s3.get_object(Bucket="acme", Key=key)["Body"].read() == key.encode()
    assert [o["Key"] for o in s3.list_objects_v2(Bucket="acme", Prefix=key)["Contents"]] == [key]


def test_b72_presigned_urls(sandbox: Sandbox) -> None:
    s3 = sandbox.client("s3", signature_version="s3v4")
    s3.put_object(Bucket="acme", Key="k", Body=b"wheat")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "acme", "Key": "k"}, ExpiresIn=60)
    target = url.removeprefix(sandbox.url)
    assert sandbox.send("GET", target).body == b"wheat"
    assert b"SignatureDoesNotMatch" in sandbox.send("GET", target.replace("/k?", "/l?")).body
    sandbox.clock.advance(61)
    late = sandbox.send("GET", target)
    assert late.status == 403
    assert b"Request has expired" in late.body


def test_b72_presigned_put_takes_exactly_what_was_signed(sandbox: Sandbox) -> None:
    s3 = sandbox.client("s3", signature_version="s3v4")
    wanted = {"Bucket": "acme", "Key": "up", "ContentType": "text/plain", "Metadata": {"of": "me"}}
    target = s3.generate_presigned_url("put_object", Params=wanted, ExpiresIn=60).removeprefix(sandbox.url)
    headers = {"Content-Type": "text/plain", "x-amz-meta-of": "me"}

    def refused(method: str, where: str, sent: dict[str, str], code: bytes) -> None:
        answer = sandbox.send(method, where, sent, b"body")
        assert answer.status == 403 and code in answer.body, answer.body

    refused("PUT", target, {**headers, "Content-Type": "text/html"}, b"SignatureDoesNotMatch")
    refused("PUT", target, {**headers, "x-amz-meta-of": "you"}, b"SignatureDoesNotMatch")
    refused("PUT", target, {"Content-Type": "text/plain"}, b"SignatureDoesNotMatch")
    refused("PUT", target, {**headers, "x-amz-server-side-encryption": "aws:kms"}, b"headers present in the request")
    refused("PUT", target.replace("X-Amz-Expires=60", "X-Amz-Expires=6000"), headers, b"SignatureDoesNotMatch")
    refused("PUT", target[:-1] + ("0" if target[-1] != "0" else "1"), headers, b"SignatureDoesNotMatch")
    refused("DELETE", target, headers, b"SignatureDoesNotMatch")
    assert code_of(s3.get_object, Bucket="acme", Key="up") == "NoSuchKey"
    assert sandbox.send("PUT", target, headers, b"body").status == 200
    stored = s3.get_object(Bucket="acme", Key="up")
    assert (stored["Body"].read(), stored["ContentType"], stored["Metadata"]) == (b"body", "text/plain", {"of": "me"})
    sandbox.clock.advance(61)
    refused("PUT", target, headers, b"Request has expired")


def test_signature_version_2_is_refused(sandbox: Sandbox) -> None:
    s3 = sandbox.client("s3", signature_version="s3")
    assert code_of(s3.list_objects_v2, Bucket="acme") == "InvalidRequest"
