# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ministack says about accounts, replaced by the account state: enabled regions and roles that may be assumed."""

from __future__ import annotations

from typing import Any

from account_state import ALL_REGIONS
from account_state import OPT_IN_REGIONS
from account_state import AccountState
from ministack.core.responses import get_account_id
from ministack.services import account
from ministack.services import ec2


def install(account_state: AccountState) -> None:
    """Replace the answers of ministack by those of the account state."""
    account._DISPATCH["/listRegions"] = lambda payload: _list_regions(account_state, payload)
    account._DISPATCH["/getRegionOptStatus"] = lambda payload: _region_status(account_state, payload)
    ec2._ACTION_MAP["DescribeRegions"] = lambda params: _describe_regions(account_state, params)


def sts_params(body: bytes, query: dict) -> dict[str, str]:
    """Return the parameters of a query-protocol request."""
    from urllib.parse import parse_qs

    given = {**query, **parse_qs(body.decode())}
    return {name: values[0] if isinstance(values, list) else values for name, values in given.items()}


def may_assume(account_state: AccountState, params: dict[str, str]) -> bool:
    """Return whether a role is in its account's list, if that has one, and the external id is right."""
    arn = params.get("RoleArn", "")
    parts = arn.split(":")
    allowed = account_state.account(parts[4])["roles"] if len(parts) > 4 else None
    if allowed is None:
        return True
    for role in allowed:
        if isinstance(role, str) and role == arn:
            return True
        if isinstance(role, dict) and role["arn"] == arn:
            return role.get("external_id") in (None, params.get("ExternalId"))
    return False


def status_of(account_state: AccountState, region: str) -> str:
    """Return a region's opt-in status as Account Management names it."""
    if region not in OPT_IN_REGIONS:
        return "ENABLED_BY_DEFAULT"
    return "ENABLED" if account_state.is_enabled(get_account_id(), region) else "DISABLED"


def _list_regions(account_state: AccountState, payload: dict) -> Any:
    statuses = payload.get("RegionOptStatusContains") or []
    found = [{"RegionName": region, "RegionOptStatus": status_of(account_state, region)} for region in ALL_REGIONS]
    return account._json(
        200,
        {"Regions": [region for region in found if not statuses or region["RegionOptStatus"] in statuses]},
    )


def _region_status(account_state: AccountState, payload: dict) -> Any:
    region = payload.get("RegionName")
    if region not in ALL_REGIONS:
        return account.error_response_json("ResourceNotFoundException", f"Region not found: {region}", 404)
    return account._json(200, {"RegionName": region, "RegionOptStatus": status_of(account_state, region)})


def _describe_regions(account_state: AccountState, params: dict) -> Any:
    everything = ec2._p(params, "AllRegions") == "true"
    names = [ec2._p(params, f"RegionName.{index}") for index in range(1, 100)]
    names = [name for name in names if name]
    items = []
    for region in ALL_REGIONS:
        status = {"ENABLED_BY_DEFAULT": "opt-in-not-required", "ENABLED": "opted-in", "DISABLED": "not-opted-in"}[
            status_of(account_state, region)
        ]
        if (names and region not in names) or (not everything and not names and status == "not-opted-in"):
            continue
        items.append(
            f"<item><regionName>{region}</regionName><regionEndpoint>ec2.{region}.amazonaws.com</regionEndpoint>"
            f"<optInStatus>{status}</optInStatus></item>"
        )
    return ec2._xml(200, "DescribeRegionsResponse", f"<regionInfo>{''.join(items)}</regionInfo>")
