"""Goal: a stranger with the guide's eight values gets a configuration that works, by answering or by flags; whatever is
typed wrong is refused at once, no secret is shown or lands in the configuration, and nothing is half-written."""

from __future__ import annotations

import json
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from harness import PROGRAM, Finished, Harness
from terminal import Terminal

pytestmark = pytest.mark.init
HOST = "analytics.123456789012.us-east-1.redshift-serverless.amazonaws.com"
ROLE = "arn:aws:iam::123456789012:role/sluice-reader"
SECRET = "wJalrXUtnFEMIzzzK7MDENGzzzbPxRfiCYEXAMPL"
KEY_ID = "AKIAIOSFODNN7EXAMPLE"
GOOD_FLAGS = {"--name": "acme", "--host": HOST, "--bucket": "acme-staging", "--role-arn": ROLE}


@pytest.fixture
def person(harness: Harness) -> Harness:
    """Has no configuration yet."""
    return harness


def init(person: Harness, *flags: str) -> Finished:
    return person.run("init", *flags, config=config_of(person))


def config_of(person: Harness) -> Path:
    return person.folder / "sluice.yaml"


def words(flags: dict[str, str]) -> list[str]:
    return [word for pair in flags.items() for word in pair]


def at_terminal(person: Harness, *flags: str) -> Terminal:
    return Terminal([str(PROGRAM), "-c", "sluice.yaml", "init", *flags], person.folder, person.variables)


def read(person: Harness) -> dict[str, object]:
    loaded: dict[str, object] = yaml.safe_load(config_of(person).read_text())
    return loaded


def assert_valid(person: Harness) -> None:
    finished = person.run("config", "validate", config=config_of(person))
    assert finished.exit_code == 0, finished


def assert_nothing_written(person: Harness) -> None:
    left = {path.name for path in person.folder.iterdir()} - {"home"}
    assert left == set()


# -- the dialogue -----------------------------------------------------------------------------------


def test_a_person_answers_and_corrects_himself(person: Harness) -> None:
    person.variables["SLUICE_EXTERNAL_ID"] = "acme-42"
    with at_terminal(person) as terminal:
        terminal.wait_for("Name of this connection")
        terminal.answer("two words")
        terminal.wait_for('"two words" is not a name')
        terminal.answer("acme")
        terminal.wait_for("Workgroup")
        terminal.answer(f"  jdbc:redshift://{HOST}:5440/sales  ")
        terminal.wait_for("The workgroup is analytics.")
        assert f"[{HOST}]" in terminal.wait_for("> ")
        terminal.send("\n")
        terminal.wait_for("Port")
        assert "[5440]" in terminal.wait_for("> ")
        terminal.send("99999\n")
        terminal.wait_for('"99999" is not a port')
        terminal.answer("")
        terminal.wait_for("Database\n")
        assert "[sales]" in terminal.wait_for("> ")
        terminal.send("\n")
        terminal.wait_for("Database user")
        terminal.answer("")
        terminal.wait_for("Staging bucket")
        terminal.answer("s3://acme-staging/sluice")
        terminal.wait_for("it is an address")
        terminal.answer("acme-staging")
        terminal.wait_for("Region of the bucket")
        terminal.answer("eu-west-1")
        terminal.wait_for("How to sign in to AWS")
        terminal.answer("password")
        terminal.wait_for("none of the choices")
        terminal.answer("")
        terminal.wait_for("Role to assume")
        terminal.answer("sluice-reader")
        terminal.wait_for("is not the ARN")
        terminal.answer(ROLE)
        terminal.wait_for("External ID")
        terminal.answer("${SLUICE_EXTERNAL_ID}")
        terminal.wait_for("Destination")
        terminal.answer("")
        terminal.wait_for("Tables to bring over")
        terminal.answer("sales.orders sales.customers")
        terminal.wait_for("Wrote sluice.yaml")
        terminal.wait_for("Run the check now?")
        terminal.answer("n")
        assert terminal.finish() == 0
    assert read(person) == {
        "name": "acme",
        "redshift": {"workgroup": "analytics", "host": HOST, "port": 5440, "database": "sales"},
        "staging": {"bucket": "acme-staging", "region": "eu-west-1", "root": "sluice/"},
        "auth": {"role_arn": ROLE, "external_id": "${SLUICE_EXTERNAL_ID}"},
        "destination": {"type": "duckdb", "path": "acme.duckdb"},
        "streams": [{"table": "sales.orders"}, {"table": "sales.customers"}],
    }
    assert_valid(person)


