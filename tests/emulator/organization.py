# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security Hub across regions and accounts: aggregators, administrator, members, organization."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING
from typing import Any
from typing import Callable

from account_state import OPT_IN_REGIONS
from account_state import AccountState
from account_state import InvalidAccountState
from ministack.core.responses import get_account_id
from ministack.core.responses import get_region
from rest_json import AwsError
from rest_json import page

if TYPE_CHECKING:
    from security_hub import SecurityHub

INVALID = "InvalidInputException"
NOT_FOUND = "ResourceNotFoundException"
# Switch administrator_none -> code, message and status of what GetAdministratorAccount answers.
NO_ADMINISTRATOR = {
    "not_found": (NOT_FOUND, "The request was rejected because we can't find the specified resource.", 404),
    "access_denied": ("AccessDeniedException", "The request failed because there is no such resource found.", 403),
}
# V1 and V2 name the same things differently.
V1 = {
    "arn": "FindingAggregatorArn",
    "region": "FindingAggregationRegion",
    "regions": "Regions",
    "resource": "finding-aggregator",
}
V2 = {"arn": "AggregatorV2Arn", "region": "AggregationRegion", "regions": "LinkedRegions", "resource": "aggregatorv2"}
WITH_REGIONS = ("ALL_REGIONS_EXCEPT_SPECIFIED", "SPECIFIED_REGIONS")


