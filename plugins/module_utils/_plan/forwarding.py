# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a target forwards automatically, for the commands that work on findings: pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import TYPE_CHECKING

from .._model import account_channels
from .._routing import policy as policies
from .._routing import simulation
from .._routing import topology
from .._routing.fields import OCSF
from .._routing.matcher import matches

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterable

    from .._model.plan import FleetDesign
    from .._model.plan import TargetDesign
    from .._model.snapshot import TargetSnapshot
    from .._resource.shapes import Json
    from .._routing.reference import Finding
    from .._stack.template import Rule

# What the new Security Hub calls a workflow status.
OCSF_STATUSES = {"NEW": "New", "NOTIFIED": "In Progress"}


@dataclass(frozen=True)
class Forwarded:
    """A finding, and the names of the topics that the rules of its target send it to."""

    finding: Finding = field(hash=False)
    topics: tuple[str, ...]


def needs_aws(targets: Iterable[TargetSnapshot]) -> bool:
    """Return whether what a target forwards depends on the account's aggregator or organization."""
    return any(
        item.settings.value("aggregation") != topology.PER_REGION
        or any(map(account_channels.asks, item.settings.value("channels")))
        for item in targets
        if not item.problems
    )


def without_disabled_hubs(design: FleetDesign) -> FleetDesign:
    """Return the design in which the targets whose region has no Security Hub, and so no findings, have a problem."""
    accounts = (replace(item, targets=tuple(map(_needing_hub, item.targets))) for item in design.accounts)
    return replace(design, accounts=tuple(accounts))


def _needing_hub(target: TargetDesign) -> TargetDesign:
    if target.problems or not target.settings.present or target.live.hub:
        return target
    sentence = (
        f"Security Hub is not enabled in {target.settings.region}. Enable it, or remove the region from the inventory."
    )
    return replace(target, problems=(sentence,))


def rules_of(target: TargetDesign) -> tuple[simulation.Rule, ...]:
    """Return the rules by which a target forwards automatically, with the patterns of its stack."""
    return _rules(target, lambda rule: rule.automatic)


def _rules(target: TargetDesign, is_chosen: Callable[[Rule], bool]) -> tuple[simulation.Rule, ...]:
    if target.problems or target.desired is None:
        return ()
    rules = target.desired.stack.rules
    return tuple(simulation.Rule(rule.name, rule.pattern, rule.topic) for rule in rules if is_chosen(rule))


def forwarded(target: TargetDesign, findings: Iterable[Finding]) -> list[Forwarded]:
    """Return the *findings* that a target's rules forward, or would if their workflow status were NEW.

    Those that an automation rule suppresses with their next update are left out.
    """
    rules, targets = rules_of(target), [simulated(target)]
    found = [
        Forwarded(finding, _topics(rules, target, finding))
        for finding in findings
        if simulation.as_in_event(finding, targets) is finding
    ]
    return [item for item in found if item.topics]


def _topics(rules: tuple[simulation.Rule, ...], target: TargetDesign, finding: Finding) -> tuple[str, ...]:
    new = {"status": "New"} if target.settings.ocsf else {"Workflow": {"Status": "NEW"}}
    event = simulation.event_of({**finding, **new}, target.account_id, target.settings.region)
    return tuple(dict.fromkeys(rule.topic for rule in rules if matches(rule.pattern, event)))


def filters(target: TargetDesign, statuses: tuple[str, ...] = ("NEW",)) -> Json:
    """Return the filters of GetFindings that leave out most of what the rules do; the rules alone decide.

    *statuses*: the workflow statuses that the findings may have. For findings of the new Security Hub, they are the
    filters of GetFindingsV2.
    """
    labels = sorted({label for item in target.channels for label in policies.severities_of(item.policy, item.scope)})
    if target.settings.ocsf:
        texts = [text for label in labels for text in OCSF.labels[label]]
        return ocsf_filters(("status", [OCSF_STATUSES[status] for status in statuses]), ("severity", texts))
    return {
        "RecordState": [_equals("ACTIVE")],
        "WorkflowStatus": [_equals(status) for status in statuses],
        "SeverityLabel": [_equals(label) for label in labels],
    }


def ocsf_filters(*fields: tuple[str, list[str]]) -> Json:
    """Return the filters of GetFindingsV2 for findings in which each of *fields* has one of its values."""
    return {
        "CompositeFilters": [
            {"StringFilters": [{"FieldName": name, "Filter": _equals(value)} for value in values], "Operator": "OR"}
            for name, values in fields
        ],
        "CompositeOperator": "AND",
    }


def _equals(value: str) -> dict[str, str]:
    return {"Value": value, "Comparison": "EQUALS"}


def simulated(target: TargetDesign) -> simulation.Target:
    """Return a target in the form in which the simulation takes it."""
    region = target.settings.region
    return simulation.Target(
        target.host,
        target.account_id,
        region,
        rules_of(target),
        target.channels,
        _reason(target),
        _rules(target, lambda rule: rule.resolved),
    )


def digest_in_words(target: TargetDesign) -> str:
    """Return which digest AWS sends beside the findings of a target, '' for none, or if another region sends it."""
    digest = target.desired.stack.scheduled if target.desired else None
    if digest is None or digest.to:
        return ""
    channels = "its channel" if len(digest.channels) == 1 else f"{len(digest.channels)} channels"
    when = f"{digest.expression} ({digest.time_zone})"
    of_regions = f" and the numbers of {', '.join(digest.others)}" if digest.others else ""
    return f"beside these messages, AWS sends a digest of {target.host}{of_regions} to {channels} at {when}"


def _reason(target: TargetDesign) -> str:
    if target.problems:
        return f"{target.host} has failed: {target.error.rstrip('.')}"
    if not target.settings.present:
        return f"securityhub_slack_state of {target.host} is absent"
    return "" if target.desired else target.policy
