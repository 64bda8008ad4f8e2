# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy in the role's variables, validated: which findings go to a channel. Pure. PRIVATE to the collection."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
from typing import Any

from .fields import BY_FORMAT
from .fields import SEVERITIES
from .fields import Fields
from .fields import ended

# The role's variables of a host, with their prefix, or of one of its channels or receivers; see for_channel().
Variables = Mapping[str, Any]

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
# Where findings are suppressed: in the event patterns of this deployment, or by an automation rule of Security Hub.
PATTERN, SECURITY_HUB = "pattern", "security_hub"
KEYS = (*CRITERIA, "reason", "expires", "suppress_in")
DAY = re.compile(r"^\d{4}-\d{2}-\d{2}\Z")

# Findings about global resources that securityhub_slack_deduplicate_global can name.
CONTROLS = "controls"
GUARDDUTY = "guardduty"
ACCESS_ANALYZER = "access_analyzer"
GLOBAL_KINDS = (CONTROLS, GUARDDUTY, ACCESS_ANALYZER)

# Set for a channel that receives the accounts which no other channel names. It is not a variable of the role.
OTHER_CHANNELS_ACCOUNT_IDS = "other_channels_account_ids"

SHAPES = {
    "control_ids": (re.compile(r"^[A-Z][A-Za-z0-9]*\.[0-9]+\Z"), "a control ID such as S3.1"),
    "account_ids": (re.compile(r"^[0-9]{12}\Z"), "12 digits in quotes"),
    "regions": (re.compile(r"^[a-z]{2}(-[a-z]+)+-\d+\Z"), "a region such as eu-west-1"),
    "product_arns": (
        re.compile(r"^(arn:.+:|:)?product(v2)?/[^/*]+/[^/*]+\Z"),
        "an ARN or its end, product/aws/inspector",
    ),
    "resource_ids": (
        re.compile(r"^(?!\*\Z)(?!.*\*\*).+\Z", re.DOTALL),
        "a resource ID, in which a single * stands for any text",
    ),
    "resource_types": (re.compile(r"^[A-Za-z0-9:]+\Z"), "a resource type such as AwsS3Bucket"),
    "title_prefixes": (re.compile(r"^.+"), "the beginning of a title"),
}


