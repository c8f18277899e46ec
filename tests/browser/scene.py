"""What most tests need to be there: one tenant, source, destination and pipeline, made by the API, and a run."""

from __future__ import annotations

import time
from dataclasses import dataclass

from service import Service


@dataclass(frozen=True)
class Scene:
    tenant: str
    source: str
    pipeline: str
    run: str
    # Of a bucket that is not there.
    failed: str

    @property
    def views(self) -> dict[str, str]:
        """By what their screenshots are called: where each is."""
        return {
            "overview": "/#/",
            "connect": "/#/connect",
            "change": f"/#/connect/{self.source}",
            "sources": "/#/sources",
            "tables": f"/#/sources/{self.source}/tables",
            "pipelines": "/#/pipelines",
            "pipeline": f"/#/pipelines/{self.pipeline}",
            "runs": "/#/runs",
            "run": f"/#/runs/{self.run}",
            "run-failed": f"/#/runs/{self.failed}",
            "alerts": "/#/alerts",
            "tokens": "/#/tokens",
            "audit": "/#/audit",
            "more": "/#/more",
        }


def finish(service: Service, tenant: str, pipeline: str) -> str:
    run = service.call("POST", f"/tenants/{tenant}/pipelines/{pipeline}/runs", {})["id"]
    end = time.monotonic() + 60
    while service.call("GET", f"/tenants/{tenant}/runs/{run}")["state"] in ("queued", "running"):
        assert time.monotonic() < end, "the run does not end"
        time.sleep(0.2)
    return str(run)


def make_scene(service: Service) -> Scene:
    facts = service.sandbox.facts
    tenant = service.call("POST", "/tenants", {"name": "Acme"})["id"]
    at = f"/tenants/{tenant}"
    details = {
        "name": "analytics", "workgroup": facts.workgroup, "host": facts.host, "port": facts.port,
        "database": facts.database, "username": facts.role_db_user, "bucket": facts.bucket,
        "bucket_region": facts.region, "role_arn": facts.role_arn,
        "advanced": {"external_id": facts.card.external_id},
    }  # fmt: skip
    source = service.call("POST", f"{at}/sources", details)["id"]
    broken = service.call("POST", f"{at}/sources", {**details, "name": "broken", "bucket": "gone-for-good"})["id"]
    file = {"name": "warehouse", "type": "duckdb", "path": "w.duckdb"}
    destination = service.call("POST", f"{at}/destinations", file)["id"]

    def pipeline(name: str, source: str, tables: tuple[str, ...]) -> str:
        body = {"name": name, "source": source, "destination": destination,
                "streams": [{"table": table} for table in tables]}  # fmt: skip
        return str(service.call("POST", f"{at}/pipelines", body)["id"])

    tables = tuple(f"{one.schema}.{one.table}" for one in facts.tables if one.table in ("region", "nation"))
    works = pipeline("Nations", source, tables)
    fails = pipeline("Broken", broken, tables[:1])
    alert = {"name": "On call", "kind": "webhook", "url": "https://hooks.example.com/sluice", "on": ["late"]}
    service.call("POST", f"{at}/alerts", alert)
    return Scene(tenant, source, works, finish(service, tenant, works), finish(service, tenant, fails))
