# Goal: COPY from S3 loads what Redshift loads, refuses what it refuses, and says where a bad line is.

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from redshift_sandbox.serverless_fixture import RedshiftServerless
from redshift_sandbox.testing import fresh_name


@pytest.fixture
def table(redshift_serverless: RedshiftServerless) -> str:
    name = fresh_name("copied")
    redshift_serverless.load(
        f"CREATE TABLE public.{name} (id int NOT NULL, name varchar(8), price decimal(10,2), day date, ok boolean)"
    )
    return name


@pytest.fixture
def put(redshift_serverless: RedshiftServerless) -> Callable[[str, bytes], str]:
    """Puts an object; returns its address."""
    store = redshift_serverless.sandbox.aws.store

    def into(key: str, body: bytes) -> str:
        store.put_bytes(store.bucket(redshift_serverless.bucket), key, body)
        return f"s3://{redshift_serverless.bucket}/{key}"

    return into


def copy(box: RedshiftServerless, table: str, source: str, options: str, **keywords: Any) -> list[str]:
    """Runs a COPY with the namespace's role; returns the notices."""
    told: list[str] = []
    with box.connect(**keywords) as connection:
        connection.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
        tag = connection.execute(f"COPY {table} FROM '{source}' IAM_ROLE default {options}".encode()).statusmessage
        assert tag == "COPY"
        count = connection.execute("SELECT pg_last_copy_count(), pg_last_copy_id() > 0").fetchone()
        assert count is not None and count[1]
        assert f", {count[0]} record(s) loaded successfully." in told[0]
    return told


def rows(box: RedshiftServerless, table: str) -> list[tuple[Any, ...]]:
    return box.load(f"SELECT * FROM {table} ORDER BY 1")


CSV = b"""id,name,price,day,ok
1,"a,""b\nc",1.50,2024-02-29,t
2,,,,false
3,\\N,-7,2024-03-01,1
"""


def test_b68_csv_with_the_usual_options(
    redshift_serverless: RedshiftServerless, table: str, put: Callable[[str, bytes], str]
) -> None:
    source = put(f"{table}/part.gz", gzip.compress(CSV))
    told = copy(redshift_serverless, f"public.{table}", source, "CSV IGNOREHEADER 1 GZIP EMPTYASNULL")
    assert told == [f"Load into table '{table}' completed, 3 record(s) loaded successfully."]
    assert rows(redshift_serverless, f"public.{table}") == [
        (1, 'a,"b\nc', Decimal("1.50"), dt.date(2024, 2, 29), True), (2, None, None, None, False),
        (3, None, Decimal("-7.00"), dt.date(2024, 3, 1), True),
    ]  # fmt: skip


def test_every_object_below_the_prefix_and_a_column_list(
    redshift_serverless: RedshiftServerless, table: str, put: Callable[[str, bytes], str]
) -> None:
    put(f"{table}/a1", b"one|1\n")
    put(f"{table}/a2", b"two|2\n")
    put(f"{table}/b", b"never|9\n")
    copy(redshift_serverless, f'public."{table}" ("name", ID)', f"s3://{redshift_serverless.bucket}/{table}/a", "")
    assert [row[:2] for row in rows(redshift_serverless, f"public.{table}")] == [(1, "one"), (2, "two")]


def test_delimited_text_with_escapes(
    redshift_serverless: RedshiftServerless, table: str, put: Callable[[str, bytes], str]
) -> None:
    source = put(f"{table}/x", b"1;a\\;b;;;\n2;c\\\nd;;;\n")
    copy(redshift_serverless, f"public.{table}", source, "DELIMITER ';' ESCAPE")
    assert [row[1] for row in rows(redshift_serverless, f"public.{table}")] == ["a;b", "c\nd"]


def test_json_lines(redshift_serverless: RedshiftServerless, table: str, put: Callable[[str, bytes], str]) -> None:
    source = put(f"{table}/x", b'{"id": 1, "price": 2.5, "other": []} {"ok": true,\n "id": 2, "name": "n"}')
    copy(redshift_serverless, f"public.{table}", source, "FORMAT AS JSON 'auto'")
    assert [(row[0], row[1], row[2], row[4]) for row in rows(redshift_serverless, f"public.{table}")] == [
        (1, None, Decimal("2.50"), None), (2, "n", None, True)]  # fmt: skip


