"""What the command asks of a running sandbox: credentials, with boto3 as any client, and the control interface."""

from __future__ import annotations

import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3

from redshift_sandbox import account, outfiles
from redshift_sandbox.processes import State


def psql_command(directory: Path, state: State, rest: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The stock psql with a new password, which is in the environment and not among the arguments."""
    user, password = database_login(outfiles.read_environment(directory))
    environment = {
        **os.environ, "PGPASSWORD": password, "PGUSER": user, "PGHOST": state.host, "PGPORT": str(state.redshift_port),
        "PGDATABASE": account.DATABASE, "PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(directory / "ca.pem"),
        "PGGSSENCMODE": "disable", "PGCLIENTENCODING": "UTF8",
    }  # fmt: skip
    return ["psql", *rest], environment


def sandbox_login(directory: Path, state: State) -> dict[str, Any]:
    """psycopg's keywords of a login with a new password."""
    user, password = database_login(outfiles.read_environment(directory))
    return {
        "host": state.host, "port": state.redshift_port, "dbname": account.DATABASE, "user": user, "password": password,
        "sslmode": "verify-full", "sslrootcert": str(directory / "ca.pem"),
    }  # fmt: skip


def ask_control(directory: Path, route: str, body: dict[str, object] | None) -> tuple[int, dict[str, Any]]:
    """HTTP status and answer of a control route; a body makes it a POST."""
    variables = outfiles.read_environment(directory)
    request = urllib.request.Request(
        f"{variables['SANDBOX_CONTROL_URL']}/_sandbox/{route}",
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {variables['SANDBOX_CONTROL_TOKEN']}"},
    )
    context = ssl.create_default_context(cafile=variables["AWS_CA_BUNDLE"])
    try:
        with urllib.request.urlopen(request, context=context, timeout=600) as answer:
            return int(answer.status), json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def database_login(variables: dict[str, str]) -> tuple[str, str]:
    """User and password of the reader, by its role; of the developer, by its own keys."""
    verify, url, region = variables["AWS_CA_BUNDLE"], variables["AWS_ENDPOINT_URL"], variables["AWS_REGION"]
    base = boto3.session.Session(
        variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"], region_name=region
    )
    if "SLUICE_EXTERNAL_ID" not in variables:
        return _minted(base, url, verify)
    assumed = base.client("sts", endpoint_url=url, verify=verify).assume_role(
        RoleArn=f"arn:aws:iam::{account.ACCOUNT}:role/{account.ROLE}", RoleSessionName="psql",
        ExternalId=variables["SLUICE_EXTERNAL_ID"],
    )["Credentials"]  # fmt: skip
    role = boto3.session.Session(
        assumed["AccessKeyId"], assumed["SecretAccessKey"], assumed["SessionToken"], region_name=region
    )
    return _minted(role, url, verify)


def _minted(session: boto3.session.Session, url: str, verify: str) -> tuple[str, str]:
    minted = session.client("redshift-serverless", endpoint_url=url, verify=verify).get_credentials(
        workgroupName=account.WORKGROUP, dbName=account.DATABASE, durationSeconds=3600
    )
    return minted["dbUser"], minted["dbPassword"]
