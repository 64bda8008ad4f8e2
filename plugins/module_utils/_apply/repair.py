# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restores the drifted resources of a stack through their own services. PRIVATE to the collection.

CloudFormation finds resources by name, so a resource that is created again under the same name belongs to its stack.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from .._iam_policies import evaluation
from .._model import drift
from .._services import cloudwatch
from .._services import events
from .._services import kms
from .._services import sns
from .._services import sqs
from .._stack import resources as stack_resources

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._aws.clients import Clients
    from .._model.delivery_path import LivePath
    from .._model.drift import Drift
    from .._model.settings import Settings
    from .._resource.shapes import Json
    from .._stack.resources import Resources


@dataclass(frozen=True)
class Site:
    """The stack to repair: where it is, and its live resources."""

    aws: Clients
    settings: Settings
    live: LivePath

    @property
    def resources(self) -> Resources:
        """Return the resources as the template has them."""
        return self.live.resources

    def call(self, service: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function of ``_services`` in the region of the stack."""
        return self.aws.call(self.settings.source, self.settings.region, service, function, *arguments)

    def named(self, kind: str, key: str, name: str) -> Json:
        """Return the properties of the resource of *kind* whose property *key* is *name*."""
        return next(item for item in self.resources.of_type(kind) if item[key] == name)


def repair(aws: Clients, settings: Settings, live: LivePath, drifts: tuple[Drift, ...]) -> None:
    """Restore each of *drifts*, which are repairable, to what the template says."""
    site = Site(aws, settings, live)
    for item in sorted(drifts, key=lambda item: ORDER.index(item.part)):
        REPAIRS[item.part](site, item.name)


def _rule(site: Site, name: str) -> None:
    rule = site.named(stack_resources.RULE, "Name", name)
    members = {key: value for key, value in rule.items() if key in ("Name", "Description", "State", "Tags")}
    members["EventPattern"] = json.dumps(rule["EventPattern"], separators=(",", ":"))
    site.call("events", events.put_rule, members)
    if name not in site.live.rules:
        site.call("events", events.put_targets, name, rule["Targets"])


def _target(site: Site, name: str) -> None:
    wanted = site.named(stack_resources.RULE, "Name", name)["Targets"]
    ids, arns = {target["Id"] for target in wanted}, {target["Arn"] for target in wanted}
    site.call("events", events.put_targets, name, wanted)
    doubles = [item["Id"] for item in site.live.targets.get(name, []) if item["Arn"] in arns and item["Id"] not in ids]
    if doubles:
        site.call("events", events.remove_targets, name, doubles)


def _topic(site: Site, name: str) -> None:
    topic = site.named(stack_resources.TOPIC, "TopicName", name)
    attributes = {key: value for key, value in topic.items() if key in ("DisplayName", "KmsMasterKeyId")}
    attributes["Policy"] = json.dumps(_policy_of(site, site.resources.topic_arn(topic)))
    site.call("sns", sns.create_topic, name, attributes, topic.get("Tags", []))


def _policy_of(site: Site, topic_arn: str) -> Json:
    policies = site.resources.of_type(stack_resources.TOPIC_POLICY)
    return next(item["PolicyDocument"] for item in policies if topic_arn in item["Topics"])


def _policy(site: Site, name: str) -> None:
    arn = site.resources.location.arn("sns", name)
    live = json.loads(site.live.topics[arn].get("Policy") or "{}")
    policy = with_grants_of_others(_policy_of(site, arn), live)
    site.call("sns", sns.set_topic_attribute, arn, "Policy", json.dumps(policy))


def with_grants_of_others(wanted: Json, live: Json) -> Json:
    """Return *wanted* with what *live* allows to others, such as a subscription, but not with what it allows to all."""
    own = {statement["Sid"] for statement in wanted["Statement"]}
    others = [
        statement
        for statement in evaluation.statements(live)
        if statement.get("Effect") == "Allow" and statement.get("Sid") not in own and not evaluation.is_open(statement)
    ]
    return {**wanted, "Statement": [*wanted["Statement"], *others]}


def _encryption(site: Site, name: str) -> None:
    key = site.named(stack_resources.TOPIC, "TopicName", name).get("KmsMasterKeyId", "")
    site.call("sns", sns.set_topic_attribute, site.resources.location.arn("sns", name), "KmsMasterKeyId", key)


def _own_key(site: Site, name: str) -> None:
    key_id = site.named(stack_resources.ALIAS, "AliasName", name)["TargetKeyId"]
    (key,) = site.resources.of_type(stack_resources.KEY)
    named = site.live.keys[name].metadata
    if named is None:
        site.call("kms", kms.create_alias, name, key_id)
    elif named["KeyId"] != key_id:
        site.call("kms", kms.update_alias, name, key_id)
    state = (site.call("kms", kms.describe_key, key_id) or {}).get("KeyState")
    if state == "PendingDeletion":
        site.call("kms", kms.cancel_key_deletion, key_id)
    site.call("kms", kms.enable_key, key_id)
    site.call("kms", kms.put_key_policy, key_id, key["KeyPolicy"])


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _queue(site: Site, name: str) -> None:
    (queue,) = site.resources.of_type(stack_resources.QUEUE)
    (policy,) = site.resources.of_type(stack_resources.QUEUE_POLICY)
    (url,) = site.resources.queue_urls()
    attributes = {"Policy": json.dumps(policy["PolicyDocument"])}
    if site.live.queues[url] is None:
        attributes |= {key: _text(value) for key, value in queue.items() if key != "Tags"}
        site.call(
            "sqs", sqs.create_queue, name, attributes, {tag["Key"]: tag["Value"] for tag in queue.get("Tags", [])}
        )
    else:
        site.call("sqs", sqs.set_queue_attributes, url, attributes)


def _alarm(site: Site, name: str) -> None:
    alarm = site.named(stack_resources.ALARM, "AlarmName", name)
    site.call("cloudwatch", cloudwatch.put_metric_alarm, {**alarm, "ActionsEnabled": True})


def _subscription(site: Site, name: str) -> None:
    arn = site.resources.location.arn("sns", name)
    for attributes in filter(None, site.live.subscriptions[arn]):
        set_attribute = partial(site.call, "sns", sns.set_subscription_attribute, attributes["SubscriptionArn"])
        if attributes.get("RawMessageDelivery") == "true":
            set_attribute("RawMessageDelivery", "false")
        if attributes.get("FilterPolicy"):
            set_attribute("FilterPolicy", "{}")


# In this order: a rule before its targets, a topic before what is its.
REPAIRS: dict[str, Callable[[Site, str], None]] = {
    drift.TOPIC: _topic,
    drift.OWN_KEY: _own_key,
    drift.ENCRYPTION: _encryption,
    drift.POLICY: _policy,
    drift.OPEN_POLICY: _policy,
    drift.SUBSCRIPTION: _subscription,
    drift.RULE: _rule,
    drift.QUEUE: _queue,
    drift.TARGET: _target,
    drift.DEAD_LETTERS: _target,
    drift.ALARM: _alarm,
}
ORDER = list(REPAIRS)
