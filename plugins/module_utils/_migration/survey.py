# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds what is left of the template of 2020: reads only. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any

from .._aws.errors import UserError
from .._channel.transformations import configuration_name
from .._pipeline import plan
from .._pipeline.path import CHATBOT_ENDPOINT
from .._pipeline.survey import iam_client
from .._services import cloudformation
from .._services import events
from .._services import iam
from .._services import lambda_functions as functions
from .._services import securityhub
from .._services import sns
from . import signature
from . import template_text
from .leftovers import ACTION
from .leftovers import FUNCTION
from .leftovers import RULE
from .leftovers import TOPIC
from .leftovers import Leftovers
from .leftovers import Orphan
from .leftovers import Stack

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._aws.clients import Clients
    from .._pipeline.target import AccountRun
    from .._pipeline.target import Target


def stack(client: Any, live: dict[str, Any]) -> Stack | None:
    """Return the stack (as boto3 shapes it) with what it has if it is of the template, or None: up to two calls."""
    name = live["StackName"]
    template = template_text.parse(cloudformation.stack_template(client, name))
    verdict = signature.judge(template)
    if not verdict.found:
        return None
    summaries = cloudformation.stack_resources(client, name)
    there = [
        item for item in summaries if item["ResourceStatus"] != "DELETE_COMPLETE" and item.get("PhysicalResourceId")
    ]
    return Stack(
        name=name,
        status=plan.status_of(live),
        template=template,
        parameters=tuple(item["ParameterKey"] for item in live.get("Parameters", [])),
        parts={item["LogicalResourceId"]: item["PhysicalResourceId"] for item in there},
        failed=tuple(item["LogicalResourceId"] for item in there if item["ResourceStatus"].endswith("_FAILED")),
        obstacles=tuple(_obstacles(live, verdict)),
    )


def _is_there(summary: dict[str, Any]) -> bool:
    return summary["ResourceStatus"] != "DELETE_COMPLETE" and bool(summary.get("PhysicalResourceId"))


def _obstacles(live: dict[str, Any], verdict: signature.Verdict) -> list[str]:
    name, found = live["StackName"], []
    if verdict.strangers:
        found.append(
            f"the stack {name} is of the template of 2020, and holds more than that: {', '.join(verdict.strangers)}. "
            f"Take that out of its template first."
        )
    if live.get("EnableTerminationProtection"):
        found.append(f"the stack {name} is protected from termination: take that protection away first.")
    if live.get("RootId"):
        found.append(f"the stack {name} is part of another one, {live['RootId']}: take it out of that one first.")
    return found


@dataclass
class _Site:
    """One target that is looked at: its clients, and what has been found so far."""

    clients: Clients
    target: Target
    listed: frozenset[str]  # topics of the region that channel configurations carry
    stacks: list[Stack] = field(default_factory=list)
    orphans: list[Orphan] = field(default_factory=list)
    obstacles: list[str] = field(default_factory=list)

    def client(self, service: str) -> Any:
        settings = self.target.settings
        return self.clients.get(service, settings.region, settings.source.endpoint_url)

    def held(self) -> set[str]:
        """Return the physical ids of all that the stacks hold."""
        return {found for item in self.stacks for found in item.parts.values()}

    def is_held_by_others(self, physical_id: str) -> bool:
        """Tell whether a stack that is not of the template holds this: then it is that stack's."""
        return bool(cloudformation.stack_of(self.client("cloudformation"), physical_id))


def leftovers(clients: Clients, target: Target, configurations: Iterable[dict[str, Any]]) -> Leftovers:
    """Return what a target has of the template.

    Five calls, one more for each stack that may have made roles, and a few for each thing of the template.
    *configurations*: the account's channels, as boto3 shapes them.
    """
    region = target.settings.region
    listed = {arn for item in configurations for arn in item.get("SnsTopicArns", []) if arn.split(":")[3] == region}
    site = _Site(clients, target, frozenset(listed))
    with clients.acting(target.settings.source):
        _find_stacks(site)
        rules = _find_rules(site)
        _find_function(site)
        _find_action(site)
        topics = _find_topics(site)
        for arn in topics.there:
            _see_who_else_uses(site, arn, rules)
        foreign = _channels_of_others(site, configurations)
    return Leftovers(tuple(site.stacks), tuple(site.orphans), topics.all, tuple(site.obstacles), foreign)


def _find_stacks(site: _Site) -> None:
    client = site.client("cloudformation")
    for live in cloudformation.describe_stacks(client):
        if plan.is_ours(live) or not signature.may_be_of_template(live):
            continue
        found = stack(client, live)
        if found is not None:
            site.stacks.append(found)


