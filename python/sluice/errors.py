"""What goes wrong, as exceptions. Each has what the program tells of an error: `code` (a closed list,
docs/CLI_JSON.md), `subject` (what it concerns) and `remedy` (what to do)."""

from __future__ import annotations

from typing import Any

from .results import ErrorInfo, PlanResult, Problem, SyncResult


class SluiceError(Exception):
    """A command failed as a whole. All exceptions of this package are of this class."""

    def __init__(self, info: ErrorInfo, *more: Any) -> None:
        # All arguments, so that it can be pickled: a worker process hands it to the one that asked.
        super().__init__(info, *more)
        self.info = info

    @property
    def code(self) -> str:
        return self.info.code

    @property
    def subject(self) -> str:
        return self.info.subject

    @property
    def message(self) -> str:
        return self.info.message

    @property
    def remedy(self) -> str:
        return self.info.remedy

    @property
    def retryable(self) -> bool:
        """The same call may succeed later without anybody fixing anything."""
        return self.info.retryable

    @property
    def in_doubt(self) -> bool:
        """It may have happened all the same."""
        return self.info.in_doubt

    def __str__(self) -> str:
        said = ": ".join(part for part in (self.subject, self.message) if part)
        return "\n".join(part for part in (f"{said} ({self.code})", self.info.cause, self.remedy) if part)


class ConfigurationError(SluiceError):
    """The configuration has mistakes: all of them are in `problems`."""

    def __init__(self, info: ErrorInfo, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(info, problems)
        self.problems = problems


class StreamsFailed(SluiceError):
    """Some or all streams failed; the others are committed. It has the code, subject and remedy of the first that
    failed; `result` has every stream with its own."""

    def __init__(self, info: ErrorInfo, result: SyncResult | PlanResult) -> None:
        super().__init__(info, result)
        self.result = result


class Interrupted(SluiceError):
    """Stopped before its end, by `cancel()` or from outside. What was committed until then stays; `result` tells, if
    the program came so far."""

    def __init__(self, info: ErrorInfo, result: SyncResult | None = None) -> None:
        super().__init__(info, result)
        self.result = result


class BinaryNotFound(SluiceError):
    """There is no program `sluice` to run."""


class ProgramFailed(SluiceError):
    """The program ended without saying why: it was killed, or is another version than this package understands."""


def made_here(
    kind: type[SluiceError], code: str, subject: str, message: str, remedy: str, cause: str = ""
) -> SluiceError:
    """An error that this package tells of, in the form of the program's own."""
    return kind(
        ErrorInfo(
            code=code,
            operation="run sluice",
            subject=subject,
            message=message,
            remedy=remedy,
            cause=cause,
            retryable=False,
            in_doubt=False,
        )
    )
