"""Settings common to all tests of the sandbox: the package is importable from the source tree."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

pytest_plugins = ["redshift_sandbox.testing", "redshift_sandbox.pytest_plugin"]
