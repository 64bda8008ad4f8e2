# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listens to topics with temporary  PRIVATE to the collection.

Another canary may be listening to the same topics, for example when two runs are limited to different linked regions of
one home region. Its queue must stay. The queue of a killed canary is deleted: immediately if its process ran on this
machine and has ended, otherwise as soon as no canary can still be using it. The name of a queue shows all this.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import time
import uuid
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._aws import polling
from .._aws.errors import UserError
from .._channel import message as custom
from .._model.delivery_path import is_subscribed
from .._services import sns
from .._services import sqs
from .messages import TOPIC_DELETED

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._aws.clients import Clients
    from .._model.settings import Settings
    from .cleanup import Cleanup

SUBSCRIPTION_SECONDS = 10  # until Amazon Q has subscribed to a topic that a run has just connected
POLL_SECONDS = 1  # how long a call waits for a message
LONGEST_SECONDS = 900  # longer than any canary listens
QUEUE = re.compile(r"-canary-(?P<created>[0-9a-f]{8})-(?P<host>[0-9a-f]{6})-(?P<pid>[0-9a-f]+)-[0-9a-f]{4}$")


@dataclass(frozen=True)
class Listener:
    """A queue that is subscribed to topics of one stack.

    *settings*: those of the target that the stack belongs to. *unsubscribed*: ARNs of the topics of channels that
    Amazon Q is not subscribed to. *unconfirmed*: of the topics of receivers, those with a receiver that has not
    confirmed.
    """

    settings: Settings
    queue_url: str
    unsubscribed: frozenset[str]
    unconfirmed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Received:
    """The messages that one call received at *time* (monotonic), each as the finding's id and the topic's ARN.

    The id is empty if the message is not an unchanged event.
    """

    messages: tuple[tuple[str, str], ...]
    time: float


def listen(
    aws: Clients, cleanup: Cleanup, settings: Settings, topic_arns: list[str], of_receivers: tuple[str, ...]
) -> Listener:
    """Create a queue and subscribe it to topics of one stack. Delete what killed canaries have left behind.

    *of_receivers*: the ARNs of all topics of receivers, whether among *topic_arns* or not. The URL of the queue is its
    owner in *cleanup*. Raise UserError if a topic does not exist.
    """
    call = partial(aws.call, settings.source, settings.region)
    of_channels = [arn for arn in topic_arns if arn not in of_receivers]
    queue = queue_name(settings.name)
    queue_arn = f"{topic_arns[0].rpartition(':')[0]}:{queue}".replace(":sns:", ":sqs:", 1)
    for url in filter(is_left_behind, call("sqs", sqs.list_queues, queue_prefix(settings.name))):
        call("sqs", sqs.delete_queue, url)
    subscriptions = polling.poll(
        lambda: {arn: _subscriptions(call, arn) for arn in dict.fromkeys((*topic_arns, *of_receivers))},
        lambda found: all(is_subscribed(found[arn]) for arn in of_channels),
        SUBSCRIPTION_SECONDS,
    )
    for item in (item for found in subscriptions.values() for item in found):
        confirmed = item["SubscriptionArn"].startswith("arn:")
        if confirmed and item["Protocol"] == "sqs" and is_left_behind(item["Endpoint"]):
            call("sns", sns.unsubscribe, item["SubscriptionArn"])
    with cleanup.creating():
        url = call("sqs", sqs.create_queue, queue, _attributes(queue_arn, topic_arns), {})
        cleanup.add(url, partial(call, "sqs", sqs.delete_queue, url))
    for arn in topic_arns:
        with cleanup.creating():
            subscription = call("sns", sns.subscribe_queue, arn, queue_arn)
            cleanup.add(url, partial(call, "sns", sns.unsubscribe, subscription))
    return Listener(
        settings,
        url,
        frozenset(arn for arn in of_channels if not is_subscribed(subscriptions[arn])),
        frozenset(arn for arn in of_receivers if not _is_confirmed(subscriptions[arn])),
    )


def _is_confirmed(subscriptions: list[sns.Subscription]) -> bool:
    """Return whether a topic has receivers, and all of them have confirmed."""
    receivers = [item["SubscriptionArn"] for item in subscriptions if not QUEUE.search(item["Endpoint"])]
    return bool(receivers) and all(arn.startswith("arn:") for arn in receivers)


def _subscriptions(call: Callable[..., Any], topic_arn: str) -> list[sns.Subscription]:
    try:
        subscriptions: list[sns.Subscription] = call("sns", sns.list_subscriptions, topic_arn)
    except errors.failures() as error:
        if errors.code(error) == "NotFound":
            raise UserError(TOPIC_DELETED.format(topic=topic_arn.rpartition(":")[2])) from error
        raise
    return subscriptions


def _attributes(queue_arn: str, topic_arns: list[str]) -> dict[str, str]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic_arns}},
    }
    return {
        "Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        # A killed canary must not leave findings behind.
        "MessageRetentionPeriod": str(LONGEST_SECONDS),
        # A message that was received need not be deleted.
        "VisibilityTimeout": str(LONGEST_SECONDS),
    }


def receive(aws: Clients, listener: Listener) -> Received | None:
    """Return up to ten new messages, waiting POLL_SECONDS for the first one. Return None without such a queue."""
    source, region = listener.settings.source, listener.settings.region
    bodies = aws.call(source, region, "sqs", sqs.receive_messages, listener.queue_url, POLL_SECONDS)
    if bodies is None:
        # Either it was deleted, or SQS does not know it everywhere yet.
        time.sleep(POLL_SECONDS)
        return None
    notifications = list(map(json.loads, bodies))
    found = tuple((_finding_id(item["Message"]), item["TopicArn"]) for item in notifications)
    return Received(found, time.monotonic())


def _finding_id(message: str) -> str:
    try:
        return custom.finding_id(json.loads(message))
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""


def queue_prefix(stack: str) -> str:
    """Return the prefix of the names of all queues that listen to a stack's topics."""
    return f"{stack}-canary-"


def queue_name(stack: str) -> str:
    """Return a new name, of at most 80 characters, for a queue of this process.

    Each call returns another name, because SQS refuses the name of a queue that was deleted within the last minute.
    """
    return f"{queue_prefix(stack)}{int(time.time()):08x}-{_this_host()}-{os.getpid():x}-{uuid.uuid4().hex[:4]}"


def is_left_behind(queue: str) -> bool:
    """Tell whether a queue, given by its URL or ARN, belongs to a canary that no longer runs."""
    found = QUEUE.search(queue)
    if found is None:
        return False
    if time.time() - int(found["created"], 16) > LONGEST_SECONDS:
        return True
    if found["host"] != _this_host():
        return False
    try:
        os.kill(int(found["pid"], 16), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False  # it runs as another user
    return False


def _this_host() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]
