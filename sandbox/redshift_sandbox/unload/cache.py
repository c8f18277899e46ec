"""The result cache: files of an earlier UNLOAD, used again while the data they came from has not changed.

Redshift keeps results of repeated queries too (https://docs.aws.amazon.com/redshift/latest/dg/c_challenges_achieving_high_performance_queries.html);
that UNLOAD uses it there is not documented. Here it makes benchmarks faster, and it must never give a wrong row.
So an entry is used only if

- the whole plan is the same text, with the tables, their columns and every constant;
- the plan calls no function that is not immutable, and reads only ordinary tables of users;
- no transaction has written since, or else each table still counts the same rows and no visible row is newer than
  the entry. Inserts, updates, deletes and truncation each break one of the two.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from redshift_sandbox.unload.parts import Part
from redshift_sandbox.unload.source import Plan, Source

_PURE_NODES = frozenset({
    "Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan", "Bitmap Index Scan", "BitmapAnd", "BitmapOr",
    "Hash", "Hash Join", "Merge Join", "Nested Loop", "Sort", "Incremental Sort", "Aggregate", "Group", "Limit",
    "Result", "Append", "Merge Append", "Materialize", "Memoize", "Unique", "Gather", "Gather Merge", "WindowAgg",
    "Subquery Scan", "CTE Scan", "SetOp", "Values Scan",
})
_CALL = re.compile(r'("(?:[^"]|"")+"|[A-Za-z_][A-Za-z0-9_$]*)\s*\(')
_CLOCK_OR_USER = re.compile(r"\b(CURRENT_\w+|LOCALTIME\w*|SESSION_USER|USER)\b|\bTABLESAMPLE\b")
# Costs and widths depend on statistics, not on the query.
_NOT_MEANING = frozenset({"Startup Cost", "Total Cost", "Plan Rows", "Plan Width", "Workers Planned"})
_SYSTEM_SCHEMAS = frozenset({"pg_catalog", "information_schema", "pg_toast"})
_SNAPSHOT = "SELECT pg_current_snapshot()::text, pg_snapshot_xmax(pg_current_snapshot())::text::bigint % (2^32)::bigint"


@dataclass(frozen=True)
class Relation:
    schema: str
    name: str
    rows: int


@dataclass(frozen=True)
class Fingerprint:
    """The key under which a result is stored, and what must still be true when it is used."""

    key: str
    snapshot: str  # pg_current_snapshot()
    next_xid: int  # the snapshot does not see this transaction and later ones
    relations: tuple[tuple[str, str], ...]


class ResultCache:
    """Entries are folders below `folder`. Any thread may call; entries stay after a restart."""

    def __init__(self, folder: Path, bookkeeping: Sequence[str] = (), max_bytes: int = 8 * 2**30) -> None:
        """`bookkeeping`: tables that the sandbox itself writes to; their changes do not matter for results."""
        self._folder = folder
        self._bookkeeping = tuple(bookkeeping)
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def fingerprint(self, source: Source, plan: Plan, layout: Sequence[object]) -> Fingerprint | None:
        """None if the result of this plan may not be kept."""
        nodes = list(_nodes(plan.tree))
        if not all(node["Node Type"] in _PURE_NODES for node in nodes):
            return None
        relations = tuple(sorted({(n["Schema"], n["Relation Name"]) for n in nodes if "Relation Name" in n}))
        text = json.dumps(_meaning(plan.tree), sort_keys=True)
        if any(schema in _SYSTEM_SCHEMAS or schema.startswith("pg_") for schema, _ in relations):
            return None
        if _CLOCK_OR_USER.search(text) or _calls_unstable(source, text):
            return None
        snapshot, next_xid = source.query_as_superuser(_SNAPSHOT)[0]
        if not snapshot.endswith(":"):  # "xmin:xmax:xip": a transaction writes at this moment
            return None
        key = hashlib.sha256(repr((text, source.identity(), tuple(layout))).encode()).hexdigest()[:32]
        return Fingerprint(key, snapshot, int(next_xid), relations)

    def find(self, source: Source, now: Fingerprint) -> list[Part] | None:
        """The files of an entry that is still valid, or None."""
        with self._lock:
            entry = self._read(now.key)
        if entry is None:
            return None
        if entry["snapshot"] != now.snapshot:
            if not self._only_bookkeeping(source, entry, now) and not _unchanged(source, entry, now):
                return None
            with self._lock:
                self._write(now.key, {**entry, "snapshot": now.snapshot, "next_xid": now.next_xid})
        (self._folder / now.key).touch()
        return [Part(self._folder / now.key / p["name"], p["rows"], p["size_bytes"]) for p in entry["parts"]]

    def store(self, source: Source, made: Fingerprint, parts: Sequence[Part]) -> None:
        """Keeps the files by hard links; the caller may remove its own."""
        relations = [asdict(Relation(s, n, _count(source, s, n, None)[0])) for s, n in made.relations]
        with self._lock:
            home = self._folder / made.key
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir()
            kept = [replace(part, path=home / f"{i}{part.path.suffix}") for i, part in enumerate(parts)]
            for part, own in zip(parts, kept, strict=True):
                own.path.hardlink_to(part.path)
            entry = {
                "snapshot": made.snapshot,
                "next_xid": made.next_xid,
                "relations": relations,
                "parts": [{"name": p.path.name, "rows": p.rows, "size_bytes": p.size_bytes} for p in kept],
            }
            self._write(made.key, entry)
            self._evict(keep=made.key)

    def clear(self) -> None:
        with self._lock:
            for home in self._folder.iterdir():
                shutil.rmtree(home, ignore_errors=True)

    def _only_bookkeeping(self, source: Source, entry: dict[str, Any], now: Fingerprint) -> bool:
        """Whether every transaction since the entry was one of the sandbox's own, each of which wrote a row. Then
        large tables need not be counted: every UNLOAD writes its own history."""
        passed = now.next_xid - entry["next_xid"]
        if passed <= 0 or not self._bookkeeping:
            return False
        rows = " UNION ALL ".join(f"SELECT xmin FROM {table}" for table in self._bookkeeping)
        query = f"SELECT count(DISTINCT xmin::text) FROM ({rows}) AS own WHERE age(xmin) <= age(%s::text::xid)"
        return bool(source.query_as_superuser(query, [str(entry["next_xid"])])[0][0] == passed)

    # -- entries on disk ------------------------------------------------------------------------

    def _read(self, key: str) -> dict[str, Any] | None:
        try:
            entry: dict[str, Any] = json.loads((self._folder / key / "entry.json").read_text())
        except (OSError, ValueError):
            return None
        paths = [self._folder / key / part["name"] for part in entry["parts"]]
        return entry if all(path.exists() for path in paths) else None

    def _write(self, key: str, entry: dict[str, Any]) -> None:
        new = self._folder / key / "entry.json.new"
        new.write_text(json.dumps(entry))
        new.replace(self._folder / key / "entry.json")

    def _evict(self, keep: str) -> None:
        homes = sorted((h for h in self._folder.iterdir() if h.name != keep), key=lambda h: h.stat().st_mtime)
        sizes = {h: sum(f.stat().st_size for f in h.iterdir()) for h in self._folder.iterdir()}
        total = sum(sizes.values())
        for home in homes:
            if total <= self._max_bytes:
                return
            shutil.rmtree(home, ignore_errors=True)
            total -= sizes[home]


def _nodes(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield tree
    for child in tree.get("Plans", []):
        yield from _nodes(child)


def _meaning(tree: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in tree.items() if name not in _NOT_MEANING}
    if "Plans" in tree:
        kept["Plans"] = [_meaning(child) for child in tree["Plans"]]
    return kept


def _calls_unstable(source: Source, plan_text: str) -> bool:
    """Whether anything that looks like a call has a function of that name which is not immutable."""
    names = sorted({match.group(1).strip('"') for match in _CALL.finditer(plan_text)})
    found = source.query_as_superuser(
        "SELECT count(*) FROM pg_proc WHERE proname = ANY(%s) AND provolatile <> 'i'", [names]
    )
    return bool(found[0][0])


def _count(source: Source, schema: str, name: str, since_xid: int | None) -> tuple[int, int]:
    """Visible rows of a table, and how many of them were written by `since_xid` or later."""
    relation = '"{}"."{}"'.format(schema.replace('"', '""'), name.replace('"', '""'))
    if since_xid is None:
        return int(source.query_as_superuser(f"SELECT count(*) FROM {relation}")[0][0]), 0
    row = source.query_as_superuser(
        f"SELECT count(*), count(*) FILTER (WHERE age(xmin) <= age(%s::text::xid)) FROM {relation}", [str(since_xid)]
    )[0]
    return int(row[0]), int(row[1])


def _unchanged(source: Source, entry: dict[str, Any], now: Fingerprint) -> bool:
    if now.next_xid < entry["next_xid"]:  # a snapshot older than the entry
        return False
    return all(
        _count(source, r["schema"], r["name"], entry["next_xid"]) == (r["rows"], 0) for r in entry["relations"]
    )
