"""What a caller asks for, as commands of the program."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from .command import Command, Config, Options
from .results import CheckResult, DiscoverResult, HistoryResult, PlanResult, PreviewResult, StatusResult, SyncResult

Names = Sequence[str] | str


class Common(TypedDict, total=False):
    """Keywords that every call takes."""

    env_file: str | os.PathLike[str]  # variables, as NAME=value lines; those of the environment win
    env: Mapping[str, str]  # variables besides those of this process
    cwd: str | os.PathLike[str]  # where the program runs; paths in a configuration that is a dict are taken from here


def _options(config: Config | None, common: Common) -> Options:
    return Options(config=config, env_file=common.get("env_file"), env=common.get("env"), cwd=common.get("cwd"))


def _names(names: Names) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def check(config: Config | None, only: Literal["source", "destination"] | None, common: Common) -> Command[CheckResult]:
    arguments = ["--only", only] if only else []
    return Command(CheckResult, "check", _options(config, common), arguments)


def discover(config: Config | None, schemas: Names, verify_keys: bool, common: Common) -> Command[DiscoverResult]:
    arguments = ["--verify-keys"] if verify_keys else []
    return Command(DiscoverResult, "discover", _options(config, common), arguments, _names(schemas))


def preview(config: Config | None, stream: str, limit: int, common: Common) -> Command[PreviewResult]:
    arguments = ["--limit", str(limit)]
    return Command(PreviewResult, "preview", _options(config, common), arguments, [stream], has_events=False)


def sync(config: Config | None, streams: Names, full: bool, allow_deletes: bool, common: Common) -> Command[SyncResult]:
    arguments = [word for word, asked in (("--full", full), ("--allow-deletes", allow_deletes)) if asked]
    return Command(SyncResult, "sync", _options(config, common), arguments, _names(streams))


def plan(config: Config | None, streams: Names, common: Common) -> Command[PlanResult]:
    return Command(PlanResult, "sync", _options(config, common), ["--dry-run"], _names(streams))


def status(config: Config | None, common: Common) -> Command[StatusResult]:
    return Command(StatusResult, "status", _options(config, common), has_events=False)


def history(config: Config | None, runs: int, common: Common) -> Command[HistoryResult]:
    return Command(HistoryResult, "history", _options(config, common), ["--runs", str(runs)], has_events=False)
