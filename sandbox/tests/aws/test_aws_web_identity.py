"""AssumeRoleWithWebIdentity and GetSessionToken."""

from __future__ import annotations

import datetime as dt
from typing import Any

import boto3
import pytest
from aws_harness import ACCOUNT, REGION, Document, Keys, Sandbox, code_of, from_reply, policy, refusal, statement
from botocore import UNSIGNED
from botocore.config import Config

from redshift_sandbox.identity.oidc import TAGS_CLAIM, OidcIssuer

HOST = "token.example.test/tenant"
SUBJECT = "system:serviceaccount:etl:sluice"


@pytest.fixture(scope="module")
def issuer() -> OidcIssuer:
    return OidcIssuer(f"https://{HOST}")


def _trust(
    condition: Document | None = None, actions: tuple[str, ...] = ("sts:AssumeRoleWithWebIdentity",)
) -> Document:
    federated = {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{HOST}"}
    wanted = condition or {"StringEquals": {f"{HOST}:aud": "sts.amazonaws.com", f"{HOST}:sub": SUBJECT}}
    return policy({"Effect": "Allow", "Principal": federated, "Action": list(actions), "Condition": wanted})


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _sts(sandbox: Sandbox) -> Any:
    return boto3.Session(region_name=REGION).client(
        "sts", endpoint_url=sandbox.url, verify=str(sandbox.services.ca_file),
        config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
    )  # fmt: skip


def _assume(sandbox: Sandbox, token: str, **more: Any) -> Any:
    arn = f"arn:aws:iam::{ACCOUNT}:role/reader"
    return _sts(sandbox).assume_role_with_web_identity(
        RoleArn=arn, RoleSessionName="sluice-1", WebIdentityToken=token, **more
    )


def _set_up(sandbox: Sandbox, issuer: OidcIssuer, *documents: Document, **more: Any) -> None:
    sandbox.services.identity.put_oidc_provider(ACCOUNT, issuer, ["sts.amazonaws.com"])
    sandbox.role("reader", _trust(), *documents, **more)


def test_b02_unsigned_call_with_a_good_token(sandbox: Sandbox, issuer: OidcIssuer) -> None:
    _set_up(sandbox, issuer, policy(statement("Allow", "redshift-serverless:GetCredentials", "*")))
    reply = _assume(sandbox, issuer.token(SUBJECT, "sts.amazonaws.com", _now()))
    assert reply["SubjectFromWebIdentityToken"] == SUBJECT
    assert reply["Audience"] == "sts.amazonaws.com"
    assert reply["Provider"] == f"arn:aws:iam::{ACCOUNT}:oidc-provider/{HOST}"
    keys = from_reply(reply)
    assert sandbox.arn_of(keys) == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/sluice-1"
    minted = sandbox.client("redshift-serverless", keys).get_credentials(workgroupName="analytics")
    assert minted["dbUser"] == "IAMR:reader"


def test_b04_the_call_bears_no_authorization(sandbox: Sandbox, issuer: OidcIssuer) -> None:
    _set_up(sandbox, issuer)
    token = issuer.token(SUBJECT, "sts.amazonaws.com", _now())
    body = (
        f"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::{ACCOUNT}:role/reader"
        f"&RoleSessionName=sluice-1&WebIdentityToken={token}"
        "&Tags.member.1.Key=RedshiftDbUser&Tags.member.1.Value=root"
    )
    reply = sandbox.send("POST", "/", {"Content-Type": "application/x-www-form-urlencoded"}, body.encode())
    assert reply.status == 200
    [session] = sandbox.services.identity._sessions.values()
    assert session.tags == {}


@pytest.mark.parametrize(
    ("claims", "code", "status"),
    [
        ({"sub": "somebody else"}, "AccessDenied", 403),
        ({"aud": "other"}, "IDPRejectedClaim", 403),
        ({"iss": "https://elsewhere.test"}, "InvalidIdentityToken", 400),
        ({"exp": 1_700_000_000}, "ExpiredTokenException", 400),
        ({"sub": None}, "InvalidIdentityToken", 400),
    ],
)
def test_b04_claims_are_checked(
    sandbox: Sandbox, issuer: OidcIssuer, claims: dict[str, Any], code: str, status: int
) -> None:
    _set_up(sandbox, issuer)
    token = issuer.token(SUBJECT, "sts.amazonaws.com", _now(), **claims)
    assert refusal(_assume, sandbox, token)[:2] == (code, status)


def test_audience_of_the_trust_policy(sandbox: Sandbox, issuer: OidcIssuer) -> None:
    sandbox.services.identity.put_oidc_provider(ACCOUNT, issuer, ["sts.amazonaws.com", "other"])
    sandbox.role("reader", _trust())
    code, status, text = refusal(_assume, sandbox, issuer.token(SUBJECT, "other", _now()))
    assert (code, status, text) == (
        "AccessDenied", 403, "Not authorized to perform sts:AssumeRoleWithWebIdentity"
    )  # fmt: skip


def test_b04_signature_is_checked_and_no_token_is_repeated(sandbox: Sandbox, issuer: OidcIssuer) -> None:
    _set_up(sandbox, issuer)
    forged = OidcIssuer(issuer.url).token(SUBJECT, "sts.amazonaws.com", _now())
    unsigned = issuer.token(SUBJECT, "sts.amazonaws.com", _now()).rpartition(".")[0] + "."
    for token in (forged, unsigned, "no token at all"):
        code, status, text = refusal(_assume, sandbox, token)
        assert (code, status) == ("InvalidIdentityToken", 400)
        assert token not in text


def test_the_sandboxs_clock_ends_a_token(sandbox: Sandbox, issuer: OidcIssuer) -> None:
    _set_up(sandbox, issuer)
    token = issuer.token(SUBJECT, "sts.amazonaws.com", _now(), 600)
    _assume(sandbox, token)
    sandbox.let_time_pass(601)
    assert code_of(_assume, sandbox, token) == "ExpiredTokenException"


def test_durations(sandbox: Sandbox, issuer: OidcIssuer) -> None:
    _set_up(sandbox, issuer)
    token = issuer.token(SUBJECT, "sts.amazonaws.com", _now())
    assert refusal(_assume, sandbox, token, DurationSeconds=7200)[::2] == (
        "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    )  # fmt: skip
    sandbox.services.identity.role(ACCOUNT, "reader").max_session_seconds = 7200
    _assume(sandbox, token, DurationSeconds=7200)


def test_b10_tags_of_the_token_name_the_database_user(sandbox: Sandbox, issuer: OidcIssuer) -> None:
    _set_up(sandbox, issuer, policy(statement("Allow", "redshift-serverless:GetCredentials", "*")))
    tags = {TAGS_CLAIM: {"principal_tags": {"RedshiftDbUser": ["nightly"]}}}
    token = issuer.token(SUBJECT, "sts.amazonaws.com", _now(), **tags)
    assert refusal(_assume, sandbox, token)[::2] == ("AccessDenied", "Not authorized to perform sts:TagSession")
    sandbox.services.identity.set_trust(
        ACCOUNT, "reader", _trust(actions=("sts:AssumeRoleWithWebIdentity", "sts:TagSession"))
    )
    client = sandbox.client("redshift-serverless", from_reply(_assume(sandbox, token)))
    assert client.get_credentials(workgroupName="analytics")["dbUser"] == "IAMR:nightly"


def test_session_token_is_the_user_himself(sandbox: Sandbox) -> None:
    rights = policy(statement("Allow", "redshift-serverless:GetCredentials", "*"))
    user = sandbox.user("carol", rights)
    session = from_reply(sandbox.client("sts", user).get_session_token(DurationSeconds=900))
    assert sandbox.arn_of(session) == f"arn:aws:iam::{ACCOUNT}:user/carol"
    client = sandbox.client("redshift-serverless", session)
    assert client.get_credentials(workgroupName="analytics")["dbUser"] == "IAM:carol"
    assert code_of(sandbox.client("sts", session).get_session_token) == "AccessDenied"
    assert code_of(sandbox.client("sts", session).get_federation_token, Name="x2") == "AccessDenied"
    assert code_of(sandbox.arn_of, Keys(session.id, session.secret)) == "InvalidClientTokenId"
    sandbox.let_time_pass(901)
    assert code_of(sandbox.arn_of, session) == "ExpiredToken"
