"""What `check` costs, how long it takes, and that the page on troubleshooting is what the program prints."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import PROGRAM, ROOT, Harness, interrupt, wait_for
from redshift_sandbox import account, network, policies
from redshift_sandbox.world import Sandbox
from scene import Scene, bad

pytestmark = pytest.mark.mistakes

# Each is billed. Set-up of the session, who am I, UNLOAD.
STATEMENTS_MAX = 6
TABLES_PER_STATEMENT = 50


@pytest.fixture
def scene(sandbox: Sandbox, tmp_path: Path, request: pytest.FixtureRequest) -> Scene:
    return Scene(sandbox, tmp_path, request.node.name.replace("_", "-")[:40].strip("-"))


def test_budget_of_a_check(connect: Callable[..., Harness]) -> None:
    harness = connect().all_tables()
    harness.sandbox.meter.reset()
    assert harness.run("check").exit_code == 0
    meter = harness.sandbox.meter
    assert meter.wake_ups == 1
    assert meter.statements <= STATEMENTS_MAX + 1
    calls = meter.aws_calls
    assert calls["redshift-serverless:GetCredentials"] == 1
    assert calls["redshift-serverless:GetWorkgroup"] == 0, "a right that nobody needs to give"
    assert calls["sts:AssumeRole"] == 2, "one session for us, a narrowed one for the UNLOAD"
    assert sum(calls.values()) <= 16, calls


def test_budget_of_many_streams(scene: Scene) -> None:
    tables = [f"t{i}" for i in range(2 * TABLES_PER_STATEMENT)]
    for table in tables:
        scene.sql(f"CREATE TABLE {scene.schema}.{table} (id integer)")
    scene.grant()
    scene.harness.streams(*(f"{scene.schema}.{table}" for table in tables))
    scene.settings["streams"].append({"name": "q", "sql": f"SELECT id FROM {scene.schema}.t0"})
    scene.sandbox.meter.reset()
    assert scene.check().exit_code == 0
    assert scene.sandbox.meter.statements <= STATEMENTS_MAX + 3
    assert scene.sandbox.meter.wake_ups == 1


def test_reaching_the_workgroup_costs_nothing(scene: Scene) -> None:
    scene.settings["auth"]["role_arn"] = scene.role_arn + "-of-nobody"
    scene.sandbox.meter.reset()
    found = {f["id"] for f in scene.check().json["findings"]}
    assert {"network.ok", "identity.trust_refused"} <= found
    assert (scene.sandbox.meter.statements, scene.sandbox.meter.wake_ups) == (0, 0)


def test_check_takes_less_than_two_seconds(connect: Callable[..., Harness]) -> None:
    harness = connect().all_tables()
    harness.run("check")
    began = time.monotonic()
    assert harness.run("check").exit_code == 0
    assert time.monotonic() - began < 2


def test_silence_ends_within_ten_seconds(scene: Scene) -> None:
    with network.silent_port() as port:
        scene.settings["redshift"]["port"] = port
        began = time.monotonic()
        finished = scene.check()
    assert time.monotonic() - began < 10
    assert "bucket_rights.ok" in {f["id"] for f in finished.json["findings"]}, "the bucket is checked all the same"


def test_ctrl_c_ends_it_at_once(scene: Scene) -> None:
    with network.silent_port() as port:
        scene.settings["redshift"]["port"] = port
        process = scene.harness.start("check", "--json")
        wait_for(lambda: scene.sandbox.meter.aws_calls["sts:AssumeRole"] > 0, "the check to begin")
        time.sleep(0.3)
        began = time.monotonic()
        interrupt(process)
        finished = scene.harness.finish(process)
    assert finished.exit_code == 130
    assert time.monotonic() - began < 3
    assert finished.json["interrupted"]
    assert scene.objects() == []


def test_screen_ends_with_what_to_do_first(scene: Scene) -> None:
    scene.settings["redshift"]["database"] = "warehouse"
    scene.settings["staging"]["region"] = "eu-west-1"
    lines = scene.harness.run("check").stdout.splitlines()
    assert any(line.startswith("2 problems: fix the first one first: ") and "Log-in" in line for line in lines), lines
    assert any("sluice check" in line for line in lines[-3:])


def test_tag_on_the_role_names_the_user(scene: Scene) -> None:
    scene.identity.tag_identity(account.ACCOUNT, "role", scene.role, {"RedshiftDbUser": f"tag-{scene.name}"})
    move_grants(scene, f"IAMR:tag-{scene.name}")
    scene.settings["redshift"]["username"] = f"IAMR:tag-{scene.name}"
    assert_green(scene)


def test_session_tag_names_the_user(scene: Scene) -> None:
    scene.settings["auth"]["session_tags"] = {"RedshiftDbUser": f"tag-{scene.name}"}
    move_grants(scene, f"IAMR:tag-{scene.name}")
    scene.settings["redshift"]["username"] = f"IAMR:tag-{scene.name}"
    assert_green(scene)


def test_database_role_by_session_tag(scene: Scene) -> None:
    scene.revoke()
    scene.sql(f"CREATE ROLE role_{scene.schema}")
    scene.sql(f"GRANT USAGE ON SCHEMA {scene.schema} TO ROLE role_{scene.schema}")
    scene.sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA {scene.schema} TO ROLE role_{scene.schema}")
    scene.settings["auth"]["session_tags"] = {"RedshiftDbRoles": f"role_{scene.schema}"}
    del scene.settings["redshift"]["username"]
    assert_green(scene)


def test_older_call_logs_in_as_the_user_of_the_guide(scene: Scene) -> None:
    document = json.loads(scene.rights)
    actions = ["redshift:GetClusterCredentials", "redshift-serverless:GetWorkgroup", "redshift-serverless:GetNamespace"]
    document["Statement"] = [s for s in document["Statement"] if s["Sid"] != "Login"]
    document["Statement"].append({"Sid": "Older", "Effect": "Allow", "Resource": "*", "Action": actions})
    scene.set_rights(json.dumps(document))
    move_grants(scene, f"plain-{scene.name}")
    scene.settings["redshift"].update(login_api="GetClusterCredentials", username=f"plain-{scene.name}")
    assert_green(scene)


def test_bucket_that_demands_kms_is_green_with_the_remedy(scene: Scene) -> None:
    scene.sandbox.aws.store.set_policy(scene.bucket, policies.demand_kms(scene.bucket_name))
    document = json.loads(scene.rights)
    document["Statement"].append(
        {"Sid": "Key", "Effect": "Allow", "Resource": "*", "Action": ["kms:GenerateDataKey", "kms:Decrypt"]}
    )
    scene.set_rights(json.dumps(document))
    scene.settings["staging"]["kms_key"] = "auto"
    assert_green(scene)


def move_grants(scene: Scene, user: str) -> None:
    scene.revoke()
    scene.sql(f'CREATE USER "{user}" PASSWORD DISABLE')
    scene.user = user
    scene.grant()


def assert_green(scene: Scene) -> None:
    finished = scene.check()
    assert finished.exit_code == 0, list(bad(finished))
    assert list(bad(finished)) == []


@pytest.mark.parametrize("page", ["troubleshooting", "configuration", "type_page"])
def test_a_page_made_from_a_table_is_as_the_table_is(page: str) -> None:
    command = [sys.executable, str(ROOT / "tools" / f"{page}.py"), str(PROGRAM), "--check"]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout
