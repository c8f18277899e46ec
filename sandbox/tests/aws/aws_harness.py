"""What the tests of the AWS half share: keys, policies, clients, and requests with a chosen signature."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from redshift_sandbox.account import ACCOUNT
from redshift_sandbox.aws.service import AwsServices
from redshift_sandbox.clock import SandboxClock
from redshift_sandbox.contracts import AccessKeys
from redshift_sandbox.control import PREFIX, Control
from redshift_sandbox.faults import FaultRegistry
from redshift_sandbox.identity.model import Role, Workgroup
from redshift_sandbox.request_log import RequestLog

OTHER_ACCOUNT = "999999999999"
REGION = "us-east-1"

Document = dict[str, Any]


def statement(effect: str, action: str | list[str], resource: str | list[str], **more: Any) -> Document:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def policy(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


ALLOW_ALL = policy(statement("Allow", "*", "*"))


def trust(principal: str | list[str], *, actions: list[str] | None = None, **more: Any) -> Document:
    return policy(
        {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": actions or ["sts:AssumeRole"], **more}
    )


@dataclass(frozen=True)
class Keys:
    id: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)

    def for_gate(self) -> AccessKeys:
        return AccessKeys(self.id, self.secret, self.token)


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


class Sandbox:
    """AwsServices and the control interface, and standard clients for both."""

    workgroup: Workgroup
    admin: Keys

    def __init__(self, directory: Path) -> None:
        self.clock, self.faults, self.requests = SandboxClock(), FaultRegistry(), RequestLog()
        self.services = AwsServices(directory, self.clock, self.faults, self.requests.add)
        self.controls = Control(
            directory, self.clock, self.faults, self.requests, self.services.identity, self.services.store
        )
        self.services.mount(PREFIX, self.controls.handle)
        self.port = 0

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.port = self.services.start()

    def user(self, name: str, *documents: Document, path: str = "/", **more: Any) -> Keys:
        policies = {f"p{n}": d for n, d in enumerate(documents)}
        self.services.identity.put_user(ACCOUNT, name, path=path, policies=policies, **more)
        key = self.services.identity.add_access_key(ACCOUNT, name)
        return Keys(key.id, key.secret)

    def role(self, name: str, trust_document: Document, *documents: Document, **more: Any) -> Role:
        policies = {f"p{n}": d for n, d in enumerate(documents)}
        return self.services.identity.put_role(ACCOUNT, name, trust_document, policies=policies, **more)

    def client(
        self, service: str, keys: Keys | None = None, *, region: str = REGION, retries: int = 1, **config: Any
    ) -> BaseClient:
        used = keys or self.admin
        session = boto3.Session(used.id, used.secret, used.token, region_name=region)
        settings = {"retries": {"total_max_attempts": retries}, "s3": {"addressing_style": "path"}, **config}
        return session.client(
            service, endpoint_url=self.url, verify=str(self.services.ca_file), config=Config(**settings)
        )

    def assume(self, keys: Keys, role: Role, name: str = "sluice-1", **more: Any) -> Keys:
        reply = self.client("sts", keys).assume_role(RoleArn=role.arn, RoleSessionName=name, **more)
        return from_reply(reply)

    def arn_of(self, keys: Keys) -> str:
        return str(self.client("sts", keys).get_caller_identity()["Arn"])

    def let_time_pass(self, seconds: float) -> None:
        """Advances the sandbox while clients go on signing with the machine's time."""
        self.faults.set("sigv4.machine_dates")
        self.clock.advance(seconds)

    def fault(self, name: str, count: int | None = None, **args: Any) -> None:
        self.faults.set(name, count, args)

    def clear(self, name: str | None = None) -> None:
        self.faults.clear(name)

    def log(self) -> list[dict[str, Any]]:
        return self.requests.entries()

    def send(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Reply:
        """One request exactly as given, on its own connection."""
        context = ssl.create_default_context(cafile=self.services.ca_file)
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=30)
        try:
            connection.request(method, target, body, dict(headers or {}))
            response = connection.getresponse()
            return Reply(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def signed(
        self, service: str, method: str, target: str, *, keys: Keys | None = None, body: bytes = b"",
        headers: Mapping[str, str] | None = None, region: str = REGION, host: str | None = None,
    ) -> Reply:  # fmt: skip
        """One request signed by botocore, with any Host header."""
        used = keys or self.admin
        name = host or f"127.0.0.1:{self.port}"
        request = AWSRequest(method, f"https://{name}{target}", {**(headers or {}), "Host": name}, body)
        signer = S3SigV4Auth if service == "s3" else SigV4Auth
        signer(Credentials(used.id, used.secret, used.token), service, region).add_auth(request)
        return self.send(method, target, dict(request.headers.items()), body)

    def control(self, method: str, path: str, body: Any = None) -> Reply:
        headers = {"Authorization": f"Bearer {self.controls.token}"}
        data = b"" if body is None else json.dumps(body).encode()
        return self.send(method, f"/_sandbox/{path}", headers, data)


def from_reply(reply: Mapping[str, Any]) -> Keys:
    given = reply["Credentials"]
    return Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def refusal(call: Any, /, *args: Any, **kwargs: Any) -> tuple[str, int, str]:
    """Code, HTTP status and message of the error that the call must raise."""
    with pytest.raises(ClientError) as caught:
        call(*args, **kwargs)
    response = caught.value.response
    error = response["Error"]
    return str(error["Code"]), int(response["ResponseMetadata"]["HTTPStatusCode"]), str(error["Message"])


def code_of(call: Any, /, *args: Any, **kwargs: Any) -> str:
    return refusal(call, *args, **kwargs)[0]