def parquet_bytes(**columns: Any) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(pa.table(columns), sink)
    return sink.getvalue()


GOOD = {
    "id": pa.array([1, 2], pa.int32()), "name": pa.array(["x", None]),
    "price": pa.array([Decimal("1.25"), None], pa.decimal128(10, 2)), "day": pa.array([0, 1], pa.date32()),
    "ok": pa.array([True, None]),
}  # fmt: skip


def test_b68_parquet_and_a_manifest(
    redshift_serverless: RedshiftServerless, table: str, put: Callable[[str, bytes], str]
) -> None:
    body = parquet_bytes(**GOOD)
    part = put(f"{table}/part.parquet", body)
    entry = {"url": part, "mandatory": True, "meta": {"content_length": len(body)}}
    manifest = put(f"{table}/manifest", json.dumps({"entries": [entry]}).encode())
    copy(redshift_serverless, f"public.{table}", manifest, "FORMAT AS PARQUET MANIFEST")
    found = [row[:3] for row in rows(redshift_serverless, f"public.{table}")]
    assert found == [(1, "x", Decimal("1.25")), (2, None, None)]
    del entry["meta"]
    manifest = put(f"{table}/manifest", json.dumps({"entries": [entry]}).encode())
    with pytest.raises(psycopg.Error, match="no content_length"):
        copy(redshift_serverless, f"public.{table}", manifest, "FORMAT AS PARQUET MANIFEST")


@pytest.mark.parametrize(("changed", "text"), [
    ({"id": pa.array([1, 2], pa.int64())}, "incompatible Parquet schema for column 'id'. Column type: INTEGER"),
    ({"price": pa.array([Decimal("1.2"), None], pa.decimal128(10, 1))}, "incompatible Parquet schema for column"),
    ({"more": pa.array([1, 2])}, "Unmatched number of columns .* Table columns: 5, Data columns: 6"),
    ({"name": pa.array(["123456789", None])}, "The length of the data column name is longer than the length defined"),
    ({"id": pa.array([1, None], pa.int32())}, "null value in column"),
])  # fmt: skip
def test_b68_parquet_that_does_not_fit(
    redshift_serverless: RedshiftServerless, table: str, put: Callable[[str, bytes], str], changed: dict[str, Any],
    text: str,
) -> None:  # fmt: skip
    source = put(f"{table}/part", parquet_bytes(**{**GOOD, **changed}))
    with pytest.raises(psycopg.Error, match=text):
        copy(redshift_serverless, f"public.{table}", source, "PARQUET")
    assert rows(redshift_serverless, f"public.{table}") == []


BAD = b"1|ok|1|2024-01-01|t\n2|\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4|1|2024-01-01|t\n3|x|z|2024-01-01|t\n" \
      b"4|x|1|soon|t\n|x|1|2024-01-01|t\nsix|x|1|2024-01-01|t\n7|x|1|2024-01-01|t|more\n8|x\n9|good|||f\n"
CODES = [(2, "name", 1204), (3, "price", 1207), (4, "day", 1205), (5, "id", 1213), (6, "id", 1207), (7, "", 1202),
         (8, "name", 1214)]  # fmt: skip


def test_b68_bad_lines_are_told_by_line_column_and_code(
    redshift_serverless: RedshiftServerless, table: str, put: Callable[[str, bytes], str]
) -> None:
    source = put(f"{table}/x", BAD)
    wanted = "Load into table '.*' failed.  Check 'sys_load_error_detail' system table for details."
    with pytest.raises(psycopg.Error, match=wanted):
        copy(redshift_serverless, f"public.{table}", source, f"MAXERROR {len(CODES) - 1}")
    assert rows(redshift_serverless, f"public.{table}") == []
    told = copy(redshift_serverless, f"public.{table}", source, f"MAXERROR {len(CODES)}")
    assert "7 record(s) could not be loaded" in told[1]
    assert [row[:2] for row in rows(redshift_serverless, f"public.{table}")] == [(1, "ok"), (9, "good")]
    with redshift_serverless.connect() as connection:
        found = connection.execute(
            "SELECT line_number, column_name, error_code FROM sys_load_error_detail WHERE query_id = "
            "(SELECT max(query_id) FROM sys_load_history WHERE table_name = %s AND status = 'completed') ORDER BY 1",
            [table],
        ).fetchall()
    assert found == CODES


