# Goal: UNLOAD of a standard client is understood, refused and escaped as Redshift does it.

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from reading import local_parts, rows

from redshift_sandbox.testing import RunningSandbox, keys_clause

Prefix = Callable[[], str]

# Where escaping fails first.
HARD_TEXTS = [
    "a\\b'c", "it's", "''", "\\", "\\\\", "\\n", "line\nbreak", "tab\there", "größe 日本語 😀", "$$", "$1 $$x$$",
    "-- no comment", "/* nor */ this", "a;b",
    '"quoted"', "100%", "%s", "{}", "\\'", "'\\", "E'x'", "limit 1", "\u00a0", "$tag$'$tag$",
]  # fmt: skip


def literal(value: str) -> str:
    """Level 1 of the two levels."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def test_b36_options_in_any_order(sandbox: RunningSandbox, prefix: Prefix) -> None:
    keys = sandbox.role_keys()
    options = [keys_clause(keys), "FORMAT AS PARQUET", "MANIFEST VERBOSE", "MAXFILESIZE 256 MB", "REGION 'us-east-1'"]
    orders = list(itertools.permutations(options))[:: 24]
    with sandbox.connect() as connection:
        for order in orders:
            where = prefix()
            text = f"UNLOAD ('SELECT 7 AS seven') TO 's3://acme-sluice-staging/{where}' " + " ".join(order)
            assert connection.execute(text.encode()).statusmessage == "UNLOAD"
            assert sandbox.manifest(where)["meta"]["record_count"] == 1


@pytest.mark.parametrize("options", ["AS PARQUET", "PARQUET"])
def test_b36_as_is_optional(sandbox: RunningSandbox, prefix: Prefix, options: str) -> None:
    where = prefix()
    with sandbox.connect() as connection:
        text = f"FORMAT {options} MAXFILESIZE AS 64 MB REGION AS 'us-east-1'"
        sandbox.unload(connection, "SELECT 1 AS a", where, text)
    assert [key for key in sandbox.objects(where) if key.endswith(".parquet")]


@pytest.mark.parametrize("options", [
    *(f"FORMAT PARQUET {option}" for option in
      ("DELIMITER ','", "FIXEDWIDTH 'a:1'", "ADDQUOTES", "ESCAPE", "NULL AS 'x'", "HEADER", "GZIP", "BZIP2", "ZSTD")),
    *(f"FORMAT CSV {option}" for option in ("ESCAPE", "FIXEDWIDTH 'a:1'", "ADDQUOTES")),
    *(f"FORMAT JSON {option}" for option in
      ("DELIMITER ','", "HEADER", "FIXEDWIDTH 'a:1'", "ADDQUOTES", "ESCAPE", "NULL AS 'x'")),
    "FORMAT PARQUET ALLOWOVERWRITE CLEANPATH", "FORMAT PARQUET KMS_KEY_ID 'k'", "FORMAT PARQUET VERBOSE",
    "FORMAT PARQUET IAM_ROLE default", "FORMAT PARQUET ROWGROUPSIZE 32 MB", "FORMAT PARQUET MAXFILESIZE 1 MB",
])  # fmt: skip
def test_b36_forbidden_combinations(sandbox: RunningSandbox, prefix: Prefix, options: str) -> None:
    where = prefix()
    with sandbox.connect() as connection, pytest.raises(psycopg.Error) as caught:
        sandbox.unload(connection, "SELECT 1 AS a", where, options)
    assert caught.value.sqlstate in {"42601", "0A000", "22023"}
    assert sandbox.objects(where) == []


def test_b37_values_survive_both_levels(sandbox: RunningSandbox, prefix: Prefix, tmp_path: Path) -> None:
    where = prefix()
    select = " UNION ALL ".join(f"SELECT {i} AS id, {literal(text)} AS value" for i, text in enumerate(HARD_TEXTS))
    with sandbox.connect() as connection:
        sandbox.unload(connection, select, where)
    assert rows(local_parts(sandbox, where, tmp_path)) == list(enumerate(HARD_TEXTS))


def test_b37_filters_meet_exactly_their_row(sandbox: RunningSandbox, prefix: Prefix) -> None:
    with sandbox.connect() as connection:
        for text in ("it's \"quoted\"", "back\\slash\\\\", "tab\tnew\nline\r\nend", "größe 数 😀 é"):
            where = prefix()
            sandbox.unload(connection, f"SELECT id FROM types.types_plain WHERE a_varchar = {literal(text)}", where)
            assert sandbox.manifest(where)["meta"]["record_count"] == 1, text


def test_names_survive(sandbox: RunningSandbox, prefix: Prefix, tmp_path: Path) -> None:
    where = prefix()
    with sandbox.connect() as connection:
        connection.execute("SET enable_case_sensitive_identifier TO true")
        names = ["id", "Mixed Case", "select", 'with "quote"', "back\\slash", "größe", "1st", "semi;colon--", "it's"]
        columns = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
        sandbox.unload(connection, f"SELECT {columns} FROM types.odd_names", where)
    assert [element["name"] for element in sandbox.manifest(where)["schema"]["elements"]] == names
    assert rows(local_parts(sandbox, where, tmp_path))[0] == (1, 1, "a", "b", "c", "d", 2, 3, 4)


def test_b37_single_escaping_silently_yields_no_row(sandbox: RunningSandbox, prefix: Prefix) -> None:
    select = f"SELECT id FROM types.types_plain WHERE a_varchar = {literal('back' + chr(92) + 'slash' + chr(92) * 2)}"
    doubled_quotes_alone = select.replace("'", "''")
    where = prefix()
    keys = keys_clause(sandbox.role_keys())
    with sandbox.connect() as connection:
        target = f"TO 's3://acme-sluice-staging/{where}' {keys} FORMAT PARQUET MANIFEST"
        assert connection.execute(f"UNLOAD ('{doubled_quotes_alone}') {target}".encode()).statusmessage == "UNLOAD"
    assert sandbox.objects(where) == []


@pytest.mark.parametrize("select", [
    "SELECT r_name FROM tpch.region LIMIT 2", "SELECT r_name FROM tpch.region\nORDER BY 1 limit 2",
    "(SELECT r_name FROM tpch.region LIMIT 2)",
])  # fmt: skip
def test_b38_outer_limit_is_refused(sandbox: RunningSandbox, prefix: Prefix, select: str) -> None:
    where = prefix()
    with sandbox.connect() as connection, pytest.raises(psycopg.Error) as caught:
        sandbox.unload(connection, select, where)
    assert caught.value.sqlstate == "42601"
    assert caught.value.diag.message_primary == "Limit clause is not supported"
    assert sandbox.objects(where) == []


def test_b38_nested_limit_works(sandbox: RunningSandbox, prefix: Prefix) -> None:
    where = prefix()
    with sandbox.connect() as connection:
        sandbox.unload(connection, "SELECT * FROM (SELECT r_name FROM tpch.region LIMIT 2) AS two", where)
    assert sandbox.manifest(where)["meta"]["record_count"] == 2


@pytest.mark.parametrize(("select", "sqlstate", "message"), [
    ("SELECT nothing FROM tpch.region", "42703", 'column "nothing" does not exist in region'),
    ("SELECT r.nothing FROM tpch.region AS r JOIN tpch.nation AS n ON true", "42703",
     'column "nothing" does not exist in region, nation'),
    ("SELECT * FROM types.no_grant", "42501", "permission denied for relation no_grant"),
    ("SELECT * FROM tpch.nowhere", "42P01", 'relation "tpch.nowhere" does not exist'),
    ("SELECT * FROM pg_sandbox.query_history", "42501", "permission denied for schema pg_sandbox"),
    ("SELECT FROM WHERE", "42601", 'syntax error at or near "WHERE"'),
])  # fmt: skip
def test_the_select_is_checked_before_anything_is_written(
    sandbox: RunningSandbox, prefix: Prefix, select: str, sqlstate: str, message: str
) -> None:
    where = prefix()
    with sandbox.connect() as connection, pytest.raises(psycopg.Error) as caught:
        sandbox.unload(connection, select, where)
    assert (caught.value.sqlstate, caught.value.diag.message_primary) == (sqlstate, message)
    assert sandbox.objects(where) == []
