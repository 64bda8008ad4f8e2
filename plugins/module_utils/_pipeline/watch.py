# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions of an account where Security Hub is on and that no target sends for: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._inventory.discovery import HUB_UNKNOWN
from .._routing.topology import HOME_REGION

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._inventory.discovery import AccountFacts
    from .._routing.topology import Aggregation


def without_pipeline(found: AccountFacts, aggregation: Aggregation | None, mode: str) -> tuple[str, ...]:
    """Return the regions whose findings nobody sends.

    *found*: the account's regions that the inventory does not have. *mode*: the topology's, which decides whether the
    home Region of *aggregation* sends for the Regions that it links, also for those that are no targets.
    """
    return tuple(
        region
        for region in found.regions_with_hub()
        if not (mode == HOME_REGION and aggregation is not None and aggregation.links(region))
    )


def notices(found: AccountFacts, regions: Iterable[str]) -> list[str]:
    """Return what to say of *regions*, those without a pipeline, and of what *found* leaves open."""
    if found.error:
        return [f"new regions could not be looked for: {found.error}"]
    said = []
    names = ", ".join(regions)
    if names:
        said.append(
            f"Security Hub is on in {names}, and there is no pipeline: add it to the inventory, or let the "
            f"inventory plugin secops.securityhub.securityhub_regions find the regions"
        )
    unknown = {region: hub.reason for region, hub in found.regions.items() if hub.state == HUB_UNKNOWN}
    if unknown:
        said.append(
            f"the inventory does not have {', '.join(unknown)}, and whether Security Hub is on there is not known: "
            f"{next(iter(unknown.values()))}"
        )
    return said
