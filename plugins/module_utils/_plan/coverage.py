# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions with Security Hub whose findings are not forwarded: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._inventory.discovery import HUB_UNKNOWN
from .._routing.topology import HOME_REGION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._inventory.discovery import AccountFacts
    from .._routing.topology import Aggregation


def uncovered(others: AccountFacts | None, aggregation: Aggregation | None, mode: str) -> tuple[str, ...]:
    """Return the uncovered regions.

    *others*: the account's regions that the inventory does not have, None if unread. *mode*: that of the topology; the
    home region of *aggregation* may forward the findings of its linked regions, whether or not they are targets.
    """
    if others is None:
        return ()
    return tuple(
        region
        for region in others.regions_with_hub()
        if not (mode == HOME_REGION and aggregation is not None and aggregation.links(region))
    )


def notices(others: AccountFacts | None, regions: Iterable[str], unlisted: Iterable[str] = ()) -> list[str]:
    """Return what to report about *regions*, the uncovered ones, and about those of *others* that are unknown.

    *unlisted*: regions that are deployed, but not in this inventory.
    """
    found = []
    deployed = ", ".join(unlisted)
    if deployed:
        found.append(
            f"deployed, but not in this inventory: {deployed}. Nothing keeps the deployment up to date. Add the region "
            f"to the inventory. To remove the deployment, add it with securityhub_slack_state: absent"
        )
    if others is None:
        return found
    if others.error:
        return [*found, f"uncovered regions could not be found: {others.error}"]
    names = ", ".join(regions)
    if names:
        found.append(
            f"Security Hub is enabled in {names}, and its findings are not forwarded. Add it to the inventory, or use "
            f"the inventory plugin secops.securityhub.securityhub_regions, which finds the regions"
        )
    unknown = {region: hub.reason for region, hub in others.regions.items() if hub.state == HUB_UNKNOWN}
    if unknown:
        found.append(
            f"the inventory does not have {', '.join(unknown)}, and whether Security Hub is enabled there is unknown: "
            f"{next(iter(unknown.values()))}"
        )
    return found
