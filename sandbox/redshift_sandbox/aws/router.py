"""Which service a request is for. One port serves them all, so clients need one endpoint override.

In this order: a mounted path, such as that of the control interface; a Host in the form of AWS; the service in
the signature's scope; the target header; a form body, which STS and redshift use; everything else is S3.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from xml.sax.saxutils import escape

from redshift_sandbox.aws.messages import Request, Response
from redshift_sandbox.aws.regions import HostName, read_host
from redshift_sandbox.aws.sigv4 import read_signature
from redshift_sandbox.contracts import Faults


class Service(Protocol):
    def handle(self, request: Request, host: HostName) -> Response: ...


Answer = Callable[[Request], Response]
# Called with service and operation of every call, refused ones included, and its bytes of objects up and down.
CallCounter = Callable[[str, str, int, int], None]
# Called with what is known of every call.
Log = Callable[[Mapping[str, Any]], None]


class Router:
    def __init__(
        self, services: Mapping[str, Service], paths: Mapping[str, Answer], log: Log,
        count: CallCounter | None = None, faults: Faults | None = None,
    ) -> None:  # fmt: skip
        """`paths`: path prefix -> what answers such requests, before any service; read at every call."""
        self._faults = faults
        self._services = services
        self._paths = paths
        self._log = log
        self._count = count

    def handle(self, request: Request) -> Response:
        for prefix, answer in self._paths.items():
            if request.path.startswith(prefix):
                return answer(request)
        started = time.perf_counter()
        host = read_host(request.host)
        service = host.service or _service_of(request)
        if service not in self._services:
            return Response(404, [("Content-Type", "text/plain")], f"no service {service!r} here".encode())
        response = self._or_fault(service, self._services[service].handle(request, host))
        if self._count is not None:
            operation = response.note.get("operation", "")
            self._count(service, operation, *object_bytes(operation, request, response))
        # Logged before the answer is sent, so that a client that has its answer finds its request in the log.
        self._log(
            {
                "time": time.time(), "service": service, "method": request.method, "path": request.path,
                "host": request.host, "query": dict(request.query), "status": response.status,
                "bytes": response.length, "range": request.headers.get("range"),
                "seconds": round(time.perf_counter() - started, 6), **response.note,
            }
        )  # fmt: skip
        return response

    def _or_fault(self, service: str, response: Response) -> Response:
        """The answer of the fault `aws.error`, if it is on for this service and operation. The effect of the operation
        stays."""
        operation = response.note.get("operation", "")

        def wanted(args: dict[str, Any]) -> bool:
            return (
                args.get("service", "s3") == service
                and args.get("operation", operation) == operation
                and (service != "s3" or "body" in args)
            )

        args = None if self._faults is None else self._faults.take_if("aws.error", wanted)
        return response if args is None else fault_answer(service, args, response.note)


def object_bytes(operation: str, request: Request, response: Response) -> tuple[int, int]:
    """Bytes of objects that this call moved up and down; listings, errors and HEAD move none."""
    if response.status >= 300:
        return 0, 0
    if operation in ("PutObject", "UploadPart"):
        length = request.headers.get("x-amz-decoded-content-length") or request.headers.get("content-length") or "0"
        return int(length), 0
    return (0, response.length) if operation == "GetObject" else (0, 0)


def fault_answer(service: str, args: Mapping[str, Any], note: dict[str, str]) -> Response:
    """An error in the service's own format, or `body` as it is, which may be anything."""
    status, code, message = int(args.get("status", 400)), str(args.get("code", "")), str(args.get("message", ""))
    headers: list[tuple[str, str]] = []
    if "location" in args:
        headers.append(("Location", str(args["location"])))
    if "body" in args:
        headers.append(("Content-Type", str(args.get("content_type", "text/html"))))
        return Response(status, headers, str(args["body"]).encode(), note=note)
    request_id = str(uuid.uuid4())
    if service in ("redshift-serverless", "redshift-data"):
        headers += [("Content-Type", "application/x-amz-json-1.1"), ("x-amzn-RequestId", request_id)]
        return Response(status, headers, json.dumps({"__type": code, "message": message}).encode(), note=note)
    inner = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
    body = f"<ErrorResponse>{inner}<RequestId>{request_id}</RequestId></ErrorResponse>"
    headers += [("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id)]
    return Response(status, headers, body.encode(), note=note)


def _service_of(request: Request) -> str:
    try:
        signature = read_signature(request)
    except ValueError:
        signature = None
    if signature is not None:
        return signature.service
    target = request.headers.get("x-amz-target") or ""
    if target.startswith("RedshiftServerless."):
        return "redshift-serverless"
    if target.startswith("RedshiftData."):
        return "redshift-data"
    content_type = (request.headers.get("content-type") or "").partition(";")[0]
    if request.method == "POST" and content_type == "application/x-www-form-urlencoded":
        return "sts"
    return "sts" if request.param("Action") is not None else "s3"
