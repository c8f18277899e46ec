"""When a transaction's snapshot is taken, and which tables have gone since.

Redshift takes it at the first statement that touches a table; a SELECT without one takes none
(https://docs.aws.amazon.com/redshift/latest/dg/c_serial_isolation.html). PostgreSQL takes it at the first query of any
kind, so a transaction that has only read constants or the catalog is started again before it touches a table, and
its client does not see it; SYSDATE then starts there too. This holds for transactions that begin in the simple
protocol, and in them for statements of both protocols.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from redshift_sandbox.contracts import SqlError
from redshift_sandbox.gateway.disturb import relation_gone
from redshift_sandbox.gateway.long_names import short
from redshift_sandbox.gateway.tokens import Kind, Token, meaningful, name_of, qualified_name, quote_literal, tokenize

Ask = Callable[[str], list[list[str | None]]]

_CHANGES = frozenset(("INSERT", "UPDATE", "DELETE", "TRUNCATE", "CREATE", "ALTER", "DROP", "COPY", "LOCK", "UNLOAD"))
_CATALOG = ("pg_", "svv_", "sys_", "information_schema")
# Names that mean another relation now than in the transaction's snapshot: to_regclass looks them up as they are now,
# the rows of pg_class are those of the snapshot.
_GONE = """SELECT count(*) FROM (VALUES {}) AS named(s, t)
 WHERE pg_catalog.to_regclass(pg_catalog.quote_ident(s) || '.' || pg_catalog.quote_ident(t))::oid IS DISTINCT FROM
 (SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = s AND c.relname = t)"""


@dataclass(frozen=True)
class Touched:
    """The tables that a statement reads and writes."""

    tables: bool = False
    named: tuple[tuple[str, str], ...] = ()  # schema and name, of the tables that are named with both


NOTHING = Touched()


def touched(tokens: list[Token], *, case_sensitive: bool) -> Touched:
    main = meaningful(tokens)
    verb = main[0].word
    if verb == "UNLOAD":
        inner = next((token for token in main if token.kind in (Kind.STRING, Kind.DOLLAR)), None)
        return Touched(True, () if inner is None else _named(_unquoted(inner), case_sensitive))
    named = _named(main, case_sensitive)
    reads = [
        main[index + 1] for index, token in enumerate(main[:-1])
        if token.word in ("FROM", "JOIN") and main[index + 1].kind in (Kind.WORD, Kind.QUOTED)
    ]  # fmt: skip
    users = [token for token in reads if not name_of(token, keep_case=False).startswith(_CATALOG)]
    return Touched(verb in _CHANGES or bool(users), named)


class Snapshots:
    """Belongs to one session; only its thread calls it."""

    def __init__(self) -> None:
        self._begin = ""
        self._taken = self._loose = False
        self.followed = False  # the current transaction began here

    def began(self, sql: str) -> None:
        """A transaction begins with this statement."""
        self._begin, self._taken, self._loose = sql, False, False
        self.followed = True

    def lost(self) -> None:
        """A transaction begins in the extended protocol."""
        self.followed = False

    def before(self, statements: Sequence[Touched], ask: Ask) -> SqlError | None:
        """Call it before statements run in an open transaction; returns their error if a table has gone since.
        Throws SqlError if the database refuses the names."""
        if not any(one.tables for one in statements):
            self._loose = not self._taken
            return None
        if not self._taken:
            if self._loose and self._begin:
                ask("COMMIT")
                ask(self._begin)
            self._taken, self._loose = True, False
            return None
        names = sorted({name for one in statements for name in one.named if not name[0].startswith(_CATALOG)})
        if not names:
            return None
        values = ", ".join(f"({quote_literal(schema)}, {quote_literal(table)})" for schema, table in names)
        return relation_gone() if ask(_GONE.format(values))[0][0] != "0" else None


def _named(main: list[Token], case_sensitive: bool) -> tuple[tuple[str, str], ...]:
    found: dict[tuple[str, str], None] = {}
    for index, token in enumerate(main):
        if token.word in ("FROM", "JOIN"):
            parts, _ = qualified_name(main, index + 1, keep_case=case_sensitive)
            if len(parts) >= 2:
                found[short(parts[-2]), short(parts[-1])] = None
    return tuple(found)


def _unquoted(token: Token) -> list[Token]:
    """The query within UNLOAD's literal."""
    if token.kind is Kind.DOLLAR:
        mark = token.text[: token.text.index("$", 1) + 1]
        return meaningful(tokenize(token.text[len(mark) : -len(mark)]))
    text, out, position = token.text[token.text.index("'") + 1 : -1], [], 0
    while position < len(text):
        if text[position] in "\\'" and position + 1 < len(text):
            position += 1
        out.append(text[position])
        position += 1
    return meaningful(tokenize("".join(out)))
