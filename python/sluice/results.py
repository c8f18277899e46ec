"""What commands tell, as typed values: the documents of docs/CLI_JSON.md, field by field. A test compares both.

A field whose name is a word of Python has `_` behind it: `from_`. Times are seconds since 1970, UTC, where the page
says so; sizes are bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["ok", "advice", "warning", "failure", "skipped"]


@dataclass(frozen=True, kw_only=True)
class ErrorInfo:
    code: str
    operation: str
    subject: str
    message: str
    remedy: str
    cause: str
    retryable: bool
    in_doubt: bool


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A mistake in a configuration, and where."""

    field: str
    line: int | None
    column: int | None
    file: str | None
    problem: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class Document:
    """What every command's result has."""

    sluice: str
    command: str
    exit_code: int


# -- check


@dataclass(frozen=True, kw_only=True)
class Finding:
    id: str
    step: str
    severity: Severity
    subject: str
    title: str
    seen: str
    why: str
    remedy: str
    cause: str
    code: str | None


@dataclass(frozen=True, kw_only=True)
class CheckResult(Document):
    interrupted: bool
    seconds: float
    counts: dict[str, int]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Nothing failed: the next sync works."""
        return self.exit_code == 0

    @property
    def failures(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.severity == "failure")


# -- discover, preview


@dataclass(frozen=True, kw_only=True)
class Column:
    name: str
    type: str
    nullable: bool


@dataclass(frozen=True, kw_only=True)
class NamedType:
    name: str
    type: str


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """How a table would best be synced."""

    sync_mode: str
    write_mode: str
    primary_key: tuple[str, ...]
    cursor: str | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Table:
    name: str
    schema: str
    table: str
    type: str
    columns: tuple[Column, ...]
    unreadable_columns: tuple[NamedType, ...]
    hidden: str | None
    primary_key: tuple[str, ...]
    proposed: Proposal
    rows: int | None
    bytes: int | None
    doubled_keys: int | None
    configured: bool


@dataclass(frozen=True, kw_only=True)
class Schema:
    name: str
    type: str
    tables: tuple[Table, ...]


@dataclass(frozen=True, kw_only=True)
class DiscoverResult(Document):
    schemas: tuple[Schema, ...]
    written: tuple[str, ...]

    @property
    def tables(self) -> tuple[Table, ...]:
        """Of all schemas."""
        return tuple(table for schema in self.schemas for table in schema.tables)


@dataclass(frozen=True, kw_only=True)
class PreviewResult(Document):
    stream: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str | None, ...], ...]


# -- sync


@dataclass(frozen=True, kw_only=True)
class Proof:
    agrees: bool
    notice_rows: int | None
    manifest_rows: int
    footer_rows: int
    loaded_rows: int
    parts: int
    manifest_bytes: int
    fetched_bytes: int


@dataclass(frozen=True, kw_only=True)
class Counts:
    inserted: int
    updated: int
    unchanged: int
    deleted: int
    skipped: int
    duplicates: int
    deleted_absent: int


@dataclass(frozen=True, kw_only=True)
class Requests:
    put: int
    get: int
    delete: int


@dataclass(frozen=True, kw_only=True)
class Cost:
    wake_ups: int
    billed_seconds: float
    rpus: float | None
    rpu_seconds: float | None
    workgroup_rpu_seconds: float | None
    rpu_price: float | None
    amount: float | None
    s3_requests: Requests
    bytes_staged: int
    bytes_moved: int


@dataclass(frozen=True, kw_only=True)
class StreamResult:
    stream: str
    target: str
    status: Literal["done", "failed", "stopped"]
    rows: int
    bytes: int
    seconds: float
    unload_seconds: float
    proof: Proof
    verified: dict[str, int]
    counts: Counts
    watermark: str | None
    keys_compared: int | None
    attempts: int
    adopted: bool
    adopted_from: int | None
    kept: tuple[str, ...]
    warnings: tuple[str, ...]
    left_behind: tuple[str, ...]
    error: ErrorInfo | None


@dataclass(frozen=True, kw_only=True)
class PatternTable:
    """A table that a pattern of the configuration met."""

    stream: str
    pattern: str


@dataclass(frozen=True, kw_only=True)
class Tables:
    new: tuple[PatternTable, ...]
    not_taken: tuple[PatternTable, ...]
    gone: tuple[PatternTable, ...]
    no_match: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SyncResult(Document):
    dry_run: bool
    run: str
    destination: str
    interrupted: bool
    seconds: float
    rows: int
    bytes: int
    tables: Tables
    cost: Cost | None
    streams: tuple[StreamResult, ...]

    @property
    def failed(self) -> tuple[StreamResult, ...]:
        return tuple(one for one in self.streams if one.status != "done")


# -- sync --dry-run


@dataclass(frozen=True, kw_only=True)
class Landing:
    """What would become of the table at the destination."""

    table: str
    columns: tuple[NamedType, ...]
    changes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class StreamPlan:
    name: str
    table: str | None
    sync_mode: str
    write_mode: str
    primary_key: tuple[str, ...]
    cursor: str | None
    target: str | None
    columns: tuple[Column, ...]
    select: str | None
    from_: str | None
    key_scan: bool
    rights: tuple[str, ...]
    landing: Landing | None
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    error: ErrorInfo | None


@dataclass(frozen=True, kw_only=True)
class Estimate:
    cost: Cost
    unknown_streams: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PlanResult(Document):
    dry_run: bool
    destination: str
    tables: Tables
    estimate: Estimate
    streams: tuple[StreamPlan, ...]


# -- status, history


@dataclass(frozen=True, kw_only=True)
class Failure:
    """As the ledger keeps it; `stream` is None where it ended the whole run."""

    run: str
    stream: str | None
    at: float
    code: str
    subject: str
    message: str
    remedy: str


@dataclass(frozen=True, kw_only=True)
class StreamStatus:
    stream: str
    committed: float | None
    rows: int | None
    watermark: str | None
    reset: bool
    warnings: tuple[str, ...]
    failure: Failure | None


@dataclass(frozen=True, kw_only=True)
class TotalCost:
    runs: int
    cost: Cost


@dataclass(frozen=True, kw_only=True)
class StatusCost:
    last_run: Cost | None
    last_30_days: TotalCost


@dataclass(frozen=True, kw_only=True)
class StatusResult(Document):
    holder: str | None
    failure: Failure | None
    unclean: tuple[str, ...]
    streams: tuple[StreamStatus, ...]
    cost: StatusCost


@dataclass(frozen=True, kw_only=True)
class PastCounts:
    inserted: int
    updated: int
    unchanged: int
    deleted: int
    skipped: int


@dataclass(frozen=True, kw_only=True)
class PastStream:
    stream: str
    attempt: str
    state: Literal["planned", "committed", "failed", "abandoned", "cleaned"]
    began: float
    committed: float | None
    error: str | None
    subject: str | None
    message: str | None
    remedy: str | None
    rows: int
    bytes: int
    counts: PastCounts
    watermark: str | None


@dataclass(frozen=True, kw_only=True)
class PastRun:
    run: str
    began: float
    ended: float | None
    outcome: Literal["done", "failed", "interrupted"] | None
    cost: Cost | None
    streams: tuple[PastStream, ...]
    failures: tuple[Failure, ...]


@dataclass(frozen=True, kw_only=True)
class HistoryResult(Document):
    holder: str | None
    runs: tuple[PastRun, ...]
