"""Keys from wherever AWS gives them: each provider leads `check` to its own identity, the nearer one keeps the
farther ones unasked, and nobody fetches twice what can be shared."""

from __future__ import annotations

import json
import re
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from harness import Finished, Harness, issued_secrets
from redshift_sandbox import account, policies
from redshift_sandbox.administrator import Administrator
from redshift_sandbox.identity.oidc import OidcIssuer
from redshift_sandbox.network import closed_port
from redshift_sandbox.world import Sandbox
from standins import Container, Instance, Keys, Proxy

pytestmark = pytest.mark.providers

# From the nearest to the farthest.
ORDER = ["environment", "AWS_PROFILE", "web identity", "default profile", "container", "instance"]
WEB_ROLE = f"arn:aws:iam::{account.ACCOUNT}:role/web-reader"
ISSUER = "https://token.example.test"


@dataclass
class Surroundings:
    """A connection that takes the standard chain's keys, and stand-ins for all that the chain may ask."""

    harness: Harness
    keys: Keys
    instance: Instance
    container: Container
    token: str

    def offer(self, *places: str) -> None:
        """Makes these places have keys, each of a session named after it; all others have none."""
        home = self.harness.home / ".aws"
        home.mkdir(exist_ok=True)
        profiles = {"default profile": "default", "AWS_PROFILE": "named"}
        text = ""
        for place in places:
            variables = self.harness.variables
            if place == "environment":
                variables |= environment_of(self.keys.open("environment"))
            elif place in profiles:
                text += f"[{profiles[place]}]\n{ini_of(self.keys.open(place.replace(' ', '-')))}\n"
            elif place == "web identity":
                variables |= {"AWS_WEB_IDENTITY_TOKEN_FILE": self.token, "AWS_ROLE_ARN": WEB_ROLE,
                              "AWS_ROLE_SESSION_NAME": "web-identity"}  # fmt: skip
            elif place == "container":
                variables |= {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.container.url}/v1/credentials",
                              "AWS_CONTAINER_AUTHORIZATION_TOKEN": self.container.token}  # fmt: skip
            elif place == "instance":
                variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = self.instance.url
            if place == "AWS_PROFILE":
                variables["AWS_PROFILE"] = "named"
        (home / "credentials").write_text(text)

    def asked(self) -> dict[str, int]:
        """Requests by whom they went to; web identity's went to STS."""
        calls = self.harness.sandbox.log.entries()
        web = sum(call.get("operation") == "AssumeRoleWithWebIdentity" for call in calls)
        return {"web identity": web, "container": len(self.container.asked), "instance": len(self.instance.asked)}


def environment_of(keys: dict[str, str]) -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": keys["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["Token"]}  # fmt: skip


def ini_of(keys: dict[str, str]) -> str:
    return "".join(f"{name.lower()} = {value}\n" for name, value in environment_of(keys).items())


@pytest.fixture(scope="module")
def issuer(sandbox: Sandbox) -> OidcIssuer:
    """The account trusts it, and a role may be assumed with its tokens."""
    made = OidcIssuer(ISSUER)
    administrator = Administrator(sandbox)
    provider = administrator.trust_issuer(made, ["sts.amazonaws.com"])
    host = made.host
    administrator.apply_trust(
        "web-reader",
        {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {f"{host}:aud": "sts.amazonaws.com", f"{host}:sub": "pod"}}}]},
    )  # fmt: skip
    allowed = policies.connecting(sandbox.workgroup_arn, sandbox.facts.bucket, sandbox.facts.root)
    administrator.apply_permissions("role", "web-reader", allowed)
    administrator.apply_sql("""
        CREATE USER "IAMR:web-reader" PASSWORD DISABLE;
        GRANT USAGE ON SCHEMA tpch TO "IAMR:web-reader";
        GRANT SELECT ON ALL TABLES IN SCHEMA tpch TO "IAMR:web-reader";
    """)
    return made


