"""Condition operators of IAM policies.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

Context = Mapping[str, str | list[str]]


@lru_cache(maxsize=4096)
def _glob(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    text = "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.compile(text, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def like(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    """IAM wildcards: * is any run of characters, slashes included, ? is any one."""
    return _glob(pattern, ignore_case).fullmatch(value) is not None


def _date(text: str) -> dt.datetime:
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return dt.datetime.fromtimestamp(float(text), dt.UTC)
    parsed = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=dt.UTC)


def _in_network(network: str, address: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)


# Every test is called as (value in the policy, value in the request).
_Test = Callable[[str, str], bool]
_POSITIVE: dict[str, _Test] = {
    "StringEquals": lambda want, have: want == have,
    "StringEqualsIgnoreCase": lambda want, have: want.lower() == have.lower(),
    "StringLike": like,
    "ArnEquals": like,  # both ARN operators take wildcards
    "ArnLike": like,
    "Bool": lambda want, have: want.lower() == have.lower(),
    "NumericEquals": lambda want, have: float(want) == float(have),
    "NumericLessThan": lambda want, have: float(have) < float(want),
    "NumericLessThanEquals": lambda want, have: float(have) <= float(want),
    "NumericGreaterThan": lambda want, have: float(have) > float(want),
    "NumericGreaterThanEquals": lambda want, have: float(have) >= float(want),
    "DateLessThan": lambda want, have: _date(have) < _date(want),
    "DateGreaterThan": lambda want, have: _date(have) > _date(want),
    "IpAddress": _in_network,
}
_NEGATIVE: dict[str, str] = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
    "NotIpAddress": "IpAddress",
}
_SETS = ("ForAllValues:", "ForAnyValue:")


def _split(operator: str) -> tuple[str, str, bool]:
    quantifier = next((s for s in _SETS if operator.startswith(s)), "")
    name = operator.removeprefix(quantifier)
    return quantifier, name.removesuffix("IfExists"), name.endswith("IfExists")


def is_known_operator(operator: str) -> bool:
    _, name, _ = _split(operator)
    return operator == "Null" or name in _POSITIVE or name in _NEGATIVE


def _lookup(context: Context, key: str) -> list[str] | None:
    for name, value in context.items():  # names of condition keys compare without case
        if name.lower() == key.lower():
            return value if isinstance(value, list) else [value]
    return None


def _matches_any(name: str, wanted: list[str], value: str) -> bool:
    try:
        return any(_POSITIVE[name](want, value) for want in wanted)
    except ValueError:
        return False  # a value that is not a number, date or address matches nothing


def _holds(operator: str, wanted: list[str], have: list[str] | None) -> bool:
    quantifier, name, if_exists = _split(operator)
    negative = name in _NEGATIVE
    if have is None:
        # A missing key fails positive operators and satisfies negated ones, IfExists and ForAllValues.
        return if_exists or negative or quantifier == "ForAllValues:"
    base = _NEGATIVE.get(name, name)
    verdicts = [_matches_any(base, wanted, value) != negative for value in have]
    if quantifier == "ForAllValues:" or (negative and not quantifier):
        return all(verdicts)
    return any(verdicts)


def conditions_hold(conditions: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    """True if every operator holds for every key: all are joined by AND, values of one key by OR."""
    for operator, block in conditions.items():
        for key, value in block.items():
            values = value if isinstance(value, list) else [value]
            wanted = [_substitute(str(v).lower() if isinstance(v, bool) else str(v), context) for v in values]
            have = _lookup(context, key)
            if operator == "Null":
                if (have is None) != (wanted[0].lower() == "true"):
                    return False
            elif not _holds(operator, wanted, have):
                return False
    return True


def _substitute(text: str, context: Context) -> str:
    value = substitute_variables(text, context)
    return "\0" if value is None else value  # an unknown variable matches nothing


def substitute_variables(text: str, context: Context) -> str | None:
    """Replaces ${aws:username} and similar; None if a variable has no value.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html"""
    if "${" not in text:
        return text
    missing = False

    def value_of(match: re.Match[str]) -> str:
        nonlocal missing
        name, _, default = match[1].partition(",")
        if name in ("*", "?", "$"):
            return name
        found = _lookup(context, name.strip())
        if found is not None:
            return found[0]
        if default:
            return default.strip().strip("'")
        missing = True
        return ""

    result = re.sub(r"\$\{([^}]*)\}", value_of, text)
    return None if missing else result
