"""A person with a configuration and no workgroup: what can be told before anybody is contacted."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import yaml
from harness import PROGRAM, Finished

HOST = "analytics.123456789012.us-east-1.redshift-serverless.amazonaws.com"
ROLE = "arn:aws:iam::123456789012:role/sluice-reader"
GOOD: dict[str, Any] = {
    "name": "acme",
    "redshift": {"workgroup": "analytics", "host": HOST, "port": 5439, "database": "dev"},
    "staging": {"bucket": "acme-staging", "region": "us-east-1"},
    "auth": {"role_arn": ROLE},
    "destination": {"type": "duckdb", "path": "acme.duckdb"},
    "streams": [{"table": "sales.orders"}],
}


class Newcomer:
    """`settings` is what stands in the file, `text` instead of them if it is set."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = copy.deepcopy(GOOD)
        self.text: bytes | None = None
        self.file = folder / "sluice.yaml"
        self.variables = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8",
                          "AWS_EC2_METADATA_DISABLED": "true"}  # fmt: skip

    def write(self) -> None:
        content = self.text if self.text is not None else yaml.safe_dump(self.settings, sort_keys=False).encode()
        self.file.write_bytes(content)
        self.file.chmod(0o600)

    def run(self, *arguments: str) -> Finished:
        ran = subprocess.run([str(PROGRAM), *arguments], cwd=self.folder, env=self.variables, capture_output=True,
                             text=True, stdin=subprocess.DEVNULL, timeout=120, errors="surrogateescape")  # fmt: skip
        return Finished(ran.returncode, ran.stdout, ran.stderr)

    def problems(self) -> list[dict[str, Any]]:
        """Those of `config validate --json`."""
        finished = self.run("config", "validate", "--json")
        problems: list[dict[str, Any]] = json.loads(finished.stdout)["problems"]
        assert finished.exit_code == (2 if problems else 0), finished
        return problems
