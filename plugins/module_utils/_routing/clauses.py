# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy as clauses: each says of a few fields that at least one is as it must be. PRIVATE to the collection.

What must not be sent (a suppression, a global finding outside its owner Region) is a conjunction, so sending asks for
its negation: not this account, or not this control, or ... A finding is sent where every clause holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.secops.securityhub.plugins.module_utils._routing import controls
from ansible_collections.secops.securityhub.plugins.module_utils._routing.conditions import EXACT
from ansible_collections.secops.securityhub.plugins.module_utils._routing.conditions import PREFIX
from ansible_collections.secops.securityhub.plugins.module_utils._routing.conditions import SUFFIX
from ansible_collections.secops.securityhub.plugins.module_utils._routing.conditions import WILDCARD
from ansible_collections.secops.securityhub.plugins.module_utils._routing.conditions import Condition
from ansible_collections.secops.securityhub.plugins.module_utils._routing.conditions import Matcher
from ansible_collections.secops.securityhub.plugins.module_utils._routing.conditions import any_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.conditions import exactly
from ansible_collections.secops.securityhub.plugins.module_utils._routing.conditions import none_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.fields import ACCESS_ANALYZER_ARN
from ansible_collections.secops.securityhub.plugins.module_utils._routing.fields import BY_SCHEMA
from ansible_collections.secops.securityhub.plugins.module_utils._routing.fields import GUARDDUTY_ARN
from ansible_collections.secops.securityhub.plugins.module_utils._routing.fields import Fields
from ansible_collections.secops.securityhub.plugins.module_utils._routing.fields import Path
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Policy
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Suppression

# Field and condition, of which a clause needs one to hold.
Clause = tuple[tuple[Path, Condition], ...]

# What a clause is about.
STATE = "state"
COMPLIANCE = "compliance"
SEVERITY = "severity"
REGION = "region"
SUPPRESSION = "suppression"
CONTROL = "global control"
GUARDDUTY = "global GuardDuty finding"
ACCESS_ANALYZER = "global Access Analyzer finding"


@dataclass(frozen=True)
class Demand:
    """A clause, what it is about, and for a suppression its words."""

    kind: str
    clause: Clause
    words: str = ""


@dataclass(frozen=True)
class Scope:
    """What one target's bus carries, and who else sends: the place of a policy among the targets of its account.

    linked: the linked Regions that are targets too, each with its own policy, where this is a home Region.
    aggregates: findings of linked Regions are on this bus and are sent from it; those of Regions that linked does not
        name by this target's own policy.
    only_own: findings of linked Regions are on this bus too, but their own Regions send them.
    """

    region: str
    owner_region: str
    linked: tuple[tuple[str, Policy], ...] = ()
    aggregates: bool = False
    only_own: bool = False

    @property
    def sends_linked(self) -> bool:
        """Return whether findings of other Regions are sent from this bus."""
        return self.aggregates or bool(self.linked)


@dataclass(frozen=True)
class Part:
    """Findings of some Regions, which one policy decides on."""

    policy: Policy
    regions: Condition | None


def parts_of(policy: Policy, scope: Scope) -> list[Part]:
    """Return the parts that the findings of a bus fall into, without those that send nothing; no two overlap."""
    if not scope.sends_linked:
        own = any_of([scope.region]) if scope.only_own else None
        return [Part(policy, own)] if policy.severities else []
    by_policy: dict[Policy, list[str]] = {}
    for region, linked in sorted(scope.linked, key=lambda item: item[0]):
        if linked != policy and region != scope.region:
            by_policy.setdefault(linked, []).append(region)
    others = [region for regions in by_policy.values() for region in regions]
    parts = [Part(policy, none_of(exactly(others)) if others else None)]
    parts += [Part(linked, any_of(regions)) for linked, regions in by_policy.items()]
    return [part for part in parts if part.policy.severities]


def clauses_of(part: Part, scope: Scope) -> list[Clause]:
    """Return the clauses of *part*."""
    return [demand.clause for demand in demands_of(part, scope)]


def demands_of(part: Part, scope: Scope) -> list[Demand]:
    """Return what *part* demands of a finding, in the order in which explanations name it."""
    policy = part.policy
    fields = BY_SCHEMA[policy.schema]
    found = [Demand(STATE, ((path, condition),)) for path, condition in fields.states]
    found.append(Demand(COMPLIANCE, ((fields.compliance, any_of(fields.open_compliance, absent=True)),)))
    labels = any_of(value for label in policy.severities for value in fields.labels[label])
    found.append(Demand(SEVERITY, ((fields.severity, labels),)))
    if part.regions:
        found.append(Demand(REGION, ((fields.region, part.regions),)))
    found += [Demand(SUPPRESSION, _negated(item, fields), item.words) for item in policy.suppressions]
    if not scope.sends_linked and scope.region == scope.owner_region:
        return found
    owner: Clause = ((fields.region, any_of([scope.owner_region])),) if scope.sends_linked else ()
    return found + [Demand(kind, owner + clause) for kind, clause in _not_global(policy, fields)]


def _not_global(policy: Policy, fields: Fields) -> Iterator[tuple[str, Clause]]:
    if policy.global_controls_once:
        yield CONTROL, ((fields.control, none_of(exactly(controls.REPEATING), absent=True)),)
    if policy.global_guardduty_once:
        yield (
            GUARDDUTY,
            (
                (fields.product, none_of(exactly([GUARDDUTY_ARN], SUFFIX))),
                (fields.called_service, none_of(exactly(controls.GLOBAL_SERVICES), absent=True)),
            ),
        )
    if policy.global_access_analyzer_once:
        yield (
            ACCESS_ANALYZER,
            (
                (fields.product, none_of(exactly([ACCESS_ANALYZER_ARN], SUFFIX))),
                (fields.resource_type, none_of(exactly(fields.global_resource_types))),
            ),
        )


def _negated(suppression: Suppression, fields: Fields) -> Clause:
    criteria: list[tuple[Path, tuple[Matcher, ...]]] = [
        (fields.control, exactly(suppression.control_ids)),
        (fields.account, exactly(suppression.account_ids)),
        (fields.region, exactly(suppression.regions)),
        (fields.product, exactly((_product(text) for text in suppression.product_arns), SUFFIX)),
        (fields.resource_type, exactly(suppression.resource_types)),
        (fields.resource_id, tuple(_resource(text) for text in suppression.resource_ids)),
        (fields.title, exactly(suppression.title_prefixes, PREFIX)),
    ]
    for key, values in suppression.resource_tags:
        criteria.append(((*(fields.resource_tags or ()), key), exactly(values)))
    return tuple((path, none_of(matchers, absent=fields.optional(path))) for path, matchers in criteria if matchers)


def _product(text: str) -> str:
    """Return how every ARN of a product ends that *text* names: by a whole ARN, or by its company and name."""
    return text if text.startswith("arn:") else "/" + "/".join(text.split("/")[-2:])


def _resource(text: str) -> Matcher:
    if "*" not in text:
        return Matcher(EXACT, text)
    if text.endswith("*") and "*" not in text[:-1]:
        return Matcher(PREFIX, text[:-1])
    return Matcher(WILDCARD, text.replace("\\", "\\\\"))
