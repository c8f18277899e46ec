"""Runs COPY from S3: parse, look up the table, read the files with the statement's keys, try the rows, load them.

Rows are tried on a scratch table with the target's types, on a connection of the sandbox's own, so that a bad row
does not abort the session's transaction and each is found with its line and column. Then all good rows go through
the session's own connection, in its transaction and with its rights.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import psycopg

from redshift_sandbox.contracts import AccessKeys, AwsError, Clock, ObjectGate, SessionContext, SqlError
from redshift_sandbox.unload import errors
from redshift_sandbox.unload.copy_files import BadRow, Row, TableColumn, read_file
from redshift_sandbox.unload.copy_statement import CopyStatement

AdminDsn = Callable[[str], str]
T = TypeVar("T")
# How often the rows are tried: every time one bad row is found.
_TRIES_MAX = 1000
_ENCODING = "WITH (ENCODING 'UTF8')"  # whatever the session has
_CONTEXT = re.compile(r"COPY \S+, line (\d+)(?:, column (\S+?))?(?::|$)")

_COLUMNS = """
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.atttypid::int,
       CASE WHEN a.atttypid IN (1042, 1043) AND a.atttypmod >= 4 THEN a.atttypmod - 4 END,
       a.attnotnull::text, a.atthasdef::text, a.attidentity::text,
       pg_catalog.has_table_privilege(c.oid, 'INSERT')::text, c.oid::bigint, c.relkind::text
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
 WHERE c.oid = pg_catalog.to_regclass({name})::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""


@dataclass(frozen=True)
class LoadProblem:
    """One row of sys_load_error_detail."""

    file: str
    line: int
    code: int
    reason: str
    column: str = ""
    column_type: str = ""
    column_length: int | None = None


