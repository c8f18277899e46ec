"""What docs/SERVE.md promises to who operates the service: each command and file of it, run as it stands there."""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import shutil
import signal
import socket
import sqlite3
import ssl
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
from operating import NOBODY, OPERATORS, block, contents, free_port, moved, nginx, operator, rows_of, section, wait_for
from redshift_sandbox import account
from redshift_sandbox.tls import CertificateAuthority
from redshift_sandbox.world import Sandbox
from service import PATIENCE, PROGRAM, ROOT, Client, Service, Tenant

pytestmark = pytest.mark.serve

SITE = "sluice.example.com"
SAMPLE = Path(__file__).parent / "samples" / "service-1.sql"
SAMPLE_KEY = "5a" * 32
SAMPLE_TOKEN = "slc_xt9epIolcAavBkzAJZM0y23bQNu1nz7IpizO82o3EkD"
YEARLY = {"cron": "0 0 1 1 *", "time_zone": "UTC"}


def source(sandbox: Sandbox, sql: str) -> list[tuple[Any, ...]]:
    with sandbox.postgres.admin(account.DATABASE) as connection:
        cursor = connection.execute(sql)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []


def run_words(text: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """A command of the page, by a shell."""
    return subprocess.run(["bash", "-c", text], capture_output=True, text=True, timeout=PATIENCE, **options)


@pytest.fixture
def events(sandbox: Sandbox) -> Iterator[str]:
    source(sandbox, "CREATE TABLE tpch.operated (id bigint PRIMARY KEY, word varchar(20))")
    source(sandbox, "INSERT INTO tpch.operated VALUES (1, 'one'), (2, 'two')")
    source(sandbox, f'GRANT SELECT ON tpch.operated TO "{sandbox.facts.keys_db_user}"')
    yield "tpch.operated"
    source(sandbox, "DROP TABLE tpch.operated")


def test_a_backup_that_is_restored_goes_on_where_it_was(sandbox: Sandbox, tmp_path: Path, events: str) -> None:
    """G83: A backup of the service, restored with its key, goes on where its destinations are; with another key or none
    it is refused, and nothing is written."""
    (tmp_path / "first").mkdir()
    (tmp_path / "second").mkdir()
    copy = tmp_path / "copy.db"
    with Service(sandbox, tmp_path / "first") as service:
        tenant = service.make_tenant("kept")
        stream = {"table": events, "sync_mode": "incremental", "write_mode": "append", "cursor": "id"}
        pipeline = tenant.make_pipeline(streams=[stream], schedule=YEARLY)
        first = tenant.run(pipeline["id"])
        assert (first["state"], first["rows"]) == ("succeeded", 2), first
        saved = run_words(
            moved(block("Backup and restore"), **{
                "sluice serve": f"{PROGRAM} serve", "/var/lib/sluice": service.data,
                "/backup/service-$(date +%F).db": copy,
            })
        )  # fmt: skip
        assert saved.returncode == 0, saved.stderr
        again = service.words("backup", "--to", str(copy), "--json")
        assert again.returncode == 1 and json.loads(again.stdout)["error"]["remedy"]
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert service.source_body()["secret_access_key"].encode() not in copy.read_bytes()
        admin = service.admin.token
    source(sandbox, f"INSERT INTO {events} VALUES (3, 'three')")

    restored = Service(sandbox, tmp_path / "second", ["--key-file", str(tmp_path / "service.key")])
    restored.data.mkdir()
    shutil.copy(copy, restored.data / "service.db")
    shutil.copytree(service.data / "files", restored.data / "files")
    refuse_without_its_key(restored, tmp_path)
    shutil.copy(service.data / "service.key", tmp_path / "service.key")
    with closing(sqlite3.connect(restored.data / "service.db")) as database, database:
        # Its time passed meanwhile, a few times.
        database.execute("UPDATE pipeline SET next = ?", (int((time.time() - 3600) * 1000),))
    restored.link = f"#token={admin}"
    with restored:
        assert restored.link == f"#token={admin}", "a link is made once"
        client = Client(restored, admin)
        path = f"/tenants/{tenant.id}/runs"
        wait_for(lambda: [one["state"] for one in client.items(path)][1:] == ["succeeded"], "the schedule goes on")
        wait_for(lambda: all(one["ended_at"] for one in client.items(path)), "the run ends")
        second, old = client.items(path)
        assert (second["state"], second["trigger"], second["rows"]) == ("succeeded", "schedule", 1), second
        assert {**client.get(f"{path}/{old['id']}").ok()} == first
        status = client.get(f"/tenants/{tenant.id}/pipelines/{pipeline['id']}").ok()["status"]
        assert status["next_run_at"] > second["queued_at"]
    [file] = (restored.data / "files" / tenant.id).rglob("*.duckdb")
    assert [row[:2] for row in rows_of(file, events)] == [(1, "one"), (2, "two"), (3, "three")]


def refuse_without_its_key(restored: Service, folder: Path) -> None:
    """Nothing is written, whatever key it is started with."""
    before = contents(restored.data)
    listen = ["--listen", "127.0.0.1:0", "--json", "--key-file"]
    missing = restored.words(*listen, str(folder / "service.key"))
    error = json.loads(missing.stdout)["error"]
    assert missing.returncode != 0 and error["code"] == "not_found", error
    assert "--key-file" in error["remedy"] and not (folder / "service.key").exists()
    other = folder / "other.key"
    other.write_text(f"sluice-key-1 {SAMPLE_KEY}\n")
    other.chmod(0o600)
    for wrong in ([*listen, str(other)], ["rotate-key", "--json", "--key-file", str(other)]):
        refused = restored.words(*wrong)
        error = json.loads(refused.stdout)["error"]
        assert refused.returncode == 2 and error["code"] == "invalid_config", error
        assert "key that was used so far" in error["remedy"], error
    after = contents(restored.data)
    assert {name: text for name, text in after.items() if name != "service.db"} == {
        name: text for name, text in before.items() if name != "service.db"
    }
    assert dump(restored.data / "service.db") == dump(folder / "copy.db")


def dump(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()
        return [str(version), *connection.iterdump()]


@pytest.fixture
def of_version_1(sandbox: Sandbox, tmp_path: Path) -> Service:
    """A folder as the first version left it."""
    service = Service(sandbox, tmp_path, variables={"SLUICE_KEY": SAMPLE_KEY})
    service.data.mkdir()
    with closing(sqlite3.connect(service.data / "service.db")) as database:
        # What is old is dropped, so it was written today.
        database.executescript(re.sub(r"\b1795\d{9}\b", str(int(time.time() * 1000)), SAMPLE.read_text()))
    return service


def test_what_the_first_version_kept_is_there_after_an_upgrade(of_version_1: Service, tmp_path: Path) -> None:
    before = dump(of_version_1.data / "service.db")
    wrong = subprocess.run(
        [PROGRAM, "serve", "token", "--data", of_version_1.data], env={"SLUICE_KEY": "00" * 32}, capture_output=True
    )
    assert wrong.returncode == 2 and dump(of_version_1.data / "service.db") == before
    of_version_1.link = f"#token={SAMPLE_TOKEN}"
    with of_version_1 as service:
        assert service.link == f"#token={SAMPLE_TOKEN}", "there is a token"
        admin = Client(service, SAMPLE_TOKEN)
        [tenant] = admin.items("/tenants")
        path = f"/tenants/{tenant['id']}"
        [warehouse] = admin.items(f"{path}/sources")
        assert warehouse["secret_access_key_set"] is True and warehouse["host"].endswith(".amazonaws.com")
        [files] = admin.items(f"{path}/destinations")
        [pipeline] = admin.items(f"{path}/pipelines")
        assert (pipeline["source"], pipeline["destination"]) == (warehouse["id"], files["id"])
        assert pipeline["schedule"]["cron"] == "0 0 1 1 *" and pipeline["status"]["next_run_at"]
        assert [(run["state"], run["trigger"]) for run in admin.items(f"{path}/runs")] == [("failed", "manual")]
        [alert] = admin.items(f"{path}/alerts")
        assert alert["kind"] == "webhook"
        assert {"tenant.create", "source.create"} <= {one["action"] for one in admin.items("/audit")}
        # And can be changed, as new ones can be made.
        admin.put(
            f"{path}/sources/{warehouse['id']}", warehouse | {"name": "renamed"}, f'"{warehouse["version"]}"'
        ).ok()
        assert service.make_tenant("new").make_source()
        out = tmp_path / "out"
        words = ["export", "--data", service.data, "--tenant", tenant["id"], "--to", out, "--with-secrets"]
        exported = subprocess.run(
            [PROGRAM, "serve", *words], env={"SLUICE_KEY": SAMPLE_KEY}, capture_output=True, text=True
        )
        assert exported.returncode == 0, exported.stderr
        assert "kept-by-version-1" in (out / ".env").read_text()


def test_a_newer_database_is_refused_by_every_command(of_version_1: Service, tmp_path: Path) -> None:
    file = of_version_1.data / "service.db"
    with closing(sqlite3.connect(file)) as database:
        known = re.search(r"kSchemaVersion = (\d+);", (ROOT / "src/serve/store/schema.h").read_text())
        assert known
        database.execute(f"PRAGMA user_version={int(known[1]) + 1}")
    before = dump(file)
    for words in (["--listen", "127.0.0.1:0"], ["token"], ["rotate-key"], ["backup", "--to", str(tmp_path / "copy.db")],
                  ["export", "--tenant", "a", "--to", str(tmp_path / "out")]):  # fmt: skip
        refused = subprocess.run([PROGRAM, "serve", *words, "--json", "--data", of_version_1.data],
                                 env={"SLUICE_KEY": SAMPLE_KEY}, capture_output=True, text=True)  # fmt: skip
        error = json.loads(refused.stdout)["error"]
        assert refused.returncode == 1 and "newer sluice" in error["message"], (words, error)
        assert "newer sluice" in error["remedy"] and "backup" in error["remedy"]
    assert dump(file) == before and not (tmp_path / "copy.db").exists() and not (tmp_path / "out").exists()


def test_a_renewed_certificate_is_taken_without_a_restart(sandbox: Sandbox, tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path / "authority")
    one, two = (authority.server("one", ["127.0.0.1"]), authority.server("two", ["127.0.0.1"]))
    cert, key = tmp_path / "site.pem", tmp_path / "site.key"
    shutil.copy(one.cert, cert)
    shutil.copy(one.key, key)
    tls = ssl.create_default_context(cafile=str(one.ca))

    def shown() -> str:
        plain = socket.create_connection(("127.0.0.1", service.port), PATIENCE)
        with tls.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
            return ssl.DER_cert_to_PEM_cert(secure.getpeercert(True) or b"")

    def is_of(certificate: Path) -> bool:
        return shown().strip() in certificate.read_text()

    with Service(sandbox, tmp_path, ["--tls-cert", str(cert), "--tls-key", str(key)], tls=tls) as service:
        kept = service.connection()
        kept.request("GET", "/healthz")
        assert kept.getresponse().read() and is_of(one.cert)
        shutil.copy(two.cert, cert)
        shutil.copy(two.key, key)
        wait_for(lambda: is_of(two.cert), "the new certificate")
        kept.request("GET", "/healthz")  # what is open stays
        assert kept.getresponse().read()
        kept.close()
        for broken in ("no certificate\n", one.cert.read_text()):  # and one of another key
            told = service.log.read_text().count("cannot be used")
            cert.write_text(broken)
            wait_for(lambda told=told: service.log.read_text().count("cannot be used") > told, "the log tells")
            assert is_of(two.cert)
        assert str(cert) in service.log.read_text()
        shutil.copy(one.cert, cert)
        shutil.copy(one.key, key)
        wait_for(lambda: is_of(one.cert), "put right")


def test_the_proxy_of_the_page_hands_on_events_as_they_happen(sandbox: Sandbox, tmp_path: Path) -> None:
    files = CertificateAuthority(tmp_path / "authority").server("site", [SITE])
    port = free_port()
    with Service(sandbox, tmp_path, ["--public-url", f"https://{SITE}"]) as service:
        server = moved(block("Behind a reverse proxy", "nginx"), **{
            "listen 443": f"listen 127.0.0.1:{port}", "127.0.0.1:8765": f"127.0.0.1:{service.port}",
            "/etc/ssl/sluice.pem": files.cert, "/etc/ssl/sluice.key": files.key,
        })  # fmt: skip
        tenant = service.make_tenant("behind a proxy")
        pipeline = tenant.make_pipeline("tpch.region")
        with nginx(tmp_path, server):
            wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, "the proxy listens")
            proxied = through(service, files.ca, port)
            seen = tenant_of(proxied, tenant)
            page = seen.raw("GET", "/")
            assert page.status == 200
            [bundle] = set(re.findall(rb'src="(/[^"]+\.js)"', gzip.decompress(page.body)))
            assert seen.raw("GET", bundle.decode()).status == 200
            signed = Client(proxied, None).call("POST", "/session", {"token": tenant.token}, X_Sluice_Request="1",
                                                Origin=f"https://{SITE}")  # fmt: skip
            assert signed.status in (200, 204), signed.body
            assert seen.raw("GET", "/", Host="elsewhere.example.com").status == 421
            sandbox.faults.set("unload.slow_per_file", args={"seconds": 4})
            sandbox.faults.set("unload.cache", args={"enabled": False})
            try:
                run = seen.post(f"{tenant.path}/pipelines/{pipeline['id']}/runs").ok(202)
                with seen.stream("GET", f"{tenant.path}/runs/{run['id']}/events") as told:
                    assert any(one.data.get("phase") == "unload" for one in told)
                    # It came before the end, past the proxy's buffers.
                    assert tenant.get(f"{tenant.path}/runs/{run['id']}").ok()["state"] == "running"
                    sandbox.faults.clear()
                    assert list(told)[-1].name == "end"
            finally:
                sandbox.faults.clear()
            body = json.dumps({"name": "n" * 900_000}).encode()
            assert seen.raw("POST", f"/api/v1{tenant.path}/alerts", body).status == 422


class Proxied(Service):
    """The same service by its public address."""

    proxy_port = 0

    def connection(self, timeout: float = PATIENCE) -> HTTPSConnection:
        connection = HTTPSConnection(SITE, self.proxy_port, timeout=timeout, context=self.tls)
        connection._create_connection = lambda address, *rest: socket.create_connection(  # type: ignore[attr-defined]
            ("127.0.0.1", address[1]), timeout
        )
        return connection


def through(service: Service, authority: Path, port: int) -> Proxied:
    proxied = Proxied(service.sandbox, service.folder, tls=ssl.create_default_context(cafile=str(authority)))
    proxied.contract, proxied.proxy_port = service.contract, port
    return proxied


def tenant_of(service: Service, tenant: Tenant) -> Tenant:
    return Tenant(service, tenant.token, None, tenant.id)


def test_the_unit_of_the_page_is_right_and_lets_the_service_do_little(tmp_path: Path) -> None:
    unit = block("As a systemd unit", "ini")
    root = tmp_path / "root"
    (root / "etc" / "systemd").mkdir(parents=True)
    (root / "usr" / "bin").mkdir(parents=True)
    (root / "lib").symlink_to(OPERATORS / "lib")
    program = root / "usr" / "bin" / "sluice"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (root / "etc" / "systemd" / "system").mkdir()
    file = root / "etc" / "systemd" / "system" / "sluice.service"
    file.write_text(unit)
    verified = operator("usr/bin/systemd-analyze", "verify", "--man=no", f"--root={root}", file.name)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, ""), verified
    # Its figure: 0 is safe, 100 is not. What remains is mostly that it needs the network.
    judged = operator("usr/bin/systemd-analyze", "security", "--offline=true", "--threshold=35", "--no-pager", file)
    assert judged.returncode == 0, judged.stdout[-300:]


