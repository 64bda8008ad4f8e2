# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a migration does with each stack and channel of the template of 2020: pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import TYPE_CHECKING

from .._channel import plans
from .._channel.platforms import SLACK
from .._channel.platforms import platform_of
from .._channel.transformations import configuration_name
from .._resource.operation import Operation
from .._resource.ownership import is_managed
from .._resource.tags import MANAGED_TAG
from .._resource.tags import tags_of
from .._securityhub import action_target
from .._stack import states
from . import messages
from . import signature
from .survey import Leftovers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._model.settings import Channel
    from .._model.snapshot import AccountSnapshot
    from .._model.snapshot import TargetSnapshot
    from .._services.chatbot import Configuration
    from .._services.iam import Role
    from .._services.securityhub import ActionTarget
    from .survey import Stack

# Operations on a stack, beside those of all resources
SET_RETAIN = "set retain"  # an update that gives the retained resources the deletion policy Retain
CONTINUE_ROLLBACK = "continue rollback"  # without the resources that fail to roll back
DELETE_RETAINING = "delete retaining"
DELETE_RETAINING_FAILED = "delete retaining failed"  # and without the resources that CloudFormation cannot delete

# AWS only allows deletion, and accepts resources to retain after one failed deletion at the earliest.
ONLY_DELETABLE_WHOLE = states.ONLY_DELETABLE - {"DELETE_FAILED"}

# Operations on a channel configuration, beside DELETE, and NONE for one that this collection manages already
ADOPT = "adopt"
REPLACE_TOPICS = "replace topics"


@dataclass(frozen=True)
class StackPlan:
    """How one stack is deleted. *retained*: logical IDs that outlive it. *steps*: if each of them succeeds."""

    stack: Stack
    retained: frozenset[str]
    steps: tuple[str, ...]

    @property
    def recreates_channel(self) -> bool:
        """Return whether AWS only allows deleting the stack together with a channel that is still needed."""
        return self.stack.status in ONLY_DELETABLE_WHOLE and signature.CHANNEL in self.retained


@dataclass(frozen=True)
class TargetMigration:
    """One target, what it has of the template, and how its stacks are deleted."""

    snapshot: TargetSnapshot
    leftovers: Leftovers
    stacks: tuple[StackPlan, ...]

    @property
    def host(self) -> str:
        """Return the name of the inventory host."""
        return self.snapshot.host


@dataclass(frozen=True)
class ChannelPlan:
    """The operation on one channel configuration (as boto3 shapes it)."""

    configuration: Configuration = field(hash=False)
    operation: str


@dataclass(frozen=True)
class AccountMigration:
    """One account, its targets, and the channel configurations of the template that are changed.

    *snapshot*: as the deployment must see the account: targets that must not be changed are refused, and adopted
    configurations are marked as managed.
    """

    snapshot: AccountSnapshot
    targets: tuple[TargetMigration, ...]
    channels: tuple[ChannelPlan, ...]
    notices: tuple[str, ...]

    @property
    def recreates_channel(self) -> bool:
        """Return whether a channel that is still needed is deleted together with a stack."""
        return any(planned.recreates_channel for target in self.targets for planned in target.stacks)

    def channels_to(self, operation: str) -> list[str]:
        """Return the ARNs of the channel configurations with this operation."""
        return [item.configuration["ChatConfigurationArn"] for item in self.channels if item.operation == operation]


