"""The database passwords that GetCredentials and GetClusterCredentials give out."""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import secrets
import threading
from dataclasses import dataclass

from redshift_sandbox.contracts import Clock, LoginVerdict

_BYTES = 94  # ends in '=' when encoded, and is longer than 64 characters, which some clients do not expect
# How long an expired password still has another error than a wrong one.
_REMEMBER = dt.timedelta(days=2)


@dataclass(frozen=True)
class _Minted:
    password: str
    expires: dt.datetime
    db_roles: tuple[str, ...]
    login_as: str | None


class MintedPasswords:
    """Implements contracts.LoginPasswords. Any thread may call it. A user may have several at once, each
    valid until its own expiry, which is checked only at login."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._mutex = threading.Lock()
        self._minted: dict[str, list[_Minted]] = {}

    def mint(
        self, db_user: str, seconds: int, *, db_roles: tuple[str, ...] = (), login_as: str | None = None
    ) -> tuple[str, dt.datetime]:
        """A new password and when it expires."""
        now = self._clock.now()
        minted = _Minted(_new_password(), now + dt.timedelta(seconds=seconds), db_roles, login_as)
        with self._mutex:
            kept = [m for m in self._minted.get(db_user, ()) if m.expires > now - _REMEMBER]
            self._minted[db_user] = [*kept, minted]
        return minted.password, minted.expires

    def issued_secrets(self) -> list[str]:
        """Every password that may still be valid: for tests that search for them where they must not be."""
        with self._mutex:
            return [minted.password for several in self._minted.values() for minted in several]

    def candidates(self, db_user: str) -> list[str]:
        """The passwords that a user may send: an MD5 login must try them one by one."""
        with self._mutex:
            return [minted.password for minted in self._minted.get(db_user, ())]

    def verify(self, db_user: str, password: str) -> LoginVerdict:
        """The name is compared exactly, its case included."""
        with self._mutex:
            candidates = list(self._minted.get(db_user, ()))
        given = password.encode()
        for minted in candidates:
            if hmac.compare_digest(minted.password.encode(), given):
                if self._clock.now() >= minted.expires:
                    return LoginVerdict("expired")
                return LoginVerdict("ok", minted.db_roles, minted.login_as)
        return LoginVerdict("wrong")


def _new_password() -> str:
    """Base64 that always contains '+', '/' and '=', because these need encoding in a connection URI."""
    while True:
        text = base64.b64encode(secrets.token_bytes(_BYTES)).decode()
        if "+" in text and "/" in text:
            return text
