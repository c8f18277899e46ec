"""The error of each service for what is wrong with a signature: one row for each mistake."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from redshift_sandbox.contracts import AwsError

_INVALID = "The security token included in the request is invalid."
_EXPIRED = "The security token included in the request is expired"
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
)


@dataclass(frozen=True)
class Family:
    """mistake -> (code, HTTP status, text if the caller has no better one)."""

    rows: Mapping[str, tuple[str, int, str]]
    is_s3: bool = False

    def error(self, mistake: str, text: str | None = None) -> AwsError:
        code, status, usual = self.rows[mistake]
        return AwsError(code, text or usual, status)

    def stale(self, signed: dt.datetime, now: dt.datetime, skew: dt.timedelta) -> AwsError:
        if self.is_s3:
            error = self.error("stale")
            error.members = {
                "RequestTime": _compact(signed),
                "ServerTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "MaxAllowedSkewMilliseconds": str(int(skew.total_seconds() * 1000)),
            }
            return error
        if signed < now:
            limit = f"{_compact(now - skew)} ({_compact(now)} - 15 min.)"
            return self.error("stale", f"Signature expired: {_compact(signed)} is now earlier than {limit}")
        limit = f"{_compact(now + skew)} ({_compact(now)} + 15 min.)"
        return self.error("stale", f"Signature not yet current: {_compact(signed)} is still later than {limit}")


def _compact(when: dt.datetime) -> str:
    return when.strftime("%Y%m%dT%H%M%SZ")


_QUERY = Family(
    {
        "missing": ("MissingAuthenticationToken", 403, "Request is missing Authentication Token"),
        "malformed": ("IncompleteSignature", 400, "The request signature does not conform to AWS standards."),
        "scope": ("SignatureDoesNotMatch", 403, "Credential should be scoped to a valid region."),
        "unknown_key": ("InvalidClientTokenId", 403, _INVALID),
        "token": ("InvalidClientTokenId", 403, _INVALID),
        "expired_token": ("ExpiredToken", 403, _EXPIRED),
        "unsigned_header": ("SignatureDoesNotMatch", 403, _MISMATCH),
        "signature": ("SignatureDoesNotMatch", 403, _MISMATCH),
        "stale": ("SignatureDoesNotMatch", 403, "Signature expired"),
        "presigned_early": ("SignatureDoesNotMatch", 403, "Signature not yet current"),
        "presigned_late": ("SignatureDoesNotMatch", 403, "Signature expired"),
    }
)
_JSON = Family(
    {
        "missing": ("MissingAuthenticationTokenException", 400, "Missing Authentication Token"),
        "malformed": ("IncompleteSignatureException", 400, "The request signature is incomplete."),
        "scope": ("InvalidSignatureException", 400, "Credential should be scoped to a valid region."),
        "unknown_key": ("UnrecognizedClientException", 400, _INVALID),
        "token": ("UnrecognizedClientException", 400, _INVALID),
        "expired_token": ("ExpiredTokenException", 400, _EXPIRED),
        "unsigned_header": ("InvalidSignatureException", 400, _MISMATCH),
        "signature": ("InvalidSignatureException", 400, _MISMATCH),
        "stale": ("InvalidSignatureException", 400, "Signature expired"),
        "presigned_early": ("InvalidSignatureException", 400, "Signature not yet current"),
        "presigned_late": ("InvalidSignatureException", 400, "Signature expired"),
    }
)
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_S3 = Family(
    {
        "missing": ("AccessDenied", 403, "Access Denied"),
        "malformed": ("AuthorizationHeaderMalformed", 400, "The authorization header is malformed."),
        "scope": ("AuthorizationHeaderMalformed", 400, "The authorization header is malformed."),
        "unknown_key": (
            "InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records.",
        ),
        "token": ("InvalidToken", 400, "The provided token is malformed or otherwise invalid."),
        "expired_token": ("ExpiredToken", 400, "The provided token has expired."),
        "unsigned_header": (
            "AccessDenied", 403, "There were headers present in the request which were not signed",
        ),
        "signature": (
            "SignatureDoesNotMatch", 403,
            "The request signature we calculated does not match the signature you provided. "
            "Check your key and signing method.",
        ),
        "stale": (
            "RequestTimeTooSkewed", 403,
            "The difference between the request time and the current time is too large.",
        ),
        "presigned_early": ("AccessDenied", 403, "Request is not valid yet"),
        "presigned_late": ("AccessDenied", 403, "Request has expired"),
    },
    is_s3=True,
)  # fmt: skip

FAMILIES: Mapping[str, Family] = {
    "sts": _QUERY, "redshift": _QUERY, "redshift-serverless": _JSON, "redshift-data": _JSON, "s3": _S3,
}  # fmt: skip
