"""Mistakes that people make with the set-up guide in hand, one at a time: each is named by a finding of its own,
with the text that fixes it, and leaves nothing behind. More of them are in test_mistakes_*.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path

import pytest
from mistakes import (
    Mistake,
    act,
    assert_named_with_its_cure,
    clock,
    fault,
    forget,
    grants_to,
    port,
    query,
    rights,
    setting,
    sql,
    trust,
    variable,
)
from redshift_sandbox import account, network, policies
from scene import Scene

pytestmark = pytest.mark.mistakes


def older_login_without_user(scene: Scene, stack: ExitStack) -> None:
    document = json.loads(scene.rights)
    actions = ["redshift:GetClusterCredentials", "redshift-serverless:GetWorkgroup", "redshift-serverless:GetNamespace"]
    document["Statement"].append({"Sid": "Older", "Effect": "Allow", "Resource": "*", "Action": actions})
    scene.set_rights(json.dumps(document))
    stack.callback(scene.set_rights, scene.rights)
    scene.settings["redshift"].update(login_api="GetClusterCredentials", username="nobody")


def roles_that_do_not_exist(scene: Scene, stack: ExitStack) -> None:
    scene.settings["auth"]["session_tags"] = {"RedshiftDbRoles": "sluice_read"}
    scene.revoke()
    stack.callback(scene.grant)


def second_schema_only(scene: Scene, stack: ExitStack) -> None:
    scene.revoke()
    stack.callback(scene.grant)
    scene.sql(f"CREATE SCHEMA {scene.schema}_b")
    scene.sql(f'GRANT USAGE ON SCHEMA {scene.schema}_b TO "{scene.user}"')


def expired_session(scene: Scene, stack: ExitStack) -> None:
    session = scene.identity.open_session("assumed-role", account.ACCOUNT, scene.role, "person", 900)
    scene.settings["auth"] = {"access_key_id": session.access_key_id, "secret_access_key": "${SESSION_SECRET}",
                              "session_token": "${SESSION_TOKEN}"}  # fmt: skip
    scene.harness.variables.update(SESSION_SECRET=session.secret, SESSION_TOKEN=session.token)
    scene.sandbox.faults.set("sigv4.machine_dates")
    stack.callback(scene.sandbox.faults.clear, "sigv4.machine_dates")
    clock(1000)(scene, stack)


def kms(scene: Scene, stack: ExitStack) -> None:
    scene.sandbox.aws.store.set_policy(scene.bucket, policies.demand_kms(scene.bucket_name))
    stack.callback(scene.sandbox.aws.store.set_policy, scene.bucket, None)


OBJECTS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]


def without(action: str) -> list[str]:
    return [one for one in OBJECTS if one != action]


FORM = [
    Mistake("name_empty", setting("", "name", ""), "name", exit_code=2),
    Mistake("name_with_blanks", setting("", "name", "Acme Corp!"), "name", exit_code=2),
    Mistake("workgroup_of_another_name", setting("redshift", "workgroup", "reports"),
            "database_credentials.workgroup_not_found", ("reports", "us-east-1", account.ACCOUNT)),
    Mistake("workgroup_is_a_vpc_endpoint", setting("redshift", "workgroup", "analytics-endpoint-ab12cd"),
            "database_credentials.workgroup_not_found", ("analytics-endpoint-ab12cd", "VPC endpoint")),
    Mistake("host_misspelt", setting("redshift", "host", "analytics.invalid"), "network.name_not_found",
            ("analytics.invalid",)),
    Mistake("host_with_a_password", setting("redshift", "host", "redshift://me:pw@localhost/dev"), "redshift.host",
            exit_code=2),
    Mistake("port_closed", port(network.closed_port), "network.refused", ("{port}", "5439")),
    Mistake("port_too_large", setting("redshift", "port", 70000), "redshift.port", exit_code=2),
    Mistake("database_missing", setting("redshift", "database", "warehouse"), "login.database_missing",
            ("warehouse",)),
    Mistake("database_with_a_slash", setting("redshift", "database", "dev/public"), "redshift.database",
            exit_code=2),
    Mistake("username_of_another", setting("redshift", "username", "sluice"), "database_credentials.user_mismatch",
            ('CREATE USER "{user}" PASSWORD DISABLE', 'GRANT USAGE ON SCHEMA "{schema}" TO "{user}"',
             "--role-name {role}", "Value=sluice", "login_api: GetClusterCredentials")),
    Mistake("username_in_another_case", setting("redshift", "username", lambda s: s.user.upper()),
            "database_credentials.user_case", ('"{user}"',)),
    Mistake("bucket_missing", setting("staging", "bucket", "acme-no-such-bucket"), "bucket.missing",
            ("acme-no-such-bucket",)),
    Mistake("bucket_as_a_url", setting("staging", "bucket", "s3://acme-staging/x"), "staging.bucket", exit_code=2),
    Mistake("region_of_another_bucket", setting("staging", "region", "eu-west-1"), "bucket.region_differs",
            ("staging.region: us-east-1",)),
    Mistake("region_empty", setting("staging", "region", ""), "staging.region", exit_code=2),
    Mistake("role_of_another_name", setting("auth", "role_arn", f"arn:aws:iam::{account.ACCOUNT}:role/nobody"),
            "identity.trust_refused", (f"arn:aws:iam::{account.ACCOUNT}:role/nobody", "{base_arn}")),
    Mistake("role_is_a_user", setting("auth", "role_arn", f"arn:aws:iam::{account.ACCOUNT}:user/x"), "auth.role_arn",
            exit_code=2),
    Mistake("secret_key_wrong", variable("SANDBOX_KEYS_SECRET_ACCESS_KEY", "x" * 40), "identity.secret_wrong",
            ("secret access key",), auth="keys"),
    Mistake("access_key_unknown", variable("SANDBOX_KEYS_ACCESS_KEY_ID", "AKIA" + "A" * 16), "identity.key_unknown",
            ("AKIA...AAAA",), auth="keys"),
]  # fmt: skip

NETWORK = [
    Mistake("firewall", port(network.silent_port), "network.silent", ("{port}", "127.0.0.1", "inbound rule")),
    Mistake("proxy_that_says_nothing", port(network.mute_port), "network.no_answer", ("localhost:{port}",)),
    Mistake("port_of_a_web_server", port(network.foreign_port), "network.not_redshift", ("localhost:{port}",)),
    Mistake("no_tls", fault("gateway.tls_refused"), "network.tls_refused", ("localhost:{port}",)),
    Mistake("certificate_for_another_name", fault("gateway.certificate", kind="wrong_name"),
            "network.certificate_name", ("localhost",)),
    Mistake("certificate_expired", fault("gateway.certificate", kind="expired"), "network.certificate_expired",
            ("localhost",)),
    Mistake("certificate_of_a_stranger", fault("gateway.certificate", kind="unknown_authority"),
            "network.certificate_untrusted", ("amazon-trust-ca-bundle.crt",)),
    Mistake("roots_missing", setting("redshift", "sslrootcert", "/nowhere/roots.pem"), "network.roots_missing",
            ("/nowhere/roots.pem",)),
]  # fmt: skip

SQL = [
    Mistake("user_missing", older_login_without_user, "login.user_missing", ('CREATE USER "nobody"',)),
    Mistake("grants_to_plain_username", grants_to(lambda s: s.role), "streams.granted_to_other",
            ('"{user}"', '"{schema}"')),
    Mistake("grants_in_another_case", grants_to(lambda s: s.user.upper()), "streams.granted_to_other",
            ('"{user}"',)),
    Mistake("no_usage", sql('REVOKE USAGE ON SCHEMA {schema} FROM "{user}"',
                            'GRANT USAGE ON SCHEMA {schema} TO "{user}"'),
            "streams.no_usage", ('GRANT USAGE ON SCHEMA "{schema}" TO "{user}"',)),
    Mistake("no_select", sql('REVOKE SELECT ON ALL TABLES IN SCHEMA {schema} FROM "{user}"',
                             'GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO "{user}"'),
            "streams.no_select", ('"{schema}"."orders"', '"{user}"')),
    Mistake("grants_on_another_schema", second_schema_only, "streams.no_usage", ('"{schema}"', '"{user}"')),
    Mistake("table_created_after_the_grant",
            sql('REVOKE SELECT ON {schema}.orders FROM "{user}"', 'GRANT SELECT ON {schema}.orders TO "{user}"'),
            "streams.later_table", ("ALTER DEFAULT PRIVILEGES FOR USER", '"{schema}"', '"{user}"')),
    Mistake("column_grants",
            sql('REVOKE SELECT ON {schema}.orders FROM "{user}";'
                'GRANT SELECT (id, name) ON {schema}.orders TO "{user}"',
                'REVOKE SELECT (id, name) ON {schema}.orders FROM "{user}";'
                'GRANT SELECT ON {schema}.orders TO "{user}"'),
            "streams.column_grants", ("columns: [id, name]", '"{schema}"."orders"')),
    Mistake("table_misspelt", setting("", "streams", lambda s: [{"table": f"{s.schema}.order"}]), "streams.no_table",
            ("Did you mean {schema}.orders?",)),
    Mistake("schema_misspelt", setting("", "streams", lambda s: [{"table": f"{s.schema}x.orders"}]),
            "streams.no_schema", ("Did you mean {schema}?",)),
    Mistake("database_role_missing", roles_that_do_not_exist, "streams.roles_ignored",
            ('CREATE ROLE "sluice_read"', '"{schema}"')),
    Mistake("query_reads_what_it_may_not", query("SELECT * FROM types.integers"), "streams.not_granted",
            ('GRANT USAGE ON SCHEMA "types"', '"{user}"')),
    Mistake("query_names_no_column", query("SELECT idd FROM {schema}.orders"), "streams.no_column", ("id",)),
]  # fmt: skip

IAM = [
    Mistake("no_keys_at_all", forget("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "identity.no_keys",
            ("AWS_ACCESS_KEY_ID", "aws sso login")),
    Mistake("no_get_credentials", rights()("Login"), "database_credentials.not_allowed",
            ("{workgroup_arn}", "redshift-serverless:GetCredentials", "{role}")),
    Mistake("workgroup_name_in_the_arn",
            rights(Resource=f"arn:aws:redshift-serverless:us-east-1:{account.ACCOUNT}:workgroup/analytics")("Login"),
            "database_credentials.not_allowed", ("{workgroup_arn}",)),
    Mistake("trust_without_us", trust(principal=f"arn:aws:iam::{account.BASE_ACCOUNT}:user/{account.BASE_USER}"),
            "identity.trust_refused", ("{base_arn}", "{role_arn}")),
    Mistake("external_id_wrong", trust(external_id="another"), "identity.trust_refused",
            ("ExternalId", "{role_arn}")),
    Mistake("no_tag_session",
            lambda s, e: (trust(actions=["sts:AssumeRole"])(s, e),
                          setting("auth", "session_tags", {"RedshiftDbUser": "app"})(s, e))[0],
            "identity.tag_session", ("sts:TagSession", "{role_arn}")),
    Mistake("session_too_long", setting("auth", "duration", "2h"), "identity.duration", ("{role}", "7200")),
    Mistake("explicit_deny",
            act(lambda s: s.deny("redshift-serverless:*", "*"), lambda s: s.set_rights(s.rights)),
            "database_credentials.denied", ("{role}", "redshift-serverless:GetCredentials")),
    Mistake("keys_deactivated",
            act(lambda s: s.identity.set_key_active(s.key.id, False),
                lambda s: s.identity.set_key_active(s.key.id, True)),
            "identity.key_unknown", ("active",), auth="keys"),
    Mistake("session_expired", expired_session, "identity.token_expired", ("aws sso login",)),
    Mistake("clock_20_minutes_off", clock(1200), "identity.clock_skew", ("timedatectl",)),
    Mistake("clock_4_minutes_off", clock(240), "identity.clock_off", ("timedatectl",), exit_code=0),
]  # fmt: skip

BUCKET = [
    Mistake("no_list", rights()("Bucket"), "bucket_rights.no_list", ("arn:aws:s3:::{bucket}", "s3:ListBucket")),
    Mistake("no_put", rights(Action=without("s3:PutObject"))("Objects"), "bucket_rights.no_put",
            ("arn:aws:s3:::{bucket}/sluice/*", "s3:PutObject")),
    Mistake("no_get", rights(Action=without("s3:GetObject"))("Objects"), "bucket_rights.no_get",
            ("arn:aws:s3:::{bucket}/sluice/*", "s3:GetObject")),
    Mistake("no_delete", rights(Action=without("s3:DeleteObject"))("Objects"), "bucket_rights.delete_refused",
            ("arn:aws:s3:::{bucket}/sluice/*", "s3:DeleteObject", "s3://{bucket}/{left}"), leaves=True),
    Mistake("kms_demanded", kms, "bucket_rights.kms_demanded", ("kms_key: auto", "{bucket}")),
    Mistake("prefix_too_narrow",
            rights(Resource="arn:aws:s3:::*/other/*")("Objects"), "bucket_rights.no_put",
            ("arn:aws:s3:::{bucket}/sluice/*",)),
    Mistake("versioned", act(lambda s: setattr(s.bucket, "versioning", "Enabled"),
                             lambda s: setattr(s.bucket, "versioning", "")),
            "bucket_rights.versioned", ("NoncurrentVersionExpiration", '"Prefix":"sluice/"', "{bucket}"), exit_code=0),
    Mistake("no_lifecycle_rule", lambda *_: None, "bucket_rights.no_lifecycle",
            ('"Prefix":"sluice/"', "{bucket}"), exit_code=0),
    Mistake("unload_role_not_attached",
            setting("staging", "unload_role", f"arn:aws:iam::{account.ACCOUNT}:role/unloader"),
            "unload.role_not_attached", ("analytics",)),
]  # fmt: skip

MISTAKES = [*FORM, *NETWORK, *SQL, *IAM, *BUCKET]


def test_there_are_enough() -> None:
    """In all files together, each with a name of its own, which its scene is made of."""
    files = sorted(Path(__file__).parent.glob("test_mistakes*.py"))
    ids = [mistake.id for file in files for mistake in import_module(file.stem).MISTAKES]
    assert len(set(ids)) == len(ids) >= 110


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: m.id)
def test_mistake_is_named_with_its_cure(make_scene: Callable[[str, str], Scene], mistake: Mistake) -> None:
    assert_named_with_its_cure(make_scene, mistake)
