# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left of the template of 2020 in targets and accounts: reads only. PRIVATE to the collection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._aws import parallel
from .._channel.transformations import configuration_name
from .._model.delivery_path import CHATBOT_ENDPOINT
from .._model.snapshot import healthy
from .._securityhub import action_target
from .._services import cloudformation
from .._services import events
from .._services import iam
from .._services import lambda_functions
from .._services import securityhub
from .._services import sns
from .._stack import live as live_stacks
from . import messages
from . import signature

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._aws.clients import Clients
    from .._model.settings import Settings
    from .._model.snapshot import AccountSnapshot
    from .._model.snapshot import TargetSnapshot
    from .._resource.shapes import Json
    from .._services.chatbot import Configuration

# Kinds of resources without a stack
RULE = "rule"
TOPIC = "topic"
FUNCTION = "function"
ACTION = "custom action"

# Access.call of one account and region: service, function of _services, its arguments.
Call = Callable[..., Any]


@dataclass(frozen=True)
class Stack:
    """A stack of the template. *resources*: those it still has, physical IDs by logical ID.

    *template*: see ``signature.parse``. *parameters*: their keys. *failed*: logical IDs of the resources that
    CloudFormation could not delete or roll back.
    """

    name: str
    status: str
    template: Json = field(hash=False, repr=False, default_factory=dict)
    parameters: tuple[str, ...] = ()
    resources: dict[str, str] = field(hash=False, default_factory=dict)
    failed: tuple[str, ...] = ()

    @property
    def channel(self) -> str:
        """Return the ARN of the channel configuration that the stack has, or ''."""
        return self.resources.get(signature.CHANNEL, "")


@dataclass(frozen=True)
class Orphan:
    """A resource of the template that no stack has any more; *name* is an ARN for topics and custom actions."""

    kind: str
    name: str


@dataclass(frozen=True)
class Leftovers:
    """What one target has of the template.

    *topics*: ARNs of its topics, including those that are deleted and still in a channel. *foreign_channels*: ARNs of
    configurations with the template's name that another stack has. *problems*: why nothing of it may be deleted, each
    with its fix.
    """

    stacks: tuple[Stack, ...] = ()
    orphans: tuple[Orphan, ...] = ()
    topics: frozenset[str] = frozenset()
    foreign_channels: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()


def read(aws: Clients, accounts: Iterable[AccountSnapshot]) -> dict[str, Leftovers]:
    """Return what each healthy target has of the template, by host; problems say why one could not be read."""
    items = [(target, account.configurations) for account in accounts for target in healthy(account.targets)]
    found = parallel.recovered(
        lambda item: leftovers(aws, *item),
        items,
        lambda _item, error: Leftovers(problems=tuple(errors.sentences(error))),
    )
    return {target.host: of_target for (target, _configurations), of_target in zip(items, found)}


def leftovers(aws: Clients, target: TargetSnapshot, configurations: Iterable[Configuration]) -> Leftovers:
    """Return what a target has of the template. *configurations*: the account's channels, as boto3 shapes them.

    Costs five calls, one for each stack that may have created roles, and a few for each resource of the template.
    """
    settings = target.settings
    call = aws.access(settings.source, settings.region).call
    lives = [live for live in call("cloudformation", cloudformation.describe_stacks) if not live_stacks.is_ours(live)]
    found = [(live, read_stack(call, live)) for live in lives if signature.may_match(live)]
    stacks = tuple(stack for _live, stack in found if stack is not None)
    in_stacks = frozenset(name for stack in stacks for name in stack.resources.values())
    rules = _orphaned_rules(call, in_stacks)
    old_topics = {stack.resources[signature.TOPIC] for stack in stacks if signature.TOPIC in stack.resources}
    orphaned_topics, deleted_topics = _orphaned_topics(call, _listed_topics(configurations, settings), old_topics)
    problems = [problem for live, stack in found if stack for problem in messages.stack_problems(live, stack, settings)]
    for arn in (*sorted(old_topics), *orphaned_topics):
        problems += _topic_problems(call, arn, in_stacks.union(rules))
    return Leftovers(
        stacks=stacks,
        orphans=(
            *(Orphan(RULE, name) for name in rules),
            *_orphaned_function(call, in_stacks),
            *_orphaned_action(call, target),
            *(Orphan(TOPIC, arn) for arn in orphaned_topics),
        ),
        topics=frozenset({*old_topics, *orphaned_topics, *deleted_topics}),
        foreign_channels=_foreign_channels(call, configurations, in_stacks),
        problems=tuple(problems),
    )


