# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether queues and event buses accept what a stack sends them: reads only. PRIVATE to the collection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .._iam_policies import evaluation
from .._observe import delivery_path
from .._plan import key_uses
from .._services import events
from .._services import sqs
from .._stack.receivers import BUS
from .._stack.receivers import QUEUE
from .._stack.resources import Location

if TYPE_CHECKING:
    from .._aws.clients import Clients
    from .._model.account import Account
    from .._model.settings import Settings
    from .._stack.receivers import Receiver
    from .._stack.template import StackDesign


def problems(aws: Clients, settings: Settings, account: Account, design: StackDesign) -> list[str]:
    """Return which receivers would lose findings, each with its remedy.

    It takes two calls for each queue, and two more if a key encrypts it, and one for each bus.

    The event buses of other accounts cannot be read.
    """
    found = []
    for receiver in design.receivers:
        if receiver.kind == QUEUE:
            found += _queue(aws, settings, account, design, receiver)
        if receiver.kind == BUS and receiver.endpoints[0].split(":")[4] == account.id:
            found += _bus(aws, settings, receiver)
    return found


def _queue(aws: Clients, settings: Settings, account: Account, design: StackDesign, receiver: Receiver) -> list[str]:
    (arn,) = receiver.endpoints
    attributes = aws.call(settings.source, settings.region, "sqs", sqs.attributes_of, arn.rpartition(":")[2])
    if attributes is None:
        return [f"the queue {arn} of {_entry(receiver, settings)} does not exist. Create it, or correct queue_arn."]
    policy = json.loads(attributes.get("Policy") or "{}")
    here = Location(account.partition, account.id, settings.region)
    rules = [here.arn("events", f"rule/{rule.name}") for rule in design.rules if rule.topic == receiver.name]
    found = _key_of_queue(aws, settings, receiver, attributes.get("KmsMasterKeyId", ""))
    if not all(evaluation.lets_in(policy, evaluation.of_rule("sqs:SendMessage", arn, rule)) for rule in rules):
        found.append(
            f"the policy of the queue {arn} of {_entry(receiver, settings)} does not let EventBridge send messages. "
            f"Add a statement that allows events.amazonaws.com sqs:SendMessage with the condition ArnLike "
            f"aws:SourceArn {here.arn('events', f'rule/{receiver.name}-*')}."
        )
    return found


def _key_of_queue(aws: Clients, settings: Settings, receiver: Receiver, key: str) -> list[str]:
    (arn,) = receiver.endpoints
    use = key_uses.KeyUse("EventBridge", evaluation.EVENTS, arn, evaluation.OF_QUEUE)
    unusable = key_uses.key_problem(key, delivery_path.read_key(aws, settings, key), [use]) if key else None
    if unusable is None:
        return []
    return [
        f"the key {key} of the queue {arn} of {_entry(receiver, settings)} {unusable}. Encrypt the queue with a key "
        f"whose policy allows events.amazonaws.com kms:Decrypt and kms:GenerateDataKey*, without a condition on "
        f"aws:SourceArn or aws:SourceAccount."
    ]


def _bus(aws: Clients, settings: Settings, receiver: Receiver) -> list[str]:
    (arn,) = receiver.endpoints
    name, region = arn.partition("event-bus/")[2], arn.split(":")[3]
    if aws.call(settings.source, region, "events", events.bus_exists, name):
        return []
    return [f"the event bus {arn} of {_entry(receiver, settings)} does not exist. Create it, or correct event_bus_arn."]


def _entry(receiver: Receiver, settings: Settings) -> str:
    return f"the receiver {receiver.name.removeprefix(f'{settings.name}-to-')!r} in securityhub_slack_receivers"
