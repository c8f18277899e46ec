"""`redshift-sandbox doctor`: whether an endpoint behaves as the sandbox does. Exit codes: 0 all passed, 1 something
differs or the connection failed, 2 wrong use, or a paid endpoint without `--pay`.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from typing import Any

import psycopg

from redshift_sandbox.doctor_probes import LAST, PROBES, Differs, Endpoint, Probe

_COSTS = """\
{host} may be a live workgroup, and this costs money there: the statements wake it up, and a workgroup that is awake
is billed for at least 60 seconds at its RPUs (8 RPUs at $0.375 per RPU-hour: about $0.05; 128 RPUs: about $0.80). It
runs about {statements} statements, makes temporary tables only, and with --s3 writes a few small objects below that
prefix and leaves them there. Nothing has been sent yet. Say --pay to go on.
"""
_STATEMENTS = 60
_CONNECT_SECONDS = 90  # a workgroup that sleeps answers late


@dataclass(frozen=True)
class Result:
    probe: Probe
    verdict: str  # "passed", "differs" or "not tried"
    why: str = ""


def run(given: argparse.Namespace, login: dict[str, Any] | None) -> int:
    """Runs the command; `login` holds psycopg's keywords of a sandbox, None for another endpoint."""
    if login is None:
        if not given.host or not given.user:
            print("say --dir of a sandbox, or --host and --user of an endpoint", file=sys.stderr)
            return 2
        if not given.pay:
            print(_COSTS.format(host=given.host, statements=_STATEMENTS), end="", file=sys.stderr)
            return 2
        login = {
            "host": given.host, "port": given.port, "dbname": given.database, "user": given.user,
            "password": os.environ.get("PGPASSWORD"), "sslmode": "verify-full", "sslrootcert": given.sslrootcert,
        }  # fmt: skip
    if given.s3 and not (given.s3.startswith("s3://") and given.s3.endswith("/")):
        print("--s3 must be s3://bucket/prefix/, with a slash at its end", file=sys.stderr)
        return 2
    role = "default" if given.iam_role == "default" else f"'{given.iam_role}'"
    try:
        results = examine(login, given.s3, f"IAM_ROLE {role}")
    except psycopg.Error as error:
        print(f"no answer from the endpoint: {str(error).splitlines()[0]}", file=sys.stderr)
        return 1
    print(report(results))
    return 1 if any(one.verdict == "differs" for one in results) else 0


def examine(login: dict[str, Any], s3: str, authorization: str) -> list[Result]:
    """Every probe on one connection. Raises psycopg.Error if there is none."""
    given = {"client_encoding": "utf8", "gssencmode": "disable", "connect_timeout": _CONNECT_SECONDS, **login}
    with psycopg.connect(**given, autocommit=True, prepare_threshold=None) as connection:
        end = Endpoint(connection, s3, authorization)
        return [_try(end, probe) for probe in PROBES]


def _try(end: Endpoint, probe: Probe) -> Result:
    if probe.needs_s3 and not end.s3:
        return Result(probe, "not tried", "needs --s3")
    if end.connection.closed:
        return Result(probe, "not tried", "the connection was lost before")
    try:
        probe.ask(end)
    except Differs as difference:
        return Result(probe, "differs", str(difference))
    except psycopg.Error as error:
        if not end.connection.closed:
            end.rows("ROLLBACK")
        text = f"{error.sqlstate or 'no SQLSTATE'}: {error.diag.message_primary or 'no answer'}"
        return Result(probe, "differs", text)
    return Result(probe, "passed")


def report(results: list[Result]) -> str:
    lines = [
        f"{one.probe.number:>3}  {one.verdict:<9}  {one.probe.title}{f' ({one.why})' if one.why else ''}"
        for one in results
    ]
    tried = {one.probe.number for one in results}
    rest = [number for number in range(1, LAST + 1) if number not in tried]
    lines.append(f"not tried: {len(rest)} more, which need an AWS account of their own or errors on demand: "
                 + ", ".join(map(str, rest)))  # fmt: skip
    count = {verdict: sum(one.verdict == verdict for one in results) for verdict in ("passed", "differs", "not tried")}
    lines.append(f"{count['passed']} passed, {count['differs']} differ, {count['not tried'] + len(rest)} not tried")
    return "\n".join(lines)
