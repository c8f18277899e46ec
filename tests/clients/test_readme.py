"""The examples of the sandbox's README, word for word."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from programs import ROOT, run_program

_EXAMPLE = re.compile(r"<!-- tested: pytest -->\n```python\n(.*?)```", re.DOTALL)
_FOR = ("psycopg", "redshift_connector", "awswrangler")


def test_the_examples_for_pytest_pass(tmp_path: Path) -> None:
    examples = _EXAMPLE.findall((ROOT / "sandbox" / "README.md").read_text())
    told = [re.findall(r"def test_(\w+)", example) for example in examples]
    assert sorted(name for names in told for name in names) == sorted(_FOR), "one example for each client"
    for number, example in enumerate(examples):
        (tmp_path / f"test_example_{number}.py").write_text(example)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "REDSHIFT_SANDBOX_CACHE") if name in os.environ}
    # The plugin is named, because build/venv may have been made before the package had one.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "redshift_sandbox.pytest_plugin"]
    assert f"{len(_FOR)} passed" in run_program(command, {**kept, "PYTHONPATH": str(ROOT / "sandbox")}, tmp_path)
