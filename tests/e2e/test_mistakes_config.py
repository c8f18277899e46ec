"""Mistakes of a newcomer before anybody is contacted: in the file, in its place, in the words behind `sluice`. Each is
told by its field, with its cause and its cure, by every command alike, and never with a value that may be a secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from newcomer import GOOD, HOST, ROLE, Newcomer
from scene import Scene

pytestmark = pytest.mark.mistakes

KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


@dataclass(frozen=True)
class FormMistake:
    """`cause` stands in the problem and `cure` in the remedy of `field` ("": the file as a whole)."""

    id: str
    make: Callable[[Newcomer], None]
    field: str
    cause: str
    cure: str
    hidden: str = ""  # must stand in no output


@dataclass(frozen=True)
class WordMistake:
    """`words` behind `sluice`; what must stand on standard error."""

    id: str
    words: tuple[str, ...]
    told: tuple[str, ...]
    hidden: str = ""


def field(group: str, name: str, value: Any) -> Callable[[Newcomer], None]:
    def make(person: Newcomer) -> None:
        (person.settings[group] if group else person.settings)[name] = value

    return make


def group(name: str, **members: Any) -> Callable[[Newcomer], None]:
    return field("", name, members)


def text(content: str | bytes) -> Callable[[Newcomer], None]:
    def make(person: Newcomer) -> None:
        person.text = content.encode() if isinstance(content, str) else content

    return make


def flat(person: Newcomer) -> None:
    person.text = (f"name: acme\nWorkgroup name: analytics\nhost: {HOST}\nDatabase: dev\nbucketName: acme-staging\n"
                   f"bucket_region: us-east-1\nroleArn: {ROLE}\n").encode()  # fmt: skip


WHOLE = "name: acme\n"
FORM = [
    FormMistake("keys_swapped", group("auth", access_key_id=SECRET, secret_access_key=KEY_ID), "auth.access_key_id",
                "looks like a secret", "swapped", SECRET),
    FormMistake("secret_is_an_id", group("auth", access_key_id=KEY_ID, secret_access_key=KEY_ID),
                "auth.secret_access_key", "looks like an access key ID", "swapped", KEY_ID),
    FormMistake("keys_in_the_bucket", field("staging", "bucket", f"s3n://{KEY_ID}:{SECRET}@acme"), "staging.bucket",
                "a key or a token", "${NAME}", SECRET),
    FormMistake("jdbc_url_with_a_secret",
                field("redshift", "host", f"jdbc:redshift:iam://h/dev?SecretAccessKey={SECRET}"), "redshift.host",
                "a key or a token", "${file:PATH}", SECRET),
    FormMistake("secret_as_session_name", field("auth", "session_name", SECRET), "auth.session_name",
                "a key or a token", "${NAME}", SECRET),
    FormMistake("password_in_the_host",
                group("destination", type="postgres", host="sluice:hunter2@db", database="d", user="u"),
                "destination.host", "more in it than a host", "password:", "hunter2"),
    FormMistake("port_behind_the_host",
                group("destination", type="postgres", host="db.acme.com:5432", database="d", user="u"),
                "destination.host", "port behind it", "port: 5432"),
    FormMistake("variable_without_braces", field("redshift", "host", "$REDSHIFT_HOST"), "redshift.host",
                "$NAME", "${REDSHIFT_HOST}"),
    FormMistake("secret_variable_without_braces",
                group("auth", access_key_id=KEY_ID, secret_access_key="$SECRET_KEY"), "auth.secret_access_key",
                "$NAME", "${NAME}"),
    FormMistake("streams_are_texts", field("", "streams", ["sales.orders"]), "streams[0]", "is a text",
                "- table: sales.orders"),
    FormMistake("streams_is_a_text", field("", "streams", "sales.orders"), "streams", "is a text",
                "streams:\n  - table: sales.orders"),
    FormMistake("streams_is_a_group", field("", "streams", {"sales.orders": {}}), "streams", "not a list",
                "- table: schema.table"),
    FormMistake("three_part_name", field("", "streams", [{"table": "shared_db.public.orders"}]), "streams[0].table",
                "more than two parts", "- name: public.orders\n    sql: SELECT * FROM shared_db.public.orders"),
    FormMistake("flat_workgroup", flat, "Workgroup name", "outside its group", "redshift:\n  workgroup: ..."),
    FormMistake("flat_host", flat, "host", "outside its group", "redshift:\n  host: ..."),
    FormMistake("flat_database", flat, "Database", "outside its group", "redshift:\n  database: ..."),
    FormMistake("flat_bucket", flat, "bucketName", "outside its group", "staging:\n  bucket: ..."),
    FormMistake("flat_bucket_region", flat, "bucket_region", "outside its group", "staging:\n  region: ..."),
    FormMistake("flat_role", flat, "roleArn", "outside its group", "auth:\n  role_arn: ..."),
    FormMistake("bucket_in_redshift", field("redshift", "s3_bucket", "acme-staging"), "redshift.s3_bucket",
                "outside its group", "staging:\n  bucket: ..."),
    FormMistake("another_tools_spelling", group("auth", accessKeyId=KEY_ID, secret_access_key="${S:-x}"),
                "auth.accessKeyId", "not a field", "Did you mean access_key_id"),
    FormMistake("password_of_the_database", field("redshift", "password", "hunter2"), "redshift.password",
                "is not needed", "Leave it out", "hunter2"),
    FormMistake("tables_for_streams", field("", "tables", ["sales.orders"]), "tables", "tables stand in streams",
                "streams:\n  - table:"),
    FormMistake("two_ports", field("redshift", "host", f"{HOST}:5440"), "redshift.port", "the host says 5440",
                "Keep the one"),
    FormMistake("api_address_as_host", field("redshift", "host", "https://example.com"), "redshift.host",
                "cannot be used", ""),
    FormMistake("two_ways_to_log_in", group("auth", role_arn=ROLE, profile="acme"), "auth",
                "more than one way", "exactly one"),
    FormMistake("merge_key", text(f"name: acme\nauth: {{ role_arn: '{ROLE}', <<: [a] }}\n"), "",
                "merges (<<) what is not a group", "<<: *name"),
    FormMistake("alias_of_nothing", text("name: *n\n"), "", "an alias in YAML", "Put quotes"),
    FormMistake("key_twice", text(f"{WHOLE}name: acme\n"), "name", "second time", "Keep one"),
    FormMistake("indented_by_a_tab", text(f"{WHOLE}redshift:\n\thost: x\n"), "", "a tab", "spaces"),
    FormMistake("utf_16", text(WHOLE.encode("utf-16")), "", "UTF-16", "UTF-8"),
    FormMistake("empty_file", text(""), "", "is empty", "sluice init"),
    FormMistake("blank_file", text("# nothing yet\n\n"), "", "is empty", "sluice init"),
]  # fmt: skip

WORDS = [
    WordMistake("command_misspelt", ("synk",), ("Did you mean sluice sync?",)),
    WordMistake("option_misspelt", ("sync", "--dryrun"), ("Did you mean --dry-run?",)),
    WordMistake("subcommand_misspelt", ("config", "valdate"), ("Did you mean sluice config validate?",)),
    WordMistake("empty_flag", ("init", "--workgroup", "", "--host", HOST), ("--workgroup is empty",)),
    WordMistake("forgotten_value", ("init", "--workgroup", "--host", HOST), ("--workgroup needs a value", "--host")),
    WordMistake("secret_as_an_argument", ("init", "--secret-access-key", SECRET),
                ("--secret-access-key-file",), SECRET),
    WordMistake("secret_as_a_choice", ("init", "--auth", SECRET), ("--auth is none of",), SECRET),
    WordMistake("secret_as_a_stream", ("sync", f"x:{SECRET}@y"), ("looks like a key",), SECRET),
    WordMistake("address_as_the_file", ("-c", f"s3://u:{SECRET}@b/x", "check"),
                ("--config holds what looks like a secret",), SECRET),
    WordMistake("file_misspelt", ("-c", "sluce.yaml", "check"), ("does not exist", "sluice init")),
    WordMistake("folder_as_the_file", ("-c", ".", "check"), ("is a folder", "sluice.yaml")),
]  # fmt: skip

MISTAKES = [*FORM, *WORDS]


@pytest.fixture
def person(tmp_path: Path) -> Newcomer:
    return Newcomer(tmp_path)


def test_there_are_enough() -> None:
    ids = [m.id for m in MISTAKES]
    assert len(set(ids)) == len(ids) >= 25


def test_the_good_file_has_no_problem(person: Newcomer) -> None:
    person.write()
    assert person.problems() == []
    assert person.settings == GOOD


@pytest.mark.parametrize("mistake", FORM, ids=lambda m: m.id)
def test_mistake_in_the_file_is_told_with_its_cause_and_cure(person: Newcomer, mistake: FormMistake) -> None:
    mistake.make(person)
    person.write()
    told = [p for p in person.problems() if p["field"] == mistake.field]
    assert told, person.problems()
    assert any(mistake.cause in p["problem"] and mistake.cure in p["remedy"] for p in told), told
    everything = ""
    for command in (["check"], ["sync"], ["discover"], ["status"], ["config", "validate"], ["setup", "--offline"]):
        for json_too in ([], ["--json"]):
            finished = person.run(*command, *json_too)
            assert finished.exit_code == 2, finished
            everything += finished.stdout + finished.stderr
    assert not mistake.hidden or mistake.hidden not in everything
    assert not (person.folder / "acme.duckdb").exists()


@pytest.mark.parametrize("mistake", WORDS, ids=lambda m: m.id)
def test_mistake_in_the_words_is_told(person: Newcomer, mistake: WordMistake) -> None:
    person.write()
    finished = person.run(*mistake.words)
    assert finished.exit_code == 2, finished
    for words in mistake.told:
        assert words in finished.stderr
    assert not mistake.hidden or mistake.hidden not in finished.stdout + finished.stderr


def test_a_secret_that_others_may_read_is_a_warning(make_scene: Callable[[str, str], Scene]) -> None:
    scene = make_scene("secret_readable", "keys")
    harness = scene.harness
    harness.settings["auth"]["secret_access_key"] = harness.variables["SANDBOX_KEYS_SECRET_ACCESS_KEY"]
    config = harness.write_config()
    for mode, warned in ((0o644, True), (0o640, True), (0o604, True), (0o600, False)):
        config.chmod(mode)
        finished = harness.run("check", "--json", config=config)
        assert finished.exit_code == 0, finished
        told = [f for f in finished.json["findings"] if f["id"] == "configuration.secret_readable"]
        assert bool(told) == warned
        if told:
            assert (told[0]["severity"], told[0]["subject"]) == ("warning", "auth.secret_access_key")
            assert f"chmod 600 {config}" in told[0]["remedy"]
            assert "${file:PATH}" in told[0]["remedy"]
            assert finished.json["counts"]["warning"] >= 1
        valid = harness.run("config", "validate", "--json", config=config)
        assert valid.exit_code == 0
        assert [w["field"] for w in valid.json["warnings"]] == (["auth.secret_access_key"] if warned else [])
        assert ("chmod 600" in harness.run("config", "validate", config=config).stdout) == warned
        assert ("chmod 600" in harness.run("sync", "--dry-run", config=config).stderr) == warned
    assert not any(harness.variables["SANDBOX_KEYS_SECRET_ACCESS_KEY"] in text for text in harness.outputs)


def test_rights_for_a_root_of_another_spelling_are_told(make_scene: Callable[[str, str], Scene]) -> None:
    """`a_b` wrote beneath `a-b` once; a policy that names that folder is red, with what setup prints."""
    scene = make_scene("narrow_root", "role")
    scene.settings["name"] = "a_b"
    scene.change_rights("Objects", Resource=f"arn:aws:s3:::{scene.bucket_name}/sluice/a-b/*")
    finished = scene.harness.run("check", "--json")
    told = [f for f in finished.json["findings"] if f["id"] == "bucket_rights.no_put"]
    assert finished.exit_code == 1
    assert told and f"arn:aws:s3:::{scene.bucket_name}/sluice/*" in told[0]["remedy"]
    policy = json.loads(scene.harness.run("setup", "iam", "--offline").stdout)
    objects = next(s for s in policy["Statement"] if s["Sid"] == "Objects")
    assert objects["Resource"] == f"arn:aws:s3:::{scene.bucket_name}/sluice/*"
    scene.set_rights(scene.rights)
    assert scene.harness.run("check").exit_code == 0
