"""Redshift's SQL: settings, refusals, escapes, names, statements that PostgreSQL writes differently."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random

import psycopg
import pytest
from gateway_world import USER, World

from redshift_sandbox.contracts import SqlError
from redshift_sandbox.gateway.dialect import Dialect, translate
from redshift_sandbox.gateway.tokens import split_statements, text_of, tokenize


def one(sql: str, dialect: Dialect | None = None) -> str:
    (statement,) = translate(sql, dialect or Dialect())
    return " ".join(statement.sql.split())


@pytest.mark.parametrize(
    ("setting", "value", "shown", "default"),
    [
        ("statement_timeout", "60000", "60000", "0"),
        ("query_group", "'sluice'", "sluice", "unset"),
        ("timezone", "'Europe/Berlin'", "Europe/Berlin", "UTC"),
        ("datestyle", "'ISO, DMY'", "ISO, DMY", "ISO, MDY"),
        ("search_path", "'$user', s1", "$user, s1", "$user, public"),
        ("enable_case_sensitive_identifier", "true", "on", "off"),
    ],
)
def test_b23_set_and_show(world: World, setting: str, value: str, shown: str, default: str) -> None:
    with world.connect() as connection:
        assert connection.execute(f"SHOW {setting}").fetchone() == (default,)
        assert connection.execute(f"SET {setting} TO {value}").statusmessage == "SET"
        cursor = connection.execute(f"SHOW {setting}")
        assert cursor.fetchone() == (shown,)
        assert cursor.description is not None and cursor.description[0].name.lower() == setting
        assert cursor.statusmessage == "SHOW"
        connection.execute(f"RESET {setting}")
        assert connection.execute(f"SHOW {setting}").fetchone() == (default,)


@pytest.mark.parametrize("name", ["standard_conforming_strings", "no_such_thing", "work_mem"])
@pytest.mark.parametrize("form", ["SHOW {}", "SET {} TO 'on'", "RESET {}"])
def test_b23_unknown_names(world: World, name: str, form: str) -> None:
    with (
        world.connect() as connection,
        pytest.raises(psycopg.errors.UndefinedObject, match=f'^unrecognized configuration parameter "{name}"$'),
    ):
        connection.execute(form.format(name))


def test_settings_follow_their_transaction(world: World) -> None:
    with world.connect() as connection:
        connection.execute("BEGIN")
        connection.execute("SET enable_case_sensitive_identifier TO true")
        assert connection.execute('SELECT 1 AS "Aa"').description[0].name == "Aa"  # type: ignore[index]
        connection.execute("ROLLBACK")
        assert connection.execute("SHOW enable_case_sensitive_identifier").fetchone() == ("off",)
        assert connection.execute('SELECT 1 AS "Aa"').description[0].name == "aa"  # type: ignore[index]


@pytest.mark.parametrize(
    ("sql", "sqlstate"),
    [
        ("DISCARD ALL", "42601"),
        ("DEALLOCATE ALL", "42601"),
        ("INSERT INTO t VALUES (1) RETURNING a", "42601"),
        ("DELETE FROM t RETURNING *", "42601"),
        ("COPY t TO STDOUT", "0A000"),
        ("COPY (SELECT 1) TO STDOUT (FORMAT binary)", "0A000"),
        ("LISTEN x", "0A000"),
        ("SAVEPOINT s", "0A000"),
        ("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED", "0A000"),
        ("SELECT pg_sleep(1)", "42883"),
        ("SELECT E'a'", "42704"),
        ("SELECT 1 WHERE 'a' = E'\\\\'", "42704"),
    ],
)
@pytest.mark.parametrize("prepare", [False, True])
def test_b24_refused(world: World, sql: str, sqlstate: str, prepare: bool) -> None:
    with world.connect() as connection:
        with pytest.raises(psycopg.Error) as caught:
            connection.execute(sql.encode(), prepare=prepare)
        assert caught.value.sqlstate == sqlstate
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_b24_what_pqescapeliteral_makes_is_refused(world: World) -> None:
    with world.connect() as connection:
        literal = psycopg.sql.Literal("a\\b").as_string(connection)
        assert literal.strip().startswith("E'")
        with pytest.raises(psycopg.errors.UndefinedObject, match='type "e" does not exist'):
            connection.execute(f"SELECT {literal}".encode())


@pytest.mark.parametrize(
    ("literal", "value"),
    [(r"'a\\b'", "a\\b"), (r"'a\'b'", "a'b"), (r"'a''b'", "a'b"), (r"'a\nb'", "a\nb"), (r"'pg\\_%'", "pg\\_%")],
)
def test_b25_backslash_escapes(world: World, literal: str, value: str) -> None:
    with world.connect() as connection:
        assert connection.execute(f"SELECT {literal}, length({literal})".encode()).fetchone() == (value, len(value))


def test_b26_names_become_lower_case_inside_quotes_unless_the_session_says_otherwise(world: World, schema: str) -> None:
    with world.connect() as connection:
        world.admin(f'GRANT CREATE ON SCHEMA {schema} TO "{USER}"')
        connection.execute(f'CREATE TABLE {schema}."Mixed" ("ColumnÄ" int)')
        assert connection.execute(f'SELECT "COLUMNÄ" FROM {schema}."MIXED"').description[0].name == "columnÄ"  # type: ignore[index]
        connection.execute("SET enable_case_sensitive_identifier TO true")
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute(f'SELECT * FROM {schema}."Mixed"')
        connection.execute(f'CREATE TABLE {schema}."Mixed" ("Aa" int)')
        assert connection.execute(f'SELECT "Aa" FROM {schema}."Mixed"').description[0].name == "Aa"  # type: ignore[index]


def test_b26_user_names_do_not_fold(world: World, schema: str) -> None:
    user = "IAMR:Mixed-" + os.urandom(5).hex()
    world.admin(f'CREATE USER "{user}" PASSWORD DISABLE; CREATE TABLE {schema}."Old" (a int)')
    world.admin(f'GRANT USAGE ON SCHEMA "{schema.upper()}" TO "{user}"')
    world.admin(f'ALTER DEFAULT PRIVILEGES FOR USER admin IN SCHEMA {schema} GRANT SELECT ON TABLES TO "{user}"')
    with world.connect(user=user) as connection:
        assert connection.execute("SELECT usename FROM pg_user WHERE usename = current_user").fetchone() == (user,)
        grants = (
            "SELECT pg_get_userbyid((aclexplode(defaclacl)).grantee) FROM pg_default_acl"
            " JOIN pg_namespace n ON n.oid = defaclnamespace WHERE nspname = %s"
        )
        assert connection.execute(grants, (schema,)).fetchall() == [(user,)]


def test_groups_roles_and_users_have_names_of_their_own(world: World, schema: str) -> None:
    name = "n" + os.urandom(5).hex()
    world.admin(f"CREATE USER {name} PASSWORD 'Ab1'; CREATE GROUP {name} WITH USER {name}; CREATE ROLE {name}")
    world.admin(f"CREATE TABLE {schema}.t (a int); GRANT ROLE {name} TO {name}")
    world.admin(f"GRANT USAGE ON SCHEMA {schema} TO GROUP {name}")
    world.admin(f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO ROLE {name}")
    with world.connect(user=name) as connection:
        assert connection.execute(f"SELECT * FROM {schema}.t").fetchall() == []
    world.admin(f"REVOKE ROLE {name} FROM {name}; ALTER GROUP {name} DROP USER {name}")
    with world.connect(user=name) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"SELECT * FROM {schema}.t")


@pytest.mark.parametrize(
    ("redshift", "backend"),
    [
        ("SELECT NVL(a, 0) FROM t", "SELECT COALESCE(a, 0) FROM t"),
        ("SELECT SYSDATE", "SELECT pg_catalog.sysdate()"),
        ("SELECT t.sysdate, 1 AS sysdate FROM t", "SELECT t.sysdate, 1 AS sysdate FROM t"),
        ("SELECT TOP 3 a FROM (SELECT TOP 5 * FROM t) x", "SELECT a FROM (SELECT * FROM t LIMIT 5) x LIMIT 3"),
        ("SELECT DATEADD(day, 1, d)", "SELECT DATEADD('day', 1, d)"),
        ("SELECT a::decimal, CAST(b AS numeric(5,1))", "SELECT a::numeric(18,0), CAST(b AS numeric(5,1))"),
        ("BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ"),
        ("START TRANSACTION READ ONLY", "START TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"),
        ('ALTER TABLE t OWNER TO "Bob"', 'ALTER TABLE t OWNER TO "Bob"'),
        (
            'CREATE TABLE "T" (id bigint IDENTITY(1,2) ENCODE az64, c varchar(max) DISTKEY, PRIMARY KEY (id))'
            " SORTKEY (id)",
            'CREATE TABLE "t" (id bigint GENERATED ALWAYS AS IDENTITY (START WITH 1 INCREMENT BY 2 MINVALUE '
            "1) , c character varying(65535) , PRIMARY KEY (id))",
        ),
        ("CREATE TABLE t (d decimal, v varchar, x text, b bpchar) DISTSTYLE ALL COMPOUND SORTKEY (d, v)",
         "CREATE TABLE t (d numeric(18,0), v character varying(256), x character varying(256), b character(256))"),
        ("CREATE TABLE t (a timestamp DEFAULT SYSDATE, b int DEFAULT NVL(1, 2))",
         "CREATE TABLE t (a timestamp DEFAULT pg_catalog.sysdate(), b integer DEFAULT COALESCE(1, 2))"),
        ("CREATE TEMP TABLE t DISTKEY(a) AS SELECT NVL(a, 1) a FROM u",
         "CREATE TEMP TABLE t AS SELECT COALESCE(a, 1) a FROM u"),
    ],
)  # fmt: skip
def test_translation(redshift: str, backend: str) -> None:
    assert one(redshift) == backend


@pytest.mark.parametrize(
    "sql",
    [
        r"""SELECT 'a\'b', $$ ' ; $$, $x$ $$ $x$, "q;""q" /* ; /* ' */ */ -- ';""",
        "SELECT 'unended", 'SELECT "x', "/* x", "$a$ b", "¤ € ĳ",
    ],
)  # fmt: skip
def test_tokens_join_to_the_same_text(sql: str) -> None:
    for end in range(len(sql) + 1):
        assert text_of(tokenize(sql[:end])) == sql[:end]
    assert len(split_statements(tokenize(sql))) <= 1


