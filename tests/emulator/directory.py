# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts of the organization as AWS Organizations lists them, by the account state.

https://docs.aws.amazon.com/organizations/latest/APIReference: List operations can return an empty page although there
are more results. Only the management account and delegated administrators may call them.
"""

from __future__ import annotations

import json
from typing import Any
from typing import Callable

from account_state import AccountState
from ministack.core.responses import error_response_json
from ministack.core.responses import get_account_id
from ministack.services import organizations

PAGE = 20
# The token of the first page that is not empty.
BEGINNING = "0"


def install(account_state: AccountState) -> None:
    """Replace the answers of ministack."""

    def units() -> dict[str, str] | None:
        return account_state.account(get_account_id())["units"]

    def members() -> dict[str, dict[str, Any]]:
        return {name: facts for name, facts in account_state.accounts.items() if facts["name"]}

    def shape(account: str, facts: dict[str, Any]) -> dict[str, Any]:
        return {"Id": account, "Name": facts["name"], "Status": "ACTIVE", "State": "ACTIVE"}

    def all_accounts(_given: dict) -> list[dict]:
        return [shape(name, facts) for name, facts in members().items()]

    def of_parent(given: dict) -> list[dict] | None:
        parent = given["ParentId"]
        found = [shape(name, facts) for name, facts in members().items() if facts["organizational_unit"] == parent]
        return found if parent in _known(units()) else None

    def below(given: dict) -> list[dict] | None:
        parent = given["ParentId"]
        if parent not in _known(units()):
            return None
        return [{"Id": unit, "Name": unit} for unit, above in (units() or {}).items() if above == parent]

    def tags(given: dict) -> list[dict] | None:
        facts = members().get(given["ResourceId"])
        return None if facts is None else [{"Key": key, "Value": value} for key, value in facts["tags"].items()]

    for operation, member, read, missing in (
        ("ListAccounts", "Accounts", all_accounts, ""),
        ("ListAccountsForParent", "Accounts", of_parent, "ParentNotFoundException"),
        ("ListOrganizationalUnitsForParent", "OrganizationalUnits", below, "ParentNotFoundException"),
        ("ListTagsForResource", "Tags", tags, "TargetNotFoundException"),
    ):
        organizations._DISPATCH[operation] = _operation(units, member, read, missing)


def _known(units: dict[str, str] | None) -> set[str]:
    return {*(units or {}), *(units or {}).values()}


def _operation(
    units: Callable[[], dict | None], member: str, read: Callable[[dict], list[dict] | None], missing: str
) -> Callable[[dict], Any]:
    def answer(given: dict) -> Any:
        if units() is None:
            message = "You don't have permissions to access this resource."
            return error_response_json("AccessDeniedException", message, 400)
        found = read(given)
        if found is None:
            return error_response_json(missing, "We can't find what you specified.", 400)
        start = given.get("NextToken")
        page: dict[str, Any] = {member: []}
        if start is None and found:
            page["NextToken"] = BEGINNING
        elif start is not None:
            end = int(start) + PAGE
            page[member] = found[int(start) : end]
            if end < len(found):
                page["NextToken"] = str(end)
        return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(page).encode()

    return answer
