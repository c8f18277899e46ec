"""What S3 and PostgreSQL answer -> what UNLOAD answers, with the DETAIL block Redshift prints."""

from __future__ import annotations

import re
import secrets

from redshift_sandbox.contracts import AwsError, SqlError

_RULE = "-" * 47
_OTHER_REGION = "The S3 bucket addressed by the query is in a different region from this cluster."
# Codes after which S3 itself asks clients to retry.
_RETRYABLE = frozenset({"AccessDenied", "InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout"})


def detail_block(error: str, query_id: int) -> str:
    """The form of https://github.com/embulk/embulk-output-jdbc/issues/85 (measured by others)."""
    lines = [
        "",
        f"  {_RULE}",
        f"  error:  {error}",
        "  code:      8001",
        "  context:   ",
        f"  query:     {query_id}",
        "  location:  s3_unloader.cpp:181",
        f"  process:   padbmaster [pid={10000 + query_id % 50000}]",
        f"  {_RULE}",
    ]
    return "\n".join(lines) + "\n"


def from_aws(error: AwsError, query_id: int) -> SqlError:
    """An error of S3 as the database reports it: XX000, with the same line as message and in the block."""
    message = _OTHER_REGION if error.status == 301 else error.message
    rid = error.members.get("RequestId") or secrets.token_hex(8).upper()
    ext_rid = error.members.get("HostId") or secrets.token_urlsafe(32)
    line = (
        f"S3ServiceException:{message},Status {error.status},Error {error.code},"
        f"Rid {rid},ExtRid {ext_rid},CanRetry {int(error.code in _RETRYABLE)}"
    )
    return SqlError("XX000", line, detail=detail_block(line, query_id))


def not_empty(query_id: int) -> SqlError:
    text = (
        "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, manually "
        "removing the target files in S3, or using the ALLOWOVERWRITE option."
    )
    return SqlError("XX000", text, detail=detail_block(text, query_id))


def not_authorized_for_role(role_chain: tuple[str, ...], query_id: int) -> SqlError:
    """https://docs.aws.amazon.com/redshift/latest/mgmt/authorizing-redshift-service.html; text measured by others."""
    if not role_chain:
        text = "The default IAM role is not set for this namespace"  # assumed
    else:
        text = f"Not authorized to get credentials of role {','.join(role_chain)}"
    return SqlError("XX000", text, detail=detail_block(text, query_id))


def cancelled(query_id: int) -> SqlError:
    return SqlError("57014", f"Query ({query_id}) canceled on user's request")


def internal_failure(files: int, query_id: int) -> SqlError:
    """The error of the fault: one slice lost its connection to S3 after `files` files."""
    text = f"S3CurlException: Connection was reset by peer after {files} file(s),CurlError 56,CanRetry 1"
    return SqlError("XX000", text, detail=detail_block(text, query_id))


_REWORDED = (
    (re.compile(r"permission denied for (?:table|view|materialized view|sequence|foreign table) "),
     "permission denied for relation "),
)


_NO_COLUMN = re.compile(r'column "?([^" ]+)"? does not exist')


def from_postgres(sqlstate: str | None, message: str, relations: tuple[str, ...] = ()) -> SqlError:
    """An error of the private PostgreSQL with Redshift's text; `relations` are the tables that the SELECT reads. Only
    the first line, because the others quote the statement."""
    text = message.strip().splitlines()[0] if message.strip() else "internal error"
    for pattern, replacement in _REWORDED:
        text = pattern.sub(replacement, text)
    missing = _NO_COLUMN.fullmatch(text)
    if missing is not None and relations:
        text = f'column "{missing.group(1).rpartition(".")[2]}" does not exist in {", ".join(relations)}'
    return SqlError(sqlstate or "XX000", text)
