"""AssumeRole and GetFederationToken: who may have which keys, without the wire format.

Errors are AwsError with the codes of https://docs.aws.amazon.com/STS/latest/APIReference/.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from redshift_sandbox.contracts import AwsError, Faults
from redshift_sandbox.identity.directory import Directory
from redshift_sandbox.identity.model import Caller, Policy, Role, Session
from redshift_sandbox.identity.oidc import OidcProvider, WebIdentity, read_token
from redshift_sandbox.identity.policy import (
    Ask,
    Decision,
    account_names,
    caller_names,
    decide,
    decide_for_principals,
)
from redshift_sandbox.identity.policy_document import parse_policy

POLICY_CHARACTERS_MAX = 2048
_PACKED_BYTES_MAX = 1500  # assumed: AWS does not publish the size of the packed form
_TAG_TEXT = re.compile(r"[\w\s.:/=+@-]*")
CHAINED_SECONDS_MAX = 3600


@dataclass(frozen=True)
class AssumeRoleRequest:
    role_arn: str
    session_name: str
    seconds: int = 3600
    external_id: str | None = None
    policy: str | None = field(default=None, repr=False)
    tags: Sequence[tuple[str, str]] = ()
    transitive_keys: Sequence[str] = ()


@dataclass(frozen=True)
class Opened:
    session: Session
    role: Role | None
    packed_percent: int | None


@dataclass(frozen=True)
class WebOpened:
    opened: Opened
    identity: WebIdentity
    provider: OidcProvider


class SessionIssuer:
    def __init__(self, directory: Directory, faults: Faults) -> None:
        self._directory = directory
        self._faults = faults

    def assume_role(self, caller: Caller, request: AssumeRoleRequest) -> Opened:
        """Raises AccessDenied 403 (trust, ExternalId, sts:TagSession), ValidationError 400 (durations),
        MalformedPolicyDocument and PackedPolicyTooLarge 400 (session policy and tags)."""
        if caller.kind == "root":
            raise AwsError("AccessDenied", "Roles may not be assumed by root accounts.", 403)
        tags = _checked_tags(request.tags)
        role = self._directory.find_role(request.role_arn)
        self._require_trust(caller, role, "sts:AssumeRole", request, tags)
        if tags or request.transitive_keys:
            self._require_trust(caller, role, "sts:TagSession", request, tags)
        assert role is not None  # _require_trust refuses an unknown role, with the same text
        _check_role_duration(caller, role, request.seconds)
        policy = _session_policy(request.policy, "PackedPolicyTooLarge")
        percent = _packed_percent(request.policy, tags)
        merged, transitive = _inherit_tags(caller, tags, request.transitive_keys)
        session = self._open(
            "assumed-role", role.account, role.name, request.session_name, request.seconds, policy, merged,
            transitive,
        )  # fmt: skip
        return Opened(session, role, percent)

    def assume_role_with_web_identity(self, token: str, request: AssumeRoleRequest, now: dt.datetime) -> WebOpened:
        """Raises AwsError InvalidIdentityToken 400, ExpiredTokenException 400, IDPRejectedClaim 403, AccessDenied 403
        (trust), ValidationError 400 (duration). Tags come only from the token."""
        identity = read_token(token)
        role = self._directory.find_role(request.role_arn)
        account = request.role_arn.split(":")[4] if request.role_arn.count(":") >= 5 else ""
        provider = self._directory.find_oidc_provider(account, identity.issuer)
        if provider is None:
            raise AwsError(
                "InvalidIdentityToken", f"No OpenIDConnect provider found in your account for {identity.issuer}"
            )
        identity.verify(provider, now)
        given, transitive = identity.session_tags()
        tags = _checked_tags(given)
        actions = ["sts:AssumeRoleWithWebIdentity", *(["sts:TagSession"] if tags else [])]
        for action in actions:
            ask = Ask(action, request.role_arn, _web_context(provider, identity, request, tags))
            names = [provider.arn, provider.issuer.host]
            if role is None or decide_for_principals(role.trust, ask, "Federated", names) is not Decision.ALLOW:
                raise AwsError("AccessDenied", f"Not authorized to perform {action}", 403)
        assert role is not None
        _check_role_maximum(role, request.seconds)
        policy = _session_policy(request.policy, "PackedPolicyTooLarge")
        session = self._open(
            "assumed-role", role.account, role.name, request.session_name, request.seconds, policy, tags,
            frozenset(key.lower() for key in transitive),
        )  # fmt: skip
        return WebOpened(Opened(session, role, _packed_percent(request.policy, tags)), identity, provider)

    def assume_role_for_service(
        self, role_arn: str, services: Sequence[str], context: Mapping[str, str], session_name: str
    ) -> Opened:
        """Assumes a role as an AWS service. Raises AwsError AccessDenied 403 unless the trust policy
        names each of `services`."""
        role = self._directory.find_role(role_arn)
        ask = Ask("sts:AssumeRole", role_arn, context)
        for service in services:
            if role is None or decide_for_principals(role.trust, ask, "Service", [service]) is not Decision.ALLOW:
                raise AwsError("AccessDenied", f"{service} is not authorized to assume {role_arn}", 403)
        assert role is not None
        session = self._open(
            "assumed-role", role.account, role.name, session_name, CHAINED_SECONDS_MAX, None, {}, frozenset()
        )
        return Opened(session, role, None)

    def session_token(self, caller: Caller, seconds: int) -> Opened:
        """Temporary keys of the user itself; needs no permission, but the user's own long-term keys.
        https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html"""
        if not caller.long_term:
            raise AwsError("AccessDenied", "Cannot call GetSessionToken with session credentials", 403)
        if caller.kind == "root":
            raise AwsError("AccessDenied", "Cannot call GetSessionToken with root credentials", 403)
        ask = Ask("sts:GetSessionToken", "*", caller.context())
        if decide(caller.grants or (), ask) is Decision.EXPLICIT_DENY:
            raise _refused(caller, "sts:GetSessionToken", "*", "with an explicit deny in an identity-based policy")
        session = self._open("user", caller.account, caller.name, "", seconds, None, {}, frozenset())
        return Opened(session, None, None)

    def federate(
        self, caller: Caller, name: str, seconds: int, policy: str | None, tags: Sequence[tuple[str, str]]
    ) -> Opened:
        """Only for long-term keys of users; the session has the rights of the policy that the user also has."""
        if not caller.long_term:
            raise AwsError("AccessDenied", "Cannot call GetFederationToken with session credentials", 403)
        if caller.kind == "root":
            raise AwsError("AccessDenied", "Cannot call GetFederationToken with root credentials", 403)
        resource = f"arn:aws:sts::{caller.account}:federated-user/{name}"
        if decide(caller.grants or (), Ask("sts:GetFederationToken", resource, caller.context())) is not (
            Decision.ALLOW
        ):
            raise _refused(caller, "sts:GetFederationToken", resource)
        checked = _checked_tags(tags)
        document = _session_policy(policy, "ValidationError")
        percent = _packed_percent(policy, checked)
        session = self._open(
            "federated-user", caller.account, caller.name, name, seconds, document, checked, frozenset()
        )
        return Opened(session, None, percent)

    def _open(
        self, kind: str, account: str, principal: str, session_name: str, seconds: int,
        policy: Policy | None, tags: Mapping[str, str], transitive: frozenset[str],
    ) -> Session:  # fmt: skip
        long_token = self._faults.peek("sts.long_token")
        size = None if long_token is None else int(long_token.get("bytes", 3000))
        return self._directory.open_session(
            kind, account, principal, session_name, seconds, policy=policy, tags=tags,
            transitive_keys=transitive, token_bytes=size,
        )  # fmt: skip

    def _require_trust(
        self, caller: Caller, role: Role | None, action: str, request: AssumeRoleRequest,
        tags: Mapping[str, str],
    ) -> None:  # fmt: skip
        """A trust policy that names the caller itself is enough within its account. If it names the account, or
        the role is in another account, the caller also needs its own permission. Federated users may only call
        GetCallerIdentity of STS."""
        ask = Ask(action, request.role_arn, _trust_context(caller, request, tags))
        if role is None or caller.kind == "federated-user":
            raise _refused(caller, action, request.role_arn)
        grants = decide(caller.grants or (), ask)
        narrowed = Decision.ALLOW if caller.session_policy is None else decide([caller.session_policy], ask)
        named = decide_for_principals(role.trust, ask, "AWS", caller_names(caller))
        delegated = decide_for_principals(role.trust, ask, "AWS", account_names(caller.account))
        decisions = (grants, narrowed, named, delegated)
        ok = Decision.EXPLICIT_DENY not in decisions and narrowed is Decision.ALLOW
        own = grants is Decision.ALLOW
        trusted = Decision.ALLOW in (named, delegated)
        for words, document in caller.caps:
            decision = decide([document], ask)
            if decision is not Decision.ALLOW:
                why = f"with an explicit deny in a {words}" if decision is Decision.EXPLICIT_DENY else (
                    f"because no {words} allows the {action} action"
                )  # fmt: skip
                raise _refused(caller, action, request.role_arn, why)
        if caller.account == role.account:
            ok = ok and (named is Decision.ALLOW or (delegated is Decision.ALLOW and own))
        else:
            ok = ok and own and Decision.ALLOW in (named, delegated)
        if not ok:
            why = ""
            if grants is Decision.EXPLICIT_DENY:
                why = "with an explicit deny in an identity-based policy"
            elif trusted and not own:
                # AWS does not say that the trust is missing.
                why = f"because no identity-based policy allows the {action} action"
            raise _refused(caller, action, request.role_arn, why)


def _refused(caller: Caller, action: str, resource: str, why: str = "") -> AwsError:
    message = f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource}"
    return AwsError("AccessDenied", f"{message} {why}".rstrip(), 403)


def _web_context(
    provider: OidcProvider, identity: WebIdentity, request: AssumeRoleRequest, tags: Mapping[str, str]
) -> dict[str, str | list[str]]:
    """Condition keys of a provider start with its URL, without the scheme.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html"""
    host = provider.issuer.host
    context: dict[str, str | list[str]] = {
        f"{host}:aud": list(identity.audiences), f"{host}:sub": identity.subject,
        "aws:FederatedProvider": provider.arn, "sts:RoleSessionName": request.session_name,
    }  # fmt: skip
    original = identity.claims.get("aud")
    if host == "accounts.google.com" and isinstance(original, str):
        context[f"{host}:oaud"] = original
    if isinstance(identity.claims.get("amr"), list):
        context[f"{host}:amr"] = [str(value) for value in identity.claims["amr"]]
    if tags:
        context["aws:TagKeys"] = list(tags)
        context.update({f"aws:RequestTag/{key}": value for key, value in tags.items()})
    return context


def _trust_context(
    caller: Caller, request: AssumeRoleRequest, tags: Mapping[str, str]
) -> dict[str, str | list[str]]:
    context: dict[str, str | list[str]] = {**caller.context(), "sts:RoleSessionName": request.session_name}
    if request.external_id is not None:
        context["sts:ExternalId"] = request.external_id
    if tags:
        context["aws:TagKeys"] = list(tags)
        context.update({f"aws:RequestTag/{key}": value for key, value in tags.items()})
    if request.transitive_keys:
        context["sts:TransitiveTagKeys"] = list(request.transitive_keys)
    return context


def _check_role_duration(caller: Caller, role: Role, seconds: int) -> None:
    if caller.kind == "assumed-role" and seconds > CHAINED_SECONDS_MAX:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
            "chaining.",
        )
    _check_role_maximum(role, seconds)


def _check_role_maximum(role: Role, seconds: int) -> None:
    if seconds > role.max_session_seconds:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )


def _session_policy(text: str | None, too_long: str) -> Policy | None:
    if text is None:
        return None
    if len(text) > POLICY_CHARACTERS_MAX:
        # The API model of AssumeRole has no length, so its error is the packed one; that of
        # GetFederationToken does. https://github.com/boto/botocore sts/2011-06-15/service-2.json
        raise AwsError(too_long, _TOO_LONG[too_long])
    return parse_policy(text, kind="session")


_TOO_LONG = {
    "ValidationError": "1 validation error detected: Value at 'policy' failed to satisfy constraint: "
    f"Member must have length less than or equal to {POLICY_CHARACTERS_MAX}",
    "PackedPolicyTooLarge": f"The session policy is longer than {POLICY_CHARACTERS_MAX} characters, please "
    "use smaller policy.",
}


def _packed_percent(policy: str | None, tags: Mapping[str, str]) -> int | None:
    """How much of the packed limit the policy and the tags use, in percent; None if there are neither."""
    if policy is None and not tags:
        return None
    packed = zlib.compress(json.dumps([policy, dict(tags)]).encode())
    percent = -(-len(packed) * 100 // _PACKED_BYTES_MAX)
    if percent > 100:
        raise AwsError("PackedPolicyTooLarge", f"Packed policy consumes {percent}% of allotted space, please"
                       " use smaller policy.")  # fmt: skip
    return percent


def _checked_tags(tags: Sequence[tuple[str, str]]) -> dict[str, str]:
    if len(tags) > 50:
        raise AwsError(
            "ValidationError",
            "1 validation error detected: Value at 'tags' failed to satisfy constraint: "
            "Member must have length less than or equal to 50",
        )
    result: dict[str, str] = {}
    for key, value in tags:
        if not 1 <= len(key) <= 128 or not _TAG_TEXT.fullmatch(key):
            raise AwsError("ValidationError", f"Invalid tag key: {key}")
        if len(value) > 256 or not _TAG_TEXT.fullmatch(value):
            raise AwsError("ValidationError", f"Invalid value of the tag {key}")
        if key.lower() in (k.lower() for k in result):
            raise AwsError(
                "InvalidParameterValue",
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
            )
        result[key] = value
    return result


def _inherit_tags(
    caller: Caller, tags: Mapping[str, str], transitive: Sequence[str]
) -> tuple[dict[str, str], frozenset[str]]:
    inherited = {k: v for k, v in caller.session_tags.items() if k.lower() in caller.transitive_keys}
    for key in tags:
        if key.lower() in caller.transitive_keys:
            raise AwsError(
                "InvalidParameterValue",
                "One of the specified transitive tag keys can't be set because it conflicts with a "
                f"transitive tag key from the calling session: {key}",
            )
    for key in transitive:
        if key.lower() not in (t.lower() for t in tags):
            raise AwsError(
                "InvalidParameterValue",
                f"The specified transitive tag key must be included in the requested tags: {key}",
            )
    keys = frozenset(k.lower() for k in transitive) | frozenset(k.lower() for k in inherited)
    return {**inherited, **tags}, keys
