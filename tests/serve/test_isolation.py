"""A tenant sees nothing of another's, and a token does what its scope says and nothing else."""

from __future__ import annotations

import pytest
from service import Client, Service, Tenant

pytestmark = pytest.mark.serve


def _fill(path: str, tenant: Tenant, ids: dict[str, str]) -> str:
    names = {"{tenant}": tenant.id} | {f"{{{kind}}}": one for kind, one in ids.items()}
    for name, value in names.items():
        path = path.replace(name, value)
    return path


@pytest.fixture
def ids(tenant: Tenant) -> dict[str, str]:
    """One of everything, of `tenant`."""
    pipeline = tenant.make_pipeline("tpch.region")
    alert = {
        "name": "hook",
        "kind": "webhook",
        "url": "https://hooks.example.com/",
        "on": ["failed"],
    }
    run = tenant.post(f"{tenant.path}/pipelines/{pipeline['id']}/runs").ok(202)
    tenant.wait(run["id"])
    return {
        "source": pipeline["source"],
        "destination": pipeline["destination"],
        "pipeline": pipeline["id"],
        "alert": tenant.post(f"{tenant.path}/alerts", alert).ok(201)["id"],
        "run": run["id"],
        "token": tenant.items("/tokens")[0]["id"],
    }


def test_nothing_of_another_tenant_is_there(
    service: Service, tenant: Tenant, stranger: Tenant, ids: dict[str, str]
) -> None:
    """By every route, with the other's tenant or its own in the path.

    G70: A token of one tenant sees and changes nothing of another's: the answer is the same as for what does not exist.
    """
    for operation in service.contract.operations():
        method, path = operation.split(" ")
        if "{" not in path:
            continue
        foreign = [_fill(path, tenant, ids)]
        if path.count("{") == 2:
            # Another's thing beneath one's own path.
            foreign.append(_fill(path, stranger, ids))
        for one in foreign:
            answer = stranger.call(method, one, {} if method in {"POST", "PUT"} else None, If_Match="*")
            problem = answer.refused(404, "not_found")
            assert tenant.id not in problem["detail"]
    # All of it is still there.
    for kind in ("source", "destination", "pipeline", "alert", "run"):
        tenant.get(f"{tenant.path}/{kind}s/{ids[kind]}").ok()


def test_lists_hold_ones_own_alone(tenant: Tenant, stranger: Tenant, ids: dict[str, str]) -> None:
    assert [one["id"] for one in stranger.items("/tenants")] == [stranger.id]
    assert {one["tenant"] for one in stranger.items("/tokens")} == {stranger.id}
    assert all(one["tenant"] == stranger.id for one in stranger.items("/audit"))
    for kind in ("sources", "destinations", "pipelines", "alerts", "runs"):
        assert stranger.items(f"{stranger.path}/{kind}") == []


def test_a_pipeline_is_not_made_of_anothers_source(stranger: Tenant, ids: dict[str, str]) -> None:
    body = {
        "name": "thief",
        "source": ids["source"],
        "destination": stranger.make_destination()["id"],
        "streams": [{"table": "tpch.region"}],
    }
    stranger.post(f"{stranger.path}/pipelines", body).refused(404, "not_found")


def test_without_a_token_there_is_nothing(service: Service, tenant: Tenant, ids: dict[str, str]) -> None:
    open_to_all = {"GET /openapi.json", "POST /session", "DELETE /session"}
    for token in (None, "", "slc_" + "a" * 43, "nonsense", "x" * 5000):
        for operation in sorted(set(service.contract.operations()) - open_to_all):
            method, path = operation.split(" ")
            answer = service.client(token).call(method, _fill(path, tenant, ids))
            assert answer.status in {401, 429}, (operation, answer.status)
            if token is not None and token.startswith("slc_"):
                break  # one is enough: what follows is the same check


