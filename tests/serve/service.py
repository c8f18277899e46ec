"""`sluice serve` under test: started as a user would, asked over its port, every answer judged by the
OpenAPI document that it serves itself."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import ssl
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redshift_sandbox.world import Sandbox

from contract import Contract

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SLUICE_BUILD", ROOT / "build" / "dev"))
PROGRAM = BUILD / "src" / "cli" / "sluice"
PATIENCE = 120
PREFIX = "/api/v1"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def etag(self) -> str:
        return self.headers["etag"]

    def ok(self, status: int = 200) -> Any:
        """Its JSON, if that is how it went."""
        assert self.status == status, (self.status, self.body[:2000])
        return self.json if self.body else None

    def refused(self, status: int, code: str = "") -> Any:
        assert self.status == status, (self.status, self.body[:2000])
        problem = self.json
        assert problem["remedy"], problem
        if code:
            assert problem["code"] == code, problem
        return problem


@dataclass
class Client:
    """Somebody with a token, or without."""

    service: Service
    token: str | None = None
    cookie: str | None = None

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Of the API. `headers`: If_Match="..." is If-Match."""
        answer = self.raw(method, PREFIX + path, body, **headers)
        self.service.contract.judge(method, path, answer.status, answer.headers, answer.body)
        return answer

    def raw(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if self.cookie is not None:
            sent.setdefault("Cookie", self.cookie)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        connection = self.service.connection()
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            fields = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, fields, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self.call("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, etag: str = "*", **headers: str) -> Answer:
        return self.call("PUT", path, body, If_Match=etag, **headers)

    def delete(self, path: str, **headers: str) -> Answer:
        return self.call("DELETE", path, **headers)

    def items(self, path: str) -> list[Any]:
        """All pages of a list."""
        found: list[Any] = []
        cursor = ""
        while True:
            page = self.get(f"{path}{'&' if '?' in path else '?'}limit=2{cursor}").ok()
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = "&cursor=" + urllib.parse.quote(page["next_cursor"])

    @contextlib.contextmanager
    def stream(self, method: str, path: str, body: Any = None, **headers: str) -> Iterator[Iterator[Event]]:
        """Server-sent events, as they come."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {"Authorization": f"Bearer {self.token}", "Accept": "text/event-stream"}
        if body is not None:
            body = json.dumps(body)
            sent["Content-Type"] = "application/json"
        connection = self.service.connection()
        try:
            connection.request(method, PREFIX + path, body, sent)
            response = connection.getresponse()
            fields = {name.lower(): value for name, value in response.getheaders()}
            self.service.contract.judge(method, path, response.status, fields, b"")
            assert response.status == 200, response.read()
            assert response.headers["Content-Type"] == "text/event-stream"
            yield _events(response)
        finally:
            connection.close()


@dataclass
class Event:
    name: str
    data: Any
    id: str | None = None


def _events(response: http.client.HTTPResponse) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in response:
        text = line.decode().rstrip("\n")
        if text and not text.startswith(":"):
            name, _, value = text.partition(": ")
            fields[name] = value
        elif not text and fields:
            yield Event(fields["event"], json.loads(fields["data"]), fields.get("id"))
            fields = {}


@dataclass
class Service:
    """The process, its folder and what it said."""

    sandbox: Sandbox
    folder: Path
    arguments: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    # Words that its command line begins with: what makes something of its surroundings, then becomes it.
    within: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.data = self.folder / "data"
        self.log = self.folder / "log.txt"
        self.port = 0
        self.link = ""
        self.contract: Contract = Contract({"paths": {}})

    def __enter__(self) -> Service:
        self.start()
        self.admin = Client(self, self.link.split("token=")[1])
        document = self.admin.raw("GET", PREFIX + "/openapi.json").json
        self.contract = Contract(document)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        facts = self.sandbox.facts
        command = [*self.within, str(PROGRAM), "serve", "--json", "--listen", f"127.0.0.1:{self.port}",
                   "--data", str(self.data), "--ca-bundle", str(facts.ca_file),
                   "--allow-host", facts.host, "--allow-host", "127.0.0.1", "--allow-endpoint", facts.aws_url,
                   *self.arguments]  # fmt: skip
        environment = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8",
                       **{n: v for n, v in os.environ.items() if n.endswith("SAN_OPTIONS")},
                       "AWS_EC2_METADATA_DISABLED": "true", **self.variables}  # fmt: skip
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                env=environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self.process.stdout is not None
        text = b""
        while not text.endswith(b"\n}\n"):
            line = self.process.stdout.readline()
            assert line, (text, self.log.read_text())
            text += line
        welcome = json.loads(text)
        assert welcome["exit_code"] == 0, (welcome, self.log.read_text())
        self.port = int(welcome["url"].rsplit(":", 1)[1])
        self.link = welcome["link"] or self.link

    def words(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another `sluice serve WORD` on its data."""
        command = [str(PROGRAM), "serve", *words, "--data", str(self.data)]
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env={"HOME": str(self.folder)})

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def connection(self, timeout: float = PATIENCE) -> http.client.HTTPConnection:
        if self.tls:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=self.tls)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def client(self, token: str | None) -> Client:
        return Client(self, token)

    def make_tenant(self, name: str) -> Tenant:
        made = self.admin.post("/tenants", {"name": name}).ok(201)
        token = self.admin.post("/tokens", {"name": name, "scope": "tenant", "tenant": made["id"]}).ok(201)
        return Tenant(self, token["token"], None, made["id"])

    def source_body(self, name: str = "warehouse") -> dict[str, Any]:
        """What the form asks, of the sandbox."""
        facts = self.sandbox.facts
        return {
            "name": name,
            "workgroup": facts.workgroup,
            "host": facts.host,
            "port": facts.port,
            "database": facts.database,
            "username": facts.keys_db_user,
            "bucket": facts.bucket,
            "bucket_region": facts.region,
            "access_key_id": facts.card.keys.key_id,
            "secret_access_key": facts.card.keys.secret,
            "advanced": {
                "region": facts.region,
                "aws": {"endpoint_url": facts.aws_url},
            },
        }


@dataclass
class Tenant(Client):
    """A customer's own token."""

    id: str = ""

    @property
    def path(self) -> str:
        return f"/tenants/{self.id}"

    def make_source(self, name: str = "warehouse", **changes: Any) -> Any:
        return self.post(f"{self.path}/sources", self.service.source_body(name) | changes).ok(201)

    def make_destination(self, name: str = "files", **changes: Any) -> Any:
        body = {"name": name, "type": "duckdb", "path": f"{name}.duckdb"} | changes
        return self.post(f"{self.path}/destinations", body).ok(201)

    def make_pipeline(self, *tables: str, name: str = "all", **changes: Any) -> Any:
        body = {
            "name": name,
            "source": changes.pop("source", None) or self.make_source(f"of {name}")["id"],
            "destination": changes.pop("destination", None) or self.make_destination(f"of-{name}")["id"],
            "streams": [{"table": table} for table in tables],
        }
        return self.post(f"{self.path}/pipelines", body | changes).ok(201)

    def run(self, pipeline: str, **options: Any) -> Any:
        """Starts a run and waits for its end."""
        run = self.post(f"{self.path}/pipelines/{pipeline}/runs", options).ok(202)
        return self.wait(run["id"])

    def wait(self, run: str) -> Any:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            now = self.get(f"{self.path}/runs/{run}").ok()
            if now["ended_at"] is not None:
                return now
            time.sleep(0.1)
        raise AssertionError(f"{run} did not end: {now}")
