# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chatbot (Amazon Q Developer in chat applications): global configurations of an account, served in four regions."""

from __future__ import annotations

import copy
import threading
from dataclasses import dataclass
from dataclasses import field
from functools import partial
from typing import Any
from typing import Callable
from typing import Protocol

from account_state import AccountState
from ministack.core.responses import get_account_id
from ministack.core.responses import get_region
from rest_json import Answer
from rest_json import AwsError
from rest_json import ConnectionLost
from rest_json import RestJson
from rest_json import page
from switches import Switches

ENDPOINTS = frozenset({"us-east-2", "us-west-2", "eu-west-1", "ap-southeast-1"})
DEFAULT_GUARDRAIL = "arn:aws:iam::aws:policy/AdministratorAccess"
INVALID = "InvalidParameterException"
REFUSED = "InvalidRequestException"
NOT_FOUND = "ResourceNotFoundException"
TAGS_LIMIT = 200
# Regions whose topics the administrator guide does not list (chatbot-regions.html, read 2026-11-28).
UNLISTED_REGIONS = frozenset({"ap-east-2", "ap-southeast-6"})
SETTINGS = ("SnsTopicArns", "IamRoleArn", "LoggingLevel", "GuardrailPolicyArns", "UserAuthorizationRequired")
SLACK, TEAMS = "slack-channel", "microsoft-teams-channel"
OF_A_KIND = {
    SLACK: {"channel": "SlackChannelId", "name": "SlackChannelName", "team": "SlackTeamId"},
    TEAMS: {"channel": "ChannelId", "name": "ChannelName", "team": "TeamId"},
}


class Subscriptions(Protocol):
    """What Chatbot does with topics through its service-linked role, and how it checks roles."""

    def subscribe(self, topic_arn: str) -> None: ...
    def unsubscribe(self, topic_arn: str) -> None: ...
    def exists(self, topic_arn: str) -> bool: ...
    def may_assume(self, role_arn: str) -> bool: ...
    def role_age(self, role_arn: str) -> float: ...
    def has_or_creates_role(self) -> bool: ...


@dataclass
class Account:
    """What Chatbot keeps of an account. Configurations by ARN, with `kind` as in their ARN.

    reserved: names of configurations whose creation failed halfway: AWS neither lists them nor frees the names.
    shown, pending: what reads return while they lag behind, and the later states with the reads until each is shown.
    hidden_actions: for how many more calls a new custom action is unknown, by ARN.
    """

    configurations: dict[str, dict] = field(default_factory=dict)
    reserved: set[str] = field(default_factory=set)
    custom_actions: dict[str, dict] = field(default_factory=dict)
    associations: dict[str, list[str]] = field(default_factory=dict)
    preferences: dict[str, bool] = field(default_factory=dict)
    shown: dict[str, dict] = field(default_factory=dict)
    pending: list[tuple[int, dict[str, dict]]] = field(default_factory=list)
    hidden_actions: dict[str, int] = field(default_factory=dict)


