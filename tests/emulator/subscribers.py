# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""E-mail and HTTPS subscribers of topics: pending until somebody confirms, and what they got then.

https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html and API_Unsubscribe.html. CloudFormation does not wait for
the confirmation. SNS refuses to delete a pending subscription, which ends with its topic, and the switch
cloudformation_pending_subscriptions says what CloudFormation does then.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import resource_policy
from ministack.core.responses import get_account_id
from ministack.core.responses import new_uuid
from ministack.services import sns
from ministack.services import sqs
from ministack.services.cloudformation import provisioners
from resource_types import HandlerError
from switches import Switches

CONFIRMING = ("email", "email-json", "http", "https")
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
PENDING = "PendingConfirmation"
SNS = "sns.amazonaws.com"
LONGEST_RETRIES = 3600  # seconds


class Subscribers:
    """The endpoints that confirmed, and the messages that they got."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all endpoints."""
        self.reachable: set[str] = set()
        self.received: list[dict[str, Any]] = []

    def confirm(self, endpoint: str, reachable: bool) -> int:
        """Confirm the pending subscriptions of an endpoint in all accounts and regions, and return how many there were.

        *reachable*: whether it takes messages from then on.
        """
        (self.reachable.add if reachable else self.reachable.discard)(endpoint)
        topics = list(sns._topics.all_values())
        pending = [
            (topic, item)
            for topic in topics
            for item in topic["subscriptions"]
            if item["endpoint"] == endpoint and not item["confirmed"]
        ]
        for topic, item in pending:
            item.update(confirmed=True, token=None)
            item["attributes"].update(PendingConfirmation="false", ConfirmationWasAuthenticated="false")
            sns._refresh_subscription_counts(topic)
        return len(pending)

    def deliver(self, topic_arn: str, subscription: dict, message: str) -> None:
        """Note a message to an endpoint that is reachable; others go to the dead-letter queue of the subscription."""
        if subscription["endpoint"] in self.reachable:
            kinds = {key: subscription[key] for key in ("protocol", "endpoint")}
            self.received.append({**kinds, "topic": topic_arn, "message": message})
        elif subscription["protocol"] in CONFIRMING:
            redrive = json.loads(subscription["attributes"].get("RedrivePolicy") or "{}")
            _keep(redrive.get("deadLetterTargetArn", ""), topic_arn, message)


def _keep(queue_arn: str, topic_arn: str, message: str) -> None:
    """Send a message to a dead-letter queue if the policies of the queue and its key let SNS."""
    queue = sqs._queue_by_arn(queue_arn) if queue_arn else None
    if queue is None:
        return
    known = {"aws:sourcearn": topic_arn, "aws:sourceaccount": topic_arn.split(":")[4]}
    policy, key = queue["attributes"].get("Policy", ""), queue["attributes"].get("KmsMasterKeyId")
    context = {"kms:encryptioncontext:aws:sqs:arn": queue_arn}
    if resource_policy.allows(policy, "sqs:SendMessage", queue_arn, SNS, known) and (
        not key or resource_policy.key_allows(key, SNS, context)
    ):
        body = json.dumps({"Type": "Notification", "TopicArn": topic_arn, "Message": message})
        sqs._act_send_message({"MessageBody": body}, queue["url"])


def problem_with_retries(policy: Any) -> str | None:
    """Return why SNS refuses the delivery policy of a subscription, or None: an hour is the limit."""
    document = json.loads(policy) if isinstance(policy, str) and policy else policy or {}
    retries = document.get("healthyRetryPolicy", {})
    if retries.get("numRetries", 3) * retries.get("maxDelayTarget", 20) > LONGEST_RETRIES:
        return "Invalid parameter: DeliveryPolicy: total retry time must not exceed 3600 seconds"
    return None


def problem_with(protocol: str, endpoint: str) -> str | None:
    """Return why SNS refuses an endpoint, or None."""
    if protocol.startswith("email") and not ADDRESS.fullmatch(endpoint):
        return "Invalid parameter: Email address"
    if protocol in ("http", "https") and not endpoint.startswith(f"{protocol}://"):
        return "Invalid parameter: Endpoint must match the specified protocol"
    return None


def install(switches: Switches) -> None:
    """Replace the functions of ministack that confirm e-mail addresses by themselves, or show pending ARNs."""
    _install_api()
    _install_resource(provisioners._RESOURCE_HANDLERS["AWS::SNS::Subscription"], switches)


