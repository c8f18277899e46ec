"""The classes have each field that the program's contract has, and no other: names as in the tables of
docs/CLI_JSON.md, which the program's own tests hold, types as in the samples of tests/vectors/contract.json."""

from __future__ import annotations

import dataclasses
import json
import re
import types
import typing
from pathlib import Path
from typing import Any

import pytest
from sluice import events, results
from sluice.parse import Mismatch, from_json, json_name

ROOT = Path(__file__).resolve().parents[2]
_TABLE = re.compile(r"<!-- fields: (.+?) -->\n(.*?)<!-- end -->", re.DOTALL)
# What stands in every document and every event is told once on the page, or in a sentence.
DOCUMENT = {"sluice", "command", "exit_code"}
EVENT = {"v", "event", "time"}
TABLES: dict[str, tuple[type, set[str]]] = {
    "error": (results.ErrorInfo, set()),
    "problem": (results.Problem, set()),
    "check": (results.CheckResult, DOCUMENT),
    "check.finding": (results.Finding, set()),
    "discover.schema": (results.Schema, set()),
    "discover.table": (results.Table, set()),
    "discover.column": (results.Column, set()),
    "preview": (results.PreviewResult, DOCUMENT),
    "sync": (results.SyncResult, DOCUMENT),
    "sync.tables": (results.Tables, set()),
    "sync.table": (results.PatternTable, set()),
    "sync.stream": (results.StreamResult, set()),
    "sync.proof": (results.Proof, set()),
    "sync.counts": (results.Counts, set()),
    "cost": (results.Cost, set()),
    "sync --dry-run.stream": (
        results.StreamPlan,
        {"name", "table", "sync_mode", "write_mode", "primary_key", "cursor"},
    ),
    "sync --dry-run.landing": (results.Landing, set()),
    "sync --dry-run.estimate": (results.Estimate, set()),
    "failure": (results.Failure, set()),
    "status.stream": (results.StreamStatus, set()),
    "status.total": (results.TotalCost, set()),
    "history.run": (results.PastRun, set()),
    "history.stream": (results.PastStream, set()),
    "event command_began": (events.CommandBegan, EVENT),
    "event run_began": (events.RunBegan, EVENT),
    "event stream_phase": (events.StreamPhase, EVENT),
    "event stream_progress": (events.StreamProgress, EVENT | {"stream", "phase"}),
    "event schema_listed": (events.SchemaListed, EVENT),
    "event run_ended": (events.RunEnded, EVENT),
    "event command_ended": (events.CommandEnded, EVENT),
}
# Of commands that the package does not have.
LEFT_OUT = re.compile(
    r"config validate|init|setup|check --list-findings|discover --list-types|clean|event stream_reset"
)
DOCUMENTS = {
    "check": results.CheckResult,
    "discover": results.DiscoverResult,
    "preview": results.PreviewResult,
    "sync": results.SyncResult,
    "sync --dry-run": results.PlanResult,
    "status": results.StatusResult,
    "history": results.HistoryResult,
    **{f"event {name}": kind for name, kind in events.KINDS.items()},
}
TYPES = {"string": str, "integer": int, "number": float, "boolean": bool, "array": tuple, "object": dict}


def tables() -> dict[str, set[str]]:
    page = (ROOT / "docs/CLI_JSON.md").read_text()
    return {name: set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) for name, text in _TABLE.findall(page)}


def vectors() -> dict[str, dict[str, str]]:
    return dict(json.loads((ROOT / "tests/vectors/contract.json").read_text())["documents"])


def names_of(kind: type) -> set[str]:
    return {json_name(field.name) for field in dataclasses.fields(kind)}


def test_every_table_of_the_page_has_its_class() -> None:
    assert {name for name in tables() if not LEFT_OUT.match(name)} == set(TABLES)
    assert set(re.findall(r"event (\w+)", " ".join(vectors()))) - {"stream_reset"} == set(events.KINDS)


