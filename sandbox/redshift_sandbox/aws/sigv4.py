"""Verifies the signature of every call by computing it again with botocore's own signer.

The verification covers exactly the headers that the client says it signed. The error code of a mistake
differs by service: see `FAMILIES`, whose texts are those that the services send.
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
https://docs.aws.amazon.com/general/latest/gr/sigv4-troubleshooting.html
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from redshift_sandbox.aws.auth_errors import FAMILIES, Family
from redshift_sandbox.aws.messages import Request
from redshift_sandbox.aws.regions import is_region
from redshift_sandbox.contracts import Clock, Faults
from redshift_sandbox.identity.directory import Credential, Directory
from redshift_sandbox.identity.model import Caller

_ALGORITHM = "AWS4-HMAC-SHA256"
_SKEW = dt.timedelta(minutes=15)
_PRESIGNED_SECONDS_MAX = 7 * 86400
_FIELDS = re.compile(r"(Credential|SignedHeaders|Signature)=([^,\s]+)")
UNSIGNED = "UNSIGNED-PAYLOAD"


@dataclass(frozen=True)
class Signature:
    """What a request says about its signature."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    value: str
    timestamp: str
    token: str | None = field(repr=False)
    presigned_seconds: int | None = None  # None: in the Authorization header


@dataclass(frozen=True)
class Verified:
    """A valid signature: the caller, and the region of the credential scope."""

    caller: Caller
    region: str
    access_key_id: str
    signature: Signature
    secret: str = field(repr=False)


def read_signature(request: Request) -> Signature | None:
    """The signature's parts, or None if the request has none. Raises ValueError if it is malformed."""
    header = request.headers.get("authorization")
    if header is not None:
        return _from_header(header, request)
    if request.param("X-Amz-Algorithm") is not None:
        return _from_query(request)
    return None


def _from_header(header: str, request: Request) -> Signature:
    algorithm, _, rest = header.partition(" ")
    parts = dict(_FIELDS.findall(rest))
    if algorithm != _ALGORITHM or len(parts) != 3:
        raise ValueError("Authorization header requires 'Credential', 'SignedHeaders' and 'Signature'.")
    stamp = request.headers.get("x-amz-date") or _stamp_of_date_header(request.headers.get("date"))
    return _signature(
        parts["Credential"], parts["SignedHeaders"], parts["Signature"], stamp,
        request.headers.get("x-amz-security-token"), None,
    )  # fmt: skip


def _from_query(request: Request) -> Signature:
    given = request.params()
    seconds = given.get("X-Amz-Expires", "")
    if given.get("X-Amz-Algorithm") != _ALGORITHM or not seconds.isdecimal():
        raise ValueError("Query-string authentication requires the X-Amz-Algorithm and X-Amz-Expires.")
    if int(seconds) > _PRESIGNED_SECONDS_MAX:
        raise ValueError("X-Amz-Expires must be less than a week (in seconds); that is 604800")
    return _signature(
        given.get("X-Amz-Credential", ""), given.get("X-Amz-SignedHeaders", ""),
        given.get("X-Amz-Signature", ""), given.get("X-Amz-Date", ""),
        given.get("X-Amz-Security-Token"), int(seconds),
    )  # fmt: skip


def _signature(
    credential: str, signed: str, value: str, stamp: str, token: str | None, presigned: int | None
) -> Signature:
    scope = credential.split("/")
    if len(scope) != 5 or scope[4] != "aws4_request" or not signed or not value:
        raise ValueError("Credential must have 5 elements: <id>/YYYYMMDD/REGION/SERVICE/aws4_request")
    if not re.fullmatch(r"\d{8}T\d{6}Z", stamp):
        raise ValueError("the request has no valid date in X-Amz-Date or Date")
    return Signature(
        scope[0], scope[1], scope[2], scope[3], tuple(signed.split(";")), value, stamp, token, presigned
    )


