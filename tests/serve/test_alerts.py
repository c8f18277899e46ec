"""Whoever wants to know is told: by a signed message, by e-mail, in Slack's form; and again if nobody took it."""

from __future__ import annotations

import base64
import email
import email.header
import hashlib
import hmac
import http.server
import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from service import Service, Tenant

pytestmark = pytest.mark.serve

SECRET = "whsec_" + base64.b64encode(b"a key of 24 bytes, no less").decode()


@dataclass
class Receiver:
    """A web server that keeps what it is sent."""

    refuse: int = 0  # so many times first
    seen: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.seen.append(({k.lower(): v for k, v in self.headers.items()}, body))
                receiver.refuse -= 1
                self.send_response(500 if receiver.refuse >= 0 else 204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class MailServer:
    """As much of SMTP as a sender needs."""

    def __init__(self) -> None:
        self.seen: list[tuple[list[str], bytes]] = []
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                words: list[str] = []
                self.wfile.write(b"220 mail\r\n")
                for line in self.rfile:
                    word = line.decode().strip()
                    if word == "DATA":
                        self.wfile.write(b"354 go on\r\n")
                        body = b""
                        while not body.endswith(b"\r\n.\r\n"):
                            body += self.rfile.readline()
                        server.seen.append((words, body[:-3]))
                    elif word == "QUIT":
                        self.wfile.write(b"221 bye\r\n")
                        return
                    else:
                        words.append(word)
                    self.wfile.write(b"250 ok\r\n")

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.url = f"smtp://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receive() -> Iterator[Callable[[int], Receiver]]:
    made: list[Receiver] = []

    def make(refuse: int) -> Receiver:
        made.append(Receiver(refuse))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    server = MailServer()
    yield server
    server.close()


def wait_for(seen: list[Any], count: int) -> None:
    until = time.monotonic() + 60
    while len(seen) < count:
        assert time.monotonic() < until, seen
        time.sleep(0.05)


def verify(headers: dict[str, str], body: bytes) -> None:
    """As the libraries of the Standard Webhooks convention do."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert abs(time.time() - int(headers["webhook-timestamp"])) < 300


def test_a_run_that_fails_and_one_that_works_again_are_told_signed_and_again(
    tenant: Tenant, receive: Callable[[int], Receiver]
) -> None:
    receiver = receive(1)
    body = {"name": "ops", "kind": "webhook", "url": receiver.url, "secret": SECRET, "on": ["partly", "recovered"]}
    tenant.post(f"{tenant.path}/alerts", body).ok(201)
    pipeline = tenant.make_pipeline("tpch.region", "tpch.absent")
    run = tenant.run(pipeline["id"])
    wait_for(receiver.seen, 2)  # the first one was refused
    for headers, sent in receiver.seen:
        verify(headers, sent)
    (first, told), (second, again) = receiver.seen
    assert first["webhook-id"] == second["webhook-id"] and told == again
    message = json.loads(told)
    assert message["type"] == "run.partly" and message["data"]["run"] == run["id"]
    assert message["data"]["error"]["remedy"]
    path = f"{tenant.path}/pipelines/{pipeline['id']}"
    tenant.put(path, {**editable(tenant.get(path).ok()), "streams": [{"table": "tpch.region"}]}).ok()
    assert tenant.run(pipeline["id"])["state"] == "succeeded"
    wait_for(receiver.seen, 3)
    assert json.loads(receiver.seen[2][1])["type"] == "run.recovered"


def editable(pipeline: dict[str, Any]) -> dict[str, Any]:
    return {name: pipeline[name] for name in ("name", "source", "destination")}


def test_mail_and_slack_say_it_in_words(
    tenant: Tenant, receive: Callable[[int], Receiver], mail_server: MailServer
) -> None:
    slack = receive(0)
    tenant.post(f"{tenant.path}/alerts", {"name": "chat", "kind": "slack", "url": slack.url, "on": ["failed"]}).ok(201)
    body = {"name": "mail", "kind": "email", "smtp_url": mail_server.url, "from": "sluice@example.com",
            "to": ["ops@example.com", "boss@example.com"], "on": ["failed"]}  # fmt: skip
    tenant.post(f"{tenant.path}/alerts", body).ok(201)
    pipeline = tenant.make_pipeline("tpch.absent", name="bestellungen für <!channel>")
    assert tenant.run(pipeline["id"])["state"] == "failed"
    wait_for(slack.seen, 1)
    wait_for(mail_server.seen, 1)
    text = json.loads(slack.seen[0][1])["text"]
    assert "bestellungen für &lt;!channel&gt;" in text and "tpch.absent" in text
    words, raw = mail_server.seen[0]
    assert "MAIL FROM:<sluice@example.com>" in words[1]
    assert [one for one in words if one.startswith("RCPT")] == [
        "RCPT TO:<ops@example.com>",
        "RCPT TO:<boss@example.com>",
    ]
    mail = email.message_from_bytes(raw)
    subject = str(email.header.make_header(email.header.decode_header(mail["Subject"])))
    assert "Failed: bestellungen für" in subject
    content = mail.get_payload(decode=True)
    assert isinstance(content, bytes) and "tpch.absent" in content.decode()


def test_a_test_message_is_sent_at_once_or_tells_why_not(
    service: Service, tenant: Tenant, receive: Callable[[int], Receiver]
) -> None:
    receiver = receive(0)
    body = {"name": "ops", "kind": "webhook", "url": receiver.url, "secret": SECRET, "on": ["late"]}
    alert = tenant.post(f"{tenant.path}/alerts", body).ok(201)
    path = f"{tenant.path}/alerts/{alert['id']}/test"
    assert tenant.post(path).status == 204
    assert json.loads(receiver.seen[0][1])["type"] == "alert.test"
    receiver.close()
    problem = tenant.post(path)
    assert problem.status >= 400 and "nobody answers" in problem.json["detail"], problem.body
    assert "/hook" not in problem.body.decode()
