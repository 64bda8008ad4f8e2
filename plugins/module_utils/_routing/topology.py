# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which targets of an account forward findings, and of which Regions: pure. PRIVATE to the collection.

An aggregator copies the findings of linked Regions to its home Region, and the linked Regions still emit their own
(https://docs.aws.amazon.com/securityhub/latest/userguide/finding-aggregation.html). So either the home Region forwards
the findings of all of them, or each Region forwards its own; never both.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from typing import Any

from .policy import Policy
from .policy import Scope

AUTO = "auto"
PER_REGION = "per_region"
HOME_REGION = "home_region"
CHOICES = (AUTO, PER_REGION, HOME_REGION)

NO_GLOBAL_FINDINGS_REGION = (
    "this job has one slice of the inventory (securityhub_slack_job_slices), and all slices must agree on the region "
    "that forwards findings about global resources: set securityhub_slack_global_findings_region to the same region "
    "for all of them"
)

# Where AWS records the events of global services.
PREFERRED_GLOBAL_FINDINGS_REGION = "us-east-1"


@dataclass(frozen=True)
class Aggregation:
    """A finding aggregator: the home Region, and which other Regions it links (mode and Regions as AWS names them)."""

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
    """Return the aggregator in the answer of GetFindingAggregator or GetAggregatorV2 (None: the account has none).

    Security Hub CSPM (ASFF) and the new Security Hub (OCSF) have an aggregator each.
    """
    if not answer:
        return None
    home = answer.get("FindingAggregationRegion") or answer["AggregationRegion"]
    regions = answer.get("Regions") or answer.get("LinkedRegions") or ()
    return Aggregation(home, answer["RegionLinkingMode"], tuple(sorted(regions)))


@dataclass(frozen=True)
class Candidate:
    """A target: its Region, its policy for each channel by the channel's name, and whether Security Hub is enabled.

    hub: None if that is not known. in_another_slice: another slice of the inventory has the target and its policies.
    """

    region: str
    policies: tuple[tuple[str, Policy], ...]
    hub: bool | None = None
    in_another_slice: bool = False

    @property
    def forwards(self) -> bool:
        """Return whether the target may forward findings automatically to any channel."""
        return self.hub is not False and (
            self.in_another_slice or any(policy.severities for _channel, policy in self.policies)
        )

    def forwards_to(self, channel: str) -> bool:
        """Return whether the target may forward findings automatically to *channel*."""
        policy = dict(self.policies).get(channel)
        return self.hub is not False and (self.in_another_slice or bool(policy and policy.severities))


@dataclass(frozen=True)
class Assignment:
    """What one target forwards: a scope for each of its channels, in order; if there is none, the reason."""

    region: str
    scopes: tuple[Scope, ...]
    reason: str = ""


@dataclass(frozen=True)
class Topology:
    """The assignments of an account's targets, in their order, notices, and problems with their remedies."""

    mode: str
    global_findings_region: str
    assignments: tuple[Assignment, ...]
    notices: tuple[str, ...]
    problems: tuple[str, ...]


def lay_out(
    candidates: Sequence[Candidate],
    aggregation: Aggregation | None,
    setting: str,
    global_setting: str,
    *,
    sliced: bool = False,
    knows_aggregation: bool = True,
) -> Topology:
    """Return which target of one account forwards which findings.

    *candidates*: all targets that the inventory has in the account, selected in this run or not; otherwise a limited
    run would come to another global findings region and other policies. *setting*: securityhub_slack_aggregation.
    *global_setting*: securityhub_slack_global_findings_region, or an empty text. *sliced*: the account may have
    targets that this job's inventory does not have; a topology that depends on them is a problem. *knows_aggregation*:
    False if AWS did not answer whether there is an aggregator. Then every rule matches findings of its own Region only,
    which is right with any aggregator.
    """
    regions = [candidate.region for candidate in candidates if not candidate.in_another_slice]
    linked = [region for region in regions if aggregation and aggregation.links(region)]
    home = aggregation.home if aggregation else ""
    mode = _mode(setting, aggregation, regions, linked)
    forwarding = [candidate for candidate in candidates if mode == PER_REGION or candidate.region not in linked]
    # What depends on the aggregator is not asked for with per_region, which works without access to AWS.
    owner = global_setting or _default_global_region(forwarding, candidates, home if mode == HOME_REGION else "")
    if sliced and (mode == HOME_REGION or (not global_setting and _channels_with_global(candidates))):
        problems = [_sliced_home_region(home) if mode == HOME_REGION else NO_GLOBAL_FINDINGS_REGION]
    else:
        problems = _mode_problems(setting, aggregation, regions, linked, knows_aggregation)
        of_home = _home_problems(candidates, home, linked) if mode == HOME_REGION else []
        # A channel that the home Region lacks is reported once.
        problems = [*problems, *(of_home or _global_problems(owner, candidates))]
    assignments = tuple(_assignment(candidate, candidates, linked, home, mode, owner) for candidate in candidates)
    notices = tuple(_notices(mode, home, linked, owner, candidates))
    if not knows_aggregation:
        assignments = tuple(
            replace(item, scopes=tuple(replace(scope, only_own=True) for scope in item.scopes)) for item in assignments
        )
        notices = (*notices, "each region forwards its own findings only, because it is unknown which are linked")
    return Topology(mode, owner, assignments, notices, tuple(problems))


def _sliced_home_region(home: str) -> str:
    return (
        f"this job has one slice of the inventory (securityhub_slack_job_slices), but the home region {home} forwards "
        f"findings of its linked regions by their policies, which other slices have: split this account's work with "
        f"--limit, which reads the whole inventory, or set securityhub_slack_aggregation to per_region"
    )


def _mode(setting: str, aggregation: Aggregation | None, regions: list[str], linked: list[str]) -> str:
    if aggregation is None or setting == PER_REGION:
        return PER_REGION
    # An aggregator that links none of the targets may still link Regions that are not in the inventory.
    aggregates = aggregation.home in regions and aggregation.mode != "NO_REGIONS"
    return HOME_REGION if aggregates or linked else PER_REGION


def _mode_problems(
    setting: str, aggregation: Aggregation | None, regions: list[str], linked: list[str], is_known: bool
) -> list[str]:
    if setting not in CHOICES:
        return [f"securityhub_slack_aggregation is {setting!r}: use {', '.join(CHOICES)}"]
    if aggregation is None:
        if setting == HOME_REGION and not is_known:
            return [
                "securityhub_slack_aggregation is home_region, but it is unknown which regions are linked: grant "
                "securityhub:ListAggregatorsV2 and securityhub:GetAggregatorV2, or use per_region"
            ]
        if setting == HOME_REGION:
            return ["securityhub_slack_aggregation is home_region, but the account has no finding aggregator: use auto"]
        return []
    if setting != PER_REGION and linked and aggregation.home not in regions:
        return [
            f"{', '.join(linked)} are linked to the home region {aggregation.home}, which is not a target: add it to "
            f"the inventory, or set securityhub_slack_aggregation to per_region"
        ]
    return []


def _default_global_region(forwarding: list[Candidate], candidates: Sequence[Candidate], home: str) -> str:
    """Return the first usable Region of: the preferred one, the home Region, the others in order.

    Usable is what forwards to every channel that has global findings; without one, what forwards to any channel.
    """
    channels = _channels_with_global(candidates)
    to_all = [item for item in forwarding if item.forwards and all(map(item.forwards_to, channels))]
    usable = to_all or [item for item in forwarding if item.forwards] or forwarding
    regions = [item.region for item in usable]
    return next((region for region in (PREFERRED_GLOBAL_FINDINGS_REGION, home) if region in regions), (*regions, "")[0])


def _global_problems(owner: str, candidates: Sequence[Candidate]) -> list[str]:
    """Return a problem for each channel that would get no global finding at all."""
    found = next((candidate for candidate in candidates if candidate.region == owner), None)
    sentences = []
    for channel in _channels_with_global(candidates) if owner else ():
        usable = [candidate.region for candidate in candidates if candidate.forwards_to(channel)]
        if owner in usable or not usable:
            continue
        remedy = f"use one of {', '.join(usable)}"
        if found is None:
            cause = "which is not a target"
            remedy += ", or set securityhub_slack_job_slices if another job has it"
        elif found.hub is False:
            cause = "where Security Hub is not enabled"
        elif found.forwards:
            cause = f"which forwards nothing automatically to the channel {channel}"
            remedy += f", or forward automatically to {channel} from {owner} too"
        else:
            cause = "which forwards nothing automatically"
        sentences.append(
            f"global findings would be lost: securityhub_slack_global_findings_region is {owner}, {cause}: {remedy}"
        )
    return list(dict.fromkeys(sentences))


def _channels_with_global(candidates: Sequence[Candidate]) -> list[str]:
    """Return the channels for which some target leaves global findings to the global findings region."""
    return list(
        dict.fromkeys(
            channel
            for candidate in candidates
            for channel, policy in candidate.policies
            if leaves_global_findings(policy)
        )
    )


def leaves_global_findings(policy: Policy) -> bool:
    """Return whether the policy leaves findings about global resources to the global findings region."""
    return bool(policy.deduplicate_global and policy.severities)


def _home_problems(candidates: Sequence[Candidate], home: str, linked: list[str]) -> list[str]:
    channels = dict(next((candidate.policies for candidate in candidates if candidate.region == home), ()))
    if not channels:
        return []
    sentences = []
    for candidate in candidates:
        if candidate.region not in linked:
            continue
        for name, policy in candidate.policies:
            if name not in channels:
                sentences.append(
                    f"{candidate.region} is linked to the home region {home}, which has no channel {name} (or "
                    f"receiver): set the same securityhub_slack_channels and securityhub_slack_receivers for {home}"
                )
            elif policy.finding_format != channels[name].finding_format:
                sentences.append(
                    f"securityhub_slack_finding_format is {policy.finding_format} for {candidate.region} and "
                    f"{channels[name].finding_format} for {home}, which forwards its findings: set it once for the "
                    f"account"
                )
    return sentences


def _assignment(
    candidate: Candidate, candidates: Sequence[Candidate], linked: list[str], home: str, mode: str, owner: str
) -> Assignment:
    region = candidate.region
    if mode == HOME_REGION and region in linked:
        reason = f"the home region {home} forwards its findings, by the policy of {region}"
        return Assignment(region, (), reason)
    if mode == HOME_REGION and region == home:
        scopes = tuple(
            Scope(region, owner, _linked_policies(name, policy, candidates, linked), aggregates=True)
            for name, policy in candidate.policies
        )
        return Assignment(region, scopes)
    return Assignment(region, tuple(Scope(region, owner, only_own=region == home) for _policy in candidate.policies))


def _linked_policies(
    name: str, policy: Policy, candidates: Sequence[Candidate], linked: list[str]
) -> tuple[tuple[str, Policy], ...]:
    """Return the policy of each linked target for the channel *name*; a target without it forwards nothing to it."""
    silent = replace(policy, severities=())
    return tuple(
        (candidate.region, dict(candidate.policies).get(name, silent))
        for candidate in sorted(candidates, key=lambda item: item.region)
        if candidate.region in linked
    )


def _notices(mode: str, home: str, linked: list[str], owner: str, candidates: Sequence[Candidate]) -> list[str]:
    notices = []
    if mode == HOME_REGION and linked:
        notices.append(f"{home} forwards the findings of its linked regions: {', '.join(linked)}")
    if mode == PER_REGION and linked:
        notices.append(f"an aggregator copies findings to {home}, but each region forwards its own")
    if owner and len(candidates) > 1 and _channels_with_global(candidates):
        notices.append(f"only {owner} forwards findings about global resources")
    return notices
