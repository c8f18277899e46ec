"""The API as a vendor's backend uses it. Client.call judges every answer by the OpenAPI document."""

from __future__ import annotations

import http.server
import re
import threading

import pytest
from jsonschema import Draft202012Validator
from service import Client, Service, Tenant

pytestmark = pytest.mark.serve


def test_the_document_is_one_of_openapi(service: Service) -> None:
    document = service.contract.document
    assert document["openapi"] == "3.1.0"
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    # Each reference leads somewhere, and each operation has a name of its own.
    for reference in set(re.findall(r"'\$ref': '#(/[^']+)'", repr(document))):
        target = document
        for word in reference.strip("/").split("/"):
            target = target[word]
    names = list(service.contract.operations().values())
    assert len(names) == len(set(names))


def test_tenants_are_made_changed_and_deleted(admin: Client) -> None:
    made = admin.post("/tenants", {"name": "made"})
    tenant = made.ok(201)
    assert made.headers["location"] == f"/api/v1/tenants/{tenant['id']}"
    assert tenant["external_id"]
    path = f"/tenants/{tenant['id']}"
    assert admin.get(path).etag == made.etag
    changed = admin.put(path, {"name": "changed", "limits": {"parallel_runs": 3}}, made.etag)
    assert changed.ok()["limits"] == {"parallel_runs": 3}
    assert changed.etag != made.etag
    assert [one["name"] for one in admin.items("/tenants") if one["id"] == tenant["id"]] == ["changed"]
    admin.delete(path).ok(204)
    admin.get(path).refused(404, "not_found")


def test_a_tenant_with_a_source_is_not_deleted(admin: Client, tenant: Tenant) -> None:
    tenant.make_source()
    problem = admin.delete(tenant.path).refused(409, "conflict")
    assert "still has a source" in problem["detail"]


def test_a_source_comes_back_without_its_secret(tenant: Tenant, service: Service) -> None:
    body = service.source_body()
    made = tenant.post(f"{tenant.path}/sources", body)
    source = made.ok(201)
    assert source["secret_access_key_set"] is True
    kept = tenant.put(f"{tenant.path}/sources/{source['id']}", source | {"name": "renamed"}, made.etag)
    assert kept.ok()["secret_access_key_set"] is True
    for answer in (made, kept, tenant.get(f"{tenant.path}/sources")):
        assert body["secret_access_key"].encode() not in answer.body


def test_a_secret_is_asked_for_again_where_it_would_go_elsewhere(
    tenant: Tenant,
) -> None:
    source = tenant.make_source()
    moved = source | {"host": "another.123456789012.us-east-1.redshift-serverless.amazonaws.com"}
    problem = tenant.put(f"{tenant.path}/sources/{source['id']}", moved).refused(422, "invalid_config")
    assert [one["field"] for one in problem["problems"]] == ["secret_access_key"]


def test_problems_name_the_fields_as_they_were_sent(tenant: Tenant, service: Service) -> None:
    body = service.source_body() | {
        "bucket": "NOT A BUCKET",
        "port": 99999,
        "surprise": 1,
    }
    problem = tenant.post(f"{tenant.path}/sources", body).refused(422, "invalid_config")
    assert problem["problems"], problem
    assert all(one["remedy"] for one in problem["problems"])
    assert {one["field"] for one in problem["problems"]} <= {
        "bucket",
        "port",
        "surprise",
    }


def test_of_two_changes_the_second_is_told(tenant: Tenant) -> None:
    destination = tenant.make_destination()
    path = f"{tenant.path}/destinations/{destination['id']}"
    read = tenant.get(path)
    tenant.put(path, destination | {"name": "first"}, read.etag).ok()
    tenant.put(path, destination | {"name": "second"}, read.etag).refused(412, "conflict")
    assert tenant.get(path).ok()["name"] == "first"
    tenant.put(path, destination | {"name": "whatever"}, "*").ok()
    tenant.put(path, destination, "W/whatever").refused(400)
    tenant.call("PUT", path, destination).refused(428)


