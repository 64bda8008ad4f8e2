# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receivers of findings beside the channels, for the template of a stack: pure. PRIVATE to the collection.

E-mail addresses and HTTPS endpoints subscribe to a topic of their own: the topics of channels carry what Amazon Q
understands. Queues and event buses are targets of rules.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any

from . import resources
from .alarms import QUEUE_ARN
from .alarms import QUEUE_POLICY
from .resources import SUBSCRIPTION
from .resources import allow
from .resources import logical_id
from .resources import rules_arn
from .resources import trust_statement

if TYPE_CHECKING:
    from .._resource.shapes import Json
    from .._resource.shapes import Tag
    from .resources import Resource


EMAIL, HTTPS, QUEUE, BUS = "email", "https", "sqs", "events"
SENDER = "ReceiverRole"
# By default, SNS gives up after three retries within a minute. It refuses more than an hour altogether
# (https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html).
RETRIES = {"minDelayTarget": 20, "maxDelayTarget": 300, "numRetries": 12, "backoffFunction": "exponential"}


@dataclass(frozen=True)
class Receiver:
    """Who gets findings.

    *name*: of its topic, if its *kind* has one; the names of its rules begin with it. *endpoints*: e-mail addresses;
    one URL, which may contain a key; or the ARN of one queue or event bus.
    """

    name: str
    kind: str
    endpoints: tuple[str, ...] = field(repr=False)

    @property
    def has_topic(self) -> bool:
        """Return whether it subscribes to a topic of its own."""
        return self.kind in (EMAIL, HTTPS)

    @property
    def parameter(self) -> str:
        """Return the name of the stack's parameter that has its URL."""
        return logical_id("Url", self.name)


def without_keys(text: str) -> str:
    """Return a text without the paths and the users of the URLs in it, which may contain keys."""
    return re.sub(r"(https?://)(?:[^\s/?#]*@)?([^\s/?#]*)\S*", r"\1\2/...", text, flags=re.IGNORECASE)


def parameters(receivers: Sequence[Receiver]) -> dict[str, str]:
    """Return the values of the stack's parameters, which CloudFormation shows to no one."""
    return {item.parameter: item.endpoints[0] for item in receivers if item.kind == HTTPS}


def declared(receivers: Sequence[Receiver]) -> Json:
    """Return the declarations of these parameters."""
    return {name: {"Type": "String", "NoEcho": True} for name in parameters(receivers)}


def subscriptions(receiver: Receiver) -> dict[str, Resource]:
    """Return the subscriptions to the topic of a receiver, by logical ID."""
    topic = {"Ref": logical_id("Topic", receiver.name)}
    if receiver.kind == HTTPS:
        undelivered = {
            "DeliveryPolicy": {"healthyRetryPolicy": RETRIES},
            "RedrivePolicy": {"deadLetterTargetArn": QUEUE_ARN},
        }
        found = _subscription(topic, HTTPS, {"Ref": receiver.parameter}, undelivered)
        return {logical_id("Subscription", receiver.name): {**found, "DependsOn": QUEUE_POLICY}}
    return {
        f"Subscription{hashlib.sha256(f'{receiver.name} {address}'.encode()).hexdigest()[:16]}": _subscription(
            topic, EMAIL, address, {}
        )
        for address in receiver.endpoints
    }


def _subscription(topic: dict[str, str], protocol: str, endpoint: Any, more: Json) -> Resource:
    properties = {"TopicArn": topic, "Protocol": protocol, "Endpoint": endpoint, **more}
    return {"Type": SUBSCRIPTION, "Properties": properties}


def redriving(receivers: Sequence[Receiver]) -> tuple[str, ...]:
    """Return the topics whose messages go to the dead-letter queue if an endpoint does not take them."""
    return tuple(item.name for item in receivers if item.kind == HTTPS)


def target(receiver: Receiver) -> Json:
    """Return the target of a rule that sends to a queue or an event bus."""
    (arn,) = receiver.endpoints
    role = {"RoleArn": {"Fn::GetAtt": [SENDER, "Arn"]}} if receiver.kind == BUS else {}
    return {"Id": "receiver", "Arn": arn, **role}


def role_name(name: str, region: str) -> str:
    """Return the name of the role of the stack *name* in *region*: at most the 64 characters that IAM allows."""
    return f"{name}-Receiver-{region}"


def role(name: str, receivers: Sequence[Receiver], tags: list[Tag], boundary: str) -> dict[str, Resource]:
    """Return the role with which rules of the stack *name* send to event buses, {} if none does.

    Another account or region requires one, and AWS recommends one for every bus
    (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-perms.html).
    """
    buses = sorted({arn for item in receivers if item.kind == BUS for arn in item.endpoints})
    if not buses:
        return {}
    trust = [trust_statement("events.amazonaws.com", [rules_arn(f"{name}-to")])]
    named = role_name(name, "${AWS::Region}")
    return {
        SENDER: resources.role(
            named, trust, "SendFindingsToEventBuses", [allow("events:PutEvents", buses)], tags, boundary
        )
    }
