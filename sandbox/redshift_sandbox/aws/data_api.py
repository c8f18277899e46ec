"""redshift-data over AWS JSON 1.1: statements without a connection.
https://docs.aws.amazon.com/redshift-data/latest/APIReference/

ExecuteStatement, BatchExecuteStatement, DescribeStatement, GetStatementResult, CancelStatement and ListStatements, for
workgroups. Texts of errors that the pages do not show are assumed.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from redshift_sandbox.aws.data_parameters import check_parameters, is_several
from redshift_sandbox.aws.data_statements import KEPT, Outcome, Runner, Submitted
from redshift_sandbox.aws.messages import Request, Response
from redshift_sandbox.aws.regions import HostName
from redshift_sandbox.aws.sigv4 import Verified, Verifier, body_hash
from redshift_sandbox.contracts import AwsError, Clock
from redshift_sandbox.identity.dbuser import derive_db_roles, derive_db_user
from redshift_sandbox.identity.directory import Directory
from redshift_sandbox.identity.model import Workgroup
from redshift_sandbox.identity.policy import Ask, require

SERVICE = "redshift-data"
_PREFIX, _JSON = "RedshiftData", "application/x-amz-json-1.1"
_ID = re.compile(r"[a-z0-9]{8}(-[a-z0-9]{4}){3}-[a-z0-9]{12}(:\d{0,2})?")
_STATUSES = ("ALL", "SUBMITTED", "PICKED", "STARTED", "FINISHED", "ABORTED", "FAILED")
_SQL_BYTES_MAX = 100_000  # https://docs.aws.amazon.com/redshift/latest/mgmt/data-api.html#data-api-considerations
_BATCH_MAX = 40
_ACTIVE_MAX = 500
_WAIT_SECONDS_MAX = 30
PAGE_ROWS = 1000  # assumed

Body = Mapping[str, Any]


class DataApiService:
    """Any thread may call it. `runner.login` must be set before the first statement."""

    def __init__(self, directory: Directory, verifier: Verifier, clock: Clock) -> None:
        self._directory, self._verifier, self._clock = directory, verifier, clock
        self.runner = Runner(clock, None)
        self._mutex = threading.Lock()
        self._statements: dict[str, Submitted] = {}
        self._tokens: dict[tuple[str, str], str] = {}
        self._operations: dict[str, Callable[[Verified, Body], Mapping[str, Any]]] = {
            "ExecuteStatement": self._execute, "BatchExecuteStatement": self._batch,
            "DescribeStatement": self._describe, "GetStatementResult": self._result,
            "CancelStatement": self._cancel, "ListStatements": self._list,
        }  # fmt: skip

    def handle(self, request: Request, host: HostName) -> Response:
        note: dict[str, str] = {}
        try:
            reply, status, extra = self._run(request, host, note), 200, []
        except AwsError as error:
            reply = {"__type": error.code, "Message": error.message, "message": error.message, **error.members}
            status, extra = error.status, [("x-amzn-ErrorType", error.code)]
            note["code"] = error.code
        headers = [("x-amzn-RequestId", request.id), ("Content-Type", _JSON), *extra]
        return Response(status, headers, json.dumps(reply, separators=(",", ":")).encode(), note=note)

    def _run(self, request: Request, host: HostName, note: dict[str, str]) -> Mapping[str, Any]:
        body = request.read_small()
        prefix, _, operation = (request.headers.get("x-amz-target") or "").partition(".")
        note["operation"] = operation
        if prefix != _PREFIX or operation not in self._operations or request.method != "POST":
            raise AwsError("UnknownOperationException", "")
        verified = self._verifier.verify(request, SERVICE, body_hash(body), host.region)
        note["principal"] = verified.caller.arn
        try:
            parsed = json.loads(body or b"{}")
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            raise AwsError("SerializationException", "The request body must be a JSON object.")
        return self._operations[operation](verified, parsed)

    # -- submitting -----------------------------------------------------------------------------

    def _execute(self, verified: Verified, body: Body) -> Mapping[str, Any]:
        sql = _text(body, "Sql", needed=True)
        if is_several(sql):
            raise AwsError("ValidationException", "Multiple statements are not supported: use BatchExecuteStatement.")
        return self._submit(verified, body, [sql], "ExecuteStatement", batch=False)

    def _batch(self, verified: Verified, body: Body) -> Mapping[str, Any]:
        given = body.get("Sqls")
        if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            raise _invalid("sqls", "must not be null")
        if not 1 <= len(given) <= _BATCH_MAX:
            raise _invalid("sqls", f"must have length between 1 and {_BATCH_MAX}")
        return self._submit(verified, body, given, "BatchExecuteStatement", batch=True)

    def _submit(
        self, verified: Verified, body: Body, sqls: list[str], action: str, *, batch: bool
    ) -> Mapping[str, Any]:
        if any(not sql.strip() or len(sql.encode()) > _SQL_BYTES_MAX for sql in sqls):
            raise AwsError("ValidationException", f"A statement must have 1 to {_SQL_BYTES_MAX} bytes.")
        parameters = _parameters(body)
        check_parameters(sqls, parameters)
        session_id, keep = _session(body)
        workgroup, database, db_user = self._target(verified, body, action, session_id)
        token = _text(body, "ClientToken")
        with self._mutex:
            known = self._tokens.get((verified.caller.arn, token)) if token else None
            if known is not None:
                return _submitted(self._statements[known])
            self._forget_old()
            if sum(one.active for one in self._statements.values()) >= _ACTIVE_MAX:
                raise AwsError("ActiveStatementsExceededException", "Active statements exceeded the allowed quota.")
            if keep and session_id is None:
                session_id = str(uuid.uuid4())
            one = Submitted(
                verified.caller.arn, db_user, database, workgroup.name, workgroup.arn, self._clock.now(),
                _text(body, "StatementName"), parameters, batch, [Outcome(sql) for sql in sqls], session_id,
            )  # fmt: skip
            self._statements[one.id] = one
            if token:
                self._tokens[verified.caller.arn, token] = one.id
        self.runner.begin(one, derive_db_roles(verified.caller), keep)
        _wait(one, body)
        return _submitted(one)

    def _target(
        self, verified: Verified, body: Body, action: str, session_id: str | None
    ) -> tuple[Workgroup, str, str]:
        """The workgroup, the database and the database user."""
        name, database = _text(body, "WorkgroupName"), _text(body, "Database")
        if session_id is not None:
            if name or database:
                raise AwsError("ValidationException", "SessionId excludes WorkgroupName and Database.")
            earlier = self._of_session(verified, session_id)
            name, database = earlier.workgroup, earlier.database
        if _text(body, "ClusterIdentifier"):
            raise AwsError("ValidationException", "Redshift endpoint doesn't exist in this region.")
        if not name:
            raise AwsError("ValidationException", "Either ClusterIdentifier or WorkgroupName must be specified.")
        if _text(body, "DbUser") or _text(body, "SecretArn"):
            raise AwsError("ValidationException", "This sandbox takes neither DbUser nor SecretArn for a workgroup.")
        found = self._directory.find_workgroup(verified.caller.account, verified.region, name.rpartition("/")[2])
        if found is None:
            raise AwsError("ValidationException", "Redshift endpoint doesn't exist in this region.")
        _require(verified, f"{SERVICE}:{action}", found.arn)
        if not database:
            raise AwsError("ValidationException", "Database must be specified.")
        _require(verified, "redshift-serverless:GetCredentials", found.arn)
        db_user = derive_db_user(verified.caller)
        if db_user is None:
            raise AwsError("ValidationException", "The caller has no database user: call as a role or a user.")
        return found, database, db_user

    def _of_session(self, verified: Verified, session_id: str) -> Submitted:
        for one in self._statements.values():
            own = one.session_id == session_id and one.owner == verified.caller.arn
            if own and self.runner.has_session(session_id):
                return one
        raise _missing(session_id, "Session is not available.")

    # -- asking ---------------------------------------------------------------------------------

    def _describe(self, verified: Verified, body: Body) -> Mapping[str, Any]:
        one, place = self._find(verified, body, "DescribeStatement")
        with one.mutex:
            told = _described(one)
            if place is None:
                return told
            return {**told, **_sub(one, place), "Id": f"{one.id}:{place + 1}"}

    def _result(self, verified: Verified, body: Body) -> Mapping[str, Any]:
        one, place = self._find(verified, body, "GetStatementResult")
        _wait(one, body)
        with one.mutex:
            if one.status != "FINISHED":
                raise AwsError("ValidationException", f"Query is not in the FINISHED state. Its state: {one.status}")
            if one.batch and place is None:
                raise _missing(one.id, "Query does not have result: ask for one of its sub-statements.")
            outcome = one.outcomes[place or 0]
            if outcome.columns is None:
                raise _missing(one.id, "Query does not have result. Please check query status with DescribeStatement.")
        start = _offset(body)
        if not 0 <= start <= len(outcome.rows):
            raise AwsError("ValidationException", "The NextToken is not valid.")
        page: dict[str, Any] = {
            "Records": outcome.rows[start : start + PAGE_ROWS], "ColumnMetadata": outcome.columns,
            "TotalNumRows": len(outcome.rows),
        }  # fmt: skip
        if start + PAGE_ROWS < len(outcome.rows):
            page["NextToken"] = _page_token(start + PAGE_ROWS)
        return page

    def _cancel(self, verified: Verified, body: Body) -> Mapping[str, Any]:
        one, place = self._find(verified, body, "CancelStatement")
        if place is not None:
            raise AwsError("ValidationException", "A sub-statement cannot be cancelled alone.")
        if not one.cancel():
            raise AwsError("ValidationException", f"Could not cancel a query that is already in {one.status} state.")
        return {"Status": True}

    def _list(self, verified: Verified, body: Body) -> Mapping[str, Any]:
        _require(verified, f"{SERVICE}:ListStatements", "*")
        wanted, most = body.get("Status", "FINISHED"), body.get("MaxResults", 100)
        if wanted not in _STATUSES:
            raise _invalid("status", f"must satisfy enum value set: [{', '.join(_STATUSES)}]")
        if isinstance(most, bool) or not isinstance(most, int) or not 0 <= most <= 100:
            raise _invalid("maxResults", "must have value between 0 and 100")
        name = _text(body, "StatementName")
        with self._mutex:
            self._forget_old()
            found = [
                one for one in reversed(list(self._statements.values()))
                if one.owner == verified.caller.arn and wanted in ("ALL", one.status) and one.name.startswith(name)
            ]  # fmt: skip
        start, count = _offset(body), most or 100
        page: dict[str, Any] = {"Statements": [_listed(one) for one in found[start : start + count]]}
        if start + count < len(found):
            page["NextToken"] = _page_token(start + count)
        return page

    def _find(self, verified: Verified, body: Body, action: str) -> tuple[Submitted, int | None]:
        """The caller's own statement, and which sub-statement is meant."""
        given = _text(body, "Id", needed=True)
        if not _ID.fullmatch(given):
            raise AwsError("ValidationException", "id must satisfy regex pattern: " + _ID.pattern)
        whole, _, number = given.partition(":")
        with self._mutex:
            self._forget_old()
            one = self._statements.get(whole)
        if one is None or one.owner != verified.caller.arn:
            raise _missing(given, "Query does not exist.")
        _require(verified, f"{SERVICE}:{action}", one.workgroup_arn)
        if not number:
            return one, None
        if not one.batch or not 1 <= int(number) <= len(one.outcomes):
            raise _missing(given, "Query does not exist.")
        return one, int(number) - 1

    def _forget_old(self) -> None:
        now = self._clock.now()
        for key in [key for key, one in self._statements.items() if now - one.created > KEPT]:
            del self._statements[key]
        self._tokens = {key: one for key, one in self._tokens.items() if one in self._statements}


