# Goal: the Data API answers boto3 as AWS documents it: statements, batches, results by page, cancel, errors.

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from redshift_sandbox.serverless_fixture import RedshiftServerless

WHERE = {"WorkgroupName": "analytics", "Database": "dev"}


def client_of(box: RedshiftServerless, key: str | None = None, secret: str | None = None) -> Any:
    session = boto3.session.Session(
        key or box.access_key_id, secret or box.secret_access_key, region_name=box.region
    )
    return session.client("redshift-data", endpoint_url=box.aws_url, verify=box.ca_file)


@pytest.fixture(scope="module")
def data(redshift_serverless: RedshiftServerless) -> Any:
    return client_of(redshift_serverless)


def ended(data: Any, answer: dict[str, Any]) -> dict[str, Any]:
    """The description of a statement, once it has ended."""
    limit = time.monotonic() + 30
    while True:
        told: dict[str, Any] = data.describe_statement(Id=answer["Id"])
        if told["Status"] in ("FINISHED", "FAILED", "ABORTED"):
            return told
        assert time.monotonic() < limit, told
        time.sleep(0.02)


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_b71_a_statement_and_its_result(data: Any, redshift_serverless: RedshiftServerless) -> None:
    redshift_serverless.meter.reset()
    sql = ("SELECT 1::int AS a, 2.5::float8 AS b, true AS c, 'x'::varchar(9) AS d, 1.25::decimal(5,2) AS e, "
           "NULL::date AS f")  # fmt: skip
    answer = data.execute_statement(Sql=sql, StatementName="first", **WHERE)
    assert (answer["Database"], answer["WorkgroupName"]) == ("dev", "analytics")
    told = ended(data, answer)
    assert (told["Status"], told["HasResultSet"], told["ResultRows"], told["QueryString"]) == ("FINISHED", True, 1, sql)
    result = data.get_statement_result(Id=answer["Id"])
    assert result["Records"] == [[{"longValue": 1}, {"doubleValue": 2.5}, {"booleanValue": True}, {"stringValue": "x"},
                                  {"stringValue": "1.25"}, {"isNull": True}]]  # fmt: skip
    told_columns = [(one["name"], one["typeName"], one["precision"], one["scale"]) for one in result["ColumnMetadata"]]
    assert told_columns == [("a", "int4", 0, 0), ("b", "float8", 0, 0), ("c", "bool", 0, 0), ("d", "varchar", 9, 0),
                            ("e", "numeric", 5, 2), ("f", "date", 0, 0)]  # fmt: skip
    assert result["TotalNumRows"] == 1 and "NextToken" not in result
    assert redshift_serverless.meter.wake_ups == 1  # it costs like any statement


def test_b71_results_come_in_pages(data: Any) -> None:
    sql = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 2500) SELECT n FROM t ORDER BY n"
    answer = data.execute_statement(Sql=sql, **WHERE)
    ended(data, answer)
    pages = list(data.get_paginator("get_statement_result").paginate(Id=answer["Id"]))
    assert len(pages) == 3 and {page["TotalNumRows"] for page in pages} == {2500}
    found = [row[0]["longValue"] for page in pages for row in page["Records"]]
    assert found == list(range(1, 2501))
    assert refused(lambda: data.get_statement_result(Id=answer["Id"], NextToken="x"))[0] == "ValidationException"


def test_named_parameters(data: Any) -> None:
    sql = "SELECT :n::int + :n::int AS twice, ':n' AS text, :s AS s -- :n"
    given = [{"name": "n", "value": "21"}, {"name": "s", "value": "it's :n"}]
    answer = data.execute_statement(Sql=sql, Parameters=given, **WHERE)
    assert ended(data, answer)["QueryParameters"] == given
    (row,) = data.get_statement_result(Id=answer["Id"])["Records"]
    assert [next(iter(field.values())) for field in row] == [42, ":n", "it's :n"]
    unused = [*given, {"name": "more", "value": "1"}]
    code, text = refused(lambda: data.execute_statement(Sql=sql, Parameters=unused, **WHERE))
    assert code == "ValidationException" and "unused" in text
    code, text = refused(lambda: data.execute_statement(Sql=sql, Parameters=given[:1], **WHERE))
    assert code == "ValidationException" and "missing" in text


