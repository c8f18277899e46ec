"""`sluice serve` as an operator starts it, beside the sandbox."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

from redshift_sandbox.outfiles import environment
from redshift_sandbox.world import Sandbox

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SLUICE_BUILD", ROOT / "build" / "dev"))
PROGRAM = BUILD / "src" / "cli" / "sluice"
# The origin of a vendor's page that may show the form (test_embed.py).
FRAME = "http://127.0.0.2:8080"


class Service:
    def __init__(self, sandbox: Sandbox, folder: Path, *options: str) -> None:
        self.sandbox = sandbox
        self.data = folder / "data"
        self._log = (folder / "log.txt").open("w")
        facts = sandbox.facts
        self._process = subprocess.Popen(
            [PROGRAM, "serve", "--json", "--listen", "127.0.0.1:0", "--data", self.data,
             "--aws-environment", "--allow-host", facts.host, "--ca-bundle", facts.ca_file, *options],
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "AWS_EC2_METADATA_DISABLED": "true",
                 **environment(facts)},
            stdout=subprocess.PIPE, stderr=self._log, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        text = ""
        while line := self._process.stdout.readline():
            text += line
            if line.rstrip() == "}" or (line.startswith("{") and line.rstrip().endswith("}")):
                break
        assert text, (folder / "log.txt").read_text()
        told = json.loads(text)
        self.url: str = told["url"]
        self.link: str = told["link"]
        self.token = self.link.split("token=")[1]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The API itself, for what a test of the page only needs to be there."""
        request = urllib.request.Request(
            f"{self.url}/api/v1{path}",
            method=method,
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            text = response.read()
        return json.loads(text) if text else None

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=60)
        self._log.close()