class UnitService(Service):
    """Started as systemd starts the unit: its words, its user, its folders, SIGTERM to its own process alone."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.folder.chmod(0o755)
        self.data = self.folder / "var" / "lib" / "sluice"
        self.etc = self.folder / "etc" / "sluice"
        unit = block("As a systemd unit", "ini")
        # As an operator puts it into /etc/default/sluice.
        options = re.search(r'^# SLUICE_SERVE_OPTIONS="(.*)"$', unit, re.MULTILINE)[1]  # type: ignore[index]
        command = re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)[1]  # type: ignore[index]
        self.command = shlex.split(moved(command, **self.places() | {"$SLUICE_SERVE_OPTIONS": options}))
        assert re.search(r"^KillMode=process$", unit, re.MULTILINE) and "\nUMask=0077\n" in unit
        root = os.geteuid() == 0
        user = str(NOBODY if root else os.geteuid())
        self.as_user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs",
                        "--bounding-set=-all", "--inh-caps=-all"] if root else []  # fmt: skip
        self.data.parent.mkdir(parents=True)
        self.etc.parent.mkdir()
        prepare = block("As a systemd unit").splitlines()[1]
        groups = str(NOBODY if root else os.getegid())
        made = run_words(moved(prepare, **{"/etc/sluice": self.etc, "-o sluice -g sluice": f"-o {user} -g {groups}"}))
        assert made.returncode == 0, made.stderr
        self.data.mkdir(mode=int(re.search(r"^StateDirectoryMode=0(\d+)$", unit, re.MULTILINE)[1], 8))  # type: ignore[index]
        shutil.chown(self.data, int(user), int(groups))
        self.authorities = self.folder / "ca.pem"
        shutil.copy(self.sandbox.facts.ca_file, self.authorities)

    def places(self) -> dict[str, object]:
        return {"/usr/bin/sluice": PROGRAM, "/var/lib/sluice": self.data, "/etc/sluice": self.etc}

    def start(self) -> None:
        facts = self.sandbox.facts
        listen = f"127.0.0.1:{self.port}"
        self.process = subprocess.Popen(
            [*self.as_user, *self.command, "--listen", listen, "--ca-bundle", str(self.authorities),
             "--allow-host", facts.host, "--allow-host", "127.0.0.1", "--allow-endpoint", facts.aws_url],
            env={"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true"}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=self.log.open("ab"), cwd="/", umask=0o077, text=True)  # fmt: skip
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        assert first.startswith("Sluice serves "), (first, self.log.read_text())
        self.port = int(first.rsplit(":", 1)[1])
        if not self.link:
            self.process.stdout.readline()
            self.link = self.process.stdout.readline().strip()

    def words(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"]}
        return subprocess.run(
            [*self.as_user, *words], capture_output=True, text=True, timeout=PATIENCE, env=environment
        )


@pytest.fixture
def unit(sandbox: Sandbox) -> Iterator[UnitService]:
    """In a folder that another user may go into."""
    with tempfile.TemporaryDirectory() as folder, UnitService(sandbox, Path(folder)) as running:
        yield running


def test_the_unit_runs_as_its_user_and_a_restart_keeps_what_runs(unit: UnitService, sandbox: Sandbox) -> None:
    assert unit.link.startswith(f"https://{SITE}/#token=")
    for place in (unit.data, unit.data / "service.db", unit.data / "runs", unit.etc, unit.etc / "service.key"):
        assert stat.S_IMODE(place.stat().st_mode) & 0o077 == 0, place
    assert not (unit.data / "service.key").exists()
    unit.etc.chmod(0o500)  # the key was made
    token = re.search(r"`sudo -u sluice (sluice serve token .*?)`", section("As a systemd unit"), re.DOTALL)
    assert token
    places = {"sluice serve": f"{PROGRAM} serve", "/var/lib/sluice": unit.data, "/etc/sluice": unit.etc}
    made = unit.words(*shlex.split(moved(token[1], **places)))
    assert Client(unit, made.stdout.strip()).get("/me").ok()["scope"] == "admin", made.stderr
    tenant = unit.make_tenant("of the unit")
    pipeline = tenant.make_pipeline("tpch.region")
    sandbox.faults.set("unload.slow_per_file", args={"seconds": 3})
    sandbox.faults.set("unload.cache", args={"enabled": False})
    try:
        run = tenant.post(f"{tenant.path}/pipelines/{pipeline['id']}/runs").ok(202)
        with tenant.stream("GET", f"{tenant.path}/runs/{run['id']}/events") as told:
            assert any(one.data.get("phase") == "unload" for one in told)
        assert unit.stop() == 0  # systemctl restart
        unit.start()
    finally:
        sandbox.faults.clear()
    assert tenant.wait(run["id"])["state"] == "succeeded"
    # It was not ended and done again.
    assert [one["id"] for one in tenant.items(f"{tenant.path}/runs")] == [run["id"]]
    # What root changes stays the service's, which goes on with it.
    unit.etc.chmod(0o700)
    owner = (unit.etc / "service.key").stat().st_uid
    words = ["rotate-key", "--data", str(unit.data), "--key-file", str(unit.etc / "service.key")]
    assert subprocess.run([PROGRAM, "serve", *words], env={}, capture_output=True).returncode == 0
    assert {one.stat().st_uid for one in (unit.etc / "service.key", unit.data / "key.lock")} == {owner}
    assert tenant.make_source("sealed with it") and tenant.run(pipeline["id"])["state"] == "succeeded"


def test_the_container_has_what_the_program_needs(tmp_path: Path) -> None:
    recipe = block("In a container", "dockerfile")
    packages = set(re.search(r"--no-install-recommends (.*?) && rm", recipe.replace("\\\n", " "))[1].split())  # type: ignore[index]
    listed = subprocess.run(["objdump", "-p", PROGRAM], capture_output=True, text=True, check=True).stdout
    needed = {package_of(library) for library in re.findall(r"NEEDED\s+(\S+)", listed)}
    # Every image of Debian has these: its own programs need them.
    assert needed - {"libc6", "libgcc-s1", "libstdc++6"} <= packages, (needed, packages)
    assert {"ca-certificates", "tzdata"} <= packages
    assert packages - needed == {"ca-certificates", "tzdata"}, "what is not needed"
    # A volume belongs to who its folder in the image belongs to.
    assert (
        recipe.index("install -d -o sluice -m 0700 /data") < recipe.index("USER sluice") < recipe.index("VOLUME /data")
    )
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    words = json.loads(
        moved(re.search(r"^ENTRYPOINT (.*)$", recipe, re.MULTILINE)[1], **{"/data": data, ":8765": ":0"})
    )  # type: ignore[index]
    key = run_words(re.search(r"`(openssl rand .*?)`", section("In a container"))[1]).stdout.strip()  # type: ignore[index]
    running = subprocess.Popen([PROGRAM, *words[1:]], env={"SLUICE_KEY": key}, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        port = int(running.stdout.readline().rsplit(":", 1)[1])
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        connection.request("GET", "/readyz", headers={"Host": "172.17.0.2:8765"})
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        connection.close()
        assert not (data / "service.key").exists() and (data / "service.db").exists()
    finally:
        running.send_signal(signal.SIGTERM)
        assert running.wait(PATIENCE) == 0


def package_of(library: str) -> str:
    """Debian's, of a library that the loader finds."""
    cache = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    path = Path(re.search(rf"^\s{re.escape(library)} .*=> (\S+)$", cache, re.MULTILINE)[1])  # type: ignore[index]
    names = {str(path), str(path.resolve()), str(path).removeprefix("/usr"), str(path.resolve()).removeprefix("/usr")}
    found = subprocess.run(["dpkg", "-S", *names], capture_output=True, text=True).stdout
    assert found, (library, names)
    return found.split(":")[0]
