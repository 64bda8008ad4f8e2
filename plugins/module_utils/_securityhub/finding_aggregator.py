# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Aggregates the findings of an account in a home region. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._aws.errors import UserError
from .._aws.names import REGION
from .._services import securityhub
from .hub import where_enabled

if TYPE_CHECKING:
    from .._aws.clients import Caller
    from .._services.securityhub import FindingAggregator

# True: the mode needs a list of regions.
MODES = {
    "ALL_REGIONS": False,
    "ALL_REGIONS_EXCEPT_SPECIFIED": True,
    "SPECIFIED_REGIONS": True,
    "NO_REGIONS": False,
}


def problems(mode: str | None, regions: list[str], home: str) -> list[str]:
    """Return what AWS would refuse, each with its remedy."""
    found = [
        f"regions has {region!r}, which is not an AWS region." for region in regions if not REGION.fullmatch(region)
    ]
    if home in regions:
        found.append(f"regions has {home}, which is the home region. Remove it.")
    if mode is None:
        return found
    if MODES[mode] and not regions:
        found.append(f"region_linking_mode {mode} requires regions.")
    if not MODES[mode] and regions:
        found.append(f"region_linking_mode {mode} cannot be combined with regions. Remove regions.")
    return found


def read_aggregator(aws: Caller, hub_needed: bool) -> FindingAggregator | None:
    """Return the aggregator of the account, or None. Raise HubNotEnabled if *hub_needed*."""

    def read() -> FindingAggregator | None:
        arns = aws.call("securityhub", securityhub.list_finding_aggregators)
        return aws.call("securityhub", securityhub.get_finding_aggregator, arns[0]) if arns else None

    return where_enabled(read, hub_needed=hub_needed)


def desired_of(mode: str, regions: list[str]) -> FindingAggregator:
    """Return the members of the desired aggregator."""
    if not regions:
        return {"RegionLinkingMode": mode}
    return {"RegionLinkingMode": mode, "Regions": sorted(set(regions))}


def is_as_desired(current: FindingAggregator, desired: FindingAggregator) -> bool:
    """Tell whether the aggregator links the desired regions."""
    mode, regions = desired["RegionLinkingMode"], desired.get("Regions", [])
    return current["RegionLinkingMode"] == mode and (not MODES[mode] or sorted(current["Regions"]) == regions)


def ensure_present(
    aws: Caller, current: FindingAggregator | None, desired: FindingAggregator, check_mode: bool
) -> FindingAggregator:
    """Return the aggregator as it is (or would be) afterwards. Raise UserError if its home is another region."""
    if current is None:
        if check_mode:
            return {"FindingAggregationRegion": aws.region, **desired}
        return aws.call("securityhub", securityhub.create_finding_aggregator, desired)
    home = current["FindingAggregationRegion"]
    if home != aws.region:
        raise UserError(
            f"this account already aggregates findings in {home}, and AWS cannot move the home region. Set region to "
            f"{home}, or delete the aggregator first (state: absent)."
        )
    if is_as_desired(current, desired):
        return current
    if check_mode:
        return {**current, "Regions": [], **desired}
    return aws.call("securityhub", securityhub.update_finding_aggregator, current["FindingAggregatorArn"], desired)
