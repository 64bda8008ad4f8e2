# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listening to the topics of a pipeline, by a queue that is there as long as that takes. PRIVATE to the collection."""

from __future__ import annotations

import json
from dataclasses import dataclass
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING
from typing import Any
from typing import Callable

from .._aws import errors
from .._aws.errors import UserError
from .._channel import message as custom
from .._pipeline import desired
from .._pipeline.path import is_heard
from .._services import sns
from .._services import sqs
from . import queues
from .gate import Gate

if TYPE_CHECKING:
    from .._aws.clients import Clients
    from .._pipeline.desired import Account
    from .._pipeline.target import Target

POLL_SECONDS = 1  # how long a poll waits for a message
TOPIC_GONE = (
    "the topic {topic} is gone: run the playbook securityhub_slack.yml with -e securityhub_slack_repair_drift=true."
)


@dataclass
class Post:
    """Where a target's pipeline is listened to.

    *topics*: their names. *unheard*: those that Amazon Q is not subscribed to. *gone*: the queue is not there (any
    more). *left*: what could not be taken away, and why.
    """

    target: Target
    account: Account
    topics: tuple[str, ...] = ()
    queue_url: str = ""
    subscriptions: list[str] = field(default_factory=list)
    unheard: frozenset[str] = frozenset()
    gone: bool = False
    error: BaseException | None = None
    left: list[str] = field(default_factory=list)
    gate: Gate = field(default_factory=Gate)

    def topic_arn(self, topic: str) -> str:
        """Return the ARN of one of the topics."""
        return desired.topic_arn(self.target.settings, self.account, topic)


@dataclass(frozen=True)
class Heard:
    """A finding's id ('' if the message is no unchanged event), and the name of the topic that it has come through."""

    topic: str
    finding: str


def client_of(clients: Clients, target: Target, service: str) -> Any:
    """Return the client of a service in the target's region."""
    settings = target.settings
    return clients.get(service, settings.region, settings.source.endpoint_url)


def listen(clients: Clients, post: Post) -> None:
    """Make a queue and subscribe it to the topics; take away what killed canaries have left."""
    stack = post.target.settings.name
    name = queues.new_name(stack)
    queue_arn = post.topic_arn(name).replace(":sns:", ":sqs:", 1)
    with clients.acting(post.target.settings.source):
        client, topics = client_of(clients, post.target, "sqs"), client_of(clients, post.target, "sns")
        for url in filter(queues.is_left_over, sqs.list_queues(client, queues.prefix(stack))):
            sqs.delete_queue(client, url)
        post.unheard = frozenset(topic for topic in post.topics if not _tidy_topic(topics, post.topic_arn(topic)))
        post.queue_url = sqs.create_queue(client, name, _attributes(queue_arn, post), {})
        for topic in post.topics:
            post.subscriptions.append(sns.subscribe_queue(topics, post.topic_arn(topic), queue_arn))


def _tidy_topic(client: Any, arn: str) -> bool:
    """Take the subscriptions of killed canaries away; tell whether Amazon Q has one."""
    try:
        found = sns.list_subscriptions(client, arn)
    except client.exceptions.NotFoundException as error:
        raise UserError(TOPIC_GONE.format(topic=arn.rpartition(":")[2])) from error
    confirmed = [item for item in found if item["SubscriptionArn"].startswith("arn:")]
    for item in confirmed:
        if item["Protocol"] == "sqs" and queues.is_left_over(item["Endpoint"]):
            sns.unsubscribe(client, item["SubscriptionArn"])
    return is_heard(found)


def _attributes(queue_arn: str, post: Post) -> dict[str, str]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": [post.topic_arn(topic) for topic in post.topics]}},
    }
    return {
        "Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        # No finding is to outlive a canary that is killed.
        "MessageRetentionPeriod": str(queues.LONGEST_SECONDS),
        # Who has read a message need not delete it.
        "VisibilityTimeout": str(queues.LONGEST_SECONDS),
    }


def hear(clients: Clients, post: Post) -> list[Heard]:
    """Return up to ten messages that have come since; wait a second for the first one."""
    with clients.acting(post.target.settings.source):
        client = client_of(clients, post.target, "sqs")
        messages = sqs.receive_messages(client, post.queue_url, POLL_SECONDS)
    post.gone = messages is None
    notifications = [json.loads(message["Body"]) for message in messages or []]
    return [Heard(item["TopicArn"].rpartition(":")[2], _finding_in(item["Message"])) for item in notifications]


def _finding_in(message: str) -> str:
    """Return the id of the finding in a message, '' if a target has made something of it that Amazon Q drops."""
    try:
        return custom.finding_id(json.loads(message))
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""


def leave(clients: Clients, post: Post) -> None:
    """Take everything away, each thing whatever becomes of the others."""
    post.gate.close()
    with clients.acting(post.target.settings.source):
        client, topics = client_of(clients, post.target, "sqs"), client_of(clients, post.target, "sns")
        steps: list[Callable[[], object]] = [partial(sns.unsubscribe, topics, arn) for arn in post.subscriptions]
        if post.queue_url:
            steps.append(partial(sqs.delete_queue, client, post.queue_url))
        for step in steps:
            _try(step, post)


def _try(step: Callable[[], object], post: Post) -> None:
    try:
        step()
    except errors.failures() as error:
        post.left.append(errors.explain(error))