def _find_rules(site: _Site) -> set[str]:
    """Return the names of the rules that go, those of the stacks among them."""
    client, held = site.client("events"), site.held()
    ours = {name for name, rule in events.list_rules(client).items() if signature.is_rule(rule)}
    for name in sorted(ours - held):
        targets = [item["Id"] for item in events.list_targets(client, name)]
        if targets == [signature.RULE_TARGET_ID] and not site.is_held_by_others(name):
            site.orphans.append(Orphan(RULE, name))
    return {orphan.name for orphan in site.orphans} | held


def _find_function(site: _Site) -> None:
    if signature.FUNCTION in site.held():
        return
    found = functions.get_function_configuration(site.client("lambda"), signature.FUNCTION)
    if found and signature.is_function(found) and not site.is_held_by_others(signature.FUNCTION):
        site.orphans.append(Orphan(FUNCTION, signature.FUNCTION))


def _find_action(site: _Site) -> None:
    """Find the custom action where this collection's has another id; one of the same id is taken over as it is."""
    settings, account = site.target.settings, site.target.account
    if account is None or settings.value("action_id") == signature.ACTION_ID or site.target.live.hub is False:
        return
    where = f"arn:{account.partition}:securityhub:{settings.region}:{account.id}"
    arn = f"{where}:action/custom/{signature.ACTION_ID}"
    there = securityhub.describe_action_targets(site.client("securityhub"))
    if any(found["ActionTargetArn"] == arn and signature.is_action(found) for found in there):
        site.orphans.append(Orphan(ACTION, arn))


@dataclass(frozen=True)
class _Topics:
    """The template's topics: those that are *there*, and *all*, with those that a channel carries and are no more."""

    there: tuple[str, ...]
    all: frozenset[str]


def _find_topics(site: _Site) -> _Topics:
    client = site.client("sns")
    held = {item.parts[signature.TOPIC] for item in site.stacks if signature.TOPIC in item.parts}
    there, everything = sorted(held), set(held)
    named = {arn for arn in (*site.listed, *sns.list_topics(client)) if signature.is_topic_arn(arn)}
    for arn in sorted(named - held):
        attributes = sns.get_topic_attributes(client, arn)
        if attributes is None:
            everything.add(arn)
        elif attributes.get("DisplayName") == signature.TOPIC_DISPLAY_NAME and not site.is_held_by_others(arn):
            everything.add(arn)
            there.append(arn)
            site.orphans.append(Orphan(TOPIC, arn))
    return _Topics(tuple(there), frozenset(everything))


def _channels_of_others(site: _Site, configurations: Iterable[dict[str, Any]]) -> frozenset[str]:
    """Return the ARNs of channels that are called as the template's and that a stack of something else holds."""
    alike = {
        item["ChatConfigurationArn"] for item in configurations if configuration_name(item) == signature.CONFIGURATION
    }
    return frozenset(arn for arn in alike - site.held() if site.is_held_by_others(arn))


def _see_who_else_uses(site: _Site, topic: str, rules: set[str]) -> None:
    """Note who would lose messages with the topic: other subscribers, and other rules that send to it."""
    name = topic.rsplit(":", maxsplit=1)[-1]
    others = [
        f"{item['Protocol']} {item['Endpoint']}"
        for item in sns.list_subscriptions(site.client("sns"), topic)
        if item["Endpoint"].rstrip("/") != CHATBOT_ENDPOINT
    ]
    if others:
        site.obstacles.append(
            f"the topic {name} of the template of 2020 has subscribers of its own, which would lose it "
            f"({', '.join(others)}): subscribe them to a topic of yours and end these subscriptions first."
        )
    strangers = sorted(set(events.rules_of_target(site.client("events"), topic)) - rules)
    if strangers:
        site.obstacles.append(
            f"rules that are not of the template of 2020 send to its topic {name} ({', '.join(strangers)}): delete "
            f"those that the pipeline replaces, and give the others another target first."
        )


def roles(clients: Clients, account: AccountRun) -> list[dict[str, Any]]:
    """Return the account's IAM roles that look like the template's, as boto3 shapes them: a call for every 100."""
    settings = account.settings
    with clients.acting(settings.source):
        return [role for role in iam.list_roles(iam_client(clients, settings)) if signature.is_role(role)]


def refuse_obstacles(target: Target, found: Leftovers) -> None:
    """Let the target fail where something of the template must not be touched."""
    if found.all_obstacles:
        target.fail(UserError(" ".join(found.all_obstacles)))
