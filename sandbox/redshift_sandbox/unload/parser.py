"""Text of one UNLOAD -> UnloadStatement. Pure; every refusal is a SqlError.

The texts are those of Redshift where they are documented (outer LIMIT); the others are assumed. No text
repeats a literal, because literals of this statement can be secrets.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from redshift_sandbox.contracts import AccessKeys, SqlError
from redshift_sandbox.unload.lexer import Kind, Token, tokens
from redshift_sandbox.unload.select_text import check_select
from redshift_sandbox.unload.statement import Authorization, Format, UnloadStatement, check_options

_TARGET = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", re.DOTALL)
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")
_UNITS = {"MB": 1.0, "GB": 1024.0}


def parse(sql: str) -> UnloadStatement:
    """The statement, checked as far as its text allows. A semicolon at the end is accepted."""
    return _Parser(sql).statement()


class _Parser:
    def __init__(self, sql: str) -> None:
        self._tokens = tokens(sql)
        self._now: Token = next(self._tokens)
        self._values: dict[str, Any] = {}
        self._given: set[str] = set()
        self._keys: dict[str, str] = {}
        self._role_chain: tuple[str, ...] | None = None
        self._credentials: str | None = None

    def statement(self) -> UnloadStatement:
        self._word("UNLOAD")
        self._sign("(")
        select = self._literal()
        self._sign(")")
        self._word("TO")
        self._target(self._literal())
        while self._now.kind is Kind.WORD:
            self._option()
        if self._now == Token(Kind.SIGN, ";"):
            self._advance()
        if self._now.kind is not Kind.END:
            raise self._syntax_error()
        return self._finished(select)

    def _finished(self, select: str) -> UnloadStatement:
        check_select(select)
        statement = UnloadStatement(select=select, authorization=self._authorization(), **self._values)
        check_options(statement, frozenset(self._given))
        return statement

    # -- tokens ---------------------------------------------------------------------------------

    def _advance(self) -> Token:
        token, self._now = self._now, next(self._tokens)
        return token

    def _syntax_error(self) -> SqlError:
        if self._now.kind is Kind.END:
            return SqlError("42601", "syntax error at end of input")
        return SqlError("42601", f'syntax error at or near "{self._now.shown()}"')

    def _take(self, kind: Kind, text: str | None = None) -> str:
        if self._now.kind is not kind or (text is not None and self._now.text != text):
            raise self._syntax_error()
        return self._advance().text

    def _word(self, text: str) -> None:
        self._take(Kind.WORD, text)

    def _sign(self, text: str) -> None:
        self._take(Kind.SIGN, text)

    def _literal(self) -> str:
        return self._take(Kind.LITERAL)

    def _skip_word(self, text: str) -> bool:
        if self._now == Token(Kind.WORD, text):
            self._advance()
            return True
        return False

    def _as_literal(self) -> str:
        self._skip_word("AS")
        return self._literal()

    # -- target ---------------------------------------------------------------------------------

    def _target(self, target: str) -> None:
        match = _TARGET.fullmatch(target)
        if match is None:
            raise SqlError("22023", "UNLOAD destination is not a valid S3 path; it must be s3://bucket/prefix")
        if match.group(1).endswith("-s3alias"):
            raise SqlError("0A000", "UNLOAD to an S3 access point alias is not supported")
        self._values["bucket"] = match.group(1)
        self._values["prefix"] = match.group(2) or ""

    # -- options --------------------------------------------------------------------------------

    def _option(self) -> None:
        name = self._now.text
        if name == "WITH":  # [WITH] CREDENTIALS [AS]
            self._advance()
            name = self._now.text
            if name != "CREDENTIALS":
                raise self._syntax_error()
        handler = _OPTIONS.get(name)
        if handler is None:
            raise self._syntax_error()
        option = "FORMAT" if name in Format.__members__ else name
        if option in self._given:
            raise SqlError("42601", "conflicting or redundant options")
        self._given.add(option)
        self._advance()
        handler(self, name)

    def _format(self, name: str) -> None:
        if name == "FORMAT":
            self._skip_word("AS")
            name = self._now.text
            if self._now.kind is not Kind.WORD or name not in Format.__members__:
                raise self._syntax_error()
            self._advance()
        self._values["format"] = Format[name]

    def _manifest(self, _: str) -> None:
        self._values["manifest"] = True
        self._values["manifest_verbose"] = self._skip_word("VERBOSE")

    def _encrypted(self, _: str) -> None:
        self._values["encrypted"] = True
        self._values["encrypted_auto"] = self._skip_word("AUTO")

    def _parallel(self, _: str) -> None:
        on = True
        for word, value in (("ON", True), ("TRUE", True), ("OFF", False), ("FALSE", False)):
            if self._skip_word(word):
                on = value
                break
        self._values["parallel"] = on

    def _max_file_size(self, _: str) -> None:
        self._skip_word("AS")
        size = float(self._take(Kind.NUMBER))
        unit = self._now.text if self._now.kind is Kind.WORD else ""
        if unit in _UNITS:
            self._advance()
        self._values["max_file_mb"] = size * _UNITS.get(unit, 1.0)

    def _region(self, _: str) -> None:
        region = self._as_literal()
        if not _REGION.fullmatch(region):
            raise SqlError("22023", f'"{region}" is not a valid AWS region')
        self._values["region"] = region

    def _delimiter(self, _: str) -> None:
        delimiter = self._as_literal()
        if len(delimiter) != 1 or not delimiter.isascii():
            raise SqlError("22023", "DELIMITER must be a single ASCII character")
        self._values["delimiter"] = delimiter

    def _null_as(self, _: str) -> None:
        self._values["null_as"] = self._as_literal()

    def _kms_key_id(self, _: str) -> None:
        self._values["kms_key_id"] = self._as_literal()

    def _extension(self, _: str) -> None:
        self._values["extension"] = self._as_literal()

    def _compression(self, name: str) -> None:
        self._values["compression"] = name

    def _flag(self, name: str) -> None:
        self._values[_FLAGS[name]] = True

    def _fixed_width(self, _: str) -> None:
        self._as_literal()

    def _key(self, name: str) -> None:
        self._keys[name] = self._as_literal()

    def _iam_role(self, _: str) -> None:
        if self._skip_word("DEFAULT"):
            self._role_chain = ()
        else:
            self._role_chain = _role_chain(self._as_literal())

    def _credentials_option(self, _: str) -> None:
        self._credentials = self._as_literal()

    def _partition_by(self, _: str) -> None:
        raise SqlError("0A000", "UNLOAD with PARTITION BY is not supported by this sandbox")

    def _row_group_size(self, _: str) -> None:
        raise SqlError("0A000", "ROWGROUPSIZE is not supported for this type of compute")  # assumed

    def _client_side_key(self, _: str) -> None:
        # Ended for all accounts on 2026-04-30.
        raise SqlError("0A000", "UNLOAD with client-side encryption is no longer supported")

    # -- authorization --------------------------------------------------------------------------

    def _authorization(self) -> Authorization:
        forms = (bool(self._keys), self._role_chain is not None, self._credentials is not None)
        if sum(forms) > 1:
            raise SqlError("42601", "conflicting or redundant options")
        if self._credentials is not None:
            return _from_credentials(self._credentials)
        if self._role_chain is not None:
            return Authorization(role_chain=self._role_chain)
        if self._keys:
            return Authorization(keys=_access_keys(self._keys))
        raise SqlError(
            "42601", "UNLOAD requires authorization: IAM_ROLE, ACCESS_KEY_ID and SECRET_ACCESS_KEY, or CREDENTIALS"
        )


def _access_keys(given: dict[str, str]) -> AccessKeys:
    missing = [name for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY") if not given.get(name)]
    if missing:
        raise SqlError("42601", f"{missing[0]} must be specified with a value")
    return AccessKeys(given["ACCESS_KEY_ID"], given["SECRET_ACCESS_KEY"], given.get("SESSION_TOKEN"))


def _role_chain(text: str) -> tuple[str, ...]:
    """'arn[,arn]', the first attached to the namespace, no spaces between."""
    chain = tuple(text.split(","))
    if not all(_ROLE_ARN.fullmatch(arn) for arn in chain):
        raise SqlError("22023", "IAM_ROLE must be the ARN of a role, or a comma-separated list of them without spaces")
    return chain


_CREDENTIAL_NAMES = {
    "aws_access_key_id": "ACCESS_KEY_ID",
    "aws_secret_access_key": "SECRET_ACCESS_KEY",
    "token": "SESSION_TOKEN",
}


def _from_credentials(text: str) -> Authorization:
    """'aws_access_key_id=..;aws_secret_access_key=..[;token=..]' or 'aws_iam_role=..'."""
    pairs = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
    if set(pairs) == {"aws_iam_role"}:
        return Authorization(role_chain=_role_chain(pairs["aws_iam_role"]), as_credentials=True)
    if not pairs or not set(pairs) <= set(_CREDENTIAL_NAMES):
        raise SqlError("22023", "Invalid credentials. Must be of the format: credentials 'aws_access_key_id=<...>;"
                                "aws_secret_access_key=<...>[;token=<...>]' or 'aws_iam_role=<...>'")
    keys = _access_keys({_CREDENTIAL_NAMES[name]: value for name, value in pairs.items()})
    return Authorization(keys=keys, as_credentials=True)


_FLAGS = {
    "ALLOWOVERWRITE": "allow_overwrite",
    "CLEANPATH": "clean_path",
    "HEADER": "header",
    "ADDQUOTES": "add_quotes",
    "ESCAPE": "escape",
}

_OPTIONS: dict[str, Callable[[_Parser, str], None]] = {
    "FORMAT": _Parser._format,
    **dict.fromkeys(Format.__members__, _Parser._format),
    "MANIFEST": _Parser._manifest,
    "ENCRYPTED": _Parser._encrypted,
    "PARALLEL": _Parser._parallel,
    "MAXFILESIZE": _Parser._max_file_size,
    "REGION": _Parser._region,
    "DELIMITER": _Parser._delimiter,
    "NULL": _Parser._null_as,
    "KMS_KEY_ID": _Parser._kms_key_id,
    "EXTENSION": _Parser._extension,
    "FIXEDWIDTH": _Parser._fixed_width,
    **dict.fromkeys(("GZIP", "BZIP2", "ZSTD"), _Parser._compression),
    **dict.fromkeys(_FLAGS, _Parser._flag),
    **dict.fromkeys(("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"), _Parser._key),
    "IAM_ROLE": _Parser._iam_role,
    "CREDENTIALS": _Parser._credentials_option,
    "PARTITION": _Parser._partition_by,
    "ROWGROUPSIZE": _Parser._row_group_size,
    "MASTER_SYMMETRIC_KEY": _Parser._client_side_key,
}
