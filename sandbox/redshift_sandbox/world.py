"""Puts the rooms together: one AWS account, one workgroup, its database and its buckets, in one process.

This module alone knows all services; what one of them needs of another, contracts.py says. It adds to the control
interface:

| Route | Meaning |
|---|---|
| GET meter; DELETE meter | what would be billed; start again at zero |
| POST sql `{"sql", "database"?}` | runs an administrator's Redshift SQL; rows of the last statement |
| GET sessions | who is connected |
| DELETE results | empties the result cache of UNLOAD |
| shop | changes the data set `shop`: data/shop_route.py |
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from redshift_sandbox import policies
from redshift_sandbox.account import (
    ACCOUNT,
    BASE_ACCOUNT,
    BASE_USER,
    BUCKET,
    DATABASE,
    DEVELOPER,
    DEVELOPER_BUCKET,
    DEVELOPER_DB_USER,
    DEVELOPER_ROLE,
    KEYS_DB_USER,
    KEYS_USER,
    OTHER_BUCKET,
    OTHER_REGION,
    REGION,
    ROLE,
    ROLE_DB_USER,
    ROOT,
    WORKGROUP,
)
from redshift_sandbox.aws.service import AwsServices
from redshift_sandbox.clock import SandboxClock
from redshift_sandbox.contracts import ControlRequest
from redshift_sandbox.control import PREFIX, Control
from redshift_sandbox.data.dataset import DataSet, TableName
from redshift_sandbox.data.sets import parse_data_sets
from redshift_sandbox.data.shop_route import ShopRoute
from redshift_sandbox.data.templates import SeededPostgres, cache_home
from redshift_sandbox.faults import FaultRegistry
from redshift_sandbox.gateway import disturb
from redshift_sandbox.gateway.service import Gateway
from redshift_sandbox.identity.model import Workgroup
from redshift_sandbox.identity.service_roles import NamespaceRoles
from redshift_sandbox.identity_card import IdentityCard
from redshift_sandbox.meter import Meter
from redshift_sandbox.outfiles import Facts, write_all
from redshift_sandbox.pg import history
from redshift_sandbox.pg.postgres import ADMIN
from redshift_sandbox.request_log import RequestLog
from redshift_sandbox.tls import CertificateAuthority
from redshift_sandbox.unload import runner as unloading
from redshift_sandbox.unload.copy_runner import CopyRecord

_GATEWAY_FAULTS = (
    "gateway.tls_refused", "gateway.auth_code", "gateway.connection_limit", "gateway.cold_start_delay",
    "gateway.deny_pg_tables", "gateway.certificate", "gateway.reset_after_bytes", "gateway.visible_secrets",
    "gateway.datashare", "gateway.idle_timeout", "gateway.login_fatal", *disturb.NAMES,
)  # fmt: skip
_BOOKKEEPING = (
    "pg_sandbox.unload_history", "pg_sandbox.unload_detail", "pg_sandbox.query_history", "pg_sandbox.load_history",
    "pg_sandbox.load_error_detail",
)  # fmt: skip


@dataclass(frozen=True)
class Options:
    """The options of a sandbox."""

    directory: Path
    data: str = "types"  # data sets, as parse_data_sets reads them
    host: str = "localhost"  # as clients call it; a name in the certificates
    bind: str = "127.0.0.1"
    redshift_port: int = 0  # 0: any free one
    aws_port: int = 0
    seed: int = 0
    cache: Path | None = None  # of templates; None: the user's cache directory
    bare: bool = False  # nothing of the setup guide is done: no role, policy, trust, database user, grant
    # For other programs' tests: a bucket, a role for COPY and UNLOAD, and one user who may do everything.
    developer: bool = False


class Sandbox:
    """start() and stop() belong to one owner. Between them every attribute may be used from any thread."""

    def __init__(self, options: Options, notify: Callable[[str], None] = lambda _: None) -> None:
        self.options = options
        self.directory = options.directory.resolve()
        self.data_sets: list[DataSet] = parse_data_sets(options.data)
        self.card = IdentityCard.of(self.directory)
        self.clock = SandboxClock()
        self.faults = FaultRegistry()
        self.faults.declare(*_GATEWAY_FAULTS, *unloading.FAULTS)
        self.log = RequestLog()
        self.meter = Meter(self.clock)
        cache = options.cache or cache_home()
        self.postgres = SeededPostgres(self.directory / "postgres", cache, self.data_sets, notify)
        self.aws = AwsServices(
            self.directory / "aws", self.clock, self.faults, self.log.add, self.meter.aws_called,
            self.meter.statement_called_s3,
        )  # fmt: skip
        self.control = Control(
            self.directory / "aws", self.clock, self.faults, self.log, self.aws.identity, self.aws.store
        )
        self.aws.mount(PREFIX, self.control.handle)
        self._authority = self.aws.authority
        self._readers = [] if options.bare else [ROLE_DB_USER, KEYS_DB_USER]
        if options.developer:
            self._readers = [DEVELOPER_DB_USER]
        self._shop = ShopRoute(
            self.shop_connection, self._readers, lambda: any(data_set.schema == "shop" for data_set in self.data_sets)
        )
        self._register_controls()
        self.unloader = self._unload_service()
        self.gateway = Gateway(
            self.postgres, self.aws.passwords, self.clock, self.faults, self.meter, self._log_gateway,
            self._certificate, self.unloader,
        )  # fmt: skip
        self._stack = ExitStack()
        self.redshift_port = 0
        self.aws_port = 0

    # -- life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts everything and writes the files for users. Throws PostgresError, OSError if a port is in use; nothing
        runs then."""
        with ExitStack() as stack:
            postgres = _Background(self.postgres.start)
            stack.callback(self.postgres.stop)
            stack.callback(postgres.wait_quietly)
            self.aws_port = self.aws.start(self.options.bind, self.options.aws_port, extra_hosts=self._aws_hosts())
            stack.callback(self.aws.stop)
            postgres.wait()
            self._set_up_database()
            self.redshift_port = self.gateway.start(self.options.bind, self.options.redshift_port)
            stack.callback(self.unloader.close)
            stack.callback(self.gateway.stop)
            stack.callback(self._shop.close)
            self.aws.data_api.runner.login = self._data_login
            self._set_up_account()
            write_all(self.facts, self._authority.ca_file.read_text())
            self._stack = stack.pop_all()

    def stop(self) -> None:
        """Ends everything. The directory keeps rows and identities. May be called twice."""
        self._stack.close()

    def __enter__(self) -> Sandbox:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- addresses ------------------------------------------------------------------------------

    @property
    def aws_url(self) -> str:
        """An address and not a name: SDKs then put the bucket into the path, and need no host name for each bucket."""
        return f"https://{self.options.bind}:{self.aws_port}"

    @property
    def ca_file(self) -> Path:
        """The certificate that clients must trust: ca.pem in the directory itself."""
        return self.directory / "ca.pem"

    @property
    def role_arn(self) -> str:
        return f"arn:aws:iam::{ACCOUNT}:role/{DEVELOPER_ROLE if self.options.developer else ROLE}"

    @property
    def base_arn(self) -> str:
        """The ARN of the identity that runs the client, in its own account."""
        return f"arn:aws:iam::{BASE_ACCOUNT}:user/{BASE_USER}"

    @property
    def workgroup_arn(self) -> str:
        return f"arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:workgroup/{self.card.workgroup_id}"

    @property
    def namespace_id(self) -> str:
        """The UUID in the namespace's ARN. Known once the sandbox runs."""
        found = self.aws.identity.find_namespace(ACCOUNT, REGION, WORKGROUP)
        assert found is not None, "start the sandbox first"
        return found.id

    @property
    def facts(self) -> Facts:
        tables = [table for data_set in self.data_sets for table in data_set.granted()]
        return Facts(
            self.directory, REGION, WORKGROUP, DATABASE, self.options.host, self.redshift_port, self.aws_url,
            self.ca_file, self.role_arn, ROLE_DB_USER, KEYS_DB_USER,
            DEVELOPER_BUCKET if self.options.developer else BUCKET, ROOT, tables, self.card, self.control.token,
            self.options.developer,
        )  # fmt: skip

    def shop_connection(self) -> psycopg.Connection[Any]:
        """A new connection to the private PostgreSQL as the namespace's administrator, without gateway and meter, for
        data.shop.ShopWriter."""
        return psycopg.connect(self.postgres.dsn(user=ADMIN, database=DATABASE), autocommit=True)

    def _data_login(self, db_user: str, database: str, db_roles: tuple[str, ...]) -> psycopg.Connection[Any]:
        password, _ = self.aws.passwords.mint(db_user, 900, db_roles=db_roles)
        return psycopg.connect(
            host=self.options.host, port=self.redshift_port, dbname=database, user=db_user, password=password,
            sslmode="verify-full", sslrootcert=str(self.ca_file), client_encoding="utf8", gssencmode="disable",
            application_name="data-api", autocommit=True, prepare_threshold=None,
        )  # fmt: skip

    # -- AWS ------------------------------------------------------------------------------------

    def _set_up_account(self) -> None:
        workgroup = self.aws.add_workgroup(
            WORKGROUP, ACCOUNT, REGION, self.options.host, self.redshift_port, workgroup_id=self.card.workgroup_id
        )
        if self.options.developer:
            self._set_up_developer()
            return
        self.aws.add_bucket(BUCKET, REGION, ACCOUNT)
        self.aws.add_bucket(OTHER_BUCKET, OTHER_REGION, ACCOUNT)
        if self.options.bare:
            self._set_up_bare_identities()
            return
        rights = {
            "sluice": policies.connecting(workgroup.arn, BUCKET, ROOT),
            "sluice-other-region": policies.staging_only(OTHER_BUCKET, ROOT),
        }
        identity = self.aws.identity
        base = identity.put_user(BASE_ACCOUNT, BASE_USER, policies={"assume": policies.may_assume(self.role_arn)})
        identity.add_access_key(
            BASE_ACCOUNT, BASE_USER, key_id=self.card.base.key_id, secret=self.card.base.secret
        )
        identity.put_role(ACCOUNT, ROLE, policies.trust(base.arn, self.card.external_id), policies=rights)
        identity.put_user(ACCOUNT, KEYS_USER, policies={**rights, "sluice-narrow": policies.federation(ACCOUNT)})
        identity.add_access_key(ACCOUNT, KEYS_USER, key_id=self.card.keys.key_id, secret=self.card.keys.secret)

    def _set_up_developer(self) -> None:
        self.aws.add_bucket(DEVELOPER_BUCKET, REGION, ACCOUNT)
        identity, card = self.aws.identity, self.card
        identity.put_user(ACCOUNT, DEVELOPER, policies={"everything": policies.everything()})
        identity.add_access_key(ACCOUNT, DEVELOPER, key_id=card.keys.key_id, secret=card.keys.secret)
        role = identity.put_role(
            ACCOUNT, DEVELOPER_ROLE, policies.trust_redshift(),
            policies={"bucket": policies.whole_bucket(DEVELOPER_BUCKET)},
        )  # fmt: skip
        namespace = identity.find_namespace(ACCOUNT, REGION, WORKGROUP)
        assert namespace is not None
        namespace.iam_roles, namespace.default_iam_role_arn = [role.arn], role.arn

    def _set_up_bare_identities(self) -> None:
        """The base user may assume any role that trusts it; the customer's user has keys and no rights."""
        identity, card = self.aws.identity, self.card
        identity.put_user(BASE_ACCOUNT, BASE_USER, policies={"assume": policies.may_assume("arn:aws:iam::*:role/*")})
        identity.add_access_key(BASE_ACCOUNT, BASE_USER, key_id=card.base.key_id, secret=card.base.secret)
        identity.put_user(ACCOUNT, KEYS_USER)
        identity.add_access_key(ACCOUNT, KEYS_USER, key_id=card.keys.key_id, secret=card.keys.secret)

    # -- control --------------------------------------------------------------------------------

    def _register_controls(self) -> None:
        """The routes of the other rooms below /_sandbox/."""
        control = self.control
        control.register("meter", self._control_meter)
        control.register("sql", lambda request: {
            "rows": self.gateway.admin_execute(str(request.member("sql")), str(request.get("database", DATABASE)))
        })
        control.register("sessions", lambda _: {"sessions": self.gateway.sessions()})
        control.register("results", self._control_results)
        control.register("shop", self._shop)

    def _control_meter(self, request: ControlRequest) -> object:
        if request.method == "DELETE":
            self.meter.reset()
        return self.meter.report()

    def _control_results(self, request: ControlRequest) -> None:
        if request.method != "DELETE":
            raise ValueError("only DELETE, which empties the result cache of UNLOAD")
        self.unloader.cache.clear()

    # -- database -------------------------------------------------------------------------------

    def _set_up_database(self) -> None:
        """What the customer's administrator ran: users named after the AWS identities, and their grants."""
        with self.postgres.admin(DATABASE) as connection:
            for user in self._readers:
                if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [user]).fetchone():
                    continue  # a restart: grants may have been changed on purpose
                name = sql.Identifier(user)
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
                for data_set in self.data_sets:
                    schema = sql.Identifier(data_set.schema)
                    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, name))
                    tables = sql.SQL(", ").join(_relation(table) for table in data_set.granted())
                    connection.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(tables, name))
                if self.options.developer:
                    database = sql.Identifier(DATABASE)
                    connection.execute(sql.SQL("GRANT CREATE, TEMPORARY ON DATABASE {} TO {}").format(database, name))

    def _unload_service(self) -> unloading.UnloadService:
        settings = unloading.UnloadSettings(
            REGION, self.directory / "aws" / "unloading", self.directory / "aws" / "results", self.options.seed,
            _BOOKKEEPING,
        )  # fmt: skip
        return unloading.UnloadService(
            self.aws.gate, self.clock, self.faults, settings,
            admin_dsn=lambda database: self.postgres.dsn(database=database),
            role_keys=NamespaceRoles(self.aws.identity, self.aws.issuer, self._workgroup),
            on_record=self._record_unload,
            on_copy=self._record_copy,
        )  # fmt: skip

    def _workgroup(self) -> Workgroup:
        found = self.aws.identity.find_workgroup(ACCOUNT, REGION, WORKGROUP)
        assert found is not None
        return found

    def _record_unload(self, record: unloading.UnloadRecord) -> None:
        files = tuple(history.UnloadedFile(url, rows, size) for url, rows, size in record.files)
        journal = self.gateway.records.unloads
        note = journal.begin if record.status == "running" else journal.end
        if record.status != "running":
            self.meter.unload_ended(
                completed=record.status == "completed", seconds=record.seconds, rows=record.outcome.rows,
                files=len(record.files), size_bytes=sum(size for _, _, size in record.files),
            )  # fmt: skip
        note(history.UnloadRecord(
            record.user, record.database, record.session_id, record.query_id, record.status, record.start,
            record.end, record.location, record.file_format, record.compression, record.outcome.rows, files,
            record.error,
        ))  # fmt: skip

    def _record_copy(self, one: CopyRecord) -> None:
        problems = tuple(
            history.LoadProblem(p.file, p.line, p.column, p.column_type, p.column_length, p.code, p.reason)
            for p in one.problems
        )
        with self.postgres.admin(one.database) as connection:
            history.record_load(connection, history.LoadRecord(
                one.user, one.database, one.session_id, one.query_id, one.status, one.table, one.table_id, one.start,
                one.end, one.source, one.file_format, one.rows, one.size_bytes, one.files, problems, one.error,
            ))  # fmt: skip

    # -- names ----------------------------------------------------------------------------------

    def _redshift_hosts(self) -> list[str]:
        return [self.options.host, f"{WORKGROUP}.{ACCOUNT}.{REGION}.redshift-serverless.amazonaws.com"]

    def _certificate(self, kind: str) -> ssl.SSLContext:
        """The certificate of the database: its own, or one that a mistake in the network would show."""
        hosts = self._redshift_hosts()
        if kind == "wrong_name":
            return self._authority.server_context("redshift-elsewhere", ["elsewhere.example.test"])
        if kind == "unknown_authority":
            return CertificateAuthority(self.directory / "other-authority").server_context("redshift", hosts)
        if kind not in ("", "expired"):
            raise ValueError(f"no certificate of kind {kind!r}")
        return self._authority.server_context("redshift", hosts, expired=kind == "expired")

    def _aws_hosts(self) -> list[str]:
        known = ("localhost", "127.0.0.1")  # of every certificate of the AWS services
        return [host for host in (self.options.host, self.options.bind) if host not in known]

    def _log_gateway(self, event: str, facts: dict[str, object]) -> None:
        self.log.add({"service": "redshift", "event": event, **facts})


class _Background:
    """One call in its own thread; wait() raises what it raised."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(call,), name="start-postgres", daemon=True)
        self._thread.start()

    def _run(self, call: Callable[[], None]) -> None:
        try:
            call()
        except BaseException as error:
            self._error = error

    def wait(self) -> None:
        self._thread.join()
        if self._error is not None:
            raise self._error

    def wait_quietly(self) -> None:
        self._thread.join()


def _relation(table: TableName) -> sql.Identifier:
    return sql.Identifier(table.schema, table.table)