# -- replies --------------------------------------------------------------------------------------


def _submitted(one: Submitted) -> dict[str, Any]:
    told: dict[str, Any] = {
        "Id": one.id, "CreatedAt": _epoch(one.created), "Database": one.database, "WorkgroupName": one.workgroup,
        "DbUser": one.db_user,
    }  # fmt: skip
    return {**told, "SessionId": one.session_id} if one.session_id else told


def _described(one: Submitted) -> dict[str, Any]:
    told: dict[str, Any] = {
        "Id": one.id, "Database": one.database, "WorkgroupName": one.workgroup, "DbUser": one.db_user,
        "CreatedAt": _epoch(one.created), "UpdatedAt": _epoch(one.updated or one.created), "Status": one.status,
        "Duration": int(sum(outcome.seconds for outcome in one.outcomes) * 1e9), "RedshiftPid": one.pid,
        "RedshiftQueryId": 0, "ResultFormat": "JSON",
    }  # fmt: skip
    if one.parameters:
        told["QueryParameters"] = list(one.parameters)
    if one.session_id:
        told["SessionId"] = one.session_id
    if one.error and one.status == "FAILED":
        told["Error"] = one.error
    if one.batch:
        subs = [_sub(one, place) for place in range(len(one.outcomes))]
        results = any(outcome.columns is not None for outcome in one.outcomes)
        return {**told, "HasResultSet": results, "ResultRows": -1, "ResultSize": -1, "SubStatements": subs}
    return {**told, **_facts(one.outcomes[0])}


