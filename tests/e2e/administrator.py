"""The administrator of a customer, who runs literally what `sluice setup` prints."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from typing import Any

from harness import Harness
from redshift_sandbox import account
from redshift_sandbox.administrator import Administrator

PARTS = ("network", "sql", "bucket", "iam", "trust", "tag", "unload-role", "terraform")
# The real shell reads the text; `aws` tells the words it was given instead of running.
SPY = r"""aws() { printf '%s\0' "$@"; printf '\036'; }
set -e
"""


def shell_commands(text: str) -> list[list[str]]:
    """The words of each `aws` command, as a shell hands them over. Fails if the shell refuses anything."""
    ran = subprocess.run(["bash", "-c", SPY + text], capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    return [command.rstrip("\0").split("\0") for command in ran.stdout.split("\x1e") if command]


def options_of(words: list[str]) -> dict[str, str]:
    assert len(words) % 2 == 0, words
    return dict(zip([word.removeprefix("--") for word in words[::2]], words[1::2], strict=True))


def pairs_of(text: str) -> dict[str, str]:
    """`Key=a,Value=b` -> {"Key": "a", "Value": "b"}."""
    return dict(pair.split("=", 1) for pair in text.split(","))


class Customer:
    """One identity of a bare account, its database user and its bucket; nothing of it is made before `apply`."""

    def __init__(self, harness: Harness, kind: str, identity: str, flags: tuple[str, ...] = ()) -> None:
        self.harness = harness
        self.kind = kind
        self.identity = identity
        self.flags = flags
        self.administrator = Administrator(harness.sandbox)
        self.notes = ""

    def printed(self, part: str) -> str:
        """What `sluice setup PART` prints, with what only an administrator can look up filled in."""
        finished = self.harness.run("setup", part, *self.flags)
        assert finished.exit_code == 0, finished
        self.notes += finished.stderr
        return self.filled(finished.stdout)

    def filled(self, text: str) -> str:
        namespace = self.harness.sandbox.aws.identity.find_namespace(account.ACCOUNT, account.REGION, account.WORKGROUP)
        assert namespace is not None
        known = {"<WORKGROUP_ID>": self.harness.sandbox.card.workgroup_id, "<NAMESPACE_ID>": namespace.id}
        for placeholder, value in known.items():
            text = text.replace(placeholder, value)
        return text

    def apply(self, *, sql: Callable[[str], bool] = lambda _: True) -> None:
        """All of it. `sql` may leave statements out."""
        trust = self.printed("trust")
        assert bool(trust) == (self.kind == "role")
        if trust:
            self.administrator.apply_trust(self.identity, trust)
        self.run_shell(self.printed("tag"))
        self.administrator.apply_permissions(self.kind, self.identity, self.printed("iam"))
        self.administrator.apply_sql("\n".join(line for line in self.printed("sql").splitlines() if sql(line)))
        self.run_shell(self.printed("bucket"))
        self.run_shell(self.printed("unload-role"))
        remaining = re.findall(r"<[A-Z_]+>", "".join(self.harness.outputs))
        assert set(remaining) <= {"<WORKGROUP_ID>", "<NAMESPACE_ID>"}, remaining

    def run_shell(self, text: str) -> None:
        for service, operation, *rest in shell_commands(text):
            self._run(f"{service} {operation}", options_of(rest))

    def _run(self, command: str, options: dict[str, str]) -> None:
        administrator = self.administrator
        if command == "s3api put-bucket-lifecycle-configuration":
            administrator.apply_lifecycle(options["lifecycle-configuration"], options["bucket"])
        elif command == "s3api put-bucket-policy":
            administrator.apply_bucket_policy(options["policy"], options["bucket"])
        elif command == "s3api put-bucket-ownership-controls":
            assert options["ownership-controls"] == "Rules=[{ObjectOwnership=BucketOwnerEnforced}]"
        elif command in ("iam tag-role", "iam tag-user"):
            kind = command.rpartition("-")[2]
            assert (kind, options[f"{kind}-name"]) == (self.kind, self.identity)
            tag = pairs_of(options["tags"])
            (administrator.tag_role if kind == "role" else administrator.tag_user)(
                self.identity, {tag["Key"]: tag["Value"]}
            )
        elif command == "iam update-role":
            seconds = int(options["max-session-duration"])
            administrator.apply_trust(options["role-name"], self.printed("trust"), max_session_seconds=seconds)
        elif command == "iam update-assume-role-policy":
            administrator.apply_trust(options["role-name"], options["policy-document"])
        elif command == "iam put-role-policy":
            administrator.apply_permissions("role", options["role-name"], options["policy-document"])
        else:
            raise AssertionError(f"an administrator was told to run: aws {command}")

    def permissions(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.printed("iam"))
        return document
