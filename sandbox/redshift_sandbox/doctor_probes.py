"""What `doctor` asks an endpoint: behaviours of the list in BEHAVIOURS.md, by number, each in one to four statements.

Every probe reads constants, the catalog or a temporary table of its own, and leaves nothing behind; those of UNLOAD
write below a prefix that the caller names.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import pq

LAST = 72  # behaviours are numbered from 1 to this


class Differs(Exception):
    """The endpoint does something else; the text says what, without values of the user's tables."""


@dataclass
class Endpoint:
    """A connection in autocommit, and where UNLOAD may write."""

    connection: psycopg.Connection[Any]
    s3: str = ""  # "s3://bucket/prefix/"; "" if UNLOAD is not to be tried
    authorization: str = ""  # the clause, such as "IAM_ROLE default"

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        cursor = self.connection.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []

    def refuses(self, sql: str, *states: str) -> None:
        """`sql` must fail, with one of the SQLSTATEs if they are given."""
        try:
            self.rows(sql)
        except psycopg.OperationalError as error:
            raise Differs(f"the connection was lost by {_first_words(sql)}") from error
        except psycopg.Error as error:
            self.rows("ROLLBACK")
            if states and error.sqlstate not in states:
                raise Differs(f"{_first_words(sql)} failed with {error.sqlstate}, not {' or '.join(states)}") from None
            return
        self.rows("ROLLBACK")
        raise Differs(f"{_first_words(sql)} was accepted")

    def is_equal(self, what: str, found: object, wanted: object) -> None:
        if found != wanted:
            raise Differs(f"{what} is {found!r}, not {wanted!r}")

    def unload(self, select: str, options: str, prefix: str) -> list[str]:
        """Runs an UNLOAD; returns its notices."""
        told: list[str] = []

        def heard(notice: psycopg.errors.Diagnostic) -> None:
            told.append(notice.message_primary or "")

        self.connection.add_notice_handler(heard)
        try:
            self.rows(self.unload_text(select, options, prefix))
        finally:
            self.connection.remove_notice_handler(heard)
        return told

    def unload_text(self, select: str, options: str, prefix: str) -> str:
        quoted = select.replace("\\", "\\\\").replace("'", "''")
        return f"UNLOAD ('{quoted}') TO '{self.s3}{prefix}' {self.authorization} {options}"


@dataclass(frozen=True)
class Probe:
    number: int
    title: str
    ask: Callable[[Endpoint], None]
    needs_s3: bool = False


def _first_words(sql: str) -> str:
    return " ".join(sql.split()[:2])


def _server(end: Endpoint) -> None:
    info = end.connection.info
    end.is_equal("server_version", info.parameter_status("server_version"), "8.0.2")
    end.is_equal("standard_conforming_strings", info.parameter_status("standard_conforming_strings"), None)
    result = end.connection.execute(b"SELECT version()").pgresult
    value = (result.get_value(0, 0) if result is not None else None) or b""
    if b"Redshift" not in value or not value.endswith(b"\0"):
        raise Differs("version() does not name Redshift, or has no NUL byte at its end")


def _protocols(end: Endpoint) -> None:
    cursor = psycopg.RawCursor(end.connection)
    end.is_equal("a parameter", cursor.execute("SELECT $1::int + 1", ["41"]).fetchall(), [(42,)])
    end.is_equal("several statements", end.rows("SELECT 1; SELECT 2"), [(1,)])


def _settings(end: Endpoint) -> None:
    end.refuses("SHOW redshift_sandbox_has_no_such_setting")
    end.rows("SET statement_timeout TO 0")


def _refused(end: Endpoint) -> None:
    for sql in ("DISCARD ALL", "LISTEN a", "SELECT pg_sleep(0)", "SELECT E'a'", "COPY pg_class TO STDOUT"):
        end.refuses(sql)


def _backslash(end: Endpoint) -> None:
    end.is_equal(r"len('a\\b')", end.rows(r"SELECT len('a\\b')"), [(3,)])


def _folding(end: Endpoint) -> None:
    (setting,) = end.rows("SHOW enable_case_sensitive_identifier")[0]
    cursor = end.connection.execute(b'SELECT 1 AS "MiXed"')
    wanted = "MiXed" if str(setting) in ("on", "true") else "mixed"
    end.is_equal("a quoted name", cursor.description[0].name if cursor.description else "", wanted)


def _catalog(end: Endpoint) -> None:
    for view, columns in (
        ("svv_all_schemas", "database_name, schema_name, schema_type"),
        ("svv_all_tables", "database_name, schema_name, table_name, table_type"),
        ("svv_all_columns", "table_name, column_name, ordinal_position, data_type, character_maximum_length, "
                            "numeric_precision, numeric_scale"),
    ):  # fmt: skip
        end.rows(f"SELECT {columns} FROM {view} LIMIT 0")


