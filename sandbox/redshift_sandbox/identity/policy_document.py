"""Reads policy documents: JSON -> a checked document. Stricter than IAM: what the evaluator does not know
is refused here, so that it cannot be granted or ignored by mistake later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from redshift_sandbox.contracts import AwsError
from redshift_sandbox.identity.conditions import is_known_operator
from redshift_sandbox.identity.model import Policy

_VERSIONS = ("2012-10-17", "2008-10-17")
_ELEMENTS = frozenset(
    {
        "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition", "Principal",
        "NotPrincipal",
    }
)  # fmt: skip


def malformed(why: str) -> AwsError:
    return AwsError("MalformedPolicyDocument", why, 400)


def parse_policy(text: str | Policy, *, kind: str) -> Policy:
    """A document of `kind` "identity", "session", "trust" or "bucket".

    Raises AwsError MalformedPolicyDocument, which names the wrong element.
    """
    document = _load(text)
    if document.get("Version", _VERSIONS[1]) not in _VERSIONS:
        raise malformed("The policy must contain a valid version string.")
    statements = statements_of(document)
    if not statements:
        raise malformed("Syntax errors in policy: Statement is missing.")
    for statement in statements:
        _check_statement(statement, kind)
    return document


def statements_of(document: Policy) -> list[Mapping[str, Any]]:
    found = document.get("Statement", [])
    statements = [found] if isinstance(found, Mapping) else found
    if not isinstance(statements, list) or not all(isinstance(s, Mapping) for s in statements):
        raise malformed("Syntax errors in policy: Statement must be an object or a list of objects.")
    return statements


def as_list(value: Any) -> list[str]:
    """IAM writes one string or a list of them; booleans and numbers mean their text."""
    values = value if isinstance(value, list) else [value]
    return [str(v).lower() if isinstance(v, bool) else str(v) for v in values]


def _load(text: str | Policy) -> Policy:
    if isinstance(text, Mapping):
        return text
    try:
        document = json.loads(text)
    except ValueError:
        raise malformed("This policy contains invalid Json") from None
    if not isinstance(document, dict):
        raise malformed("Syntax errors in policy: the document must be an object.")
    return document


def _check_statement(statement: Mapping[str, Any], kind: str) -> None:
    unknown = set(statement) - _ELEMENTS
    if unknown:
        raise malformed(f"Syntax errors in policy: unknown element {min(unknown)}.")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise malformed("Syntax errors in policy: Effect must be Allow or Deny.")
    _exactly_one(statement, "Action", "NotAction")
    if kind == "trust":
        if "Resource" in statement or "NotResource" in statement:
            raise malformed("Has prohibited field Resource.")
    else:
        _exactly_one(statement, "Resource", "NotResource")
    if kind in ("trust", "bucket"):
        _exactly_one(statement, "Principal", "NotPrincipal")
    elif "Principal" in statement or "NotPrincipal" in statement:
        raise malformed("Policy document should not specify a principal.")
    _check_names(statement)
    _check_conditions(statement.get("Condition", {}))


def _exactly_one(statement: Mapping[str, Any], name: str, inverse: str) -> None:
    if (name in statement) == (inverse in statement):
        raise malformed(f"Syntax errors in policy: a statement needs exactly one of {name} and {inverse}.")


def _check_names(statement: Mapping[str, Any]) -> None:
    for action in as_list(statement.get("Action", statement.get("NotAction"))):
        if action != "*" and ":" not in action:
            raise malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
    for resource in as_list(statement.get("Resource", statement.get("NotResource", "*"))):
        if resource != "*" and resource.count(":") < 5:
            raise malformed(f'Resource {resource} must be in ARN format or "*".')


def _check_conditions(conditions: Any) -> None:
    if not isinstance(conditions, Mapping):
        raise malformed("Syntax errors in policy: Condition must be an object.")
    for operator, block in conditions.items():
        if not is_known_operator(operator):
            raise malformed(f"Invalid Condition type : {operator}.")
        if not isinstance(block, Mapping):
            raise malformed(f"Syntax errors in policy: {operator} must hold an object.")
