# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory hosts for the tests of the pipeline, and an account of AWS to plan against: a model, without any call."""

from __future__ import annotations

import copy
import datetime
import json
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._channel import plans
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline import decisions
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline import desired
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline import handover
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline import identity as identities
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline import plan
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline.desired import Account
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline.settings import PREFIX
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline.settings import Settings
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline.settings import settings_of
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline.survey import Facts
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline.survey import LiveTarget
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline.target import AccountRun
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline.target import Target
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline.target import healthy
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline.target import owner_elsewhere
from ansible_collections.secops.securityhub.plugins.module_utils._stack import states
from ansible_collections.secops.securityhub.plugins.module_utils._stack import template
from ansible_collections.secops.securityhub.plugins.plugin_utils import _targets

TODAY = datetime.date(2026, 11, 24)
ACCOUNT = Account("111111111111", "aws")
WORKSPACE, CHANNEL = "T0ABCDEFG12", "C0ABCDEFG12"
OPTIONS = ArgumentSpecValidator(_targets.options())


def variables(**given: Any) -> dict[str, Any]:
    """Role variables, given without their prefix, with the role's defaults."""
    wanted = {"workspace_id": WORKSPACE, "channel_id": CHANNEL, "region": "us-east-1", **given}
    checked = OPTIONS.validate({PREFIX + name: value for name, value in wanted.items()})
    assert not checked.error_messages
    return checked.validated_parameters


def settings(region: str = "us-east-1", host: str = "", **given: Any) -> Settings:
    """The settings of one inventory host, which is called as its region."""
    return settings_of(host or region, variables(region=region, **given))


@dataclass
class World:
    """An account as AWS has it. *aggregator*: as GetFindingAggregator answers; *hubs* None: on everywhere."""

    hubs: set[str] | None = None
    aggregator: dict[str, Any] | None = None
    administrator: str = ""
    stacks: dict[str, dict[str, Any]] = field(default_factory=dict)
    actions: dict[str, dict[str, Any]] = field(default_factory=dict)
    configurations: list[dict[str, Any]] = field(default_factory=list)
    identity: identities.LiveIdentity = field(default_factory=identities.LiveIdentity)

    def copied(self) -> World:
        """A world of its own that is as this one."""
        return copy.deepcopy(self)

    def surveyed(
        self, targets: Iterable[Settings], neighbours: Iterable[Settings] = (), unclear: Iterable[Settings] = ()
    ) -> AccountRun:
        """What a run knows after it has looked."""
        account = AccountRun(ACCOUNT, [Target(item, account=ACCOUNT, live=self._live(item.region)) for item in targets])
        account.neighbours = [Target(item) for item in neighbours]
        account.neighbours += owner_elsewhere([*account.targets, *account.neighbours])
        account.unclear = [Target(item, problems=["its variables are wrong"]) for item in unclear]
        account.facts = Facts(aggregator=self.aggregator, administrator=self.administrator)
        account.configurations = copy.deepcopy(self.configurations)
        account.identity = self.identity
        # An answer may make another neighbour worth asking, as in a real run.
        while due := decisions.worth_asking(account, TODAY):
            for neighbour in due:
                neighbour.live = self._live(neighbour.settings.region)
        return account

    def planned(self, targets: Iterable[Settings], *others: Iterable[Settings]) -> AccountRun:
        """What a run comes to."""
        account = self.surveyed(targets, *others)
        decisions.decide(account, TODAY)
        for target in healthy(account.targets):
            plan_target(target)
        handover.hold_back(account)
        if healthy(account.targets):
            try:
                account.plan = decisions.plan_channels(account)
            except UserError as error:
                account.fail(error)
        return account

    def applied(self, targets: Iterable[Settings], *others: Iterable[Settings]) -> AccountRun:
        """What a run comes to, carried out in this world in the order of a real one."""
        account = self.planned(targets, *others)
        for target in healthy(account.targets):
            self.carry_out(target)
        if account.plan is None:
            return account
        self._write_identity(account.plan.identity, account)
        for merge in account.plan.merges:
            if merge.plan.changed:
                self._put(merge.plan.after)
        for removal in account.plan.closing:
            gone = plans.plan_absent(self.configurations, removal).before
            self.configurations = [
                found for found in self.configurations if found["ChatConfigurationArn"] != gone["ChatConfigurationArn"]
            ]
        self._write_identity(account.plan.farewell, account)
        return account

    def carry_out(self, target: Target) -> None:
        """Carry out the plan of one target."""
        region, wanted = target.settings.region, target.wanted
        for operation in target.plan.stack:
            if operation == states.WAIT:
                self.stacks[region]["StackStatus"] = "UPDATE_COMPLETE"
                continue
            self.stacks.pop(region, None)
            if operation in (states.CREATE, states.UPDATE):
                self.stacks[region] = stack_of(wanted.stack)
        if target.plan.action == plan.DELETE:
            del self.actions[region]
        elif target.plan.action != plan.NONE:
            self.actions[region] = {
                "ActionTargetArn": desired.action_arn(target.settings, ACCOUNT),
                "Name": wanted.action.name,
                "Description": wanted.action.description,
            }

    def _live(self, region: str) -> LiveTarget:
        hub = self.hubs is None or region in self.hubs
        return LiveTarget(hub, self.actions.get(region) if hub else None, self.stacks.get(region))

    def _put(self, configuration: dict[str, Any]) -> None:
        by_arn = {found["ChatConfigurationArn"]: found for found in self.configurations}
        self.configurations = list({**by_arn, configuration["ChatConfigurationArn"]: configuration}.values())

    def _write_identity(self, planned: identities.IdentityPlan, account: AccountRun) -> None:
        tags = [{"Key": key, "Value": value} for key, value in desired.identity(account.settings, ACCOUNT).role_tags]
        role, guardrail = self.identity.role, self.identity.guardrail
        if planned.role != identities.NONE:
            role = None if planned.role == identities.DELETE else role_of(tags)
        if planned.guardrail != identities.NONE:
            guardrail = None if planned.guardrail == identities.DELETE else guardrail_of(tags)
        self.identity = identities.LiveIdentity(role, guardrail)


