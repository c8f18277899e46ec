"""From a source that is tested to rows that are counted, over the API, against the sandbox."""

from __future__ import annotations

import duckdb
import pytest
from service import Client, Event, Service, Tenant

pytestmark = pytest.mark.serve


def _judge_findings(service: Service, events: list[Event]) -> None:
    for event in events[:-1]:
        assert event.name == "finding"
        service.contract.judge_schema("Finding", event.data)
    assert events[-1].name == "end", events[-1]
    service.contract.judge_schema("CheckDocument", events[-1].data)
    assert [one.data["id"] for one in events[:-1]] == [one["id"] for one in events[-1].data["findings"]]


def test_a_source_is_tested_live_before_and_after_it_is_saved(service: Service, tenant: Tenant) -> None:
    with tenant.stream("POST", f"{tenant.path}/sources/test", service.source_body()) as events:
        seen = list(events)
    _judge_findings(service, seen)
    assert seen[-1].data["exit_code"] == 0, seen[-1].data
    assert {"login", "bucket", "unload"} <= {one.data["step"] for one in seen[:-1]}
    source = tenant.make_source()
    document = tenant.post(f"{tenant.path}/sources/{source['id']}/test").ok()
    assert document["counts"]["failure"] == 0
    assert tenant.get(f"{tenant.path}/sources/{source['id']}").ok()["last_test"]["ok"] is True


def test_a_change_is_tested_before_it_is_saved_with_the_secret_that_is_kept(tenant: Tenant) -> None:
    source = tenant.make_source()
    path = f"{tenant.path}/sources/{source['id']}"
    assert (
        tenant.post(f"{path}/test", dict(reversed(source.items())) | {"name": "renamed"}).ok()["counts"]["failure"] == 0
    )
    assert tenant.get(path).ok()["last_test"]["ok"] is True  # a name is nothing that is tested
    source = tenant.get(path).ok()
    wrong = tenant.post(f"{path}/test", source | {"bucket": "no-such-bucket-of-anybody"}).ok()
    assert wrong["counts"]["failure"] > 0
    assert tenant.get(path).ok() == source  # neither saved nor told as its own test
    # The secret goes where it was given for, and nowhere else.
    elsewhere = {"host": "a.123456789012.us-east-1.redshift-serverless.amazonaws.com"}
    tenant.post(f"{path}/test", source | elsewhere).refused(422)


def test_what_an_administrator_saved_is_its_tenants_to_test(admin: Client, service: Service, tenant: Tenant) -> None:
    keys = ("access_key_id", "secret_access_key")
    body = {name: value for name, value in service.source_body().items() if name not in keys}
    body |= {"role_arn": "arn:aws:iam::123456789012:role/reader"}
    body["advanced"] = body["advanced"] | {"external_id": "agreed-with-the-operator"}
    tenant.post(f"{tenant.path}/sources", body).refused(422)  # a tenant's roles ask for the tenant's own
    source = admin.post(f"{tenant.path}/sources", body).ok(201)
    path = f"{tenant.path}/sources/{source['id']}"
    assert tenant.post(f"{path}/test").ok()["findings"]
    assert "agreed-with-the-operator" in tenant.get(f"{path}/setup").ok()["trust"]
    other = body | {"advanced": body["advanced"] | {"external_id": "of-somebody-else"}}
    tenant.post(f"{path}/test", other).refused(422)


def test_what_is_wrong_is_a_finding_with_its_cure(service: Service, tenant: Tenant) -> None:
    body = service.source_body() | {"secret_access_key": "wrong/wrong/wrong/wrong/wrong/wrong/wrong"}
    with tenant.stream("POST", f"{tenant.path}/sources/test", body) as events:
        seen = list(events)
    _judge_findings(service, seen)
    failures = [one.data for one in seen[:-1] if one.data["severity"] == "failure"]
    assert failures and all(one["remedy"] for one in failures)
    assert "wrong/wrong" not in repr(seen)


