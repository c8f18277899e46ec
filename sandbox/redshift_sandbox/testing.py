"""For pytest: a sandbox in this process, and standard clients for it.

    pytest_plugins = ["redshift_sandbox.testing"]

    def test_login(sandbox: RunningSandbox) -> None:
        with sandbox.connect() as connection: ...

The fixture `sandbox` lives as long as the pytest process and holds the data sets named by the ini option
`sandbox_data` (default `tpch:0.01,types`). Faults are cleared after each test that uses it; rows, objects and grants
are not, so a test uses its own keys and tables. `start_sandbox` starts a separate one.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest

from redshift_sandbox import account, policies, world
from redshift_sandbox.administrator import Administrator
from redshift_sandbox.contracts import AccessKeys
from redshift_sandbox.outfiles import environment

_names = itertools.count(1)


def fresh_name(stem: str = "x") -> str:
    """A name that no other test of this process uses, for prefixes and tables."""
    return f"{stem}{next(_names)}"


@dataclass(frozen=True)
class Unloaded:
    """The result of one UNLOAD: the notices it sent and the objects in the bucket."""

    notices: list[tuple[str, str]]
    tag: str
    keys: list[str]


class RunningSandbox:
    """A running sandbox and standard clients for it. `world` is the sandbox itself: clock, faults, meter, gateway."""

    def __init__(self, running: world.Sandbox) -> None:
        self.world = running
        self.administrator = Administrator(running)
        self._kept: dict[str, tuple[dt.datetime, Any]] = {}

    # -- AWS ------------------------------------------------------------------------------------

    @property
    def environment(self) -> dict[str, str]:
        """Variables that make any AWS SDK use this sandbox, for clients in other processes."""
        return environment(self.world.facts)

    def base_session(self) -> boto3.session.Session:
        """boto3 with the long-term keys of the base user, who may only assume the role."""
        card = self.world.card
        return boto3.session.Session(card.base.key_id, card.base.secret, region_name=account.REGION)

    def keys_session(self) -> boto3.session.Session:
        """boto3 with the long-term keys of the user sluice-keys."""
        card = self.world.card
        return boto3.session.Session(card.keys.key_id, card.keys.secret, region_name=account.REGION)

    def role_keys(self) -> AccessKeys:
        """Temporary keys of the role sluice-reader; new ones after half an hour."""
        keys: AccessKeys = self._keep("role", self.fresh_role_keys)
        return keys

    def fresh_role_keys(self, policy: str | None = None, seconds: int = 3600) -> AccessKeys:
        """New keys of the role, limited by a session policy if one is given."""
        wanted: dict[str, Any] = {"Policy": policy} if policy is not None else {}
        sts = self._keep("sts", lambda: self.client(self.base_session(), "sts"))
        given = sts.assume_role(
            RoleArn=self.world.role_arn, RoleSessionName="testing", ExternalId=self.world.card.external_id,
            DurationSeconds=seconds, **wanted,
        )["Credentials"]  # fmt: skip
        return AccessKeys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])

    def unload_keys(self, run_prefix: str) -> AccessKeys:
        """Keys as a careful client puts them into UNLOAD: they can write below one prefix only."""
        return self.fresh_role_keys(policies.unload_keys(account.BUCKET, run_prefix))

    def _keep(self, name: str, make: Callable[[], Any]) -> Any:
        """Makes a value once in half an hour of the sandbox's time: making a boto3 client takes long."""
        now = self.world.clock.now()
        made, value = self._kept.get(name, (None, None))
        if made is None or now - made > dt.timedelta(minutes=30):
            value = make()
            self._kept[name] = (now, value)
        return value

    def role_session(self) -> boto3.session.Session:
        keys = self.role_keys()
        return boto3.session.Session(
            keys.access_key_id, keys.secret_access_key, keys.session_token, region_name=account.REGION
        )

    def client(self, session: boto3.session.Session, service: str) -> Any:
        """A standard boto3 client of this sandbox."""
        return session.client(service, endpoint_url=self.world.aws_url, verify=str(self.world.ca_file))

    def objects(self, prefix: str, bucket: str = account.BUCKET) -> list[str]:
        """Keys in a bucket, read without rights and without HTTP."""
        store = self.world.aws.store
        return [o.key for o in store.list_objects(store.bucket(bucket), prefix, "", "", 1 << 31).objects]

    def body(self, key: str, bucket: str = account.BUCKET) -> bytes:
        found = self.world.aws.store.find(self.world.aws.store.bucket(bucket), key)
        assert found is not None, f"no object {key}"
        return found.file.read_bytes()

    def manifest(self, prefix: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body(prefix + "manifest"))
        return document

    # -- database -------------------------------------------------------------------------------

    def login(self) -> tuple[str, str]:
        """User and password of the role; new ones after half an hour."""
        login: tuple[str, str] = self._keep("login", lambda: self.fresh_login(self.role_session()))
        return login

    def fresh_login(self, session: boto3.session.Session) -> tuple[str, str]:
        """User and password from GetCredentials."""
        answer = self.client(session, "redshift-serverless").get_credentials(
            workgroupName=account.WORKGROUP, dbName=account.DATABASE, durationSeconds=3600
        )
        return answer["dbUser"], answer["dbPassword"]

    def connect(self, **keywords: Any) -> psycopg.Connection[Any]:
        """A standard psycopg connection as the role, autocommit unless `keywords` say otherwise."""
        user, password = (None, None) if {"user", "password"} <= set(keywords) else self.login()
        given: dict[str, Any] = {
            "host": self.world.options.host, "port": self.world.redshift_port, "dbname": account.DATABASE, "user": user,
            "password": password, "sslmode": "verify-full", "sslrootcert": str(self.world.ca_file),
            "client_encoding": "utf8", "gssencmode": "disable", "autocommit": True, "prepare_threshold": None,
        }  # fmt: skip
        return psycopg.connect(**(given | keywords))

    def admin(self, redshift_sql: str) -> list[tuple[Any, ...]]:
        """Runs an administrator's SQL and returns its rows."""
        return self.world.gateway.admin_execute(redshift_sql)

    def unload_text(
        self, select: str, prefix: str, options: str = "FORMAT PARQUET MANIFEST VERBOSE", *,
        keys: AccessKeys | None = None, bucket: str = account.BUCKET,
    ) -> str:  # fmt: skip
        """An UNLOAD of `select`, quoted as a careful client quotes."""
        keys = keys or self.role_keys()
        inner = select.replace("\\", "\\\\").replace("'", "''")
        return f"UNLOAD ('{inner}') TO 's3://{bucket}/{prefix}' {keys_clause(keys)} {options}"

    def unload(
        self, connection: psycopg.Connection[Any], select: str, prefix: str,
        options: str = "FORMAT PARQUET MANIFEST VERBOSE", **more: Any,
    ) -> Unloaded:  # fmt: skip
        """Runs one UNLOAD on a connection. Throws psycopg.Error."""
        notices: list[tuple[str, str]] = []

        def heard(notice: psycopg.errors.Diagnostic) -> None:
            notices.append((notice.severity or "", notice.message_primary or ""))

        connection.add_notice_handler(heard)
        try:
            cursor = connection.execute(self.unload_text(select, prefix, options, **more).encode())
        finally:
            connection.remove_notice_handler(heard)
        return Unloaded(notices, cursor.statusmessage or "", self.objects(prefix, more.get("bucket", account.BUCKET)))


