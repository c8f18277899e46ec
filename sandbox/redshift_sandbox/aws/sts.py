"""STS over the query protocol. https://docs.aws.amazon.com/STS/latest/APIReference/"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from redshift_sandbox.aws.messages import Request, Response
from redshift_sandbox.aws.regions import HostName
from redshift_sandbox.aws.sigv4 import Verified, Verifier, body_hash
from redshift_sandbox.aws.xml import tag, tags, wrap
from redshift_sandbox.contracts import AwsError, Clock
from redshift_sandbox.identity.assume import AssumeRoleRequest, Opened, SessionIssuer

NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"
VERSION = "2011-06-15"
_TOKENS_ASKED_MAX = 4096

Form = Mapping[str, str]
Action = Callable[[Verified, Form], str]


class StsService:
    """`unsigned` holds the actions without a signature: name -> handler of the form, which returns the XML inside
    <ActionResult>."""

    def __init__(self, issuer: SessionIssuer, verifier: Verifier, clock: Clock) -> None:
        self._issuer = issuer
        self._verifier = verifier
        self._clock = clock
        self.unsigned: dict[str, Callable[[Form], str]] = {
            "AssumeRoleWithWebIdentity": self._assume_role_with_web_identity,
        }
        self._actions: dict[str, Action] = {
            "GetCallerIdentity": self._get_caller_identity,
            "AssumeRole": self._assume_role,
            "GetFederationToken": self._get_federation_token,
            "GetSessionToken": self._get_session_token,
        }

    def handle(self, request: Request, host: HostName) -> Response:
        note: dict[str, str] = {}
        try:
            action, result = self._run(request, host, note)
        except AwsError as error:
            note["code"] = error.code
            return _reply(request, error.status, _error(error, request.id), note)
        inner = wrap(f"{action}Result", result) + wrap("ResponseMetadata", tag("RequestId", request.id))
        return _reply(request, 200, f'<{action}Response xmlns="{NAMESPACE}">{inner}</{action}Response>', note)

    def _run(self, request: Request, host: HostName, note: dict[str, str]) -> tuple[str, str]:
        body = request.read_small()
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        form = {**request.params(), **form}
        action = form.get("Action", "")
        note["operation"] = action
        if action in self.unsigned and form.get("Version") == VERSION:
            return action, self.unsigned[action](form)
        verified = self._verifier.verify(request, "sts", body_hash(body), host.region)
        note["principal"] = verified.caller.arn
        if form.get("Version") != VERSION or action not in self._actions:
            raise AwsError(
                "InvalidAction",
                f"Could not find operation {action} for version {form.get('Version', 'NO_VERSION_SPECIFIED')}",
            )
        return action, self._actions[action](verified, form)

    def _get_caller_identity(self, verified: Verified, _form: Form) -> str:
        """Needs no permission, and works even with an explicit deny."""
        caller = verified.caller
        return tags({"Arn": caller.arn, "UserId": caller.user_id, "Account": caller.account})

    def _assume_role(self, verified: Verified, form: Form) -> str:
        _checked(form, "TokenCode", 6, 6, r"\d*", required=False)
        request = AssumeRoleRequest(
            role_arn=_checked(form, "RoleArn", 20, 2048, r".+") or "",
            session_name=_checked(form, "RoleSessionName", 2, 64, r"[\w+=,.@-]*") or "",
            seconds=_seconds(form, 3600, 43200),
            external_id=_checked(form, "ExternalId", 2, 1224, r"[\w+=,.@:\/-]*", required=False),
            policy=form.get("Policy"),
            tags=_tag_list(form),
            transitive_keys=_members(form, "TransitiveTagKeys.member"),
        )
        _refuse_policy_arns(form)
        opened = self._issuer.assume_role(verified.caller, request)
        return _role_user(opened) + _credentials(opened)

    def _assume_role_with_web_identity(self, form: Form) -> str:
        """Has no signature: the token is the proof. Tags.member.N are ignored here."""
        token = _checked(form, "WebIdentityToken", 4, 20000, r"(?s).*") or ""
        request = AssumeRoleRequest(
            role_arn=_checked(form, "RoleArn", 20, 2048, r".+") or "",
            session_name=_checked(form, "RoleSessionName", 2, 64, r"[\w+=,.@-]*") or "",
            seconds=_seconds(form, 3600, 43200),
            policy=form.get("Policy"),
        )
        _refuse_policy_arns(form)
        web = self._issuer.assume_role_with_web_identity(token, request, self._clock.now())
        about = tags({
            "SubjectFromWebIdentityToken": web.identity.subject, "Audience": web.identity.audiences[0],
            "Provider": web.provider.arn,
        })  # fmt: skip
        return _role_user(web.opened) + _credentials(web.opened) + about

    def _get_session_token(self, verified: Verified, form: Form) -> str:
        if "SerialNumber" in form or "TokenCode" in form:
            raise AwsError("AccessDenied", "MultiFactorAuthentication failed: the sandbox has no MFA devices", 403)
        return _credentials(self._issuer.session_token(verified.caller, _seconds(form, 43200, 129600)))

    def _get_federation_token(self, verified: Verified, form: Form) -> str:
        name = _checked(form, "Name", 2, 32, r"[\w+=,.@-]*") or ""
        seconds = _seconds(form, 43200, 129600)
        _refuse_policy_arns(form)
        opened = self._issuer.federate(
            verified.caller, name, seconds, form.get("Policy") or None, _tag_list(form)
        )
        account = opened.session.account
        who = tags({
            "FederatedUserId": f"{account}:{name}",
            "Arn": f"arn:aws:sts::{account}:federated-user/{name}",
        })  # fmt: skip
        return wrap("FederatedUser", who) + _credentials(opened)


def _role_user(opened: Opened) -> str:
    role, session = opened.role, opened.session
    assert role is not None
    who = tags({
        "AssumedRoleId": f"{role.id}:{session.session_name}",
        "Arn": f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{session.session_name}",
    })  # fmt: skip
    return wrap("AssumedRoleUser", who)


def _credentials(opened: Opened) -> str:
    session = opened.session
    fields = {
        "AccessKeyId": session.access_key_id, "SecretAccessKey": session.secret,
        "SessionToken": session.token, "Expiration": session.expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }  # fmt: skip
    packed = "" if opened.packed_percent is None else tag("PackedPolicySize", opened.packed_percent)
    return wrap("Credentials", tags(fields)) + packed


def _reply(request: Request, status: int, document: str, note: dict[str, str]) -> Response:
    headers = [("x-amzn-RequestId", request.id), ("Content-Type", "text/xml")]
    return Response(status, headers, document.encode(), note=note)


def _error(error: AwsError, request_id: str) -> str:
    kind = "Sender" if error.status < 500 else "Receiver"
    inner = wrap("Error", tags({"Type": kind, "Code": error.code, "Message": error.message}))
    return f'<ErrorResponse xmlns="{NAMESPACE}">{inner}{tag("RequestId", request_id)}</ErrorResponse>'


def _invalid(name: str, constraint: str, value: str | None = None) -> AwsError:
    member = name[0].lower() + name[1:]
    shown = "Value" if value is None else f"Value '{value}'"
    return AwsError(
        "ValidationError",
        f"1 validation error detected: {shown} at '{member}' failed to satisfy constraint: {constraint}",
    )


def _checked(
    form: Form, name: str, least: int, most: int, pattern: str, *, required: bool = True
) -> str | None:
    value = form.get(name)
    if value is None:
        if required:
            raise _invalid(name, "Member must not be null", "null")
        return None
    shown = None if name in ("ExternalId", "WebIdentityToken") else value  # a secret value is not repeated
    if len(value) < least:
        raise _invalid(name, f"Member must have length greater than or equal to {least}", shown)
    if len(value) > most:
        raise _invalid(name, f"Member must have length less than or equal to {most}", shown)
    if not re.fullmatch(pattern, value, re.ASCII):
        raise _invalid(name, f"Member must satisfy regular expression pattern: {pattern}", shown)
    return value


def _seconds(form: Form, default: int, most: int) -> int:
    text = form.get("DurationSeconds")
    if text is None:
        return default
    if not re.fullmatch(r"-?\d{1,9}", text):
        raise AwsError("MalformedInput", "DurationSeconds is not a number")
    if int(text) < 900:
        raise _invalid("DurationSeconds", "Member must have value greater than or equal to 900", text)
    if int(text) > most:
        raise _invalid("DurationSeconds", f"Member must have value less than or equal to {most}", text)
    return int(text)


def _members(form: Form, prefix: str) -> list[str]:
    values: list[str] = []
    while f"{prefix}.{len(values) + 1}" in form:
        values.append(form[f"{prefix}.{len(values) + 1}"])
    return values


def _tag_list(form: Form) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    while f"Tags.member.{len(found) + 1}.Key" in form:
        at = f"Tags.member.{len(found) + 1}"
        found.append((form[f"{at}.Key"], form.get(f"{at}.Value", "")))
    return found


def _refuse_policy_arns(form: Form) -> None:
    """The sandbox has no managed policies; to ignore the parameter would give the session more rights."""
    if any(name.startswith("PolicyArns.member.") for name in form):
        raise AwsError("ValidationError", "The sandbox does not support PolicyArns: pass Policy instead.")
