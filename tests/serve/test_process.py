"""The process: how it begins, ends, comes back and is refused."""

from __future__ import annotations

import json
import socket
import ssl
import stat
from pathlib import Path

import pytest
from redshift_sandbox.tls import CertificateAuthority
from redshift_sandbox.world import Sandbox
from service import Client, Service

pytestmark = pytest.mark.serve


def test_what_it_keeps_is_there_when_it_comes_back(sandbox: Sandbox, tmp_path: Path) -> None:
    with Service(sandbox, tmp_path) as service:
        tenant = service.make_tenant("kept")
        source = tenant.make_source()
        pipeline = tenant.make_pipeline("tpch.region", source=source["id"])
        # What is kept is this user's alone.
        for one in (service.data, service.data / "service.db", service.data / "service.key"):
            assert stat.S_IMODE(one.stat().st_mode) & 0o077 == 0, one
        # One process serves a folder.
        second = service.words("--listen", "127.0.0.1:0", "--json")
        assert second.returncode == 1 and json.loads(second.stdout)["error"]["code"] == "conflict"
        link = service.link
        assert service.stop() == 0
        service.link = ""
        service.start()
        assert service.link == "", "a link is made once"
        assert link.endswith(service.admin.token or "")
        assert tenant.get(f"{tenant.path}/sources/{source['id']}").ok() == source
        assert tenant.run(pipeline["id"])["state"] == "succeeded"


def test_tokens_are_made_at_the_server_while_it_runs(service: Service) -> None:
    tenant = service.make_tenant("of the command line")
    made = service.words("token", "--scope", "tenant", "--tenant", "of the command line", "--days", "1", "--json")
    assert made.returncode == 0, made.stderr
    client = service.client(json.loads(made.stdout)["token"])
    me = client.get("/me").ok()
    assert (me["scope"], me["tenant"]["id"]) == ("tenant", tenant.id) and me["expires_at"]
    assert service.words("token", "--scope", "tenant").returncode == 2
    assert service.words("token", "--scope", "read", "--tenant", "nobody").returncode != 0
    nowhere = Service(service.sandbox, service.folder / "nowhere").words("token")
    assert nowhere.returncode != 0 and "sluice serve" in nowhere.stderr


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["--listen", "nonsense"], "--listen 127.0.0.1:8765"),
        (["--listen", "192.0.2.1:0"], "address of this machine"),
        (["--tls-cert", "/etc/passwd"], "both"),
        (["--tls-cert", "/etc/passwd", "--tls-key", "/etc/passwd"], "PEM"),
        (["--allow-path", "/no/such"], "folder"),
        (["--public-url", "sluice.example.com/path"], "https://"),
        (["--allow-frame", "https://a b"], "https://"),
        (["--ca-bundle", "/no/such"], "PEM"),
    ],
)
def test_wrong_options_are_told_with_their_cure(
    sandbox: Sandbox, tmp_path: Path, words: list[str], remedy: str
) -> None:
    anywhere = [] if words[0] == "--listen" else ["--listen", "127.0.0.1:0"]
    refused = Service(sandbox, tmp_path).words("--json", *words, *anywhere)
    error = json.loads(refused.stdout)["error"]
    assert refused.returncode == 2 and error["code"] == "invalid_config", error
    assert remedy in error["remedy"], error


def test_by_tls_the_cookie_is_bound_to_this_host(sandbox: Sandbox, tmp_path: Path) -> None:
    files = CertificateAuthority(tmp_path / "authority").server("site", ["127.0.0.1", "sluice.example.com"])
    arguments = ["--tls-cert", str(files.cert), "--tls-key", str(files.key), "--vendor", "Acme <&>",
                 "--allow-frame", "https://app.example.com", "--public-url", "https://sluice.example.com"]  # fmt: skip
    tls = ssl.create_default_context(cafile=str(files.ca))
    with Service(sandbox, tmp_path, arguments, tls=tls) as service:
        assert service.link.startswith("https://sluice.example.com/#token=")
        me = service.admin.get("/me", Host="sluice.example.com", Origin="https://sluice.example.com")
        assert me.ok()["vendor"] == "Acme <&>" and me.headers["strict-transport-security"]
        signed_in = service.client(None).call("POST", "/session", {"token": service.admin.token}, X_Sluice_Request="1")
        cookie = signed_in.headers["set-cookie"]
        assert cookie.startswith("__Host-sluice_session=") and "; Secure" in cookie
        assert Client(service, cookie=cookie.split(";")[0]).get("/me", X_Sluice_Request="1").ok()["scope"] == "admin"
        # The form may be embedded where the operator says so; nothing else anywhere.
        form = service.client(None).raw("GET", "/connect").headers["content-security-policy"]
        assert "frame-ancestors https://app.example.com" in form
        page = service.client(None).raw("GET", "/").headers["content-security-policy"]
        assert "frame-ancestors 'none'" in page
        with socket.create_connection(("127.0.0.1", service.port), timeout=60) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert not plain.recv(1000).startswith(b"HTTP")
