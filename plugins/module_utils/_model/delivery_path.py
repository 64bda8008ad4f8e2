# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The live resources along the delivery path of a finding: values. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._resource.shapes import Json
    from .._services.cloudwatch import MetricAlarm
    from .._services.events import Rule
    from .._services.events import Target
    from .._services.kms import Key
    from .._services.sns import Subscription
    from .._stack.resources import Resources

# The endpoint that Amazon Q's service-linked role subscribes to the topics of channel configurations
# (https://docs.aws.amazon.com/chatbot/latest/adminguide/chatbot-troubleshooting.html).
CHATBOT_ENDPOINT = "https://global.sns-api.chatbot.amazonaws.com"


@dataclass(frozen=True)
class LiveKey:
    """A KMS key: its metadata (None: no such key) and policy; *error*: why both are unknown."""

    metadata: Key | None = None
    policy: Json = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class LiveTopic:
    """A topic outside the stack that alarms notify: its attributes (None: it does not exist), and its key.

    *key*: None if it has none, or one that this account cannot look up. *error*: why all of this is unknown.
    """

    attributes: dict[str, str] | None = None
    key: LiveKey | None = None
    error: str = ""


@dataclass(frozen=True)
class LivePath:
    """The live resources of a stack, and *resources*: what its template says about them.

    *rules*: by name, as ListRules shapes them, foreign ones included if their names begin alike. *targets*: by rule
    name. *topics*: attributes by ARN. *subscriptions*: those of Amazon Q by topic ARN, as attributes; empty attributes
    for a pending one. *subscribers*: all others by topic ARN, as ListSubscriptionsByTopic shapes them. *keys*: by the
    name that the topics use for them. *queues*: attributes by URL, None for a deleted one. *alarms*: by name, as
    DescribeAlarms shapes them. *alarm_topics*: foreign topics that the alarms notify, by ARN.
    """

    resources: Resources
    rules: dict[str, Rule] = field(default_factory=dict)
    targets: dict[str, list[Target]] = field(default_factory=dict)
    topics: dict[str, dict[str, str]] = field(default_factory=dict)
    subscriptions: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    subscribers: dict[str, list[Subscription]] = field(default_factory=dict)
    keys: dict[str, LiveKey] = field(default_factory=dict)
    queues: dict[str, dict[str, str] | None] = field(default_factory=dict)
    alarms: dict[str, MetricAlarm] = field(default_factory=dict)
    alarm_topics: dict[str, LiveTopic] = field(default_factory=dict)

    @property
    def undelivered(self) -> int:
        """Return the number of events in the dead-letter queues."""
        existing = [attributes for attributes in self.queues.values() if attributes]
        return sum(int(attributes.get("ApproximateNumberOfMessages", 0)) for attributes in existing)


def is_subscribed(subscriptions: Iterable[Subscription]) -> bool:
    """Return whether Amazon Q has a confirmed one of the subscriptions of a topic."""
    return any(
        item["Endpoint"].rstrip("/") == CHATBOT_ENDPOINT and item["SubscriptionArn"].startswith("arn:")
        for item in subscriptions
    )
