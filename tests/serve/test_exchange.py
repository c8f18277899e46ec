"""What a pipeline of the service means to `sluice sync`, and a file of `sluice sync` to the service; and the
service's key, changed while its process dies."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest
from redshift_sandbox.world import Sandbox
from service import PROGRAM, Client, Service, Tenant

pytestmark = pytest.mark.serve


def sluice(service: Service, *arguments: str, code: int = 0) -> Any:
    facts = service.sandbox.facts
    environment = {"PATH": os.environ["PATH"], "HOME": str(service.folder), "AWS_EC2_METADATA_DISABLED": "true",
                   **{n: v for n, v in os.environ.items() if n.endswith("SAN_OPTIONS")}}  # fmt: skip
    rules = [] if arguments[0] != "serve" or arguments[1] == "rotate-key" else [
        "--allow-host", facts.host, "--allow-host", "127.0.0.1", "--allow-endpoint", facts.aws_url,
        "--ca-bundle", str(facts.ca_file)]  # fmt: skip
    ended = subprocess.run([str(PROGRAM), *arguments, *rules, "--json"], env=environment, cwd=service.folder,
                           capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
    assert ended.returncode == code, (ended.stdout, ended.stderr)
    return json.loads(ended.stdout)


def rows(path: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute("SELECT r_regionkey, r_name FROM tpch.region ORDER BY ALL").fetchall()


def test_a_pipeline_goes_out_as_a_file_and_comes_back(service: Service, tenant: Tenant, tmp_path: Path) -> None:
    schedule = {"cron": "30 6 * * *", "time_zone": "Europe/Berlin", "jitter": "5m", "paused": True}
    pipeline = tenant.make_pipeline("tpch.region", name="regions", schedule=schedule)
    assert tenant.run(pipeline["id"])["state"] == "succeeded"
    landed = service.data / "files" / tenant.id / "of-regions.duckdb"
    expected = rows(landed)

    data = ["--data", str(service.data)]
    out = tmp_path / "out"
    files = sluice(service, "serve", "export", *data, "--tenant", tenant.id, "--to", str(out), "--with-secrets")
    name = files["files"][0]
    secret = service.sandbox.facts.card.keys.secret
    assert secret not in (out / name).read_text()
    assert (out / ".env").stat().st_mode & 0o077 == 0

    # The same file means the same to `sluice sync`: it goes on where the service ended.
    landed.unlink()
    done = sluice(service, "sync", "--config", str(out / name), "--env-file", str(out / ".env"))
    assert [one["status"] for one in done["streams"]] == ["done"]
    assert rows(landed) == expected

    # And to the service: nothing is changed by its own export, of its own tenant.
    back = sluice(service, "serve", "import", *data, "--tenant", tenant.id, "--env-file", str(out / ".env"),
                  str(out / name))  # fmt: skip
    assert back["pipelines"] == [pipeline["id"]]
    same = tenant.get(f"{tenant.path}/pipelines/{pipeline['id']}").ok()
    assert {k: v for k, v in same.items() if k != "status"} == {k: v for k, v in pipeline.items() if k != "status"}
    assert len(tenant.items(f"{tenant.path}/sources")) == 1


def test_a_file_that_reaches_into_the_server_is_not_imported(service: Service, tenant: Tenant, tmp_path: Path) -> None:
    pipeline = tenant.make_pipeline("tpch.region", name="regions")
    data = ["--data", str(service.data), "--tenant", tenant.id]
    sluice(service, "serve", "export", *data, "--to", str(tmp_path / "out"), "--with-secrets")
    file = next((tmp_path / "out").glob("*.yaml"))
    text = file.read_text()
    for change in ("on_failure:\n  command: touch here\n", "history:\n  keep: 10d\n"):
        file.write_text(text + change)
        refused = sluice(service, "serve", "import", *data, "--env-file", str(tmp_path / "out/.env"), str(file), code=2)
        assert "has no counterpart" in refused["error"]["message"]
    file.write_text(text.replace(str(service.data / "files" / tenant.id), "/etc"))
    refused = sluice(service, "serve", "import", *data, "--env-file", str(tmp_path / "out/.env"), str(file), code=2)
    assert "--allow-path" in refused["error"]["remedy"]
    fresh = ["--data", str(service.data), "--tenant", "never made"]
    sluice(service, "serve", "import", *fresh, "--env-file", str(tmp_path / "out/.env"), str(file), code=2)
    assert "never made" not in [one["name"] for one in service.admin.items("/tenants")]
    # Nothing of it was kept.
    now = tenant.get(f"{tenant.path}/pipelines/{pipeline['id']}").ok()
    assert now["version"] == pipeline["version"]


def test_the_key_is_changed_while_the_service_runs(service: Service, tenant: Tenant) -> None:
    pipeline = tenant.make_pipeline("tpch.region", name="regions")
    path = f"{tenant.path}/destinations"
    body = {"name": "once", "type": "duckdb", "path": "once.duckdb"}
    made = tenant.post(path, body, Idempotency_Key="once").ok(201)
    before = (service.data / "service.key").read_text()
    rotated = sluice(service, "serve", "rotate-key", "--data", str(service.data))
    assert rotated["values"] > 0
    assert (service.data / "service.key").read_text() != before
    assert tenant.post(path, body, Idempotency_Key="once").ok(201) == made
    assert tenant.run(pipeline["id"])["state"] == "succeeded"
    later = tenant.make_pipeline("tpch.region", name="later")
    # What was sealed before and since opens after a restart, too.
    service.stop()
    service.start()
    assert {tenant.run(one["id"])["state"] for one in (pipeline, later)} == {"succeeded"}
    assert Client(service, service.admin.token).get("/me").ok()["scope"] == "admin"


def test_a_key_of_a_variable_is_changed_beneath_a_stopped_service(sandbox: Sandbox, tmp_path: Path) -> None:
    old, new = "1" * 64, "2" * 64

    def rotate(**variables: str) -> Any:
        command = [PROGRAM, "serve", "rotate-key", "--json", "--data", service.data]
        return json.loads(subprocess.run(command, env=variables, capture_output=True, check=False).stdout)

    with Service(sandbox, tmp_path, variables={"SLUICE_KEY": old}) as service:
        tenant = service.make_tenant("of a variable")
        pipeline = tenant.make_pipeline("tpch.region")
        both = {"SLUICE_KEY": new, "SLUICE_KEY_PREVIOUS": old}
        assert rotate(**both)["error"]["code"] == "conflict"  # it cannot be told of another one
        service.stop()
        assert rotate(**both)["values"] > 0
        service.variables = {"SLUICE_KEY": new}
        service.start()
        assert tenant.run(pipeline["id"])["state"] == "succeeded"