def test_a_read_token_changes_nothing(service: Service, tenant: Tenant, ids: dict[str, str]) -> None:
    token = tenant.post("/tokens", {"name": "reader", "scope": "read"}).ok(201)
    assert token["tenant"] == tenant.id
    reader = service.client(token["token"])
    before = tenant.items("/audit")
    for operation in service.contract.operations():
        method, path = operation.split(" ")
        if method == "GET" or path == "/session":
            continue
        reader.call(method, _fill(path, tenant, ids), {}, If_Match="*").refused(403, "permission")
    assert tenant.items("/audit") == before
    assert reader.get(f"{tenant.path}/runs/{ids['run']}").ok()["id"] == ids["run"]


def test_a_tenants_token_makes_no_greater_one(tenant: Tenant, stranger: Tenant) -> None:
    tenant.post("/tokens", {"name": "more", "scope": "admin"}).refused(422)
    tenant.post("/tokens", {"name": "theirs", "scope": "read", "tenant": stranger.id}).refused(404)
    tenant.post("/tokens", {"name": "form", "scope": "connect"}).refused(422)
    tenant.post("/tenants", {"name": "another"}).refused(403)
    tenant.put(tenant.path, {"name": "mine", "limits": {"parallel_runs": 64}}).refused(403)
    assert tenant.raw("GET", "/metrics").status == 403


def test_a_token_for_a_time_makes_none_beyond_it(service: Service, admin: Client, tenant: Tenant) -> None:
    short = admin.post("/tokens", {"name": "short", "scope": "tenant", "tenant": tenant.id, "expires_in_days": 1}).ok(
        201
    )
    holder = service.client(short["token"])
    for wish in ({}, {"expires_in_days": 400}):
        made = holder.post("/tokens", {"name": "long", "scope": "tenant"} | wish).ok(201)
        assert made["expires_at"] == short["expires_at"]


@pytest.fixture
def form(service: Service, tenant: Tenant) -> Client:
    made = tenant.post(f"{tenant.path}/connect-tokens", {"name": "form"}).ok(201)
    assert "/connect?token=" in made["url"]
    return service.client(made["token"])


def test_a_connect_token_reaches_the_form_alone(
    form: Client,
    service: Service,
    tenant: Tenant,
    stranger: Tenant,
    ids: dict[str, str],
) -> None:
    assert form.get("/me").ok()["tenant"]["id"] == tenant.id
    made = form.post(f"{tenant.path}/sources", service.source_body("by form")).ok(201)
    assert form.get(f"{tenant.path}/sources/{made['id']}").ok()["name"] == "by form"
    for method, path in [
        ("GET", f"{tenant.path}/sources"),
        ("GET", tenant.path),
        ("GET", "/tenants"),
        ("GET", "/tokens"),
        ("GET", "/audit"),
        ("GET", "/overview"),
        ("DELETE", f"{tenant.path}/sources/{made['id']}"),
        ("POST", f"{tenant.path}/sources/{made['id']}/discover"),
        ("POST", f"{tenant.path}/connect-tokens"),
        ("POST", f"{tenant.path}/pipelines/{ids['pipeline']}/runs"),
    ]:
        form.call(method, path).refused(403, "permission")
    form.post(f"{stranger.path}/sources", service.source_body()).refused(404, "not_found")
    assert form.call("POST", "/session", {"token": form.token}, X_Sluice_Request="1").status in {401, 429}


def test_a_connect_token_leads_a_saved_source_nowhere_else(form: Client, service: Service, tenant: Tenant) -> None:
    made = form.post(f"{tenant.path}/sources", service.source_body("by form"))
    source = made.ok(201)
    path = f"{tenant.path}/sources/{source['id']}"
    secret = {"secret_access_key": service.source_body()["secret_access_key"]}
    for change in (
        {"bucket": "another-bucket"},
        {"host": "other.example.com"},
        {"database": "prod"},
        {"port": 5440},
    ):
        for answer in (
            form.put(path, source | secret | change, made.etag),
            form.post(f"{path}/test", source | secret | change),
        ):
            assert [one["field"] for one in answer.refused(422)["problems"]] == list(change)
    form.put(path, source | {"name": "renamed"}, made.etag).ok()
