# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which findings would be sent, by which rule, and why not the others: pure. PRIVATE to the collection.

It asks the very patterns that are deployed. A finding appears on the bus of its own Region, and on that of the home
Region where an aggregator links its own (https://docs.aws.amazon.com/securityhub/latest/userguide/finding-aggregation.html).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from .explanation import Finding
from .explanation import first
from .explanation import why_not
from .fields import CSPM
from .fields import V2
from .fields import Fields
from .matcher import matches
from .matcher import why_not as unfit
from .notation import SOURCE
from .patterns import Pattern
from .patterns import Scope
from .policy import Policy
from .topology import Aggregation

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "securityhub.amazonaws.com")


@dataclass(frozen=True)
class Rule:
    """An event rule, and the route (a channel's topic) that it sends to."""

    name: str
    pattern: Pattern = field(hash=False)
    route: str


@dataclass(frozen=True)
class Route:
    """What a target's rules for one route were made from; it gives their silence its words."""

    name: str
    policy: Policy
    scope: Scope


@dataclass(frozen=True)
class Target:
    """One target: its rules as deployed, and what they were made from. reason: why it has none, if so."""

    host: str
    account: str
    region: str
    rules: tuple[Rule, ...]
    routes: tuple[Route, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Delivery:
    """A message: the target and the rule that send it, and where to."""

    host: str
    rule: str
    route: str


@dataclass(frozen=True)
class Verdict:
    """What becomes of one finding, and why in one sentence."""

    finding: Finding = field(hash=False)
    deliveries: tuple[Delivery, ...]
    sentence: str

    @property
    def sent(self) -> bool:
        """Return whether anybody gets to see it."""
        return bool(self.deliveries)


def schema_of(finding: Finding) -> Fields:
    """Return the schema of *finding*: OCSF has finding_info, ASFF has not."""
    return V2 if "finding_info" in finding else CSPM


def event_of(finding: Finding, account: str, region: str) -> dict[str, Any]:
    """Return the event that Security Hub puts on the bus of *account* in *region* for one finding.

    https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-cwe-event-formats.html and
    securityhub-v2-cwe-event-formats.html. The same finding always has the same event id.
    """
    fields = schema_of(finding)
    if fields is V2:
        resource = first(finding, ("metadata", "uid"))
        time = first(finding, ("finding_info", "modified_time_dt"))
    else:
        resource = f"{first(finding, ('ProductArn',))}/{first(finding, ('Id',))}"
        time = first(finding, ("UpdatedAt",))
    return {
        "version": "0",
        "id": str(uuid.uuid5(NAMESPACE, f"{account}/{region}/{resource}/{time}")),
        "detail-type": fields.detail_type,
        "source": SOURCE,
        "account": account,
        "time": time,
        "region": region,
        "resources": [resource],
        "detail": {"findings": [finding]},
    }


def buses_of(finding: Finding, aggregation: Aggregation | None) -> tuple[str, ...]:
    """Return the Regions on whose buses *finding* appears: its own first, then the home Region."""
    region = first(finding, schema_of(finding).region)
    return (region, aggregation.home) if aggregation and aggregation.links(region) else (region,)


def simulate(
    findings: Iterable[Finding],
    targets: Sequence[Target],
    aggregations: Mapping[str, Aggregation | None],
    administrators: Mapping[str, str] | None = None,
) -> list[Verdict]:
    """Return the verdict on each of *findings*.

    *aggregations*: by the account of the targets. *administrators*: by a finding's account, the account of the targets
    that sees it. Without an entry that is the account itself if it has targets, and otherwise every account that has.
    """
    accounts = list(dict.fromkeys(target.account for target in targets))
    verdicts = []
    for finding in findings:
        owner = first(finding, schema_of(finding).account)
        seers = [administrators[owner]] if administrators and owner in administrators else _seers(owner, accounts)
        on_bus = [
            target
            for account in seers
            for bus in buses_of(finding, aggregations.get(account))
            for target in targets
            if (target.account, target.region) == (account, bus)
        ]
        verdicts.append(_verdict(finding, on_bus))
    return verdicts


def _seers(owner: str, accounts: list[str]) -> list[str]:
    return [owner] if owner in accounts else accounts


def _verdict(finding: Finding, targets: list[Target]) -> Verdict:
    deliveries = tuple(
        Delivery(target.host, rule.name, rule.route)
        for target in targets
        for rule in target.rules
        if matches(rule.pattern, event_of(finding, target.account, target.region))
    )
    return Verdict(finding, deliveries, _sent(deliveries) if deliveries else f"not sent: {_why(finding, targets)}")


def _sent(deliveries: tuple[Delivery, ...]) -> str:
    said = " and ".join(f"by {item.host} (rule {item.rule}) to {item.route}" for item in deliveries)
    routes = [item.route for item in deliveries]
    twice = ", so it arrives more than once" if len(set(routes)) < len(routes) else ""
    return f"sent {said}{twice}"


def _why(finding: Finding, targets: list[Target]) -> str:
    if not targets:
        region = first(finding, schema_of(finding).region)
        return f"no target is in {region or 'its Region'}: add it to the inventory"
    # With an aggregator, the target of the finding's own Region leaves it to the home Region, which comes after it.
    speakers = [target for target in targets if not target.reason] or targets[-1:]
    reasons = dict.fromkeys(reason for target in speakers for reason in _reasons(finding, target))
    return "; ".join(reasons)


def _reasons(finding: Finding, target: Target) -> list[str]:
    if target.reason:
        return [target.reason]
    if target.routes:
        found = [(route.name, why_not(route.policy, route.scope, finding)) for route in target.routes]
        told = [(name, reason) for name, reason in found if reason]
        alike = len({reason for name, reason in told}) == 1
        return [reason if alike else f"{name}: {reason}" for name, reason in told]
    event = event_of(finding, target.account, target.region)
    return [reason for rule in target.rules if (reason := unfit(rule.pattern, event))] or ["no rule forwards findings"]
