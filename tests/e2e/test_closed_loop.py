"""Goal: from a bare account to a green check with nothing but what `sluice setup` prints, for every way in which a
database user comes about; and no right is printed that is not used: without any one of them the check is red."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from administrator import Customer, options_of, shell_commands
from harness import Finished, Harness
from redshift_sandbox import account
from redshift_sandbox.identity.oidc import OidcIssuer
from redshift_sandbox.world import Options, Sandbox

pytestmark = pytest.mark.closed_loop
STREAMS = ("types.types_plain", "types.odd_names")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(Options(tmp_path_factory.mktemp("bare"), data="types", bare=True)) as running:
        yield running


@dataclass(frozen=True)
class Case:
    """One way to log in. Keys of pattern B are left out: what AWS makes of the tag RedshiftDbUser on an IAM user is
    documented nowhere, so `setup` refuses it (test_pattern_b_by_keys_is_refused)."""

    name: str
    kind: str  # "role" or "user"
    redshift: dict[str, Any]
    auth: dict[str, Any]
    flags: tuple[str, ...] = ()
    sids: tuple[str, ...] = ("Login", "Bucket", "Objects")


NARROW = ("Login", "Bucket", "Objects", "Narrow")
CLUSTER = {"login_api": "GetClusterCredentials", "username": "sluice_{name}"}
CASES = [
    Case("a-role", "role", {}, {}),
    Case("a-keys", "user", {}, {}, sids=NARROW),
    Case("b-session", "role", {}, {"session_tags": {"RedshiftDbUser": "{name}"}}),
    Case("b-role", "role", {"username": "{name}"}, {}),
    Case("c-session", "role", {}, {"session_tags": {"RedshiftDbRoles": "{name}"}}),
    Case("c-role", "role", {}, {}, ("--pattern", "C", "--db-role", "{name}"),
         ("Login", "Tags", "Bucket", "Objects")),
    Case("c-keys", "user", {}, {}, ("--pattern", "C", "--db-role", "{name}"),
         ("Login", "Tags", "Bucket", "Objects", "Narrow")),
    Case("d-role", "role", CLUSTER, {}, sids=("Login", "Workgroup", "Namespace", "Bucket", "Objects")),
    Case("d-keys", "user", CLUSTER, {}, sids=("Login", "Workgroup", "Namespace", *NARROW[1:])),
]  # fmt: skip

# Rights that no check can be seen to need, and why they are printed all the same.
UNSEEN = {
    # Redshift writes large files in pieces and gives up unfinished ones; the check's one row is a single PUT.
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
    # The sweep of a sync looks for unfinished uploads; the check lists objects alone.
    "s3:ListBucketMultipartUploads",
    # AWS names it for UNLOAD to a bucket whose region is looked up; with REGION in the statement it is not asked for.
    "s3:GetBucketLocation",
}


def customer_of(connect: Callable[..., Harness], sandbox: Sandbox, case: Case, suffix: str = "") -> Customer:
    """The configuration that a person would have written, for an identity that nobody has made yet (a user's keys come
    with him)."""
    harness = connect("role" if case.kind == "role" else "keys")
    identity = f"sluice-{case.name}{suffix}"
    harness.streams(*STREAMS)
    redshift = harness.settings["redshift"]
    del redshift["username"]
    name = (case.name + suffix).replace("-", "_")
    redshift.update({key: value.format(name=name) for key, value in case.redshift.items()})
    customer = Customer(harness, case.kind, identity, tuple(flag.format(name=name) for flag in case.flags))
    if case.kind == "role":
        harness.settings["auth"]["role_arn"] = f"arn:aws:iam::{account.ACCOUNT}:role/{identity}"
        harness.settings["auth"].update(case.auth)
        for key, value in case.auth.get("session_tags", {}).items():
            harness.settings["auth"]["session_tags"] = {key: value.format(name=name)}
    else:
        keys = customer.administrator.create_user(identity)
        harness.variables |= {"SANDBOX_KEYS_ACCESS_KEY_ID": keys.access_key_id,
                              "SANDBOX_KEYS_SECRET_ACCESS_KEY": keys.secret_access_key}  # fmt: skip
    return customer


def check(customer: Customer) -> Finished:
    return customer.harness.run("check", "--json")


def failures(finished: Finished) -> list[str]:
    return [finding["id"] for finding in finished.json["findings"] if finding["severity"] == "failure"]


def assert_green(finished: Finished) -> None:
    assert (finished.exit_code, failures(finished)) == (0, []), finished.stdout


def assert_red(finished: Finished, what: str) -> None:
    assert finished.exit_code == 1, f"green without {what}"
    assert failures(finished), what


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_setup_prints_makes_check_green_and_nothing_of_it_is_idle(
    connect: Callable[..., Harness], sandbox: Sandbox, case: Case
) -> None:
    customer = customer_of(connect, sandbox, case)
    before = check(customer)
    assert before.exit_code == 1, "nothing has been set up yet"
    customer.apply()
    assert_green(check(customer))

    printed = customer.permissions()
    assert tuple(statement["Sid"] for statement in printed["Statement"]) == case.sids
    for sid in case.sids:
        without = copy.deepcopy(printed)
        without["Statement"] = [one for one in without["Statement"] if one["Sid"] != sid]
        customer.administrator.apply_permissions(case.kind, customer.identity, without)
        assert_red(check(customer), f"statement {sid}")
    customer.administrator.apply_permissions(case.kind, customer.identity, printed)
    assert_green(check(customer))
    customer.harness.assert_bucket_clean()


@pytest.mark.parametrize("case", [CASES[1], CASES[5], CASES[7]], ids=lambda case: case.name)
def test_no_action_that_is_printed_is_idle(connect: Callable[..., Harness], sandbox: Sandbox, case: Case) -> None:
    customer = customer_of(connect, sandbox, case, "-actions")
    customer.apply()
    printed = customer.permissions()
    seen: set[str] = set()
    for position, statement in enumerate(printed["Statement"]):
        if isinstance(statement["Action"], str):
            continue  # the statement's only one: the test above
        for action in statement["Action"]:
            seen.add(action)
            without = copy.deepcopy(printed)
            without["Statement"][position]["Action"].remove(action)
            customer.administrator.apply_permissions(case.kind, customer.identity, without)
            finished = check(customer)
            if action in UNSEEN:
                assert_green(finished)  # else it belongs into UNSEEN no longer
            else:
                assert_red(finished, action)
    assert seen >= UNSEEN


def test_trust_is_as_narrow_as_it_can_be(connect: Callable[..., Harness], sandbox: Sandbox) -> None:
    """Tags are allowed only where they are sent, and neither the external id nor the principal may be another."""
    customer = customer_of(connect, sandbox, CASES[2], "-trust")
    customer.apply()
    printed = json.loads(customer.printed("trust"))
    statement = printed["Statement"][0]
    assert statement["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert statement["Principal"] == {"AWS": sandbox.base_arn}
    for change in (
        {"Action": ["sts:AssumeRole"]},
        {"Action": ["sts:TagSession"]},
        {"Condition": {"StringEquals": {"sts:ExternalId": "another"}}},
        {"Principal": {"AWS": f"arn:aws:iam::{account.BASE_ACCOUNT}:user/another"}},
    ):
        customer.administrator.apply_trust(customer.identity, {**printed, "Statement": [statement | change]})
        assert_red(check(customer), f"trust with {change}")
    plain = customer_of(connect, sandbox, CASES[0], "-trust")
    assert json.loads(plain.printed("trust"))["Statement"][0]["Action"] == "sts:AssumeRole"


@pytest.mark.parametrize("word", ["GRANT USAGE", "GRANT SELECT"])
def test_no_grant_is_idle(connect: Callable[..., Harness], sandbox: Sandbox, word: str) -> None:
    customer = customer_of(connect, sandbox, CASES[0], word[5:].replace(" ", "-").lower())
    customer.apply(sql=lambda line: not line.startswith(word))
    assert_red(check(customer), word)


def test_future_tables_of_a_named_owner_are_readable(connect: Callable[..., Harness], sandbox: Sandbox) -> None:
    case = Case("owner", "role", {}, {}, ("--owner", "loader"))
    customer = customer_of(connect, sandbox, case)
    administrator = customer.administrator
    administrator.apply_sql("CREATE USER loader PASSWORD DISABLE; GRANT ALL ON SCHEMA types TO loader")
    customer.apply()
    administrator.apply_sql("CREATE TABLE types.made_later (a int)", user="loader")
    customer.harness.streams("types.made_later")
    assert_green(check(customer))


def test_only_the_streams_tables_if_told_so(connect: Callable[..., Harness], sandbox: Sandbox) -> None:
    customer = customer_of(connect, sandbox, Case("only", "role", {}, {}, ("--only-streams",)))
    customer.apply()
    assert_green(check(customer))
    customer.harness.streams(*STREAMS, "types.one_row")
    assert_red(check(customer), "a table that was no stream")


def test_bucket_of_another_account(connect: Callable[..., Harness], sandbox: Sandbox) -> None:
    """The bucket's own policy is asked for, too, and both its statements are needed."""
    other, bucket = "333333333333", "acme-elsewhere"
    sandbox.aws.add_bucket(bucket, account.REGION, other)
    customer = customer_of(connect, sandbox, Case("across", "role", {}, {}, ("--bucket-account", other)))
    customer.harness.settings["staging"]["bucket"] = bucket
    customer.apply()
    assert_green(check(customer))
    printed = policy_printed(customer)
    for statement in printed["Statement"]:
        without = {**printed, "Statement": [one for one in printed["Statement"] if one is not statement]}
        customer.administrator.apply_bucket_policy(without, bucket)
        assert_red(check(customer), statement["Sid"])


