# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which targets of an account send findings, and whose: pure. PRIVATE to the collection.

An aggregator copies the findings of linked Regions to its home Region, and the linked Regions keep emitting their own
(https://docs.aws.amazon.com/securityhub/latest/userguide/finding-aggregation.html). So either the home Region sends
for all of them, or each Region sends for itself; never both.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from typing import Any

from .clauses import Scope
from .policy import Policy

AUTO = "auto"
PER_REGION = "per_region"
HOME_REGION = "home_region"
CHOICES = (AUTO, PER_REGION, HOME_REGION)

WITHOUT_OWNER = (
    "this is a slice (securityhub_slack_job_slices), and all slices have to agree on the Region that sends the "
    "findings about global resources: set securityhub_slack_global_findings_region, the same for all"
)

# Where AWS records the events of global services.
USUAL_OWNER = "us-east-1"


@dataclass(frozen=True)
class Aggregation:
    """A finding aggregator: the home Region, and which others it links (mode and regions as AWS names them)."""

    home: str
    mode: str
    regions: tuple[str, ...] = ()

    def links(self, region: str) -> bool:
        """Return whether findings of *region* are copied to the home Region."""
        if region == self.home:
            return False
        if self.mode == "SPECIFIED_REGIONS":
            return region in self.regions
        if self.mode == "ALL_REGIONS_EXCEPT_SPECIFIED":
            return region not in self.regions
        return self.mode == "ALL_REGIONS"


def aggregation_of(answer: Mapping[str, Any] | None) -> Aggregation | None:
    """Return the aggregator in the answer of GetFindingAggregator (None: the account has none)."""
    if not answer:
        return None
    regions = tuple(sorted(answer.get("Regions") or ()))
    return Aggregation(answer["FindingAggregationRegion"], answer["RegionLinkingMode"], regions)


@dataclass(frozen=True)
class Candidate:
    """A target: its Region, the policy of each of its routes by the route's name, and whether Security Hub is on.

    hub: None where nobody has asked. elsewhere: another slice of the inventory has it, and its policies.
    """

    region: str
    policies: tuple[tuple[str, Policy], ...]
    hub: bool | None = None
    elsewhere: bool = False

    @property
    def sends(self) -> bool:
        """Return whether it may send findings by itself."""
        return self.hub is not False and (self.elsewhere or any(policy.severities for name, policy in self.policies))


@dataclass(frozen=True)
class Place:
    """What one target has to do: a scope for each of its routes, in order; without one, why it has no pipeline."""

    region: str
    scopes: tuple[Scope, ...]
    reason: str = ""


@dataclass(frozen=True)
class Topology:
    """The places of an account's targets, in their order; what to say about them; what is wrong, with its remedy."""

    mode: str
    owner_region: str
    places: tuple[Place, ...]
    notices: tuple[str, ...]
    problems: tuple[str, ...]


def lay_out(
    candidates: Sequence[Candidate],
    aggregation: Aggregation | None,
    setting: str,
    owner_setting: str,
    *,
    sliced: bool = False,
) -> Topology:
    """Return who sends what in one account.

    *candidates*: all targets of the account that the inventory has, whichever of them are worked on now; what a limited
    run left out would change the owner Region and the thresholds. *setting*: securityhub_slack_aggregation.
    *owner_setting*: securityhub_slack_global_findings_region, or an empty text. *sliced*: the account may have targets
    that the inventory does not have; what depends on them is then refused.
    """
    regions = [candidate.region for candidate in candidates if not candidate.elsewhere]
    linked = [region for region in regions if aggregation and aggregation.links(region)]
    home = aggregation.home if aggregation else ""
    mode = _mode(setting, aggregation, regions, linked)
    senders = [candidate for candidate in candidates if mode == PER_REGION or candidate.region not in linked]
    owner = owner_setting or _default_owner(senders, home if mode == HOME_REGION else "")
    if sliced and (mode == HOME_REGION or _lacks_owner(owner_setting, candidates)):
        problems = [_of_home_region(home) if mode == HOME_REGION else WITHOUT_OWNER]
    else:
        problems = [*_mode_problems(setting, aggregation, regions, linked), *_owner_problems(owner, candidates)]
        problems += _home_problems(candidates, home, linked) if mode == HOME_REGION else []
    places = tuple(_place(candidate, candidates, linked, home, mode, owner) for candidate in candidates)
    return Topology(mode, owner, places, tuple(_notices(mode, home, linked, owner, candidates)), tuple(problems))


def _of_home_region(home: str) -> str:
    return (
        f"this is a slice (securityhub_slack_job_slices), and the home Region {home} sends for the Regions that feed "
        f"it, by thresholds that other slices hold: split this account's work by --limit, which sees the whole "
        f"inventory, "
        f"or set securityhub_slack_aggregation to per_region"
    )


def _lacks_owner(owner_setting: str, candidates: Sequence[Candidate]) -> bool:
    return not owner_setting and _anybody_cares(candidates)


def _mode(setting: str, aggregation: Aggregation | None, regions: list[str], linked: list[str]) -> str:
    if aggregation is None or setting == PER_REGION:
        return PER_REGION
    # An aggregator that links none of the targets may still link Regions nobody has listed.
    aggregates = aggregation.home in regions and aggregation.mode != "NO_REGIONS"
    return HOME_REGION if aggregates or linked else PER_REGION


def _mode_problems(setting: str, aggregation: Aggregation | None, regions: list[str], linked: list[str]) -> list[str]:
    if setting not in CHOICES:
        return [f"securityhub_slack_aggregation is {setting!r}: use {', '.join(CHOICES)}"]
    if aggregation is None:
        if setting == HOME_REGION:
            return ["securityhub_slack_aggregation is home_region, and the account has no finding aggregator: use auto"]
        return []
    if setting != PER_REGION and linked and aggregation.home not in regions:
        return [
            f"{', '.join(linked)} feed the home Region {aggregation.home}, which is no target: add it to the "
            f"inventory, or set securityhub_slack_aggregation to per_region"
        ]
    return []


def _default_owner(senders: list[Candidate], home: str) -> str:
    able = [candidate.region for candidate in senders if candidate.sends] or [item.region for item in senders]
    for preferred in (USUAL_OWNER, home):
        if preferred in able:
            return preferred
    return able[0] if able else ""


def _owner_problems(owner: str, candidates: Sequence[Candidate]) -> list[str]:
    if not owner or not _anybody_cares(candidates):
        return []
    found = [candidate for candidate in candidates if candidate.region == owner]
    if found and found[0].sends:
        return []
    able = [candidate.region for candidate in candidates if candidate.sends]
    if not able:
        return []
    remedy = f"use one of {', '.join(able)}"
    if not found:
        cause = "which is no target"
        remedy += ", or set securityhub_slack_job_slices if another job has it"
    elif found[0].hub is False:
        cause = "where Security Hub is off"
    else:
        cause = "which forwards nothing automatically"
    return [f"global findings would be lost: securityhub_slack_global_findings_region is {owner}, {cause}: {remedy}"]


def _anybody_cares(candidates: Sequence[Candidate]) -> bool:
    return any(cares(policy) for candidate in candidates for name, policy in candidate.policies)


def cares(policy: Policy) -> bool:
    """Return whether the policy leaves findings about global resources to the owner Region."""
    once = policy.global_controls_once or policy.global_guardduty_once or policy.global_access_analyzer_once
    return once and bool(policy.severities)


def _home_problems(candidates: Sequence[Candidate], home: str, linked: list[str]) -> list[str]:
    routes = dict(next((candidate.policies for candidate in candidates if candidate.region == home), ()))
    if not routes:
        return []
    found = []
    for candidate in candidates:
        if candidate.region not in linked:
            continue
        for name, policy in candidate.policies:
            if name not in routes:
                found.append(
                    f"{candidate.region} feeds the home Region {home}, which has no channel {name}: give {home} "
                    f"the same securityhub_slack_channels"
                )
            elif policy.schema != routes[name].schema:
                found.append(
                    f"securityhub_slack_finding_format is {policy.schema} for {candidate.region} and "
                    f"{routes[name].schema} for {home}, which sends for it: set it once for the account"
                )
    return found


def _place(
    candidate: Candidate, candidates: Sequence[Candidate], linked: list[str], home: str, mode: str, owner: str
) -> Place:
    region = candidate.region
    if mode == HOME_REGION and region in linked:
        return Place(region, (), f"its findings are sent from the home Region {home}, by the policy of {region}")
    if mode == HOME_REGION and region == home:
        scopes = tuple(
            Scope(region, owner, _linked_policies(name, policy, candidates, linked), aggregates=True)
            for name, policy in candidate.policies
        )
        return Place(region, scopes)
    return Place(region, tuple(Scope(region, owner, only_own=region == home) for name, policy in candidate.policies))


def _linked_policies(
    name: str, policy: Policy, candidates: Sequence[Candidate], linked: list[str]
) -> tuple[tuple[str, Policy], ...]:
    """Return for each linked target its policy of the route *name*; without that route it sends nothing there."""
    silent = replace(policy, severities=())
    return tuple(
        (candidate.region, dict(candidate.policies).get(name, silent))
        for candidate in sorted(candidates, key=lambda item: item.region)
        if candidate.region in linked
    )


def _notices(mode: str, home: str, linked: list[str], owner: str, candidates: Sequence[Candidate]) -> list[str]:
    found = []
    if mode == HOME_REGION and linked:
        found.append(f"{home} sends for the Regions that feed it: {', '.join(linked)}")
    if mode == PER_REGION and linked:
        found.append(f"an aggregator copies findings to {home}, and each Region still sends its own")
    if owner and len(candidates) > 1 and _anybody_cares(candidates):
        found.append(f"findings about global resources are sent for {owner} only")
    return found
