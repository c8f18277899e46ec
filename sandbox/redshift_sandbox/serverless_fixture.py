"""What the fixture `redshift_serverless` gives a test: a workgroup, its AWS services, and how clients reach them."""

from __future__ import annotations

from typing import Any

import psycopg

from redshift_sandbox import account
from redshift_sandbox.clock import SandboxClock
from redshift_sandbox.faults import FaultRegistry
from redshift_sandbox.meter import Meter
from redshift_sandbox.outfiles import environment
from redshift_sandbox.world import Sandbox


class RedshiftServerless:
    """One running sandbox with one user, `developer`, who may do everything in the account. Any thread may use it."""

    def __init__(self, running: Sandbox) -> None:
        self._running = running
        self.host = running.options.host
        self.port = running.redshift_port
        self.database = account.DATABASE
        self.user = account.DEVELOPER_DB_USER
        self.workgroup = account.WORKGROUP
        self.account_id = account.ACCOUNT
        self.region = account.REGION
        self.bucket = account.DEVELOPER_BUCKET
        self.role_arn = running.role_arn  # of COPY and UNLOAD; it is the namespace's default, too
        self.access_key_id = running.card.keys.key_id
        self.secret_access_key = running.card.keys.secret
        self.aws_url = running.aws_url  # of every AWS service
        self.ca_file = str(running.ca_file)  # what clients must trust: the database and the AWS services

    @property
    def password(self) -> str:
        """A new password of `user` at each call, as GetCredentials gives it; it is valid for an hour."""
        return self._running.aws.passwords.mint(self.user, 3600)[0]

    @property
    def environment(self) -> dict[str, str]:
        """Variables for other processes: with them AWS SDKs and redshift_connector find this sandbox, and
        REDSHIFT_HOST, _PORT, _DATABASE, _USER, _PASSWORD, _WORKGROUP, _BUCKET, _ROLE_ARN tell the rest."""
        own = {"REDSHIFT_USER": self.user, "REDSHIFT_PASSWORD": self.password}
        return {**environment(self._running.facts), **own}

    @property
    def jdbc_url(self) -> str:
        """For Amazon's JDBC driver, without user and password."""
        return (
            f"jdbc:redshift://{self.host}:{self.port}/{self.database}?ssl=true&sslmode=verify-full"
            f"&sslrootcert={self.ca_file}"
        )

    def connect(self, **keywords: Any) -> psycopg.Connection[Any]:
        """A psycopg connection as `user`, autocommit unless `keywords` say otherwise. The caller closes it."""
        given: dict[str, Any] = {
            "host": self.host, "port": self.port, "dbname": self.database, "user": self.user,
            "sslmode": "verify-full", "sslrootcert": self.ca_file, "client_encoding": "utf8",
            "gssencmode": "disable", "autocommit": True, "prepare_threshold": None,
        }  # fmt: skip
        if "password" not in keywords:
            given["password"] = self.password
        return psycopg.connect(**(given | keywords))

    def load(self, sql: str, *, as_administrator: bool = False) -> list[tuple[Any, ...]]:
        """Runs a script in Redshift's SQL as `user`, who then owns its tables, or as the namespace's administrator.
        Returns the rows of the last statement. It is no client's statement: the meter does not count it."""
        user = None if as_administrator else self.user
        return self._running.gateway.admin_execute(sql, self.database, user=user)

    @property
    def meter(self) -> Meter:
        """What the statements and requests so far would have cost."""
        return self._running.meter

    @property
    def clock(self) -> SandboxClock:
        """The time of the workgroup and of the AWS services; `advance(seconds)` lets keys expire."""
        return self._running.clock

    @property
    def faults(self) -> FaultRegistry:
        """Errors on demand: `set(name, count, args)`, `clear()`; redshift_sandbox/faults.py lists their names."""
        return self._running.faults

    @property
    def sandbox(self) -> Sandbox:
        """Everything else."""
        return self._running
