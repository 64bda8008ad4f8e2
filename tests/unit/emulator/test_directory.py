# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Organizations as the emulator has it: in pages, of which the first is empty, and not for everyone."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

ADMINISTRATOR, UNIT, BELOW = "111111111111", "ou-ab12-11111111", "ou-ab12-22222222"
MEMBERS = [f"{number:012}" for number in range(200, 245)]


@pytest.fixture
def client(emulator):
    emulator.world({ADMINISTRATOR: {"units": {UNIT: "r-ab12", BELOW: UNIT}}})
    unit = {"organizational_unit": BELOW, "tags": {"team": "shop"}}
    emulator.world({account: {"name": f"shop-{account}", **unit} for account in MEMBERS})
    return emulator.client("organizations", account=ADMINISTRATOR)


def test_accounts_come_in_pages(client):
    assert client.list_accounts()["Accounts"] == []
    pages = list(client.get_paginator("list_accounts").paginate())
    assert [len(page["Accounts"]) for page in pages] == [0, 20, 20, 5]
    found = [account for page in pages for account in page["Accounts"]]
    assert {account["Id"]: account["Name"] for account in found} == {item: f"shop-{item}" for item in MEMBERS}


def test_units_have_accounts_and_units(client):
    def listed(operation, key, parent):
        return [item["Id"] for page in client.get_paginator(operation).paginate(ParentId=parent) for item in page[key]]

    assert listed("list_organizational_units_for_parent", "OrganizationalUnits", UNIT) == [BELOW]
    assert listed("list_accounts_for_parent", "Accounts", UNIT) == []
    assert listed("list_accounts_for_parent", "Accounts", BELOW) == MEMBERS


def test_accounts_have_tags(client):
    pages = client.get_paginator("list_tags_for_resource").paginate(ResourceId=MEMBERS[0])
    assert [tag for page in pages for tag in page["Tags"]] == [{"Key": "team", "Value": "shop"}]


@pytest.mark.parametrize(
    ("account", "code"), [(ADMINISTRATOR, "ParentNotFoundException"), (MEMBERS[0], "AccessDeniedException")]
)
def test_what_is_refused(client, emulator, account, code):
    with pytest.raises(ClientError) as raised:
        emulator.client("organizations", account=account).list_accounts_for_parent(ParentId="ou-ab12-33333333")
    assert raised.value.response["Error"]["Code"] == code
