"""The control interface: `/_sandbox/...` on the HTTPS port of the AWS services, JSON in and out.

Every call needs `Authorization: Bearer <token>`, where the token is in the file `control-token` of the
sandbox's directory `aws`. Errors are `{"error": "..."}` with status 400, 401, 404 or 405.

| Route | Meaning |
|---|---|
| GET clock; POST clock `{"advance": seconds}` | the sandbox's time |
| GET faults; POST faults `{"name", "count"?, "args"?}`; DELETE faults`?name=` | faults of `faults.py`; without a name: all |
| GET principals | accounts' users, roles, workgroups, without secrets |
| POST users `{"account", "name", "path"?, "policies"?, "tags"?}` | creates or replaces |
| POST keys `{"account", "user"}` | a new access key; only this answer shows its secret |
| POST keys/active `{"access_key_id", "active"}` | switches a key off or on |
| POST roles `{"account", "name", "trust", "path"?, "policies"?, "tags"?, "max_session_seconds"?}` | creates or replaces |
| POST tags `{"account", "kind": "user" or "role", "name", "tags"}` | replaces the tags |
| POST policies `{"account", "kind", "name", "policy", "document" or null}` | sets or removes one inline policy |
| DELETE principals `?account=&kind=&name=` | removes a user or role |
| POST buckets `{"name", "region", "account"}` | a new bucket |
| GET requests `?since=&service=`; DELETE requests | the request log, which holds no secrets |
| GET objects `?bucket=&prefix=` | every object, and the unfinished multipart uploads |
| POST shutdown | calls the hook given to `on_shutdown` |
"""  # noqa: E501 a table's row is one line

from __future__ import annotations

import hmac
import json
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from redshift_sandbox.aws.messages import Request, Response
from redshift_sandbox.aws.s3_store import ObjectStore
from redshift_sandbox.clock import SandboxClock
from redshift_sandbox.contracts import AwsError, ControlRequest
from redshift_sandbox.faults import FaultRegistry
from redshift_sandbox.files import PRIVATE, write_whole
from redshift_sandbox.identity.directory import Directory
from redshift_sandbox.request_log import RequestLog

PREFIX = "/_sandbox/"


# Returns what is sent as JSON. A ValueError, KeyError or AwsError becomes a 400 with its text.
ControlHandler = Callable[[ControlRequest], Any]


class _MethodNotAllowed(Exception):
    pass


