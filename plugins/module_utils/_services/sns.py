# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SNS: one function a call. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any
from typing import TypedDict

from .refusals import existing

if TYPE_CHECKING:
    from .._resource.shapes import Tag

Attributes = dict[str, str]


class Subscription(TypedDict):
    """A subscription, with the keys that are used here; SubscriptionArn may be PendingConfirmation."""

    SubscriptionArn: str
    Protocol: str
    Endpoint: str


def list_topics(client: Any) -> list[str]:
    """Return the ARNs of all topics of the account and region: one call per 100 topics."""
    pages = client.get_paginator("list_topics").paginate()
    return [topic["TopicArn"] for page in pages for topic in page["Topics"]]


def get_topic_attributes(client: Any, arn: str) -> Attributes | None:
    """Return the attributes of the topic (Policy is a JSON text), or None."""
    return existing(
        lambda: client.get_topic_attributes(TopicArn=arn)["Attributes"], client.exceptions.NotFoundException
    )


def create_topic(client: Any, name: str, attributes: Attributes, tags: list[Tag]) -> None:
    """Create the topic; one of the same name, attributes and tags is adopted."""
    client.create_topic(Name=name, Attributes=attributes, Tags=tags)


def set_topic_attribute(client: Any, arn: str, name: str, value: str) -> None:
    """Set one attribute of the topic, such as Policy (a JSON text) or KmsMasterKeyId ('' for none)."""
    client.set_topic_attributes(TopicArn=arn, AttributeName=name, AttributeValue=value)


def publish(client: Any, topic_arn: str, message: str) -> None:
    """Send a message to the topic's subscribers."""
    client.publish(TopicArn=topic_arn, Message=message)


def list_subscriptions(client: Any, topic_arn: str) -> list[Subscription]:
    """Return the subscriptions of the topic."""
    pages = client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
    return [subscription for page in pages for subscription in page["Subscriptions"]]


def get_subscription_attributes(client: Any, arn: str) -> Attributes | None:
    """Return the attributes of a confirmed subscription (RawMessageDelivery, FilterPolicy, ...), or None."""
    missing = client.exceptions.NotFoundException
    return existing(lambda: client.get_subscription_attributes(SubscriptionArn=arn)["Attributes"], missing)


def set_subscription_attribute(client: Any, arn: str, name: str, value: str) -> None:
    """Set one attribute of the subscription."""
    client.set_subscription_attributes(SubscriptionArn=arn, AttributeName=name, AttributeValue=value)


def delete_topic(client: Any, arn: str) -> None:
    """Delete the topic with its subscriptions; succeed if it does not exist."""
    client.delete_topic(TopicArn=arn)


def subscribe_queue(client: Any, topic_arn: str, queue_arn: str) -> str:
    """Subscribe a queue of the own account to the topic, which needs no confirmation, and return the ARN."""
    answer = client.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=queue_arn, ReturnSubscriptionArn=True)
    return str(answer["SubscriptionArn"])


def unsubscribe(client: Any, arn: str) -> None:
    """Delete a subscription; succeed if it does not exist."""
    client.unsubscribe(SubscriptionArn=arn)
