"""redshift-serverless over AWS JSON 1.1: GetCredentials, GetWorkgroup, GetNamespace.
https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from redshift_sandbox.aws.messages import Request, Response
from redshift_sandbox.aws.regions import HostName
from redshift_sandbox.aws.reserved_words import RESERVED_WORDS
from redshift_sandbox.aws.sigv4 import Verified, Verifier, body_hash
from redshift_sandbox.contracts import AwsError, Faults
from redshift_sandbox.identity.dbuser import derive_db_roles, derive_db_user
from redshift_sandbox.identity.directory import Directory
from redshift_sandbox.identity.model import Namespace, Workgroup
from redshift_sandbox.identity.passwords import MintedPasswords
from redshift_sandbox.identity.policy import Ask, require

TARGET_PREFIX = "RedshiftServerless"
_NAMESPACE = "com.amazonaws.redshiftserverless"
_JSON = "application/x-amz-json-1.1"
_DB_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_+.@-]{0,63}")
_WORKGROUP = re.compile(r"[a-z0-9-]{3,64}")
_DOMAIN = re.compile(r"(((?!-)[A-Za-z0-9-]{0,62}[A-Za-z0-9])\.)+((?!-)[A-Za-z0-9-]{1,62}[A-Za-z0-9])")

Body = Mapping[str, Any]


class ServerlessService:
    def __init__(
        self, directory: Directory, passwords: MintedPasswords, verifier: Verifier, faults: Faults
    ) -> None:
        self._directory = directory
        self._passwords = passwords
        self._verifier = verifier
        self._faults = faults
        self._operations: dict[str, Callable[[Verified, Body], Mapping[str, Any]]] = {
            "GetCredentials": self._get_credentials,
            "GetWorkgroup": self._get_workgroup,
            "GetNamespace": self._get_namespace,
        }

    def handle(self, request: Request, host: HostName) -> Response:
        note: dict[str, str] = {}
        try:
            reply, status, extra = self._run(request, host, note), 200, []
        except AwsError as error:
            reply = {"__type": f"{_NAMESPACE}#{error.code}", "message": error.message, **error.members}
            status, extra = error.status, [("x-amzn-ErrorType", error.code)]
            note["code"] = error.code
        headers = [("x-amzn-RequestId", request.id), ("Content-Type", _JSON), *extra]
        return Response(status, headers, json.dumps(reply, separators=(",", ":")).encode(), note=note)

    def _run(self, request: Request, host: HostName, note: dict[str, str]) -> Mapping[str, Any]:
        body = request.read_small()
        target = request.headers.get("x-amz-target") or ""
        prefix, _, operation = target.partition(".")
        note["operation"] = operation
        if prefix != TARGET_PREFIX or operation not in self._operations or request.method != "POST":
            raise AwsError("UnknownOperationException", "")
        if (request.headers.get("content-type") or "").partition(";")[0] != _JSON:
            raise AwsError("SerializationException", f"Content-Type must be {_JSON}")
        verified = self._verifier.verify(request, "redshift-serverless", body_hash(body), host.region)
        note["principal"] = verified.caller.arn
        return self._operations[operation](verified, _parse(body))

    def _get_credentials(self, verified: Verified, body: Body) -> Mapping[str, Any]:
        if self._faults.take("credentials.throttle") is not None:
            raise AwsError("ThrottlingException", "Rate exceeded")
        if self._faults.take("credentials.internal_error") is not None:
            raise AwsError("InternalServerException", "An internal error occurred.", 500)
        _check_db_name(_text(body, "dbName"))
        seconds = _duration(body)
        workgroup = self._workgroup_of(verified, body)
        _require(verified, "redshift-serverless:GetCredentials", workgroup)
        db_user = derive_db_user(verified.caller)
        if db_user is None:
            # AWS does not document which name a federated user gets; assumed: none.
            raise AwsError(
                "AccessDeniedException",
                f"User: {verified.caller.arn} has no database user: call GetCredentials as a role or user.",
            )
        roles = derive_db_roles(verified.caller)
        password, expires = self._passwords.mint(db_user, seconds, db_roles=roles)
        # Epoch seconds with a fraction, as a JSON number.
        until = round(expires.timestamp(), 3)
        return {"dbUser": db_user, "dbPassword": password, "expiration": until, "nextRefreshTime": until}

    def _get_workgroup(self, verified: Verified, body: Body) -> Mapping[str, Any]:
        workgroup = self._named(verified, _required(body, "workgroupName"))
        _require(verified, "redshift-serverless:GetWorkgroup", workgroup)
        return {"workgroup": _describe_workgroup(workgroup)}

    def _get_namespace(self, verified: Verified, body: Body) -> Mapping[str, Any]:
        name = _required(body, "namespaceName")
        found = self._directory.find_namespace(verified.caller.account, verified.region, name)
        if found is None:
            raise AwsError(
                "ResourceNotFoundException", f"Serverless namespace {name} not found.",
                members={"resourceName": name},
            )  # fmt: skip
        _require(verified, "redshift-serverless:GetNamespace", found)
        return {"namespace": _describe_namespace(found)}

    def _workgroup_of(self, verified: Verified, body: Body) -> Workgroup:
        name, domain = _text(body, "workgroupName"), _text(body, "customDomainName")
        if name is not None:
            if not _WORKGROUP.fullmatch(name):
                raise _invalid("workgroupName", "must have length from 3 to 64 and satisfy ^[a-z0-9-]+$")
            return self._named(verified, name)
        if domain is None:
            raise AwsError("ValidationException", "Either workgroupName or customDomainName must be given.")
        if len(domain) > 253 or not _DOMAIN.fullmatch(domain):
            raise _invalid("customDomainName", "must be a domain name of at most 253 characters")
        found = self._directory.find_custom_domain(verified.caller.account, verified.region, domain)
        if found is None:
            raise AwsError(
                "ResourceNotFoundException", f"Custom domain {domain} not found.",
                members={"resourceName": domain},
            )  # fmt: skip
        return found

    def _named(self, verified: Verified, name: str) -> Workgroup:
        """The same error for the label of a VPC endpoint, and for the right name in another region."""
        found = self._directory.find_workgroup(verified.caller.account, verified.region, name)
        if found is None:
            raise AwsError(
                "ResourceNotFoundException", f"Serverless workgroup {name} not found.",
                members={"resourceName": name},
            )  # fmt: skip
        return found


def _require(verified: Verified, action: str, resource: Workgroup | Namespace) -> None:
    tags = resource.tags if isinstance(resource, Workgroup) else {}
    context = {f"aws:ResourceTag/{key}": value for key, value in tags.items()}
    context["aws:RequestedRegion"] = verified.region
    require(verified.caller, Ask(action, resource.arn, context), code="AccessDeniedException", status=400)


def _parse(body: bytes) -> Body:
    try:
        parsed = json.loads(body or b"{}")
    except ValueError:
        raise AwsError("SerializationException", "The request body is not valid JSON.") from None
    if not isinstance(parsed, dict):
        raise AwsError("SerializationException", "The request body must be a JSON object.")
    return parsed


def _invalid(member: str, rule: str) -> AwsError:
    return AwsError(
        "ValidationException", f"1 validation error detected: Value at '{member}' failed to satisfy "
        f"constraint: Member {rule}",
    )  # fmt: skip


def _text(body: Body, name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise AwsError("SerializationException", f"{name} can not be converted to a String")
    return value


def _required(body: Body, name: str) -> str:
    value = _text(body, name)
    if value is None:
        raise _invalid(name, "must not be null")
    return value


def _check_db_name(name: str | None) -> None:
    if name is None:
        return
    if not _DB_NAME.fullmatch(name):
        raise _invalid("dbName", "must start with a letter and hold 1 to 64 letters, digits and _+.@-")
    if name.lower() in RESERVED_WORDS:
        raise _invalid("dbName", "must not be a reserved word")


def _duration(body: Body) -> int:
    value = body.get("durationSeconds", 900)
    if isinstance(value, bool) or not isinstance(value, int):
        raise AwsError("SerializationException", "durationSeconds can not be converted to an Integer")
    if not 900 <= value <= 3600:
        rule = "greater than or equal to 900" if value < 900 else "less than or equal to 3600"
        raise _invalid("durationSeconds", f"must have value {rule}")
    return value


def _describe_workgroup(workgroup: Workgroup) -> dict[str, Any]:
    described: dict[str, Any] = {
        "baseCapacity": workgroup.base_capacity,
        "configParameters": [
            {"parameterKey": key, "parameterValue": value}
            for key, value in sorted(workgroup.config_parameters.items())
        ],
        "creationDate": workgroup.created.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "endpoint": {"address": workgroup.host, "port": workgroup.port, "vpcEndpoints": []},
        "enhancedVpcRouting": False,
        "namespaceName": workgroup.namespace,
        "patchVersion": workgroup.patch_version,
        "port": workgroup.port,
        "publiclyAccessible": workgroup.publicly_accessible,
        "securityGroupIds": [],
        "status": workgroup.status,
        "subnetIds": [],
        "workgroupArn": workgroup.arn,
        "workgroupId": workgroup.id,
        "workgroupName": workgroup.name,
        "workgroupVersion": "1.0",
    }
    if workgroup.custom_domain is not None:
        described["customDomainName"] = workgroup.custom_domain
    return described


def _describe_namespace(namespace: Namespace) -> dict[str, Any]:
    described: dict[str, Any] = {
        "adminUsername": namespace.admin_username,
        "creationDate": namespace.created.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "dbName": namespace.db_name,
        # AWS lists each role as this text and not as an ARN.
        "iamRoles": [f"IamRole(applyStatus=in-sync, iamRoleArn={arn})" for arn in namespace.iam_roles],
        "kmsKeyId": "AWS_OWNED_KMS_KEY",
        "logExports": [],
        "namespaceArn": namespace.arn,
        "namespaceId": namespace.id,
        "namespaceName": namespace.name,
        "status": "AVAILABLE",
    }
    if namespace.default_iam_role_arn is not None:
        described["defaultIamRoleArn"] = namespace.default_iam_role_arn
    return described
