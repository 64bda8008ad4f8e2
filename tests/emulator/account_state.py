# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the accounts: what a person, an organization or the console has set up in AWS beforehand."""

from __future__ import annotations

from typing import Any

# fmt: off
DEFAULT_REGIONS = [
    "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
    "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1",
    "us-east-2", "us-west-1", "us-west-2",
]
OPT_IN_REGIONS = [
    "af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5",
    "ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2", "il-central-1",
    "me-central-1", "me-south-1", "mx-central-1",
]
# fmt: on
ALL_REGIONS = sorted(DEFAULT_REGIONS + OPT_IN_REGIONS)

# What only a person or the console can set in an account, with its default.
FACTS: dict[str, Any] = {
    "regions": None,  # what hubs: "all" means, and the opt-in ones that are enabled; None: 17, and those with a hub
    "administrator": None,  # account id of the Security Hub administrator, when this is a member
    "workspaces": [],  # authorized Slack workspaces: SlackTeamId, SlackTeamName
    "teams": [],  # authorized Microsoft Teams: TeamId, TenantId
    "roles": None,  # roles that may be assumed: ARN or {"arn", "external_id"}; None: any
    "private_channels": [],  # Slack channels without the app
    "channel_policy_disabled": None,  # StateReason when an organization policy disables the channels
    "chatbot_policy": None,  # the effective chat applications policy, which may also disable them
    "organizational_unit": None,  # the id of the unit that the account is in
    "name": "",  # its name in the organization; without one, Organizations does not list it
    "tags": {},  # its tags in the organization
    "units": None,  # parent by organizational unit, for an account that may read the organization; None: it may not
    "quotas": {},  # "rules" of an event bus, IAM's "roles" and "policies", where they are not AWS's defaults
}


class InvalidAccountState(ValueError):
    """The posted account state is invalid."""


class AccountState:
    """Accounts by id, each a dict of FACTS, and the organization they are in."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all accounts: any account works, and nothing is set up in it."""
        self.accounts: dict[str, dict[str, Any]] = {}
        self.management_account: str | None = None

    def account(self, account_id: str) -> dict[str, Any]:
        """Return the facts of an account; an account that was not posted has the defaults."""
        known = self.accounts.get(account_id)
        if known is None:
            known = self.accounts[account_id] = {**FACTS, "hub_regions": []}
        return known

    def regions(self, account_id: str) -> list[str]:
        """Return the regions that are enabled in an account."""
        account = self.account(account_id)
        if account["regions"] is not None:
            return account["regions"]
        return sorted({*DEFAULT_REGIONS, *account["hub_regions"]})

    def is_enabled(self, account_id: str, region: str) -> bool:
        """Return whether a region is enabled in an account: a region that needs no opt-in cannot be disabled."""
        return region not in OPT_IN_REGIONS or (account_id in self.accounts and region in self.regions(account_id))

    def members(self, administrator: str) -> list[str]:
        """Return the member accounts of a Security Hub administrator."""
        return sorted(name for name, facts in self.accounts.items() if facts["administrator"] == administrator)

    def chat_disabled(self, account_id: str, place: dict[str, Any]) -> str | None:
        """Return why the organization disables an account's workspace, team or channel (as Chatbot shapes it)."""
        account = self.account(account_id)
        if account["channel_policy_disabled"]:
            return account["channel_policy_disabled"]
        chatbot = (account["chatbot_policy"] or {}).get("chatbot", {})
        name, key = ("Slack", "slack") if "SlackTeamId" in place else ("Microsoft Teams", "microsoft_teams")
        platform = chatbot.get("platforms", {}).get(key, {})
        if platform.get("client", chatbot.get("default", {}).get("client")) == "disabled":
            return f"{name} is disabled by the chat applications policy"
        allowed = platform.get("workspaces")
        if platform.get("tenants"):
            allowed = platform["tenants"].get(place["TenantId"], ["none"])
        team = place.get("SlackTeamId") or place.get("TeamId")
        if allowed and team not in allowed and "*" not in allowed:
            return f"{name} {team} is not allowed by the chat applications policy"
        return None

    def workspace_names(self) -> dict[str, str]:
        """Return the names of all authorized workspaces by id."""
        found = [workspace for facts in self.accounts.values() for workspace in facts["workspaces"]]
        return {workspace["SlackTeamId"]: workspace["SlackTeamName"] for workspace in found}

    def describe(self, account_id: str, facts: dict[str, Any]) -> None:
        """Merge facts into an account."""
        if not (account_id.isdigit() and len(account_id) == 12):
            raise InvalidAccountState(f"an account ID has 12 digits, not {account_id!r}")
        unknown = set(facts) - set(FACTS)
        if unknown:
            known = ", ".join(sorted(FACTS))
            raise InvalidAccountState(f"unknown: {', '.join(sorted(unknown))}; an account has {known}")
        wrong = set(facts.get("regions") or []) - set(ALL_REGIONS)
        if wrong:
            raise InvalidAccountState(f"no such region: {', '.join(sorted(wrong))}")
        self.account(account_id).update(facts)
