"""End to end from a bare sandbox: the four ways to become a database user."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import psycopg
import pytest

from redshift_sandbox import account, policies
from redshift_sandbox.testing import RunningSandbox, start_sandbox

EXTERNAL_ID = "shared-once"
GRANTS = """
-- what a guide prints; {who} is quoted already
GRANT USAGE ON SCHEMA "types" TO {who};   -- the schema
GRANT SELECT ON ALL TABLES IN SCHEMA "types" TO {who};
ALTER DEFAULT PRIVILEGES FOR USER "admin" IN SCHEMA "types" GRANT SELECT ON TABLES TO {who};
GRANT CONNECT ON DATABASE "dev" TO {who};
"""


@pytest.fixture(scope="module")
def bare() -> Iterator[RunningSandbox]:
    with start_sandbox("types", bare=True) as running:
        yield running


def login_policy(bare: RunningSandbox, *statements: dict[str, Any]) -> str:
    first = policies.login(bare.world.workgroup_arn)
    return json.dumps({"Version": "2012-10-17", "Statement": [first, *statements]})


def make_role(bare: RunningSandbox, role: str, *statements: dict[str, Any]) -> None:
    bare.administrator.apply_trust(role, policies.trust(bare.world.base_arn, EXTERNAL_ID))
    bare.administrator.apply_permissions("role", role, login_policy(bare, *statements))


def assume(bare: RunningSandbox, role: str, **more: Any) -> boto3.session.Session:
    given = bare.client(bare.base_session(), "sts").assume_role(
        RoleArn=f"arn:aws:iam::{account.ACCOUNT}:role/{role}", RoleSessionName="pattern", ExternalId=EXTERNAL_ID, **more
    )["Credentials"]
    return boto3.session.Session(
        given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], region_name=account.REGION
    )


def who_and_rows(bare: RunningSandbox, user: str, password: str) -> tuple[str, int | None]:
    """current_user, and how many rows of types.types_plain that user reads; None if it may not."""
    with bare.connect(user=user, password=password) as connection:
        who = connection.execute("SELECT current_user").fetchone()
        assert who is not None
        try:
            rows = connection.execute("SELECT count(*) FROM types.types_plain").fetchone()
        except psycopg.errors.InsufficientPrivilege:
            return who[0], None
        assert rows is not None
        return who[0], rows[0]


def test_bare_means_bare(bare: RunningSandbox) -> None:
    assert bare.world.aws.identity.roles() == []
    assert all(not user.policies for user in bare.world.aws.identity.users() if user.account == account.ACCOUNT)
    users = {name for (name,) in bare.administrator.apply_sql("SELECT usename FROM pg_user")}
    assert not {name for name in users if name.startswith("IAM")}
    assert bare.objects("") == []
    with pytest.raises(Exception, match="AccessDenied"):
        bare.fresh_login(bare.keys_session())


def test_pattern_a_by_role(bare: RunningSandbox) -> None:
    make_role(bare, "reader-a")
    session = assume(bare, "reader-a")
    assert who_and_rows(bare, *bare.fresh_login(session)) == ("IAMR:reader-a", None)
    bare.administrator.apply_sql(GRANTS.format(who='"IAMR:reader-a"'))
    who, rows = who_and_rows(bare, *bare.fresh_login(session))
    assert who == "IAMR:reader-a" and rows


def test_pattern_a_by_keys(bare: RunningSandbox) -> None:
    keys = bare.administrator.create_user("key-user")
    bare.administrator.apply_permissions("user", "key-user", login_policy(bare))
    bare.administrator.apply_sql('CREATE USER "IAM:key-user" PASSWORD DISABLE;' + GRANTS.format(who='"IAM:key-user"'))
    session = boto3.session.Session(keys.access_key_id, keys.secret_access_key, region_name=account.REGION)
    who, rows = who_and_rows(bare, *bare.fresh_login(session))
    assert who == "IAM:key-user" and rows
    bare.administrator.deactivate_key(keys.access_key_id)
    with pytest.raises(Exception, match="UnrecognizedClientException"):
        bare.fresh_login(session)


def test_pattern_b_by_tag_of_role_and_of_session(bare: RunningSandbox) -> None:
    make_role(bare, "reader-b")
    bare.administrator.tag_role("reader-b", {"RedshiftDbUser": "by_role"})
    for name in ("by_role", "by_session"):
        who = f'"IAMR:{name}"'
        bare.administrator.apply_sql(f"CREATE USER {who} PASSWORD DISABLE;\n" + GRANTS.format(who=who))
    who, rows = who_and_rows(bare, *bare.fresh_login(assume(bare, "reader-b")))
    assert who == "IAMR:by_role" and rows
    tagged = assume(bare, "reader-b", Tags=[{"Key": "RedshiftDbUser", "Value": "by_session"}])
    who, rows = who_and_rows(bare, *bare.fresh_login(tagged))
    assert who == "IAMR:by_session" and rows


def test_pattern_c_by_tag_of_the_session(bare: RunningSandbox) -> None:
    make_role(bare, "reader-c")
    bare.administrator.apply_sql("CREATE ROLE c_read;\n" + GRANTS.format(who="ROLE c_read"))
    tags = [{"Key": "RedshiftDbRoles", "Value": "unknown:c_read"}]
    who, rows = who_and_rows(bare, *bare.fresh_login(assume(bare, "reader-c", Tags=tags)))
    assert who == "IAMR:reader-c" and rows
    # Granted for one login, not for ever.
    assert who_and_rows(bare, *bare.fresh_login(assume(bare, "reader-c"))) == ("IAMR:reader-c", None)


def test_pattern_c_by_tag_of_the_role_needs_the_right_to_read_tags(bare: RunningSandbox) -> None:
    make_role(bare, "reader-d")
    bare.administrator.apply_sql("CREATE ROLE d_read;\n" + GRANTS.format(who="ROLE d_read"))
    bare.administrator.tag_role("reader-d", {"RedshiftDbRoles": "d_read"})
    assert who_and_rows(bare, *bare.fresh_login(assume(bare, "reader-d"))) == ("IAMR:reader-d", None)
    make_role(bare, "reader-d", {"Effect": "Allow", "Action": ["tag:GetResources", "tag:GetTagKeys"], "Resource": "*"})
    who, rows = who_and_rows(bare, *bare.fresh_login(assume(bare, "reader-d")))
    assert who == "IAMR:reader-d" and rows


def test_b12_pattern_d_acts_as_the_named_user(bare: RunningSandbox) -> None:
    make_role(bare, "reader-e", {
        "Effect": "Allow", "Resource": "*",
        "Action": ["redshift:GetClusterCredentials", "redshift-serverless:GetWorkgroup",
                   "redshift-serverless:GetNamespace"],
    })  # fmt: skip
    client = bare.client(assume(bare, "reader-e"), "redshift")

    def minted() -> tuple[str, str]:
        answer = client.get_cluster_credentials(
            ClusterIdentifier=f"redshift-serverless-{account.WORKGROUP}", DbUser="guide_user", DbName="dev"
        )
        return answer["DbUser"], answer["DbPassword"]

    with pytest.raises(psycopg.OperationalError, match='user "IAM:guide_user" does not exist'):
        who_and_rows(bare, *minted())
    bare.administrator.apply_sql("CREATE USER guide_user PASSWORD DISABLE;\n" + GRANTS.format(who="guide_user"))
    who, rows = who_and_rows(bare, *minted())
    assert who == "guide_user" and rows


def test_b31_default_privileges_hold_for_the_named_creator_only(bare: RunningSandbox) -> None:
    make_role(bare, "reader-f")
    bare.administrator.apply_sql('CREATE USER "IAMR:reader-f" PASSWORD DISABLE; CREATE USER loader PASSWORD DISABLE;'
                                 'GRANT CREATE, USAGE ON SCHEMA types TO loader;'
                                 + GRANTS.format(who='"IAMR:reader-f"'))  # fmt: skip
    bare.administrator.apply_sql("CREATE TABLE types.later_admin (a int)")
    bare.administrator.apply_sql("CREATE TABLE types.later_loader (a int)", user="loader")
    user, password = bare.fresh_login(assume(bare, "reader-f"))
    with bare.connect(user=user, password=password) as connection:
        connection.execute("SELECT * FROM types.later_admin")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied for relation later_loader"):
            connection.execute("SELECT * FROM types.later_loader")
