"""`redshift` over the query protocol: GetClusterCredentials, as far as workgroups support it.

The older login call, kept for clients of provisioned clusters; a workgroup is the cluster
`redshift-serverless-<workgroup>`. https://docs.aws.amazon.com/redshift/latest/mgmt/serverless-migration.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

from redshift_sandbox.aws.messages import Request, Response
from redshift_sandbox.aws.regions import HostName
from redshift_sandbox.aws.reserved_words import RESERVED_WORDS
from redshift_sandbox.aws.sigv4 import Verified, Verifier, body_hash
from redshift_sandbox.aws.xml import tag, tags, wrap
from redshift_sandbox.contracts import AwsError, Faults
from redshift_sandbox.identity.directory import Directory
from redshift_sandbox.identity.model import Namespace, Workgroup
from redshift_sandbox.identity.passwords import MintedPasswords
from redshift_sandbox.identity.policy import Ask, require

NAMESPACE = "http://redshift.amazonaws.com/doc/2012-12-01/"
VERSION = "2012-12-01"
CLUSTER_PREFIX = "redshift-serverless-"
_ACTION = "GetClusterCredentials"
_USER = re.compile(r"[A-Za-z][A-Za-z0-9_+.@-]{0,127}")
_DATABASE = re.compile(r"[A-Za-z][A-Za-z0-9_+.@-]{0,63}")

Form = Mapping[str, str]


class ClustersService:
    def __init__(
        self, directory: Directory, passwords: MintedPasswords, verifier: Verifier, faults: Faults
    ) -> None:
        self._directory = directory
        self._passwords = passwords
        self._verifier = verifier
        self._faults = faults

    def handle(self, request: Request, host: HostName) -> Response:
        note: dict[str, str] = {}
        headers = [("x-amzn-RequestId", request.id), ("Content-Type", "text/xml")]
        try:
            result = self._run(request, host, note)
        except AwsError as error:
            note["code"] = error.code
            kind = "Sender" if error.status < 500 else "Receiver"
            inner = wrap("Error", tags({"Type": kind, "Code": error.code, "Message": error.message}))
            inner += tag("RequestId", request.id)
            document = f'<ErrorResponse xmlns="{NAMESPACE}">{inner}</ErrorResponse>'
            return Response(error.status, headers, document.encode(), note=note)
        inner = wrap(f"{_ACTION}Result", result) + wrap("ResponseMetadata", tag("RequestId", request.id))
        document = f'<{_ACTION}Response xmlns="{NAMESPACE}">{inner}</{_ACTION}Response>'
        return Response(200, headers, document.encode(), note=note)

    def _run(self, request: Request, host: HostName, note: dict[str, str]) -> str:
        body = request.read_small()
        form = {**request.params(), **dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))}
        action = form.get("Action", "")
        note["operation"] = action
        verified = self._verifier.verify(request, "redshift", body_hash(body), host.region)
        note["principal"] = verified.caller.arn
        if action != _ACTION or form.get("Version") != VERSION:
            raise AwsError("InvalidAction", f"Could not find operation {action} for version {form.get('Version')}")
        if self._faults.take("credentials.throttle") is not None:
            raise AwsError("Throttling", "Rate exceeded")
        if self._faults.take("credentials.internal_error") is not None:
            raise AwsError("InternalFailure", "An internal error occurred.", 500)
        return self._get_cluster_credentials(verified, form)

    def _get_cluster_credentials(self, verified: Verified, form: Form) -> str:
        user, database, seconds = _user(form), _database(form), _duration(form)
        if form.get("AutoCreate", "false").lower() == "true":
            raise AwsError("UnsupportedOperation", "The sandbox does not support AutoCreate: create the user.")
        if any(name.startswith("DbGroups.") for name in form):
            raise AwsError("UnsupportedOperation", "The sandbox does not support DbGroups: grant to the user.")
        workgroup = self._workgroup(verified, form.get("ClusterIdentifier", ""))
        self._authorise(verified, workgroup, user, database, seconds)
        shown = f"IAM:{user}"
        password, expires = self._passwords.mint(shown, seconds, login_as=user)
        until = expires.strftime("%Y-%m-%dT%H:%M:%S.") + f"{expires.microsecond // 1000:03d}Z"
        return tags({"DbUser": shown, "DbPassword": password, "Expiration": until})

    def _authorise(
        self, verified: Verified, workgroup: Workgroup, user: str, database: str | None, seconds: int
    ) -> None:
        """The workgroup and its namespace are looked up with the caller's own rights. The ARNs of user and database
        are those that AWS documents for the trust policies of UNLOAD; that this call checks the same ones is assumed.
        https://docs.aws.amazon.com/redshift/latest/mgmt/authorizing-redshift-service-database-users.html"""
        caller = verified.caller
        namespace = self._namespace(workgroup)
        require(caller, Ask("redshift-serverless:GetWorkgroup", workgroup.arn))
        require(caller, Ask("redshift-serverless:GetNamespace", namespace.arn))
        place = f"arn:aws:redshift:{workgroup.region}:{workgroup.account}"
        cluster = f"serverless-{workgroup.account}-{workgroup.id}"
        context = {"redshift:DbUser": user, "redshift:DurationSeconds": str(seconds)}
        if database is not None:
            context["redshift:DbName"] = database
        require(caller, Ask("redshift:GetClusterCredentials", f"{place}:dbuser:{cluster}/{user}", context))
        if database is not None:
            require(caller, Ask("redshift:GetClusterCredentials", f"{place}:dbname:{cluster}/{database}", context))

    def _namespace(self, workgroup: Workgroup) -> Namespace:
        found = self._directory.find_namespace(workgroup.account, workgroup.region, workgroup.namespace)
        assert found is not None  # created together with its workgroup
        return found

    def _workgroup(self, verified: Verified, cluster: str) -> Workgroup:
        found = None
        if cluster.startswith(CLUSTER_PREFIX):
            name = cluster.removeprefix(CLUSTER_PREFIX)
            found = self._directory.find_workgroup(verified.caller.account, verified.region, name)
        if found is None:
            raise AwsError("ClusterNotFound", f"Cluster {cluster} not found.", 404)
        return found


def _user(form: Form) -> str:
    user = form.get("DbUser", "")
    if not _USER.fullmatch(user) or user.lower() == "public" or user.lower() in RESERVED_WORDS:
        raise AwsError(
            "InvalidParameterValue",
            "DbUser must be 1 to 128 letters, digits and _+.@-, start with a letter and not be a reserved word.",
        )
    return user


def _database(form: Form) -> str | None:
    name = form.get("DbName")
    if name is not None and (not _DATABASE.fullmatch(name) or name.lower() in RESERVED_WORDS):
        raise AwsError(
            "InvalidParameterValue",
            "DbName must be 1 to 64 letters, digits and _+.@-, start with a letter and not be a reserved word.",
        )
    return name


def _duration(form: Form) -> int:
    text = form.get("DurationSeconds", "900")
    if not text.isdecimal() or not 900 <= int(text) <= 3600:
        raise AwsError("InvalidParameterValue", "DurationSeconds must be between 900 and 3600.")
    return int(text)
