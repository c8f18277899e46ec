"""Rows of sys_unload_history, sys_unload_detail, sys_query_history and sys_serverless_usage.

The tables live in the sandbox's private schema; the views of the same names show a user only his own
rows (https://docs.aws.amazon.com/redshift/latest/dg/SYS_UNLOAD_HISTORY.html). Texts must not contain
credentials any more.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True)
class UnloadedFile:
    """One object that an UNLOAD wrote."""

    name: str  # s3://bucket/key
    line_count: int
    transfer_size: int


@dataclass(frozen=True)
class UnloadRecord:
    """One UNLOAD, as sys_unload_history shows it."""

    user: str
    database: str
    session_id: int
    query_id: int
    status: str  # running, completed or aborted
    start_time: dt.datetime
    end_time: dt.datetime  # of a running one: now
    location: str
    file_format: str = "PARQUET"
    compression_type: str = "SNAPPY"
    rows: int = 0
    files: tuple[UnloadedFile, ...] = field(default=())
    error_message: str = ""


@dataclass(frozen=True)
class QueryRecord:
    """One statement, as sys_query_history shows it."""

    user: str
    database: str
    session_id: int
    query_id: int
    query_type: str
    status: str  # running, success, failed or canceled
    start_time: dt.datetime
    end_time: dt.datetime  # of a running one: now
    query_text: str
    query_label: str = "default"
    returned_rows: int = 0
    error_message: str = ""


_UNLOAD = """
INSERT INTO pg_sandbox.unload_history (user_id, query_id, transaction_id, session_id, database_name, status,
  start_time, end_time, duration, file_format, compression_type, unloaded_location, unloaded_rows,
  unloaded_files_count, unloaded_files_size, error_message)
SELECT oid::int, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s FROM pg_roles WHERE rolname = %s"""

_FILE = """
INSERT INTO pg_sandbox.unload_detail (user_id, query_id, start_time, file_name, line_count, transfer_size,
  file_format) SELECT oid::int, %s, %s, %s, %s, %s, %s FROM pg_roles WHERE rolname = %s"""

_QUERY = """
INSERT INTO pg_sandbox.query_history (user_id, query_id, query_label, transaction_id, session_id,
  database_name, query_type, status, start_time, end_time, elapsed_time, execution_time, error_message,
  returned_rows, query_text)
SELECT oid::int, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s FROM pg_roles WHERE rolname = %s"""

_USAGE = """
INSERT INTO pg_sandbox.serverless_usage (start_time, end_time, compute_seconds, compute_capacity, data_storage,
  cross_region_transferred_data, charged_seconds)
SELECT %s, %s, %s, %s, pg_database_size(current_database()) / 1048576, 0, %s"""


def _utc(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC).replace(tzinfo=None)


def _end(status: str, end: dt.datetime) -> dt.datetime | None:
    return None if status == "running" else end


def _micros(start: dt.datetime, end: dt.datetime) -> int:
    return int((end - start) / dt.timedelta(microseconds=1))


def record_unloads(connection: psycopg.Connection[Any], records: Sequence[UnloadRecord]) -> None:
    """Adds UNLOADs and their files, and removes those that were written as running before. `connection` is an
    administrator's (Postgres.admin) to the database."""
    unloads, files = [], []
    for record in records:
        start, end = _utc(record.start_time), _utc(record.end_time)
        unloads.append(
            (record.query_id, record.query_id, record.session_id, record.database, record.status, start,
             _end(record.status, end), _micros(start, end), record.file_format, record.compression_type,
             record.location, record.rows, len(record.files), sum(file.transfer_size for file in record.files),
             record.error_message, record.user)
        )  # fmt: skip
        files += [(record.query_id, start, file.name, file.line_count, file.transfer_size, record.file_format,
                   record.user) for file in record.files]  # fmt: skip
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM pg_sandbox.unload_history WHERE status = 'running'")
        cursor.executemany(_UNLOAD, unloads)
        cursor.executemany(_FILE, files)


@dataclass(frozen=True)
class UsageRecord:
    """One row of sys_serverless_usage."""

    start_time: dt.datetime
    compute_seconds: float
    compute_capacity: float
    charged_seconds: int


def replace_usage(connection: psycopg.Connection[Any], records: Sequence[UsageRecord]) -> None:
    """Shows these rows in sys_serverless_usage, and no others. One caller at a time."""
    rows = [
        (_utc(one.start_time), _utc(one.start_time) + dt.timedelta(minutes=1), one.compute_seconds,
         one.compute_capacity, one.charged_seconds)
        for one in records
    ]  # fmt: skip
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM pg_sandbox.serverless_usage")
        cursor.executemany(_USAGE, rows)


def record_queries(connection: psycopg.Connection[Any], records: Sequence[QueryRecord]) -> None:
    """Adds several statements, and removes those that were written as running before."""
    rows = []
    for record in records:
        start, end = _utc(record.start_time), _utc(record.end_time)
        elapsed = _micros(start, end)
        rows.append(
            (record.query_id, record.query_label, record.query_id, record.session_id, record.database,
             record.query_type, record.status, start, _end(record.status, end), elapsed, elapsed, record.error_message,
             record.returned_rows, record.query_text[:65535].replace("\0", ""), record.user)
        )  # fmt: skip
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM pg_sandbox.query_history WHERE status = 'running'")
        cursor.executemany(_QUERY, rows)


@dataclass(frozen=True)
class LoadProblem:
    """One row of sys_load_error_detail: a line that COPY could not load."""

    file: str
    line: int
    column: str
    column_type: str
    column_length: int | None
    code: int
    reason: str


@dataclass(frozen=True)
class LoadRecord:
    """One COPY, as sys_load_history shows it."""

    user: str
    database: str
    session_id: int
    query_id: int
    status: str  # completed or aborted
    table: str
    table_id: int
    start_time: dt.datetime
    end_time: dt.datetime
    source: str
    file_format: str
    rows: int
    bytes: int
    files: int
    problems: tuple[LoadProblem, ...] = ()
    error_message: str = ""


_LOAD = """
INSERT INTO pg_sandbox.load_history (user_id, query_id, transaction_id, session_id, database_name, status, table_name,
  start_time, end_time, duration, data_source, file_format, loaded_rows, loaded_bytes, source_file_count,
  source_file_bytes, error_count, error_message)
SELECT oid::int, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s FROM pg_roles WHERE rolname = %s"""

_PROBLEM = """
INSERT INTO pg_sandbox.load_error_detail (user_id, query_id, transaction_id, session_id, database_name, table_id,
  start_time, file_name, line_number, column_name, column_type, column_length, "position", error_code, error_message)
SELECT oid::int, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0, %s, %s FROM pg_roles WHERE rolname = %s"""


def record_load(connection: psycopg.Connection[Any], one: LoadRecord) -> None:
    """Adds one COPY and its bad lines."""
    start, end = _utc(one.start_time), _utc(one.end_time)
    loaded = one.bytes if one.status == "completed" else 0
    whole = (one.query_id, one.query_id, one.session_id, one.database, one.status, one.table, start, end,
             _micros(start, end), one.source, one.file_format, one.rows, loaded, one.files, one.bytes,
             len(one.problems), one.error_message, one.user)  # fmt: skip
    bad = [
        (one.query_id, one.query_id, one.session_id, one.database, one.table_id, start, problem.file, problem.line,
         problem.column, problem.column_type, None if problem.column_length is None else str(problem.column_length),
         problem.code, problem.reason, one.user)
        for problem in one.problems
    ]  # fmt: skip
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(_LOAD, whole)
        cursor.executemany(_PROBLEM, bad)