def _sub(one: Submitted, place: int) -> dict[str, Any]:
    outcome = one.outcomes[place]
    told = {
        "Id": f"{one.id}:{place + 1}", "Status": outcome.status, "Duration": int(outcome.seconds * 1e9),
        "CreatedAt": _epoch(one.created), "UpdatedAt": _epoch(outcome.updated or one.created), "RedshiftQueryId": 0,
        **_facts(outcome),
    }  # fmt: skip
    return {**told, "Error": outcome.error} if outcome.error else told


def _facts(outcome: Outcome) -> dict[str, Any]:
    return {
        "QueryString": outcome.sql, "HasResultSet": outcome.columns is not None, "ResultRows": outcome.affected,
        "ResultSize": outcome.size,
    }  # fmt: skip


def _listed(one: Submitted) -> dict[str, Any]:
    told: dict[str, Any] = {
        "Id": one.id, "Status": one.status, "CreatedAt": _epoch(one.created),
        "UpdatedAt": _epoch(one.updated or one.created), "IsBatchStatement": one.batch,
        "QueryString": one.outcomes[0].sql, "StatementName": one.name, "ResultFormat": "JSON",
    }  # fmt: skip
    if one.batch:
        told["QueryStrings"] = [outcome.sql for outcome in one.outcomes]
    return told


