# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudWatch alarms as on AWS: an alarm watches its own metric only and publishes where policies allow it."""

from __future__ import annotations

import operator
import time
from typing import Any

import metrics
import resource_policy
from ministack.core.responses import get_account_id
from ministack.services import cloudwatch
from ministack.services import sns

CLOUDWATCH = "cloudwatch.amazonaws.com"


COMPARE = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


def install() -> None:
    """Replace these parts of ministack."""
    dispatch = cloudwatch._dispatch_alarm_actions

    def dispatch_where_allowed(alarm: dict, old: str, new: str, reason: str) -> None:
        permitted = {
            key: [arn for arn in alarm.get(key) or [] if may_publish(arn, alarm["AlarmArn"])]
            for key in ("AlarmActions", "OKActions", "InsufficientDataActions")
        }
        dispatch({**alarm, **permitted}, old, new, reason)

    cloudwatch._evaluate_alarm, cloudwatch._dispatch_alarm_actions = _evaluate, dispatch_where_allowed


def _evaluate(alarm: dict) -> None:
    points = _points(alarm)
    if not points:
        if alarm.get("TreatMissingData") == "notBreaching":
            _change(alarm, "OK", "no data, which is not breaching")
        return
    statistic, threshold = alarm.get("Statistic") or "Average", alarm["Threshold"]
    value = cloudwatch._stat_value(cloudwatch._calc_stats(points), statistic, points)
    breaching = COMPARE[alarm["ComparisonOperator"]](value, threshold)
    reason = f"Threshold Crossed: {statistic} {value} {alarm['ComparisonOperator']} {threshold}"
    _change(alarm, "ALARM" if breaching else "OK", reason)


def _change(alarm: dict, new: str, reason: str) -> None:
    old = alarm["StateValue"]
    if old == new:
        return
    alarm.update(StateValue=new, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(alarm["AlarmName"], old, new, reason)
    cloudwatch._dispatch_alarm_actions(alarm, old, new, reason)


def _points(alarm: dict) -> list[dict]:
    """Return the data points of the alarm's last period that have exactly its dimensions."""
    dimensions = {item["Name"]: item["Value"] for item in alarm.get("Dimensions") or []}
    since = time.time() - alarm.get("Period", 60) * alarm.get("EvaluationPeriods", 1)
    found = metrics.points_of(alarm.get("Namespace", ""), alarm.get("MetricName", ""), dimensions)
    return [point for point in found if point["Timestamp"] >= since]


def may_publish(topic_arn: str, alarm_arn: str) -> bool:
    """Return whether CloudWatch may publish to a topic for an alarm: by the topic's policy, and by that of its key."""
    topic: dict[str, Any] | None = sns._topics.get(topic_arn)
    if topic is None:
        return False
    known = {
        "aws:sourcearn": alarm_arn,
        "aws:sourceaccount": get_account_id(),
        "aws:sourceowner": get_account_id(),  # for the condition of a topic's default policy
    }
    policy, key = topic["attributes"].get("Policy", ""), topic["attributes"].get("KmsMasterKeyId")
    if not resource_policy.allows(policy, "sns:Publish", topic_arn, CLOUDWATCH, known):
        return False
    return not key or resource_policy.key_allows(key, CLOUDWATCH, {"kms:encryptioncontext:aws:sns:topicarn": topic_arn})