def test_b68_it_belongs_to_the_sessions_transaction(
    redshift_serverless: RedshiftServerless, put: Callable[[str, bytes], str]
) -> None:
    name = fresh_name("inside")
    source = put(f"{name}/x", b"1\n2\n")
    with redshift_serverless.connect(autocommit=False) as connection:
        connection.execute(f"CREATE TABLE public.{name} (a bigint)".encode())
        connection.execute(f"COPY public.{name} FROM '{source}' IAM_ROLE '{redshift_serverless.role_arn}'".encode())
        assert connection.execute(f"SELECT count(*) FROM public.{name}".encode()).fetchone() == (2,)
        connection.rollback()
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute(f"SELECT count(*) FROM public.{name}".encode())


@pytest.mark.parametrize(("statement", "state", "text"), [
    ("COPY public.nowhere FROM '{s}' IAM_ROLE default", "42P01", "Cannot COPY into nonexistent table nowhere"),
    ("COPY public.{t} FROM '{s}none' IAM_ROLE default", "XX000", "The specified S3 prefix '{t}/xnone' does not exist"),
    ("COPY public.{t} FROM '{s}'", "42601", "COPY requires authorization"),
    ("COPY public.{t} FROM '{s}' IAM_ROLE 'arn:aws:iam::123456789012:role/other'", "XX000", "Not authorized to get"),
    ("COPY public.{t} FROM '{s}' ACCESS_KEY_ID 'AKIA' SECRET_ACCESS_KEY 'x'", "XX000", "S3ServiceException"),
    ("COPY public.{t} FROM '{s}' IAM_ROLE default PARQUET MAXERROR 3", "0A000",
     "MAXERROR argument is not supported for PARQUET based COPY"),
    ("COPY public.{t} FROM '{s}' IAM_ROLE default PARQUET REGION 'us-east-1'", "0A000", "REGION argument is not"),
    ("COPY public.{t} FROM '{s}' IAM_ROLE default CSV ESCAPE", "42601", "CSV is not compatible with ESCAPE"),
    ("COPY public.{t} FROM '{s}' IAM_ROLE default ORC", "0A000", "not supported by this sandbox"),
    ("COPY public.{t} FROM '{s}' IAM_ROLE default HURRY", "42601", "syntax error"),
    ("COPY public.{t} (id, wrong) FROM '{s}' IAM_ROLE default", "42703", "does not exist"),
    ("COPY public.{t} FROM STDIN", "0A000", "not supported"),
    ("COPY public.{t} TO STDOUT", "0A000", "not supported"),
])  # fmt: skip
def test_refusals(
    redshift_serverless: RedshiftServerless, table: str, put: Callable[[str, bytes], str], statement: str, state: str,
    text: str,
) -> None:  # fmt: skip
    source = put(f"{table}/x", b"1|x|1|2024-01-01|t\n")
    with redshift_serverless.connect() as connection, pytest.raises(psycopg.Error) as caught:
        connection.execute(statement.format(t=table, s=source).encode())
    assert caught.value.sqlstate == state
    assert text.format(t=table) in str(caught.value)


def test_without_the_right_to_insert(
    redshift_serverless: RedshiftServerless, put: Callable[[str, bytes], str]
) -> None:
    name = fresh_name("foreign")
    redshift_serverless.load(f"CREATE TABLE public.{name} (a int)", as_administrator=True)
    source = put(f"{name}/x", b"1\n")
    with redshift_serverless.connect() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege, match=name):
        connection.execute(f"COPY public.{name} FROM '{source}' IAM_ROLE default".encode())


def test_the_history_holds_no_keys(
    redshift_serverless: RedshiftServerless, table: str, put: Callable[[str, bytes], str]
) -> None:
    source, secret = put(f"{table}/x", b"1|x|1|2024-01-01|t\n"), redshift_serverless.secret_access_key
    keys = f"ACCESS_KEY_ID '{redshift_serverless.access_key_id}' SECRET_ACCESS_KEY '{secret}'"
    with redshift_serverless.connect() as connection:
        connection.execute(f"COPY public.{table} FROM '{source}' {keys}".encode())
        texts = connection.execute("SELECT query_text FROM sys_query_history WHERE query_type = 'COPY'").fetchall()
    assert texts and not [text for (text,) in texts if secret in text]
