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
from dataclasses import replace

from . import controls
from .conditions import EXACT
from .conditions import PREFIX
from .conditions import SUFFIX
from .conditions import WILDCARD
from .conditions import Condition
from .conditions import Matcher
from .conditions import any_of
from .conditions import exactly
from .conditions import meet
from .conditions import none_of
from .fields import ACCESS_ANALYZER_ARN
from .fields import BY_SCHEMA
from .fields import GUARDDUTY_ARN
from .fields import Fields
from .fields import Path
from .policy import Policy
from .policy import Suppression

# Field and condition, of which a clause needs one to hold.
Clause = tuple[tuple[Path, Condition], ...]

# What a clause is about.
STATE = "state"
COMPLIANCE = "compliance"
SEVERITY = "severity"
REGION = "region"
ACCOUNT = "account"
ACCOUNT_ELSEWHERE = "account of another route"
SUPPRESSION = "suppression"
CONTROL = "global control"
GUARDDUTY = "global GuardDuty finding"
ACCESS_ANALYZER = "global Access Analyzer finding"


@dataclass(frozen=True)
class Demand:
    """A clause, what it is about, the words of a suppression, and the severities of a threshold."""

    kind: str
    clause: Clause
    words: str = ""
    severities: tuple[str, ...] = ()


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
class Threshold:
    """The severities that findings of some Regions (None: of all) must have."""

    severities: tuple[str, ...]
    regions: Condition | None = None


@dataclass(frozen=True)
class Part:
    """Findings of some Regions (None: of all), which one policy decides on but for its severities.

    owns_global: findings about global resources are sent from it too.
    """

    policy: Policy
    thresholds: tuple[Threshold, ...]
    regions: Condition | None = None
    owns_global: bool = False


def parts_of(policy: Policy, scope: Scope) -> list[Part]:
    """Return the parts that the findings of a bus fall into, without those that send nothing; no two overlap."""
    if not scope.sends_linked:
        own = any_of([scope.region]) if scope.only_own else None
        part = Part(policy, (Threshold(policy.severities),), own, scope.region == scope.owner_region)
        return [part] if policy.severities else []
    listed = {region: linked for region, linked in sorted(scope.linked) if linked != policy and region != scope.region}
    alike = {region for region, linked in listed.items() if _but_for_severities(linked) == _but_for_severities(policy)}
    parts = [_home_part(policy, listed, alike)]
    others: dict[Policy, dict[str, Policy]] = {}
    for region in sorted(listed.keys() - alike):
        others.setdefault(_but_for_severities(listed[region]), {})[region] = listed[region]
    parts += [_linked_part(members) for _shape, members in sorted(others.items(), key=lambda item: min(item[1]))]
    return [divided for part in parts if part.thresholds for divided in _by_owner(part, scope.owner_region)]


def _by_owner(part: Part, owner: str) -> Iterator[Part]:
    """Yield *part* of the owner Region, and of the other ones."""
    own = any_of([owner])
    if part.regions is None or meet(part.regions, own):
        at_owner = [item.severities for item in part.thresholds if item.regions is None or meet(item.regions, own)]
        yield Part(part.policy, (Threshold(at_owner[0]),), own, True)
    others = none_of(exactly([owner]))
    regions = others if part.regions is None else meet(part.regions, others)
    if regions is None:
        return
    kept = [(item, others if item.regions is None else meet(item.regions, others)) for item in part.thresholds]
    yield Part(part.policy, tuple(Threshold(item.severities, left) for item, left in kept if left), regions)


def _but_for_severities(policy: Policy) -> Policy:
    return replace(policy, severities=())


def _home_part(policy: Policy, listed: dict[str, Policy], alike: set[str]) -> Part:
    """Return the part of the home Region, of linked Regions not listed, and of those that differ by severity only."""
    rest = none_of(exactly(listed)) if listed else None
    thresholds = [Threshold(policy.severities, rest), *_thresholds({region: listed[region] for region in alike})]
    speaking = tuple(threshold for threshold in thresholds if threshold.severities)
    if not policy.severities:
        heard = [region for region in sorted(alike) if listed[region].severities]
        return Part(policy, speaking, any_of(heard) if heard else None)
    apart = [region for region in listed if region not in alike or not listed[region].severities]
    return Part(policy, speaking, none_of(exactly(apart)) if apart else None)


def _linked_part(members: dict[str, Policy]) -> Part:
    heard = [region for region, linked in members.items() if linked.severities]
    return Part(next(iter(members.values())), tuple(_thresholds(members)), any_of(heard) if heard else None)


def _thresholds(members: dict[str, Policy]) -> list[Threshold]:
    regions: dict[tuple[str, ...], list[str]] = {}
    for region, linked in sorted(members.items()):
        if linked.severities:
            regions.setdefault(linked.severities, []).append(region)
    return [Threshold(severities, any_of(named)) for severities, named in regions.items()]


def clauses_of(part: Part) -> list[Clause]:
    """Return the clauses of *part*."""
    return [demand.clause for demand in demands_of(part)]


def demands_of(part: Part) -> list[Demand]:
    """Return what *part* demands of a finding, in the order in which explanations name it."""
    policy = part.policy
    fields = BY_SCHEMA[policy.schema]
    found = [Demand(STATE, ((path, condition),)) for path, condition in fields.states]
    found.append(Demand(COMPLIANCE, ((fields.compliance, any_of(fields.open_compliance, absent=True)),)))
    found += _severity_demands(part, fields)
    if part.regions:
        found.append(Demand(REGION, ((fields.region, part.regions),)))
    found += _account_demands(policy, fields)
    found += [Demand(SUPPRESSION, _negated(item, fields), item.words) for item in policy.suppressions]
    if not part.owns_global:
        found += [Demand(kind, clause) for kind, clause in _not_global(policy, fields)]
    return found


def _severity_demands(part: Part, fields: Fields) -> Iterator[Demand]:
    for threshold in part.thresholds:
        labels = any_of(value for label in threshold.severities for value in fields.labels[label])
        elsewhere: Clause = ()
        if len(part.thresholds) > 1 and threshold.regions:
            elsewhere = ((fields.region, replace(threshold.regions, negated=not threshold.regions.negated)),)
        yield Demand(SEVERITY, (*elsewhere, (fields.severity, labels)), severities=threshold.severities)


def _account_demands(policy: Policy, fields: Fields) -> Iterator[Demand]:
    if policy.account_ids:
        yield Demand(ACCOUNT, ((fields.account, any_of(policy.account_ids)),))
    if policy.account_ids_elsewhere:
        yield Demand(ACCOUNT_ELSEWHERE, ((fields.account, none_of(exactly(policy.account_ids_elsewhere))),))


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
