# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which targets of an account forward which findings, given all of them: pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .._routing import policy as policies
from .._routing import topology
from .._stack import live
from .snapshot import TargetSnapshot
from .snapshot import healthy

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable
    from collections.abc import Sequence

    from .._routing.policy import Scope
    from .settings import Settings
    from .snapshot import AccountSnapshot
    from .snapshot import Target

# What a target forwards beside the findings of its own region.
GLOBAL = "global"  # findings about global resources
LINKED = "linked"  # findings of the linked regions


def of_account(account: AccountSnapshot, today: datetime.date) -> topology.Topology:
    """Return the layout of all targets that the account should have, whichever of them are part of the run.

    A target that has failed, or is unselected, counts as it is; an invalid one counts as one like the others. They are
    ordered by region, so that every run sees the same layout.
    """
    present = present_targets(account)
    failed = [target for target in account.targets if target.problems and target.settings.present]
    candidates = [_candidate(item, item.settings, today) for item in (*present, *failed, *account.unselected)]
    candidates += [_candidate(item, present[0].settings, today) for item in account.invalid]
    return topology.lay_out(
        sorted(candidates, key=lambda candidate: candidate.region),
        topology.aggregation_of(account.facts.aggregator),
        account.settings.value("aggregation"),
        account.settings.value("global_findings_region") or "",
        sliced=account.job_slices,
        knows_aggregation=account.facts.knows_aggregator,
    )


def present_targets(account: AccountSnapshot) -> list[TargetSnapshot]:
    """Return the targets of the run, without problems, that should have a deployment."""
    return [target for target in healthy(account.targets) if target.settings.present]


def worth_reading(account: AccountSnapshot, today: datetime.date) -> list[TargetSnapshot]:
    """Return the unread unselected targets on whose state the deployments of the run's targets depend.

    They are the one that forwards global findings and the home region; those that take over from the home region; and
    all of them before anything is refused, since a region without Security Hub does not count.
    """
    present = present_targets(account)
    if not present or not account.unselected:
        return []
    unread = [item for item in account.unselected if item.live.hub is None]
    layout = of_account(account, today)
    if layout.problems:
        return unread
    regions = {layout.global_findings_region, home_region(account) if layout.mode == topology.HOME_REGION else ""}
    if layout.mode == topology.PER_REGION and any(
        LINKED in live.responsibilities_of(item.live.stack) for item in present
    ):
        regions |= linked_regions(account)
    return [item for item in unread if item.settings.region in regions]


def home_region(account: AccountSnapshot) -> str:
    """Return the region to which the account's aggregator copies findings; '' without one."""
    aggregation = topology.aggregation_of(account.facts.aggregator)
    return aggregation.home if aggregation else ""


def linked_regions(account: AccountSnapshot) -> frozenset[str]:
    """Return the regions of the inventory whose findings the account's aggregator copies."""
    aggregation = topology.aggregation_of(account.facts.aggregator)
    regions = {item.settings.region for item in account.everyone if item.settings.present}
    return frozenset(region for region in regions if aggregation and aggregation.links(region))


def is_member(account: AccountSnapshot) -> bool:
    """Return whether the account is a member whose administrator account should have the deployments instead."""
    present = [target for target in account.targets if target.settings.present]
    return bool(present and account.facts.administrator and not present[0].settings.value("allow_member"))


def policies_of(settings: Settings, today: datetime.date) -> list[policies.Policy]:
    """Return the policy of each channel of a target, then of each receiver."""
    return [policies.policy_of(route.variables, today) for route in settings.outlets]


def responsibilities(scope: Scope, of_channels: Iterable[policies.Policy]) -> tuple[str, ...]:
    """Return what a target with this scope and these policies forwards beside the findings of its own region."""
    is_global = scope.region == scope.global_findings_region and any(map(topology.leaves_global_findings, of_channels))
    return tuple(name for name, applies in ((GLOBAL, is_global), (LINKED, scope.forwards_linked)) if applies)


def forwards_global(target: Target) -> bool:
    """Return whether the live stack of a target is deployed and forwards global findings."""
    return live.is_deployed(target.live.stack) and GLOBAL in live.responsibilities_of(target.live.stack)


def in_another_slice(known: Sequence[TargetSnapshot]) -> list[TargetSnapshot]:
    """Return a stand-in for the global findings region of an account if this slice lacks it; *known*: its targets."""
    settings = known[0].settings
    region = settings.value("global_findings_region")
    if not settings.value("job_slices") or not region or region in {item.settings.region for item in known}:
        return []
    return [TargetSnapshot(replace(settings, host=region, region=region), in_another_slice=True)]


def _candidate(target: TargetSnapshot, settings: Settings, today: datetime.date) -> topology.Candidate:
    region, hub = target.settings.region, target.live.hub
    if target.in_another_slice:
        return topology.Candidate(region, (), hub, in_another_slice=True)
    by_topic = tuple((route.topic, policies.policy_of(route.variables, today)) for route in settings.outlets)
    return topology.Candidate(region, by_topic, hub)
