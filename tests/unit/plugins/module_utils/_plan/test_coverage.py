# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import HUB_DISABLED
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import HUB_ENABLED
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import HUB_UNKNOWN
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import AccountFacts
from ansible_collections.secops.securityhub.plugins.module_utils._inventory.discovery import Hub
from ansible_collections.secops.securityhub.plugins.module_utils._plan import coverage as watch
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
def test_a_region_needs_a_pipeline_unless_the_home_region_sends_for_it(aggregation, mode, expected):
    assert watch.without_pipeline(FOUND, aggregation, mode) == expected


def test_says_which_regions_have_no_pipeline_and_which_could_not_be_asked():
    missing, unknown = watch.notices(FOUND, ["ap-east-1", "eu-south-1"])
    assert "Security Hub is on in ap-east-1, eu-south-1, and there is no pipeline: add" in missing
    assert "me-south-1" in unknown
    assert "a service control policy denies it." in unknown
    assert "af-south-1" not in missing + unknown


def test_says_nothing_where_nothing_is_missing():
    assert watch.notices(AccountFacts("111111111111", "aws", {"af-south-1": Hub(HUB_DISABLED)}), []) == []


def test_says_why_it_could_not_look():
    assert watch.notices(AccountFacts(error="AccessDenied: allow it."), []) == [
        "new regions could not be looked for: AccessDenied: allow it."
    ]
