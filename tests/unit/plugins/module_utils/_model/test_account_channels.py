# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which accounts channels choose by name, organizational unit and tag."""

from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._model.account_channels import Directory
from ansible_collections.secops.securityhub.plugins.module_utils._model.account_channels import problems
from ansible_collections.secops.securityhub.plugins.module_utils._model.account_channels import unmatched
from ansible_collections.secops.securityhub.plugins.module_utils._model.account_channels import with_accounts
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import MAX_RULES
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import automatic_patterns
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Scope
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds

SHOP, SHOP_TEST, PAY, LAB = "222222222222", "333333333333", "444444444444", "555555555555"
DIRECTORY = Directory(
    names={SHOP: "shop-prod", SHOP_TEST: "shop-test", PAY: "Payments", LAB: "lab"},
    units={
        "ou-ab12-11111111": frozenset({PAY}),
        "ou-ab12-22222222": frozenset({PAY, LAB}),
        "ou-ab12-empty000": frozenset(),
    },
    tags={
        SHOP: {"team": "shop", "env": "prod"},
        SHOP_TEST: {"team": "shop", "env": "test"},
        PAY: {"team": "pay"},
        LAB: {},
    },
)


def channel(**given):
    return {"name": "team", "channel_id": "C0TEAM00000", **given}


@pytest.mark.parametrize(
    ("given", "accounts"),
    [
        ({"account_name_prefixes": ["shop-"]}, [SHOP, SHOP_TEST]),
        ({"account_name_prefixes": ["shop-p", "lab"]}, [SHOP, LAB]),
        ({"organizational_unit_ids": ["ou-ab12-22222222"]}, [PAY, LAB]),
        ({"organizational_unit_ids": ["ou-ab12-11111111", "ou-ab12-empty000"]}, [PAY]),
        ({"account_tags": {"team": "shop"}}, [SHOP, SHOP_TEST]),
        ({"account_tags": {"team": ["shop", "pay"]}}, [SHOP, SHOP_TEST, PAY]),
        ({"account_tags": {"team": "shop", "env": "prod"}}, [SHOP]),
        # Each way adds accounts.
        ({"account_name_prefixes": ["lab"], "account_tags": {"team": "pay"}, "account_ids": [SHOP]}, [SHOP, PAY, LAB]),
    ],
)
def test_a_channel_lists_the_accounts_that_it_chooses(given, accounts):
    rest = {"name": "rest", "channel_id": "C0REST00000", "other_accounts": True}
    assert with_accounts([channel(**given), rest], DIRECTORY) == [channel(account_ids=sorted(accounts)), rest]
    assert unmatched([channel(**given), rest], DIRECTORY) == []


def test_a_channel_that_chooses_no_account_is_a_problem_and_does_not_get_all():
    given = channel(account_name_prefixes=["SHOP"], account_tags={"team": "nobody"})
    (problem,) = unmatched([given], DIRECTORY)
    assert "'team'" in problem
    assert "account_name_prefixes, account_tags" in problem
    assert unmatched([channel(account_tags={"team": "nobody"}, account_ids=[LAB])], DIRECTORY) == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"account_name_prefixes": ["a", ""]}, "an empty text in account_name_prefixes"),
        ({"organizational_unit_ids": ["Payments"]}, "'Payments' in organizational_unit_ids. Use the ID"),
        ({"organizational_unit_ids": ["ou-ab12-11111111\n"]}, "in organizational_unit_ids"),
        ({"account_tags": {"team": []}}, "no value for the tag 'team' in account_tags"),
    ],
)
def test_problems_name_the_value_and_the_remedy(given, words):
    (problem,) = problems([channel(**given)])
    assert problem.startswith("the channel 'team' has ")
    assert words in problem


def test_sound_channels_have_no_problems():
    given = {
        "organizational_unit_ids": ["r-ab12", "ou-ab12-11111111"],
        "account_tags": {"team": "pay", "env": ["a", "b"]},
    }
    assert problems([channel(**given), channel(account_name_prefixes=None, account_tags=None)]) == []


@pytest.mark.parametrize("finding_format", ["asff", "ocsf"])
def test_500_accounts_in_one_channel_are_within_the_limits_of_eventbridge(finding_format):
    accounts = [f"{number * 7919 % 10**12:012}" for number in range(500)]
    policy = worlds.policy(finding_format=finding_format, minimum_severity="HIGH", account_ids=accounts)
    assert len(automatic_patterns(policy, Scope("eu-west-1", "us-east-1"))) <= MAX_RULES // 2
