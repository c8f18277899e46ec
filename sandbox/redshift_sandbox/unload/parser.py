"""Text of one UNLOAD -> UnloadStatement. Pure; every refusal is a SqlError.

The texts are those of Redshift where they are documented (outer LIMIT); the others are assumed. No text
repeats a literal, because literals of this statement can be secrets.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from redshift_sandbox.contracts import SqlError
from redshift_sandbox.unload.grammar import Grammar
from redshift_sandbox.unload.lexer import Kind, Token
from redshift_sandbox.unload.select_text import check_select
from redshift_sandbox.unload.statement import Format, UnloadStatement, check_options

_TARGET = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", re.DOTALL)
_UNITS = {"MB": 1.0, "GB": 1024.0}


def parse(sql: str) -> UnloadStatement:
    """The statement, checked as far as its text allows. A semicolon at the end is accepted."""
    return _Parser(sql).statement()


class _Parser(Grammar):
    verb = "UNLOAD"

    def statement(self) -> UnloadStatement:
        self._word("UNLOAD")
        self._sign("(")
        select = self._literal()
        self._sign(")")
        self._word("TO")
        self._target(self._literal())
        while self._now.kind is Kind.WORD:
            self._option()
        self._end()
        return self._finished(select)

    def _finished(self, select: str) -> UnloadStatement:
        check_select(select)
        statement = UnloadStatement(select=select, authorization=self._authorization(), **self._values)
        check_options(statement, frozenset(self._given))
        return statement

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

    def _partition_by(self, _: str) -> None:
        self._word("BY")
        self._sign("(")
        keys = [self._key_name()]
        while self._now == Token(Kind.SIGN, ","):
            self._advance()
            keys.append(self._key_name())
        self._sign(")")
        self._values["partition_by"] = tuple(keys)
        self._values["include_keys"] = self._skip_word("INCLUDE")

    def _key_name(self) -> str:
        if self._now.kind is Kind.QUOTED:
            return self._advance().text
        return self._take(Kind.WORD).lower()

    def _row_group_size(self, _: str) -> None:
        raise SqlError("0A000", "ROWGROUPSIZE is not supported for this type of compute")  # assumed

    def _client_side_key(self, _: str) -> None:
        # Ended for all accounts on 2026-04-30.
        raise SqlError("0A000", "UNLOAD with client-side encryption is no longer supported")

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