@pytest.fixture
def surroundings(connect: Callable[..., Harness], issuer: OidcIssuer) -> Iterator[Surroundings]:
    harness = connect().streams("tpch.nation")
    harness.sandbox.log.clear()
    harness.settings["auth"] = {"source": "default_chain", "allow_keys_in_unload": True}
    del harness.settings["redshift"]["username"]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED"):
        del harness.variables[name]
    harness.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = f"http://127.0.0.1:{closed_port()}"
    keys = Keys(harness.sandbox)
    token = harness.folder / "token"
    token.write_text(issuer.token("pod", "sts.amazonaws.com", harness.sandbox.clock.now()) + "\n")
    with Instance(lambda: keys.open("instance")) as instance, Container(lambda: keys.open("container")) as container:
        yield Surroundings(harness, keys, instance, container, str(token))
    said = "".join(harness.outputs)
    for secret in [*issued_secrets(harness.sandbox), *keys.given, token.read_text().strip()]:
        assert secret not in said


def identity(result: Finished) -> str:
    """What `check` saw of who we are: ARN and provider."""
    found = [f for f in result.json["findings"] if f["step"] == "identity"]
    assert [f["id"] for f in found][:1] == ["identity.ok"], found
    return str(found[0]["seen"])


def green_check(harness: Harness) -> str:
    result = harness.run("check", "--json")
    assert result.exit_code == 0, [f for f in result.json["findings"] if f["severity"] == "failure"]
    return identity(result)


def failed_identity(harness: Harness) -> dict[str, Any]:
    result = harness.run("check", "--json")
    assert result.exit_code == 1, result
    found = [f for f in result.json["findings"] if f["step"] == "identity" and f["severity"] == "failure"]
    assert len(found) == 1, result.json["findings"]
    return dict(found[0])


@pytest.mark.parametrize("nearest", ORDER)
def test_the_nearest_provider_answers_and_the_farther_are_not_asked(surroundings: Surroundings, nearest: str) -> None:
    surroundings.offer(*ORDER[ORDER.index(nearest) :])
    seen = green_check(surroundings.harness)
    role = "web-reader" if nearest == "web identity" else "sluice-reader"
    assert f":assumed-role/{role}/{nearest.replace(' ', '-')} " in seen
    described = {"environment": "(environment)", "AWS_PROFILE": "(profile named)", "web identity": "web identity token",
                 "default profile": "(profile default)", "container": "container credentials of 127.0.0.1:",
                 "instance": "role sluice-instance of this instance"}  # fmt: skip
    assert described[nearest] in seen
    expected = {"web identity": 1, "container": 1, "instance": 3}
    assert surroundings.asked() == {place: count if place == nearest else 0 for place, count in expected.items()}


def test_a_named_profile_asks_nobody_else(surroundings: Surroundings) -> None:
    surroundings.offer(*ORDER)
    surroundings.harness.settings["auth"] = {"profile": "named", "allow_keys_in_unload": True}
    assert "/AWS_PROFILE " in green_check(surroundings.harness)
    assert set(surroundings.asked().values()) == {0}


def test_without_keys_one_finding_tells_why_each_place_had_none(surroundings: Surroundings) -> None:
    began = time.monotonic()
    seen = failed_identity(surroundings.harness)["seen"]
    assert time.monotonic() - began < 10
    for why in (
        "AWS_ACCESS_KEY_ID is not set",
        "AWS_WEB_IDENTITY_TOKEN_FILE is not set",
        "profile default: not in",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set",
        "does not answer; this is not an EC2 instance",
    ):
        assert why in seen


def test_an_instance_that_switched_its_metadata_off_is_told(surroundings: Surroundings) -> None:
    with Instance(lambda: {}, enabled=False) as instance:
        surroundings.harness.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = instance.url
        assert "switched off on this instance (HTTP 403)" in failed_identity(surroundings.harness)["seen"]
        assert instance.asked == ["PUT /latest/api/token"]  # version 1 is not tried
    surroundings.harness.variables["AWS_EC2_METADATA_DISABLED"] = "true"
    assert "AWS_EC2_METADATA_DISABLED is true" in failed_identity(surroundings.harness)["seen"]


def test_what_is_close_by_is_asked_without_the_proxy(surroundings: Surroundings) -> None:
    surroundings.offer("instance")
    with Proxy() as proxy:
        surroundings.harness.variables["http_proxy"] = proxy.url
        green_check(surroundings.harness)
        assert proxy.asked == []


