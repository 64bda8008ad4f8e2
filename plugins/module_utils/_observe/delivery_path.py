# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the live resources along the delivery path. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._model.delivery_path import CHATBOT_ENDPOINT
from .._model.delivery_path import LiveKey
from .._model.delivery_path import LivePath
from .._model.delivery_path import LiveTopic
from .._services import cloudwatch
from .._services import events
from .._services import kms
from .._services import sns
from .._services import sqs
from .._stack import resources as stack_resources

if TYPE_CHECKING:
    from .._aws.clients import Clients
    from .._model.settings import Settings
    from .._stack.resources import Resources


def read(aws: Clients, settings: Settings, resources: Resources) -> LivePath:
    """Return the live counterparts of *resources*.

    It costs one call for all rules, one for all alarms, one for each rule and queue, three for each topic, two for each
    key, and one for each foreign topic that the alarms notify.
    """

    def call(service: str, function: Any, *arguments: Any) -> Any:
        return aws.call(settings.source, settings.region, service, function, *arguments)

    rules = call("events", events.list_rules, settings.name)
    names = [rule["Name"] for rule in resources.of_type(stack_resources.RULE)]
    topic_arns = [resources.topic_arn(topic) for topic in resources.of_type(stack_resources.TOPIC)]
    attributes = {arn: call("sns", sns.get_topic_attributes, arn) for arn in topic_arns}
    topics = {arn: found for arn, found in attributes.items() if found is not None}
    listed = {arn: call("sns", _existing_subscriptions, arn) for arn in topics}
    keys = {found["KmsMasterKeyId"] for found in topics.values() if found.get("KmsMasterKeyId")}
    has_alarms = bool(resources.of_type(stack_resources.ALARM))
    return LivePath(
        resources,
        rules=rules,
        targets={name: call("events", events.list_targets, name) for name in names if name in rules},
        topics=topics,
        subscriptions={
            arn: [call("sns", _attributes, item) for item in found if _is_of_amazon_q(item)]
            for arn, found in listed.items()
        },
        subscribers={arn: [item for item in found if not _is_of_amazon_q(item)] for arn, found in listed.items()},
        keys={key: read_key(aws, settings, key) for key in sorted(keys)},
        queues={url: call("sqs", sqs.get_queue_attributes, url) for url in resources.queue_urls()},
        alarms=call("cloudwatch", cloudwatch.describe_metric_alarms, settings.name) if has_alarms else {},
        alarm_topics={
            arn: read_topic(aws, settings, arn, resources.location.account_id)
            for arn in dict.fromkeys(resources.alarm_topic_arns())
            if arn not in topic_arns
        },
    )


def read_topic(aws: Clients, settings: Settings, arn: str, account_id: str) -> LiveTopic:
    """Return a foreign topic, whose account may deny the read: one call, three if it has a key.

    *account_id*: the target's. A key that another account's topic does not name by its ARN would be looked up in our
    account, so it is not read.
    """
    try:
        attributes = aws.call(settings.source, settings.region, "sns", sns.get_topic_attributes, arn)
    except errors.failures() as error:
        return LiveTopic(error=errors.explain(error))
    key = (attributes or {}).get("KmsMasterKeyId", "")
    is_readable = arn.split(":")[4] == account_id or key.startswith(("arn:", "alias/aws/"))
    return LiveTopic(attributes, read_key(aws, settings, key) if key and is_readable else None)


def read_key(aws: Clients, settings: Settings, name: str) -> LiveKey:
    """Return a KMS key of the target's region by its ID, ARN or alias: two calls."""
    try:
        metadata = aws.call(settings.source, settings.region, "kms", kms.describe_key, name)
        if not metadata:
            return LiveKey(metadata)
        policy = aws.call(settings.source, settings.region, "kms", kms.get_key_policy, metadata["Arn"])
        return LiveKey(metadata, policy)
    except errors.failures() as error:
        return LiveKey(error=errors.explain(error))


def _existing_subscriptions(client: Any, topic_arn: str) -> list[sns.Subscription]:
    return [item for item in sns.list_subscriptions(client, topic_arn) if item["SubscriptionArn"] != "Deleted"]


def _is_of_amazon_q(subscription: sns.Subscription) -> bool:
    return subscription["Endpoint"].rstrip("/") == CHATBOT_ENDPOINT


def _attributes(client: Any, subscription: sns.Subscription) -> dict[str, str]:
    """Return the attributes of a subscription, {} for one that is pending or was deleted meanwhile."""
    arn = subscription["SubscriptionArn"]
    # An unconfirmed subscription has the text PendingConfirmation in place of its ARN.
    return (sns.get_subscription_attributes(client, arn) if arn.startswith("arn:") else None) or {}