def test_a_literal_without_its_end_costs_linear_time() -> None:
    assert len(tokenize("SELECT '" + "a\\\\" * 300_000)) == 3


WORDS = """
CREATE TABLE USER GROUP ROLE GRANT REVOKE SELECT TOP 3 ALTER DROP ADD COLUMN TYPE DEFAULT PRIVILEGES FOR IN SCHEMA TO
FROM ON ALL TABLES SET SHOW RESET SESSION AUTHORIZATION LOCAL BEGIN START TRANSACTION READ ONLY PASSWORD DISABLE WITH
VALID UNTIL CONNECTION LIMIT IDENTITY DISTKEY SORTKEY COMPOUND ENCODE COLLATE CAST AS decimal varchar max timestamp
time zone NVL SYSDATE DATEADD day ( ( ) ) , , . ; :: = IF NOT EXISTS RENAME OWNER statement_timeout query_group a "B"
'c' 1 $1
"""


@pytest.mark.parametrize("seed", range(20))
def test_no_order_of_words_upsets_the_translator(seed: int) -> None:
    chance, vocabulary = random.Random(seed), WORDS.split()
    for _ in range(500):
        sql = " ".join(chance.choices(vocabulary, k=chance.randrange(1, 12)))
        with contextlib.suppress(SqlError):
            translate(sql, Dialect())