def plan_target(target: Target) -> None:
    """Plan one target, or let it fail."""
    try:
        target.plan = plan.plan(target.settings, target.wanted, target.live)
    except UserError as error:
        target.fail(error)


def stack_of(design: template.StackDesign, status: str = "CREATE_COMPLETE") -> dict[str, Any]:
    """A stack as DescribeStacks answers."""
    tags = [{"Key": key, "Value": value} for key, value in template.stack_tags(design).items()]
    return {"StackName": design.name, "StackStatus": status, "Tags": tags}


def role_of(tags: list[dict[str, str]]) -> dict[str, Any]:
    """A role as GetRole answers."""
    return {"AssumeRolePolicyDocument": json.loads(json.dumps(identities.TRUST)), "Tags": tags}


def guardrail_of(tags: list[dict[str, str]]) -> dict[str, Any]:
    """A policy as GetPolicy answers, with its document."""
    return {"Document": json.loads(json.dumps(identities.DENY_ALL)), "Tags": tags}


def configuration_of(name: str, channel: str, topics: Iterable[str] = (), **more: Any) -> dict[str, Any]:
    """A Slack channel configuration of somebody else, as DescribeSlackChannelConfigurations answers."""
    return {
        "ChatConfigurationArn": f"arn:aws:chatbot::{ACCOUNT.id}:chat-configuration/slack-channel/{name}",
        "ConfigurationName": name,
        "SlackTeamId": WORKSPACE,
        "SlackChannelId": channel,
        "IamRoleArn": f"arn:aws:iam::{ACCOUNT.id}:role/somebody",
        "SnsTopicArns": sorted(topics),
        "GuardrailPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "LoggingLevel": "NONE",
        "UserAuthorizationRequired": False,
        "State": "ENABLED",
        "Tags": [],
        **more,
    }
