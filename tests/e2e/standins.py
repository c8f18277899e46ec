"""Stand-ins for what hands out AWS keys close to a program: an instance's metadata service and a container's
agent. They listen on loopback, count who asked for what, and give real session keys of the sandbox."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from redshift_sandbox import account
from redshift_sandbox.world import Sandbox

# What a request is answered with: status and body.
Answer = tuple[int, str]
ROLE_PATH = "/latest/meta-data/iam/security-credentials/"


class Keys:
    """Keys of the role sluice-reader, one session per name, in the JSON form of AWS's endpoints."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self.given: list[str] = []

    def open(self, session_name: str, *, seconds: int = 3600, token: str = "Token") -> dict[str, str]:
        """Keys that AWS takes for `seconds`, though they always claim an hour."""
        session = self._sandbox.aws.identity.open_session(
            "assumed-role", account.ACCOUNT, "sluice-reader", session_name, seconds
        )
        self.given += [session.secret, session.token]
        claimed = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
        return {
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret,
            token: session.token,
            "Expiration": claimed.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


class StandIn:
    """An HTTP server on loopback. `asked` holds method and path of every request, in order."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Any:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, method: str, path: str, headers: Any) -> Answer:
        raise NotImplementedError

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        standin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                with standin._lock:
                    standin.asked.append(f"{self.command} {self.path}")
                    status, text = standin.answer(self.command, self.path, self.headers)
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PUT = do_POST = do_CONNECT = _any

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        return Handler


class Instance(StandIn):
    """IMDSv2 with version 1 switched off: whoever brings no token gets 401."""

    def __init__(self, keys: Callable[[], dict[str, str]], *, enabled: bool = True) -> None:
        super().__init__()
        self._keys = keys
        self._enabled = enabled
        self._tokens: list[str] = []

    @property
    def fetches(self) -> int:
        return sum(asked == f"GET {ROLE_PATH}sluice-instance" for asked in self.asked)

    def answer(self, method: str, path: str, headers: Any) -> Answer:
        if not self._enabled:
            return 403, ""
        if path == "/latest/api/token":
            if method != "PUT" or not 1 <= int(headers.get("X-aws-ec2-metadata-token-ttl-seconds", 0)) <= 21600:
                return 400, ""
            self._tokens.append(f"metadata-token-{len(self._tokens)}==")
            return 200, self._tokens[-1]
        if method != "GET" or headers.get("X-aws-ec2-metadata-token") not in self._tokens:
            return 401, ""
        if path == ROLE_PATH:
            return 200, "sluice-instance"
        if path == f"{ROLE_PATH}sluice-instance":
            return 200, json.dumps({"Code": "Success", "Type": "AWS-HMAC", **self._keys()})
        return 404, ""


class Container(StandIn):
    """An agent that wants `token` in Authorization."""

    def __init__(self, keys: Callable[[], dict[str, str]], token: str = "agent-token") -> None:
        super().__init__()
        self._keys = keys
        self.token = token

    def answer(self, method: str, path: str, headers: Any) -> Answer:
        if (method, path) != ("GET", "/v1/credentials"):
            return 404, ""
        if headers.get("Authorization") != self.token:
            return 401, '{"code": "AccessDenied"}'
        return 200, json.dumps(self._keys())


class Proxy(StandIn):
    """What must not be asked."""

    def answer(self, method: str, path: str, headers: Any) -> Answer:
        return 502, ""


class RefusingProxy(StandIn):
    """A proxy that answers every CONNECT with `status`."""

    def __init__(self, status: int, body: str = "") -> None:
        super().__init__()
        self._answer = (status, body)

    def answer(self, method: str, path: str, headers: Any) -> Answer:
        return self._answer
