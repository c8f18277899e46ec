"""What a new user reads after `up`: what runs where, and what to do next."""

from __future__ import annotations

from pathlib import Path

from redshift_sandbox import account
from redshift_sandbox.processes import State


def welcome(directory: Path, state: State, *, was_running: bool) -> str:
    shown = _short(directory)
    if not (directory / "sluice.yaml").exists():
        return _for_developers(shown, state, was_running=was_running)
    title = "is already running" if was_running else "is ready"
    lines = [
        f"A sandboxed Redshift Serverless {title} (process {state.pid}).",
        "",
        f"  Redshift     {state.host}:{state.redshift_port}, database {account.DATABASE}, "
        f"workgroup {account.WORKGROUP}, TLS",
        f"  AWS          {state.aws_url}  (STS, redshift-serverless, S3, control)",
        f"  Bucket       s3://{account.BUCKET}/{account.ROOT}/",
        f"  Data         {state.data or 'none'}",
        f"  Files        {shown}/: sluice.yaml, sluice-keys.yaml, env, ca.pem, sandbox.log",
        "",
        "Next:",
        f"  source {shown}/env",
        f"  sluice check --config {shown}/sluice.yaml",
        f"  sluice sync  --config {shown}/sluice.yaml",
        f"  redshift-sandbox psql --dir {shown}        # look at the data",
        f"  redshift-sandbox down --dir {shown}        # stop it; the rows stay in the directory",
    ]
    return "\n".join(lines)


def _for_developers(shown: str, state: State, *, was_running: bool) -> str:
    return "\n".join([
        f"A sandboxed Redshift Serverless {'is already running' if was_running else 'is ready'} (process {state.pid}).",
        "",
        f"  Redshift     {state.host}:{state.redshift_port}, database {account.DATABASE}, "
        f"workgroup {account.WORKGROUP}, TLS",
        f"  AWS          {state.aws_url}  (STS, redshift-serverless, redshift-data, S3, control)",
        f"  Bucket       s3://{account.DEVELOPER_BUCKET}/",
        f"  Files        {shown}/: env, ca.pem, sandbox.log",
        "",
        "Next:",
        f"  source {shown}/env                         # then any AWS SDK finds it",
        f"  redshift-sandbox psql --dir {shown}",
        f"  redshift-sandbox down --dir {shown}        # stop it; the rows stay in the directory",
    ])  # fmt: skip


def stopped(directory: Path) -> str:
    return f"The sandbox in {_short(directory)} has stopped. Its rows stay there until you delete it."


def not_running(directory: Path) -> str:
    return f"No sandbox runs in {_short(directory)}. Start one: redshift-sandbox up --dir {_short(directory)}"


def _short(directory: Path) -> str:
    try:
        return str(directory.relative_to(Path.cwd()))
    except ValueError:
        return str(directory)
