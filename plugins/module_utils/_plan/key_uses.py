# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has to use the KMS key of topics and queue, and what keeps them from it: pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._iam_policies import evaluation
from .._stack import resources as stack_resources

if TYPE_CHECKING:
    from .._model.delivery_path import LiveKey
    from .._stack.resources import Resources

# AWS's own keys. Their policies cannot be changed, and do not let EventBridge in.
ALIAS_OF_AWS = "alias/aws/"
ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")
SYMMETRIC = "SYMMETRIC_DEFAULT"


@dataclass(frozen=True)
class KeyUse:
    """A service that sends to something encrypted. *who*: in words. *loses*: whether findings get lost without it."""

    who: str
    service: str
    encrypted_arn: str
    context: str = evaluation.OF_TOPIC
    loses: bool = True


@dataclass(frozen=True)
class KeyProblem:
    """Why a key cannot be used: a predicate of "the key". *loses*: whether findings are lost because of it."""

    words: str
    loses: bool = True

    def __str__(self) -> str:
        return self.words


def of_topic(topic_arn: str) -> KeyUse:
    """Return EventBridge's use of the key of a topic."""
    return KeyUse("EventBridge", evaluation.EVENTS, topic_arn)


def of_alarms(topic_arn: str) -> KeyUse:
    """Return the alarms' use of the key of a topic."""
    return KeyUse("CloudWatch alarms", evaluation.CLOUDWATCH, topic_arn, loses=False)


def uses(resources: Resources) -> list[KeyUse]:
    """Return all uses of the key; those without which findings are lost come first."""
    topics = [resources.topic_arn(topic) for topic in resources.of_type(stack_resources.TOPIC)]
    notified = dict.fromkeys(arn for arn in resources.alarm_topic_arns() if arn in topics)
    return [
        *(of_topic(arn) for arn in topics),
        *map(of_alarms, notified),
        *(
            KeyUse("EventBridge, for the dead-letter queue,", evaluation.EVENTS, arn, evaluation.OF_QUEUE, False)
            for arn in map(resources.queue_arn, resources.queue_urls())
        ),
        *(
            KeyUse("SNS, for the dead-letter queue,", evaluation.SNS, arn, evaluation.OF_QUEUE, False)
            for arn in (map(resources.queue_arn, resources.queue_urls()) if resources.redriving_topics() else ())
        ),
    ]


def key_problem(name: str, key: LiveKey, wanted: list[KeyUse]) -> KeyProblem | None:
    """Return why one of the uses *wanted*, at least one, cannot use a key; None if all can, or if that is unknown."""
    if key.error:
        return None
    if name.startswith(ALIAS_OF_AWS) or (key.metadata or {}).get("KeyManager") == "AWS":
        return KeyProblem(f"is an AWS managed key that {wanted[0].who} cannot use")
    if key.metadata is None:
        return KeyProblem("does not exist")
    state = key.metadata.get("KeyState", "Enabled")
    if state != "Enabled":
        return KeyProblem(f"is {state}")
    if key.metadata.get("KeySpec", SYMMETRIC) != SYMMETRIC:
        return KeyProblem(f"has the key spec {key.metadata['KeySpec']}, but SNS needs a symmetric key")
    for use in wanted:
        missing = [action for action in ACTIONS if not _may(use, action, key, key.metadata["Arn"])]
        if missing:
            return KeyProblem(f"has a policy that does not allow {use.who} {' and '.join(missing)}", use.loses)
    return None


def _may(use: KeyUse, action: str, key: LiveKey, key_arn: str) -> bool:
    request = evaluation.of_key(action, key_arn, use.encrypted_arn, use.service, use.context)
    return evaluation.lets_in(key.policy, request)
