"""Faults by name. A fault is off until it is set. It then happens `count` times, or every time if no count is given.

Every fault takes `skip` (let this many occasions pass first). Faults of an object take `match` (only keys that contain this
text; the key of a listing is its prefix). Faults of a statement, marked (s), take `statement` (its first word, such as
"UNLOAD" or "COMMIT") and `match` (only statements that contain this text, credentials removed). So `{"skip": 2,
"statement": "UNLOAD", "match": "orders"}` with a count of 1 concerns the third UNLOAD of orders.

Identity and S3. The faults of S3 also concern what UNLOAD itself writes, unless `operation` excludes it.

| Name | Effect | Arguments |
|---|---|---|
| `s3.slow_down` | S3 answers 503 `SlowDown` | `operation`: only this one, such as `GetObject` |
| `s3.internal_error` | S3 answers 500 `InternalError` | `operation` |
| `s3.expired_token` | S3 answers 400 `ExpiredToken`: keys that expire in the middle of a fetch | `operation` |
| `s3.access_denied` | S3 answers 403 `AccessDenied` | `operation` |
| `s3.reset_mid_body` | the connection is reset inside the body of a GetObject | `after`: bytes, default half |
| `s3.truncate_body` | the body of a GetObject ends early, and the connection is closed normally | `after`: bytes, default half |
| `s3.flip_byte` | one byte of a GetObject arrives inverted | `offset` in the body, below 0 from its end, default its middle |
| `s3.no_checksums` | S3 sends no checksums, like other services with the same API | |
| `s3.damage_copy` | a copied object has its middle byte inverted, and S3 sends the checksum of what it stored | |
| `s3.truncate_list` | the XML of a listing ends half-way, with status 200 | |
| `s3.endless_list` | a listing never ends | `how`: `repeat` (the same token again), `endless` (always a new token, and keys), `empty` (pages without keys) |
| `s3.foreign_keys` | a listing names a key outside of the prefix that was asked for | |
| `s3.repeated_keys` | a listing names each key twice | |
| `s3.vanish` | the object is removed just before a GetObject or HeadObject | |
| `s3.slow` | bodies of GetObject are sent slowly | `bytes_per_second`, default 1 MiB |
| `s3.conditional_conflict` | a PutObject with If-None-Match answers 409 `ConditionalRequestConflict` | |
| `s3.lose_answer` | the operation is done, and the connection is reset instead of the answer | `operation`: only this one, such as `PutObject` |
| `s3.page_size` | listings hold at most this many keys | `keys`, default 2 |
| `aws.error` | a service answers with this error, also to the S3 calls of UNLOAD (except for `body`) | `service` (`s3`, `sts`, `redshift-serverless`, `redshift`; default `s3`), `operation`, `status` (default 400), `code`, `message`; or `body`, sent as it is, with `content_type` and `location` |
| `credentials.throttle` | GetCredentials answers `ThrottlingException`, `Rate exceeded` | |
| `credentials.internal_error` | GetCredentials answers 500 `InternalServerException` | |
| `sts.long_token` | session tokens are longer than 2048 bytes | `bytes`, default 3000 |
| `sigv4.machine_dates` | the dates of signatures are compared with the machine's clock, so that tests can let tokens expire by advancing the sandbox's clock, without changing the client's | |

The connection to the database, and its statements.

| Name | Effect | Arguments |
|---|---|---|
| `gateway.tls_refused` | the server refuses TLS | |
| `gateway.certificate` | the server shows another certificate | `kind`: `expired`, `wrong_name`, `unknown_authority` |
| `gateway.auth_code` | how the server asks for the password | `code`: 3, 5 or 13 |
| `gateway.login_fatal` | FATAL after the password, with this text | `message`; `sqlstate`, default 28000 |
| `gateway.connection_limit` | FATAL 53300 above this number of sessions; each refused login uses up one of the count | `limit` |
| `gateway.cold_start_delay` | a pause before the first statement after an idle time | `seconds`, default 10 |
| `gateway.idle_timeout` | sessions end after this idle time of the sandbox's clock | `seconds`, default 3600; `transaction_seconds` with an open transaction, default 21600 |
| `gateway.reset_after_bytes` | a new session is reset after it has sent this number of bytes since its login | `bytes` |
| `gateway.reset_before` (s) | the connection is reset and the statement never runs | |
| `gateway.reset_during` (s) | the connection is reset, the statement goes on: an UNLOAD becomes a zombie, a COMMIT commits | |
| `gateway.reset_after` (s) | the statement runs to its end, then the connection is reset: the reply is lost | |
| `gateway.drop_during_statement` (s) | the older name of `gateway.reset_during` | |
| `gateway.serializable_conflict` (s) | error 1023 | |
| `gateway.relation_gone` (s) | error 1018, as after a table was created again | |
| `gateway.error` (s) | any error | `sqlstate`, default XX000; `message`; `detail` |
| `gateway.datashare` | the error for a missing relation is the one of a datashare, with XX000 | |
| `gateway.deny_pg_tables` | pg_tables gives 42501 | |
| `gateway.visible_secrets` | sys_query_history shows statements as they were sent | |

UNLOAD.

| Name | Effect | Arguments |
|---|---|---|
| `unload.fail_after_files` | fails once this number of files is in S3; the files stay | `files`, default 1; `match`: text of the prefix |
| `unload.keys_expire` | S3 refuses the statement's keys with `ExpiredToken` once this number of files is there | the same |
| `unload.slow_per_file` | a pause before each file is put | `seconds`, default 1 |
| `unload.slices` | the number of slices that write, and the rows per file | `slices`, default 4; `rows_per_file`, default even |
| `unload.cache` | the result cache | `enabled`, default true; `min_seconds` a run must take to be kept, default 1 |
| `unload.parts_from` | the files of a folder are put into S3 as they are, instead of the rows of the select | `folder`: its `*.parquet`, by name; `rows` of each file, for the manifest, default what its footer says; `ghosts`: entries of the manifest without an object; `match`: text of the prefix |
| `unload.types` | Parquet in another way where AWS does not say which | `plain_smallint`, `date_as_timestamp`, `timestamps_as_int64`, `decimal_as_integer`, `super_null_as_json`: true |
| `unload.count_zero` | pg_last_unload_count() answers 0 although files and manifest are there | |

Keys that really expire: `sigv4.machine_dates` and `clock.advance(...)`. Lifecycle expiry: a rule of the bucket and
`clock.advance(...)`. A table that is created again in the middle of a run: DROP and CREATE through another session.

Other rooms declare theirs with `FaultRegistry.declare`.
"""  # noqa: E501 a table's row is one line

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

