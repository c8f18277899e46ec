"""What the grammars of UNLOAD and COPY share: tokens, the authorization, the region, the delimiter."""

from __future__ import annotations

import re
from typing import Any

from redshift_sandbox.contracts import AccessKeys, SqlError
from redshift_sandbox.unload.lexer import Kind, Token, tokens
from redshift_sandbox.unload.statement import Authorization

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+")


class Grammar:
    """Reads one statement. Errors are SqlError, and repeat no literal: literals of these statements can be secrets."""

    verb = ""

    def __init__(self, sql: str) -> None:
        self._tokens = tokens(sql)
        self._now: Token = next(self._tokens)
        self._values: dict[str, Any] = {}
        self._given: set[str] = set()
        self._keys: dict[str, str] = {}
        self._role_chain: tuple[str, ...] | None = None
        self._credentials: str | None = None

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

    def _end(self) -> None:
        if self._now == Token(Kind.SIGN, ";"):
            self._advance()
        if self._now.kind is not Kind.END:
            raise self._syntax_error()

    # -- options that both have -----------------------------------------------------------------

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

    def _key(self, name: str) -> None:
        self._keys[name] = self._as_literal()

    def _iam_role(self, _: str) -> None:
        if self._skip_word("DEFAULT"):
            self._role_chain = ()
        else:
            self._role_chain = _role_chain(self._as_literal())

    def _credentials_option(self, _: str) -> None:
        self._credentials = self._as_literal()

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
            "42601",
            f"{self.verb} requires authorization: IAM_ROLE, ACCESS_KEY_ID and SECRET_ACCESS_KEY, or CREDENTIALS",
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
