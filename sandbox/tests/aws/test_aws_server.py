"""The server of the services, the control interface, the log, the clock, certificates."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest
from aws_harness import ACCOUNT, ALLOW_ALL, Keys, Sandbox, code_of, trust
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.client import BaseClient
from botocore.credentials import Credentials

from redshift_sandbox.aws.checksums import encoded, new_checksum
from redshift_sandbox.aws.service import AwsServices
from redshift_sandbox.clock import SandboxClock
from redshift_sandbox.contracts import ControlRequest
from redshift_sandbox.faults import FaultRegistry
from redshift_sandbox.request_log import RequestLog, redact_text
from redshift_sandbox.tls import CertificateAuthority


def _connect(sandbox: Sandbox) -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cafile=sandbox.services.ca_file)
    return http.client.HTTPSConnection("127.0.0.1", sandbox.port, context=context, timeout=30)


def _signed_put(sandbox: Sandbox, key: str, headers: dict[str, str], body: bytes = b"") -> dict[str, str]:
    host = f"127.0.0.1:{sandbox.port}"
    request = AWSRequest("PUT", f"https://{host}/acme/{key}", {**headers, "Host": host}, body)
    S3SigV4Auth(Credentials(sandbox.admin.id, sandbox.admin.secret), "s3", "us-east-1").add_auth(request)
    return dict(request.headers.items())


def test_keep_alive_serves_many_requests_on_one_connection(sandbox: Sandbox) -> None:
    connection = _connect(sandbox)
    for body in (b"a", b"b" * 100_000, b""):
        connection.request("PUT", "/acme/k", body, _signed_put(sandbox, "k", {}, body))
        response = connection.getresponse()
        response.read()
        assert response.status == 200
        port = connection.sock.getsockname()[1]
    assert connection.sock.getsockname()[1] == port
    connection.close()


def test_refused_upload_leaves_the_connection_usable(sandbox: Sandbox) -> None:
    connection = _connect(sandbox)
    headers = _signed_put(sandbox, "k", {}, b"x" * 3_000_000)
    headers["Authorization"] = headers["Authorization"][:-1] + ("1" if headers["Authorization"].endswith("0") else "0")
    headers["X-Amz-Date"] = headers["X-Amz-Date"][:-2] + "0Z"
    connection.request("PUT", "/acme/k", b"x" * 3_000_000, headers)
    response = connection.getresponse()
    assert response.status == 403
    response.read()
    connection.request("PUT", "/acme/k", b"y", _signed_put(sandbox, "k", {}, b"y"))
    assert connection.getresponse().status == 200
    connection.close()


def test_expect_continue_is_answered_before_the_body_and_not_before_a_refusal(sandbox: Sandbox) -> None:
    context = ssl.create_default_context(cafile=sandbox.services.ca_file)

    def ask(secret_ok: bool) -> tuple[bytes, ssl.SSLSocket]:
        raw = socket.create_connection(("127.0.0.1", sandbox.port), timeout=30)
        tls = context.wrap_socket(raw, server_hostname="127.0.0.1")
        headers = _signed_put(sandbox, "k", {"Content-Length": "5", "Expect": "100-continue"}, b"wheat")
        if not secret_ok:
            headers["Authorization"] = headers["Authorization"][:-6] + "000000"
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        tls.sendall(f"PUT /acme/k HTTP/1.1\r\n{lines}\r\n".encode())
        return tls.recv(4096), tls

    first, tls = ask(True)
    assert first.startswith(b"HTTP/1.1 100 ")
    tls.sendall(b"wheat")
    assert tls.recv(4096).startswith(b"HTTP/1.1 200 ")
    tls.close()
    first, tls = ask(False)
    assert first.startswith(b"HTTP/1.1 403 ")
    assert b"Connection: close" in first
    tls.close()


def test_transfer_encoding_chunked(sandbox: Sandbox, s3: BaseClient) -> None:
    body = b"wheat" * 30_000
    headers = _signed_put(sandbox, "k", {}, body)
    headers.pop("Content-Length", None)
    connection = _connect(sandbox)
    pieces = (body[n : n + 7000] for n in range(0, len(body), 7000))
    connection.request("PUT", "/acme/k", pieces, headers, encode_chunked=True)
    assert connection.getresponse().status == 200
    connection.close()
    assert s3.get_object(Bucket="acme", Key="k")["Body"].read() == body


class _ChunkSigningClient:
    """Signs aws-chunked bodies as the AWS SDKs for Java and Go do; botocore itself does not."""

    def __init__(self, sandbox: Sandbox, body: bytes, trailer: str | None) -> None:
        mode = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" + ("-TRAILER" if trailer else "")
        host = f"127.0.0.1:{sandbox.port}"
        fields = {"Host": host, "x-amz-content-sha256": mode, "x-amz-decoded-content-length": str(len(body)),
                  "Content-Encoding": "aws-chunked"}  # fmt: skip
        if trailer:
            fields["x-amz-trailer"] = trailer.partition(":")[0]
        request = AWSRequest("PUT", f"https://{host}/acme/k", fields)
        keys = Credentials(sandbox.admin.id, sandbox.admin.secret)
        signer = S3SigV4Auth(keys, "s3", "us-east-1")
        signer.payload = lambda _request: mode
        signer.add_auth(request)
        self.headers = dict(request.headers.items())
        self._signer, self._request = signer, request
        self._previous: str = self.headers["Authorization"].rpartition("Signature=")[2]
        chunks = [body[n : n + 70_000] for n in range(0, len(body), 70_000)] + [b""]
        self.frames = b"".join(self._frame(chunk) for chunk in chunks)
        if trailer:
            digest = hashlib.sha256(f"{trailer}\n".encode()).hexdigest()
            signature = self._sign("AWS4-HMAC-SHA256-TRAILER", digest)
            self.frames += f"{trailer}\r\nx-amz-trailer-signature:{signature}\r\n".encode()
        self.frames += b"\r\n"

    def _sign(self, algorithm: str, tail: str) -> str:
        stamp = self._request.context["timestamp"]
        scope = self._signer.credential_scope(self._request)
        text = f"{algorithm}\n{stamp}\n{scope}\n{self._previous}\n{tail}"
        self._previous = str(self._signer.signature(text, self._request))
        return self._previous

    def _frame(self, chunk: bytes) -> bytes:
        empty, digest = hashlib.sha256(b"").hexdigest(), hashlib.sha256(chunk).hexdigest()
        signature = self._sign("AWS4-HMAC-SHA256-PAYLOAD", f"{empty}\n{digest}")
        tail = b"\r\n" if chunk else b""
        return f"{len(chunk):x};chunk-signature={signature}\r\n".encode() + chunk + tail


def _checksum_line(algorithm: str, body: bytes) -> str:
    checksum = new_checksum(algorithm)
    checksum.update(body)
    return f"x-amz-checksum-{algorithm}:{encoded(checksum)}"


@pytest.mark.parametrize("algorithm", [None, "crc32", "crc32c", "crc64nvme"])
def test_signed_chunks_and_trailers(sandbox: Sandbox, s3: BaseClient, algorithm: str | None) -> None:
    body = bytes(n % 251 for n in range(200_000))
    client = _ChunkSigningClient(sandbox, body, _checksum_line(algorithm, body) if algorithm else None)
    assert sandbox.send("PUT", "/acme/k", client.headers, client.frames).status == 200
    assert s3.get_object(Bucket="acme", Key="k")["Body"].read() == body


def test_a_changed_chunk_or_trailer_is_refused(sandbox: Sandbox, s3: BaseClient) -> None:
    body = b"wheat" * 30_000
    client = _ChunkSigningClient(sandbox, body, None)
    reply = sandbox.send("PUT", "/acme/k", client.headers, client.frames.replace(b"wheat", b"sheaf", 1))
    assert (reply.status, b"SignatureDoesNotMatch" in reply.body) == (403, True)
    line = _checksum_line("crc32", body)
    client = _ChunkSigningClient(sandbox, body, line)
    frames = client.frames.replace(line.encode(), line.upper().encode())
    reply = sandbox.send("PUT", "/acme/k", client.headers, frames)
    assert reply.status in (400, 403)
    client = _ChunkSigningClient(sandbox, body, _checksum_line("crc32", b"other"))
    reply = sandbox.send("PUT", "/acme/k", client.headers, client.frames)
    assert (reply.status, b"BadDigest" in reply.body) == (400, True)
    client = _ChunkSigningClient(sandbox, body, None)
    reply = sandbox.send("PUT", "/acme/k", client.headers, client.frames[:-400])
    assert (reply.status, b"IncompleteBody" in reply.body) == (400, True)
    assert "Contents" not in s3.list_objects_v2(Bucket="acme")
    incoming = sandbox.services.store._incoming
    assert list(incoming.iterdir()) == []


def test_published_checksum_vectors() -> None:
    """The check values of each CRC over "123456789", from the catalogue of parametrised CRC algorithms."""
    known = {"crc32": "cbf43926", "crc32c": "e3069283", "crc64nvme": "ae8b14860a799888"}
    for algorithm, expected in known.items():
        checksum = new_checksum(algorithm)
        checksum.update(b"1234")
        checksum.update(b"56789")
        assert checksum.digest().hex() == expected


JUNK = [
    b"hello\r\n\r\n",
    b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
    b"GET /" + b"a" * 70_000,
]


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
def test_junk_gets_an_error_and_the_server_lives(sandbox: Sandbox, s3: BaseClient, junk: bytes) -> None:
    context = ssl.create_default_context(cafile=sandbox.services.ca_file)
    with context.wrap_socket(
        socket.create_connection(("127.0.0.1", sandbox.port), timeout=30), server_hostname="127.0.0.1"
    ) as tls:
        tls.sendall(junk)
        assert tls.recv(100).startswith(b"HTTP/1.1 4")
    s3.list_objects_v2(Bucket="acme")


def test_stop_ends_every_thread_even_with_open_connections(tmp_path: Path) -> None:
    earlier = set(threading.enumerate())  # of the sandbox that other tests of this process share
    services = AwsServices(tmp_path, SandboxClock(), FaultRegistry(), RequestLog().add)
    port = services.start()
    context = ssl.create_default_context(cafile=services.ca_file)
    idle = [
        context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="127.0.0.1")
        for _ in range(5)
    ]
    plain = socket.create_connection(("127.0.0.1", port))  # never starts TLS
    services.stop()
    services.stop()
    left = [t.name for t in threading.enumerate() if t.name.startswith("aws-") and t not in earlier]
    assert left == []
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    for connection in (*idle, plain):
        connection.close()


def test_certificate_names_its_hosts_in_the_san_only(tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path)
    first = authority.server("db", ["db.example.com", "127.0.0.1"])
    before = first.cert.read_bytes()
    again = CertificateAuthority(tmp_path).server("db", ["db.example.com", "127.0.0.1"])
    assert again.cert.read_bytes() == before
    assert CertificateAuthority(tmp_path).server("db", ["other.example.com"]).cert.read_bytes() != before
    decoded: dict[str, Any] = ssl._ssl._test_decode_cert(str(first.cert))  # type: ignore[attr-defined]
    assert decoded["subjectAltName"] == (("DNS", "other.example.com"),)
    assert not [name for rdn in decoded["subject"] for name, _ in rdn if name == "commonName"]
    assert os.stat(first.key).st_mode & 0o077 == 0  # noqa: PTH116


def test_expired_certificate_knob(tmp_path: Path) -> None:
    services = AwsServices(tmp_path, SandboxClock(), FaultRegistry(), RequestLog().add)
    port = services.start(expired=True)
    try:
        context = ssl.create_default_context(cafile=services.ca_file)
        with (
            pytest.raises(ssl.SSLCertVerificationError, match="expired"),
            socket.create_connection(("127.0.0.1", port)) as raw,
        ):
            context.wrap_socket(raw, server_hostname="127.0.0.1")
    finally:
        services.stop()


def test_control_needs_its_token(sandbox: Sandbox) -> None:
    assert sandbox.send("GET", "/_sandbox/clock").status == 401
    assert sandbox.send("GET", "/_sandbox/clock", {"Authorization": "Bearer x"}).status == 401
    token_file = sandbox.controls.token_file
    assert token_file.read_text() == sandbox.controls.token
    assert token_file.stat().st_mode & 0o077 == 0
    assert sandbox.control("GET", "clock").status == 200


def test_control_clock_faults_and_errors(sandbox: Sandbox, s3: BaseClient) -> None:
    assert json.loads(sandbox.control("POST", "clock", {"advance": 60}).body)["offset_seconds"] == 60
    assert sandbox.control("POST", "clock", {"advance": -1}).status == 400
    assert sandbox.control("POST", "faults", {"name": "s3.slow_down", "count": 1}).status == 200
    assert code_of(s3.list_objects_v2, Bucket="acme") == "SlowDown"
    s3.list_objects_v2(Bucket="acme")
    unknown = sandbox.control("POST", "faults", {"name": "s3.slowdown"})
    assert (unknown.status, b"unknown fault" in unknown.body) == (400, True)
    sandbox.control("POST", "faults", {"name": "s3.slow_down"})
    sandbox.control("DELETE", "faults?name=s3.slow_down")
    s3.list_objects_v2(Bucket="acme")
    assert sandbox.control("GET", "nothing").status == 404
    assert sandbox.control("PUT", "clock").status == 405
    assert sandbox.control("POST", "faults", {}).status == 400


def test_control_principals(sandbox: Sandbox) -> None:
    sandbox.control("POST", "users", {"account": ACCOUNT, "name": "eve", "policies": {"p": ALLOW_ALL}})
    made = json.loads(sandbox.control("POST", "keys", {"account": ACCOUNT, "user": "eve"}).body)
    keys = Keys(made["access_key_id"], made["secret_access_key"])
    assert sandbox.arn_of(keys).endswith(":user/eve")
    role = {"account": ACCOUNT, "name": "r", "trust": trust(f"arn:aws:iam::{ACCOUNT}:user/eve")}
    arn = json.loads(sandbox.control("POST", "roles", role).body)["arn"]
    sandbox.client("sts", keys).assume_role(RoleArn=arn, RoleSessionName="s-1")
    listed = sandbox.control("GET", "principals").body
    assert arn.encode() in listed
    assert made["secret_access_key"].encode() not in listed
    sandbox.control("POST", "keys/active", {"access_key_id": keys.id, "active": False})
    assert code_of(sandbox.client("sts", keys).get_caller_identity) == "InvalidClientTokenId"
    bad = sandbox.control("POST", "roles", {**role, "trust": {"Statement": []}})
    assert (bad.status, b"MalformedPolicyDocument" in bad.body) == (400, True)


def test_control_takes_routes_of_others_and_a_shutdown_hook(sandbox: Sandbox) -> None:
    def meter(request: ControlRequest) -> Any:
        return {"method": request.method, "rest": request.path, "n": request.member("n")}

    sandbox.controls.register("meter/", meter)
    reply = sandbox.control("POST", "meter/statements", {"n": 1})
    assert json.loads(reply.body) == {"method": "POST", "rest": "meter/statements", "n": 1}
    assert sandbox.control("POST", "shutdown").status == 400
    called = threading.Event()
    sandbox.controls.on_shutdown(called.set)
    assert sandbox.control("POST", "shutdown").status == 200
    assert called.wait(10)


def test_request_log_shows_what_happened_and_no_secret(sandbox: Sandbox) -> None:
    role = sandbox.role("reader", trust(f"arn:aws:iam::{ACCOUNT}:user/admin"), ALLOW_ALL)
    keys = sandbox.assume(sandbox.admin, role)
    reply = sandbox.client("redshift-serverless", keys).get_credentials(workgroupName="analytics")
    s3 = sandbox.client("s3", keys, signature_version="s3v4")
    s3.put_object(Bucket="acme", Key="k", Body=b"wheat")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "acme", "Key": "k"})
    assert sandbox.send("GET", url.removeprefix(sandbox.url)).body == b"wheat"
    assert code_of(s3.get_object, Bucket="acme", Key="none") == "NoSuchKey"
    text = sandbox.control("GET", "requests").body.decode()
    entries = json.loads(text)["requests"]
    assert [e["operation"] for e in entries] == [
        "AssumeRole", "GetCredentials", "PutObject", "GetObject", "GetObject",
    ]  # fmt: skip
    assert entries[-1]["code"] == "NoSuchKey"
    assert entries[-1]["status"] == 404
    assert entries[2]["principal"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/sluice-1"
    signature = url.rpartition("Signature=")[2].partition("&")[0]
    for secret in (sandbox.admin.secret, keys.secret, keys.token, reply["dbPassword"], signature):
        assert secret is not None
        assert secret not in text
    only = json.loads(sandbox.control("GET", "requests?service=sts").body)["requests"]
    assert [e["operation"] for e in only] == ["AssumeRole"]
    sandbox.control("DELETE", "requests")
    assert json.loads(sandbox.control("GET", "requests").body)["requests"] == []


@pytest.mark.parametrize(
    "statement",
    [
        "UNLOAD ('select 1') TO 's3://b/' ACCESS_KEY_ID 'AKIA1' SECRET_ACCESS_KEY 'hush' SESSION_TOKEN 'hush'",
        "UNLOAD ('select 1') TO 's3://b/' CREDENTIALS 'aws_access_key_id=A;aws_secret_access_key=hush;token=hush'",
        "COPY t FROM 's3://b/' CREDENTIALS AS 'aws_access_key_id=A;aws_secret_access_key=hush'",
        "CREATE USER u PASSWORD 'hu''sh hush'",
        "https://h/b/k?X-Amz-Signature=hush&X-Amz-Security-Token=hush&X-Amz-Expires=3",
    ],
)
def test_statements_are_blanked_in_the_log(statement: str) -> None:
    assert "hush" not in redact_text(statement)
    assert "sh" not in redact_text("CREATE USER u PASSWORD 'hu''sh'")
    log = RequestLog()
    log.add({"service": "database", "statement": statement, "password": "hush", "nested": {"token": "hush"}})
    assert "hush" not in str(log.entries())


def test_fault_counts_skips_and_matches() -> None:
    faults = FaultRegistry()
    faults.set("s3.vanish", 2, {"skip": 1, "match": "part"})
    assert faults.take_for("s3.vanish", "manifest") is None
    assert faults.take_for("s3.vanish", "part-1") is None  # the one that is skipped
    assert faults.take_for("s3.vanish", "part-1") is not None
    assert faults.take_for("s3.vanish", "part-2") is not None
    assert faults.take_for("s3.vanish", "part-3") is None
    faults.set("s3.slow", None)
    assert faults.take("s3.slow") == {}
    assert faults.take("s3.slow") == {}
    faults.clear()
    assert faults.peek("s3.slow") is None
    with pytest.raises(ValueError, match="unknown fault"):
        faults.set("s3.slower")


def test_clock_only_moves_forward() -> None:
    clock = SandboxClock()
    before = clock.now()
    clock.advance(3600)
    assert 3600 <= (clock.now() - before).total_seconds() < 3660
    with pytest.raises(ValueError, match="forward"):
        clock.advance(-1)