@pytest.mark.parametrize(
    ("pasted", "host"),
    [
        (f"mine-endpoint-a1b2.{HOST.partition('.')[2]}:5439/dev", f"mine-endpoint-a1b2.{HOST.partition('.')[2]}"),
        ("warehouse.acme.com:5439/dev", "warehouse.acme.com"),
    ],
)
def test_a_host_that_does_not_tell_the_workgroup(person: Harness, pasted: str, host: str) -> None:
    flags = {"--name": "acme", "--bucket": "acme-staging", "--role-arn": ROLE, "--region": "us-east-1",
             "--bucket-region": "us-east-1"}  # fmt: skip
    with at_terminal(person, *words(flags)) as terminal:
        terminal.wait_for("Workgroup")
        terminal.answer(pasted)
        terminal.wait_for("does not tell the workgroup")
        terminal.answer("analytics")
        terminal.enter_until("Run the check now?")
        terminal.send("n\n")
        assert terminal.finish() == 0
    redshift = read(person)["redshift"]
    assert isinstance(redshift, dict)
    assert (redshift["workgroup"], redshift["host"], redshift["port"]) == ("analytics", host, 5439)
    assert_valid(person)


def test_a_secret_is_not_shown_and_kept_where_only_its_owner_reads(person: Harness) -> None:
    flags = {"--name": "acme", "--host": HOST, "--workgroup": "analytics", "--bucket": "acme-staging",
             "--access-key-id": KEY_ID}  # fmt: skip
    with at_terminal(person, *words(flags)) as terminal:
        terminal.enter_until("Where the secret access key is kept")
        terminal.send("file\n")
        terminal.enter_until("Secret access key\n")
        terminal.send("too short\n")
        terminal.wait_for("its value is not shown")
        terminal.answer(SECRET)
        terminal.enter_until("Run the check now?")
        terminal.send("n\n")
        assert terminal.finish() == 0
        assert SECRET not in terminal.screen
        assert "too short" not in terminal.screen
    assert SECRET not in config_of(person).read_text()
    kept = person.folder / "acme.secret"
    assert kept.read_text() == SECRET + "\n"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    auth = read(person)["auth"]
    assert auth == {"access_key_id": KEY_ID, "secret_access_key": "${file:acme.secret}"}
    assert_valid(person)


@pytest.mark.parametrize("ending", ["interrupt", "hang up", "end of input"])
def test_ending_early_leaves_nothing(person: Harness, ending: str) -> None:
    with at_terminal(person, *words({"--name": "acme", "--access-key-id": KEY_ID, "--host": HOST})) as terminal:
        terminal.enter_until("Staging bucket")
        if ending == "interrupt":
            terminal.send("\x03")
            terminal.wait_for("Interrupted; nothing was written.")
            assert terminal.finish() == 130
        elif ending == "end of input":
            terminal.send("\x04")
            terminal.wait_for("nothing was written")
            assert terminal.finish() == 2
    assert_nothing_written(person)


def test_interrupting_a_secret_gives_the_terminal_its_echo_back(person: Harness) -> None:
    flags = words(GOOD_FLAGS | {"--secret-store": "file", "--access-key-id": KEY_ID})
    flags = [word for word in flags if word not in ("--role-arn", ROLE)]
    with at_terminal(person, *flags) as terminal:
        terminal.enter_until("Secret access key\n")
        assert not terminal.echoes
        terminal.send("\x03")
        assert terminal.finish() == 130
        assert terminal.echoes
    assert_nothing_written(person)


