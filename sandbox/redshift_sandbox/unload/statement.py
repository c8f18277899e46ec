"""One UNLOAD statement as a value, and which of its options may be combined.

https://docs.aws.amazon.com/redshift/latest/dg/r_UNLOAD.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from redshift_sandbox.contracts import AccessKeys, SqlError


class Format(Enum):
    TEXT = "TEXT"
    CSV = "CSV"
    JSON = "JSON"
    PARQUET = "PARQUET"


MAX_FILE_MB_LEAST = 5.0
MAX_FILE_MB_MOST = 6.2 * 1024  # "6.2 GB"
PARQUET_STEP_MB = 32  # row group size; MAXFILESIZE is rounded down to a multiple of it


@dataclass(frozen=True)
class Authorization:
    """Keys, or a chain of role ARNs, or neither if the statement said `IAM_ROLE default`."""

    keys: AccessKeys | None = None
    role_chain: tuple[str, ...] = ()
    as_credentials: bool = False  # given in the CREDENTIALS '...' form


@dataclass(frozen=True)
class UnloadStatement:
    select: str = field(repr=False)
    bucket: str = ""
    prefix: str = ""
    authorization: Authorization = field(default_factory=Authorization, repr=False)
    format: Format = Format.TEXT
    manifest: bool = False
    manifest_verbose: bool = False
    max_file_mb: float = MAX_FILE_MB_MOST
    region: str | None = None
    encrypted: bool = False
    encrypted_auto: bool = False
    kms_key_id: str | None = None
    allow_overwrite: bool = False
    clean_path: bool = False
    parallel: bool = True
    header: bool = False
    delimiter: str | None = None
    null_as: str | None = None
    add_quotes: bool = False
    escape: bool = False
    compression: str | None = None  # "GZIP", "BZIP2" or "ZSTD"
    extension: str | None = None
    partition_by: tuple[str, ...] = ()  # quoted names as they were written
    include_keys: bool = False

    def max_file_bytes(self) -> int:
        """The maximum size of a file. For Parquet it is a multiple of 32 MB, at least 32 MB."""
        if self.format is not Format.PARQUET:
            return int(self.max_file_mb * 2**20)
        steps = max(1, int(self.max_file_mb // PARQUET_STEP_MB))
        return steps * PARQUET_STEP_MB * 2**20


_TEXT_ONLY = ("FIXEDWIDTH", "ADDQUOTES", "ESCAPE")
_COMPRESSIONS = ("GZIP", "BZIP2", "ZSTD")
FORBIDDEN_WITH_FORMAT: dict[Format, tuple[str, ...]] = {
    Format.PARQUET: ("DELIMITER", *_TEXT_ONLY, "NULL", "HEADER", *_COMPRESSIONS),
    Format.CSV: _TEXT_ONLY,
    Format.JSON: ("DELIMITER", *_TEXT_ONLY, "HEADER", "NULL"),
    Format.TEXT: (),
}


def check_options(statement: UnloadStatement, given: frozenset[str]) -> None:
    """Raises SqlError for options that exclude each other. `given` holds the options of the statement."""
    for option in FORBIDDEN_WITH_FORMAT[statement.format]:
        if option in given:
            shown = "NULL AS" if option == "NULL" else option
            raise SqlError("42601", f"{shown} is not supported for UNLOAD to {statement.format.value}")
    if statement.allow_overwrite and statement.clean_path:
        raise SqlError("42601", "CLEANPATH and ALLOWOVERWRITE cannot be used together")
    if len([c for c in _COMPRESSIONS if c in given]) > 1:
        raise SqlError("42601", "conflicting or redundant options")
    _check_encryption(statement)
    if len(set(statement.partition_by)) != len(statement.partition_by):
        raise SqlError("42701", "PARTITION BY names a column twice")
    if "FIXEDWIDTH" in given and statement.partition_by:
        raise SqlError("42601", "PARTITION BY cannot be used with FIXEDWIDTH")
    if "FIXEDWIDTH" in given:
        raise SqlError("0A000", "UNLOAD with FIXEDWIDTH is not supported by this sandbox")
    if not MAX_FILE_MB_LEAST <= statement.max_file_mb <= MAX_FILE_MB_MOST:
        raise SqlError("22023", "MAXFILESIZE must be between 5 MB and 6.2 GB")


def _check_encryption(statement: UnloadStatement) -> None:
    if statement.kms_key_id is not None and statement.authorization.as_credentials:
        raise SqlError("42601", "KMS_KEY_ID cannot be used with the CREDENTIALS parameter")
    if statement.kms_key_id is not None and not statement.encrypted:
        raise SqlError("42601", "KMS_KEY_ID requires the ENCRYPTED option")
    if statement.kms_key_id is not None and statement.encrypted_auto:
        raise SqlError("42601", "KMS_KEY_ID and ENCRYPTED AUTO cannot be used together")
