# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a finding is not sent, in the words of the policy: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import Any

from .clauses import ACCESS_ANALYZER
from .clauses import ACCOUNT
from .clauses import ACCOUNT_ELSEWHERE
from .clauses import COMPLIANCE
from .clauses import CONTROL
from .clauses import GUARDDUTY
from .clauses import REGION
from .clauses import SEVERITY
from .clauses import STATE
from .clauses import Demand
from .clauses import Part
from .clauses import Scope
from .clauses import demands_of
from .clauses import parts_of
from .conditions import holds
from .fields import BY_SCHEMA
from .fields import SEVERITIES
from .fields import Fields
from .fields import Path
from .policy import Policy

Finding = dict[str, Any]


def why_not(policy: Policy, scope: Scope, finding: Finding) -> str | None:
    """Return the first condition that keeps a target from sending *finding*, as a sentence; None if it is sent.

    *finding*: as it stands in an event of the policy's schema. The verdict is that of automatic_patterns().
    """
    fields = BY_SCHEMA[policy.schema]
    if not _is_of(fields, finding):
        return f"it is no finding of the schema {policy.schema}"
    region = first(finding, fields.region)
    part = _part_of(policy, scope, region)
    if part is None:
        return _nobodys(scope, region)
    views = _views(finding, fields.resource_id[0])
    for demand in demands_of(part):
        left = [view for view in views if _met(demand, view)]
        if not left:
            return _sentence(demand, views[0], part.policy, scope)
        views = left
    return None


def _is_of(fields: Fields, finding: Finding) -> bool:
    return bool(values_at(finding, fields.product))


def _part_of(policy: Policy, scope: Scope, region: str) -> Part | None:
    for part in parts_of(policy, scope):
        if part.regions is None or holds(part.regions, [region]):
            return part
    return None


def _nobodys(scope: Scope, region: str) -> str:
    if scope.only_own and region != scope.region:
        return f"{region} sends its findings itself"
    return f"automatic forwarding is off for {region if scope.sends_linked else scope.region}"


def _views(finding: Finding, resources: str) -> list[Finding]:
    """Return *finding* once for each of its resources: it is held back only where each of them is."""
    listed = finding.get(resources)
    return (
        [{**finding, resources: [resource]} for resource in listed]
        if isinstance(listed, list) and listed
        else [finding]
    )


def _met(demand: Demand, finding: Finding) -> bool:
    return any(holds(condition, values_at(finding, path)) for path, condition in demand.clause)


def values_at(finding: Any, path: Path) -> list[Any]:
    """Return the plain values at *path*, through arrays."""
    if isinstance(finding, list):
        return [value for element in finding for value in values_at(element, path)]
    if not path:
        return [] if isinstance(finding, dict) else [finding]
    return values_at(finding[path[0]], path[1:]) if isinstance(finding, dict) and path[0] in finding else []


def first(finding: Finding, path: Path) -> str:
    """Return the first value at *path* as text, an empty one if there is none."""
    return str((values_at(finding, path) or [""])[0])


def _sentence(demand: Demand, finding: Finding, policy: Policy, scope: Scope) -> str:
    fields = BY_SCHEMA[policy.schema]
    path = demand.clause[0][0]
    if demand.kind == STATE:
        return f"{fields.state_names[path]} is {first(finding, path) or 'missing'}"
    if demand.kind == COMPLIANCE:
        return f"compliance status is {first(finding, path)}"
    if demand.kind == SEVERITY:
        return _severity(first(finding, fields.severity), demand.severities)
    if demand.kind == REGION:
        return f"its Region is {first(finding, path) or 'missing'}"
    if demand.kind == ACCOUNT:
        return f"account {first(finding, path) or 'missing'} is not among securityhub_slack_account_ids"
    if demand.kind == ACCOUNT_ELSEWHERE:
        return f"account {first(finding, path) or 'missing'} belongs to another route"
    facts = {
        CONTROL: f"control {first(finding, fields.control)} is a global finding",
        GUARDDUTY: f"GuardDuty reports calls of {first(finding, fields.called_service)} in every Region",
        ACCESS_ANALYZER: f"Access Analyzer reports {first(finding, fields.resource_type)} in every Region",
    }
    if demand.kind in facts:
        return f"{facts[demand.kind]}, sent by {scope.owner_region} only"
    return f"suppressed: {demand.words}"


def _severity(label: str, severities: tuple[str, ...]) -> str:
    known = label.upper()
    lowest = severities[-1]
    rank = SEVERITIES.index(lowest)
    if tuple(reversed(SEVERITIES[rank:])) == severities and known in SEVERITIES[:rank]:
        return f"severity {known} is below {lowest}"
    return f"severity {known or 'missing'} is not one of {', '.join(severities)}"
