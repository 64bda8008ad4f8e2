# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tells people that findings get lost, for a pipeline's template: pure. PRIVATE to the collection.

A queue keeps what EventBridge cannot hand over, and CloudWatch alarms watch it, the rules, the topics and, in one
Region, what Amazon Q counts. None of them stands where nothing is lost: no data is no alarm.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from .._channel import metrics
from .pseudo import ARN
from .pseudo import HERE

# CloudFormation names the queue: SQS takes the name of a deleted one only a minute later.
QUEUE = "UndeliveredQueue"
QUEUE_POLICY = "UndeliveredQueuePolicy"
QUEUE_ARN = {"Fn::GetAtt": [QUEUE, "Arn"]}
RETENTION_SECONDS = 14 * 24 * 3600  # the most that SQS takes
PERIOD_SECONDS = 300

LOOK = "Run the playbook securityhub_slack_doctor.yml, which says what is wrong and what to do."
OF_CHATBOT = {
    metrics.UNSUPPORTED: "Amazon Q dropped messages to the channel that it did not understand.",
    metrics.FAILED: "Amazon Q could not post messages to the channel: it may not be invited any more.",
    metrics.THROTTLED: "Amazon Q held messages to the channel back: it takes ten a second.",
}


@dataclass(frozen=True)
class Alarms:
    """Whom the alarms tell, and what they watch beside the stack itself.

    *topic*: the ARN of somebody else's topic, or '' for the first one of the stack. *configurations*: names of channel
    configurations whose metrics are watched.
    """

    topic: str = ""
    configurations: tuple[str, ...] = ()


def dead_letters() -> dict[str, Any]:
    """Return what a target of a rule says of events that cannot be handed over to it."""
    return {"Arn": QUEUE_ARN}


def queue(rules: list[str], key: Any, tags: list[dict[str, str]]) -> dict[str, Any]:
    """Return the queue that keeps what *rules* cannot hand over, and its policy. *key*: see encryption.reference."""
    properties: dict[str, Any] = {"MessageRetentionPeriod": RETENTION_SECONDS}
    properties |= {"KmsMasterKeyId": key} if key else {"SqsManagedSseEnabled": True}
    if tags:
        properties["Tags"] = tags
    statement = {
        "Sid": "EventBridgeRulesOfThisStack",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": QUEUE_ARN,
        "Condition": {
            "ArnEquals": {"aws:SourceArn": [{"Fn::Sub": f"{ARN}:events:{HERE}:rule/{rule}"} for rule in rules]},
        },
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {
        QUEUE: {"Type": "AWS::SQS::Queue", "Properties": properties},
        QUEUE_POLICY: {
            "Type": "AWS::SQS::QueuePolicy",
            "Properties": {"Queues": [{"Ref": QUEUE}], "PolicyDocument": document},
        },
    }


def publisher(name: str, topic: dict[str, Any]) -> dict[str, Any]:
    """Return the statement of a topic's policy that lets the alarms of the stack *name* in."""
    return {
        "Sid": "AlarmsOfThisStack",
        "Effect": "Allow",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": {
            "ArnLike": {"aws:SourceArn": {"Fn::Sub": f"{ARN}:cloudwatch:{HERE}:alarm:{name}-*"}},
            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        },
    }


def alarms(
    name: str, rules: list[str], topics: tuple[str, ...], configurations: tuple[str, ...], told: Any
) -> dict[str, dict[str, Any]]:
    """Return the alarms of the stack *name*, which tell the topic *told*, by logical id."""
    found = {
        "UndeliveredAlarm": _alarm(
            f"{name}-undelivered",
            "Events that EventBridge could not hand over wait in the dead-letter queue.",
            ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", {"Fn::GetAtt": [QUEUE, "QueueName"]}),
            "Maximum",
        )
    }
    for rule in rules:
        found[_logical_id(rule)] = _alarm(
            f"{rule}-failed-invocations",
            f"EventBridge could not hand over findings of the rule {rule}.",
            ("AWS/Events", "FailedInvocations", "RuleName", rule),
        )
    for topic in topics:
        found[_logical_id(f"topic {topic}")] = _alarm(
            f"{topic}-failed-notifications",
            f"SNS could not deliver messages of the topic {topic}.",
            ("AWS/SNS", "NumberOfNotificationsFailed", "TopicName", topic),
        )
    for configuration in configurations:
        # All names of a stack's alarms begin with its own: the policies of topic and role rely on it.
        prefix = configuration if f"{configuration}-".startswith(f"{name}-") else f"{name}-{configuration}"
        for metric, words in OF_CHATBOT.items():
            found[_logical_id(f"{configuration} {metric}")] = _alarm(
                f"{prefix}-{metric}",
                f"{words} Channel configuration: {configuration}.",
                (metrics.NAMESPACE, metric, metrics.DIMENSION, configuration),
            )
    for alarm in found.values():
        alarm["Properties"]["AlarmActions"] = [told]
    return found


def _alarm(name: str, words: str, metric: tuple[str, str, str, Any], statistic: str = "Sum") -> dict[str, Any]:
    namespace, metric_name, dimension, value = metric
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": name,
            "AlarmDescription": f"{words} {LOOK}",
            "Namespace": namespace,
            "MetricName": metric_name,
            "Dimensions": [{"Name": dimension, "Value": value}],
            "Statistic": statistic,
            "Period": PERIOD_SECONDS,
            "EvaluationPeriods": 1,
            "Threshold": 0,
            "ComparisonOperator": "GreaterThanThreshold",
            # Services send no data while nothing happens.
            "TreatMissingData": "notBreaching",
        },
    }


def _logical_id(watched: str) -> str:
    # Names of configurations differ in signs and cases that a logical id cannot carry.
    return f"Alarm{hashlib.sha256(watched.encode()).hexdigest()[:16]}"
