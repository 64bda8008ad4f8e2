# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudWatch alarms: their metrics, their permissions to publish, and the alarm of the dead-letter queue."""

from __future__ import annotations

import json

import pytest
from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit.emulator.conftest import ACCOUNT
from ansible_collections.secops.securityhub.tests.unit.emulator.conftest import REGION
from ansible_collections.secops.securityhub.tests.unit.emulator.conftest import TOPIC

QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
CLOUDWATCH = {"Service": "cloudwatch.amazonaws.com"}


def alarm(aws, metric=("AWS/Chatbot", "UnsupportedEvents", "ConfigurationName", "security"), name="undelivered"):
    namespace, metric_name, dimension, value = metric
    aws.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace=namespace,
        MetricName=metric_name,
        Dimensions=[{"Name": dimension, "Value": value}],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[TOPIC],
    )


def state(aws, name="undelivered"):
    return aws.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]


def allow_alarms(aws, **condition):
    statement = {"Effect": "Allow", "Principal": CLOUDWATCH, "Action": "sns:Publish", "Resource": TOPIC, **condition}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    aws.client("sns").set_topic_attributes(TopicArn=TOPIC, AttributeName="Policy", AttributeValue=policy)


def lose(aws):
    aws.client("sns").publish(TopicArn=TOPIC, Message="hello")


@pytest.mark.parametrize(
    ("condition", "arrives"),
    [
        ({}, True),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:un*"}}, True),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:other"}}, False),
        ({"StringEquals": {"aws:SourceAccount": "222222222222"}}, False),
    ],
)
def test_the_policy_of_the_topic_decides_whether_an_alarm_arrives(aws, condition, arrives):
    aws.deployment()
    allow_alarms(aws, Condition=condition)
    alarm(aws)
    lose(aws)
    assert state(aws) == "ALARM"
    assert aws.titles() == ["ALARM: undelivered"] * arrives


def test_the_default_policy_of_a_topic_allows_alarms_of_its_account(aws):
    aws.role()
    aws.client("sns").create_topic(Name="findings")
    aws.channel()
    alarm(aws)
    lose(aws)
    assert aws.titles() == ["ALARM: undelivered"]


@pytest.mark.parametrize("services", [(), ("events.amazonaws.com",), ("cloudwatch.amazonaws.com",)])
def test_the_policy_of_the_key_decides_too(aws, services):
    aws.deployment()
    allow_alarms(aws)
    key = deployed.make_key(aws.emulator, REGION, *services)
    aws.client("sns").set_topic_attributes(TopicArn=TOPIC, AttributeName="KmsMasterKeyId", AttributeValue=key)
    alarm(aws)
    lose(aws)
    assert aws.titles() == ["ALARM: undelivered"] * ("cloudwatch.amazonaws.com" in services)


def test_an_alarm_watches_its_own_dimension_only(aws):
    aws.deployment()
    allow_alarms(aws)
    alarm(aws)
    alarm(aws, ("AWS/Chatbot", "UnsupportedEvents", "ConfigurationName", "another"), "other")
    lose(aws)
    assert (state(aws), state(aws, "other")) == ("ALARM", "OK")
    assert aws.titles() == ["ALARM: undelivered"]


@pytest.mark.parametrize(
    ("services", "kept"), [(None, 1), (("events.amazonaws.com",), 1), (("cloudwatch.amazonaws.com",), 0)]
)
def test_the_depth_of_a_dead_letter_queue_is_a_metric_and_its_key_decides(aws, services, kept):
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": QUEUE,
    }
    attributes = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}
    if services is not None:
        attributes["KmsMasterKeyId"] = deployed.make_key(aws.emulator, REGION, *services)
    aws.client("sqs").create_queue(QueueName="dead", Attributes=attributes)
    alarm(aws, ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "dead"))
    aws.rule(DeadLetterConfig={"Arn": QUEUE})
    aws.import_findings(aws.finding())
    assert aws.metric("AWS/Events", "InvocationsSentToDlq", "RuleName", "findings") == kept
    assert aws.metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "dead") == kept
    assert (state(aws) == "ALARM") is bool(kept)