def read_stack(call: Call, live: cloudformation.Stack) -> Stack | None:
    """Return a stack (as boto3 shapes it) with its resources if it has the template, or None: up to two calls."""
    name = live["StackName"]
    template = signature.parse(call("cloudformation", cloudformation.stack_template, name))
    if not signature.matches(template):
        return None
    existing = [
        item
        for item in call("cloudformation", cloudformation.stack_resources, name)
        if item["ResourceStatus"] != "DELETE_COMPLETE" and item.get("PhysicalResourceId")
    ]
    return Stack(
        name=name,
        status=live["StackStatus"],
        template=template,
        parameters=tuple(item["ParameterKey"] for item in live.get("Parameters", [])),
        resources={item["LogicalResourceId"]: item["PhysicalResourceId"] for item in existing},
        failed=tuple(item["LogicalResourceId"] for item in existing if item["ResourceStatus"].endswith("_FAILED")),
    )


def _is_in_another_stack(call: Call, physical_id: str) -> bool:
    return bool(call("cloudformation", cloudformation.stack_of, physical_id))


def _orphaned_rules(call: Call, in_stacks: frozenset[str]) -> list[str]:
    """Return the names of the template's rules that no stack has."""
    rules = call("events", events.list_rules)
    return [
        name
        for name in sorted(rules)
        if signature.is_rule(rules[name])
        and name not in in_stacks
        and [item["Id"] for item in call("events", events.list_targets, name)] == [signature.RULE_TARGET_ID]
        and not _is_in_another_stack(call, name)
    ]


def _orphaned_function(call: Call, in_stacks: frozenset[str]) -> list[Orphan]:
    if signature.FUNCTION in in_stacks:
        return []
    live = call("lambda", lambda_functions.get_function_configuration, signature.FUNCTION)
    if live and signature.is_function(live) and not _is_in_another_stack(call, signature.FUNCTION):
        return [Orphan(FUNCTION, signature.FUNCTION)]
    return []


def _orphaned_action(call: Call, target: TargetSnapshot) -> list[Orphan]:
    """Return the template's custom action if this collection's has another ID; one with the same ID is adopted."""
    settings, account = target.settings, target.account
    if account is None or settings.value("action_id") == signature.ACTION_ID or target.live.hub is False:
        return []
    arn = f"arn:{account.partition}:securityhub:{settings.region}:{account.id}:action/custom/{signature.ACTION_ID}"
    actions = call("securityhub", securityhub.describe_action_targets)
    matching = [item for item in actions if item["ActionTargetArn"] == arn and action_target.is_of_template(item)]
    return [Orphan(ACTION, arn) for _action in matching]


def _listed_topics(configurations: Iterable[Configuration], settings: Settings) -> set[str]:
    """Return the topics of the target's region that are in the account's channels."""
    arns = {arn for item in configurations for arn in item.get("SnsTopicArns", [])}
    return {arn for arn in arns if arn.split(":")[3] == settings.region}


def _orphaned_topics(call: Call, listed: set[str], old_topics: set[str]) -> tuple[list[str], list[str]]:
    """Return the template's topics that no stack has, and those in a channel that are deleted."""
    orphaned, deleted = [], []
    named = {arn for arn in (*listed, *call("sns", sns.list_topics)) if signature.is_topic_arn(arn)}
    for arn in sorted(named - old_topics):
        attributes = call("sns", sns.get_topic_attributes, arn)
        if attributes is None:
            deleted.append(arn)
        elif attributes.get("DisplayName") == signature.TOPIC_DISPLAY_NAME and not _is_in_another_stack(call, arn):
            orphaned.append(arn)
    return orphaned, deleted


def _topic_problems(call: Call, arn: str, old_rules: frozenset[str]) -> list[str]:
    """Return who else uses a topic and would lose messages: other subscribers, and other rules that send to it."""
    subscribers = [
        f"{item['Protocol']} {item['Endpoint']}"
        for item in call("sns", sns.list_subscriptions, arn)
        if item["Endpoint"].rstrip("/") != CHATBOT_ENDPOINT
    ]
    rules = sorted(set(call("events", events.rules_of_target, arn)) - old_rules)
    return messages.topic_problems(arn.rsplit(":", maxsplit=1)[-1], subscribers, rules)


def _foreign_channels(call: Call, configurations: Iterable[Configuration], in_stacks: frozenset[str]) -> frozenset[str]:
    named = {
        item["ChatConfigurationArn"] for item in configurations if configuration_name(item) == signature.CONFIGURATION
    }
    return frozenset(arn for arn in named - in_stacks if _is_in_another_stack(call, arn))


def roles(aws: Clients, settings: Settings) -> list[iam.Role]:
    """Return the account's IAM roles that look like the template's, as boto3 shapes them: a call for every 100."""
    home = aws.home_region(settings.source)
    return [role for role in aws.call(settings.source, home, "iam", iam.list_roles) if signature.is_role(role)]
