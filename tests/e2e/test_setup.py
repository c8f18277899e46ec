"""Goal: each part that `sluice setup` prints is whole in its own language and says the same as the others; asking AWS
helps and never fails; completions and the manual page are those of the program that prints them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import hcl
import pytest
from administrator import PARTS, shell_commands
from harness import PROGRAM, Harness
from redshift_sandbox import account

pytestmark = pytest.mark.setup
TRICKY = "odd\" ${name} %{if} <<X 'q'"


def printed(harness: Harness, part: str, *flags: str) -> str:
    finished = harness.run("setup", part, *flags)
    assert finished.exit_code == 0, finished
    return finished.stdout


@pytest.fixture(params=["role", "keys"])
def ready(request: pytest.FixtureRequest, connect: Callable[..., Harness]) -> Harness:
    harness = connect(request.param)
    harness.settings["streams"] = [{"table": "types.types_plain"}]
    return harness


@pytest.mark.parametrize("asked", [(), ("--offline",)], ids=["asked", "offline"])
def test_every_part_is_whole(ready: Harness, asked: tuple[str, ...]) -> None:
    for part in ("iam", "trust"):
        text = printed(ready, part, *asked)
        if part == "trust" and ready.auth == "keys" and not asked:
            assert text == ""
            continue
        if text:
            assert json.loads(text)["Version"] == "2012-10-17"
    for part in ("network", "bucket", "tag", "unload-role"):
        text = printed(ready, part, *asked)
        # Placeholders would be taken for redirections; whoever pastes has filled them in.
        for command in shell_commands(re.sub(r"<([A-Z_]+)>", r"\1", text)):
            assert len(command) >= 4
    for statement in printed(ready, "sql", *asked).splitlines():
        assert statement.startswith(("--", "CREATE USER ", "GRANT ")), statement
        assert statement.startswith("--") or statement.endswith(";")


def test_terraform_is_well_formed_and_says_what_the_parts_say(ready: Harness) -> None:
    ready.settings["staging"]["kms_key"] = "auto"
    ready.settings["staging"]["unload_role"] = "default"
    text = printed(ready, "terraform", "--bucket-account", "333333333333", "--owner", TRICKY)
    root = hcl.parse(text)
    resources = {tuple(block.labels): block for block in root.blocks if block.type == "resource"}
    label = "sluice_" + re.sub("[^A-Za-z0-9]", "_", ready.name)
    kind = "role" if ready.auth == "role" else "user"
    variables = {block.labels[0] for block in root.blocks if block.type == "variable"}
    assert variables == set(re.findall(r"\$\{var\.(\w+)\}", text))

    def as_placeholders(document: str) -> object:
        return json.loads(re.sub(r"\$\{var\.(\w+)\}", lambda m: f"<{m[1].upper()}>", document))

    flags = ("--bucket-account", "333333333333", "--owner", TRICKY)
    policy = resources[f"aws_iam_{kind}_policy", label].attributes["policy"]
    assert as_placeholders(policy) == json.loads(printed(ready, "iam", *flags))
    if kind == "role":
        trust = resources["aws_iam_role", label].attributes["assume_role_policy"]
        assert as_placeholders(trust) == json.loads(printed(ready, "trust", *flags))
    for block in ("public_access_block", "ownership_controls", "lifecycle_configuration", "policy"):
        assert resources[f"aws_s3_bucket_{block}", label].attributes["bucket"] == f"aws_s3_bucket.{label}.id"
    assert resources["aws_vpc_security_group_ingress_rule", label].attributes["from_port"] == ready.sandbox.facts.port
    sql = next(block for block in root.blocks if block.type == "locals").attributes[f"{label}_sql"]
    assert sql == printed(ready, "sql", *flags)
    assert '"odd"" ${name} %{if} <<X' in sql


@pytest.mark.parametrize("damage", ["}", '"\n', "SLUICE_TEXT\n", " = "])
def test_the_checker_of_terraform_sees_damage(ready: Harness, damage: str) -> None:
    text = printed(ready, "terraform")
    hcl.parse(text)
    at = text.rindex(damage)
    with pytest.raises(AssertionError):
        hcl.parse(text[:at] + text[at + len(damage) :])


def test_all_parts_are_told_with_who_runs_what(ready: Harness) -> None:
    finished = ready.run("setup")
    assert finished.exit_code == 0
    order = [finished.stdout.index(f"(sluice setup {part})") for part in ("network", "sql", "bucket", "iam")]
    assert order == sorted(order)
    document = ready.run("setup", "--json").json
    for part in PARTS:
        assert isinstance(document[part.replace("-", "_")], str)
    assert document["command"] == "setup"
    assert document["exit_code"] == 0
    if ready.auth == "role":
        assert json.loads(document["trust"])["Statement"][0]["Principal"]["AWS"] == ready.sandbox.base_arn


def test_what_aws_knows_is_filled_in(harness: Harness) -> None:
    """The base may look at the workgroup where the connecting role may not."""
    identity, sandbox = harness.sandbox.aws.identity, harness.sandbox
    look = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", "Action": [
        "redshift-serverless:GetWorkgroup", "redshift-serverless:GetNamespace"]}]}  # fmt: skip
    assert "<WORKGROUP_ID>" in printed(harness, "iam")
    identity.put_identity_policy(account.ACCOUNT, "role", account.ROLE, "look", look)
    try:
        finished = harness.run("setup", "iam")
        assert sandbox.workgroup_arn in finished.stdout
        assert "<" not in finished.stdout
        assert finished.stderr == ""
    finally:
        identity.put_identity_policy(account.ACCOUNT, "role", account.ROLE, "look", None)


def test_nobody_to_ask_is_a_note(harness: Harness) -> None:
    harness.variables["AWS_ENDPOINT_URL"] = "https://127.0.0.1:1"
    finished = harness.run("setup", "trust")
    assert finished.exit_code == 0
    assert "<SLUICE_PRINCIPAL_ARN>" in finished.stdout
    assert "AWS did not tell who assumes the role" in finished.stderr
    quiet = harness.run("setup", "trust", "--offline")
    assert quiet.stdout == finished.stdout
    assert "did not tell" not in quiet.stderr


def test_nothing_is_applied(harness: Harness) -> None:
    before = len(list(harness.sandbox.log.entries()))
    assert harness.run("setup").exit_code == 0
    operations = [str(entry.get("operation", entry.get("event", ""))) for entry in harness.sandbox.log.entries()][
        before:
    ]
    assert operations
    for operation in operations:
        assert operation in ("GetCallerIdentity", "AssumeRole", "GetWorkgroup", "GetNamespace", "GetCredentials"), (
            operation
        )


# -- completion and manual --------------------------------------------------------------------------


def run(*words: str) -> str:
    return subprocess.run([str(PROGRAM), *words], capture_output=True, text=True, check=True).stdout


def complete(*words: str, folder: Path) -> set[str]:
    """What bash proposes for the last of `words`."""
    line = " ".join(f"'{word}'" for word in words)
    script = run("completion", "bash") + f"COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _sluice\n"
    script += 'printf "%s\\n" "${COMPREPLY[@]}"'
    ran = subprocess.run(["bash", "-uc", script], capture_output=True, text=True, check=True, cwd=folder)
    assert ran.stderr == ""
    return set(ran.stdout.split())


def test_bash_completes_commands_options_and_choices(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").touch()
    assert {"init", "setup", "check", "sync", "config"} <= complete("sluice", "", folder=tmp_path)
    assert complete("sluice", "ini", folder=tmp_path) == {"init"}
    assert complete("sluice", "config", "", folder=tmp_path) >= {"validate", "schema"}
    assert complete("sluice", "setup", "ne", folder=tmp_path) == {"network"}
    assert complete("sluice", "setup", "--pattern", "", folder=tmp_path) == {"A", "B", "C", "D"}
    assert complete("sluice", "-c", "acm", folder=tmp_path) == {"acme.yaml"}
    # A value that is spelt like a command is none.
    assert complete("sluice", "-c", "check", "sync", "--dry", folder=tmp_path) == {"--dry-run"}
    assert complete("sluice", "setup", "--owner", "", folder=tmp_path) == set()


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_take_their_scripts(shell: str, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(run("completion", shell))
    text = script.read_text()
    for word in ("init", "setup", "validate", "unload-role", "pattern"):
        assert word in text
    if shutil.which(shell):
        subprocess.run([shell, "-n", str(script)], check=True)
    else:  # quotes at least pair up, which is what goes wrong first
        for line in text.splitlines():
            plain = line.replace("'\\''", "").replace("\\'", "")
            assert plain.count("'") % 2 == 0 or line.startswith("#"), line


def test_the_manual_page_is_without_fault_and_complete() -> None:
    page = run("man")
    ran = subprocess.run(
        ["groff", "-man", "-Tascii", "-ww", "-P-cbou"], input=page, capture_output=True, text=True, check=True
    )
    assert ran.stderr == ""
    shown = re.sub(r"\s+", " ", ran.stdout)
    help_text = run("--help")
    commands = re.findall(r"^  ([a-z]+) {2,}\S", help_text.split("Subcommands:")[-1], flags=re.MULTILINE)
    assert {"init", "setup", "check", "sync"} <= set(commands)
    for command in commands:
        assert f"sluice {command}" in shown
        for option in re.findall(r"--[a-z][a-z-]+", run(command, "--help")):
            assert option in shown.replace("- ", "-"), (command, option)