def test_a_container_that_wants_another_token_is_told(surroundings: Surroundings) -> None:
    surroundings.offer("container")
    surroundings.harness.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "somebody-elses"
    found = failed_identity(surroundings.harness)
    assert "HTTP 401" in found["seen"]
    assert "somebody-elses" not in json.dumps(found)
    token = surroundings.harness.folder / "agent-token"
    token.write_text(surroundings.container.token)
    surroundings.harness.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = str(token)
    green_check(surroundings.harness)


def test_profiles_take_keys_from_programs_containers_and_instances(surroundings: Surroundings) -> None:
    harness, keys = surroundings.harness, surroundings.keys
    surroundings.offer("container", "instance")
    program = harness.folder / "give keys.sh"
    answer = json.dumps({"Version": 1, **keys.open("program", token="SessionToken")})
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    facts = harness.sandbox.facts
    role = f"role_arn = {facts.role_arn}\nexternal_id = {facts.card.external_id}\n"
    (harness.home / ".aws" / "config").write_text(
        f'[profile program]\ncredential_process = "{program}" --for sluice\n'
        f"[profile web]\nrole_arn = {WEB_ROLE}\nweb_identity_token_file = {surroundings.token}\n"
        f"[profile task]\n{role}credential_source = EcsContainer\n"
        f"[profile machine]\n{role}credential_source = Ec2InstanceMetadata\n"
    )
    for profile, expected in {"program": "/program ", "web": "role/web-reader"}.items():
        harness.settings["auth"] = {"profile": profile, "allow_keys_in_unload": True}
        assert expected in green_check(harness)
    assert surroundings.asked() == {"web identity": 1, "container": 0, "instance": 0}
    # The role trusts another account's user only, and the refusal names who asked.
    for profile, asked in {"task": "/container", "machine": "/instance"}.items():
        harness.settings["auth"] = {"profile": profile}
        found = failed_identity(harness)
        assert f"assumed-role/sluice-reader{asked}" in found["seen"] + found["remedy"]


def test_a_configured_role_is_assumed_by_its_token_for_login_and_unload(surroundings: Surroundings) -> None:
    harness = surroundings.harness
    harness.settings["auth"] = {"role_arn": WEB_ROLE, "web_identity_token_file": surroundings.token,
                                "session_name": "nightly", "duration": "1h"}  # fmt: skip
    harness.sync()
    assert harness.tables() == {"tpch.nation": 25}
    harness.assert_bucket_clean()
    calls = [call["operation"] for call in harness.sandbox.log.entries() if call["service"] == "sts"]
    assert calls == ["AssumeRoleWithWebIdentity"] * 2  # the run's, and the narrowed one for UNLOAD
    assert surroundings.asked() == {"web identity": 2, "container": 0, "instance": 0}


@pytest.mark.parametrize("trouble", ["absent", "empty", "expired", "other subject"])
def test_a_token_that_does_not_serve_is_told(surroundings: Surroundings, issuer: OidcIssuer, trouble: str) -> None:
    harness = surroundings.harness
    harness.settings["auth"] = {"role_arn": WEB_ROLE, "web_identity_token_file": "t"}
    now = harness.sandbox.clock.now()
    texts = {"empty": "\n", "expired": issuer.token("pod", "sts.amazonaws.com", now, seconds=-60),
             "other subject": issuer.token("cat", "sts.amazonaws.com", now)}  # fmt: skip
    if trouble in texts:
        (harness.folder / "t").write_text(texts[trouble])
    found = failed_identity(harness)
    expected = {"absent": "cannot be read", "empty": "it is empty", "expired": "ExpiredToken",
                "other subject": "Not authorized to perform sts:AssumeRoleWithWebIdentity"}  # fmt: skip
    assert expected[trouble] in found["seen"]
    assert texts.get(trouble, "").strip() == "" or texts[trouble] not in json.dumps(found)


@pytest.mark.sanitized
def test_parallel_streams_share_one_fetch(surroundings: Surroundings) -> None:
    surroundings.offer("instance")
    harness = surroundings.harness.streams("tpch.nation", "tpch.region", "tpch.supplier", "tpch.customer")
    harness.settings["streams_parallel"] = 4
    harness.sync()
    assert len(harness.tables()) == 4
    assert surroundings.asked() == {"web identity": 0, "container": 0, "instance": 3}


