"""Lifecycle rules of a bucket: how to read and write them, and when an object expires. Pure.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html. Expiration of current and
noncurrent versions, of delete markers without versions and of unfinished uploads, by prefix. Transitions and
filters by tag or size are refused with an error that names them, instead of being ignored.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from redshift_sandbox.aws.xml import malformed, s3_time, tag, wrap
from redshift_sandbox.contracts import AwsError

_RULES_MAX = 1000
_KNOWN = {"ID", "Status", "Filter", "Prefix", "Expiration", "NoncurrentVersionExpiration",
          "AbortIncompleteMultipartUpload"}  # fmt: skip


@dataclass(frozen=True)
class Rule:
    id: str
    enabled: bool
    prefix: str
    days: int | None = None
    date: dt.datetime | None = None
    lone_markers: bool = False  # ExpiredObjectDeleteMarker
    noncurrent_days: int | None = None
    abort_days: int | None = None

    def covers(self, key: str) -> bool:
        return self.enabled and key.startswith(self.prefix)

    def expires(self, modified: dt.datetime) -> dt.datetime | None:
        """When an object that was stored at `modified` expires."""
        return midnight_after(modified, self.days) if self.days is not None else self.date


def midnight_after(since: dt.datetime, days: int) -> dt.datetime:
    """`days` later, rounded up to the next midnight UTC."""
    due = since + dt.timedelta(days=days)
    midnight = due.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if midnight == due else midnight + dt.timedelta(days=1)


def expiration_header(rules: Sequence[Rule], key: str, modified: dt.datetime) -> list[tuple[str, str]]:
    """x-amz-expiration of the rule that acts first; no header if none will."""
    due = [(when, rule.id) for rule in rules if rule.covers(key) and (when := rule.expires(modified)) is not None]
    if not due:
        return []
    when, rule_id = min(due)
    return [("x-amz-expiration", f'expiry-date="{format_datetime(when, usegmt=True)}", rule-id="{quote(rule_id)}"')]


def rules_of_json(document: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Reads the form of the AWS command line, {"Rules": [...]}. Throws AwsError MalformedXML, InvalidArgument,
    NotImplemented."""
    rules = document.get("Rules")
    if set(document) != {"Rules"} or not isinstance(rules, list) or not 1 <= len(rules) <= _RULES_MAX:
        raise malformed()
    read = tuple(_rule(entry, number) for number, entry in enumerate(rules, 1))
    if len({rule.id for rule in read}) != len(read):
        raise AwsError("InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule")
    return read


def rules_of_xml(root: ElementTree.Element) -> tuple[Rule, ...]:
    """Reads a <LifecycleConfiguration> without namespaces."""
    return rules_of_json({"Rules": [_plain(element) for element in root.findall("Rule")]})


def rules_as_xml(rules: Sequence[Rule]) -> str:
    """The content of <LifecycleConfiguration>."""
    return "".join(wrap("Rule", _rule_as_xml(rule)) for rule in rules)


def _plain(element: ElementTree.Element) -> dict[str, Any]:
    return {child.tag: _plain(child) if len(child) else (child.text or "") for child in element}


def _rule(entry: Any, number: int) -> Rule:
    if not isinstance(entry, Mapping):
        raise malformed()
    unknown = sorted(set(entry) - _KNOWN)
    if unknown:
        raise AwsError("NotImplemented", f"the sandbox does not support lifecycle rules with {unknown[0]}", 501)
    if entry.get("Status") not in ("Enabled", "Disabled"):
        raise malformed()
    expiration = _part(entry, "Expiration")
    rule = Rule(
        str(entry.get("ID") or f"rule-{number}"), entry["Status"] == "Enabled", _prefix(entry),
        _days(expiration, "Days"), _date(expiration.get("Date")),
        str(expiration.get("ExpiredObjectDeleteMarker", "")).lower() == "true",
        _days(_part(entry, "NoncurrentVersionExpiration"), "NoncurrentDays"),
        _days(_part(entry, "AbortIncompleteMultipartUpload"), "DaysAfterInitiation"),
    )  # fmt: skip
    acts = (rule.days, rule.date, rule.lone_markers or None, rule.noncurrent_days, rule.abort_days)
    if all(one is None for one in acts):
        raise AwsError("InvalidRequest", "At least one action needs to be specified in a rule")
    if len(rule.id) > 255:
        raise AwsError("InvalidArgument", "ID length should not exceed allowed limit of 255")
    return rule


def _part(entry: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = entry.get(name, {})
    if not isinstance(part, Mapping):
        raise malformed()
    return part


def _prefix(entry: Mapping[str, Any]) -> str:
    """The old form has Prefix in the rule itself, the new one has it in Filter; one of them must be there."""
    if ("Filter" in entry) == ("Prefix" in entry):
        raise malformed()
    if "Prefix" in entry:
        return str(entry["Prefix"])
    chosen = entry["Filter"] or {}
    if not isinstance(chosen, Mapping):
        raise malformed()
    unknown = sorted(set(chosen) - {"Prefix"})
    if unknown:
        raise AwsError("NotImplemented", f"the sandbox supports no lifecycle filter by {unknown[0]}", 501)
    return str(chosen.get("Prefix", ""))


def _days(part: Mapping[str, Any], name: str) -> int | None:
    value = part.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not str(value).isdecimal() or int(value) < 1:
        raise AwsError("InvalidArgument", f"'{name}' must be a positive integer")
    return int(value)


def _date(value: object) -> dt.datetime | None:
    if value is None:
        return None
    try:
        when = dt.datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        raise malformed() from None
    when = when if when.tzinfo else when.replace(tzinfo=dt.UTC)
    if when != when.replace(hour=0, minute=0, second=0, microsecond=0):
        raise AwsError("InvalidArgument", "'Date' must be at midnight GMT")
    return when


def _rule_as_xml(rule: Rule) -> str:
    out = tag("ID", rule.id) + wrap("Filter", tag("Prefix", rule.prefix))
    out += tag("Status", "Enabled" if rule.enabled else "Disabled")
    expiration = tag("Days", rule.days) if rule.days is not None else ""
    if rule.date is not None:
        expiration += tag("Date", s3_time(rule.date))
    if rule.lone_markers:
        expiration += tag("ExpiredObjectDeleteMarker", True)
    if expiration:
        out += wrap("Expiration", expiration)
    if rule.noncurrent_days is not None:
        out += wrap("NoncurrentVersionExpiration", tag("NoncurrentDays", rule.noncurrent_days))
    if rule.abort_days is not None:
        out += wrap("AbortIncompleteMultipartUpload", tag("DaysAfterInitiation", rule.abort_days))
    return out
