"""A stream's `sql` is one SELECT: nothing else of it reaches the source, whatever command reads it."""

from __future__ import annotations

import pytest
from harness import Finished, Harness, streams_of

pytestmark = pytest.mark.e2e

# A dollar sign is written twice in a configuration. Each makes or empties a table, if any part of it is run for itself.
HOSTILE = {
    "closes_the_bracket": "SELECT 1 AS a) AS x; CREATE TABLE tpch.own (i int); SELECT * FROM (SELECT 2 AS b",
    "second_statement": "SELECT 1 AS a; CREATE TABLE tpch.own (i int)",
    "behind_a_comment": "SELECT 1 AS a -- ;\n; CREATE TABLE tpch.own (i int); --",
    "behind_an_escape": "SELECT 'a\\'' AS a) AS x; CREATE TABLE tpch.own (i int); SELECT * FROM (SELECT 2 AS b",
    "behind_dollars": "SELECT $$$$'$$$$ AS a) AS x; CREATE TABLE tpch.own (i int); SELECT * FROM (SELECT $$$$'$$$$ b",
    "behind_a_name": "SELECT 1 AS \"a'\") AS x; CREATE TABLE tpch.own (i int); SELECT * FROM (SELECT 2 AS \"'\"",
    "nested_comment": "SELECT 1 /* /* */ */ AS a) AS x; CREATE TABLE tpch.own (i int); SELECT * FROM (SELECT 2 b",
    "select_into": "SELECT 1 AS i INTO tpch.own",
    "with_insert": "WITH x AS (INSERT INTO tpch.nation SELECT * FROM tpch.nation) SELECT 1 AS a",
    "statement": "CREATE TABLE tpch.own AS SELECT 1 AS i",
    "explain": "EXPLAIN ANALYZE SELECT 1",
    "values": "VALUES (1)",
}
COMMANDS = (("config", "validate"), ("check",), ("sync", "--dry-run"), ("sync",))


def planted(harness: Harness) -> bool:
    found = harness.source("SELECT count(*) FROM pg_class WHERE relname = 'own'")
    return bool(found[0][0])


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_single_select_is_refused_by_every_command_alike(harness: Harness, name: str) -> None:
    # G19: A query of the configuration is run as one SELECT or not at all.
    harness.settings["streams"] = [{"name": "q", "sql": HOSTILE[name]}]
    harness.sandbox.meter.reset()
    for command in COMMANDS:
        finished: Finished = harness.run(*command, "--json")
        assert finished.exit_code == 2, (command, finished)
        (problem,) = finished.json["problems"]
        assert problem["field"] == "streams[0].sql" and "of the query" in problem["problem"], problem
        assert problem["remedy"]
    assert harness.sandbox.meter.statements == 0, "nobody was asked"
    assert not planted(harness)


@pytest.mark.parametrize(
    "sql",
    [
        "-- what it is for\nSELECT 1 AS a",
        "/* what ; it ) is for */ SELECT 1 AS a",
        "SELECT 1 AS a;",
        "SELECT 1 AS a ; -- the end",
        "SELECT 1 AS a -- the end",
        "SELECT 1 AS a /* the ' end */ ;\n\n",
        "SELECT /* one /* nested */ */ 1 -- ;\n AS a",
        "WITH x AS (SELECT 1 AS a) SELECT a FROM x LIMIT 1",
        "(SELECT 1 AS a) UNION (SELECT 1 AS a)",
    ],
)
def test_what_stands_around_a_select_does_no_harm(harness: Harness, sql: str) -> None:
    harness.settings["streams"] = [{"name": "q", "sql": sql}]
    assert harness.run("check", "--json").exit_code == 0
    harness.sync()
    assert harness.query("SELECT a FROM main.q") == [(1,)]


def test_signs_within_literals_and_names_are_data(harness: Harness) -> None:
    sql = "SELECT 'a;)--/*''' AS a, 'b\\'c\\\\' AS b, $$$$d';--$$$$ AS d, \"e;\"\")--\" AS e"
    sql += " FROM (SELECT 'f' AS \"e;\"\")--\") g"
    harness.settings["streams"] = [{"name": "q", "sql": sql}]
    harness.sync()
    assert harness.query("SELECT a, b, d, e FROM main.q") == [("a;)--/*'", "b'c\\", "d';--", "f")]


def test_a_syntax_error_shows_the_word_at_which_it_stands_and_no_literal(harness: Harness) -> None:
    harness.settings["streams"] = [
        {"name": "typo", "sql": "SELECT * FORM tpch.nation WHERE n_name = 'hunter2'"},
        {"name": "literal", "sql": "SELECT n_name FROM tpch.nation WHERE n_name LIKE 'a' 'hunter2'"},
    ]
    finished = harness.run("sync", "--json")
    streams = streams_of(finished)
    assert "hunter2" not in finished.stdout + finished.stderr
    assert '"FORM"' in streams["typo"]["error"]["message"], streams
    assert streams["literal"]["error"]["message"].endswith('at or near "..."'), streams
