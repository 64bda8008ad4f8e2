# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alarms about lost findings, for the template of a stack: pure. PRIVATE to the collection.

A queue keeps events that EventBridge cannot deliver. CloudWatch alarms watch the queue, the rules, the topics, the
state machines and, in one region, the metrics of Amazon Q. No alarm fires while nothing is lost: missing data does not
count.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from .._channel import metrics
from .._resource.ownership import is_named_like
from .resources import allow_service
from .resources import events_statement
from .resources import local_arn
from .resources import with_tags

if TYPE_CHECKING:
    from .._resource.shapes import Json
    from .._resource.shapes import Statement
    from .._resource.shapes import Tag
    from .resources import Resource


# CloudFormation generates the name of the queue: SQS refuses the name of a deleted queue for a minute.
QUEUE = "UndeliveredQueue"
QUEUE_POLICY = "UndeliveredQueuePolicy"
QUEUE_ARN = {"Fn::GetAtt": [QUEUE, "Arn"]}
RETENTION_SECONDS = 14 * 24 * 3600  # the maximum of SQS
PERIOD_SECONDS = 300

REMEDY = "Run the playbook secops.securityhub.securityhub_slack_doctor to find the cause and the fix."
CHATBOT_ALARMS = {
    metrics.UNSUPPORTED: "Amazon Q dropped messages to the channel because it does not support them.",
    metrics.FAILED: "Amazon Q could not post messages to the channel. Check that the app is still invited to it.",
    metrics.THROTTLED: "Amazon Q throttled messages to the channel: its limit is ten per second.",
}


@dataclass(frozen=True)
class Alarms:
    """The topic that the alarms notify, and what they watch in addition to the stack.

    *topic*: the ARN of a topic outside the stack, or '' for the first topic of the stack. *configurations*: names of
    channel configurations whose metrics are watched.
    """

    topic: str = ""
    configurations: tuple[str, ...] = ()


def queue(rules: list[str] | None, key: Any, tags: list[Tag], topics: tuple[str, ...] = ()) -> dict[str, Resource]:
    """Return the queue for events that cannot be delivered, and its policy.

    *rules*: those that may use it, None for all. *key*: see encryption.reference. *topics*: those whose messages SNS
    sends to it if they cannot be delivered.
    """
    properties: Json = {"MessageRetentionPeriod": RETENTION_SECONDS}
    properties |= {"KmsMasterKeyId": key} if key else {"SqsManagedSseEnabled": True}
    statement = events_statement("sqs:SendMessage", QUEUE_ARN, rules)
    document = {"Version": "2012-10-17", "Statement": [statement, *([_redrive(topics)] if topics else [])]}
    return {
        QUEUE: {"Type": "AWS::SQS::Queue", "Properties": with_tags(properties, tags)},
        QUEUE_POLICY: {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {"Queues": [{"Ref": QUEUE}], "PolicyDocument": document},
        },
    }


def _redrive(topics: tuple[str, ...]) -> Statement:
    """Return the statement of the queue's policy that lets SNS send what it cannot deliver for *topics*."""
    condition = {"ArnEquals": {"aws:SourceArn": [local_arn("sns", topic) for topic in topics]}}
    return allow_service("TopicsOfReceivers", "sns.amazonaws.com", "sqs:SendMessage", QUEUE_ARN, condition)


def publisher(name: str, topic: Json) -> Statement:
    """Return the statement of a topic's policy that lets the alarms of the stack *name* publish."""
    condition = {
        "ArnLike": {"aws:SourceArn": local_arn("cloudwatch", f"alarm:{name}-*")},
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
    }
    return allow_service("AlarmsOfThisStack", "cloudwatch.amazonaws.com", "sns:Publish", topic, condition)


def alarms(
    name: str,
    rules: list[str],
    topics: tuple[str, ...],
    machines: dict[str, str],
    configurations: tuple[str, ...],
    topic_arn: Any,
) -> dict[str, Resource]:
    """Return the alarms of the stack *name*, which notify *topic_arn* (ARN or reference), by logical ID.

    *machines*: the names of state machines, each with what did not happen if its execution failed. Only a person aborts
    an execution, and none waits for so long that it times out.
    """
    found = {
        "UndeliveredAlarm": _alarm(
            f"{name}-undelivered",
            "Events that EventBridge could not deliver are in the dead-letter queue.",
            ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", {"Fn::GetAtt": [QUEUE, "QueueName"]}),
            "Maximum",
        )
    }
    for rule in rules:
        found[_logical_id(rule)] = _alarm(
            f"{rule}-failed-invocations",
            f"EventBridge could not deliver findings of the rule {rule}.",
            ("AWS/Events", "FailedInvocations", "RuleName", rule),
        )
    for topic in topics:
        found[_logical_id(f"topic {topic}")] = _alarm(
            f"{topic}-failed-notifications",
            f"SNS could not deliver messages of the topic {topic}.",
            ("AWS/SNS", "NumberOfNotificationsFailed", "TopicName", topic),
        )
    for machine, words in machines.items():
        found[_logical_id(f"machine {machine}")] = _alarm(
            f"{machine}-failed-executions",
            f"Executions of the state machine {machine} failed: {words}.",
            ("AWS/States", "ExecutionsFailed", "StateMachineArn", local_arn("states", f"stateMachine:{machine}")),
        )
    for configuration in configurations:
        # The policies of topic and role require that all names of alarms begin with the name of the stack.
        prefix = configuration if is_named_like(configuration, name) else f"{name}-{configuration}"
        for metric, words in CHATBOT_ALARMS.items():
            found[_logical_id(f"{configuration} {metric}")] = _alarm(
                f"{prefix}-{metric}",
                f"{words} Channel configuration: {configuration}.",
                (metrics.NAMESPACE, metric, metrics.DIMENSION, configuration),
            )
    for alarm in found.values():
        alarm["Properties"]["AlarmActions"] = [topic_arn]
    return found


def _alarm(name: str, words: str, metric: tuple[str, str, str, Any], statistic: str = "Sum") -> Resource:
    namespace, metric_name, dimension, value = metric
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": name,
            "AlarmDescription": f"{words} {REMEDY}",
            "Namespace": namespace,
            "MetricName": metric_name,
            "Dimensions": [{"Name": dimension, "Value": value}],
            "Statistic": statistic,
            "Period": PERIOD_SECONDS,
            "EvaluationPeriods": 1,
            "Threshold": 0,
            "ComparisonOperator": "GreaterThanThreshold",
            # Services send no data while there are no events.
            "TreatMissingData": "notBreaching",
        },
    }


def _logical_id(watched: str) -> str:
    # Names of configurations may differ only in characters that a logical ID cannot have.
    return f"Alarm{hashlib.sha256(watched.encode()).hexdigest()[:16]}"