def test_a_failure_is_told_by_describe(data: Any) -> None:
    answer = data.execute_statement(Sql="SELECT * FROM public.nowhere_at_all", **WHERE)
    told = ended(data, answer)
    assert told["Status"] == "FAILED"
    assert told["Error"] == 'ERROR: relation "public.nowhere_at_all" does not exist'
    assert refused(lambda: data.get_statement_result(Id=answer["Id"]))[0] == "ValidationException"


def test_a_statement_without_rows_has_no_result(data: Any) -> None:
    answer = data.execute_statement(Sql="CREATE TABLE public.by_api (a int);", **WHERE)
    assert not ended(data, answer)["HasResultSet"]
    code, text = refused(lambda: data.get_statement_result(Id=answer["Id"]))
    assert code == "ResourceNotFoundException" and "does not have result" in text
    inserted = ended(data, data.execute_statement(Sql="INSERT INTO public.by_api VALUES (1), (2)", **WHERE))
    assert (inserted["ResultRows"], inserted["HasResultSet"]) == (2, False)


def test_b71_a_batch_is_one_transaction(data: Any, redshift_serverless: RedshiftServerless) -> None:
    made = data.batch_execute_statement(Sqls=[
        "CREATE TABLE public.batched (a int)", "INSERT INTO public.batched VALUES (7)", "SELECT a FROM public.batched",
    ], **WHERE)  # fmt: skip
    told = ended(data, made)
    assert (told["Status"], told["HasResultSet"]) == ("FINISHED", True)
    assert [one["Id"] for one in told["SubStatements"]] == [f"{made['Id']}:{n}" for n in (1, 2, 3)]
    assert data.get_statement_result(Id=f"{made['Id']}:3")["Records"] == [[{"longValue": 7}]]
    assert refused(lambda: data.get_statement_result(Id=made["Id"]))[0] == "ResourceNotFoundException"
    failing = ended(data, data.batch_execute_statement(
        Sqls=["INSERT INTO public.batched VALUES (8)", "SELECT wrong", "SELECT 1"], **WHERE))  # fmt: skip
    assert failing["Status"] == "FAILED"
    assert [one["Status"] for one in failing["SubStatements"]] == ["FINISHED", "FAILED", "ABORTED"]
    assert redshift_serverless.load("SELECT a FROM public.batched") == [(7,)]


def test_cancel(data: Any, redshift_serverless: RedshiftServerless) -> None:
    with redshift_serverless.connect(autocommit=False) as holder:
        holder.execute("CREATE TABLE IF NOT EXISTS public.locked (a int)")
        holder.commit()
        holder.execute("LOCK TABLE public.locked")
        answer = data.execute_statement(Sql="INSERT INTO public.locked VALUES (1)", **WHERE)
        limit = time.monotonic() + 30
        while data.describe_statement(Id=answer["Id"])["Status"] != "STARTED":
            assert time.monotonic() < limit
            time.sleep(0.02)
        while data.describe_statement(Id=answer["Id"])["Status"] == "STARTED":
            # The statement may not have reached the database yet when the first request to cancel arrives there.
            assert data.cancel_statement(Id=answer["Id"])["Status"] is True
            time.sleep(0.2)
    assert ended(data, answer)["Status"] == "ABORTED"
    assert refused(lambda: data.cancel_statement(Id=answer["Id"]))[0] == "ValidationException"


def test_list_and_idempotent_tokens(data: Any) -> None:
    answers = [data.execute_statement(Sql=f"SELECT {n}", StatementName="listed", **WHERE) for n in (1, 2, 3)]
    for answer in answers:
        ended(data, answer)
    pages = list(data.get_paginator("list_statements").paginate(StatementName="list", PaginationConfig={"PageSize": 2}))
    found = [one["Id"] for page in pages for one in page["Statements"]]
    assert found == [answer["Id"] for answer in reversed(answers)] and len(pages) == 2
    once = [data.execute_statement(Sql="SELECT 4", ClientToken="t", **WHERE)["Id"] for _ in range(2)]
    assert once[0] == once[1]