def test_the_texts_for_an_administrator_come_with_half_a_form(service: Service, tenant: Tenant) -> None:
    full = service.source_body()
    body = {name: full[name] for name in ("workgroup", "host", "bucket", "bucket_region", "advanced")}
    texts = tenant.post(f"{tenant.path}/sources/setup", body).ok()
    assert full["bucket"] in texts["iam"] and "CREATE USER" in texts["sql"]
    assert any("database" in note for note in texts["notes"])
    tenant.post(f"{tenant.path}/sources/setup", {}).ok()
    source = tenant.make_source()
    saved = tenant.get(f"{tenant.path}/sources/{source['id']}/setup").ok()
    assert full["bucket"] in saved["iam"]


def test_tables_are_discovered_previewed_and_planned(tenant: Tenant) -> None:
    pipeline = tenant.make_pipeline("tpch.region", "tpch.nation")
    found = tenant.post(f"{tenant.path}/sources/{pipeline['source']}/discover").ok()
    names = [table["name"] for schema in found["schemas"] for table in schema["tables"]]
    assert {"tpch.region", "tpch.nation"} <= set(names)
    path = f"{tenant.path}/pipelines/{pipeline['id']}"
    preview = tenant.post(f"{path}/preview", {"stream": "tpch.region", "limit": 3}).ok()
    assert len(preview["rows"]) == 3
    problem = tenant.post(f"{path}/preview", {"stream": "no.such"})
    assert problem.status in {404, 422, 502}, problem.body
    # Of a stream that nobody has saved, by the rules of a PUT.
    query = {"name": "few", "sql": "SELECT r_name FROM tpch.region WHERE r_regionkey < 2"}
    preview = tenant.post(f"{path}/preview", {"stream": "few", "streams": [query]}).ok()
    assert len(preview["rows"]) == 2
    for sql in ("SELECT 1; DROP TABLE tpch.region", "SELECT '${HOME}'"):
        problem = tenant.post(f"{path}/preview", {"stream": "few", "streams": [{**query, "sql": sql}]}).refused(422)
        assert [one["field"] for one in problem["problems"]] == ["streams[0].sql"], sql
    plan = tenant.post(f"{path}/plan").ok()
    assert [one["name"] for one in plan["streams"]] == ["tpch.region", "tpch.nation"]


def test_a_run_is_told_live_and_its_rows_arrive(service: Service, tenant: Tenant) -> None:
    pipeline = tenant.make_pipeline("tpch.region", "tpch.nation")
    run = tenant.post(f"{tenant.path}/pipelines/{pipeline['id']}/runs").ok(202)
    path = f"{tenant.path}/runs/{run['id']}/events"
    with tenant.stream("GET", path) as events:
        seen = list(events)
    assert seen[0].name in {"state", "command_began"} and seen[-1].name == "end"
    end = seen[-1].data
    service.contract.judge_schema("Run", end)
    assert end["state"] == "succeeded" and end["rows"] == 30, end
    assert all(stream["proof"]["agrees"] for stream in end["streams"])
    told = [one for one in seen if one.id is not None]
    assert [int(one.id or 0) for one in told] == sorted({int(one.id or 0) for one in told})
    # Whoever comes back gets what is missing, once.
    with tenant.stream("GET", path, Last_Event_ID=told[2].id or "") as events:
        rest = [one for one in events if one.id is not None]
    assert [one.id for one in rest] == [one.id for one in told[3:]]
    files = service.data / "files" / tenant.id
    with duckdb.connect(str(next(files.rglob("*.duckdb"))), read_only=True) as warehouse:
        assert warehouse.execute("SELECT count(*) FROM tpch.nation").fetchone() == (25,)
    listed = tenant.get(f"{tenant.path}/runs?pipeline={pipeline['id']}&state=succeeded").ok()["items"]
    assert [one["id"] for one in listed] == [run["id"]] and listed[0]["streams"] is None
    status = tenant.get(f"{tenant.path}/pipelines/{pipeline['id']}").ok()["status"]
    assert status["last_run"]["id"] == run["id"] and status["last_success_at"]
    tenant.get(f"{tenant.path}/runs?state=unknown").refused(422)


