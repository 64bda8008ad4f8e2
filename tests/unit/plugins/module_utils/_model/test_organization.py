# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._model.organization import Organization
from ansible_collections.secops.securityhub.plugins.module_utils._model.organization import aggregation_in_words
from ansible_collections.secops.securityhub.plugins.module_utils._model.organization import role_in_words
from ansible_collections.secops.securityhub.plugins.module_utils._routing.topology import Aggregation

ACCOUNT, OTHER = "999999999999", "111111111111"


def rules(auto_enable=False, kind="LOCAL", status="ENABLED"):
    return {"AutoEnable": auto_enable, "OrganizationConfiguration": {"ConfigurationType": kind, "Status": status}}


@pytest.mark.parametrize(
    ("found", "facts"),
    [
        (Organization(), []),
        (
            Organization(designated=""),
            [("management account", "no delegated administrator", "securityhub_organization")],
        ),
        (
            Organization(designated=OTHER),
            [("management account", f"delegated administrator of Security Hub is {OTHER}", f"playbook for {OTHER}")],
        ),
        (
            Organization(designated=ACCOUNT, rules=rules()),
            [
                ("management account", "administers its Security Hub itself"),
                ("delegated administrator", "joins does not get Security Hub"),
            ],
        ),
        (Organization(rules=rules(True)), [("joins gets Security Hub", "(local configuration)")]),
        (Organization(rules=rules(kind="CENTRAL")), [("configuration policies (central configuration)",)]),
        (Organization(rules=rules(kind="CENTRAL", status="PENDING")), [("(central configuration, PENDING)",)]),
        (Organization(rules={"AutoEnable": True}), [("joins gets Security Hub",)]),
    ],
)
def test_role_of_an_account_in_its_organization(found, facts):
    sentences = role_in_words(ACCOUNT, found)
    assert len(sentences) == len(facts)
    for sentence, expected in zip(sentences, facts):
        assert sentence.startswith(f"{ACCOUNT} is the ")
        assert [fact for fact in expected if fact not in sentence] == []


@pytest.mark.parametrize(
    ("mode", "regions", "copied"),
    [
        ("ALL_REGIONS", (), "all regions"),
        ("ALL_REGIONS_EXCEPT_SPECIFIED", ("us-east-1", "us-west-2"), "all regions but us-east-1, us-west-2"),
        ("SPECIFIED_REGIONS", ("us-east-1",), "us-east-1"),
        ("NO_REGIONS", (), "no other region"),
    ],
)
def test_regions_that_an_aggregator_copies(mode, regions, copied):
    words = aggregation_in_words(Aggregation("eu-west-1", mode, regions))
    assert words == f"An aggregator copies the findings of {copied} to eu-west-1"
