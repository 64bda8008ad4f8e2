# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions with Security Hub whose findings are not forwarded."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import HUB_DISABLED
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import HUB_ENABLED
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import HUB_UNKNOWN
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import AccountFacts
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import Hub
from ansible_collections.secops.securityhub.plugins.module_utils._plan import coverage
from ansible_collections.secops.securityhub.plugins.module_utils._routing.topology import HOME_REGION
from ansible_collections.secops.securityhub.plugins.module_utils._routing.topology import PER_REGION
from ansible_collections.secops.securityhub.plugins.module_utils._routing.topology import Aggregation

REGIONS = {
    "eu-south-1": Hub(HUB_ENABLED),
    "ap-east-1": Hub(HUB_ENABLED),
    "af-south-1": Hub(HUB_DISABLED),
    "me-south-1": Hub(HUB_UNKNOWN, "a service control policy denies it."),
}
FOUND = AccountFacts("111111111111", "aws", REGIONS)
ALL = Aggregation("us-east-1", "ALL_REGIONS")


@pytest.mark.parametrize(
    ("aggregation", "mode", "expected"),
    [
        (None, PER_REGION, ("ap-east-1", "eu-south-1")),
        (ALL, PER_REGION, ("ap-east-1", "eu-south-1")),
        (ALL, HOME_REGION, ()),
        (Aggregation("us-east-1", "SPECIFIED_REGIONS", ("ap-east-1",)), HOME_REGION, ("eu-south-1",)),
    ],
)
def test_a_region_is_uncovered_unless_the_home_region_forwards_its_findings(aggregation, mode, expected):
    assert coverage.uncovered(FOUND, aggregation, mode) == expected


def test_names_the_uncovered_regions_and_those_that_could_not_be_read():
    missing, unknown = coverage.notices(FOUND, ["ap-east-1", "eu-south-1"])
    for fact in ("Security Hub is enabled in ap-east-1, eu-south-1", "inventory", "securityhub_regions"):
        assert fact in missing
    assert "me-south-1" in unknown
    assert "a service control policy denies it." in unknown
    assert "af-south-1" not in missing + unknown


def test_reports_nothing_where_every_region_is_covered():
    assert coverage.notices(AccountFacts("111111111111", "aws", {"af-south-1": Hub(HUB_DISABLED)}), []) == []


def test_reports_nothing_where_it_was_not_asked_to_look():
    assert coverage.uncovered(None, ALL, PER_REGION) == ()
    assert coverage.notices(None, ()) == []


def test_reports_why_it_could_not_look():
    (notice,) = coverage.notices(AccountFacts(error="AccessDenied: allow it."), [])
    assert "uncovered regions" in notice
    assert notice.endswith(": AccessDenied: allow it.")
