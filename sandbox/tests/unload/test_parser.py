# Goal: the text of an UNLOAD is understood exactly as written, with its options in any order, and what AWS refuses is
# refused here, without a secret in the error.

from __future__ import annotations

import itertools

import pytest

from redshift_sandbox.contracts import SqlError
from redshift_sandbox.unload.blank import blank_credentials
from redshift_sandbox.unload.lexer import starts_with_unload
from redshift_sandbox.unload.parser import parse
from redshift_sandbox.unload.statement import Format, UnloadStatement

KEYS = "ACCESS_KEY_ID 'AKID' SECRET_ACCESS_KEY 's3cr+t/' SESSION_TOKEN 'tok=='"
TEMPLATE = "UNLOAD ('SELECT 1 AS a') TO 's3://bucket/root/run/' "


def parsed(options: str, select: str = "SELECT 1 AS a") -> UnloadStatement:
    return parse(f"UNLOAD ('{select}') TO 's3://bucket/root/run/' {KEYS} {options}")


def refusal(text: str) -> SqlError:
    with pytest.raises(SqlError) as caught:
        parse(text)
    return caught.value


def inner(select: str) -> str:
    """Level 2 as a careful client writes it."""
    return select.replace("\\", "\\\\").replace("'", "''")


def test_template_is_understood_in_every_order_of_options() -> None:
    options = [KEYS, "FORMAT AS PARQUET", "MANIFEST VERBOSE", "MAXFILESIZE 256 MB", "REGION 'eu-west-1'"]
    statements = {parse(TEMPLATE + " ".join(order)) for order in itertools.permutations(options)}
    assert len(statements) == 1
    statement = statements.pop()
    assert (statement.bucket, statement.prefix, statement.select) == ("bucket", "root/run/", "SELECT 1 AS a")
    assert statement.format is Format.PARQUET
    assert statement.manifest
    assert statement.manifest_verbose
    assert statement.max_file_bytes() == 256 * 2**20
    assert statement.region == "eu-west-1"
    assert statement.authorization.keys is not None
    assert statement.authorization.keys.secret_access_key == "s3cr+t/"
    assert statement.authorization.keys.session_token == "tok=="


@pytest.mark.parametrize(
    ("options", "attribute", "value"),
    [
        ("FORMAT PARQUET", "format", Format.PARQUET),
        ("format as parquet", "format", Format.PARQUET),
        ("PARQUET", "format", Format.PARQUET),
        ("CSV", "format", Format.CSV),
        ("FORMAT JSON", "format", Format.JSON),
        ("", "format", Format.TEXT),
        ("MAXFILESIZE AS 1.5 GB", "max_file_mb", 1536.0),
        ("MAXFILESIZE 100", "max_file_mb", 100.0),
        ("MAXFILESIZE 64MB", "max_file_mb", 64.0),
        ("REGION AS 'us-gov-west-1'", "region", "us-gov-west-1"),
        ("PARALLEL OFF", "parallel", False),
        ("PARALLEL", "parallel", True),
        ("ENCRYPTED", "encrypted", True),
        ("ENCRYPTED AUTO", "encrypted_auto", True),
        ("KMS_KEY_ID 'k-1' ENCRYPTED", "kms_key_id", "k-1"),
        ("DELIMITER AS ';' CSV", "delimiter", ";"),
        ("NULL AS 'nil' CSV", "null_as", "nil"),
        ("HEADER CSV GZIP", "compression", "GZIP"),
        ("MANIFEST", "manifest_verbose", False),
        ("ALLOWOVERWRITE", "allow_overwrite", True),
        ("CLEANPATH;", "clean_path", True),
    ],
)  # fmt: skip
def test_each_option_with_and_without_as(options: str, attribute: str, value: object) -> None:
    assert getattr(parsed(options), attribute) == value


@pytest.mark.parametrize("option", ["DELIMITER ','", "FIXEDWIDTH 'a:1'", "ADDQUOTES", "ESCAPE", "NULL AS 'x'", "HEADER",
                                    "GZIP", "BZIP2", "ZSTD"])  # fmt: skip
def test_forbidden_with_parquet(option: str) -> None:
    with pytest.raises(SqlError, match="not supported for UNLOAD to PARQUET"):
        parsed(f"FORMAT PARQUET {option}")


@pytest.mark.parametrize("pair", [
    "CSV ESCAPE", "CSV FIXEDWIDTH 'a:1'", "CSV ADDQUOTES", "JSON DELIMITER ','", "JSON HEADER", "JSON FIXEDWIDTH 'a:1'",
    "JSON ADDQUOTES", "JSON ESCAPE", "JSON NULL AS 'x'", "CLEANPATH ALLOWOVERWRITE", "GZIP ZSTD", "PARQUET CSV",
    "MANIFEST MANIFEST", "REGION 'us-east-1' REGION 'us-east-1'", "KMS_KEY_ID 'k'", "KMS_KEY_ID 'k' ENCRYPTED AUTO",
    "PARQUET ROWGROUPSIZE 32 MB", "PARTITION BY a", "MASTER_SYMMETRIC_KEY 'k'", "MAXFILESIZE 4 MB",
    "MAXFILESIZE 7 GB", "REGION 'nowhere'", "VERBOSE", "VERBOSE MANIFEST", "FORMAT", "FORMAT AVRO", "REGION us-east-1",
    "IAM_ROLE default", "CREDENTIALS 'aws_access_key_id=a;aws_secret_access_key=b'", "GARBAGE", "MANIFEST ) ",
])  # fmt: skip
def test_refused_combinations(pair: str) -> None:
    with pytest.raises(SqlError) as caught:
        parsed(pair)
    assert caught.value.sqlstate in {"42601", "0A000", "22023"}


