# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Organizations: one function a call. PRIVATE to the collection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from typing import Any

from .refusals import existing

if TYPE_CHECKING:
    from .._resource.shapes import Json


def effective_chatbot_policy(client: Any) -> Json | None:
    """Return the effective chat applications policy of the caller's account, or None if there is none.

    Its shape: https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_chatbot_syntax.html
    """
    answer = existing(
        lambda: client.describe_effective_policy(PolicyType="CHATBOT_POLICY"),
        (client.exceptions.AWSOrganizationsNotInUseException, client.exceptions.EffectivePolicyNotFoundException),
    )
    content: Json | None = json.loads(answer["EffectivePolicy"]["PolicyContent"]) if answer else None
    return content


def list_accounts(client: Any) -> dict[str, str]:
    """Return the names of all accounts of the organization by ID: one call for every 20."""
    pages = client.get_paginator("list_accounts").paginate()
    return {account["Id"]: account["Name"] for page in pages for account in page["Accounts"]}


def accounts_in(client: Any, parent: str) -> list[str]:
    """Return the IDs of the accounts directly in an organizational unit or root: one call for every 20."""
    pages = client.get_paginator("list_accounts_for_parent").paginate(ParentId=parent)
    return [account["Id"] for page in pages for account in page["Accounts"]]


def units_in(client: Any, parent: str) -> list[str]:
    """Return the IDs of the organizational units directly in another one or a root."""
    pages = client.get_paginator("list_organizational_units_for_parent").paginate(ParentId=parent)
    return [unit["Id"] for page in pages for unit in page["OrganizationalUnits"]]


def tags_of(client: Any, account_id: str) -> dict[str, str]:
    """Return the tags of an account."""
    pages = client.get_paginator("list_tags_for_resource").paginate(ResourceId=account_id)
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
