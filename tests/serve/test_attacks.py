"""What somebody sends who wants more than the service gives: each with its answer."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from service import PREFIX, Client, Service, Tenant

pytestmark = pytest.mark.serve


@contextlib.contextmanager
def _socket(service: Service) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", service.port), timeout=60) as connection:
        yield connection


def _exchange(service: Service, request: bytes) -> bytes:
    with _socket(service) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


def _session(service: Service, token: str) -> str:
    answer = service.client(None).call("POST", "/session", {"token": token}, X_Sluice_Request="1")
    answer.ok()
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie
    assert token not in cookie
    return cookie.split(";")[0]


def test_a_name_that_was_made_to_point_here_is_refused(service: Service, admin: Client) -> None:
    for host in (
        "evil.example.com",
        "evil.example.com:8765",
        "127.0.0.1.evil.example.com",
        "",
        "localhost.evil",
        "[::2]",
    ):
        answer = admin.call("GET", "/me", Host=host)
        answer.refused(421)
        assert service.client(None).raw("GET", "/", Host=host).status == 421
    two = "GET /api/v1/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil\r\nConnection: close\r\n\r\n"
    assert _exchange(service, two.encode()).startswith(b"HTTP/1.1 421 ")
    assert admin.get("/me", Host=f"localhost:{service.port}").status == 200


def test_a_page_of_another_site_is_refused(service: Service, admin: Client) -> None:
    for origin in (
        "https://evil.example.com",
        "null",
        "http://127.0.0.1",
        f"https://127.0.0.1:{service.port}",
    ):
        admin.get("/me", Origin=origin).refused(403)
    admin.get("/me", Sec_Fetch_Site="cross-site").refused(403)
    admin.get("/me", Sec_Fetch_Site="same-site").refused(403)
    admin.get("/me", Origin=f"http://127.0.0.1:{service.port}", Sec_Fetch_Site="same-origin").ok()
    # Nothing says that another page may read an answer.
    assert not [name for name in admin.get("/me").headers if name.startswith("access-control")]
    admin.call("OPTIONS", "/me").refused(405)


def test_a_cookie_alone_does_nothing(service: Service, tenant: Tenant) -> None:
    page = Client(service, cookie=_session(service, tenant.token or ""))
    page.get("/me").refused(403)
    page.post(f"{tenant.path}/destinations", {"name": "forged", "type": "duckdb", "path": "a"}).refused(403)
    assert page.get("/me", X_Sluice_Request="1").ok()["tenant"]["id"] == tenant.id
    service.client(None).call("POST", "/session", {"token": tenant.token}).refused(403)
    # A form of another site can send these, and no JSON.
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ):
        page.post(
            f"{tenant.path}/destinations",
            b"{}",
            X_Sluice_Request="1",
            Content_Type=kind,
        ).refused(415)
    page.delete("/session", X_Sluice_Request="1").ok(204)
    page.get("/me", X_Sluice_Request="1").refused(401)


def test_a_session_ends_with_its_token(service: Service, tenant: Tenant) -> None:
    token = tenant.post("/tokens", {"name": "page", "scope": "tenant"}).ok(201)
    page = Client(service, cookie=_session(service, token["token"]))
    page.get("/me", X_Sluice_Request="1").ok()
    tenant.delete(f"/tokens/{token['id']}").ok(204)
    page.get("/me", X_Sluice_Request="1").refused(401, "authentication")


def test_paths_lead_nowhere_else(service: Service, admin: Client) -> None:
    secret = (service.data / "service.key").read_text().strip().encode()
    for path in (
        "/../../service.key", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "/assets/../../service.key",
        "/assets/..%5c..%5cservice.key", "//etc/passwd", "/api/v1/../../service.key",
        "/api/v1/tenants/../../service.key", "/api/v1/tenants/%2e%2e", "/api/v1/tenants/%00", "/service.db",
        "/api/v10/me", "/api/v1//me",
    ):  # fmt: skip
        answer = admin.raw("GET", path)
        assert answer.status == 404, (path, answer.status)
        assert secret not in answer.body and b"root:" not in answer.body


def test_long_and_strange_names_are_refused(tenant: Tenant) -> None:
    path = f"{tenant.path}/destinations"
    body = {"type": "duckdb", "path": "a.duckdb"}
    for name in (
        "",
        " ",
        "a" * 201,
        "a\nb",
        "a\x00b",
        "\x1b[2J",
        7,
        None,
        ["a"],
        {"a": "b"},
    ):
        tenant.post(path, body | {"name": name}).refused(422)
    tenant.post(path, body | {"name": "a" * 900_000}).refused(422)
    tenant.post(path, body | {"name": "a" * 2_000_000}).refused(413)
    tenant.get("/me", X_Long="a" * 20_000).refused(431)
    assert tenant.items(path) == []


def test_bodies_that_are_no_json_are_refused(tenant: Tenant) -> None:
    path = f"{tenant.path}/destinations"
    for body in (
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"{} {}",
        b'{"name": "a", "name": "b"}',
        b"\xff",
        b"{/* */}",
        b"[" * 100_000,
    ):
        tenant.post(path, body).refused(400)


def test_a_script_in_a_name_stays_a_text(tenant: Tenant) -> None:
    name = "<script>alert(1)</script>\"'--><img src=x onerror=alert(1)>"
    answer = tenant.post(
        f"{tenant.path}/destinations",
        {"name": name, "type": "duckdb", "path": "a.duckdb"},
    )
    assert answer.ok(201)["name"] == name
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_sql_in_a_field_is_a_value(tenant: Tenant) -> None:
    text = "'; DROP TABLE runs; --"
    tenant.get(f"{tenant.path}/runs?pipeline=%27%3B%20DROP%20TABLE%20runs%3B%20--").refused(404)
    tenant.get(f"{tenant.path}/sources/%27%20OR%201%3D1%20--").refused(404)
    tenant.get(f"{tenant.path}/runs?cursor=%27%20OR%201%3D1%20--").refused(422)
    assert (
        tenant.post(f"{tenant.path}/destinations", {"name": text, "type": "duckdb", "path": "a"}).ok(201)["name"]
        == text
    )
    assert tenant.items(f"{tenant.path}/runs") == []


REACHES = {
    "file": {"bucket": "${file:/etc/passwd}"},
    "variable": {"database": "${AWS_SECRET_ACCESS_KEY}"},
    "variable in a key": {"advanced": {"external_id": "${SLUICE_KEY:-x}"}},
    "profile": {"profile": "default"},
    "process": {"credential_process": "id"},
    "token file": {"advanced": {"web_identity_token_file": "/etc/passwd"}},
    "root certificate": {"sslrootcert": "/etc/passwd"},
    "metadata": {"host": "169.254.169.254"},
    "metadata as a number": {"host": "2852039166"},
    "inside": {"host": "10.0.0.1"},
    "endpoint": {"advanced": {"aws": {"endpoint_url": "http://169.254.169.254/"}}},
    "machine's own keys": {
        "access_key_id": None,
        "secret_access_key": None,
        "source": "default_chain",
    },
}


@pytest.mark.parametrize("name", REACHES)
def test_a_source_reaches_nothing_of_the_server(tenant: Tenant, service: Service, name: str) -> None:
    """Saved or tested.

    G71: Nothing that a tenant sends makes the service read its own files or environment, or reach an address or use an
    identity that the operator did not allow.
    """
    body = service.source_body() | REACHES[name]
    path = f"{tenant.path}/sources"
    for answer in (tenant.post(path, body), tenant.post(f"{path}/test", body)):
        problem = answer.refused(422, "invalid_config")
        assert "root:" not in json.dumps(problem)
    assert tenant.items(path) == []


DESTINATIONS = {
    "absolute": {"path": "/etc/sluice.duckdb"},
    "above": {"path": "../../service.db"},
    "above within": {"path": "a/../../b"},
    "variable": {"path": "${HOME}/a"},
    "socket": {
        "type": "postgres",
        "path": None,
        "host": "/var/run/postgresql",
        "database": "a",
        "user": "a",
    },
    "inside": {
        "type": "postgres",
        "path": None,
        "host": "192.168.0.1",
        "database": "a",
        "user": "a",
    },
    "endpoint": {
        "type": "lake",
        "path": "s3://a/b",
        "endpoint_url": "http://169.254.169.254",
    },
}


@pytest.mark.parametrize("name", DESTINATIONS)
def test_a_destination_reaches_nothing_of_the_server(tenant: Tenant, name: str) -> None:
    body = {"name": "a", "type": "duckdb", "path": "a.duckdb"} | DESTINATIONS[name]
    tenant.post(f"{tenant.path}/destinations", body).refused(422, "invalid_config")


STREAMS = {
    "second statement": {"name": "a", "sql": "SELECT 1; DROP TABLE tpch.region"},
    "file": {"name": "a", "sql": "SELECT '${file:/etc/passwd}'"},
    "condition that ends": {"table": "tpch.region", "where": "1=1) TO 's3://x' --"},
    "schedule of its own": {"table": "tpch.region", "schedule": "* * * * *"},
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_does_nothing_but_read(tenant: Tenant, name: str) -> None:
    body = {
        "name": "a",
        "source": tenant.make_source()["id"],
        "destination": tenant.make_destination()["id"],
        "streams": [STREAMS[name]],
    }
    tenant.post(f"{tenant.path}/pipelines", body).refused(422, "invalid_config")
    tenant.post(f"{tenant.path}/pipelines", body | {"on_failure": {"command": "id"}}).refused(422)


def test_wrong_tokens_are_bounded_and_right_ones_go_on(service: Service, admin: Client) -> None:
    statuses = [service.client(f"slc_{i:043}").get("/me").status for i in range(15)]
    assert set(statuses) <= {401, 429} and statuses[-1] == 429
    admin.get("/me").ok()


def test_slow_and_silent_clients_cost_nobody_else(service: Service, admin: Client) -> None:
    """More connections than are served at once, each with half a request or none."""
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(_socket(service)) for _ in range(700)]
        for i, one in enumerate(slow):
            with contextlib.suppress(OSError):
                one.sendall(
                    b""
                    if i % 2
                    else b"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{"
                )
        began = time.monotonic()
        admin.get("/me").ok()
        assert service.client(None).raw("GET", "/healthz").status == 200
        assert time.monotonic() - began < 10


def _memory_mb(service: Service) -> int:
    pages = int(Path(f"/proc/{service.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") >> 20


def _is_open(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def test_ten_thousand_connections_cost_nobody_else(service: Service) -> None:
    """Each keeps still. As many as this process may have open: `ulimit -Hn`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    before, seconds = _memory_mb(service), []
    with contextlib.ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        silent = []
        for number in range(min(10_000, hard - 500)):
            silent.append(stack.enter_context(_socket(service)))
            silent[-1].setblocking(False)
            if number % 500 == 0:
                began = time.monotonic()
                assert service.client(None).raw("GET", "/healthz").status == 200
                seconds.append(time.monotonic() - began)
        # The oldest made room, and what they held was given back.
        still = [number for number, one in enumerate(silent) if _is_open(one)]
        assert len(still) <= 512 and still[-1] == len(silent) - 1, (len(still), len(silent))
        assert len(list(Path(f"/proc/{service.process.pid}/fd").iterdir())) < 700
        assert _memory_mb(service) - before < 48, before
        service.admin.get("/me").ok()
    assert max(seconds) < 5, seconds


