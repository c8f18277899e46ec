"""What the workgroup answers is told by its own words: a sync's error has the code, the cause and the cure of what
really failed, and tries again what can pass."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from harness import only_error
from redshift_sandbox import account
from scene import Scene

pytestmark = pytest.mark.faults

MakeScene = Callable[[str, str], Scene]
NAMES = (f"words-{number}" for number in itertools.count())


def block(error: str, code: str, context: str) -> str:
    lines = [f"  error:  {error}", f"  code:      {code}", f"  context:   {context}", "  query:     4711"]
    return "\n".join(["", *lines, ""])


def sync(scene: Scene, name: str, count: int | None = None, **args: Any) -> dict[str, Any]:
    """The one error of a sync under that fault; {} if it went well."""
    scene.settings["streams"] = scene.settings["streams"][:1]
    scene.sandbox.faults.set(name, count, args)
    finished = scene.harness.run("sync", "--json")
    scene.sandbox.faults.clear(name)
    if finished.exit_code == 0:
        return {}
    found = finished.json
    return only_error(found["streams"]) if found.get("streams") else dict(found["error"])


def test_abort_by_the_system_is_tried_again(make_scene: MakeScene) -> None:
    words = {"message": "abort query", "detail": block("abort query", "1020", "system requested abort")}
    scene = make_scene("abort", "role")
    assert sync(scene, "gateway.error", 1, statement="UNLOAD", **words) == {}
    error = sync(scene, "gateway.error", statement="UNLOAD", **words)
    assert error["code"] == "unavailable"
    assert "the workgroup itself ended the statement" in error["message"]
    assert "system requested abort" in error["message"]


@pytest.mark.parametrize(
    ("message", "detail", "code", "seen", "cure"),
    [
        ("connection timed out after 50000 ms",
         block("S3CurlException: Connection timed out, CurlError 28, multiCurlError 0", "9001", "Listing bucket=x"),
         "unreachable", "finds no way to S3: connection timed out after 50000 ms", "gateway endpoint for S3"),
        ('Query (1) canceled by WLM abort action of Query Monitoring Rule "long_unload"', "", "timeout",
         "query monitoring rule long_unload", "Query limits"),
        ("Query reached usage limit", block("usage limit", "1016", ""), "unavailable", "usage limit", "Manage usage"),
        ("Assert", block("Assert", "1000", "a == b - on node 3"), "source", "a == b - on node 3", "AWS Support"),
        ("Disk Full", block("Disk Full", "1016", "node: 0"), "unavailable", "disk is full", "base capacity"),
        ("Insufficient memory to run query", "", "unavailable", "not enough memory", "base capacity"),
        ("Spectrum Scan Error", block("Spectrum Scan Error", "15007", "Forbidden: HTTP response error code: 403"),
         "permission", "external table may not be read", "svv_external_schemas"),
        ("something of tomorrow", "", "source", "something of tomorrow", "console"),
    ],
)  # fmt: skip
def test_words_of_the_server_choose_the_cure(
    make_scene: MakeScene, message: str, detail: str, code: str, seen: str, cure: str
) -> None:
    scene = make_scene(next(NAMES), "role")
    error = sync(scene, "gateway.error", statement="UNLOAD", message=message, detail=detail)
    assert (error["code"], seen in error["message"], cure in error["remedy"]) == (code, True, True), error
    assert "query editor" not in error["remedy"], "the stream has no query"


def test_query_editor_is_for_queries(make_scene: MakeScene) -> None:
    scene = make_scene("editor", "role")
    scene.settings["streams"] = [{"name": "q", "sql": f"SELECT id FROM {scene.schema}.orders"}]
    error = sync(scene, "gateway.error", statement="UNLOAD", message="something of tomorrow")
    assert error["remedy"] == "Try the stream's query in the query editor."


@pytest.mark.parametrize(
    ("because", "seen"),
    [
        ("because no VPC endpoint policy allows the s3:PutObject action", "VPC endpoint between the workgroup and S3"),
        ("with an explicit deny in an identity-based policy", "identity-based policy of role r-policy denies"),
        ("because no permissions boundary allows the s3:PutObject action", "permissions boundary of role r-policy"),
        ("with an explicit deny in a service control policy", "(SCP) of the organization"),
        ("because no session policy allows the s3:PutObject action", "session policy"),
    ],
)
def test_policy_that_refused_the_unload_is_named(make_scene: MakeScene, because: str, seen: str) -> None:
    who = f"arn:aws:sts::{account.ACCOUNT}:assumed-role/r-policy/me"
    text = f'User: {who} is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::b-policy/k" {because}'
    message = f"S3ServiceException:{text},Status 403,Error AccessDenied,Rid R,ExtRid x=,CanRetry 1"
    error = sync(make_scene(next(NAMES), "role"), "gateway.error", statement="UNLOAD", message=message)
    assert error["code"] == "permission"
    assert seen in error["message"]
    assert "KMS" not in error["message"] + error["remedy"]


def test_kms_rights_are_asked_for_on_the_key(make_scene: MakeScene) -> None:
    key = f"arn:aws:kms:us-east-1:{account.ACCOUNT}:key/1111"
    scene = make_scene("kms", "role")
    scene.bucket.kms_key = key
    scene.settings["streams"] = scene.settings["streams"][:1]
    error = only_error(scene.harness.run("sync", "--json").json["streams"])
    assert error["code"] == "permission"
    assert f'"Action":["kms:GenerateDataKey","kms:Decrypt"],"Resource":"{key}"' in error["remedy"]
    assert "s3:PutObject" not in error["remedy"]


@pytest.mark.parametrize(
    ("message", "code", "seen"),
    [
        ('Cannot connect to shared database "sales_share" created from Data Catalog ARN.', "unsupported",
         "database sales_share is shared"),
        ('User does not have permissions to connect to database "dev"', "permission", "connect to database dev"),
        ("Query reached usage limit", "unavailable", "usage limit"),
        ("no such thing today", "source", "no such thing today"),
    ],
)  # fmt: skip
def test_refusal_of_the_log_in_is_not_unreachable(make_scene: MakeScene, message: str, code: str, seen: str) -> None:
    error = sync(make_scene(next(NAMES), "role"), "gateway.login_fatal", message=message)
    assert error["code"] == code, error
    assert seen in error["message"]
    assert "inbound rule" not in json.dumps(error)