class Organization:
    """Which account and region shows the findings of which others."""

    def __init__(self, account_state: AccountState, security_hub: SecurityHub) -> None:
        self.account_state = account_state
        self.security_hub = security_hub
        self.clear()

    def clear(self) -> None:
        """Forget all aggregators and delegated administrators."""
        self.aggregators: dict[str, dict] = {}
        self.aggregators_v2: dict[str, dict] = {}
        self.admins: dict[tuple[str, str], str] = {}
        self.configurations: dict[tuple[str, str], dict] = {}

    def operations(self) -> dict[str, Callable[[dict], dict | None]]:
        """Return the operations of Security Hub that are served here."""
        return {
            "ListFindingAggregators": self.list_aggregators,
            "GetFindingAggregator": self.get_aggregator,
            "CreateFindingAggregator": self.create_aggregator,
            "UpdateFindingAggregator": self.update_aggregator,
            "DeleteFindingAggregator": self.delete_aggregator,
            "ListAggregatorsV2": self.list_aggregators_v2,
            "GetAggregatorV2": self.get_aggregator_v2,
            "CreateAggregatorV2": self.create_aggregator_v2,
            "UpdateAggregatorV2": self.update_aggregator_v2,
            "DeleteAggregatorV2": self.delete_aggregator_v2,
            "GetAdministratorAccount": self.get_administrator,
            "ListMembers": self.list_members,
            "GetMembers": self.get_members,
            "ListOrganizationAdminAccounts": self.list_admins,
            "EnableOrganizationAdminAccount": self.enable_admin,
            "DisableOrganizationAdminAccount": self.disable_admin,
            "DescribeOrganizationConfiguration": self.describe_configuration,
            "UpdateOrganizationConfiguration": self.update_configuration,
        }

    def describe(self, account: str, facts: dict[str, Any]) -> None:
        """Set an account's `aggregator` and `aggregator_v2`: {"home", "RegionLinkingMode", "Regions"}, or None."""
        for name, there, words in (("aggregator", self.aggregators, V1), ("aggregator_v2", self.aggregators_v2, V2)):
            if name not in facts:
                continue
            if not facts[name]:
                there.pop(account, None)
                continue
            if "home" not in facts[name]:
                raise InvalidAccountState(f"{name} needs a home region")
            given = {"RegionLinkingMode": facts[name].get("RegionLinkingMode", "ALL_REGIONS")}
            given[words["regions"]] = facts[name].get("Regions") or facts[name].get("LinkedRegions") or []
            there[account] = _aggregator(account, facts[name]["home"], given, words)

    def administers(self, account: str, region: str) -> bool:
        """Return whether an account is the delegated administrator in a region."""
        return self.admins.get((region, "SecurityHub")) == account

    def feeds(self, account: str, region: str, *, v2: bool = False) -> list[tuple[str, str]]:
        """Return where a finding that an account has in a region is shown, and sends an event.

        v2: in the new Security Hub, which has aggregators of its own.
        """
        accounts = [account]
        administrator = self.account_state.account(account)["administrator"]
        if administrator:
            accounts.append(administrator)
        targets = [(owner, region) for owner in accounts]
        for owner in accounts:
            home = self.home_of(owner, region, v2=v2)
            if home and home != region:
                targets.append((owner, home))
        return targets

    def home_of(self, account: str, region: str, *, v2: bool = False) -> str | None:
        """Return the region into which an account's aggregator copies the findings of a region."""
        aggregators, words = (self.aggregators_v2, V2) if v2 else (self.aggregators, V1)
        aggregator = aggregators.get(account)
        if aggregator is None:
            return None
        mode, regions = aggregator["RegionLinkingMode"], aggregator.get(words["regions"], [])
        linked = {
            "ALL_REGIONS": True,
            "ALL_REGIONS_EXCEPT_SPECIFIED": region not in regions,
            "SPECIFIED_REGIONS": region in regions,
        }.get(mode, False)
        return aggregator[words["region"]] if linked else None

    # Aggregators

    def list_aggregators(self, given: dict) -> dict:
        self.security_hub.hub()
        found = self.aggregators.get(get_account_id())
        arns = [{"FindingAggregatorArn": found["FindingAggregatorArn"]}] if found else []
        return page(arns, given, "FindingAggregators", INVALID)

    def get_aggregator(self, given: dict) -> dict:
        self.security_hub.hub()
        return _own(self.aggregators, given, V1)

    def create_aggregator(self, given: dict) -> dict:
        self.security_hub.hub()
        return _create(self.aggregators, given, V1, INVALID)

    def update_aggregator(self, given: dict) -> dict:
        self.security_hub.hub()
        return _update(self.aggregators, given, V1, INVALID)

    def delete_aggregator(self, given: dict) -> None:
        self.security_hub.hub()
        _delete(self.aggregators, given, V1, INVALID)

    def list_aggregators_v2(self, given: dict) -> dict:
        self.security_hub.hub_v2()
        found = self.aggregators_v2.get(get_account_id())
        arns = [{"AggregatorV2Arn": found["AggregatorV2Arn"]}] if found else []
        return page(arns, given, "AggregatorsV2", "ValidationException")

    def get_aggregator_v2(self, given: dict) -> dict:
        self.security_hub.hub_v2()
        return _own(self.aggregators_v2, given, V2)

    def create_aggregator_v2(self, given: dict) -> dict:
        self.security_hub.hub_v2()
        return _create(self.aggregators_v2, given, V2, "ValidationException")

    def update_aggregator_v2(self, given: dict) -> dict:
        self.security_hub.hub_v2()
        return _update(self.aggregators_v2, given, V2, "ValidationException")

    def delete_aggregator_v2(self, given: dict) -> None:
        self.security_hub.hub_v2()
        _delete(self.aggregators_v2, given, V2, "ValidationException")

    # Administrator and members

    def get_administrator(self, given: dict) -> dict:
        self.security_hub.hub()
        administrator = self.account_state.account(get_account_id())["administrator"]
        if not administrator:
            answer = self.security_hub.switches["administrator_none"]
            if answer != "empty":
                raise AwsError(*NO_ADMINISTRATOR[answer])
            return {}
        invitation = {
            "AccountId": administrator,
            "InvitationId": uuid.uuid5(uuid.NAMESPACE_URL, f"{administrator}/{get_account_id()}").hex,
            "InvitedAt": "2024-01-01T00:00:00.000Z",
            "MemberStatus": "Enabled",
        }
        return {"Administrator": invitation}

    def _members(self) -> list[dict]:
        return [
            {
                "AccountId": member,
                "MasterId": get_account_id(),
                "AdministratorId": get_account_id(),
                "MemberStatus": "Enabled",
                "InvitedAt": "2024-01-01T00:00:00.000Z",
                "UpdatedAt": "2024-01-01T00:00:00.000Z",
            }
            for member in self.account_state.members(get_account_id())
        ]

    def list_members(self, given: dict) -> dict:
        self.security_hub.hub()
        return page(self._members(), given, "Members", INVALID, default=50)

    def get_members(self, given: dict) -> dict:
        self.security_hub.hub()
        members = {member["AccountId"]: member for member in self._members()}
        return {
            "Members": [members[account] for account in given["AccountIds"] if account in members],
            "UnprocessedAccounts": [
                {"AccountId": account, "ProcessingResult": "Account is not a member"}
                for account in given["AccountIds"]
                if account not in members
            ],
        }

    # Delegated administrators, set by the management account for each region

    def _check_management(self) -> None:
        management = self.account_state.management_account
        if management is None or management != get_account_id():
            message = f"Account {get_account_id()} is not the management account of an organization"
            raise AwsError("InvalidAccessException", message)

    def list_admins(self, given: dict) -> dict:
        self._check_management()
        feature = given.get("Feature", "SecurityHub")
        admin = self.admins.get((get_region(), feature))
        accounts = [{"AccountId": admin, "Status": "ENABLED"}] if admin else []
        return {**page(accounts, given, "AdminAccounts", INVALID), "Feature": feature}

    def enable_admin(self, given: dict) -> dict:
        self._check_management()
        target = (get_region(), given.get("Feature", "SecurityHub"))
        if self.admins.get(target, given["AdminAccountId"]) != given["AdminAccountId"]:
            message = "The organization already has a delegated administrator account in this region"
            raise AwsError("ResourceConflictException", message)
        self.admins[target] = given["AdminAccountId"]
        self.security_hub.enable_in(given["AdminAccountId"], get_region())
        return {"AdminAccountId": given["AdminAccountId"], "Feature": target[1]}

    def disable_admin(self, given: dict) -> None:
        self._check_management()
        target = (get_region(), given.get("Feature", "SecurityHub"))
        if self.admins.get(target) != given["AdminAccountId"]:
            raise AwsError(NOT_FOUND, f"Account {given['AdminAccountId']} is not the delegated administrator")
        del self.admins[target]

    def _check_admin(self) -> None:
        if get_account_id() not in self.admins.values():
            message = f"Account {get_account_id()} is not a delegated Security Hub administrator"
            raise AwsError("InvalidAccessException", message)

    def describe_configuration(self, given: dict) -> dict:
        self.security_hub.hub()
        self._check_admin()
        found = self.configurations.get((get_account_id(), get_region()), {})
        status = found.get("Status", "ENABLED")
        if status == "PENDING":
            found["Status"] = "ENABLED"  # the next call returns the new status
        return {
            "AutoEnable": found.get("AutoEnable", False),
            "AutoEnableStandards": found.get("AutoEnableStandards", "DEFAULT"),
            "MemberAccountLimitReached": False,
            "OrganizationConfiguration": {
                "ConfigurationType": found.get("ConfigurationType", "LOCAL"),
                "Status": status,
            },
        }

    def update_configuration(self, given: dict) -> None:
        self.security_hub.hub()
        self._check_admin()
        found = self.configurations.setdefault((get_account_id(), get_region()), {})
        found.update({name: given[name] for name in ("AutoEnable", "AutoEnableStandards") if name in given})
        kind = given.get("OrganizationConfiguration", {}).get("ConfigurationType")
        if kind and kind != found.get("ConfigurationType", "LOCAL"):
            # AWS sets it up in the background, and refuses it without an aggregator in the home region.
            aggregator = self.aggregators.get(get_account_id(), {})
            in_home_region = aggregator.get("FindingAggregationRegion") == get_region()
            status = "ENABLED" if kind == "LOCAL" else "PENDING" if in_home_region else "FAILED"
            found.update(ConfigurationType=kind, Status=status)
        if found.get("ConfigurationType") == "CENTRAL" and (
            found.get("AutoEnable") or found.get("AutoEnableStandards", "DEFAULT") != "NONE"
        ):
            raise AwsError(INVALID, "AutoEnable and AutoEnableStandards cannot be set under central configuration")


