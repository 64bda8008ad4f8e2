# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model of an AWS account: the real stages design and plan run on it without any call, and apply is modeled."""

from __future__ import annotations

import copy
import datetime
import json
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.secops.securityhub.plugins.module_utils._channel import plans
from ansible_collections.secops.securityhub.plugins.module_utils._model import identity as identities
from ansible_collections.secops.securityhub.plugins.module_utils._model import layout
from ansible_collections.secops.securityhub.plugins.module_utils._model import names
from ansible_collections.secops.securityhub.plugins.module_utils._model import outcome
from ansible_collections.secops.securityhub.plugins.module_utils._model.account import Account
from ansible_collections.secops.securityhub.plugins.module_utils._model.plan import AccountPlan
from ansible_collections.secops.securityhub.plugins.module_utils._model.plan import Blockers
from ansible_collections.secops.securityhub.plugins.module_utils._model.plan import IdentityPlan
from ansible_collections.secops.securityhub.plugins.module_utils._model.plan import TargetPlan
from ansible_collections.secops.securityhub.plugins.module_utils._model.settings import PREFIX
from ansible_collections.secops.securityhub.plugins.module_utils._model.settings import Settings
from ansible_collections.secops.securityhub.plugins.module_utils._model.settings import settings_of
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import AccountSnapshot
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import Facts
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import LiveTarget
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import TargetSnapshot
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import healthy
from ansible_collections.secops.securityhub.plugins.module_utils._plan import account as plan
from ansible_collections.secops.securityhub.plugins.module_utils._plan import design
from ansible_collections.secops.securityhub.plugins.module_utils._resource.operation import Operation
from ansible_collections.secops.securityhub.plugins.module_utils._stack import template
from ansible_collections.secops.securityhub.plugins.plugin_utils import _targets

TODAY = datetime.date(2026, 11, 24)
ACCOUNT = Account("111111111111", "aws")
WORKSPACE, CHANNEL = "T0ABCDEFG12", "C0ABCDEFG12"
# Role variables of a channel in Microsoft Teams.
TEAMS = {
    "channel_id": "19%3aabcdef0123456789abcdef0123456789%40thread.tacv2",
    "team_id": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
    "tenant_id": "1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f809",
}
OPTIONS = ArgumentSpecValidator(_targets.options())


def variables(**given: Any) -> dict[str, Any]:
    """Return role variables, given without their prefix, with the role's defaults."""
    chosen = {"workspace_id": WORKSPACE, "channel_id": CHANNEL, "region": "us-east-1", **given}
    checked = OPTIONS.validate({PREFIX + name: value for name, value in chosen.items()})
    assert not checked.error_messages
    return checked.validated_parameters


def settings(region: str = "us-east-1", host: str = "", **given: Any) -> Settings:
    """Return the settings of one inventory host, which has the name of its region unless *host* says otherwise."""
    return settings_of(host or region, variables(region=region, **given))


