"""One call of the program: its arguments, and what its end means. Nothing here waits or starts anything: process.py and
aio.py do."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from .errors import (
    ConfigurationError,
    Interrupted,
    ProgramFailed,
    SluiceError,
    StreamsFailed,
    made_here,
)
from .parse import Mismatch, from_json
from .results import Document, ErrorInfo, PlanResult, Problem, SyncResult

# A configuration: the path of a file, or what would stand in it.
Config = str | os.PathLike[str] | Mapping[str, Any]
R = TypeVar("R", bound=Document)

INTERRUPTED = 130
# Of what the program logged: what a message holds.
LOG_LINES = 20


@dataclass(frozen=True)
class Options:
    """What every command takes."""

    config: Config | None = None
    env_file: str | os.PathLike[str] | None = None
    env: Mapping[str, str] | None = None
    cwd: str | os.PathLike[str] | None = None

    def environment(self) -> dict[str, str]:
        return {**os.environ, **(self.env or {})}


@dataclass(frozen=True)
class Command(Generic[R]):
    result: type[R]
    name: str
    options: Options
    arguments: Sequence[str] = ()
    # Behind `--`, so that no name is taken for an option.
    names: Sequence[str] = field(default=())
    has_events: bool = True

    def line(self, config: int | None, events: int | None) -> list[str]:
        """Arguments of the program, with the descriptors on which the configuration and the events are."""
        words = ["sluice"]
        if config is not None:
            words += ["--config", f"/dev/fd/{config}"]
        elif self.options.config is not None:
            words += ["--config", os.fspath(self.options.config)]  # type: ignore[arg-type]
        if self.options.env_file is not None:
            words += ["--env-file", os.fspath(self.options.env_file)]
        words += [self.name, "--json", "--quiet", "--no-color", *self.arguments]
        if events is not None:
            words += ["--events", str(events)]
        return [*words, *(["--", *self.names] if self.names else [])]

    def finish(self, exit_code: int, printed: bytes, log: str, config: int | None) -> R:
        """The result, or throws what the end means: SluiceError."""
        try:
            document = json.loads(printed)
        except ValueError:
            raise self._without_document(exit_code, log) from None
        # The number of a descriptor tells nobody anything.
        document = _named(document, f"/dev/fd/{config}") if config is not None else document
        if document.get("error") is not None:
            raise _error(document)
        try:
            result = from_json(self.result, document)
        except Mismatch as mismatch:
            raise made_here(
                ProgramFailed,
                "unsupported",
                f"sluice {document.get('sluice')}",
                f"its answer to `{self.name}` is not as this package knows it: {mismatch}",
                "Use the program that came with this package: unset SLUICE_BINARY.",
            ) from None
        _raise_failures(result)
        return result

    def _without_document(self, exit_code: int, log: str) -> SluiceError:
        said = "\n".join(log.splitlines()[-LOG_LINES:])
        subject = f"sluice {self.name}"
        again = "Run it again: it removes or takes up what may be left."
        # A signal that came before the program was ready for it.
        if exit_code in (INTERRUPTED, -signal.SIGINT):
            return made_here(Interrupted, "cancelled", subject, "was stopped before it had a result", again, said)
        if exit_code < 0:
            killed = f"was killed by signal {-exit_code}"
            look = f"Look for the reason in the system's log (too little memory?). {again}"
            return made_here(ProgramFailed, "internal", subject, killed, look, said)
        ended = f"ended with exit code {exit_code} and no result"
        return made_here(ProgramFailed, "internal", subject, ended, "Read what it said, above.", said)


def config_file(config: Mapping[str, Any]) -> int:
    """A descriptor that holds it: in memory, with no name, closed in every program but the one it is given to. JSON
    is YAML. Throws TypeError for a value that has no form in JSON."""
    text = json.dumps(dict(config), ensure_ascii=False, default=_plain)
    descriptor = os.memfd_create("sluice-config", os.MFD_CLOEXEC)
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(text.encode())
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a configuration cannot hold a {type(value).__name__}")


def _named(value: Any, file: str) -> Any:
    if isinstance(value, dict):
        return {name: _named(one, file) for name, one in value.items()}
    if isinstance(value, list):
        return [_named(one, file) for one in value]
    return "the configuration" if value == file else value


def _error(document: dict[str, Any]) -> SluiceError:
    info = from_json(ErrorInfo, document["error"])
    if "problems" in document:
        return ConfigurationError(info, tuple(from_json(Problem, one) for one in document["problems"]))
    if document.get("exit_code") == INTERRUPTED:
        return Interrupted(info)
    return SluiceError(info)


def _raise_failures(result: Document) -> None:
    """A failed stream is an error of the call; a failed finding is what `check` was asked for."""
    if isinstance(result, SyncResult | PlanResult):
        errors = [stream.error for stream in result.streams if stream.error is not None]
        if isinstance(result, SyncResult) and result.interrupted:
            cancelled = next((one for one in errors if one.code == "cancelled"), _interrupted())
            raise Interrupted(cancelled, result)
        if errors:
            raise StreamsFailed(errors[0], result)
    elif result.exit_code == INTERRUPTED:
        raise Interrupted(_interrupted())


def _interrupted() -> ErrorInfo:
    return made_here(Interrupted, "cancelled", "sluice", "was stopped before its end", "Run it again.").info