def test_keys_that_aws_calls_expired_are_fetched_again(surroundings: Surroundings) -> None:
    keys, lives = surroundings.keys, iter([-1, 3600])
    with Instance(lambda: keys.open("instance", seconds=next(lives))) as instance:
        surroundings.harness.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = instance.url
        green_check(surroundings.harness)
        assert instance.fetches == 2
    with Instance(lambda: keys.open("instance", seconds=-1)) as instance:
        surroundings.harness.variables["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = instance.url
        assert "Expired" in failed_identity(surroundings.harness)["seen"]
        assert instance.fetches <= 3  # not again and again


# What the other ways of logging in and unloading need of these keys.


def test_unload_by_a_role_of_the_namespace_needs_no_keys(harness: Harness) -> None:
    administrator, facts = Administrator(harness.sandbox), harness.sandbox.facts
    service = {"Service": ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"]}
    statement = {"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"}
    role = administrator.apply_trust("unloader", {"Version": "2012-10-17", "Statement": [statement]})
    administrator.apply_permissions("role", "unloader", policies.staging_only(facts.bucket, facts.root))
    administrator.attach_role(role.arn)
    try:
        harness.streams("tpch.nation").settings["staging"]["unload_role"] = role.arn
        harness.sandbox.log.clear()
        harness.sync()
        assert harness.tables() == {"tpch.nation": 25}
        harness.assert_bucket_clean()
        calls = [call["operation"] for call in harness.sandbox.log.entries() if call["service"] == "sts"]
        assert calls == ["AssumeRole"]  # no narrowed session
        assert harness.run("check", "--json").exit_code == 0
    finally:
        administrator.attach_role(role.arn, attached=False)
        administrator.delete("role", "unloader")


def test_a_bucket_that_demands_kms_is_served(harness: Harness) -> None:
    administrator, facts = Administrator(harness.sandbox), harness.sandbox.facts
    key = f"arn:aws:kms:{facts.region}:{account.ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    allowed = {"Effect": "Allow", "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": key}
    administrator.apply_permissions("role", "sluice-reader", {"Version": "2012-10-17", "Statement": [allowed]}, "kms")
    administrator.apply_bucket_policy(policies.demand_kms(facts.bucket))
    try:
        harness.streams("tpch.nation")
        assert harness.run("sync", "--json").exit_code != 0
        harness.settings["staging"]["kms_key"] = key
        assert harness.run("check", "--json").exit_code == 0
        harness.sync()
        assert harness.tables() == {"tpch.nation": 25}
        harness.assert_bucket_clean()
    finally:
        administrator.apply_bucket_policy(None)
        administrator.apply_permissions("role", "sluice-reader", None, "kms")


def test_the_older_login_call_logs_in_as_the_named_user(harness: Harness) -> None:
    administrator = Administrator(harness.sandbox)
    administrator.apply_sql("""
        CREATE USER guide_user PASSWORD DISABLE;
        GRANT USAGE ON SCHEMA tpch TO guide_user;
        GRANT SELECT ON ALL TABLES IN SCHEMA tpch TO guide_user;
    """)
    actions = ["redshift:GetClusterCredentials", "redshift-serverless:GetWorkgroup",
               "redshift-serverless:GetNamespace"]  # fmt: skip
    allowed = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    harness.streams("tpch.nation").settings["redshift"] |= {"username": "guide_user",
                                                            "login_api": "GetClusterCredentials"}  # fmt: skip
    result = harness.run("sync", "--json")
    error = result.json["error"] or result.json["streams"][0]["error"]
    assert (error["code"], error["operation"]) == ("permission", "GetClusterCredentials")
    assert re.search(r'"Action":"redshift', error["remedy"])
    administrator.apply_permissions("role", "sluice-reader", {"Version": "2012-10-17", "Statement": [allowed]}, "older")
    try:
        harness.sync()
        assert harness.tables() == {"tpch.nation": 25}
    finally:
        administrator.apply_permissions("role", "sluice-reader", None, "older")
