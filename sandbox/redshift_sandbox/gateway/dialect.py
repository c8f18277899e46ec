"""Redshift SQL in, the private PostgreSQL's SQL out.

Pure: the result follows from the tokens and the session's settings, without a server. What Redshift refuses is
refused here with its SQLSTATE; what PostgreSQL reads the same way stays as it is, comments included.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from redshift_sandbox.contracts import SqlError
from redshift_sandbox.gateway import parameters, principals, tables
from redshift_sandbox.gateway.expressions import rewrite_expressions
from redshift_sandbox.gateway.release_8 import shape_catalog
from redshift_sandbox.gateway.show import translate_show_catalog
from redshift_sandbox.gateway.tokens import (
    Kind,
    Token,
    fold,
    meaningful,
    name_of,
    quote_literal,
    quote_name,
    split_statements,
    text_of,
    tokenize,
)
from redshift_sandbox.gateway.types import check_number


@dataclass(frozen=True)
class Dialect:
    """The settings of a session that change how its SQL reads."""

    case_sensitive: bool = False
    superuser: bool = False
    deny_pg_tables: bool = False
    in_transaction: bool = False
    database: str = "dev"


@dataclass(frozen=True)
class Translated:
    """One statement for the backend."""

    sql: str
    verb: str  # first word, upper case
    tag: str | None = None  # command tag the client sees, where the backend's own differs
    assignment: parameters.Assignment | None = None
    words: frozenset[str] = field(default=frozenset())  # bare and quoted names in it, in lower case


def translate(sql: str, dialect: Dialect) -> list[Translated]:
    """Every statement of `sql`, in order. Throws SqlError at the first refused one, as a parser does."""
    return [translate_statement(tokens, dialect) for tokens in split_statements(tokenize(sql))]


def translate_statement(tokens: list[Token], dialect: Dialect) -> Translated:
    main = meaningful(tokens)
    _refuse(main, dialect)
    verb = main[0].word
    words = frozenset(fold(token.text.strip('"')) for token in main if token.kind in (Kind.WORD, Kind.QUOTED))
    if verb in ("SET", "RESET", "SHOW"):
        return _parameter(verb, main, tokens, dialect)
    if _late_binding(main):
        return Translated(_late_view(main, tokens, dialect), verb, "CREATE VIEW", words=words)
    replaced = _replace(verb, main, dialect)
    if replaced is not None:
        return Translated(replaced, verb, "CANCEL" if verb == "CANCEL" else None, words=words)
    query_start = _declare(verb, main)
    _fold_names(main, dialect)
    shape_catalog(main)
    rewrite_expressions(main, query_start)
    _part_numbers(tokens)
    return Translated(text_of(tokens), verb, words=words)


def _parameter(verb: str, main: list[Token], tokens: list[Token], dialect: Dialect) -> Translated:
    if verb == "SHOW":
        catalog = translate_show_catalog(main, dialect.database, case_sensitive=dialect.case_sensitive)
        if catalog is not None:
            return Translated(catalog, verb, "SHOW")
        return Translated(parameters.translate_show(main, text_of(tokens)), verb, "SHOW")
    if [token.word for token in main[1:3]] == ["SESSION", "AUTHORIZATION"]:
        principals.keep_users(main, 3)
    _fold_names(main, dialect)
    make = parameters.translate_set if verb == "SET" else parameters.translate_reset
    assignment = make(main, text_of(tokens))
    return Translated(assignment.sql, verb, verb, assignment)


_SYNTAX_REFUSED = frozenset(("DISCARD", "RELEASE", "NOTIFY", "UNLISTEN", "DO"))


def _refuse(main: list[Token], dialect: Dialect) -> None:
    words = [token.word for token in main]
    verb = words[0]
    if verb in _SYNTAX_REFUSED:
        raise SqlError("42601", f'syntax error at or near "{main[0].text}"')
    if verb in ("LISTEN", "SAVEPOINT") or words[:2] == ["ROLLBACK", "TO"]:
        raise SqlError("0A000", f'SQL command "{" ".join(token.text for token in main)}" not supported.')
    if verb == "DEALLOCATE" and "ALL" in words[1:3]:
        raise SqlError("42601", 'syntax error at or near "ALL"')
    if verb == "COPY":
        refused = "TO" if "TO" in words else "FROM"
        raise SqlError("0A000", f"COPY {refused} is not supported by the sandbox")
    for index, token in enumerate(main):
        if token.kind is Kind.ESCAPED:
            _escaped(token)
        if token.kind is Kind.NUMBER:
            check_number(token)
        if token.kind is Kind.WORD or token.kind is Kind.QUOTED:
            _refuse_relation(main, index, dialect)
    if verb in ("INSERT", "UPDATE", "DELETE", "WITH") and "RETURNING" in words:
        raise SqlError("42601", f'syntax error at or near "{main[words.index("RETURNING")].text}"')


def _escaped(token: Token) -> None:
    """The letter before the quote is read as the name of a type, as in PostgreSQL 8.0; the backend refuses it when it
    comes to it, behind a column that does not exist."""
    letter, literal = token.text[: token.text.index("'")], token.text[token.text.index("'") :]
    if fold(letter) != "e":
        raise SqlError("42704", f'type "{fold(letter)}" does not exist')
    token.text = f'"e" {literal}'


def _refuse_relation(main: list[Token], index: int, dialect: Dialect) -> None:
    name = fold(main[index].text.strip('"'))
    if name == "pg_tables" and dialect.deny_pg_tables:
        raise SqlError("42501", "permission denied for relation pg_tables")
    if name.startswith(("stl_", "stv_", "svl_")):
        before = index - 3 if index >= 3 and main[index - 1].text == "." else index - 1
        if before >= 0 and main[before].word in ("FROM", "JOIN"):
            if dialect.superuser:
                raise SqlError("0A000", f"the sandbox has no {name}")
            raise SqlError("42501", f"permission denied for relation {name}")


def _replace(verb: str, main: list[Token], dialect: Dialect) -> str | None:
    """Statements whose whole text is replaced."""
    words = [token.word for token in main]
    if verb == "BEGIN" or words[:2] == ["START", "TRANSACTION"]:
        # Snapshot isolation: one snapshot for the transaction, taken at its first read
        # (https://docs.aws.amazon.com/redshift/latest/dg/c_serial_isolation.html).
        if dialect.in_transaction:
            return "BEGIN"  # a warning; the transaction keeps its level
        mode = " READ ONLY" if words[-2:] == ["READ", "ONLY"] or "ONLY" in words else ""
        return f"{'BEGIN' if verb == 'BEGIN' else 'START TRANSACTION'} ISOLATION LEVEL REPEATABLE READ{mode}"
    if verb == "CANCEL":
        return _cancel(main)
    makers = {
        ("CREATE", "USER"): principals.create_user, ("CREATE", "GROUP"): principals.create_group,
        ("CREATE", "ROLE"): principals.create_role, ("ALTER", "USER"): principals.alter_user,
        ("ALTER", "GROUP"): principals.alter_group, ("ALTER", "ROLE"): principals.alter_role,
        ("DROP", "USER"): principals.drop_principal, ("DROP", "GROUP"): principals.drop_principal,
        ("DROP", "ROLE"): principals.drop_principal,
    }  # fmt: skip
    maker = makers.get((verb, words[1] if len(words) > 1 else ""))
    return maker(main) if maker is not None else None


_NO_BINDING = ["WITH", "NO", "SCHEMA", "BINDING"]


def _late_binding(main: list[Token]) -> bool:
    return main[0].word == "CREATE" and [token.word for token in main[-4:]] == _NO_BINDING


def _late_view(main: list[Token], tokens: list[Token], dialect: Dialect) -> str:
    """CREATE [OR REPLACE] VIEW name AS query WITH NO SCHEMA BINDING: a view that stays when its tables are dropped."""
    words = [token.word for token in main]
    if "VIEW" not in words or "AS" not in words:
        raise SqlError("42601", f'syntax error at or near "{main[-4].text}"')
    view, start = words.index("VIEW"), words.index("AS")
    named = [token for token in main[view + 1 : start] if token.text != "."]
    name = ".".join(quote_name(name_of(token, keep_case=dialect.case_sensitive)) for token in named)
    first, last = (next(i for i, t in enumerate(tokens) if t is one) for one in (main[start], main[-4]))
    query = translate_statement(tokens[first + 1 : last], dialect).sql.strip()
    replacing = "true" if "REPLACE" in words[:view] else "false"
    call = f"pg_catalog.pg_sandbox_late_view({quote_literal(name)}, {quote_literal(query)}, {replacing})"
    return f"DO {quote_literal(f'BEGIN PERFORM {call}; END')}"


def _cancel(main: list[Token]) -> str:
    """CANCEL process_id ['message'] (https://docs.aws.amazon.com/redshift/latest/dg/r_CANCEL.html)."""
    if len(main) < 2 or main[1].kind is not Kind.NUMBER or not main[1].text.isdecimal():
        near = f'at or near "{main[1].text}"' if len(main) > 1 else "at end of input"
        raise SqlError("42601", f"syntax error {near}")
    if len(main) > 3 or (len(main) == 3 and main[2].kind is not Kind.STRING):
        raise SqlError("42601", f'syntax error at or near "{main[2].text}"')
    return f"DO 'BEGIN PERFORM pg_catalog.pg_cancel_backend({int(main[1].text)}); END'"


def _declare(verb: str, main: list[Token]) -> int:
    """Rewrites the parts of DDL and DCL; returns where ordinary expressions start."""
    words = [token.word for token in main[:4]]
    if verb in ("GRANT", "REVOKE"):
        principals.translate_grant(main)
        return len(main)
    if words[:3] == ["ALTER", "DEFAULT", "PRIVILEGES"]:
        principals.translate_default_privileges(main)
        return len(main)
    for position, token in enumerate(main):
        follows = main[position + 1].word if position + 1 < len(main) else ""
        if (token.word, follows) == ("OWNER", "TO") or (verb == "CREATE" and token.word == "AUTHORIZATION"):
            principals.keep_users(main, position + (2 if token.word == "OWNER" else 1))
    if verb == "CREATE" and "TABLE" in words:
        tables.translate_create_table(main)
    if words[:2] == ["ALTER", "TABLE"]:
        tables.translate_alter_table(main)
    return 0


def _part_numbers(tokens: list[Token]) -> None:
    """`THEN 1WHEN` is a number and a word in release 8.0, and AWS's JDBC driver writes it; later ones refuse it."""
    for token, follows in pairwise(tokens):
        if token.kind is Kind.NUMBER and follows.kind is Kind.WORD:
            token.text += " "


def _fold_names(main: list[Token], dialect: Dialect) -> None:
    """Letters become lower case even inside double quotes, unless the session says otherwise."""
    if dialect.case_sensitive:
        return
    for token in main:
        if token.kind is Kind.QUOTED and not token.keep:
            token.text = fold(token.text)
