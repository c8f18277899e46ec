"""The files a sandbox writes for its users: two configurations of Sluice, the environment, the CA."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from redshift_sandbox.data.dataset import TableName
from redshift_sandbox.files import PRIVATE, write_whole
from redshift_sandbox.identity_card import IdentityCard


@dataclass(frozen=True)
class Facts:
    """Where everything is while the sandbox runs."""

    directory: Path
    region: str
    workgroup: str
    database: str
    host: str
    port: int
    aws_url: str
    ca_file: Path
    role_arn: str
    role_db_user: str
    keys_db_user: str
    bucket: str
    root: str
    tables: Sequence[TableName]
    card: IdentityCard
    control_token: str = field(repr=False)
    developer: bool = False  # the set-up for other programs' tests

    @property
    def warehouse(self) -> Path:
        return self.directory / "warehouse.duckdb"


def environment(facts: Facts) -> dict[str, str]:
    """The standard AWS variables first: any SDK reads them."""
    if facts.developer:
        return _developer_environment(facts)
    card = facts.card
    return {
        "AWS_ACCESS_KEY_ID": card.base.key_id,
        "AWS_SECRET_ACCESS_KEY": card.base.secret,
        "AWS_REGION": facts.region,
        "AWS_DEFAULT_REGION": facts.region,
        "AWS_ENDPOINT_URL": facts.aws_url,
        "AWS_CA_BUNDLE": str(facts.ca_file),
        "SLUICE_EXTERNAL_ID": card.external_id,
        "SANDBOX_KEYS_ACCESS_KEY_ID": card.keys.key_id,
        "SANDBOX_KEYS_SECRET_ACCESS_KEY": card.keys.secret,
        "SANDBOX_CONTROL_URL": facts.aws_url,
        "SANDBOX_CONTROL_TOKEN": facts.control_token,
    }


def _developer_environment(facts: Facts) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": facts.card.keys.key_id,
        "AWS_SECRET_ACCESS_KEY": facts.card.keys.secret,
        "AWS_REGION": facts.region,
        "AWS_DEFAULT_REGION": facts.region,
        "AWS_ENDPOINT_URL": facts.aws_url,
        "AWS_CA_BUNDLE": str(facts.ca_file),
        "AWS_EC2_METADATA_DISABLED": "true",
        "SSL_CERT_FILE": str(facts.ca_file),  # where redshift_connector looks for certificates
        "REDSHIFT_HOST": facts.host,
        "REDSHIFT_PORT": str(facts.port),
        "REDSHIFT_DATABASE": facts.database,
        "REDSHIFT_WORKGROUP": facts.workgroup,
        "REDSHIFT_BUCKET": facts.bucket,
        "REDSHIFT_ROLE_ARN": facts.role_arn,
        "SANDBOX_CONTROL_URL": facts.aws_url,
        "SANDBOX_CONTROL_TOKEN": facts.control_token,
    }


def write_all(facts: Facts, ca_pem: str) -> None:
    """Writes the files into the sandbox's directory."""
    if not facts.developer:
        write_whole(facts.directory / "sluice.yaml", _role_configuration(facts).encode())
        write_whole(facts.directory / "sluice-keys.yaml", _keys_configuration(facts).encode())
    write_whole(facts.directory / "env", _exports(environment(facts)).encode(), PRIVATE)
    write_whole(facts.ca_file, ca_pem.encode())


def read_environment(directory: Path) -> dict[str, str]:
    """The variables of the file `env`. Throws FileNotFoundError."""
    pairs = (shlex.split(line)[1].split("=", 1) for line in (directory / "env").read_text().splitlines() if line)
    return dict(pairs)


def _exports(variables: Mapping[str, str]) -> str:
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())


def _role_configuration(facts: Facts) -> str:
    auth = f'auth:\n  role_arn: "{facts.role_arn}"\n  external_id: "${{SLUICE_EXTERNAL_ID}}"\n'
    return _configuration(facts, "sandbox", facts.role_db_user, auth)


def _keys_configuration(facts: Facts) -> str:
    auth = (
        'auth:\n  access_key_id: "${SANDBOX_KEYS_ACCESS_KEY_ID}"\n'
        '  secret_access_key: "${SANDBOX_KEYS_SECRET_ACCESS_KEY}"\n'
    )
    return _configuration(facts, "sandbox-keys", facts.keys_db_user, auth)


def _configuration(facts: Facts, name: str, user: str, auth: str) -> str:
    streams = "".join(f"  - table: {table.schema}.{table.table}\n" for table in facts.tables)
    return (
        "# Written by redshift-sandbox. Load the variables first:  source env\n"
        f"name: {name}\n"
        "redshift:\n"
        f"  workgroup: {facts.workgroup}\n  host: {facts.host}\n  port: {facts.port}\n"
        f'  database: {facts.database}\n  username: "{user}"\n  sslrootcert: "{facts.ca_file}"\n'
        f"staging:\n  bucket: {facts.bucket}\n  region: {facts.region}\n  root: {facts.root}/\n"
        f"{auth}"
        f'destination:\n  type: duckdb\n  path: "{facts.warehouse}"\n'
        "defaults:\n  sync_mode: full_refresh\n  write_mode: overwrite\n"
        + (f"streams:\n{streams}" if streams else "streams: []\n")
    )