KNOWN = frozenset(
    {
        "s3.slow_down", "s3.internal_error", "s3.expired_token", "s3.access_denied", "s3.reset_mid_body",
        "s3.truncate_body", "s3.flip_byte", "s3.truncate_list", "s3.vanish", "s3.slow", "s3.page_size",
        "s3.conditional_conflict", "s3.lose_answer", "s3.no_checksums", "s3.damage_copy",
        "s3.endless_list", "aws.error", "s3.foreign_keys", "s3.repeated_keys",
        "credentials.throttle", "credentials.internal_error", "sts.long_token", "sigv4.machine_dates",
    }
)  # fmt: skip


@dataclass
class _Fault:
    args: dict[str, Any]
    remaining: int | None  # None: always on
    skip: int


class FaultRegistry:
    """Implements contracts.Faults. Any thread may call it."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._on: dict[str, _Fault] = {}
        self._known = set(KNOWN)

    def declare(self, *names: str) -> None:
        """Makes more names valid for `set`."""
        with self._mutex:
            self._known.update(names)

    def set(self, name: str, count: int | None = None, args: Mapping[str, Any] | None = None) -> None:
        """Switches a fault on, replacing an earlier setting. Raises ValueError for an unknown name."""
        given = dict(args or {})
        with self._mutex:
            if name not in self._known:
                raise ValueError(f"unknown fault {name!r}; known are {', '.join(sorted(self._known))}")
            if count is not None and count < 1:
                raise ValueError(f"the count of fault {name!r} must be at least 1")
            self._on[name] = _Fault(given, count, int(given.get("skip", 0)))

    def clear(self, name: str | None = None) -> None:
        """Switches one fault off, or all of them."""
        with self._mutex:
            if name is None:
                self._on.clear()
            else:
                self._on.pop(name, None)

    def list(self) -> dict[str, dict[str, Any]]:
        """The faults that are on, with what is left of their counts."""
        with self._mutex:
            return {n: {"count": f.remaining, "args": dict(f.args)} for n, f in self._on.items()}

    def known(self) -> frozenset[str]:
        with self._mutex:
            return frozenset(self._known)

    def take(self, name: str) -> dict[str, Any] | None:
        """The fault's args if it is on (using up one of its count), else None."""
        return self.take_if(name, lambda _args: True)

    def take_if(self, name: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        """`take`, but only if `wanted(args)`; otherwise nothing is used up."""
        with self._mutex:
            fault = self._on.get(name)
            if fault is None or not wanted(fault.args):
                return None
            if fault.skip > 0:
                fault.skip -= 1
                return None
            if fault.remaining is not None:
                fault.remaining -= 1
                if fault.remaining == 0:
                    del self._on[name]
            return dict(fault.args)

    def take_for(self, name: str, key: str) -> dict[str, Any] | None:
        """`take` for a fault about the object `key`: only if the fault's `match` is part of it."""
        return self.take_if(name, lambda args: str(args.get("match", "")) in key)

    def peek(self, name: str) -> dict[str, Any] | None:
        """The same without using it up: for settings that stay on."""
        with self._mutex:
            fault = self._on.get(name)
            return None if fault is None else dict(fault.args)