def _aggregator(account: str, home: str, given: dict, words: dict[str, str]) -> dict:
    found = {
        words["arn"]: f"arn:aws:securityhub:{home}:{account}:{words['resource']}/{uuid.uuid4()}",
        words["region"]: home,
        "RegionLinkingMode": given["RegionLinkingMode"],
    }
    if given["RegionLinkingMode"] in WITH_REGIONS:
        found[words["regions"]] = list(given.get(words["regions"]) or [])
    return found


def _check_regions(given: dict, words: dict[str, str], invalid: str) -> None:
    named, mode = given.get(words["regions"]) or [], given["RegionLinkingMode"]
    if mode in WITH_REGIONS and not named:
        raise AwsError(invalid, f"Invalid parameter '{words['regions']}'. {mode} needs at least one region")
    if mode not in WITH_REGIONS and named:
        raise AwsError(invalid, f"Invalid parameter '{words['regions']}'. {mode} takes no regions")


def _create(there: dict[str, dict], given: dict, words: dict[str, str], invalid: str) -> dict:
    if get_region() in OPT_IN_REGIONS:
        raise AwsError(invalid, f"{get_region()} is an opt-in Region and cannot be the aggregation Region")
    _check_regions(given, words, invalid)
    if get_account_id() in there:
        code = "LimitExceededException" if words is V1 else "ConflictException"
        raise AwsError(code, "A finding aggregator already exists in this account")
    return there.setdefault(get_account_id(), _aggregator(get_account_id(), get_region(), given, words))


def _own(there: dict[str, dict], given: dict, words: dict[str, str]) -> dict:
    found = there.get(get_account_id())
    if found is None or found[words["arn"]] != given[words["arn"]]:
        raise AwsError(NOT_FOUND, f"Finding aggregator {given[words['arn']]} is not found")
    return found


def _in_home_region(there: dict[str, dict], given: dict, words: dict[str, str], invalid: str) -> dict:
    found = _own(there, given, words)
    if found[words["region"]] != get_region():
        raise AwsError(invalid, f"The finding aggregator can only be changed in {found[words['region']]}")
    return found


def _update(there: dict[str, dict], given: dict, words: dict[str, str], invalid: str) -> dict:
    found = _in_home_region(there, given, words, invalid)
    _check_regions(given, words, invalid)
    found.pop(words["regions"], None)
    found["RegionLinkingMode"] = given["RegionLinkingMode"]
    if given["RegionLinkingMode"] in WITH_REGIONS:
        found[words["regions"]] = list(given[words["regions"]])
    return found


def _delete(there: dict[str, dict], given: dict, words: dict[str, str], invalid: str) -> None:
    _in_home_region(there, given, words, invalid)
    del there[get_account_id()]