def account_migration(
    snapshot: AccountSnapshot, leftovers: dict[str, Leftovers], roles: list[Role]
) -> AccountMigration:
    """Return the migration of an account. *leftovers*: by host. *roles*: see ``survey.roles``."""
    surveyed = [
        (_with_adopted_action(target).refused(*found.problems), found)
        for target in snapshot.targets
        for found in [leftovers.get(target.host, Leftovers())]
    ]
    operations = _channel_operations(snapshot, surveyed)
    targets = tuple(TargetMigration(target, found, _stack_plans(found, operations)) for target, found in surveyed)
    recreated = [(target.host, item.stack) for target in targets for item in target.stacks if item.recreates_channel]
    return AccountMigration(
        snapshot=replace(
            snapshot,
            targets=tuple(target.snapshot for target in targets),
            configurations=tuple(_adopted(snapshot, item, operations) for item in snapshot.configurations),
        ),
        targets=targets,
        channels=tuple(
            ChannelPlan(item, operations[item["ChatConfigurationArn"]])
            for item in snapshot.configurations
            if operations.get(item["ChatConfigurationArn"], Operation.NONE) != Operation.NONE
        ),
        notices=(
            *(messages.channel_is_recreated(stack, host) for host, stack in recreated),
            *_role_notices(snapshot, leftovers, roles),
        ),
    )


def _adopted(snapshot: AccountSnapshot, configuration: Configuration, operations: dict[str, str]) -> Configuration:
    """Return a channel configuration as it is after the adoption: marked as managed."""
    if operations.get(configuration["ChatConfigurationArn"]) != ADOPT:
        return configuration
    mark = {"TagKey": MANAGED_TAG, "TagValue": snapshot.settings.name}
    return {**configuration, "Tags": [*configuration.get("Tags", []), mark]}


def _with_adopted_action(target: TargetSnapshot) -> TargetSnapshot:
    """Return the target with the template's custom action marked as ours, so that the deployment updates or deletes it.

    Anybody else's action of the same Id is foreign to the deployment.
    """
    action = target.live.action
    if action is None or not action_target.is_of_template(action):
        return target
    marked: ActionTarget = {
        **action,
        "Description": action_target.marked(action["Description"], target.settings.name),
    }
    return replace(target, live=replace(target.live, action=marked))


def _stack_plans(found: Leftovers, operations: dict[str, str]) -> tuple[StackPlan, ...]:
    retained = [retained_resources(stack, operations) for stack in found.stacks]
    return tuple(StackPlan(stack, names, path(stack, names)) for stack, names in zip(found.stacks, retained))


def _channel_operations(
    snapshot: AccountSnapshot, surveyed: Sequence[tuple[TargetSnapshot, Leftovers]]
) -> dict[str, str]:
    """Return the operation on each channel configuration of the template, by ARN."""
    movable = [found for target, found in surveyed if not target.problems]
    in_stacks = {stack.channel for found in movable for stack in found.stacks}
    topics = frozenset(arn for found in movable for arn in found.topics)
    # A stack that must not be deleted would delete its channel later, so that is not adopted.
    kept = {stack.channel for target, found in surveyed if target.problems for stack in found.stacks}
    kept.update(arn for _target, found in surveyed for arn in found.foreign_channels)
    desired = frozenset(
        route.channel for target, _found in surveyed if target.settings.present for route in target.settings.routes
    )
    operations = {}
    for item in snapshot.configurations:
        arn = item["ChatConfigurationArn"]
        is_of_template = arn in in_stacks or configuration_name(item) == signature.CONFIGURATION
        if arn in kept or not is_of_template or platform_of(item) is not SLACK:
            continue
        operation = channel_operation(item, desired, topics)
        if operation != REPLACE_TOPICS or arn in in_stacks or topics.intersection(item.get("SnsTopicArns", [])):
            operations[arn] = operation
    return operations


def channel_operation(configuration: Configuration, desired: frozenset[Channel], topics: frozenset[str]) -> str:
    """Return the operation on a channel configuration of the template.

    *desired*: the channels to send to. *topics*: those that are deleted. A configuration that was
    changed since the template created it, or that has other topics, keeps its settings.
    """
    if is_managed(configuration):
        return Operation.NONE
    if any(plans.same_channel(configuration, channel) for channel in desired):
        return ADOPT if _is_unchanged(configuration) else REPLACE_TOPICS
    return REPLACE_TOPICS if set(configuration.get("SnsTopicArns", [])) - topics else Operation.DELETE