def policy_printed(customer: Customer) -> Any:
    for service, operation, *rest in shell_commands(customer.printed("bucket")):
        if (service, operation) == ("s3api", "put-bucket-policy"):
            return json.loads(options_of(rest)["policy"])
    raise AssertionError("no bucket policy was printed")


def test_encrypted_bucket(connect: Callable[..., Harness], sandbox: Sandbox) -> None:
    """The key's statement is printed, and needed, only under KMS."""
    key = f"arn:aws:kms:{account.REGION}:{account.ACCOUNT}:key/0a1b2c3d-0000-0000-0000-000000000000"
    bucket = "acme-encrypted"
    sandbox.aws.add_bucket(bucket, account.REGION, account.ACCOUNT)
    customer = customer_of(connect, sandbox, Case("kms", "role", {}, {}))
    customer.administrator.apply_encryption(key, bucket)
    customer.harness.settings["staging"] |= {"bucket": bucket, "kms_key": key}
    customer.apply()
    assert_green(check(customer))
    printed = customer.permissions()
    assert [one["Sid"] for one in printed["Statement"]] == ["Login", "Bucket", "Objects", "Key"]
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        without = copy.deepcopy(printed)
        without["Statement"][3]["Action"].remove(action)
        customer.administrator.apply_permissions("role", customer.identity, without)
        assert_red(check(customer), action)


