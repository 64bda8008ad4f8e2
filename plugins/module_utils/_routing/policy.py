# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which findings go to a channel: the policy in the role's variables, checked: pure. PRIVATE to the collection."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from typing import Any

from .fields import BY_SCHEMA
from .fields import SEVERITIES

PREFIX = "securityhub_slack_"
LISTS = (
    "control_ids",
    "account_ids",
    "regions",
    "product_arns",
    "resource_ids",
    "resource_types",
    "title_prefixes",
)
CRITERIA = (*LISTS, "resource_tags")
KEYS = (*CRITERIA, "reason", "expires")
DAY = re.compile(r"^\d{4}-\d{2}-\d{2}\Z")

# The role's own defaults.
DEFAULTS: dict[str, Any] = {
    "minimum_severity": "CRITICAL",
    "severities": [],
    "forward_automatically": True,
    "account_ids": [],
    "deduplicate_global": ["controls", "guardduty", "access_analyzer"],
    "suppressions": [],
    "finding_format": "asff",
}

# Set for a route that takes the accounts which no other one names; no variable of the role.
ACCOUNT_IDS_ELSEWHERE = "account_ids_elsewhere"

SHAPES = {
    "control_ids": (re.compile(r"^[A-Z][A-Za-z0-9]*\.[0-9]+\Z"), "a control's id such as S3.1"),
    "account_ids": (re.compile(r"^[0-9]{12}\Z"), "an account's 12 digits, in quotes"),
    "regions": (re.compile(r"^[a-z]{2}(-[a-z]+)+-\d+\Z"), "a Region such as eu-west-1"),
    "product_arns": (
        re.compile(r"^(arn:.+:|:)?product(v2)?/[^/*]+/[^/*]+\Z"),
        "an ARN or its end, product/aws/inspector",
    ),
    "resource_ids": (re.compile(r"^(?!\**$).+\Z"), "a resource's id, where * stands for any text"),
    "resource_types": (re.compile(r"^[A-Za-z0-9:]+\Z"), "a resource type such as AwsS3Bucket"),
    "title_prefixes": (re.compile(r"^.+"), "the beginning of a title"),
}

# Event-ruler takes these inside $or for operators, not for fields (its Constants.java).
RESERVED_NAMES = frozenset(
    {
        *("exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr"),
        *("html", "=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case", "date-after"),
        *("date-on-or-after", "date-before", "date-on-or-before", "in-date-range", "ip-address-in-range"),
        *("ip-address-not-in-range", "$or"),
    }
)


@dataclass(frozen=True, order=True)
class Suppression:
    """Findings not to send: those that fit every criterion given, each by one of its values.

    A finding about several resources is held back only when each of them is suppressed.
    """

    control_ids: tuple[str, ...] = ()
    account_ids: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    product_arns: tuple[str, ...] = ()
    resource_ids: tuple[str, ...] = ()
    resource_types: tuple[str, ...] = ()
    title_prefixes: tuple[str, ...] = ()
    resource_tags: tuple[tuple[str, tuple[str, ...]], ...] = ()
    reason: str = ""
    expires: str = ""

    @property
    def words(self) -> str:
        """Return the reason, or else the criteria."""
        if self.reason:
            return self.reason
        given = [(name, getattr(self, name)) for name in LISTS if getattr(self, name)]
        given += [(f"tag {key}", values) for key, values in self.resource_tags]
        return ", ".join(f"{name} {' or '.join(values)}" for name, values in given)


@dataclass(frozen=True)
class Policy:
    """Which findings one target sends to one channel. Without severities it sends none by itself.

    account_ids: the accounts whose findings they are; none: of all. account_ids_elsewhere: those of other routes.
    """

    severities: tuple[str, ...]
    schema: str = "asff"
    account_ids: tuple[str, ...] = ()
    account_ids_elsewhere: tuple[str, ...] = ()
    global_controls_once: bool = True
    global_guardduty_once: bool = True
    global_access_analyzer_once: bool = True
    suppressions: tuple[Suppression, ...] = ()


def policy_of(variables: dict[str, Any], today: datetime.date) -> Policy:
    """Return the policy in *variables*, which problems() finds nothing wrong with.

    Suppressions that have expired before *today* are left out; expired() names them.
    """
    return Policy(
        severities=_severities(variables),
        schema=str(variables[PREFIX + "finding_format"]),
        account_ids=_texts(variables[PREFIX + "account_ids"]),
        account_ids_elsewhere=_texts(variables.get(PREFIX + ACCOUNT_IDS_ELSEWHERE)),
        global_controls_once="controls" in variables[PREFIX + "deduplicate_global"],
        global_guardduty_once="guardduty" in variables[PREFIX + "deduplicate_global"],
        global_access_analyzer_once="access_analyzer" in variables[PREFIX + "deduplicate_global"],
        suppressions=tuple(sorted(item for item in _suppressions(variables) if not _has_expired(item, today))),
    )


def expired(variables: dict[str, Any], today: datetime.date) -> tuple[Suppression, ...]:
    """Return the suppressions in *variables* that no longer hold: the last day was before *today*."""
    return tuple(item for item in _suppressions(variables) if _has_expired(item, today))