def _is_unchanged(configuration: Configuration) -> bool:
    own_tags = [key for key in tags_of(configuration) if not key.startswith("aws:")]
    return (
        bool(signature.CHANNEL_ROLE_ARN.match(configuration["IamRoleArn"]))
        and (configuration.get("GuardrailPolicyArns") or plans.DEFAULT_GUARDRAILS) == plans.DEFAULT_GUARDRAILS
        and not configuration.get("UserAuthorizationRequired")
        and not own_tags
    )


def retained_resources(stack: Stack, operations: dict[str, str]) -> frozenset[str]:
    """Return the logical IDs of the resources that outlive a stack. *operations*: on channel configurations, by ARN.

    The custom resource is never deleted: its function does not respond to that or, in later versions, deletes the
    custom action, which is adopted or deleted by name.
    """
    retained = {signature.CUSTOM_RESOURCE}
    operation = operations.get(stack.channel, Operation.DELETE)
    if operation != Operation.DELETE:
        retained.add(signature.CHANNEL)
    if operation == REPLACE_TOPICS:
        retained.add(signature.CHANNEL_ROLE)
    return frozenset(retained & set(stack.resources))


def _role_notices(snapshot: AccountSnapshot, leftovers: dict[str, Leftovers], roles: list[Role]) -> list[str]:
    in_stacks = {name for found in leftovers.values() for stack in found.stacks for name in stack.resources.values()}
    used = {item["IamRoleArn"] for item in snapshot.configurations}
    loose = sorted(role["RoleName"] for role in roles if role["RoleName"] not in in_stacks and role["Arn"] not in used)
    return [messages.roles_without_stack(loose)] if loose else []


def next_operation(status: str, *, retains: bool, tried: frozenset[str] = frozenset()) -> str:
    """Return the operation that leads from a stack's *status* ('': no stack) towards its deletion.

    *retains*: the stack's own template retains what must outlive it. *tried*: operations of this run; none is repeated,
    so that the sequence ends with STUCK instead of in a loop.
    """
    if not status:
        return Operation.NONE
    if states.in_progress(status):
        return Operation.WAIT
    operation = _operation(status, retains)
    if operation == DELETE_RETAINING and DELETE_RETAINING in tried:
        operation = DELETE_RETAINING_FAILED
    return Operation.STUCK if operation in tried else operation


def _operation(status: str, retains: bool) -> str:
    if status == "DELETE_FAILED":
        return DELETE_RETAINING
    if status == "UPDATE_FAILED":
        return Operation.RESUME
    if status == "UPDATE_ROLLBACK_FAILED":
        return CONTINUE_ROLLBACK
    if retains or status in ONLY_DELETABLE_WHOLE or status == states.EMPTY:
        return Operation.DELETE
    # In any other state a deletion would also delete what must be retained.
    return SET_RETAIN if status in states.STANDING else Operation.STUCK


def path(stack: Stack, retained: frozenset[str]) -> tuple[str, ...]:
    """Return the operations that delete a stack if each of them succeeds; the last one is STUCK if none can."""
    status, retains = stack.status, signature.retains(stack.template, retained)
    steps: list[str] = []
    while True:
        operation = next_operation(status, retains=retains, tried=frozenset(steps))
        if operation == Operation.NONE:
            return tuple(steps)
        steps.append(operation)
        if operation == Operation.STUCK:
            return tuple(steps)
        status, retains = _status_after(status, operation, retained), retains or operation == SET_RETAIN


def _status_after(status: str, operation: str, retained: frozenset[str]) -> str:
    if operation == Operation.WAIT:
        return states.outcome(status)
    if operation in (Operation.RESUME, CONTINUE_ROLLBACK):
        return "UPDATE_ROLLBACK_COMPLETE"
    if operation == SET_RETAIN:
        return "UPDATE_COMPLETE"
    # Deleting the whole stack fails at the custom resource, because its function is deleted before.
    return "DELETE_FAILED" if status in ONLY_DELETABLE_WHOLE and signature.CUSTOM_RESOURCE in retained else ""