def test_functions(world: World) -> None:
    with world.connect() as connection:
        row = connection.execute(
            "SELECT LEN('abc'), DATEDIFF(month, '2024-01-31', '2024-02-01'), DATEADD(month, 1, '2024-01-31'),"
            " GETDATE() <= SYSDATE + interval '1 second', TO_HEX('ab'::bytea)"
        ).fetchone()
        assert row is not None
        assert (row[0], row[1], str(row[2]), row[3], row[4]) == (
            3,
            1,
            "2024-02-29 00:00:00",
            True,
            "6162",
        )


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        # The examples of https://docs.aws.amazon.com/redshift/latest/dg/r_FNV_HASH.html
        ("FNV_HASH(1)", -5968735742475085980),
        ("FNV_HASH(1::smallint)", 589727492704079044),
        ("FNV_HASH(1::bigint)", -8517097267634966620),
        ("FNV_HASH('Amazon Redshift')", 7783490368944507294),
        ("FNV_HASH('Amazon Redshift', FNV_HASH(1))", -2202602717770968555),
        ("FNV_HASH('cd', FNV_HASH('ab'))", -281581062704388899),
        ("FNV_HASH('abcd')", -281581062704388899),
        ("FNV_HASH(NULL::bigint)", None),
        ("STRTOL('abcd1234', 16)", 2882343476),
        ("STRTOL('-0xf', 16)", -15),
        ("STRTOL('110101', 2)", 53),
        ("MOD(ABS(-7::bigint), 4)", 3),
        ("MD5('abc')", "900150983cd24fb0d6963f7d28e17f72"),
        ("DATEADD(microsecond, 1, TIMESTAMP '2026-01-01 00:00:00')", "2026-01-01 00:00:00.000001"),
        ("DATEDIFF(microsecond, TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-02')", 86_400_000_000),
    ],
)
def test_functions_that_split_a_table(world: World, expression: str, value: object) -> None:
    with world.connect() as connection:
        row = connection.execute(f"SELECT {expression}".encode()).fetchone()
    assert row is not None
    assert (str(row[0]) if isinstance(value, str) else row[0]) == value