class Control:
    """Other rooms `register` their routes; `handle` may be called by many threads."""

    def __init__(
        self, directory: Path, clock: SandboxClock, faults: FaultRegistry, log: RequestLog,
        identity: Directory, store: ObjectStore,
    ) -> None:  # fmt: skip
        self.token = secrets.token_urlsafe(32)
        self.token_file = directory / "control-token"
        write_whole(self.token_file, self.token.encode(), PRIVATE)
        self._clock, self._faults, self._log = clock, faults, log
        self._identity, self._store = identity, store
        self._shutdown: Callable[[], None] | None = None
        self._routes: dict[str, ControlHandler] = {
            "clock": self._clock_route, "faults": self._faults_route, "principals": self._principals,
            "users": self._users, "keys": self._keys, "keys/active": self._key_active, "roles": self._roles,
            "tags": self._tags, "policies": self._policies, "buckets": self._buckets,
            "requests": self._requests, "objects": self._objects, "shutdown": self._shutdown_route,
        }  # fmt: skip

    def register(self, path: str, handler: ControlHandler) -> None:
        """Adds a route, such as "meter" for /_sandbox/meter. A path that ends in "/" gets every path below it."""
        self._routes[path.removeprefix(PREFIX).lstrip("/")] = handler

    def on_shutdown(self, hook: Callable[[], None]) -> None:
        """`hook` runs in its own thread, after the answer was sent."""
        self._shutdown = hook

    def handle(self, request: Request) -> Response:
        given = request.headers.get("authorization") or ""
        if not hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
            return _json(401, {"error": "send the token of the file control-token as a bearer token"})
        path = request.path.removeprefix(PREFIX).rstrip("/")
        handler = self._find(path)
        if handler is None:
            return _json(404, {"error": f"no route {path!r}; there are {', '.join(sorted(self._routes))}"})
        try:
            body = json.loads(request.read_small() or b"{}")
            reply = handler(ControlRequest(request.method, path, request.params(), body))
        except _MethodNotAllowed:
            return _json(405, {"error": f"{path!r} does not answer {request.method}"})
        except (ValueError, KeyError, TypeError, AwsError) as error:
            return _json(400, {"error": str(error)})
        return _json(200, {} if reply is None else reply)

    def _find(self, path: str) -> ControlHandler | None:
        if path in self._routes:
            return self._routes[path]
        below = [p for p in self._routes if p.endswith("/") and path.startswith(p)]
        return self._routes[max(below, key=len)] if below else None

    def _clock_route(self, request: ControlRequest) -> Any:
        if request.method == "POST":
            self._clock.advance(float(request.member("advance")))
        elif request.method != "GET":
            raise _MethodNotAllowed
        return {"now": self._clock.now().isoformat(), "offset_seconds": self._clock.offset_seconds()}

    def _faults_route(self, request: ControlRequest) -> Any:
        if request.method == "POST":
            count = request.get("count")
            name = str(request.member("name"))
            self._faults.set(name, None if count is None else int(count), request.get("args"))
        elif request.method == "DELETE":
            self._faults.clear(request.query.get("name"))
        elif request.method != "GET":
            raise _MethodNotAllowed
        return {"on": self._faults.list(), "known": sorted(self._faults.known())}

    def _principals(self, request: ControlRequest) -> Any:
        if request.method == "DELETE":
            query = request.query
            self._identity.delete_identity(query["account"], query["kind"], query["name"])
        elif request.method != "GET":
            raise _MethodNotAllowed
        return {
            "users": [
                {"arn": u.arn, "id": u.id, "tags": u.tags, "policies": dict(u.policies),
                 "keys": [{"access_key_id": k.id, "active": k.active}
                          for k in self._identity.keys_of(u.account, u.name)]}
                for u in self._identity.users()
            ],
            "roles": [
                {"arn": r.arn, "id": r.id, "tags": r.tags, "trust": r.trust, "policies": dict(r.policies),
                 "max_session_seconds": r.max_session_seconds}
                for r in self._identity.roles()
            ],
            "workgroups": [
                {"name": w.name, "arn": w.arn, "host": w.host, "port": w.port, "status": w.status}
                for w in self._identity.workgroups()
            ],
        }  # fmt: skip

    def _users(self, request: ControlRequest) -> Any:
        _only(request, "POST")
        user = self._identity.put_user(
            str(request.member("account")), str(request.member("name")), path=request.get("path", "/"),
            policies=request.get("policies"), tags=request.get("tags"),
        )  # fmt: skip
        return {"arn": user.arn, "id": user.id}

    def _keys(self, request: ControlRequest) -> Any:
        _only(request, "POST")
        key = self._identity.add_access_key(str(request.member("account")), request.member("user"))
        return {"access_key_id": key.id, "secret_access_key": key.secret}

    def _key_active(self, request: ControlRequest) -> Any:
        _only(request, "POST")
        key_id, active = str(request.member("access_key_id")), bool(request.member("active"))
        self._identity.set_key_active(key_id, active)
        return {"access_key_id": key_id, "active": active}

    def _roles(self, request: ControlRequest) -> Any:
        _only(request, "POST")
        role = self._identity.put_role(
            str(request.member("account")), str(request.member("name")), request.member("trust"),
            path=request.get("path", "/"), policies=request.get("policies"), tags=request.get("tags"),
            max_session_seconds=int(request.get("max_session_seconds", 3600)),
        )  # fmt: skip
        return {"arn": role.arn, "id": role.id}

    def _tags(self, request: ControlRequest) -> Any:
        _only(request, "POST")
        self._identity.tag_identity(*_who(request), request.member("tags"))
        return None

    def _policies(self, request: ControlRequest) -> Any:
        _only(request, "POST")
        self._identity.put_identity_policy(
            *_who(request), str(request.member("policy")), request.member("document")
        )

    def _buckets(self, request: ControlRequest) -> Any:
        _only(request, "POST")
        bucket = self._store.add_bucket(
            str(request.member("name")), str(request.member("region")), str(request.member("account"))
        )
        return {"arn": bucket.arn}

    def _requests(self, request: ControlRequest) -> Any:
        if request.method == "DELETE":
            self._log.clear()
            return None
        _only(request, "GET")
        since = int(request.query.get("since", "0"))
        return {"requests": self._log.entries(since, request.query.get("service"))}

    def _objects(self, request: ControlRequest) -> Any:
        _only(request, "GET")
        bucket = self._store.bucket(request.query["bucket"])
        prefix = request.query.get("prefix", "")
        found = self._store.list_objects(bucket, prefix, "", "", 1 << 31).objects
        return {
            "objects": [
                {"key": o.key, "size": o.size, "etag": o.etag, "modified": o.modified.isoformat()}
                for o in found
            ],
            "uploads": [
                {"key": u.key, "upload_id": u.id, "parts": len(u.parts)}
                for u in self._store.uploads(bucket, prefix)
            ],
        }  # fmt: skip

    def _shutdown_route(self, request: ControlRequest) -> Any:
        _only(request, "POST")
        if self._shutdown is None:
            raise ValueError("this sandbox cannot be shut down through the control interface")
        threading.Thread(target=self._shutdown, name="control-shutdown").start()
        return {"stopping": True}


def _who(request: ControlRequest) -> tuple[str, str, str]:
    kind = str(request.member("kind"))
    if kind not in ("user", "role"):
        raise ValueError("kind must be user or role")
    return str(request.member("account")), kind, str(request.member("name"))


def _only(request: ControlRequest, method: str) -> None:
    if request.method != method:
        raise _MethodNotAllowed


def _json(status: int, document: Any) -> Response:
    return Response(status, [("Content-Type", "application/json")], json.dumps(document, default=str).encode())