def _epoch(moment: Any) -> float:
    return round(float(moment.timestamp()), 3)


def _page_token(offset: int) -> str:
    return base64.b64encode(f"rows:{offset}".encode()).decode()


def _offset(body: Body) -> int:
    token = _text(body, "NextToken")
    if not token:
        return 0
    try:
        return int(base64.b64decode(token, validate=True).decode().removeprefix("rows:"))
    except ValueError:
        raise AwsError("ValidationException", "The NextToken is not valid.") from None


# -- requests -------------------------------------------------------------------------------------


def _text(body: Body, name: str, *, needed: bool = False) -> str:
    value = body.get(name)
    if value is None:
        if needed:
            raise _invalid(name[0].lower() + name[1:], "must not be null")
        return ""
    if not isinstance(value, str):
        raise AwsError("SerializationException", f"{name} can not be converted to a String")
    return value


def _parameters(body: Body) -> list[dict[str, str]]:
    given = body.get("Parameters", [])
    if not isinstance(given, list) or ("Parameters" in body and not given):
        raise _invalid("parameters", "must have length greater than or equal to 1")
    for one in given:
        if not isinstance(one, dict) or not isinstance(one.get("name"), str) or not isinstance(one.get("value"), str):
            raise _invalid("parameters", "must have name and value")
        if not one["value"]:
            raise _invalid("parameters.value", "must have length greater than or equal to 1")
    return [{"name": one["name"], "value": one["value"]} for one in given]


def _session(body: Body) -> tuple[str | None, int]:
    keep = body.get("SessionKeepAliveSeconds", 0)
    if isinstance(keep, bool) or not isinstance(keep, int) or not 0 <= keep <= 86400:
        raise _invalid("sessionKeepAliveSeconds", "must have value between 0 and 86400")
    return _text(body, "SessionId") or None, keep


def _wait(one: Submitted, body: Body) -> None:
    seconds = body.get("WaitTimeSeconds", 0)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or not 0 <= seconds <= _WAIT_SECONDS_MAX:
        raise _invalid("waitTimeSeconds", f"must have value between 0 and {_WAIT_SECONDS_MAX}")
    if seconds:
        one.done.wait(seconds)


def _invalid(member: str, rule: str) -> AwsError:
    return AwsError(
        "ValidationException",
        f"1 validation error detected: Value at '{member}' failed to satisfy constraint: Member {rule}",
    )


def _missing(what: str, text: str) -> AwsError:
    return AwsError("ResourceNotFoundException", text, members={"ResourceId": what})


def _require(verified: Verified, action: str, resource: str) -> None:
    context = {"aws:RequestedRegion": verified.region}
    require(verified.caller, Ask(action, resource, context), code="AccessDeniedException", status=400)
