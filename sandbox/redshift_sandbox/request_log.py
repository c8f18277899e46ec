"""The requests to the sandbox, for tests: calls of the services and statements of the database.

Limited in size, in memory, and without secrets: a value whose name says that it is secret is removed.
"""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

BLANK = "***"
_SECRET_NAME = re.compile(
    r"authorization|secret|password|passwd|signature|token|credential|private|cookie", re.IGNORECASE
)
# A continuation token only names a place in a listing, and tests look at it.
_HARMLESS = frozenset({"continuation-token", "nextcontinuationtoken"})
# Keys inside free text, such as an UNLOAD statement: both spellings of CREDENTIALS, and presigned URLs.
_IN_TEXT = (
    re.compile(r"(aws_(?:access_key_id|secret_access_key)|token|session_token|master_symmetric_key)"
               r"(\s*=\s*)([^;'\s]+)", re.IGNORECASE),
    re.compile(r"((?:access_key_id|secret_access_key|session_token|password|credentials(?:\s+as)?)\s+)"
               r"('{1,2})((?:[^']|'')*)'", re.IGNORECASE),
    re.compile(r"(X-Amz-(?:Signature|Security-Token|Credential)=)([^&\s]+)", re.IGNORECASE),
)  # fmt: skip


def redact_text(text: str) -> str:
    """The text without keys, tokens and passwords."""
    text = _IN_TEXT[0].sub(lambda m: f"{m[1]}{m[2]}{BLANK}", text)
    text = _IN_TEXT[1].sub(lambda m: f"{m[1]}'{BLANK}'", text)
    return _IN_TEXT[2].sub(lambda m: f"{m[1]}{BLANK}", text)


def redact(name: str, value: Any) -> Any:
    """The value, or asterisks if its name or its text says that it is secret."""
    if isinstance(value, Mapping):
        return {key: redact(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact(name, inner) for inner in value]
    if _SECRET_NAME.search(name) and name.lower() not in _HARMLESS and value not in (None, ""):
        return BLANK
    return redact_text(value) if isinstance(value, str) else value


class RequestLog:
    """Any thread may call it. Keeps the latest `capacity` entries."""

    def __init__(self, capacity: int = 20_000) -> None:
        self._mutex = threading.Lock()
        self._entries: deque[dict[str, Any]] = deque(maxlen=capacity)
        self._sequence = 0

    def add(self, entry: Mapping[str, Any]) -> None:
        """Keeps a copy without secrets, with its number as `seq`."""
        clean = {key: redact(key, value) for key, value in entry.items()}
        with self._mutex:
            self._sequence += 1
            self._entries.append({"seq": self._sequence, **clean})

    def entries(self, since: int = 0, service: str | None = None) -> list[dict[str, Any]]:
        """Entries after number `since`, oldest first, of one service or of all."""
        with self._mutex:
            return [
                dict(entry)
                for entry in self._entries
                if entry["seq"] > since and (service is None or entry.get("service") == service)
            ]

    def clear(self) -> None:
        """Removes the entries; the numbers go on."""
        with self._mutex:
            self._entries.clear()