def test_answers_may_come_through_a_pipe(person: Harness) -> None:
    lines = ["acme", f"{HOST}:5439/dev", "", "", "", "", "BAD", "acme-staging", "", "role", ROLE, "", "", "", "n"]
    ran = subprocess.run([str(PROGRAM), "-c", "sluice.yaml", "init"], input="\n".join(lines) + "\n", text=True,
                         capture_output=True, cwd=person.folder, env=person.variables, timeout=60)  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "\x1b" not in ran.stderr
    assert "only lower-case letters" in ran.stderr
    assert_valid(person)


# -- an existing file -------------------------------------------------------------------------------

EXISTING = f"""# Ann's connection; ask her before changing the role
streams:
  - table: sales.orders   # the big one
name: acme
auth: {{ role_arn: '{ROLE}' }}   # set up by ops
redshift:
    host: {HOST}  # pasted from the console
    workgroup: analytics

    # the database was dev before
    database: sales
staging: {{ bucket: acme-staging, region: us-east-1 }}
destination:
  type: duckdb
  path: acme.duckdb
"""


def test_an_existing_file_is_changed_and_keeps_its_comments(person: Harness) -> None:
    config_of(person).write_text(EXISTING)
    config_of(person).chmod(0o640)
    with at_terminal(person) as terminal:
        terminal.wait_for("Changing sluice.yaml")
        terminal.enter_until("Staging bucket")
        terminal.send("other-staging\n")
        terminal.enter_until("Run the check now?")
        terminal.send("n\n")
        assert terminal.finish() == 0
    expected = EXISTING.replace("acme-staging", "other-staging").replace(
        "    database: sales\n", "    database: sales\n    port: 5439\n"
    )
    assert config_of(person).read_text() == expected
    assert stat.S_IMODE(config_of(person).stat().st_mode) == 0o640
    assert_valid(person)


def test_flags_do_not_overwrite_a_file_unless_told_to(person: Harness) -> None:
    config_of(person).write_text(EXISTING)
    finished = init(person, "--non-interactive", "--port", "5440")
    assert finished.exit_code == 2
    assert "--edit" in finished.stderr
    assert "--force" in finished.stderr
    assert config_of(person).read_text() == EXISTING

    assert init(person, "--non-interactive", "--edit", "--port", "5440").exit_code == 0
    assert "port: 5440" in config_of(person).read_text()
    assert "# ask her" not in EXISTING
    for comment in ("# Ann's connection", "# the big one", "# set up by ops", "# the database was dev before"):
        assert comment in config_of(person).read_text()

    assert init(person, "--non-interactive", "--force", *words(GOOD_FLAGS)).exit_code == 0
    assert "Ann" not in config_of(person).read_text()
    assert_valid(person)


def test_a_file_that_is_no_yaml_is_left_alone(person: Harness) -> None:
    config_of(person).write_text("redshift: {\n")
    finished = init(person)
    assert finished.exit_code == 2
    assert "sluice init --force" in finished.stderr
    assert config_of(person).read_text() == "redshift: {\n"


# -- flags ------------------------------------------------------------------------------------------


def test_all_missing_answers_are_told_at_once(person: Harness) -> None:
    finished = init(person, "--non-interactive")
    assert finished.exit_code == 2
    for flag in ("--name", "--workgroup", "--host", "--bucket", "--bucket-region", "--role-arn"):
        assert flag in finished.stderr
    assert_nothing_written(person)


def test_all_bad_flags_are_told_at_once(person: Harness) -> None:
    finished = init(person, "--non-interactive", *words(GOOD_FLAGS | {"--bucket": "BAD", "--port": "x"}))
    assert finished.exit_code == 2
    assert "--bucket: " in finished.stderr
    assert "--port: " in finished.stderr
    assert_nothing_written(person)


def test_flags_alone_suffice_and_the_result_is_json_on_demand(person: Harness) -> None:
    finished = init(person, "--non-interactive", "--json", *words(GOOD_FLAGS))
    assert finished.exit_code == 0, finished
    assert finished.json["command"] == "init"
    assert finished.json["written"] is True
    assert finished.json["file"].endswith("sluice.yaml")
    assert_valid(person)