def _described(end: Endpoint) -> None:
    sql = ("SELECT 1::smallint AS a, 1.5::decimal(10,2) AS b, 'x'::varchar(7) AS c, TRUE AS d, "
           "DATE '2024-01-01' AS e LIMIT 0")  # fmt: skip
    result = end.connection.execute(sql.encode()).pgresult
    assert result is not None and result.status == pq.ExecStatus.TUPLES_OK
    found = [(result.ftype(i), result.fmod(i)) for i in range(result.nfields)]
    end.is_equal("the types", found, [(21, -1), (1700, (10 << 16) + 2 + 4), (1043, 11), (16, -1), (1082, -1)])


def _keys(end: Endpoint) -> None:
    name = f"doctor_{secrets.token_hex(4)}"
    end.rows(f"CREATE TEMP TABLE {name} (a int PRIMARY KEY, b int NOT NULL)")
    try:
        end.rows(f"INSERT INTO {name} VALUES (1, 1), (1, 2)")
        end.is_equal("rows with the same key", end.rows(f"SELECT count(*) FROM {name}"), [(2,)])
        end.refuses(f"INSERT INTO {name} VALUES (3, NULL)")
    finally:
        end.rows(f"DROP TABLE {name}")


def _transaction(end: Endpoint) -> None:
    """A savepoint is refused and aborts the transaction."""
    end.rows("BEGIN")
    end.refuses("SAVEPOINT a")


def _identity(end: Endpoint) -> None:
    name = f"doctor_{secrets.token_hex(4)}"
    end.rows(f"CREATE TEMP TABLE {name} (id bigint IDENTITY(5, 5), a int)")
    try:
        end.refuses(f"INSERT INTO {name} (id, a) VALUES (1, 1)")
    finally:
        end.rows(f"DROP TABLE {name}")


def _limits(end: Endpoint) -> None:
    end.refuses("SELECT 1::decimal(39, 0)")
    end.refuses("CREATE TEMP TABLE doctor_wide (a varchar(65536))")


def _unload_notice(end: Endpoint) -> None:
    told = end.unload("SELECT 1 AS a UNION ALL SELECT 2", "PARQUET MANIFEST VERBOSE ALLOWOVERWRITE", "rows/")
    end.is_equal("the notice", told, ["UNLOAD completed, 2 record(s) unloaded successfully."])
    end.is_equal("pg_last_unload_count()", end.rows("SELECT pg_last_unload_count()"), [(2,)])


def _unload_limit(end: Endpoint) -> None:
    end.refuses(end.unload_text("SELECT 1 AS a LIMIT 1", "PARQUET", "limit/"))


def _unload_prefix(end: Endpoint) -> None:
    end.unload("SELECT 1 AS a", "PARQUET ALLOWOVERWRITE", "full/")
    end.refuses(end.unload_text("SELECT 1 AS a", "PARQUET", "full/"), "XX000")


def _unload_times(end: Endpoint) -> None:
    end.refuses(end.unload_text("SELECT TIME '12:00' AS a", "PARQUET ALLOWOVERWRITE", "time/"))


def _unload_read_only(end: Endpoint) -> None:
    end.rows("BEGIN READ ONLY")
    end.refuses(end.unload_text("SELECT 1 AS a", "PARQUET ALLOWOVERWRITE", "read-only/"))


def _unload_options(end: Endpoint) -> None:
    end.refuses(end.unload_text("SELECT 1 AS a", "PARQUET GZIP ALLOWOVERWRITE", "options/"))


PROBES = (
    Probe(20, "the server says that it is 8.0.2, and version() ends in a NUL byte", _server),
    Probe(22, "simple and extended protocol", _protocols),
    Probe(23, "unknown settings are errors", _settings),
    Probe(24, "DISCARD, LISTEN, pg_sleep, E'...' and COPY TO STDOUT are refused", _refused),
    Probe(25, "a backslash escapes in ordinary literals", _backslash),
    Probe(26, "names become lower case, also within quotes", _folding),
    Probe(27, "svv_all_schemas, svv_all_tables and svv_all_columns are there", _catalog),
    Probe(29, "LIMIT 0 describes types by number and modifier", _described),
    Probe(32, "keys are information only, NOT NULL is enforced", _keys),
    Probe(33, "a refused statement ends its transaction", _transaction),
    Probe(36, "UNLOAD options that exclude each other are refused", _unload_options, needs_s3=True),
    Probe(38, "LIMIT of UNLOAD's outer select is refused", _unload_limit, needs_s3=True),
    Probe(39, "a read-only transaction refuses UNLOAD", _unload_read_only, needs_s3=True),
    Probe(42, "UNLOAD refuses a prefix that has files", _unload_prefix, needs_s3=True),
    Probe(46, "INFO and pg_last_unload_count() tell UNLOAD's rows", _unload_notice, needs_s3=True),
    Probe(50, "TIME is refused in Parquet", _unload_times, needs_s3=True),
    Probe(65, "DECIMAL has at most 38 digits, VARCHAR 65,535 bytes", _limits),
    Probe(67, "an identity column takes no value from INSERT", _identity),
)