@pytest.mark.parametrize("table", TABLES)
def test_fields_are_those_of_the_page(table: str) -> None:
    kind, told_elsewhere = TABLES[table]
    assert names_of(kind) - told_elsewhere == tables()[table]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_fields_are_of_the_types_that_were_recorded(document: str) -> None:
    wrong = [
        f"{path}: {words} is not {hint}"
        for path, words in vectors()[document].items()
        if path != "error" or document.startswith("event ")
        for hint in [hint_of(DOCUMENTS[document], path)]
        if not all(takes(hint, word) for word in words.split("|"))
    ]
    assert not wrong


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_field_is_made_up(document: str) -> None:
    """Each path of a class stands in the record; maps by name are recorded as one."""
    assert {path for path in paths(DOCUMENTS[document], "") if not path.endswith("*")} <= set(vectors()[document])


def hint_of(kind: Any, path: str) -> Any:
    """Type of what stands at `streams[].proof.parts`."""
    hint = kind
    for step in re.findall(r"\[\]|\*|\w+", path):
        hint = plain(hint)
        if step == "[]":
            hint = typing.get_args(hint)[0]
        elif step == "*" or typing.get_origin(hint) is dict:
            hint = typing.get_args(hint)[1]
        else:
            hints = typing.get_type_hints(hint)
            hint = hints[step] if step in hints else hints[f"{step}_"]
    return hint


def plain(hint: Any) -> Any:
    """Without None."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        (hint,) = (one for one in typing.get_args(hint) if one is not type(None))
    return hint


def takes(hint: Any, word: str) -> bool:
    if word == "null":
        return plain(hint) is not hint
    inner = plain(hint)
    if dataclasses.is_dataclass(inner):
        return word == "object"
    if typing.get_origin(inner) is typing.Literal:
        return word == "string"
    # A time is a number with a fraction, though the sample has none.
    return TYPES[word] in (typing.get_origin(inner), inner) or (word == "integer" and inner is float)


def paths(kind: Any, where: str) -> set[str]:
    inner = plain(kind)
    if typing.get_origin(inner) is tuple:
        return paths(typing.get_args(inner)[0], f"{where}[]") | {where}
    if not dataclasses.is_dataclass(inner):
        return {where} if where else set()
    hints = typing.get_type_hints(inner)
    found = {where} if where else set()
    for field in dataclasses.fields(inner):
        name = json_name(field.name)
        found |= paths(hints[field.name], f"{where}.{name}" if where else name)
    return found


def test_what_is_missing_or_of_another_type_is_named_and_what_is_more_is_left_out() -> None:
    proof = {"agrees": True, "notice_rows": None, "manifest_rows": 1, "footer_rows": 1, "loaded_rows": 1, "parts": 1,
             "manifest_bytes": 1, "fetched_bytes": 1}  # fmt: skip
    assert from_json(results.Proof, {**proof, "new": 1}).notice_rows is None
    for broken, told in (
        ({name: value for name, value in proof.items() if name != "parts"}, "parts is missing"),
        ({**proof, "parts": "1"}, "parts is str, not int"),
        ({**proof, "parts": True}, "parts is bool, not int"),
        ({**proof, "parts": None}, "parts is NoneType, not int"),
        ([proof], "the document is no object"),
    ):
        with pytest.raises(Mismatch, match=re.escape(told)):
            from_json(results.Proof, broken)


def test_a_word_of_python_is_no_name() -> None:
    assert "from" in names_of(results.StreamPlan) and hasattr(results.StreamPlan, "__dataclass_fields__")


def test_an_event_that_is_not_known_keeps_what_it_tells() -> None:
    told = events.event_of(b'{"v": 1, "event": "moved", "time": 2.5, "where": "there"}\n')
    assert isinstance(told, events.OtherEvent) and told.fields["where"] == "there"
    assert events.event_of(b'{"v": 1, "event": "run_b') is None  # of a process that was killed