@dataclass
class AccountModel:
    """The state of an AWS account.

    *hubs*: the regions in which Security Hub is enabled, None for all. *aggregator*: as GetFindingAggregator answers.
    *administrator*: the account whose member it is. *stacks*, *actions*: by region, as boto3 shapes them.
    """

    hubs: set[str] | None = None
    aggregator: dict[str, Any] | None = None
    administrator: str = ""
    stacks: dict[str, dict[str, Any]] = field(default_factory=dict)
    actions: dict[str, dict[str, Any]] = field(default_factory=dict)
    configurations: list[dict[str, Any]] = field(default_factory=list)
    identity: identities.LiveIdentity = field(default_factory=identities.LiveIdentity)

    def copied(self) -> AccountModel:
        """Return a separate account in the same state."""
        return copy.deepcopy(self)

    def snapshot(
        self, targets: Iterable[Settings], unselected: Iterable[Settings] = (), invalid: Iterable[Settings] = ()
    ) -> AccountSnapshot:
        """Return what a run reads of the account."""
        found = tuple(TargetSnapshot(item, ACCOUNT, self._live(item.region)) for item in targets)
        others = [TargetSnapshot(item) for item in unselected]
        snapshot = AccountSnapshot(
            ACCOUNT,
            found,
            unselected=(*others, *layout.in_another_slice([*found, *others])),
            invalid=tuple(TargetSnapshot(item, problems=("its variables are invalid.",)) for item in invalid),
            facts=Facts(aggregator=self.aggregator, administrator=self.administrator),
            configurations=tuple(copy.deepcopy(self.configurations)),
            identity=self.identity,
            is_complete=True,
        )
        # An answer may make another unselected target worth reading, as in a real run.
        while due := {item.host for item in layout.worth_reading(snapshot, TODAY)}:
            read = (
                replace(item, live=self._live(item.settings.region)) if item.host in due else item
                for item in snapshot.unselected
            )
            snapshot = replace(snapshot, unselected=tuple(read))
        return snapshot

    def planned(self, targets: Iterable[Settings], *others: Iterable[Settings]) -> AccountPlan:
        """Return the plan of a run."""
        return planned_from(self.snapshot(targets, *others))

    def preview(self, targets: Iterable[Settings], *others: Iterable[Settings]) -> outcome.AccountOutcome:
        """Return the outcome of a run in check mode."""
        return outcome.unapplied(self.planned(targets, *others))

    def applied(self, targets: Iterable[Settings], *others: Iterable[Settings]) -> outcome.AccountOutcome:
        """Return the outcome of a run, after carrying it out on this account in the order of a real one."""
        planned = self.planned(targets, *others)
        for target in healthy(planned.targets):
            self._carry_out(target)
        channel = planned.channel
        if channel is None:
            return outcome.unapplied(planned)
        self._write_identity(channel.identity, planned)
        for merge in channel.merges:
            if merge.plan.changed:
                self._put(merge.plan.after)
        for removal in channel.deletions:
            gone = plans.plan_absent(self.configurations, removal).before
            self.configurations = [
                found for found in self.configurations if found["ChatConfigurationArn"] != gone["ChatConfigurationArn"]
            ]
        self._write_identity(channel.deleted_identity, planned)
        return outcome.unapplied(planned)

    def _carry_out(self, target: TargetPlan) -> None:
        region, desired = target.settings.region, target.desired
        for operation in target.stack:
            if operation == Operation.WAIT:
                self.stacks[region]["StackStatus"] = "UPDATE_COMPLETE"
                continue
            self.stacks.pop(region, None)
            if operation in (Operation.CREATE, Operation.UPDATE):
                self.stacks[region] = stack_of(desired.stack)
        if target.action == Operation.DELETE:
            del self.actions[region]
        elif target.action != Operation.NONE:
            self.actions[region] = {
                "ActionTargetArn": names.action_arn(target.settings, ACCOUNT),
                "Name": desired.action.name,
                "Description": desired.action.description,
            }

    def _live(self, region: str) -> LiveTarget:
        hub = self.hubs is None or region in self.hubs
        return LiveTarget(hub, self.actions.get(region) if hub else None, self.stacks.get(region))

    def _put(self, configuration: dict[str, Any]) -> None:
        by_arn = {found["ChatConfigurationArn"]: found for found in self.configurations}
        self.configurations = list({**by_arn, configuration["ChatConfigurationArn"]: configuration}.values())

    def _write_identity(self, planned: IdentityPlan, account: AccountPlan) -> None:
        tags = [{"Key": key, "Value": value} for key, value in names.identity(account.settings, ACCOUNT).role_tags]
        role, guardrail = self.identity.role, self.identity.guardrail
        if planned.role != Operation.NONE:
            role = None if planned.role == Operation.DELETE else role_of(tags)
        if planned.guardrail != Operation.NONE:
            guardrail = None if planned.guardrail == Operation.DELETE else guardrail_of(tags)
        self.identity = identities.LiveIdentity(role, guardrail)


def planned_from(snapshot: AccountSnapshot, blockers: Blockers | None = None) -> AccountPlan:
    """Return the plan of a run that has read *snapshot*, and whose preflight has found *blockers*."""
    return plan.plan(design.account(snapshot, TODAY), blockers or Blockers())


def with_failed(snapshot: AccountSnapshot, *hosts: str, error: str = "no answer") -> AccountSnapshot:
    """Return the snapshot of a run in which these targets could not be read."""
    targets = (target.failed(ValueError(error)) if target.host in hosts else target for target in snapshot.targets)
    return replace(snapshot, targets=tuple(targets))


def errors(planned: Any) -> dict[str, str]:
    """Return the problems of the failed targets of an account of any stage, as one text each, by host."""
    return {target.host: target.error for target in planned.targets if target.problems}


def stack_of(design: template.StackDesign, status: str = "CREATE_COMPLETE") -> dict[str, Any]:
    """Return a stack as DescribeStacks answers."""
    tags = [{"Key": key, "Value": value} for key, value in template.stack_tags(design).items()]
    return {"StackName": design.name, "StackStatus": status, "Tags": tags}


def role_of(tags: list[dict[str, str]]) -> dict[str, Any]:
    """Return a role as GetRole answers."""
    return {"AssumeRolePolicyDocument": json.loads(json.dumps(identities.TRUST)), "Tags": tags}


def guardrail_of(tags: list[dict[str, str]]) -> dict[str, Any]:
    """Return a policy as GetPolicy answers, with its document."""
    return {"Document": json.loads(json.dumps(identities.DENY_ALL)), "Tags": tags}


def configuration_of(name: str, channel: str, topics: Iterable[str] = (), **more: Any) -> dict[str, Any]:
    """Return a foreign Slack channel configuration, as DescribeSlackChannelConfigurations answers."""
    return {
        "ChatConfigurationArn": f"arn:aws:chatbot::{ACCOUNT.id}:chat-configuration/slack-channel/{name}",
        "ConfigurationName": name,
        "SlackTeamId": WORKSPACE,
        "SlackChannelId": channel,
        "IamRoleArn": f"arn:aws:iam::{ACCOUNT.id}:role/another-team",
        "SnsTopicArns": sorted(topics),
        "GuardrailPolicyArns": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "LoggingLevel": "NONE",
        "UserAuthorizationRequired": False,
        "State": "ENABLED",
        "Tags": [],
        **more,
    }