def test_readers_without_end_are_bounded(service: Service, tenant: Tenant) -> None:
    service.sandbox.faults.set("unload.slow_per_file", args={"seconds": 20})
    service.sandbox.faults.set("unload.cache", args={"enabled": False})
    try:
        run = tenant.post(f"{tenant.path}/pipelines/{tenant.make_pipeline('tpch.region')['id']}/runs").ok(202)
        path = f"{tenant.path}/runs/{run['id']}"
        request = (
            f"GET {PREFIX}{path}/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {tenant.token}\r\n\r\n"
        ).encode()
        with contextlib.ExitStack() as readers:
            statuses = []
            for _ in range(150):
                connection = readers.enter_context(_socket(service))
                connection.sendall(request)
                statuses.append(connection.recv(12))
            assert statuses.count(b"HTTP/1.1 200") == 128, statuses
            assert statuses.count(b"HTTP/1.1 503") == 22, statuses
            # Whoever asks for anything else is answered all the same.
            assert tenant.get(path).ok()["ended_at"] is None
        tenant.post(f"{path}/stop").ok(202)
        tenant.wait(run["id"])
    finally:
        service.sandbox.faults.clear()
    # Of a run that is over the stream is, too: the server closes it. And there is room again.
    answer = _exchange(service, request)
    assert b"event: end" in answer and answer.endswith(b"0\r\n\r\n")


def test_requests_that_two_readers_would_cut_differently_are_refused(
    service: Service,
) -> None:
    for head in (
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Content-Length: 4\r\nContent-Length: 5",
        "Transfer-Encoding: gzip, chunked, x",
    ):
        request = f"POST {PREFIX}/session HTTP/1.1\r\nHost: 127.0.0.1\r\n{head}\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n"
        answer = _exchange(service, request.encode())
        assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1 4") == 1, answer


def test_bytes_that_are_no_http_are_answered_and_closed(service: Service) -> None:
    for noise in (
        b"\x16\x03\x01\x02\x00\x01",
        b"GET\r\n\r\n",
        b"\x00" * 1000,
        b"A" * 20_000,
        b"GET / HTTP/9.9\r\n\r\n",
    ):
        with _socket(service) as connection:
            connection.sendall(noise)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(100)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 4") or answer.startswith(b"HTTP/1.1 5"), answer