@dataclass(frozen=True, order=True)
class Suppression:
    """Findings that are not forwarded: those that match every criterion given, each by one of its values.

    *in_security_hub*: an automation rule suppresses them, which is about the whole account.
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
    in_security_hub: bool = False

    @property
    def description(self) -> str:
        """Return the reason, or the criteria if no reason is given."""
        if self.reason:
            return self.reason
        criteria = [(name, getattr(self, name)) for name in LISTS if getattr(self, name)]
        criteria += [(f"tag {key}", values) for key, values in self.resource_tags]
        return ", ".join(f"{name} {' or '.join(values)}" for name, values in criteria)


@dataclass(frozen=True)
class Policy:
    """Which findings one target forwards to one channel. Without severities it forwards none automatically.

    account_ids: only findings of these accounts; empty: of all. other_channels_account_ids: not of these.
    deduplicate_global: the kinds of global findings that only the global findings region forwards. fix_available,
    exploit_available, minimum_epss: of the findings of Amazon Inspector only those about a vulnerability with a fix, a
    known exploit, and at least this EPSS score, or which do not say. mark: of the findings that the policy forwarded,
    those that are over, by what the deployment of this name wrote into them; see fields.ended().
    """

    severities: tuple[str, ...]
    finding_format: str = "asff"
    account_ids: tuple[str, ...] = ()
    other_channels_account_ids: tuple[str, ...] = ()
    deduplicate_global: tuple[str, ...] = GLOBAL_KINDS
    suppressions: tuple[Suppression, ...] = ()
    fix_available: bool = False
    exploit_available: bool = False
    minimum_epss: float = 0.0
    mark: str = ""

    @property
    def fields(self) -> Fields:
        """Return the fields of the findings."""
        return ended(self.mark, self.finding_format) if self.mark else BY_FORMAT[self.finding_format]

    @property
    def filters(self) -> tuple[tuple[str, Policy], ...]:
        """Return each suppression and vulnerability filter: its description, and the policy with no other one."""
        without = self.unfiltered
        found = [(item.description, replace(without, suppressions=(item,))) for item in self.suppressions]
        if self.fix_available:
            found.append(("vulnerabilities without a fix", replace(without, fix_available=True)))
        if self.exploit_available:
            found.append(("vulnerabilities without a known exploit", replace(without, exploit_available=True)))
        if self.minimum_epss:
            text = f"vulnerabilities with an EPSS score below {self.minimum_epss:g}"
            found.append((text, replace(without, minimum_epss=self.minimum_epss)))
        return tuple(found)

    @property
    def unfiltered(self) -> Policy:
        """Return the policy without suppressions and vulnerability filters."""
        return replace(self, suppressions=(), fix_available=False, exploit_available=False, minimum_epss=0.0)


@dataclass(frozen=True)
class Scope:
    """Which findings are on the event bus of one target, and which of them its rules forward.

    linked: the linked Regions that are targets too, each with its own policy, if this is a home Region.
    aggregates: the rules forward findings of linked Regions; those of Regions that *linked* does not name by the
        target's own policy.
    only_own: findings of linked Regions are on this bus too, but the targets of these Regions forward them.
    """

    region: str
    global_findings_region: str
    linked: tuple[tuple[str, Policy], ...] = ()
    aggregates: bool = False
    only_own: bool = False

    @property
    def forwards_linked(self) -> bool:
        """Return whether findings of other Regions are forwarded from this bus."""
        return self.aggregates or bool(self.linked)


def severities_of(policy: Policy, scope: Scope) -> tuple[str, ...]:
    """Return the severities that *policy*, or that of a linked Region in *scope*, forwards, in alphabetical order."""
    linked = (of_region for _region, of_region in scope.linked)
    return tuple(sorted({label for one in (policy, *linked) for label in one.severities}))


def limited(policy: Policy, scope: Scope, severities: tuple[str, ...]) -> tuple[Policy, Scope]:
    """Return *policy* and the policies of the linked Regions in *scope*, with none but these severities."""

    def only(one: Policy) -> Policy:
        return replace(one, severities=tuple(label for label in one.severities if label in severities))

    return _each(policy, scope, only)


def of_ended(policy: Policy, scope: Scope, mark: str) -> tuple[Policy, Scope]:
    """Return *policy* and the policies of the linked Regions in *scope* for findings that were sent and are over.

    Only the owner of global findings sends them, and so marks them.
    """

    return _each(policy, scope, lambda one: replace(one, mark=mark, deduplicate_global=()))


def left_to_patterns(policy: Policy, scope: Scope) -> tuple[Policy, Scope]:
    """Return *policy* and the policies of the linked Regions in *scope* without what automation rules suppress.

    Such a rule of Security Hub CSPM only applies in its own Region
    (https://docs.aws.amazon.com/securityhub/latest/userguide/automation-rules.html), so where findings of other Regions
    are forwarded too, the patterns suppress them as well. One of the new Security Hub applies in all linked Regions.
    """
    if not applies_to_linked(policy) and scope.forwards_linked:
        return policy, scope

    def without(one: Policy) -> Policy:
        return replace(one, suppressions=tuple(item for item in one.suppressions if not item.in_security_hub))

    return _each(policy, scope, without)


def applies_to_linked(policy: Policy) -> bool:
    """Return whether an automation rule in a home Region applies to the findings of its linked Regions."""
    return policy.finding_format == "ocsf"


def _each(policy: Policy, scope: Scope, changed: Callable[[Policy], Policy]) -> tuple[Policy, Scope]:
    return changed(policy), replace(scope, linked=tuple((region, changed(linked)) for region, linked in scope.linked))


def policy_of(variables: Variables, today: datetime.date) -> Policy:
    """Return the policy in *variables*, for which problems() returns nothing.

    Suppressions that expired before *today* are left out; expired() returns them.
    """
    kinds = _texts(variables[PREFIX + "deduplicate_global"])
    return Policy(
        severities=_severities(variables),
        finding_format=str(variables[PREFIX + "finding_format"]),
        account_ids=_texts(variables[PREFIX + "account_ids"]),
        other_channels_account_ids=_texts(variables.get(PREFIX + OTHER_CHANNELS_ACCOUNT_IDS)),
        deduplicate_global=tuple(kind for kind in GLOBAL_KINDS if kind in kinds),
        suppressions=tuple(sorted(item for item in _suppressions(variables) if not _has_expired(item, today))),
        fix_available=bool(variables[PREFIX + "fix_available"]),
        exploit_available=bool(variables[PREFIX + "exploit_available"]),
        minimum_epss=float(variables[PREFIX + "minimum_epss"]),
    )


def for_channel(variables: Variables, channel: Mapping[str, Any]) -> dict[str, Any]:
    """Return the host's role *variables* with the policy keys of one *channel* (without prefix) in their place.

    A channel's minimum_severity or severities replaces both variables of the host. What is suppressed in Security Hub
    is suppressed for each channel.
    """
    given = {key: value for key, value in channel.items() if value is not None}
    if "minimum_severity" in given:
        given = {"severities": [], **given}
    if "suppressions" in given:
        of_host = filter(is_in_security_hub, variables[PREFIX + "suppressions"])
        given["suppressions"] = [*given["suppressions"], *of_host]
    return {**variables, **{PREFIX + key: value for key, value in given.items()}}


def expired(variables: Variables, today: datetime.date) -> tuple[Suppression, ...]:
    """Return the suppressions in *variables* whose last day was before *today*."""
    return tuple(item for item in _suppressions(variables) if _has_expired(item, today))


def summary(variables: Variables) -> str:
    """Return which severities, of which accounts, *variables* forward automatically, for people."""
    labels = _severities(variables)
    if not labels:
        return "custom action only"
    above = len(labels) > 1 and not variables[PREFIX + "severities"]
    text = f"{labels[-1]} and above" if above else ", ".join(labels)
    named = _texts(variables[PREFIX + "account_ids"])
    if named:
        text += f" of {named[0] if len(named) == 1 else f'{len(named)} accounts'}"
    elif variables.get(PREFIX + OTHER_CHANNELS_ACCOUNT_IDS):
        text += " of all other accounts"
    wanted = ["a fix"] if variables[PREFIX + "fix_available"] else []
    wanted += ["an exploit"] if variables[PREFIX + "exploit_available"] else []
    wanted += [f"EPSS {variables[PREFIX + 'minimum_epss']:g}"] if variables[PREFIX + "minimum_epss"] else []
    return f"{text}; vulnerabilities with {', '.join(wanted)}" if wanted else text


def at_least(severity: str) -> list[str]:
    """Return *severity* and the higher ones, the highest first. Raises ValueError for any other text."""
    return list(reversed(SEVERITIES[SEVERITIES.index(severity) :]))


def _severities(variables: Variables) -> tuple[str, ...]:
    if not variables[PREFIX + "forward_automatically"]:
        return ()
    named = variables[PREFIX + "severities"]
    if named:
        return tuple(label for label in reversed(SEVERITIES) if label in named)
    return tuple(at_least(variables[PREFIX + "minimum_severity"]))


def is_in_security_hub(given: Mapping[str, Any]) -> bool:
    """Return whether an automation rule is to suppress the findings of an entry of securityhub_slack_suppressions."""
    return bool(given.get("suppress_in") == SECURITY_HUB)


def _suppressions(variables: Variables) -> list[Suppression]:
    return [_suppression(given) for given in variables[PREFIX + "suppressions"]]


def _suppression(given: Mapping[str, Any]) -> Suppression:
    lists = {name: _texts(given.get(name)) for name in LISTS}
    tags = given.get("resource_tags") or {}
    return Suppression(
        **lists,
        resource_tags=tuple(sorted((str(key), _texts(values)) for key, values in tags.items())),
        reason=str(given.get("reason") or ""),
        expires=str(given.get("expires") or ""),
        in_security_hub=is_in_security_hub(given),
    )


def _texts(given: Any) -> tuple[str, ...]:
    values = given if isinstance(given, (list, tuple)) else [] if given is None else [given]
    return tuple(sorted({str(value) for value in values}))


def _has_expired(suppression: Suppression, today: datetime.date) -> bool:
    return bool(suppression.expires) and datetime.date.fromisoformat(suppression.expires) < today


def problems(variables: Variables) -> list[str]:
    """Return the problems of the policy in *variables*, each as a sentence with its remedy.

    The argument spec of the role has made sure of types and choices, except within the suppressions of a channel or
    receiver.
    """
    shape, expected = SHAPES["account_ids"]
    sentences = [
        f"securityhub_slack_account_ids contains {text!r}: use {expected}"
        for text in _texts(variables[PREFIX + "account_ids"])
        if not shape.match(text)
    ]
    minimum = float(variables[PREFIX + "minimum_epss"])
    if not (0 <= minimum <= 1 and round(minimum, 2) == minimum):
        sentences.append(
            f"securityhub_slack_minimum_epss is {minimum:g}: use a probability from 0 (no minimum) to 1 with at most "
            f"two decimals, such as 0.1"
        )
    for number, item in enumerate(variables[PREFIX + "suppressions"], start=1):
        sentences += [f"suppression {number} {problem}" for problem in _suppression_problems(item, variables)]
    return sentences


def _suppression_problems(suppression: Mapping[str, Any], variables: Variables) -> list[str]:
    sentences = [f"has the key {key!r}: use {', '.join(KEYS)}" for key in suppression if key not in KEYS]
    if not sentences and not any(suppression.get(name) for name in CRITERIA):
        sentences.append(f"would suppress every finding: add one of {', '.join(CRITERIA)}")
    for name, (shape, expected) in SHAPES.items():
        sentences += [
            f"contains {text!r} in {name}: use {expected}"
            for text in _texts(suppression.get(name))
            if not shape.match(text)
        ]
    place = suppression.get("suppress_in")
    if place not in (None, PATTERN, SECURITY_HUB):
        sentences.append(f"has suppress_in {place!r}: use {PATTERN} or {SECURITY_HUB}")
    return [
        *sentences,
        *_tag_problems(suppression.get("resource_tags"), variables),
        *_expiry_problems(suppression.get("expires")),
    ]


def _tag_problems(tags: Any, variables: Variables) -> list[str]:
    if not tags:
        return []
    if not isinstance(tags, dict):
        return ["has resource_tags that are not a mapping: map each tag key to a value or a list of values"]
    if variables[PREFIX + "finding_format"] == "ocsf":
        return [
            "has resource_tags, which event patterns cannot express with securityhub_slack_finding_format ocsf: use "
            "resource_ids"
        ]
    return [
        f"has no value for the tag {key!r}: set a value or a list of values"
        for key, values in tags.items()
        if not _texts(values)
    ]


def _expiry_problems(expires: Any) -> list[str]:
    if not expires:
        return []
    try:
        if DAY.match(str(expires)):
            datetime.date.fromisoformat(str(expires))
            return []
    except ValueError:
        pass  # such as 2026-02-30
    return [f"has expires {str(expires)!r}: use the last day on which it applies, as YYYY-MM-DD"]