def test_a_secret_by_flag_is_a_file_and_never_a_value(person: Harness, tmp_path: Path) -> None:
    kept = tmp_path / "key"
    kept.write_text(SECRET + "\n")
    flags = GOOD_FLAGS | {"--access-key-id": KEY_ID, "--secret-access-key-file": str(kept)}
    del flags["--role-arn"]
    assert init(person, "--non-interactive", *words(flags)).exit_code == 0
    assert read(person)["auth"] == {"access_key_id": KEY_ID, "secret_access_key": f"${{file:{kept}}}"}
    assert_valid(person)
    assert init(person, "--secret-access-key", SECRET).exit_code == 2


def test_a_secret_in_the_environment_is_named_and_never_read_out(person: Harness) -> None:
    flags = GOOD_FLAGS | {"--access-key-id": KEY_ID}
    del flags["--role-arn"]
    finished = init(person, "--non-interactive", *words(flags))
    assert finished.exit_code == 0, finished
    assert "export SLUICE_SECRET_ACCESS_KEY" in finished.stderr
    person.variables["SLUICE_SECRET_ACCESS_KEY"] = SECRET
    assert_valid(person)
    assert SECRET not in "".join(person.outputs)


def test_a_folder_that_cannot_be_written_is_told(person: Harness) -> None:
    finished = person.run("init", "--non-interactive", *words(GOOD_FLAGS), config=person.folder / "no/such/sluice.yaml")
    assert finished.exit_code == 1
    assert "cannot be written: No such file or directory" in finished.stderr


# -- the three commands -----------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["answers", "flags"])
def test_init_check_and_sync_bring_rows_within_a_minute(connect: Callable[..., Harness], way: str) -> None:
    person = connect()
    facts = person.sandbox.facts
    person.variables["EXTERNAL"] = facts.card.external_id
    began = time.monotonic()
    flags = {"--sslrootcert": str(facts.ca_file), "--region": facts.region, "--bucket-region": facts.region,
             "--role-arn": facts.role_arn, "--external-id": "${EXTERNAL}",
             "--destination-path": str(person.warehouse)}  # fmt: skip
    by_hand = {"--name": person.name, "--workgroup": facts.workgroup,
               "--host": f"{facts.host}:{facts.port}/{facts.database}", "--bucket": facts.bucket,
               "--table": "types.types_plain"}  # fmt: skip
    if way == "flags":
        finished = init(person, "--non-interactive", "--check", *words(flags | by_hand))
        assert finished.exit_code == 0, finished
    else:
        with at_terminal(person, *words(flags)) as terminal:
            terminal.wait_for("Name of this connection")
            terminal.answer(by_hand["--name"])
            terminal.answer(by_hand["--workgroup"])
            terminal.answer(by_hand["--host"])
            terminal.answer("")  # port
            terminal.answer("")  # database
            terminal.answer("")  # user
            terminal.answer(by_hand["--bucket"])
            terminal.enter_until("Tables to bring over")
            terminal.send(by_hand["--table"] + "\n")
            terminal.wait_for("Run the check now?")
            terminal.answer("")
            assert terminal.finish() == 0, terminal.screen
            assert "unload" in terminal.screen.lower()
    finished = person.run("sync", "--json", config=config_of(person))
    assert finished.exit_code == 0, finished
    assert person.tables() == {"types.types_plain": person.source_count("types.types_plain")}
    assert time.monotonic() - began < 60
    person.assert_bucket_clean()


def test_nothing_secret_reaches_standard_output_or_the_log(person: Harness, tmp_path: Path) -> None:
    kept = tmp_path / "key"
    kept.write_text(SECRET)
    flags = GOOD_FLAGS | {"--access-key-id": KEY_ID, "--secret-access-key-file": str(kept)}
    del flags["--role-arn"]
    init(person, "--non-interactive", "--verbose", *words(flags))
    init(person, "--non-interactive", "--verbose", "--json", "--force", *words(flags))
    person.run("setup", "--offline", config=config_of(person))
    person.run("setup", "--offline", "--json", config=config_of(person))
    assert SECRET not in "".join(person.outputs)
    assert json.loads(person.outputs[-2])["command"] == "setup"