_KINDS = ("bigint", "integer", "varchar(10)", "numeric(10,2)", "timestamp", "date", "boolean")


@pytest.mark.parametrize(
    ("function", "kind"),
    [("FARMFINGERPRINT64", "varchar(10)"), *((f, kind) for f in ("FNV_HASH", "CHECKSUM") for kind in _KINDS)],
)
def test_hashes_take_every_type_and_spread(world: World, function: str, kind: str) -> None:
    values = {
        "timestamp": "TIMESTAMP '2026-01-01' + i * interval '1 second'", "date": "DATE '2026-01-01' + i",
        "boolean": "i % 2 = 0", "varchar(10)": "'n' || i",
    }  # fmt: skip
    source = f"SELECT ({values.get(kind, 'i')})::{kind} AS x FROM generate_series(1, 1000) AS g(i)"
    with world.connect() as connection:
        row = connection.execute(f"SELECT count(DISTINCT {function}(x)) FROM ({source}) s".encode()).fetchone()
    assert row is not None and row[0] >= (2 if kind == "boolean" else 999)


def test_sha2_is_hexadecimal_null_for_null_and_empty_for_bits_that_there_are_not(world: World) -> None:
    with world.connect() as connection:
        row = connection.execute(
            b"SELECT sha2('pepper' || 'x', 256), sha2('x', 0), sha2('x', 512), sha2(NULL, 256), sha2('x', 1)"
        ).fetchone()
    assert row == (
        hashlib.sha256(b"pepperx").hexdigest(), hashlib.sha256(b"x").hexdigest(), hashlib.sha512(b"x").hexdigest(),
        None, "",
    )  # fmt: skip