def test_lists_come_in_pages(tenant: Tenant) -> None:
    made = [tenant.make_destination(f"files{i}")["id"] for i in range(5)]
    assert [one["id"] for one in tenant.items(f"{tenant.path}/destinations")] == made
    for bad in (
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=1&limit=2",
        "lmit=1",
        "limit=%zz",
    ):
        tenant.get(f"{tenant.path}/destinations?{bad}").refused(400)
    tenant.get(f"{tenant.path}/destinations?cursor=nobodys").refused(422)


def test_a_repeated_post_is_done_once(tenant: Tenant) -> None:
    body = {"name": "once", "type": "duckdb", "path": "once.duckdb"}
    path = f"{tenant.path}/destinations"
    first = tenant.post(path, body, Idempotency_Key="k1")
    again = tenant.post(path, body, Idempotency_Key="k1")
    assert first.ok(201) == again.ok(201)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.etag == first.etag
    assert len(tenant.items(path)) == 1
    tenant.post(path, body | {"name": "other"}, Idempotency_Key="k1").refused(422)
    tenant.post(path, body, Idempotency_Key="k" * 201).refused(422)


def test_a_refused_post_may_be_repeated_when_it_is_right(tenant: Tenant) -> None:
    body = {"name": "once", "type": "duckdb", "path": "../once.duckdb"}
    path = f"{tenant.path}/destinations"
    tenant.post(path, body, Idempotency_Key="k2").refused(422)
    tenant.post(path, body | {"path": "once.duckdb"}, Idempotency_Key="k2").ok(201)


def test_the_key_of_one_token_is_nothing_to_another(tenant: Tenant, stranger: Tenant) -> None:
    for one in (tenant, stranger):
        body = {"name": "same", "type": "duckdb", "path": "same.duckdb"}
        made = one.post(f"{one.path}/destinations", body, Idempotency_Key="shared").ok(201)
        assert made["tenant"] == one.id


def test_a_schedule_is_set_paused_and_removed(tenant: Tenant) -> None:
    pipeline = tenant.make_pipeline("tpch.region")
    path = f"{tenant.path}/pipelines/{pipeline['id']}"
    daily = {"cron": "30 6 * * *", "time_zone": "Europe/Berlin", "jitter": "5m"}
    planned = tenant.put(f"{path}/schedule", daily).ok()
    assert planned["schedule"]["time_zone"] == "Europe/Berlin"
    paused = tenant.put(f"{path}/schedule", daily | {"paused": True}).ok()
    assert paused["status"]["next_run_at"] is None
    problem = tenant.put(f"{path}/schedule", {"cron": "61 * * * *"}).refused(422)
    assert problem["problems"][0]["field"].startswith("schedule")
    assert tenant.call("PUT", f"{path}/schedule", b"null", If_Match="*").ok()["schedule"] is None


def test_what_is_used_stays(tenant: Tenant) -> None:
    pipeline = tenant.make_pipeline("tpch.region")
    tenant.delete(f"{tenant.path}/sources/{pipeline['source']}").refused(409)
    tenant.delete(f"{tenant.path}/destinations/{pipeline['destination']}").refused(409)
    tenant.delete(f"{tenant.path}/pipelines/{pipeline['id']}").ok(204)
    tenant.delete(f"{tenant.path}/sources/{pipeline['source']}").ok(204)


def test_a_pipeline_stays_with_its_ends(tenant: Tenant) -> None:
    pipeline = tenant.make_pipeline("tpch.region")
    moved = pipeline | {"destination": tenant.make_destination("elsewhere")["id"]}
    problem = tenant.put(f"{tenant.path}/pipelines/{pipeline['id']}", moved).refused(422)
    assert problem["problems"][0]["field"] == "destination"