@dataclass(frozen=True)
class CopyRecord:
    """One COPY, as sys_load_history and sys_load_error_detail show it."""

    query_id: int
    session_id: int
    user: str
    database: str
    table: str
    table_id: int
    status: str  # "completed" or "aborted"
    start: dt.datetime
    end: dt.datetime
    source: str
    file_format: str
    rows: int
    size_bytes: int
    files: int
    problems: tuple[LoadProblem, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class _Target:
    quoted: str
    name: str
    oid: int
    columns: tuple[TableColumn, ...]  # that the files fill, in their order


class Copy:
    """One COPY. REQUIRES: used by the session's thread alone."""

    def __init__(
        self, gate: ObjectGate, clock: Clock, session: SessionContext, statement: CopyStatement, keys: AccessKeys,
        region: str, query_id: int, admin_dsn: AdminDsn,
    ) -> None:  # fmt: skip
        self._gate, self._clock, self._session, self._statement = gate, clock, session, statement
        self._keys, self._region, self._query_id = keys, region, query_id
        self._admin_dsn = admin_dsn
        self._start = clock.now()
        self._problems: list[LoadProblem] = []
        self._target: _Target | None = None
        self._files: list[tuple[str, Path]] = []

    def execute(self) -> int:
        """The number of rows loaded. Raises SqlError; then nothing is loaded."""
        target = self._target = self._find_table()
        rows = list(self._read(target))
        self._fail_if_too_many(target)
        good = self._tried(target, rows)
        if self._statement.no_load:
            return len(good)
        columns = ", ".join(_quoted(column.name) for column in target.columns)
        lines = (_encoded(row.values) for row in good)
        self._session.copy_in(f"COPY {target.quoted} ({columns}) FROM STDIN {_ENCODING}", lines)
        return len(good)

    def record(self, rows: int, error: str = "") -> CopyRecord:
        statement, session, target = self._statement, self._session, self._target
        return CopyRecord(
            self._query_id, session.session_id, session.user, session.database,
            target.name if target else statement.table[-1], target.oid if target else 0,
            "aborted" if error else "completed", self._start, self._clock.now(),
            f"s3://{statement.bucket}/{statement.key}", statement.format, rows,
            sum(path.stat().st_size for _, path in self._files if path.exists()), len(self._files),
            tuple(self._problems), error,
        )  # fmt: skip

    # -- the table ------------------------------------------------------------------------------

    def _find_table(self) -> _Target:
        statement = self._statement
        quoted = ".".join(_quoted(part) for part in statement.table)
        found = self._session.query(_COLUMNS.format(name=_literal(quoted)))
        if not found:
            # https://docs.aws.amazon.com/redshift/latest/dg/r_COPY.html: the table must exist; the SQLSTATE is assumed
            raise SqlError("42P01", f"Cannot COPY into nonexistent table {statement.table[-1]}")
        if found[0][9] not in ("r", "p"):
            raise SqlError("42809", f"COPY target must be a table: {statement.table[-1]}")  # assumed
        if found[0][7] != "true":
            raise SqlError("42501", f"permission denied for relation {statement.table[-1]}")
        by_name: dict[str, TableColumn] = {}
        identity: set[str] = set()
        for row in found:
            name, kind = str(row[0]), str(row[1])
            length = None if row[3] is None else int(row[3])
            by_name[name] = TableColumn(name, kind, int(row[2] or 0), length, row[4] == "true", row[5] == "true")
            if row[6]:
                identity.add(name)
        if statement.columns:
            missing = [name for name in statement.columns if name not in by_name]
            if missing:
                raise SqlError("42703", f'column "{missing[0]}" of relation "{statement.table[-1]}" does not exist')
            columns = [by_name[name] for name in statement.columns]
        else:
            columns = [c for c in by_name.values() if statement.explicit_ids or c.name not in identity]
        return _Target(quoted, statement.table[-1], int(found[0][8] or 0), tuple(columns))

    # -- the files ------------------------------------------------------------------------------

    def _read(self, target: _Target) -> Iterator[Row]:
        self._files = list(self._find_files())
        for file, path in self._files:
            self._refuse_if_cancelled()
            for row in read_file(self._statement, target.columns, file, path):
                if isinstance(row, BadRow):
                    self._note(row)
                    self._fail_if_too_many(target)
                    continue
                bad = _too_long(row, target.columns)
                if bad is None:
                    yield row
                elif self._statement.format == "PARQUET":
                    raise SqlError(
                        "XX000", "Spectrum Scan Error: The length of the data column "
                        f"{bad.column.name if bad.column else ''} is longer than the length defined in the table. "
                        f"Table: {bad.column.length if bad.column else 0}, File name: {file}",
                    )  # fmt: skip
                else:
                    self._note(bad)
                    self._fail_if_too_many(target)

    def _find_files(self) -> Iterator[tuple[str, Path]]:
        statement = self._statement
        if not statement.manifest:
            found = self._s3(lambda: self._gate.list_keys(
                self._keys, self._region, statement.bucket, statement.key, 2**31 - 1))
            if not found:
                text = f"The specified S3 prefix '{statement.key}' does not exist"
                raise SqlError("XX000", text, detail=errors.detail_block(text, self._query_id))
            for key in found:
                yield f"s3://{statement.bucket}/{key}", self._fetch(statement.bucket, key)
            return
        for url, mandatory, length in self._manifest():
            bucket, _, key = url.removeprefix("s3://").partition("/")
            try:
                path = self._fetch(bucket, key)
            except SqlError:
                if mandatory:
                    raise
                continue
            if length is not None and path.stat().st_size != length:
                raise SqlError("XX000", f"the size of {url} is not the content_length of the manifest")  # assumed
            yield url, path

    def _manifest(self) -> Iterator[tuple[str, bool, int | None]]:
        """https://docs.aws.amazon.com/redshift/latest/dg/loading-data-files-using-manifest.html"""
        statement = self._statement
        try:
            document = json.loads(self._fetch(statement.bucket, statement.key).read_bytes())
            entries = [(str(e["url"]), bool(e.get("mandatory", False)), e.get("meta", {}).get("content_length"))
                       for e in document["entries"]]  # fmt: skip
        except (ValueError, KeyError, TypeError, AttributeError):
            raise SqlError("XX000", "COPY: the manifest is not valid JSON of the documented form") from None
        for url, mandatory, length in entries:
            if statement.format == "PARQUET" and length is None:
                raise SqlError("XX000", f"the manifest has no content_length for {url}")  # demanded by the same page
            yield url, mandatory, None if length is None else int(length)

    def _fetch(self, bucket: str, key: str) -> Path:
        return self._s3(lambda: self._gate.read_file(self._keys, self._region, bucket, key))

    def _s3(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except AwsError as error:
            raise errors.from_aws(error, self._query_id) from None

    # -- the rows -------------------------------------------------------------------------------

    def _tried(self, target: _Target, rows: list[Row]) -> list[Row]:
        """Those rows that the table's types take. Raises SqlError if more are bad than MAXERROR allows."""
        names = [f"c{i}" for i in range(len(target.columns))]
        declared = ", ".join(
            f"{name} {column.type}{' NOT NULL' if column.not_null else ''}"
            for name, column in zip(names, target.columns, strict=True)
        )
        with psycopg.connect(self._admin_dsn(self._session.database), autocommit=True) as connection:
            for _ in range(_TRIES_MAX):
                self._refuse_if_cancelled()
                try:
                    with connection.transaction(force_rollback=True):
                        connection.execute(f"CREATE TEMPORARY TABLE scratch ({declared})".encode())
                        with connection.cursor().copy(f"COPY scratch FROM STDIN {_ENCODING}".encode()) as copy:
                            for row in rows:
                                copy.write(_encoded(row.values))
                    return rows
                except psycopg.Error as error:
                    rows = self._without(error, rows, target)
        raise SqlError("XX000", f"this sandbox looks for at most {_TRIES_MAX} bad rows in one COPY")

    def _without(self, error: psycopg.Error, rows: list[Row], target: _Target) -> list[Row]:
        """The rows without the one that `error` is about, which is noted. Raises the error if it is about none."""
        match = _CONTEXT.search(error.diag.context or "")
        if match is None or self._statement.format == "PARQUET":
            raise errors.from_postgres(error.sqlstate, error.diag.message_primary or "internal error") from None
        place = int(match.group(1)) - 1
        column = match.group(2) or error.diag.column_name or ""
        number = int(column[1:]) if column[1:].isdecimal() else None
        self._note(_explained(rows[place], error, None if number is None else target.columns[number]))
        self._fail_if_too_many(target)
        return rows[:place] + rows[place + 1 :]

    def _note(self, bad: BadRow) -> None:
        column = bad.column
        self._problems.append(LoadProblem(
            bad.file, bad.line, bad.code, bad.reason, column.name if column else "", column.type if column else "",
            column.length if column else None,
        ))  # fmt: skip

    def _fail_if_too_many(self, target: _Target) -> None:
        """The text of live workgroups."""
        if len(self._problems) > self._statement.max_errors:
            raise SqlError(
                "XX000", f"Load into table '{target.name}' failed.  "
                "Check 'sys_load_error_detail' system table for details.",
            )  # fmt: skip

    def _refuse_if_cancelled(self) -> None:
        if self._session.cancelled():
            raise errors.cancelled(self._query_id)


def _too_long(row: Row, columns: Sequence[TableColumn]) -> BadRow | None:
    """Lengths count bytes; the private PostgreSQL counts characters."""
    for column, value in zip(columns, row.values, strict=True):
        if value is not None and column.length is not None:
            kept = value.rstrip(" ") if column.oid == 1042 else value
            if len(kept.encode()) > column.length:
                return BadRow(row.file, row.line, 1204, "String length exceeds DDL length", column)
        if value is not None and "\0" in value:
            return BadRow(row.file, row.line, 1220, "String contains invalid or unsupported UTF8 codepoints.", column)
    return None


_DATES = ("date", "timestamp without time zone", "timestamp with time zone")


def _explained(row: Row, error: psycopg.Error, column: TableColumn | None) -> BadRow:
    """What Redshift calls the error."""
    state, kind = error.sqlstate or "", column.type if column else ""
    base = BadRow(row.file, row.line, 1205, "", column)
    if state == "23502":
        return replace(base, code=1213, reason="Missing data for not-null field")
    if kind == "date":
        return replace(base, code=1205, reason="Invalid Date Format - length must be 10 or more")
    if kind in _DATES:
        return replace(base, code=1206, reason="Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]")
    if kind.startswith("numeric"):
        return replace(base, code=1207, reason="Invalid digit, Pos 0, Type: Decimal")
    if kind == "boolean":
        return replace(base, code=1210, reason="Unknown boolean format")
    if state == "22003":
        return replace(base, code=1216, reason="Overflow for column type")
    if kind in ("smallint", "integer", "bigint"):
        return replace(base, code=1207, reason=f"Invalid digit, Pos 0, Type: {kind.capitalize()}")
    return replace(base, code=1216, reason="Invalid value.")


def _encoded(values: Sequence[str | None]) -> bytes:
    """One line of PostgreSQL's text format."""
    return ("\t".join("\\N" if value is None else _escaped(value) for value in values) + "\n").encode()


def _escaped(value: str) -> str:
    if "\\" not in value and "\t" not in value and "\n" not in value and "\r" not in value:
        return value
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