def _install_api() -> None:
    subscribe, unsubscribe, listed = sns._subscribe, sns._unsubscribe, sns._list_subscriptions_by_topic

    def subscribe_pending(params: dict) -> Any:
        protocol, topic_arn = sns._p(params, "Protocol"), sns._p(params, "TopicArn")
        problem = problem_with(protocol, sns._p(params, "Endpoint"))
        if problem:
            return sns._error("InvalidParameter", problem, 400)
        known = [item["arn"] for item in _subscriptions_of(topic_arn)]
        answer = subscribe(params)
        for item in _subscriptions_of(topic_arn):
            if item["arn"] not in known and protocol.startswith("email"):
                _suspend(sns._topics[topic_arn], item)
        return answer

    def unsubscribe_confirmed(params: dict) -> Any:
        arn = sns._p(params, "SubscriptionArn")
        if _is_pending(arn):
            message = "Invalid parameter: This subscription is pending confirmation and cannot be unsubscribed."
            return sns._error("InvalidParameter", message, 400)
        return unsubscribe(params)

    def list_with_pending(params: dict) -> Any:
        with _pending_arns():
            return listed(params)

    sns._subscribe = subscribe_pending
    sns._unsubscribe = unsubscribe_confirmed
    sns._list_subscriptions_by_topic = list_with_pending


def _install_resource(handler: dict[str, Any], switches: Switches) -> None:
    create, delete = handler["create"], handler["delete"]

    def create_pending(logical_id: str, properties: dict, stack_name: str) -> tuple:
        protocol, endpoint, topic_arn = (properties.get(name, "") for name in ("Protocol", "Endpoint", "TopicArn"))
        problem = problem_with(protocol, endpoint) or problem_with_retries(properties.get("DeliveryPolicy"))
        if problem:
            raise HandlerError(problem, "InvalidRequest")
        if topic_arn not in sns._topics:
            raise HandlerError("Topic does not exist", "NotFound")
        for item in _subscriptions_of(topic_arn):  # Subscribe is idempotent
            if (item["protocol"], item["endpoint"]) == (protocol, endpoint):
                return item["arn"], {"Arn": item["arn"]}
        made = create(logical_id, properties, stack_name)
        item = next(item for item in _subscriptions_of(topic_arn) if item["arn"] == made[0])
        item["attributes"].update(_attributes(item))
        if protocol in CONFIRMING:
            _suspend(sns._topics[topic_arn], item)
        return made

    def delete_confirmed(physical_id: str, properties: dict, *rest: Any) -> None:
        if not _is_pending(physical_id):
            delete(physical_id, properties, *rest)
        elif switches["cloudformation_pending_subscriptions"] == "refused":
            message = f"subscription {physical_id} cannot be deleted if pending confirmation"
            raise HandlerError(message, "InvalidRequest")

    handler.update(create=create_pending, delete=delete_confirmed)


def _subscriptions_of(topic_arn: str) -> list[dict]:
    topic = sns._topics.get(topic_arn)
    return list(topic["subscriptions"]) if topic else []


def _attributes(subscription: dict) -> dict[str, str]:
    return {
        "SubscriptionArn": subscription["arn"],
        "TopicArn": subscription["topic_arn"],
        "Protocol": subscription["protocol"],
        "Endpoint": subscription["endpoint"],
        "Owner": get_account_id(),
        "ConfirmationWasAuthenticated": "true",
        PENDING: "false",
    }


def _suspend(topic: dict, subscription: dict) -> None:
    subscription.update(confirmed=False, token=new_uuid())
    subscription["attributes"].update({PENDING: "true", "ConfirmationWasAuthenticated": "false"})
    sns._refresh_subscription_counts(topic)


def _is_pending(arn: str) -> bool:
    return any(
        item["arn"] == arn and not item["confirmed"]
        for topic in sns._topics.values()
        for item in topic["subscriptions"]
    )


@contextmanager
def _pending_arns() -> Iterator[None]:
    """Show the text that SNS lists in place of the ARN of a pending subscription."""
    hidden = [
        (item, item["arn"])
        for topic in sns._topics.values()
        for item in topic["subscriptions"]
        if not item["confirmed"]
    ]
    for item, _arn in hidden:
        item["arn"] = PENDING
    try:
        yield
    finally:
        for item, arn in hidden:
            item["arn"] = arn
