"""Names of up to 127 bytes, where the private PostgreSQL keeps 63.

A longer name is written to PostgreSQL as its first bytes and a digest of the whole, 63 bytes in all; which name that
stands for is kept in pg_sandbox.long_names of the database (pg/compat/10_private.sql), and put back in what clients
see. Redshift cuts names after 127 bytes (https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_TABLE_NEW.html);
that it leaves no half of a character is assumed.
"""

from __future__ import annotations

import hashlib
import re
import struct
import threading
from collections.abc import Mapping
from typing import Any

import psycopg

from redshift_sandbox.gateway.tokens import Kind, Token, meaningful, name_of, quote_name
from redshift_sandbox.pg import Postgres

NAME_BYTES_MAX = 127
KEPT_BYTES_MAX = 63  # PostgreSQL's NAMEDATALEN
_DIGITS = 20
_SHORT = re.compile(rf"[^\x00\"]{{1,42}}~[0-9a-f]{{{_DIGITS}}}")
KEEP = "SELECT pg_catalog.pg_sandbox_keep_name(%s, %s)"


def cut(name: str, bytes_max: int) -> str:
    return name.encode()[:bytes_max].decode(errors="ignore")


def short(name: str) -> str:
    """What PostgreSQL keeps for a name; the name itself if it is short enough."""
    name = cut(name, NAME_BYTES_MAX)
    if len(name.encode()) <= KEPT_BYTES_MAX:
        return name
    head = cut(name, KEPT_BYTES_MAX - _DIGITS - 1)
    head += "~" * (KEPT_BYTES_MAX - _DIGITS - 1 - len(head.encode()))
    return f"{head}~{hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]}"


def shorten(tokens: list[Token], *, case_sensitive: bool) -> dict[str, str]:
    """Writes short names over long ones, in place; returns what each stands for. Names in SHOW stay: they are compared
    with what the catalog shows."""
    main = meaningful(tokens)
    found: dict[str, str] = {}
    if not main or main[0].word == "SHOW":
        return found
    for token in main:
        if token.kind in (Kind.WORD, Kind.QUOTED) and len(token.text) > KEPT_BYTES_MAX // 4:
            name = name_of(token, keep_case=case_sensitive)
            kept = short(name)
            if kept != name:
                token.kind, token.text = Kind.QUOTED, quote_name(kept)
                found[kept] = cut(name, NAME_BYTES_MAX)
    return {kept: name for kept, name in found.items() if kept != name}


class LongNames:
    """Which long name a short one stands for. Thread-safe."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._mutex = threading.Lock()
        self._known: dict[str, str] = {}
        self._kept: set[tuple[str, str]] = set()  # database and short name

    def keep(self, database: str, names: Mapping[str, str]) -> None:
        with self._mutex:
            new = [(kept, name) for kept, name in names.items() if (database, kept) not in self._kept]
        if not new:
            return
        with self._postgres.admin(database) as connection:
            for pair in new:
                connection.execute(KEEP, pair)
        with self._mutex:
            self._known.update(new)
            self._kept.update((database, kept) for kept, _ in new)

    def full(self, database: str, name: str) -> str:
        """The long name, or `name` itself if it stands for none."""
        if not _SHORT.fullmatch(name):
            return name
        with self._mutex:
            known = self._known.get(name)
        if known is None:
            with self._postgres.admin(database) as connection:
                known = _asked(connection, name)
            with self._mutex:
                self._known[name] = known
        return known

    def in_text(self, database: str, text: str) -> str:
        """An error's text with the long names in it."""
        return _SHORT.sub(lambda found: self.full(database, found.group()), text) if "~" in text else text

    def in_description(self, database: str, body: bytes) -> bytes:
        """A RowDescription with the long names."""
        if b"~" not in body:
            return body
        out, position = bytearray(body[:2]), 2
        for _ in range(struct.unpack_from(">H", body)[0]):
            end = body.index(b"\0", position)
            out += self.full(database, body[position:end].decode()).encode() + body[end : end + 19]
            position = end + 19
        return bytes(out)


def _asked(connection: psycopg.Connection[Any], name: str) -> str:
    row = connection.execute("SELECT pg_catalog.pg_sandbox_full_name(%s)", (name,)).fetchone()
    return str(row[0]) if row is not None else name