def test_role_that_redshift_writes_with(connect: Callable[..., Harness], sandbox: Sandbox) -> None:
    arn = f"arn:aws:iam::{account.ACCOUNT}:role/sluice-writes"
    customer = customer_of(connect, sandbox, Case("unload-role", "role", {}, {}))
    customer.harness.settings["staging"]["unload_role"] = arn
    customer.apply()
    assert_red(check(customer), "the role attached to the namespace")
    customer.administrator.attach_role(arn)
    assert_green(check(customer))


def test_web_identity(connect: Callable[..., Harness], sandbox: Sandbox, tmp_path: Path) -> None:
    issuer = OidcIssuer("https://token.example.test")
    token = tmp_path / "token"
    token.write_text(issuer.token("repo:acme", "sts.amazonaws.com", sandbox.clock.now()))
    customer = customer_of(connect, sandbox, Case("web", "role", {}, {"web_identity_token_file": str(token)}))
    del customer.harness.settings["auth"]["external_id"]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del customer.harness.variables[name]
    customer.administrator.trust_issuer(issuer, ["sts.amazonaws.com"])
    customer.apply()
    assert_green(check(customer))
    token.write_text(issuer.token("repo:another", "sts.amazonaws.com", sandbox.clock.now()))
    assert_red(check(customer), "the right subject")


def test_pattern_b_by_keys_is_refused(connect: Callable[..., Harness], sandbox: Sandbox) -> None:
    customer = customer_of(connect, sandbox, Case("b-keys", "user", {"username": "x"}, {}))
    finished = customer.harness.run("setup", "sql", "--pattern", "B")
    assert finished.exit_code == 2
    assert "documented nowhere" in finished.stderr


def test_a_longer_session_is_allowed_for(connect: Callable[..., Harness], sandbox: Sandbox) -> None:
    customer = customer_of(connect, sandbox, Case("long", "role", {}, {"duration": "4h"}))
    customer.administrator.apply_trust(customer.identity, customer.printed("trust"))
    customer.apply()
    assert_green(check(customer))
