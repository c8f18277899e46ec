"""The AWS services as a whole: everything that `world.py` connects.

    AwsServices(dir: Path, clock: Clock, faults: Faults, log: Log, count=None)
        .start(host="127.0.0.1", port=0, *, extra_hosts=(), expired=False) -> int   the HTTPS port
        .stop()                                        closes all; may be called twice
        .ca_file: Path                                 what clients must trust (dir/tls/ca.pem)
        .authority: CertificateAuthority               for the gateway's own certificate
        .identity: Directory                           put_user, add_access_key, put_role, ...
        .store: ObjectStore                            the objects, without rights
        .gate: S3Gate                                  contracts.ObjectGate, for UNLOAD
        .passwords: MintedPasswords                    contracts.LoginPasswords, for the gateway
        .issuer: SessionIssuer                         AssumeRole without HTTP, for IAM_ROLE
        .sts: StsService
        .data_api: DataApiService                      its runner needs a `login` from the gateway
        .services: dict[str, Service]                  to add more services
        .mount(prefix, answer)                         paths that belong to no service, such as /_sandbox/
        .add_bucket(name, region, account=...) -> Bucket
        .add_workgroup(name, account, region, host, port, *, namespace=None, ...) -> Workgroup

Files below `dir`: tls/ (kept between starts), s3/ (emptied at start).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from redshift_sandbox.account import ACCOUNT
from redshift_sandbox.aws.clusters import ClustersService
from redshift_sandbox.aws.data_api import DataApiService
from redshift_sandbox.aws.http import HttpsServer
from redshift_sandbox.aws.router import Answer, CallCounter, Log, Router, Service
from redshift_sandbox.aws.s3 import S3Service
from redshift_sandbox.aws.s3_access import S3Access
from redshift_sandbox.aws.s3_call import Backend
from redshift_sandbox.aws.s3_gate import S3Gate
from redshift_sandbox.aws.s3_model import Bucket
from redshift_sandbox.aws.s3_store import ObjectStore
from redshift_sandbox.aws.serverless import ServerlessService
from redshift_sandbox.aws.sigv4 import Verifier
from redshift_sandbox.aws.sts import StsService
from redshift_sandbox.contracts import Clock, Faults
from redshift_sandbox.identity.assume import SessionIssuer
from redshift_sandbox.identity.directory import Directory
from redshift_sandbox.identity.model import Workgroup
from redshift_sandbox.identity.passwords import MintedPasswords
from redshift_sandbox.tls import CertificateAuthority

# Virtual-hosted buckets need a wildcard, and OpenSSL accepts none directly below a top-level name.
_HOSTS = (
    "localhost", "127.0.0.1", "::1", "s3.localhost", "*.s3.localhost", "sts.localhost",
    "redshift-serverless.localhost", "redshift-data.localhost", "*.amazonaws.com", "*.s3.amazonaws.com",
)  # fmt: skip


class AwsServices:
    """Stopped at first; call `start` once. The parts may be used before that, too."""

    def __init__(
        self, dir: Path, clock: Clock, faults: Faults, log: Log, count: CallCounter | None = None,
        count_own: Callable[[str, int, int], None] = lambda _operation, _up, _down: None,
    ) -> None:  # fmt: skip
        """`count` hears of every call of a client, `count_own` of what statements do in S3 through `gate`."""
        dir.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        self.authority = CertificateAuthority(dir / "tls")
        self.ca_file = self.authority.ca_file
        self.identity = Directory(clock)
        self.passwords = MintedPasswords(clock)
        self.store = ObjectStore(dir / "s3", clock)
        self.issuer = SessionIssuer(self.identity, faults)
        access = S3Access(self.store)
        self.gate = S3Gate(self.identity, self.store, access, clock, faults, count_own)
        verifier = Verifier(self.identity, clock, faults)
        self.sts = StsService(self.issuer, verifier, clock)
        self.data_api = DataApiService(self.identity, verifier, clock)
        self.services: dict[str, Service] = {
            "sts": self.sts,
            "redshift-serverless": ServerlessService(self.identity, self.passwords, verifier, faults),
            "redshift-data": self.data_api,
            "redshift": ClustersService(self.identity, self.passwords, verifier, faults),
            "s3": S3Service(Backend(self.store, access, faults), verifier),
        }
        self._paths: dict[str, Answer] = {}
        self._router = Router(self.services, self._paths, log, count, faults)
        self._server: HttpsServer | None = None

    def start(
        self, host: str = "127.0.0.1", port: int = 0, *, extra_hosts: Sequence[str] = (),
        expired: bool = False,
    ) -> int:  # fmt: skip
        """Serves, and returns the port. `extra_hosts` are added to the certificate's SAN; `expired` shows a
        certificate that has expired. Raises OSError if the port is in use."""
        context = self.authority.server_context("aws", [*_HOSTS, *extra_hosts], expired=expired)
        server = HttpsServer(context, self._router.handle, self._clock)
        bound = server.start(host, port)
        self._server = server
        return bound

    def stop(self) -> None:
        self.data_api.runner.close()
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def mount(self, prefix: str, answer: Answer) -> None:
        """`answer` gets every request whose path begins with `prefix`, unsigned ones too. Before start()."""
        self._paths[prefix] = answer

    def add_bucket(self, name: str, region: str, account: str = ACCOUNT) -> Bucket:
        return self.store.add_bucket(name, region, account)

    def add_workgroup(
        self, name: str, account: str, region: str, host: str, port: int, *, namespace: str | None = None,
        workgroup_id: str | None = None, custom_domain: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Workgroup:  # fmt: skip
        """Adds or replaces a workgroup whose endpoint is the database at `host`:`port`. Creates its
        namespace if there is none of that name (default: the workgroup's own name)."""
        workgroup = Workgroup(
            name, account, region, namespace or name, host, port, custom_domain=custom_domain,
            tags=dict(tags or {}),
        )  # fmt: skip
        if workgroup_id is not None:
            workgroup.id = workgroup_id
        return self.identity.put_workgroup(workgroup)
