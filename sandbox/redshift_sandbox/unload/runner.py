"""Runs UNLOAD statements: parse, plan as the user, ask S3, read, write, manifest, notice; and COPY, by copy_runner.py.
Its faults: faults.py."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as parquet

from redshift_sandbox.contracts import (
    AccessKeys,
    Clock,
    Faults,
    ObjectGate,
    SessionContext,
    SqlError,
    UnloadOutcome,
)
from redshift_sandbox.unload import columns, errors, partitions
from redshift_sandbox.unload.blank import blank_credentials
from redshift_sandbox.unload.cache import Fingerprint, ResultCache
from redshift_sandbox.unload.copy_runner import Copy, CopyRecord
from redshift_sandbox.unload.copy_statement import parse_copy
from redshift_sandbox.unload.lexer import starts_with_copy_from_s3, starts_with_unload
from redshift_sandbox.unload.manifest import Entry
from redshift_sandbox.unload.parser import parse
from redshift_sandbox.unload.parts import ParquetPart, Part
from redshift_sandbox.unload.pool import Pool
from redshift_sandbox.unload.slices import Layout, Names, rows_for_file
from redshift_sandbox.unload.source import AdminDsn, Plan, Source
from redshift_sandbox.unload.statement import Authorization, Format, UnloadStatement
from redshift_sandbox.unload.target import Target
from redshift_sandbox.unload.textual import TextFiles, text_extension
from redshift_sandbox.unload.variants import Variant
from redshift_sandbox.unload.watch import read_ahead

FAULTS = frozenset({
    "unload.fail_after_files", "unload.slow_per_file", "unload.slices", "unload.types", "unload.cache",
    "unload.keys_expire", "unload.count_zero", "unload.parts_from",
})


_WORTH_KEEPING_SECONDS = 1.0


class RoleKeys(Protocol):
    """Keys of a role chain attached to the namespace, for `IAM_ROLE`; None if the chain may not be used."""

    def __call__(self, db_user: str, role_chain: tuple[str, ...]) -> AccessKeys | None: ...


@dataclass(frozen=True)
class UnloadRecord:
    """One UNLOAD, as sys_unload_history and sys_unload_detail show it."""

    query_id: int
    session_id: int
    user: str
    database: str
    status: str  # "running", "completed" or "aborted"
    start: dt.datetime
    end: dt.datetime  # of a running one: now
    file_format: str
    compression: str
    location: str
    outcome: UnloadOutcome
    error: str = ""
    seconds: float = 0.0  # of the machine's clock, not of the sandbox's clock
    files: list[tuple[str, int, int]] = field(default_factory=list)  # url, rows, bytes


@dataclass(frozen=True)
class UnloadSettings:
    """The settings of the workgroup that every UNLOAD uses."""

    region: str  # of the workgroup: the region of the bucket if the statement has no REGION
    work_dir: Path  # for files being written; on the same file system as the object store
    cache_dir: Path
    seed: int = 0  # of the slice numbers
    bookkeeping: tuple[str, ...] = ()  # tables the sandbox itself writes to; see cache.py


class UnloadService:
    """Implements contracts.Unloader. Any number of sessions may run at once, each in its own thread."""

    def __init__(
        self, gate: ObjectGate, clock: Clock, faults: Faults, settings: UnloadSettings, *, admin_dsn: AdminDsn,
        role_keys: RoleKeys | None = None, on_record: Callable[[UnloadRecord], None] | None = None,
        on_copy: Callable[[CopyRecord], None] | None = None,
    ) -> None:
        self._gate = gate
        self._clock = clock
        self._faults = faults
        self._settings = settings
        self.admin_dsn = admin_dsn
        self._role_keys = role_keys
        self._on_record = on_record
        self._on_copy = on_copy
        self._rng = random.Random(settings.seed)
        self._query_ids = itertools.count(1000)
        self.pool = Pool()
        self.cache = ResultCache(settings.cache_dir, settings.bookkeeping)
        settings.work_dir.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        """Closes the connections to the database. No UNLOAD may follow."""
        self.pool.close()

    def is_unload(self, sql: str) -> bool:
        return starts_with_unload(sql) or starts_with_copy_from_s3(sql)

    def blank(self, sql: str) -> str:
        return blank_credentials(sql)

    def run(self, session: SessionContext, sql: str) -> UnloadOutcome:
        # If the gateway has a number for the statement, it is used, so that all histories agree.
        query_id = int(getattr(session, "query_id", 0)) or next(self._query_ids)
        if not starts_with_unload(sql):
            return self._copy(session, sql, query_id)
        statement = parse(sql)
        keys = self._keys(session, statement.authorization, query_id)
        run = _Run(self, session, statement, keys, query_id)
        start = self._clock.now()
        self._record(run, start, "running", UnloadOutcome(0, 0, 0), "")
        try:
            outcome = run.execute()
        except BaseException as error:
            if run.unloading:
                session.last_unload_count(0)
            text = error.message if isinstance(error, SqlError) else type(error).__name__
            self._record(run, start, "aborted", UnloadOutcome(0, 0, 0), text)
            raise
        session.last_unload_count(0 if self._faults.take("unload.count_zero") is not None else outcome.rows)
        session.notice("INFO", f"UNLOAD completed, {outcome.rows} record(s) unloaded successfully.")
        self._record(run, start, "completed", outcome, "")
        return outcome

    def _copy(self, session: SessionContext, sql: str, query_id: int) -> UnloadOutcome:
        statement = parse_copy(sql, case_sensitive=session.identifier_case_sensitive())
        keys = self._keys(session, statement.authorization, query_id)
        region = statement.region or self._settings.region
        copy = Copy(self._gate, self._clock, session, statement, keys, region, query_id, self.admin_dsn)
        try:
            rows = copy.execute()
        except SqlError as error:
            self._record_copy(copy.record(0, error.message))
            raise
        record = copy.record(rows)
        self._record_copy(record)
        session.last_copy_count(0 if statement.no_load else rows)
        verb = "validated" if statement.no_load else "loaded"
        session.notice("INFO", f"Load into table '{record.table}' completed, {rows} record(s) {verb} successfully.")
        if record.problems:
            session.notice(
                "INFO", f"Load into table '{record.table}' completed, {len(record.problems)} record(s) could not be "
                "loaded.  Check 'sys_load_error_detail' system table for details.",
            )  # fmt: skip
        return UnloadOutcome(rows, record.files, record.size_bytes)

    def _record_copy(self, record: CopyRecord) -> None:
        if self._on_copy is not None:
            self._on_copy(record)

    def _keys(self, session: SessionContext, authorization: Authorization, query_id: int) -> AccessKeys:
        if authorization.keys is not None:
            return authorization.keys
        keys = self._role_keys(session.user, authorization.role_chain) if self._role_keys else None
        if keys is None:
            raise errors.not_authorized_for_role(authorization.role_chain, query_id)
        return keys

    def _record(self, run: _Run, start: dt.datetime, status: str, outcome: UnloadOutcome, error: str) -> None:
        if self._on_record is None:
            return
        seconds = time.monotonic() - run.began
        statement, session = run.statement, run.session
        location = f"s3://{statement.bucket}/{statement.prefix}"
        files = [(entry.url, entry.rows, entry.size_bytes) for entry in run.target.entries]
        self._on_record(UnloadRecord(
            run.query_id, session.session_id, session.user, session.database, status, start, self._clock.now(),
            statement.format.value, _compression(statement), location, outcome, error, seconds, files,
        ))

    # -- what a run asks of the service ---------------------------------------------------------

    def layout(self) -> Layout:
        knob = self._faults.peek("unload.slices") or {}
        rows = knob.get("rows_per_file")
        return Layout(slices=max(1, int(knob.get("slices", 4))), rows_per_file=None if rows is None else int(rows))

    def caching(self) -> bool:
        return self.variant() == Variant() and bool((self._faults.peek("unload.cache") or {}).get("enabled", True))

    def variant(self) -> Variant:
        return Variant.of(self._faults.peek("unload.types"))

    def parts_knob(self, statement: UnloadStatement) -> dict[str, object] | None:
        knob = self._faults.peek("unload.parts_from")
        return knob if knob is not None and str(knob.get("match", "")) in statement.prefix else None

    def given_parts(self, statement: UnloadStatement) -> list[Part] | None:
        """Files of the fault `unload.parts_from`, instead of what this UNLOAD would have written."""
        knob = self.parts_knob(statement)
        if knob is None:
            return None
        files = sorted(Path(str(knob["folder"])).glob("*.parquet"))
        rows = knob.get("rows")
        return [Part(file, _rows_of(file) if rows is None else int(str(rows)), file.stat().st_size) for file in files]

    def worth_keeping(self, seconds: float) -> bool:
        """To keep a result, the rows of every table are counted, which takes longer than a short UNLOAD."""
        return seconds >= float((self._faults.peek("unload.cache") or {}).get("min_seconds", _WORTH_KEEPING_SECONDS))

    def target(
        self, session: SessionContext, statement: UnloadStatement, keys: AccessKeys, query_id: int, layout: Layout
    ) -> Target:
        extension = ".parquet" if statement.format is Format.PARQUET else text_extension(statement)
        names = Names(statement.prefix, extension, layout.slices, statement.parallel, self._rng)
        region = statement.region or self._settings.region
        return Target(self._gate, self._faults, session, statement, keys, region, query_id, names)

    def work_folder(self) -> Path:
        return Path(tempfile.mkdtemp(prefix="unload-", dir=self._settings.work_dir))


def _rows_of(file: Path) -> int:
    return int(parquet.read_metadata(file).num_rows)


def _compression(statement: UnloadStatement) -> str:
    return "SNAPPY" if statement.format is Format.PARQUET else statement.compression or ""


class _Run:
    """One execution of one statement."""

    def __init__(
        self, service: UnloadService, session: SessionContext, statement: UnloadStatement, keys: AccessKeys,
        query_id: int,
    ) -> None:
        self.session = session
        self.statement = statement
        self.query_id = query_id
        self.began = time.monotonic()
        self.unloading = False  # from here on a failure sets pg_last_unload_count() to 0
        self._service = service
        self._layout = service.layout()
        self.target = service.target(session, statement, keys, query_id, self._layout)
        self._schema: list[tuple[str, dict[str, object]]] = []

    def execute(self) -> UnloadOutcome:
        service = self._service
        with Source(
            self.session, self.statement.select, self.query_id, service.admin_dsn, service.pool
        ) as source:
            plan = source.plan()
            described = source.describe()
            if self.statement.format is Format.PARQUET:
                typed = columns.parquet_columns(described, source.scales(described))
                places, kept = self._partition(described)
                self._schema = [(typed[i].name, typed[i].manifest_type) for i in kept]
                self._begin()
                if places:
                    self._partitioned_parquet(source, typed, places, kept)
                else:
                    self._parquet(source, plan, typed)
            else:
                kinds = columns.manifest_types(described)
                places, kept = self._partition(described)
                self._schema = [(described[i].name, kinds[i]) for i in kept]
                self._begin()
                if places:
                    self._partitioned_text(source, described, places, kept)
                    return self._finished()
                self._text(source, plan, described)
        return self._finished()

    def _begin(self) -> None:
        self.unloading = True
        self.target.prepare()

    def _finished(self) -> UnloadOutcome:
        entries = self.target.entries
        if entries and self.statement.manifest:
            self.target.put_manifest(self._schema)
        rows, size = sum(e.rows for e in entries), sum(e.size_bytes for e in entries)
        return UnloadOutcome(rows, len(entries), size)

    # -- PARTITION BY ---------------------------------------------------------------------------

    def _partition(self, described: list[columns.Described]) -> tuple[list[int], list[int]]:
        """Where the keys stand, and the columns that the files hold."""
        places = partitions.partition_places(self.statement, described) if self.statement.partition_by else []
        return places, partitions.kept_places(self.statement, places, len(described))

    def _partitioned_parquet(
        self, source: Source, typed: list[columns.Column], places: list[int], kept: list[int]
    ) -> None:
        """The whole result is kept in memory, and each partition is one series of files."""
        folder = self._service.work_folder()
        try:
            table = pa.Table.from_batches(source.batches(typed), pa.schema([c.field() for c in typed]))
            for number, (values, rows) in enumerate(partitions.table_groups(table, places)):
                self.target.refuse_if_cancelled()
                # A path of its own for each file: the object store links to it.
                part = ParquetPart(folder / str(number), [typed[i] for i in kept], self.statement.max_file_bytes())
                for batch in rows.select(kept).combine_chunks().to_batches():
                    part.write(batch)
                self.target.put(part.finish(), partitions.folder_of(self.statement.partition_by, values))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _partitioned_text(
        self, source: Source, described: list[columns.Described], places: list[int], kept: list[int]
    ) -> None:
        folder = self._service.work_folder()
        try:
            groups = partitions.row_groups(source.text_rows(described), places, kept)
            for number, (values, rows) in enumerate(groups.items()):
                own = folder / str(number)
                own.mkdir()
                files = TextFiles(self.statement, [described[i] for i in kept], own)
                for part in files.write(iter(rows), itertools.repeat(2**62)):
                    self.target.put(part, partitions.folder_of(self.statement.partition_by, values))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    # -- Parquet --------------------------------------------------------------------------------

    def _parquet(self, source: Source, plan: Plan, typed: list[columns.Column]) -> None:
        given = self._service.given_parts(self.statement)
        if given is not None:
            for part in given:
                self.target.put(part)
            self._add_ghosts()
            return
        fingerprint, kept = self._kept(source, plan)
        if kept is not None:
            for part in kept:
                self.target.put(part)
            return
        folder = self._service.work_folder()
        started = time.monotonic()
        try:
            made = []
            for part in self._parquet_parts(source, plan, typed, folder):
                self.target.put(part)
                made.append(part)
            if fingerprint is not None and self._service.worth_keeping(time.monotonic() - started):
                with contextlib.suppress(SqlError):  # the UNLOAD is complete, with or without this
                    self._service.cache.store(source, fingerprint, made)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _add_ghosts(self) -> None:
        knob = self._service.parts_knob(self.statement)
        base = f"s3://{self.statement.bucket}/{self.statement.prefix}"
        for number in range(int(str((knob or {}).get("ghosts", 0)))):
            self.target.entries.append(Entry(f"{base}{number:06d}_part_00.parquet", 1, 1000))

    def _kept(self, source: Source, plan: Plan) -> tuple[Fingerprint | None, list[Part] | None]:
        """Whether the result may be kept, and what is kept already. Nothing while a session waits for a table:
        the count of its rows would wait, too."""
        try:
            fingerprint = self._fingerprint(source, plan)
            return fingerprint, self._service.cache.find(source, fingerprint) if fingerprint else None
        except SqlError as error:
            if error.sqlstate != "55P03":
                raise
            return None, None

    def _fingerprint(self, source: Source, plan: Plan) -> Fingerprint | None:
        if not self._service.caching():
            return None
        statement = self.statement
        layout = (self._layout, statement.max_file_bytes(), statement.parallel)
        return self._service.cache.fingerprint(source, plan, layout)

    def _parquet_parts(
        self, source: Source, plan: Plan, typed: list[columns.Column], folder: Path
    ) -> Iterator[Part]:
        part: ParquetPart | None = None
        index = 0
        with read_ahead(source.batches(typed), depth=1) as batches:
            for batch in batches:
                self.target.refuse_if_cancelled()
                while batch.num_rows:
                    if part is None:
                        allowed = rows_for_file(index, self._layout, plan.rows, self.statement.parallel)
                        path = folder / f"{index}.parquet"
                        part = ParquetPart(path, typed, self.statement.max_file_bytes(), self._service.variant())
                    taken = min(batch.num_rows, allowed - part.rows, part.room(batch))
                    part.write(batch.slice(0, taken))
                    batch = batch.slice(taken)
                    if part.rows >= allowed or part.full():
                        yield part.finish()
                        part, index = None, index + 1
            if part is not None:
                yield part.finish()

    # -- text formats ---------------------------------------------------------------------------

    def _text(self, source: Source, plan: Plan, described: list[columns.Described]) -> None:
        folder = self._service.work_folder()
        try:
            files = TextFiles(self.statement, described, folder)
            rows = source.text_rows(described)
            sizes = (
                rows_for_file(i, self._layout, plan.rows, self.statement.parallel) for i in itertools.count()
            )
            for part in files.write(rows, sizes):
                self.target.put(part)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
