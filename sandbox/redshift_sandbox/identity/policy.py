"""The policy evaluator: (policies, request) -> decision. Pure.

Order of https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html:
an explicit Deny anywhere wins; then what limits all rights (organization, VPC endpoint, boundary); then
identity policies, limited by the session policy, and within one account together with the resource's
policy; everything else is an implicit deny.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from redshift_sandbox.contracts import AwsError
from redshift_sandbox.identity.conditions import Context, conditions_hold, like, substitute_variables
from redshift_sandbox.identity.model import Caller, Policy
from redshift_sandbox.identity.policy_document import as_list, statements_of


class Decision(Enum):
    ALLOW = "allow"
    IMPLICIT_DENY = "implicit deny"
    EXPLICIT_DENY = "explicit deny"


@dataclass(frozen=True)
class Ask:
    """What a principal wants to do. `resource` is an ARN, or "*" for actions without one."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    decision: Decision
    why: str  # the words of AWS after "because" or "with"

    @property
    def allowed(self) -> bool:
        return self.decision is Decision.ALLOW


def decide(documents: Iterable[Policy], ask: Ask) -> Decision:
    """The decision of documents without principals, such as a role's own policies."""
    return _decide(documents, ask, lambda _statement: True)


def principal_matches(statement: Mapping[str, Any], kind: str, identifiers: Iterable[str]) -> bool:
    """True if the statement's Principal of `kind` ("AWS", "Service", "Federated") names one of these."""
    element = statement.get("Principal", statement.get("NotPrincipal"))
    named = ["*"] if element == "*" else as_list(element.get(kind, [])) if isinstance(element, dict) else []
    # Principals take no wildcards within an ARN, unlike resources; only "*" alone means every principal.
    found = "*" in named or any(i in named for i in identifiers)
    return found if "Principal" in statement else not found


def caller_names(caller: Caller) -> list[str]:
    """All the ways in which a Principal element may name this caller itself."""
    return [caller.arn, *([caller.role_arn] if caller.role_arn else [])]


def account_names(account: str) -> list[str]:
    """The ways to name the whole account, which then decides by its own identity policies."""
    return [account, f"arn:aws:iam::{account}:root"]


def decide_for_principals(document: Policy, ask: Ask, kind: str, identifiers: Iterable[str]) -> Decision:
    """The decision of a trust or bucket policy, by the statements that name one of `identifiers`."""
    names = list(identifiers)
    return _decide([document], ask, lambda statement: principal_matches(statement, kind, names))


def authorise(
    caller: Caller, ask: Ask, *, resource_policy: Policy | None = None, resource_account: str | None = None
) -> Verdict:
    """Whether `caller` may do it. `resource_account` is the owner's, when it may be another one."""
    ask = Ask(ask.action, ask.resource, {**caller.context(), **ask.context})
    owner = resource_account or caller.account
    identity = Decision.ALLOW if caller.grants is None else decide(caller.grants, ask)
    session = Decision.ALLOW if caller.session_policy is None else decide([caller.session_policy], ask)
    direct, delegated = _resource_decisions(resource_policy, caller, ask)
    capped = [(words, decide([document], ask)) for words, document in caller.caps]
    for decision, source in (
        *((decision, f"a {words}") for words, decision in capped),
        (identity, "an identity-based policy"),
        (session, "a session policy"),
        (direct, "a resource-based policy"),
        (delegated, "a resource-based policy"),
    ):
        if decision is Decision.EXPLICIT_DENY:
            return Verdict(decision, f"with an explicit deny in {source}")
    for words, decision in capped:
        if decision is not Decision.ALLOW:
            return Verdict(Decision.IMPLICIT_DENY, f"because no {words} allows the {ask.action} action")
    session_ok = session is Decision.ALLOW
    identity_ok = identity is Decision.ALLOW
    if owner == caller.account:
        # The session policy also limits what is granted to a role.
        granted = identity_ok or direct is Decision.ALLOW
        return _verdict(granted, session_ok, ask.action, "identity-based")
    shared = direct is Decision.ALLOW or delegated is Decision.ALLOW
    if identity_ok and not shared:
        return _verdict(False, session_ok, ask.action, "resource-based")
    return _verdict(identity_ok and shared, session_ok, ask.action, "identity-based")


def require(
    caller: Caller, ask: Ask, *, resource_policy: Policy | None = None, resource_account: str | None = None,
    code: str = "AccessDenied", status: int = 403,
) -> None:  # fmt: skip
    """Raises AwsError `code` with AWS's text unless `authorise` allows it."""
    verdict = authorise(caller, ask, resource_policy=resource_policy, resource_account=resource_account)
    if not verdict.allowed:
        raise AwsError(
            code,
            f"User: {caller.arn} is not authorized to perform: {ask.action} "
            f"on resource: {ask.resource} {verdict.why}",
            status,
        )


def _verdict(granted: bool, session_ok: bool, action: str, missing: str) -> Verdict:
    if granted and session_ok:
        return Verdict(Decision.ALLOW, "")
    source = missing if not granted else "session"
    return Verdict(Decision.IMPLICIT_DENY, f"because no {source} policy allows the {action} action")


def _resource_decisions(policy: Policy | None, caller: Caller, ask: Ask) -> tuple[Decision, Decision]:
    if policy is None:
        return Decision.IMPLICIT_DENY, Decision.IMPLICIT_DENY
    return (
        decide_for_principals(policy, ask, "AWS", caller_names(caller)),
        decide_for_principals(policy, ask, "AWS", account_names(caller.account)),
    )


def _decide(documents: Iterable[Policy], ask: Ask, relevant: Any) -> Decision:
    allowed = False
    for document in documents:
        for statement in statements_of(document):
            if relevant(statement) and _applies(statement, ask):
                if statement["Effect"] == "Deny":
                    return Decision.EXPLICIT_DENY
                allowed = True
    return Decision.ALLOW if allowed else Decision.IMPLICIT_DENY


def _applies(statement: Mapping[str, Any], ask: Ask) -> bool:
    return (
        _action_matches(statement, ask.action)
        and _resource_matches(statement, ask)
        and conditions_hold(statement.get("Condition", {}), ask.context)
    )


def _action_matches(statement: Mapping[str, Any], action: str) -> bool:
    if "NotAction" in statement:
        return not any(like(p, action, ignore_case=True) for p in as_list(statement["NotAction"]))
    return any(like(p, action, ignore_case=True) for p in as_list(statement["Action"]))


def _resource_matches(statement: Mapping[str, Any], ask: Ask) -> bool:
    def any_of(patterns: list[str]) -> bool:
        filled = (substitute_variables(p, ask.context) for p in patterns)
        return any(p is not None and like(p, ask.resource) for p in filled)

    if "NotResource" in statement:
        return not any_of(as_list(statement["NotResource"]))
    if "Resource" in statement:
        return any_of(as_list(statement["Resource"]))
    return True  # a trust policy: the role itself is the resource