def _stamp_of_date_header(text: str | None) -> str:
    try:
        return parsedate_to_datetime(text or "").astimezone(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    except ValueError:
        return ""


class Verifier:
    def __init__(self, directory: Directory, clock: Clock, faults: Faults) -> None:
        self._directory = directory
        self._clock = clock
        self._faults = faults

    def verify(self, request: Request, service: str, payload_hash: str, host_region: str | None) -> Verified:
        """The caller of a request to `service`. `payload_hash` is what the signature must cover: the hash
        of the body, or for S3 the value of x-amz-content-sha256.

        Raises AwsError with the service's own code for a missing, malformed, old or wrong signature, an
        unknown or inactive key, a wrong scope, and a missing, wrong or expired session token.
        """
        family = FAMILIES[service]
        try:
            signature = read_signature(request)
        except ValueError as why:
            raise family.error("malformed", str(why)) from None
        if signature is None:
            raise family.error("missing")
        self._check_scope(family, service, signature, host_region)
        credential = self._credential(family, signature)
        _check_signed_headers(family, request, signature)
        self._check_date(family, signature)
        expected = _expected(request, service, signature, credential, payload_hash)
        if not hmac.compare_digest(expected.encode(), signature.value.encode()):
            raise family.error("signature")
        self._check_token(family, signature, credential)
        caller = self._directory.caller(signature.access_key_id)
        if caller is None:
            raise family.error("unknown_key")
        return Verified(caller, signature.region, signature.access_key_id, signature, credential.secret)

    def _check_scope(
        self, family: Family, service: str, signature: Signature, host_region: str | None
    ) -> None:
        if signature.service != service:
            raise family.error("scope", f"Credential should be scoped to correct service: '{service}'. ")
        wrong = not is_region(signature.region) or (host_region or signature.region) != signature.region
        # S3 names the right region in its answer: s3.py knows it from the bucket.
        if wrong and service != "s3":
            raise family.error(
                "scope", f"Credential should be scoped to a valid region, not '{signature.region}'. "
            )
        if signature.date != signature.timestamp[:8]:
            raise family.error(
                "scope",
                f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                f"'{signature.date}' != '{signature.timestamp[:8]}', from '{signature.timestamp}'.",
            )

    def _credential(self, family: Family, signature: Signature) -> Credential:
        credential = self._directory.credential(signature.access_key_id)
        if credential is None:
            raise family.error("unknown_key")
        if credential.token is not None and signature.token is None:
            # S3 answers as if the key were unknown: this is what a client sees that forgot the token.
            raise family.error("unknown_key")
        return credential

    def _check_token(self, family: Family, signature: Signature, credential: Credential) -> None:
        if (credential.token or "") != (signature.token or ""):
            raise family.error("token")
        if credential.expires is not None and self._clock.now() >= credential.expires:
            raise family.error("expired_token")

    def _check_date(self, family: Family, signature: Signature) -> None:
        machine = self._faults.peek("sigv4.machine_dates") is not None
        now = dt.datetime.now(dt.UTC) if machine else self._clock.now()
        signed = dt.datetime.strptime(signature.timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
        if signature.presigned_seconds is None:
            if abs(now - signed) > _SKEW:
                raise family.stale(signed, now, _SKEW)
        elif signed > now + _SKEW:
            raise family.error("presigned_early")
        elif now > signed + dt.timedelta(seconds=signature.presigned_seconds):
            raise family.error("presigned_late")


def _check_signed_headers(family: Family, request: Request, signature: Signature) -> None:
    """Host and every x-amz-* header that is sent must be signed; what is signed must be sent."""
    signed = set(signature.signed_headers)
    for name in request.headers:
        # botocore may sign the header of the checksum trailer and the trace id, or not.
        exempt = signature.presigned_seconds is not None and name == "x-amz-content-sha256"
        if name.startswith("x-amz-") and name not in signed and not exempt:
            raise family.error("unsigned_header", f"There were headers present in the request which were not "
                               f"signed: {name}")  # fmt: skip
    if "host" not in signed:
        raise family.error("malformed", "'Host' must be a 'SignedHeader' in the AWS Authorization.")
    for name in signed:
        if name not in request.headers:
            raise family.error("signature")


class _Exact:
    """What AWS does differently from a client: it signs the named headers, and a given payload hash."""

    signed: Sequence[str]
    payload_hash: str

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        chosen = HTTPHeaders()
        for name in self.signed:
            for value in request.headers.get_all(name, []):
                chosen[name] = value
        return chosen

    def payload(self, _request: AWSRequest) -> str:
        return self.payload_hash


class _ServiceSigner(_Exact, SigV4Auth):  # type: ignore[misc]  # botocore is untyped
    pass


class _S3Signer(_Exact, S3SigV4Auth):  # type: ignore[misc]
    pass


def _expected(
    request: Request, service: str, signature: Signature, credential: Credential, payload_hash: str
) -> str:
    keys = Credentials(credential.access_key_id, credential.secret)
    signer_type = _S3Signer if service == "s3" else _ServiceSigner
    signer = signer_type(keys, service, signature.region)
    signer.signed = signature.signed_headers
    signer.payload_hash = payload_hash
    rebuilt = AWSRequest(method=request.method, url=_canonical_url(request))
    for name, value in request.headers.items():
        if name.lower() != "x-amz-content-sha256" or name.lower() in signature.signed_headers:
            rebuilt.headers[name] = value
    rebuilt.context["timestamp"] = signature.timestamp
    canonical = signer.canonical_request(rebuilt)
    return str(signer.signature(signer.string_to_sign(rebuilt, canonical), rebuilt))


def _canonical_url(request: Request) -> str:
    """The URL in the encoding of AWS, whatever the client used: each segment is encoded once."""
    path = quote(request.path, safe="/-_.~")
    pairs = [
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}"
        for name, value in request.query
        if name != "X-Amz-Signature"
    ]
    return f"https://{request.headers.get('host')}{path}?{'&'.join(pairs)}"


def body_hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