def test_a_run_that_fails_says_why(tenant: Tenant) -> None:
    pipeline = tenant.make_pipeline("tpch.region", "tpch.no_such_table")
    run = tenant.run(pipeline["id"])
    assert run["state"] == "partly"
    errors = [one["error"] for one in run["streams"] if one["error"]]
    assert [one["code"] for one in errors] == ["not_found"] and errors[0]["remedy"]
    tenant.post(f"{tenant.path}/runs/{run['id']}/stop").refused(409, "conflict")
    attention = tenant.get("/overview").ok()["tenants"][0]["failed"]
    assert [one["run"] for one in attention] == [run["id"]]


def test_a_run_is_stopped_and_one_that_waits_behind_it_too(service: Service, tenant: Tenant) -> None:
    service.sandbox.faults.set("unload.slow_per_file", args={"seconds": 20})
    service.sandbox.faults.set("unload.cache", args={"enabled": False})
    try:
        runs_path = f"{tenant.path}/runs"
        first = tenant.make_pipeline("tpch.region", name="first")
        second = tenant.make_pipeline("tpch.nation", name="second", destination=first["destination"])
        run = tenant.post(f"{tenant.path}/pipelines/{first['id']}/runs").ok(202)
        waiting = tenant.post(f"{tenant.path}/pipelines/{second['id']}/runs").ok(202)
        again = tenant.post(f"{tenant.path}/pipelines/{second['id']}/runs").refused(409, "conflict")
        assert again["remedy"]
        with tenant.stream("GET", f"{runs_path}/{run['id']}/events") as events:
            assert any(event.data.get("phase") == "unload" for event in events)
            # Of one destination one runs at a time.
            assert tenant.get(f"{runs_path}/{waiting['id']}").ok()["state"] == "queued"
            tenant.delete(f"{tenant.path}/pipelines/{first['id']}").refused(409, "conflict")
            assert tenant.post(f"{runs_path}/{waiting['id']}/stop").ok(202)["state"] == "stopped"
            assert tenant.post(f"{runs_path}/{run['id']}/stop").ok(202)["stopping"] is True
            assert list(events)[-1].data["state"] == "stopped"
    finally:
        service.sandbox.faults.clear()


def test_destinations_and_pipelines_are_tested_too(service: Service, tenant: Tenant) -> None:
    body = {"name": "files", "type": "duckdb", "path": "tested.duckdb"}
    document = tenant.post(f"{tenant.path}/destinations/test", body).ok()
    assert document["counts"]["failure"] == 0
    pipeline = tenant.make_pipeline("tpch.region")
    path = f"{tenant.path}/destinations/{pipeline['destination']}"
    with tenant.stream("POST", f"{path}/test") as events:
        _judge_findings(service, list(events))
    assert tenant.post(f"{tenant.path}/pipelines/{pipeline['id']}/test").ok()["counts"]["failure"] == 0
    nobody = {
        "name": "db",
        "type": "postgres",
        "host": "127.0.0.1",
        "port": 1,
        "database": "a",
        "user": "a",
        "password": "b",
    }
    document = tenant.post(f"{tenant.path}/destinations/test", nobody).ok()
    assert document["counts"]["failure"] == 1, document
    tenant.delete(f"{tenant.path}/pipelines/{pipeline['id']}").ok(204)
    tenant.delete(path).ok(204)


def test_no_secret_is_on_the_disk_or_in_the_log(service: Service, tenant: Tenant) -> None:
    """Whatever ran.

    G72: The service keeps each secret sealed and never shows it again: not in an answer, a file of its own or its log.
    """
    pipeline = tenant.make_pipeline("tpch.region")
    tenant.run(pipeline["id"])
    secret = service.source_body()["secret_access_key"].encode()
    token = (tenant.token or "").encode()
    for file in [
        service.log,
        *(one for one in service.data.rglob("*") if one.is_file()),
    ]:
        held = file.read_bytes()
        assert secret not in held, file
        assert token not in held, file
