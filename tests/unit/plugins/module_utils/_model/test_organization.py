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
    ("found", "said"),
    [
        (Organization(), []),
        (Organization(designated=""), ["for which no account administers Security Hub yet: the playbook"]),
        (Organization(designated=OTHER), [f"administrator of Security Hub is {OTHER}: the findings of all members"]),
        (
            Organization(designated=ACCOUNT, rules=rules()),
            ["administers its Security Hub itself", "joins does not get"],
        ),
        (Organization(rules=rules(True)), ["joins gets Security Hub by itself (local configuration)"]),
        (Organization(rules=rules(kind="CENTRAL")), ["by configuration policies (central configuration)"]),
        (Organization(rules=rules(kind="CENTRAL", status="PENDING")), ["(central configuration, PENDING)"]),
        (Organization(rules={"AutoEnable": True}), ["joins gets Security Hub by itself"]),
    ],
)
def test_what_an_account_is_in_its_organisation(found, said):
    sentences = role_in_words(ACCOUNT, found)
    assert len(sentences) == len(said)
    for sentence, part in zip(sentences, said):
        assert sentence.startswith(f"{ACCOUNT} is the ")
        assert part in sentence


@pytest.mark.parametrize(
    ("mode", "regions", "said"),
    [
        ("ALL_REGIONS", (), "all Regions"),
        ("ALL_REGIONS_EXCEPT_SPECIFIED", ("us-east-1", "us-west-2"), "all Regions but us-east-1, us-west-2"),
        ("SPECIFIED_REGIONS", ("us-east-1",), "us-east-1"),
        ("NO_REGIONS", (), "no other Region"),
    ],
)
def test_what_an_aggregator_copies(mode, regions, said):
    words = aggregation_in_words(Aggregation("eu-west-1", mode, regions))
    assert words == f"An aggregator copies the findings of {said} to eu-west-1"