class Chatbot:
    """The service. `answer` serves its requests."""

    def __init__(self, account_state: AccountState, subscriptions: Subscriptions, switches: Switches) -> None:
        self.account_state = account_state
        self.subscriptions = subscriptions
        self.switches = switches
        self.lock = threading.RLock()
        self.service = RestJson("chatbot", self._operations(), INVALID)
        self.clear()

    def clear(self) -> None:
        """Forget all configurations."""
        self.accounts: dict[str, Account] = {}

    def _operations(self) -> dict[str, Callable[[dict], dict | None]]:
        return {
            "DescribeSlackWorkspaces": self.describe_workspaces,
            "DeleteSlackWorkspaceAuthorization": self.delete_workspace,
            "CreateSlackChannelConfiguration": self.create_slack,
            "DescribeSlackChannelConfigurations": self.describe_slack,
            "UpdateSlackChannelConfiguration": partial(self.update, SLACK),
            "DeleteSlackChannelConfiguration": partial(self.delete, SLACK),
            "DescribeSlackUserIdentities": lambda given: {"SlackUserIdentities": []},
            "ListMicrosoftTeamsConfiguredTeams": self.list_teams,
            "CreateMicrosoftTeamsChannelConfiguration": self.create_teams,
            "GetMicrosoftTeamsChannelConfiguration": self.get_teams,
            "ListMicrosoftTeamsChannelConfigurations": self.list_teams_channels,
            "UpdateMicrosoftTeamsChannelConfiguration": partial(self.update, TEAMS),
            "DeleteMicrosoftTeamsChannelConfiguration": partial(self.delete, TEAMS),
            "ListMicrosoftTeamsUserIdentities": lambda given: {"TeamsUserIdentities": []},
            "DescribeChimeWebhookConfigurations": lambda given: {"WebhookConfigurations": []},
            "CreateCustomAction": self.create_custom_action,
            "GetCustomAction": self.get_custom_action,
            "ListCustomActions": self.list_custom_actions,
            "UpdateCustomAction": self.update_custom_action,
            "DeleteCustomAction": self.delete_custom_action,
            "AssociateToConfiguration": self.associate,
            "DisassociateFromConfiguration": self.disassociate,
            "ListAssociations": self.list_associations,
            "TagResource": self.tag,
            "UntagResource": self.untag,
            "ListTagsForResource": self.list_tags,
            "GetAccountPreferences": lambda given: {"AccountPreferences": self.account().preferences},
            "UpdateAccountPreferences": self.update_preferences,
        }

    def answer(self, method: str, raw_path: str, query: str, body: bytes) -> Answer:
        """Return the answer to a request; ConnectionLost outside the four regions that have an endpoint."""
        if get_region() not in ENDPOINTS:
            raise ConnectionLost(f"chatbot.{get_region()}.amazonaws.com does not exist")
        with self.lock:
            return self.service.answer(method, raw_path, query, body)

    def account(self) -> Account:
        """Return the caller's account."""
        return self.accounts.setdefault(get_account_id(), Account())

    def listening_to(self, topic_arn: str) -> list[tuple[str, dict]]:
        """Return all configurations, with their accounts, that list a topic."""
        return [
            (account_id, configuration)
            for account_id, account in self.accounts.items()
            for configuration in account.configurations.values()
            if topic_arn in configuration["SnsTopicArns"]
        ]

    def channels(self) -> dict[str, str]:
        """Return the names of all channels, or their IDs, by ID."""
        configurations = [found for account in self.accounts.values() for found in account.configurations.values()]
        of_slack = [found for found in configurations if "SlackTeamId" in found]
        slack = {found["SlackChannelId"]: found.get("SlackChannelName") for found in of_slack}
        teams = {found["ChannelId"]: found.get("ChannelName") for found in configurations if "TeamId" in found}
        return {channel: name or channel for channel, name in (slack | teams).items()}

    def offered(self, account_id: str, configuration_arn: str) -> list[dict]:
        """Return the custom actions that a channel offers."""
        account = self.accounts[account_id]
        return [account.custom_actions[arn] for arn in account.associations.get(configuration_arn, ())]

    # Workspaces and teams, which are authorized in the console

    def describe_workspaces(self, given: dict) -> dict:
        found = [{**workspace, **self._state(workspace)} for workspace in self._facts()["workspaces"]]
        return page(found, given, "SlackWorkspaces", INVALID)

    def delete_workspace(self, given: dict) -> None:
        facts = self._facts()
        facts["workspaces"] = [item for item in facts["workspaces"] if item["SlackTeamId"] != given["SlackTeamId"]]

    def list_teams(self, given: dict) -> dict:
        found = [{**team, **self._state(team)} for team in self._facts()["teams"]]
        return page(found, given, "ConfiguredTeams", INVALID)

    def _facts(self) -> dict[str, Any]:
        return self.account_state.account(get_account_id())

    def _state(self, place: dict[str, Any]) -> dict[str, str]:
        reason = self.account_state.chat_disabled(get_account_id(), place)
        return {"State": "DISABLED", "StateReason": reason} if reason else {"State": "ENABLED"}

    # Channel configurations

    def create_slack(self, given: dict) -> dict:
        team_id = given["SlackTeamId"]
        team = next((item for item in self._facts()["workspaces"] if item["SlackTeamId"] == team_id), None)
        if team is None:
            self.account().reserved.add(given["ConfigurationName"])
            message = f"Invalid request provided: AWS Chatbot is not authorized to access Slack workspace {team_id}."
            raise AwsError(REFUSED, message)
        return self._create(SLACK, given, {"SlackTeamName": team["SlackTeamName"]})

    def create_teams(self, given: dict) -> dict:
        ids = ("TeamId", "TenantId")
        if not any(all(team[name].lower() == given[name].lower() for name in ids) for team in self._facts()["teams"]):
            # AWS does not say whether the name stays taken, as it does in Slack.
            self.account().reserved.add(given["ConfigurationName"])
            message = f"Invalid request provided: Microsoft Teams team {given['TeamId']} has not been configured."
            raise AwsError(REFUSED, message)
        return self._create(TEAMS, given, {})

    def _create(self, kind: str, given: dict, more: dict) -> dict:
        account, name = self.account(), given["ConfigurationName"]
        if name in {found["ConfigurationName"] for found in account.configurations.values()} | account.reserved:
            message = (
                f"The chat configuration with the name {name} already exists. Retry with a unique configuration name."
            )
            raise AwsError("ConflictException", message)
        channel = given[OF_A_KIND[kind]["channel"]]
        self._check_channel_is_free(kind, channel, given[OF_A_KIND[kind]["team"]], None)
        self._check_role(given)
        self._check_topics(given)
        self._check_service_role(name)
        arn = f"arn:aws:chatbot::{get_account_id()}:chat-configuration/{kind}/{name}"
        created = {
            "LoggingLevel": "NONE",
            "UserAuthorizationRequired": False,
            "SnsTopicArns": [],
            OF_A_KIND[kind]["name"]: channel,
            **more,
            **{name: value for name, value in given.items() if value is not None},
            "GuardrailPolicyArns": given.get("GuardrailPolicyArns") or [DEFAULT_GUARDRAIL],
            "Tags": list(given.get("Tags") or []),
            "ChatConfigurationArn": arn,
            "kind": kind,
        }
        self._write(account, arn, created)
        return {"ChannelConfiguration": self._shown(created)}

    def _check_channel_is_free(self, kind: str, channel: str, team: str, own_arn: str | None) -> None:
        for arn, found in self.account().configurations.items():
            if arn == own_arn or found["kind"] != kind:
                continue
            if found[OF_A_KIND[kind]["channel"]].lower() != channel.lower():
                continue
            what = "Slack channel with ID" if kind == SLACK else "Microsoft Teams channel with ID"
            where = "Slack team" if kind == SLACK else "Microsoft Teams team"
            message = (
                f"Invalid request provided: {what} {channel} in {where} {team} has already been configured "
                f"for AWS account {get_account_id()}."
            )
            raise AwsError(REFUSED, message)

    def _check_role(self, given: dict) -> None:
        role = given.get("IamRoleArn")
        if not role:
            return
        too_new = self.subscriptions.role_age(role) < self.switches["chatbot_role_delay"]
        if too_new or not self.subscriptions.may_assume(role):
            raise AwsError(REFUSED, self.switches["chatbot_role_message"].format(role=role))

    def _check_topics(self, given: dict) -> None:
        topics, limit = given.get("SnsTopicArns") or [], self.switches["chatbot_topic_limit"]
        if limit and len(topics) > limit:
            raise AwsError(REFUSED, f"Invalid request provided: a configuration has at most {limit} SNS topics.")
        for topic in topics:
            if self.switches["chatbot_unlisted_regions"] == "refused" and is_unlisted(topic):
                raise AwsError(REFUSED, f"Invalid request provided: SNS topic {topic} is in an unsupported region.")
            if self.switches["chatbot_missing_topics"] == "refused" and not self.subscriptions.exists(topic):
                raise AwsError(REFUSED, f"Invalid request provided: SNS topic {topic} does not exist.")

    def _check_service_role(self, name: str) -> None:
        if self.subscriptions.has_or_creates_role():
            return
        # AWS has started by then and leaves the name taken (hashicorp/terraform-provider-aws#41183).
        self.account().reserved.add(name)
        message = (
            f"User: arn:aws:iam::{get_account_id()}:user/somebody is not authorized to perform: "
            "iam:CreateServiceLinkedRole"
        )
        raise AwsError("AccessDeniedException", message, 403)

    def _write(self, account: Account, arn: str, configuration: dict | None) -> None:
        lag = self.switches["chatbot_read_lag"]
        if lag and not account.pending:
            account.shown = copy.deepcopy(account.configurations)
        before = _topics(account)
        if configuration is None:
            del account.configurations[arn]
            account.associations.pop(arn, None)
        else:
            account.configurations[arn] = configuration
        if lag:
            account.pending.append((lag, copy.deepcopy(account.configurations)))
        for topic in sorted(before - _topics(account)):
            self.subscriptions.unsubscribe(topic)
        for topic in configuration["SnsTopicArns"] if configuration else ():
            self.subscriptions.subscribe(topic)

    def _shown(self, configuration: dict) -> dict:
        shown = {name: value for name, value in configuration.items() if name != "kind"}
        return {**shown, **self._state(configuration)}

    def _read(self, kind: str) -> list[dict]:
        account = self.account()
        account.pending = [(reads - 1, state) for reads, state in account.pending]
        for reads, state in account.pending:
            account.shown = state if reads < 0 else account.shown
        account.pending = [(reads, state) for reads, state in account.pending if reads >= 0]
        there = account.shown if account.pending else account.configurations
        return [found for found in there.values() if found["kind"] == kind]

    def describe_slack(self, given: dict) -> dict:
        arn = given.get("ChatConfigurationArn")
        if arn and arn not in self.account().configurations and self.switches["chatbot_unknown_arn"] == "error":
            raise AwsError(REFUSED, f"Invalid request provided: could not find the chat configuration {arn}.")
        found = [self._shown(item) for item in self._read(SLACK) if arn in (None, item["ChatConfigurationArn"])]
        return page(found, given, "SlackChannelConfigurations", INVALID)

    def list_teams_channels(self, given: dict) -> dict:
        team = given.get("TeamId")
        found = [self._shown(item) for item in self._read(TEAMS) if team in (None, item["TeamId"])]
        return page(found, given, "TeamChannelConfigurations", INVALID)

    def get_teams(self, given: dict) -> dict:
        for item in self._read(TEAMS):
            if item["ChatConfigurationArn"] == given["ChatConfigurationArn"]:
                return {"ChannelConfiguration": self._shown(item)}
        raise AwsError(NOT_FOUND, f"{given['ChatConfigurationArn']} is not found", 404)

    def _configuration(self, kind: str, arn: str) -> dict:
        found = self.account().configurations.get(arn)
        if found is None or found["kind"] != kind:
            raise AwsError(NOT_FOUND, f"Could not find the chat configuration {arn}.")
        return found

    def update(self, kind: str, given: dict) -> dict:
        old = self._configuration(kind, given["ChatConfigurationArn"])
        words = OF_A_KIND[kind]
        channel = given[words["channel"]]
        self._check_channel_is_free(kind, channel, old[words["team"]], given["ChatConfigurationArn"])
        self._check_role(given)
        self._check_topics(given)
        new = {**old, words["channel"]: channel}
        if channel != old[words["channel"]]:
            new[words["name"]] = channel
        new.update({name: given[name] for name in (*SETTINGS, words["name"]) if given.get(name) is not None})
        new["GuardrailPolicyArns"] = new["GuardrailPolicyArns"] or [DEFAULT_GUARDRAIL]
        self._write(self.account(), given["ChatConfigurationArn"], new)
        return {"ChannelConfiguration": self._shown(new)}

    def delete(self, kind: str, given: dict) -> None:
        self._configuration(kind, given["ChatConfigurationArn"])
        self._write(self.account(), given["ChatConfigurationArn"], None)

    # Custom actions: buttons under the messages

    def create_custom_action(self, given: dict) -> dict:
        arn = f"arn:aws:chatbot::{get_account_id()}:custom-action/{given['ActionName']}"
        actions = self.account().custom_actions
        if arn in actions:
            raise AwsError("ConflictException", f"The custom action {given['ActionName']} already exists.")
        actions[arn] = {
            **{name: value for name, value in given.items() if name != "ClientToken"},
            "CustomActionArn": arn,
            "Tags": list(given.get("Tags") or []),
        }
        self.account().hidden_actions[arn] = self.switches["chatbot_read_lag"]
        return {"CustomActionArn": arn}

    def _is_hidden(self, arn: str) -> bool:
        hidden = self.account().hidden_actions
        hidden[arn] = max(0, hidden.get(arn, 0) - 1)
        return hidden[arn] > 0

    def _custom_action(self, arn: str) -> dict:
        found = self.account().custom_actions.get(arn)
        if found is None or self._is_hidden(arn):
            raise AwsError(NOT_FOUND, f"Could not find the custom action {arn}.")
        return found

    def get_custom_action(self, given: dict) -> dict:
        found = self._custom_action(given["CustomActionArn"])
        return {"CustomAction": {name: value for name, value in found.items() if name != "Tags"}}

    def list_custom_actions(self, given: dict) -> dict:
        return page(list(self.account().custom_actions), given, "CustomActions", REFUSED)

    def update_custom_action(self, given: dict) -> dict:
        found = self._custom_action(given["CustomActionArn"])
        for name in ("AliasName", "Attachments"):
            found.pop(name, None)
        found.update(given)
        return {"CustomActionArn": given["CustomActionArn"]}

    def delete_custom_action(self, given: dict) -> None:
        self._custom_action(given["CustomActionArn"])
        del self.account().custom_actions[given["CustomActionArn"]]
        for resources in self.account().associations.values():
            if given["CustomActionArn"] in resources:
                resources.remove(given["CustomActionArn"])

    def _check_association(self, given: dict) -> None:
        if given["ChatConfiguration"] not in self.account().configurations:
            raise AwsError(REFUSED, f"Could not find the chat configuration {given['ChatConfiguration']}.")
        if given["Resource"] not in self.account().custom_actions or self._is_hidden(given["Resource"]):
            raise AwsError(REFUSED, f"Could not find the custom action {given['Resource']}.")

    def associate(self, given: dict) -> None:
        self._check_association(given)
        resources = self.account().associations.setdefault(given["ChatConfiguration"], [])
        if given["Resource"] not in resources:
            resources.append(given["Resource"])

    def disassociate(self, given: dict) -> None:
        self._check_association(given)
        resources = self.account().associations.get(given["ChatConfiguration"], [])
        if given["Resource"] in resources:
            resources.remove(given["Resource"])

    def list_associations(self, given: dict) -> dict:
        resources = self.account().associations.get(given["ChatConfiguration"], [])
        return page([{"Resource": resource} for resource in resources], given, "Associations", REFUSED)

    # Tags and preferences

    def _tagged(self, arn: str) -> dict:
        account = self.account()
        found = account.configurations.get(arn) or account.custom_actions.get(arn)
        if found is None:
            raise AwsError(NOT_FOUND, f"Could not find the resource {arn}.")
        return found

    def tag(self, given: dict) -> None:
        found = self._tagged(given["ResourceARN"])
        tags = {tag["TagKey"]: tag for tag in (*found["Tags"], *given["Tags"])}
        if len(tags) > TAGS_LIMIT:
            raise AwsError("TooManyTagsException", f"A resource has at most {TAGS_LIMIT} tags.")
        found["Tags"] = list(tags.values())

    def untag(self, given: dict) -> None:
        found = self._tagged(given["ResourceARN"])
        found["Tags"] = [tag for tag in found["Tags"] if tag["TagKey"] not in given["TagKeys"]]

    def list_tags(self, given: dict) -> dict:
        return {"Tags": self._tagged(given["ResourceARN"])["Tags"]}

    def update_preferences(self, given: dict) -> dict:
        self.account().preferences.update(given)
        return {"AccountPreferences": self.account().preferences}


def is_unlisted(topic_arn: str) -> bool:
    """Return whether a topic is in a region that Chatbot does not list."""
    return topic_arn.split(":")[3] in UNLISTED_REGIONS


def _topics(account: Account) -> set[str]:
    return {topic for found in account.configurations.values() for topic in found["SnsTopicArns"]}
