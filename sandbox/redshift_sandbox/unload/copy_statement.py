"""Text of one COPY from S3 -> CopyStatement. Pure; every refusal is a SqlError.

https://docs.aws.amazon.com/redshift/latest/dg/r_COPY.html and the pages of its parameters. The texts of refusals are
assumed unless a comment says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from redshift_sandbox.contracts import SqlError
from redshift_sandbox.unload.grammar import Grammar
from redshift_sandbox.unload.lexer import Kind, Token
from redshift_sandbox.unload.statement import Authorization

_SOURCE = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.+)", re.DOTALL)
# https://docs.aws.amazon.com/redshift/latest/dg/copy-usage_notes-copy-from-columnar.html; that access keys are allowed
# is not there, and was measured by others.
_WITH_PARQUET = frozenset((
    "FORMAT", "IAM_ROLE", "CREDENTIALS", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "STATUPDATE",
    "MANIFEST", "EXPLICIT_IDS", "FILLRECORD", "ACCEPTINVCHARS", "SERIALIZETOJSON",
))  # fmt: skip
_TEXT_ONLY = frozenset(("DELIMITER", "ESCAPE", "REMOVEQUOTES", "IGNOREHEADER", "NULL", "EMPTYASNULL", "FILLRECORD"))


@dataclass(frozen=True)
class CopyStatement:
    table: tuple[str, ...] = ()  # schema and name, or the name
    columns: tuple[str, ...] = ()  # empty: all
    bucket: str = ""
    key: str = ""  # a prefix, or the manifest's key
    authorization: Authorization = field(default_factory=Authorization, repr=False)
    format: str = "TEXT"  # or CSV, JSON, PARQUET
    manifest: bool = False
    region: str | None = None
    delimiter: str | None = None
    quote: str = '"'
    null_as: str = "\\N"
    compression: str | None = None  # GZIP, BZIP2 or ZSTD
    skip_lines: int = 0
    max_errors: int = 0
    escape: bool = False
    remove_quotes: bool = False
    empty_as_null: bool = False
    blanks_as_null: bool = False
    ignore_blank_lines: bool = False
    trim_blanks: bool = False
    truncate_columns: bool = False
    fill_record: bool = False
    explicit_ids: bool = False
    serialize_to_json: bool = False
    accept_any_date: bool = False
    no_load: bool = False
    time_format: str | None = None  # "epochsecs" or "epochmillisecs"


def parse_copy(sql: str, *, case_sensitive: bool) -> CopyStatement:
    """The statement, checked as far as its text allows. A semicolon at the end is accepted."""
    return _CopyParser(sql, case_sensitive).statement()


class _CopyParser(Grammar):
    verb = "COPY"

    def __init__(self, sql: str, case_sensitive: bool) -> None:
        super().__init__(sql)
        self._case_sensitive = case_sensitive

    def statement(self) -> CopyStatement:
        self._word("COPY")
        table = [self._name()]
        while self._now == Token(Kind.SIGN, "."):
            self._advance()
            table.append(self._name())
        columns = self._column_list() if self._now == Token(Kind.SIGN, "(") else ()
        self._word("FROM")
        self._source(self._literal())
        while self._now.kind is Kind.WORD:
            self._option()
        self._end()
        made = CopyStatement(tuple(table), columns, authorization=self._authorization(), **self._values)
        _check(made, self._given)
        return made

    def _name(self) -> str:
        if self._now.kind is Kind.WORD:
            return self._advance().text.lower()
        name = self._take(Kind.QUOTED)
        return name if self._case_sensitive else name.lower()

    def _column_list(self) -> tuple[str, ...]:
        self._sign("(")
        names = [self._name()]
        while self._now == Token(Kind.SIGN, ","):
            self._advance()
            names.append(self._name())
        self._sign(")")
        return tuple(names)

    def _source(self, text: str) -> None:
        match = _SOURCE.fullmatch(text)
        if match is None:
            raise SqlError("22023", "COPY source is not a valid S3 path; it must be s3://bucket/prefix")
        self._values["bucket"], self._values["key"] = match.groups()

    def _option(self) -> None:
        name = self._now.text
        if name == "WITH":
            self._advance()
            name = self._now.text
        if name in _MISSING:
            raise SqlError("0A000", f"COPY with {name} is not supported by this sandbox")
        handler = _OPTIONS.get(name)
        if handler is None:
            raise self._syntax_error()
        option = "FORMAT" if name in _FORMATS else name
        if option in self._given:
            raise SqlError("42601", "conflicting or redundant options")
        self._given.add(option)
        self._advance()
        handler(self, name)

    def _format(self, name: str) -> None:
        if name == "FORMAT":
            self._skip_word("AS")
            name = self._now.text
            if name in _MISSING:
                raise SqlError("0A000", f"COPY with {name} is not supported by this sandbox")
            if self._now.kind is not Kind.WORD or name not in _FORMATS:
                raise self._syntax_error()
            self._advance()
        self._values["format"] = name
        if name == "CSV" and self._skip_word("QUOTE"):
            self._values["quote"] = self._character("QUOTE")
        if name == "JSON":
            self._skip_word("AS")
            how = self._literal() if self._now.kind is Kind.LITERAL else "auto"
            if how != "auto":
                raise SqlError("0A000", "COPY from JSON takes only 'auto' in this sandbox")

    def _character(self, option: str) -> str:
        text = self._as_literal()
        if len(text) != 1:
            raise SqlError("22023", f"COPY {option} must be a single character")
        return text

    def _number(self, name: str) -> None:
        self._skip_word("AS")
        self._values[_NUMBERS[name]] = int(float(self._take(Kind.NUMBER)))

    def _null(self, _: str) -> None:
        self._values["null_as"] = self._as_literal()

    def _compress(self, name: str) -> None:
        self._values["compression"] = name

    def _boolean(self, name: str) -> None:
        self._values[_FLAGS[name]] = True

    def _update(self, _: str) -> None:
        """COMPUPDATE and STATUPDATE change nothing that a query sees."""
        if self._now.kind is Kind.WORD and self._now.text in ("ON", "OFF", "TRUE", "FALSE", "PRESET"):
            self._advance()

    def _time(self, name: str) -> None:
        self._skip_word("AS")
        how = self._literal()
        if how in ("auto", "YYYY-MM-DD", "YYYY-MM-DD HH:MI:SS", "YYYY-MM-DD HH24:MI:SS"):
            return
        if name == "TIMEFORMAT" and how in ("epochsecs", "epochmillisecs"):
            self._values["time_format"] = how
            return
        raise SqlError("0A000", f"COPY takes only common forms of {name} in this sandbox, such as 'auto'")

    def _ignored_literal(self, _: str) -> None:
        """ACCEPTINVCHARS ['?'] and ENCODING: files are read as UTF-8."""
        self._skip_word("AS")
        if self._now.kind is Kind.LITERAL or self._now.text.startswith("UTF8"):
            self._advance()


def _check(made: CopyStatement, given: set[str]) -> None:
    if made.format == "PARQUET":
        for option in sorted(given - _WITH_PARQUET):
            # The text of live clusters (https://repost.aws has it with several options).
            raise SqlError("0A000", f"{option} argument is not supported for PARQUET based COPY")
    elif made.serialize_to_json:
        raise SqlError("42601", "SERIALIZETOJSON is only supported with ORC and PARQUET formats")
    if made.format == "JSON":
        for option in sorted(given & _TEXT_ONLY - {"EMPTYASNULL", "NULL"}):
            raise SqlError("42601", f"{option} is not supported with JSON")
    if made.format == "CSV":
        for option in ("ESCAPE", "REMOVEQUOTES"):
            if option in given:
                # https://docs.aws.amazon.com/redshift/latest/dg/copy-parameters-data-format.html#copy-csv
                raise SqlError("42601", f"CSV is not compatible with {option}")
    if not 0 <= made.max_errors <= 100_000:
        raise SqlError("22023", "MAXERROR must be between 0 and 100000")
    if len([name for name in _COMPRESSIONS if name in given]) > 1:
        raise SqlError("42601", "conflicting or redundant options")


_FORMATS = ("CSV", "JSON", "PARQUET")
_MISSING = frozenset((
    "ORC", "AVRO", "FIXEDWIDTH", "SHAPEFILE", "RCFILE", "SEQUENCEFILE", "LZOP", "SSH", "READRATIO", "ENCRYPTED",
    "MASTER_SYMMETRIC_KEY", "COMPROWS", "ROUNDEC", "IGNOREALLERRORS",
))  # fmt: skip
_COMPRESSIONS = ("GZIP", "BZIP2", "ZSTD")
_FLAGS = {
    "MANIFEST": "manifest", "ESCAPE": "escape", "REMOVEQUOTES": "remove_quotes", "EMPTYASNULL": "empty_as_null",
    "BLANKSASNULL": "blanks_as_null", "IGNOREBLANKLINES": "ignore_blank_lines", "TRIMBLANKS": "trim_blanks",
    "TRUNCATECOLUMNS": "truncate_columns", "FILLRECORD": "fill_record", "EXPLICIT_IDS": "explicit_ids",
    "SERIALIZETOJSON": "serialize_to_json", "ACCEPTANYDATE": "accept_any_date", "NOLOAD": "no_load",
}  # fmt: skip
_NUMBERS = {"IGNOREHEADER": "skip_lines", "MAXERROR": "max_errors"}
_OPTIONS: dict[str, Callable[[_CopyParser, str], None]] = {
    "FORMAT": _CopyParser._format,
    **dict.fromkeys(_FORMATS, _CopyParser._format),
    **dict.fromkeys(_FLAGS, _CopyParser._boolean),
    **dict.fromkeys(_NUMBERS, _CopyParser._number),
    **dict.fromkeys(_COMPRESSIONS, _CopyParser._compress),
    "DELIMITER": _CopyParser._delimiter,
    "NULL": _CopyParser._null,
    "REGION": _CopyParser._region,
    **dict.fromkeys(("COMPUPDATE", "STATUPDATE"), _CopyParser._update),
    **dict.fromkeys(("DATEFORMAT", "TIMEFORMAT"), _CopyParser._time),
    **dict.fromkeys(("ACCEPTINVCHARS", "ENCODING"), _CopyParser._ignored_literal),
    **dict.fromkeys(("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"), _CopyParser._key),
    "IAM_ROLE": _CopyParser._iam_role,
    "CREDENTIALS": _CopyParser._credentials_option,
}
