# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of a finding as it is in AWS, resource by resource: reads only. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._services import cloudwatch
from .._services import events
from .._services import kms
from .._services import sns
from .._services import sqs
from .._stack import resources as stack_resources

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._aws.clients import Clients
    from .._stack.resources import Resources
    from .settings import Settings

# What the service-linked role of Chatbot subscribes to the topics of channel configurations
# (https://docs.aws.amazon.com/chatbot/latest/adminguide/chatbot-troubleshooting.html).
CHATBOT_ENDPOINT = "https://global.sns-api.chatbot.amazonaws.com"


@dataclass(frozen=True)
class LiveKey:
    """A KMS key: its metadata as boto3 shapes it (None: there is none) and policy; *error*: why they are not known."""

    metadata: dict[str, Any] | None = None
    policy: dict[str, Any] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class LiveTopic:
    """A topic of somebody else that the alarms tell: its attributes (None: there is none), and its key.

    *key*: None where it has none, or one that is not to be looked at from here. *error*: why all that is not known.
    """

    attributes: dict[str, str] | None = None
    key: LiveKey | None = None
    error: str = ""


@dataclass(frozen=True)
class LivePath:
    """What is there of the resources of a stack.

    *rules* by name, as ListRules shapes them, those of others too if their names begin alike. *targets* by rule.
    *topics*: attributes by ARN. *subscriptions* of Chatbot by topic ARN: attributes, empty for a pending one.
    *keys* by what the topics call them. *queues*: attributes by URL, None for one that is gone. *alarms* by name, as
    DescribeAlarms shapes them. *told*: the topics of others that the alarms tell, by ARN.
    """

    rules: dict[str, dict[str, Any]] = field(default_factory=dict)
    targets: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    topics: dict[str, dict[str, str]] = field(default_factory=dict)
    subscriptions: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    keys: dict[str, LiveKey] = field(default_factory=dict)
    queues: dict[str, dict[str, str] | None] = field(default_factory=dict)
    alarms: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: dict[str, LiveTopic] = field(default_factory=dict)

    @property
    def undelivered(self) -> int:
        """Return how many events wait in the queues."""
        there = [attributes for attributes in self.queues.values() if attributes]
        return sum(int(attributes.get("ApproximateNumberOfMessages", 0)) for attributes in there)


def read(clients: Clients, settings: Settings, resources: Resources) -> LivePath:
    """Return what is there of *resources*.

    A call for all rules, one for all alarms, one for each rule and queue, three for each topic, two for each key; one
    for each topic of somebody else that the alarms tell.
    """
    has_alarms = bool(resources.of_type(stack_resources.ALARM))
    rule_names = [rule["Name"] for rule in resources.of_type(stack_resources.RULE)]
    topic_arns = [resources.topic_arn(topic) for topic in resources.of_type(stack_resources.TOPIC)]

    def client(service: str) -> Any:
        return clients.get(service, settings.region, settings.source.endpoint_url)

    with clients.acting(settings.source):
        rules = events.list_rules(client("events"), settings.name)
        targets = {name: events.list_targets(client("events"), name) for name in rule_names if name in rules}
        topics = {arn: sns.get_topic_attributes(client("sns"), arn) for arn in topic_arns}
        there = {arn: attributes for arn, attributes in topics.items() if attributes is not None}
        keys = {item["KmsMasterKeyId"] for item in there.values() if item.get("KmsMasterKeyId")}
        return LivePath(
            rules=rules,
            targets=targets,
            topics=there,
            subscriptions={arn: _subscriptions(client("sns"), arn) for arn in there},
            keys={key: read_key(client("kms"), key) for key in sorted(keys)},
            queues={url: sqs.get_queue_attributes(client("sqs"), url) for url in resources.queue_urls()},
            alarms=cloudwatch.describe_metric_alarms(client("cloudwatch"), settings.name) if has_alarms else {},
            told={
                arn: read_topic(client, arn, resources.place.account_id)
                for arn in dict.fromkeys(resources.told())
                if arn not in topic_arns
            },
        )


def read_topic(client: Callable[[str], Any], arn: str, account_id: str) -> LiveTopic:
    """Return a topic of somebody else, whose account may not let us look at it: one call, three where it has a key.

    *account_id*: our own. A key that another account's topic does not call by its ARN would be looked for in ours, so
    it is not looked at.
    """
    try:
        attributes = sns.get_topic_attributes(client("sns"), arn)
    except errors.failures() as error:
        return LiveTopic(error=errors.explain(error))
    key = (attributes or {}).get("KmsMasterKeyId", "")
    is_known_here = arn.split(":")[4] == account_id or key.startswith(("arn:", "alias/aws/"))
    return LiveTopic(attributes, read_key(client("kms"), key) if key and is_known_here else None)


def is_heard(subscriptions: list[dict[str, str]]) -> bool:
    """Tell whether Amazon Q is among a topic's subscriptions, as ListSubscriptionsByTopic gives them."""
    return any(
        item["Endpoint"].rstrip("/") == CHATBOT_ENDPOINT and item["SubscriptionArn"].startswith("arn:")
        for item in subscriptions
    )


def _subscriptions(client: Any, topic_arn: str) -> list[dict[str, str]]:
    arns = [
        found["SubscriptionArn"]
        for found in sns.list_subscriptions(client, topic_arn)
        if found["Endpoint"].rstrip("/") == CHATBOT_ENDPOINT and found["SubscriptionArn"] != "Deleted"
    ]
    # A subscription that nobody has confirmed has no ARN, but the word PendingConfirmation in its place.
    return [(sns.get_subscription_attributes(client, arn) if arn.startswith("arn:") else None) or {} for arn in arns]


def read_key(client: Any, name: str) -> LiveKey:
    """Return what is known of a key by its id, ARN or alias: two calls."""
    try:
        metadata = kms.describe_key(client, name)
        return LiveKey(metadata, kms.get_key_policy(client, metadata["Arn"]) if metadata else {})
    except errors.failures() as error:
        return LiveKey(error=errors.explain(error))