def test_the_key_of_a_webhook_is_shown_once(tenant: Tenant) -> None:
    body = {
        "name": "hook",
        "kind": "webhook",
        "url": "https://hooks.example.com/sluice",
        "on": ["failed"],
    }
    made = tenant.post(f"{tenant.path}/alerts", body).ok(201)
    assert made["secret"].startswith("whsec_")
    read = tenant.get(f"{tenant.path}/alerts/{made['id']}").ok()
    assert "secret" not in read and read["secret_set"] is True
    changed = tenant.put(f"{tenant.path}/alerts/{made['id']}", read | {"on": ["failed", "late"]}).ok()
    assert changed["on"] == ["failed", "late"]
    assert tenant.items(f"{tenant.path}/alerts")[0]["id"] == made["id"]
    tenant.delete(f"{tenant.path}/alerts/{made['id']}").ok(204)


def test_a_message_is_sent_to_see_whether_it_arrives(tenant: Tenant) -> None:
    got: list[dict[str, str]] = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            got.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(204 if self.path == "/good" else 500)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Receiver) as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        for path in ("good", "bad"):
            url = f"http://127.0.0.1:{receiver.server_port}/{path}"
            alert = tenant.post(
                f"{tenant.path}/alerts", {"name": path, "kind": "webhook", "url": url, "on": ["late"]}
            ).ok(201)
            answer = tenant.post(f"{tenant.path}/alerts/{alert['id']}/test")
            if path == "good":
                answer.ok(204)
            else:
                answer.refused(502)
        receiver.shutdown()
    assert {"webhook-id", "webhook-timestamp", "webhook-signature"} <= set(got[0])


def test_tokens_are_listed_without_their_text_and_end_when_deleted(admin: Client, service: Service) -> None:
    made = admin.post("/tokens", {"name": "ci", "scope": "read", "expires_in_days": 1}).ok(201)
    assert made["url"].endswith("/#token=" + made["token"])
    listed = admin.get("/tokens?limit=200")
    assert made["token"].encode() not in listed.body
    assert made["id"] in [one["id"] for one in listed.ok()["items"]]
    reader = service.client(made["token"])
    assert reader.get("/me").ok()["scope"] == "read"
    admin.delete(f"/tokens/{made['id']}").ok(204)
    assert reader.get("/me").status in {401, 429}


def test_who_did_what_is_recorded(tenant: Tenant) -> None:
    source = tenant.make_source()
    entries = tenant.get("/audit").ok()["items"]
    assert [(one["action"], one["subject"], one["address"]) for one in entries][:1] == [
        ("source.create", source["id"], "127.0.0.1")
    ]


def test_machines_ask_without_a_token_whether_it_lives(service: Service, admin: Client) -> None:
    nobody = service.client(None)
    assert nobody.raw("GET", "/healthz").status == 200
    assert nobody.raw("GET", "/readyz").status == 200
    assert nobody.raw("HEAD", "/healthz").body == b""
    assert nobody.raw("GET", "/metrics").status == 401
    metrics = admin.raw("GET", "/metrics")
    assert metrics.status == 200 and b"sluice_" in metrics.body
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")


def test_the_page_is_served_under_a_strict_policy(service: Service) -> None:
    nobody = service.client(None)
    page = nobody.raw("GET", "/")
    assert page.status == 200 and page.headers["content-encoding"] == "gzip"
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert nobody.raw("GET", "/", If_None_Match=page.etag).status == 304
    assert nobody.raw("POST", "/", b"x").status == 405
    assert nobody.raw("GET", "/no/such/page").status == 404


def test_the_overview_tells_of_each_tenant(admin: Client, tenant: Tenant, stranger: Tenant) -> None:
    seen = {one["tenant"] for one in admin.get("/overview").ok()["tenants"]}
    assert {tenant.id, stranger.id} <= seen
    assert [one["tenant"] for one in tenant.get("/overview").ok()["tenants"]] == [tenant.id]
