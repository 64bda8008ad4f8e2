# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts back, through the services themselves, what somebody has changed by hand in a stack. PRIVATE to the collection.

CloudFormation finds resources by their names, so what is made anew under the same name is the stack's again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from .._services import cloudwatch
from .._services import events
from .._services import kms
from .._services import sns
from .._services import sqs
from .._stack import resources as stack_resources
from . import drift

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._aws.clients import Clients
    from .._stack.resources import Resources
    from .drift import Drift
    from .path import LivePath
    from .settings import Settings


@dataclass(frozen=True)
class Site:
    """Where repairs take place: how to get a client of a service, what shall be there, and what was found."""

    client: Callable[[str], Any]
    resources: Resources
    live: LivePath

    def named(self, kind: str, key: str, name: str) -> dict[str, Any]:
        """Return the properties of the resource of *kind* whose property *key* is *name*."""
        return next(item for item in self.resources.of_type(kind) if item[key] == name)


def repair(clients: Clients, settings: Settings, resources: Resources, live: LivePath, drifts: list[Drift]) -> None:
    """Bring each of *drifts* back to what *resources* say; those of parts that are not in REPAIRS are left alone."""

    def client(service: str) -> Any:
        return clients.get(service, settings.region, settings.source.endpoint_url)

    site = Site(client, resources, live)
    with clients.acting(settings.source):
        for item in sorted(repairable(drifts), key=lambda item: ORDER.index(item.part)):
            REPAIRS[item.part](site, item.name)


def repairable(drifts: list[Drift]) -> list[Drift]:
    """Return those that *repair* sees to. The rest is the channel's, which subscribes Amazon Q, or nobody's."""
    return [item for item in drifts if item.part in REPAIRS]


def _rule(site: Site, name: str) -> None:
    rule = site.named(stack_resources.RULE, "Name", name)
    members = {key: value for key, value in rule.items() if key in ("Name", "Description", "State", "Tags")}
    members["EventPattern"] = json.dumps(rule["EventPattern"], separators=(",", ":"))
    events.put_rule(site.client("events"), members)
    if name not in site.live.rules:
        events.put_targets(site.client("events"), name, rule["Targets"])


def _target(site: Site, name: str) -> None:
    wanted = site.named(stack_resources.RULE, "Name", name)["Targets"]
    ids, arns = {target["Id"] for target in wanted}, {target["Arn"] for target in wanted}
    events.put_targets(site.client("events"), name, wanted)
    doubles = [item["Id"] for item in site.live.targets.get(name, []) if item["Arn"] in arns and item["Id"] not in ids]
    if doubles:
        events.remove_targets(site.client("events"), name, doubles)


def _topic(site: Site, name: str) -> None:
    topic = site.named(stack_resources.TOPIC, "TopicName", name)
    attributes = {key: value for key, value in topic.items() if key in ("DisplayName", "KmsMasterKeyId")}
    attributes["Policy"] = json.dumps(_policy_of(site, site.resources.topic_arn(topic)))
    sns.create_topic(site.client("sns"), name, attributes, topic.get("Tags", []))


def _policy_of(site: Site, topic_arn: str) -> dict[str, Any]:
    policies = site.resources.of_type(stack_resources.TOPIC_POLICY)
    return next(item["PolicyDocument"] for item in policies if topic_arn in item["Topics"])


def _policy(site: Site, name: str) -> None:
    arn = site.resources.place.arn("sns", name)
    live = json.loads(site.live.topics[arn].get("Policy") or "{}")
    policy = with_grants_of_others(_policy_of(site, arn), live)
    sns.set_topic_attribute(site.client("sns"), arn, "Policy", json.dumps(policy))


def with_grants_of_others(wanted: dict[str, Any], live: dict[str, Any]) -> dict[str, Any]:
    """Return *wanted* with what *live* allows besides: somebody else may read along, and keeps his right."""
    statements = live.get("Statement") or []
    own = {statement["Sid"] for statement in wanted["Statement"]}
    others = [
        statement
        for statement in (statements if isinstance(statements, list) else [statements])
        if statement.get("Effect") == "Allow" and statement.get("Sid") not in own
    ]
    return {**wanted, "Statement": [*wanted["Statement"], *others]}


def _encryption(site: Site, name: str) -> None:
    key = site.named(stack_resources.TOPIC, "TopicName", name).get("KmsMasterKeyId", "")
    sns.set_topic_attribute(site.client("sns"), site.resources.place.arn("sns", name), "KmsMasterKeyId", key)


def _own_key(site: Site, name: str) -> None:
    client = site.client("kms")
    key_id = site.named(stack_resources.ALIAS, "AliasName", name)["TargetKeyId"]
    (key,) = site.resources.of_type(stack_resources.KEY)
    named = site.live.keys[name].metadata
    if named is None:
        kms.create_alias(client, name, key_id)
    elif named["KeyId"] != key_id:
        kms.update_alias(client, name, key_id)
    state = (kms.describe_key(client, key_id) or {}).get("KeyState")
    if state == "PendingDeletion":
        kms.cancel_key_deletion(client, key_id)
    kms.enable_key(client, key_id)
    kms.put_key_policy(client, key_id, key["KeyPolicy"])


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _queue(site: Site, name: str) -> None:
    client = site.client("sqs")
    (queue,) = site.resources.of_type(stack_resources.QUEUE)
    (policy,) = site.resources.of_type(stack_resources.QUEUE_POLICY)
    (url,) = site.resources.queue_urls()
    attributes = {"Policy": json.dumps(policy["PolicyDocument"])}
    if site.live.queues[url] is None:
        attributes |= {key: _text(value) for key, value in queue.items() if key != "Tags"}
        sqs.create_queue(client, name, attributes, {tag["Key"]: tag["Value"] for tag in queue.get("Tags", [])})
    else:
        sqs.set_queue_attributes(client, url, attributes)


def _alarm(site: Site, name: str) -> None:
    alarm = site.named(stack_resources.ALARM, "AlarmName", name)
    cloudwatch.put_metric_alarm(site.client("cloudwatch"), {**alarm, "ActionsEnabled": True})


def _subscription(site: Site, name: str) -> None:
    arn = site.resources.place.arn("sns", name)
    for attributes in filter(None, site.live.subscriptions[arn]):
        set_attribute = partial(sns.set_subscription_attribute, site.client("sns"), attributes["SubscriptionArn"])
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
    drift.SUBSCRIPTION: _subscription,
    drift.RULE: _rule,
    drift.QUEUE: _queue,
    drift.TARGET: _target,
    drift.DEAD_LETTERS: _target,
    drift.ALARM: _alarm,
}
ORDER = list(REPAIRS)