def in_words(variables: dict[str, Any]) -> str:
    """Return which severities, of which accounts, *variables* let through automatically, for people."""
    labels = _severities(variables)
    if not labels:
        return "custom action only"
    above = len(labels) > 1 and not variables[PREFIX + "severities"]
    return (f"{labels[-1]} and above" if above else ", ".join(labels)) + _accounts_in_words(variables)


def _accounts_in_words(variables: dict[str, Any]) -> str:
    named = _texts(variables[PREFIX + "account_ids"])
    if named:
        return f" of {named[0] if len(named) == 1 else f'{len(named)} accounts'}"
    return " of all other accounts" if variables.get(PREFIX + ACCOUNT_IDS_ELSEWHERE) else ""


def at_least(severity: str) -> list[str]:
    """Return *severity* and the graver ones, the gravest first. Raises ValueError for any other text."""
    return list(reversed(SEVERITIES[SEVERITIES.index(severity) :]))


def _severities(variables: dict[str, Any]) -> tuple[str, ...]:
    if not variables[PREFIX + "forward_automatically"]:
        return ()
    named = variables[PREFIX + "severities"]
    if named:
        return tuple(label for label in reversed(SEVERITIES) if label in named)
    return tuple(at_least(variables[PREFIX + "minimum_severity"]))


def _suppressions(variables: dict[str, Any]) -> list[Suppression]:
    return [_suppression(given) for given in variables[PREFIX + "suppressions"] or []]


def _suppression(given: dict[str, Any]) -> Suppression:
    lists = {name: _texts(given.get(name)) for name in LISTS}
    tags = given.get("resource_tags") or {}
    return Suppression(
        **lists,
        resource_tags=tuple(sorted((str(key), _texts(values)) for key, values in tags.items())),
        reason=str(given.get("reason") or ""),
        expires=str(given.get("expires") or ""),
    )


def _texts(given: Any) -> tuple[str, ...]:
    values = given if isinstance(given, (list, tuple)) else [] if given is None else [given]
    return tuple(sorted({str(value) for value in values}))


def _has_expired(suppression: Suppression, today: datetime.date) -> bool:
    return bool(suppression.expires) and datetime.date.fromisoformat(suppression.expires) < today


def problems(variables: dict[str, Any]) -> list[str]:
    """Return what is wrong with the policy in *variables*, each as a sentence with its remedy."""
    found = [*_severity_problems(variables), *_account_problems(variables), *_schema_problems(variables)]
    given = variables[PREFIX + "suppressions"] or []
    for number, item in enumerate(given, start=1):
        found += [f"suppression {number} {problem}" for problem in _suppression_problems(item, variables)]
    return found


def _severity_problems(variables: dict[str, Any]) -> list[str]:
    labels = [*(variables[PREFIX + "severities"] or []), variables[PREFIX + "minimum_severity"]]
    names = ["severities"] * (len(labels) - 1) + ["minimum_severity"]
    return [
        f"securityhub_slack_{name} says {label!r}: use {', '.join(reversed(SEVERITIES))}"
        for name, label in zip(names, labels)
        if label not in SEVERITIES
    ]


def _account_problems(variables: dict[str, Any]) -> list[str]:
    shape, wanted = SHAPES["account_ids"]
    texts = _texts(variables[PREFIX + "account_ids"])
    return [f"securityhub_slack_account_ids has {text!r}: use {wanted}" for text in texts if not shape.match(text)]


def _schema_problems(variables: dict[str, Any]) -> list[str]:
    schema = variables[PREFIX + "finding_format"]
    if schema in BY_SCHEMA:
        return []
    return [
        f"securityhub_slack_finding_format is {schema!r}: use asff (Security Hub CSPM) or ocsf (the new Security Hub)"
    ]


def _suppression_problems(given: Any, variables: dict[str, Any]) -> list[str]:
    if not isinstance(given, dict):
        return [f"is no mapping: give it keys out of {', '.join(KEYS)}"]
    found = [f"has the key {key!r}: use {', '.join(KEYS)}" for key in given if key not in KEYS]
    if not found and not any(given.get(name) for name in CRITERIA):
        found.append(f"would hold back every finding: give it one of {', '.join(CRITERIA)}")
    for name, (shape, wanted) in SHAPES.items():
        found += [f"has {text!r} in {name}: use {wanted}" for text in _texts(given.get(name)) if not shape.match(text)]
    return found + _tag_problems(given.get("resource_tags"), variables) + _expiry_problems(given.get("expires"))


def _tag_problems(tags: Any, variables: dict[str, Any]) -> list[str]:
    if not tags:
        return []
    if not isinstance(tags, dict):
        return ["has resource_tags that are no mapping: give each key its value or a list of values"]
    if variables[PREFIX + "finding_format"] == "ocsf":
        return [
            "has resource_tags, which no event pattern can express for securityhub_slack_finding_format ocsf: name "
            "resource_ids"
        ]
    return [
        f"has the tag key {key!r}, which EventBridge takes for an operator: name resource_ids instead"
        for key in tags
        if key in RESERVED_NAMES
    ] + [
        f"has no value for the tag {key!r}: give it one or a list" for key, values in tags.items() if not _texts(values)
    ]


def _expiry_problems(expires: Any) -> list[str]:
    if not expires:
        return []
    try:
        if DAY.match(str(expires)):
            datetime.date.fromisoformat(str(expires))
            return []
    except ValueError:
        pass  # a day that no calendar has is answered as any other text
    return [f"has expires {str(expires)!r}: write its last day as YYYY-MM-DD"]