# -- one set of rules with `config validate` -------------------------------------------------------


def test_edit_adds_a_table_behind_those_that_are_there(person: Harness) -> None:
    config_of(person).write_text(EXISTING)
    finished = init(person, "--non-interactive", "--edit", "--table", "sales.lines", "--table", "sales.orders")
    assert finished.exit_code == 0, finished
    assert "Wrote" in finished.stderr
    assert read(person)["streams"] == [{"table": "sales.orders"}, {"table": "sales.lines"}]
    assert "  - table: sales.orders   # the big one\n  - table: sales.lines\n" in config_of(person).read_text()
    before = config_of(person).read_text()
    assert "says so already" in init(person, "--non-interactive", "--edit", "--table", "sales.lines").stderr
    assert config_of(person).read_text() == before
    finished = init(person, "--non-interactive", "--edit", "--table", "lines")
    assert finished.exit_code == 2
    assert "--table: " in finished.stderr
    assert config_of(person).read_text() == before


def test_a_table_of_a_flag_is_one_table(person: Harness) -> None:
    assert init(person, "--non-interactive", *words(GOOD_FLAGS), "--table", "sales.my orders").exit_code == 0
    assert_valid(person)
    assert 'sales"."my orders' in config_of(person).read_text().replace("\\", "")


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"--profile": "acme"}, "more than one way to log in"),
        ({"--access-key-id": KEY_ID}, "more than one way to log in"),
        ({"--auth": "profile"}, "more than one way to log in"),
        ({"--host": f"{HOST}:5440", "--port": "5439"}, "the host says 5440"),
        ({"--host": "https://example.com"}, "--host: "),
        ({"--host": f"redshift://me:hunter2@{HOST}"}, "--host: "),
        ({"--secret-store": "environment"}, "stands without keys"),
        ({"--workgroup": HOST}, "--workgroup: "),
        ({"--name": "a b"}, "--name: "),
        ({"--bucket": f"s3n://{KEY_ID}:{SECRET}@b"}, "--bucket: "),
    ],
    ids=lambda value: "" if isinstance(value, str) else "_".join(value),
)
def test_what_validate_refuses_is_refused(person: Harness, flags: dict[str, str], told: str) -> None:
    finished = init(person, "--non-interactive", *words(GOOD_FLAGS | flags))
    assert finished.exit_code == 2, finished
    assert told in finished.stderr
    for secret in ("hunter2", SECRET):
        assert secret not in finished.stderr + finished.stdout
    assert_nothing_written(person)


def test_an_edit_adds_nothing_wrong_and_keeps_what_was(person: Harness) -> None:
    config_of(person).write_text(EXISTING.replace("database: sales", "database: 1sales"))
    before = config_of(person).read_text()
    finished = init(person, "--non-interactive", "--edit", "--database", "dev", "--root", "a//b")
    assert finished.exit_code == 2
    assert "staging.root" in finished.stderr
    assert config_of(person).read_text() == before
    assert init(person, "--non-interactive", "--edit", "--database", "dev").exit_code == 0
    assert_valid(person)


def test_what_the_file_says_in_the_wrong_place_is_no_proposal(person: Harness) -> None:
    config_of(person).write_text(EXISTING.replace("bucket: acme-staging", f"bucket: 's3n://{KEY_ID}:{SECRET}@b'"))
    with at_terminal(person) as terminal:
        terminal.enter_until("Staging bucket")
        assert "[what stands there]" in terminal.screen
        terminal.send("acme-staging\n")
        terminal.enter_until("Run the check now?")
        terminal.send("n\n")
        assert terminal.finish() == 0
        assert SECRET not in terminal.screen
    assert_valid(person)


def test_an_external_id_belongs_to_a_role(person: Harness) -> None:
    flags = {name: value for name, value in GOOD_FLAGS.items() if name != "--role-arn"}
    finished = init(person, "--non-interactive", *words(flags | {"--profile": "acme", "--external-id": "x-42"}))
    assert finished.exit_code == 2
    assert "stands without a role" in finished.stderr
    assert_nothing_written(person)