def test_a_session_keeps_its_temporary_table(data: Any) -> None:
    first = data.execute_statement(Sql="CREATE TEMP TABLE mine AS SELECT 5 AS a", SessionKeepAliveSeconds=60, **WHERE)
    assert ended(data, first)["Status"] == "FINISHED"
    limit = time.monotonic() + 30
    while True:  # the session is free a moment after its statement has ended
        try:
            second = data.execute_statement(Sql="SELECT a FROM mine", SessionId=first["SessionId"])
            break
        except data.exceptions.ResourceNotFoundException:
            assert time.monotonic() < limit
            time.sleep(0.02)
    assert ended(data, second)["Status"] == "FINISHED"
    code, _ = refused(lambda: data.execute_statement(Sql="SELECT 1", SessionId=first["Id"]))
    assert code == "ResourceNotFoundException"


def test_b71_results_are_forgotten_after_a_day(data: Any, redshift_serverless: RedshiftServerless) -> None:
    answer = data.execute_statement(Sql="SELECT 1", **WHERE)
    ended(data, answer)
    with_faults = redshift_serverless.faults
    with_faults.set("sigv4.machine_dates")  # the client's clock stays behind
    redshift_serverless.clock.advance(86401)
    try:
        code, text = refused(lambda: data.describe_statement(Id=answer["Id"]))
    finally:
        with_faults.clear("sigv4.machine_dates")
    assert (code, text) == ("ResourceNotFoundException", "Query does not exist.")


@pytest.mark.parametrize(("given", "code", "text"), [
    ({"Sql": "SELECT 1", "Database": "dev"}, "ValidationException", "ClusterIdentifier or WorkgroupName"),
    ({"Sql": "SELECT 1", "WorkgroupName": "analytics"}, "ValidationException", "Database"),
    ({"Sql": "SELECT 1", "WorkgroupName": "other", "Database": "dev"}, "ValidationException", "doesn't exist"),
    ({"Sql": "SELECT 1; SELECT 2", **WHERE}, "ValidationException", "BatchExecuteStatement"),
    ({"Sql": " ", **WHERE}, "ValidationException", "bytes"),
    ({"Sql": "SELECT " + "1" * 100_000, **WHERE}, "ValidationException", "bytes"),
])  # fmt: skip
def test_invalid_input(redshift_serverless: RedshiftServerless, given: dict[str, Any], code: str, text: str) -> None:
    fresh = client_of_now(redshift_serverless)
    found = refused(lambda: fresh.execute_statement(**given))
    assert found[0] == code and text in found[1]


def client_of_now(box: RedshiftServerless) -> Any:
    """A client whose signatures the sandbox takes although a test has advanced its clock."""
    box.faults.set("sigv4.machine_dates")
    return client_of(box)


def test_b71_signatures_and_rights(redshift_serverless: RedshiftServerless) -> None:
    box = redshift_serverless
    box.faults.set("sigv4.machine_dates")
    wrong = client_of(box, secret="x" * 40)
    assert refused(lambda: wrong.list_statements())[0] == "InvalidSignatureException"
    identity = box.sandbox.aws.identity
    identity.put_user(box.account_id, "limited", policies={"one": {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "redshift-data:ExecuteStatement", "Resource": "*"}]}})  # fmt: skip
    key = identity.add_access_key(box.account_id, "limited")
    limited = client_of(box, key.id, key.secret)
    code, text = refused(lambda: limited.execute_statement(Sql="SELECT 1", **WHERE))
    assert code == "AccessDeniedException" and "redshift-serverless:GetCredentials" in text
    code, text = refused(lambda: limited.batch_execute_statement(Sqls=["SELECT 1"], **WHERE))
    assert code == "AccessDeniedException" and "redshift-data:BatchExecuteStatement" in text
    mine = client_of(box).execute_statement(Sql="SELECT 1", **WHERE)["Id"]
    assert refused(lambda: limited.describe_statement(Id=mine))[0] == "ResourceNotFoundException"
