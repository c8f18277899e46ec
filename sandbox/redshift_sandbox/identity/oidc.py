"""OpenID Connect identity providers: the tokens they issue, and how STS reads them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc.html. A provider signs with RS256. Real
STS fetches its keys; here the account has the issuer itself.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from redshift_sandbox.contracts import AwsError

TAGS_CLAIM = "https://aws.amazon.com/tags"
_ALGORITHMS: Mapping[str, hashes.HashAlgorithm] = {
    "RS256": hashes.SHA256(), "RS384": hashes.SHA384(), "RS512": hashes.SHA512(),
}  # fmt: skip


class OidcIssuer:
    """A provider at `url`, such as "https://token.example.com/x", with a key of its own. Thread-safe."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.key_id = secrets.token_hex(8)
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def host(self) -> str:
        """The URL without its scheme, which is the provider's name in trust policies."""
        return self.url.removeprefix("https://")

    @property
    def public_key(self) -> rsa.RSAPublicKey:
        return self._key.public_key()

    def token(
        self, subject: str, audience: str | list[str], now: dt.datetime, seconds: int = 3600, **claims: Any
    ) -> str:
        """A signed token. `claims` are added, and replace those of the same name; None removes one."""
        issued = int(now.timestamp())
        body = {"iss": self.url, "sub": subject, "aud": audience, "iat": issued, "exp": issued + seconds, **claims}
        head = {"alg": "RS256", "typ": "JWT", "kid": self.key_id}
        signed = ".".join(_packed({k: v for k, v in part.items() if v is not None}) for part in (head, body))
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_text(signature)}"


@dataclass(frozen=True)
class OidcProvider:
    """An issuer as an account knows it, with the audiences ("client ids") it accepts."""

    account: str
    issuer: OidcIssuer
    audiences: tuple[str, ...]

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:oidc-provider/{self.issuer.host}"


@dataclass(frozen=True)
class WebIdentity:
    """A token's claims, read but not yet verified."""

    issuer: str
    subject: str
    audiences: tuple[str, ...]
    expires: dt.datetime
    claims: Mapping[str, Any] = field(repr=False)
    algorithm: str
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    def verify(self, provider: OidcProvider, now: dt.datetime) -> None:
        """Raises AwsError InvalidIdentityToken 400 for a wrong signature, ExpiredTokenException 400, IDPRejectedClaim
        403 for an audience that the provider does not list."""
        try:
            provider.issuer.public_key.verify(
                self.signature, self.signed, padding.PKCS1v15(), _ALGORITHMS[self.algorithm]
            )
        except InvalidSignature:
            raise _invalid("The ID Token's signature could not be verified") from None
        if now >= self.expires:
            raise AwsError(
                "ExpiredTokenException",
                f"Token expired: current date/time {int(now.timestamp())} must be before the expiration date/time "
                f"{int(self.expires.timestamp())}",
            )
        if not set(self.audiences) & set(provider.audiences):
            raise AwsError("IDPRejectedClaim", "Incorrect token audience", 403)

    def session_tags(self) -> tuple[list[tuple[str, str]], list[str]]:
        """The tags and transitive keys, which are in the token and not in the parameters.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html"""
        found = self.claims.get(TAGS_CLAIM) or {}
        tags = [(str(key), str(values[0])) for key, values in (found.get("principal_tags") or {}).items() if values]
        return tags, [str(key) for key in found.get("transitive_tag_keys") or []]


def read_token(token: str) -> WebIdentity:
    """Raises AwsError InvalidIdentityToken 400 unless it is a signed token with issuer, subject, audience, expiry."""
    parts = token.split(".")
    try:
        head, claims = (json.loads(_bytes(part)) for part in parts[:2])
        signature = _bytes(parts[2])
        audience = claims.get("azp") or claims["aud"]
        audiences = tuple(audience) if isinstance(audience, list) else (str(audience),)
        expires = dt.datetime.fromtimestamp(float(claims["exp"]), dt.UTC)
        issuer, subject, algorithm = str(claims["iss"]), str(claims["sub"]), str(head["alg"])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        raise _invalid(
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
        ) from None
    if len(parts) != 3 or algorithm not in _ALGORITHMS:
        raise _invalid("The ID Token provided is not signed with an algorithm that is supported")
    return WebIdentity(issuer, subject, audiences, expires, claims, algorithm, ".".join(parts[:2]).encode(), signature)


def _invalid(why: str) -> AwsError:
    return AwsError("InvalidIdentityToken", why)


def _packed(part: Mapping[str, Any]) -> str:
    return _text(json.dumps(part, separators=(",", ":")).encode())


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