def test_b36_verbose_without_manifest_is_a_syntax_error() -> None:
    error = refusal(f"{TEMPLATE} {KEYS} FORMAT PARQUET VERBOSE")
    assert (error.sqlstate, error.message) == ("42601", 'syntax error at or near "VERBOSE"')


def test_kms_key_not_with_credentials_string() -> None:
    text = "CREDENTIALS 'aws_access_key_id=a;aws_secret_access_key=b' KMS_KEY_ID 'k' ENCRYPTED"
    assert refusal(TEMPLATE + text).message == "KMS_KEY_ID cannot be used with the CREDENTIALS parameter"
    assert parse(f"{TEMPLATE} {KEYS} KMS_KEY_ID 'k' ENCRYPTED").kms_key_id == "k"


def test_authorization_forms() -> None:
    credentials = "WITH CREDENTIALS AS 'aws_access_key_id=a;aws_secret_access_key=b;token=t'"
    keys = parse(TEMPLATE + credentials).authorization.keys
    assert keys is not None
    assert (keys.access_key_id, keys.secret_access_key, keys.session_token) == ("a", "b", "t")
    chain = "arn:aws:iam::123456789012:role/one,arn:aws:iam::210987654321:role/path/two"
    assert parse(f"{TEMPLATE} IAM_ROLE '{chain}'").authorization.role_chain == tuple(chain.split(","))
    assert parse(f"{TEMPLATE} IAM_ROLE DEFAULT").authorization.role_chain == ()
    assert refusal(TEMPLATE).message.startswith("UNLOAD requires authorization")
    assert refusal(f"{TEMPLATE} ACCESS_KEY_ID 'a'").message == "SECRET_ACCESS_KEY must be specified with a value"


@pytest.mark.parametrize(
    "select",
    [
        r"SELECT 'a\\b''c' AS x",
        'SELECT "odd ""name""", "x\\y" FROM t',
        "SELECT 'größe 日本語 😀'",
        "SELECT '$$ -- ; /* */'",
        "SELECT 1\n  AS a -- not the end\n, 2 AS b",
        "SELECT E'\\'' FROM \"T\"",
    ],
)
def test_level_two_is_undone_exactly(select: str) -> None:
    assert parsed("PARQUET", inner(select)).select == select


def test_backslash_escapes_once_at_level_two() -> None:
    # To double only the quotes gives no error: the SELECT becomes another one.
    assert parsed("PARQUET", r"SELECT ''a\\b''").select == r"SELECT 'a\b'"
    assert parsed("PARQUET", r"SELECT ''a\b''").select == "SELECT 'a\b'"
    assert parsed("PARQUET", r"SELECT \'x\'").select == "SELECT 'x'"


@pytest.mark.parametrize("select", [
    "SELECT a FROM t LIMIT 10", "select a from t\nlimit 10", "(SELECT a FROM t LIMIT 1)",
    "WITH x AS (SELECT 1) SELECT * FROM x LIMIT 5",
])  # fmt: skip
def test_outer_limit_is_refused(select: str) -> None:
    error = refusal(f"UNLOAD ('{select}') TO 's3://bucket/x/' {KEYS}")
    assert (error.sqlstate, error.message) == ("42601", "Limit clause is not supported")


@pytest.mark.parametrize("select", [
    "SELECT * FROM (SELECT a FROM t LIMIT 10)", "SELECT ''limit'' AS \"limit\" FROM t", "SELECT a -- LIMIT 1\nFROM t",
    "(SELECT 1) UNION ALL (SELECT 2 LIMIT 1)", "SELECT limits FROM t",
])  # fmt: skip
def test_other_limits_are_fine(select: str) -> None:
    parsed("PARQUET", select)


@pytest.mark.parametrize("select", ["", "DELETE FROM t", "SELECT 1;", "SELECT 1; SELECT 2", "SELECT ''\\x00''"])
def test_only_one_query_is_taken(select: str) -> None:
    with pytest.raises(SqlError):
        parsed("PARQUET", select)


@pytest.mark.parametrize(
    "target", ["bucket/x", "S3://bucket/x", "s3://", "s3://B_AD/x", "s3://alias-s3alias/x", "http://b/x"]
)
def test_bad_targets(target: str) -> None:
    with pytest.raises(SqlError, match="S3"):
        parse(f"UNLOAD ('SELECT 1') TO '{target}' {KEYS}")


def test_no_error_repeats_a_literal() -> None:
    good = f"{TEMPLATE} {KEYS} FORMAT PARQUET MANIFEST"
    for cut in range(len(good)):
        for text in (good[:cut], good[:cut] + good[cut + 1 :], good[:cut] + "'" + good[cut:]):
            try:
                parse(text)
            except SqlError as error:
                for secret in ("s3cr+t", "tok=="):
                    assert secret not in f"{error.message} {error.detail}", text


def test_blanking_leaves_no_secret_even_in_broken_statements() -> None:
    whole = f"{TEMPLATE} {KEYS} MANIFEST"
    assert blank_credentials(whole) == (
        f"{TEMPLATE} ACCESS_KEY_ID '' SECRET_ACCESS_KEY '' SESSION_TOKEN '' MANIFEST"
    )
    for text in ("SECRET_ACCESS_KEY AS 's3cr+t/", "secret_access_key s3cr+t/", "CREDENTIALS 'aws_secret=s3cr+t/'"):
        assert "s3cr+t" not in blank_credentials("UNLOAD " + text)


@pytest.mark.parametrize(("text", "expected"), [
    ("UNLOAD ('x')", True), (" \n/* c */ -- d\n unload('x')", True), ("SELECT 'UNLOAD'", False), ("UNLOADED", False),
    ("", False),
])  # fmt: skip
def test_recognises_unload(text: str, expected: bool) -> None:
    assert starts_with_unload(text) is expected