def keys_clause(keys: AccessKeys) -> str:
    """The clause of UNLOAD that holds the keys."""
    text = f"ACCESS_KEY_ID '{keys.access_key_id}' SECRET_ACCESS_KEY '{keys.secret_access_key}'"
    return text + (f" SESSION_TOKEN '{keys.session_token}'" if keys.session_token else "")


@contextmanager
def start_sandbox(data: str = "types", **options: Any) -> Iterator[RunningSandbox]:
    """A sandbox in a new temporary directory, stopped and removed at the end. `options` are those of world.Options."""
    directory = Path(tempfile.mkdtemp(prefix="redshift-sandbox-test-"))
    try:
        with world.Sandbox(world.Options(directory, data, **options)) as running:
            yield RunningSandbox(running)
            postgres = running.postgres
        postgres.remove()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def fault(
    sandbox: RunningSandbox, name: str, args: Mapping[str, Any] | None = None, count: int | None = None
) -> Iterator[None]:  # fmt: skip
    """Switches a fault on within the block."""
    sandbox.world.faults.set(name, count, args)
    try:
        yield
    finally:
        sandbox.world.faults.clear(name)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("sandbox_data", "data sets of the fixture `sandbox`", default="tpch:0.01,types")


@pytest.fixture(scope="session")
def sandbox_of_session(request: pytest.FixtureRequest) -> Iterator[RunningSandbox]:
    with start_sandbox(str(request.config.getini("sandbox_data"))) as running:
        yield running


@pytest.fixture
def sandbox(sandbox_of_session: RunningSandbox) -> Iterator[RunningSandbox]:
    """The session's sandbox, with no fault on before and after."""
    sandbox_of_session.world.faults.clear()
    yield sandbox_of_session
    sandbox_of_session.world.faults.clear()


@pytest.fixture
def prefix() -> Iterator[Callable[[], str]]:
    """Makes new prefixes below the staging root: `prefix()` -> "sluice/t7/"."""
    yield lambda: f"{account.ROOT}/{fresh_name('t')}/"
