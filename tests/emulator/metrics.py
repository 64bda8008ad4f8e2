# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CloudWatch metrics of the delivery path, which GetMetricData returns and alarms watch."""

from __future__ import annotations

import time

from ministack.core.responses import request_scope
from ministack.services import cloudwatch

CHATBOT_REGION = "us-east-1"
FLOOD = 20  # values of a metric in a second


def count(account: str, region: str, namespace: str, name: str, dimension: tuple[str, str], value: int = 1) -> None:
    """Add to a metric of a service in an account and region, and evaluate its alarms."""
    with request_scope(account, region):
        _record(namespace, name, {dimension[0]: dimension[1]}, float(value))
        cloudwatch._evaluate_all_alarms()


def _record(namespace: str, name: str, dimensions: dict[str, str], value: float) -> None:
    """Add a point, or in a flood, which many points would make slow, a value to the statistic set of this second."""
    points = cloudwatch._metric_bucket(_key(namespace, name, dimensions))
    if len(points) < FLOOD or int(points[-FLOOD]["Timestamp"]) < int(time.time()):
        cloudwatch.record_metric(namespace, name, value, "Count", dimensions)
        return
    of_last = points[-1]["Value"]
    found = points[-1].setdefault("_stat", {"SampleCount": 1.0, "Sum": of_last, "Minimum": of_last, "Maximum": of_last})
    found["SampleCount"] += 1
    found["Sum"] += value
    found["Minimum"], found["Maximum"] = min(found["Minimum"], value), max(found["Maximum"], value)


def points_of(namespace: str, name: str, dimensions: dict[str, str]) -> list[dict]:
    """Return the data points of exactly this metric in the current account and region."""
    return cloudwatch._metrics.get(_key(namespace, name, dimensions)) or []


def _key(namespace: str, name: str, dimensions: dict[str, str]) -> tuple:
    return namespace, name, cloudwatch._dims_key(dimensions)


def of_chatbot(account: str, configuration: str, name: str) -> None:
    """Count for a channel configuration. Chatbot's metrics are in us-east-1 for events of all regions."""
    count(account, CHATBOT_REGION, "AWS/Chatbot", name, ("ConfigurationName", configuration))


def of_rule(account: str, region: str, rule: str, name: str) -> None:
    """Count for an EventBridge rule."""
    count(account, region, "AWS/Events", name, ("RuleName", rule))


def of_topic(topic_arn: str, name: str) -> None:
    """Count for an SNS topic."""
    _arn, _partition, _service, region, account, topic = topic_arn.split(":", 5)
    count(account, region, "AWS/SNS", name, ("TopicName", topic))


def of_machine(machine_arn: str, name: str) -> None:
    """Count for a state machine of Step Functions."""
    _arn, _partition, _service, region, account, _kind, _name = machine_arn.split(":")
    count(account, region, "AWS/States", name, ("StateMachineArn", machine_arn))


def depth_of_queue(queue_arn: str, messages: int) -> None:
    """Record how many messages an SQS queue holds."""
    _arn, _partition, _service, region, account, queue = queue_arn.split(":", 5)
    count(account, region, "AWS/SQS", "ApproximateNumberOfMessagesVisible", ("QueueName", queue), messages)
