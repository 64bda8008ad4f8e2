# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudWatch alarms: what each watches, and whether it may publish; and the dead-letter queue that one watches."""

from __future__ import annotations

import json

import pytest
from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit.emulator.conftest import ACCOUNT
from ansible_collections.secops.securityhub.tests.unit.emulator.conftest import REGION
from ansible_collections.secops.securityhub.tests.unit.emulator.conftest import TOPIC

QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
CLOUDWATCH = {"Service": "cloudwatch.amazonaws.com"}


def alarm(lab, metric=("AWS/Chatbot", "UnsupportedEvents", "ConfigurationName", "security"), name="undelivered"):
    namespace, metric_name, dimension, value = metric
    lab.client("cloudwatch").put_metric_alarm(
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


def state(lab, name="undelivered"):
    return lab.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]


def allow_alarms(lab, **condition):
    statement = {"Effect": "Allow", "Principal": CLOUDWATCH, "Action": "sns:Publish", "Resource": TOPIC, **condition}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    lab.client("sns").set_topic_attributes(TopicArn=TOPIC, AttributeName="Policy", AttributeValue=policy)


def lose(lab):
    lab.client("sns").publish(TopicArn=TOPIC, Message="hello")


@pytest.mark.parametrize(
    ("condition", "arrives"),
    [
        ({}, True),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:un*"}}, True),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:other"}}, False),
        ({"StringEquals": {"aws:SourceAccount": "222222222222"}}, False),
    ],
)
def test_the_policy_of_the_topic_decides_whether_an_alarm_arrives(lab, condition, arrives):
    lab.pipeline()
    allow_alarms(lab, Condition=condition)
    alarm(lab)
    lose(lab)
    assert state(lab) == "ALARM"
    assert lab.titles() == ["ALARM: undelivered"] * arrives


def test_a_topic_without_a_policy_of_its_own_lets_alarms_of_its_account_in(lab):
    lab.role()
    lab.client("sns").create_topic(Name="findings")
    lab.channel()
    alarm(lab)
    lose(lab)
    assert lab.titles() == ["ALARM: undelivered"]


@pytest.mark.parametrize("services", [(), ("events.amazonaws.com",), ("cloudwatch.amazonaws.com",)])
def test_the_policy_of_the_key_decides_too(lab, services):
    lab.pipeline()
    allow_alarms(lab)
    key = deployed.make_key(lab.emulator, REGION, *services)
    lab.client("sns").set_topic_attributes(TopicArn=TOPIC, AttributeName="KmsMasterKeyId", AttributeValue=key)
    alarm(lab)
    lose(lab)
    assert lab.titles() == ["ALARM: undelivered"] * ("cloudwatch.amazonaws.com" in services)


def test_an_alarm_watches_its_own_dimension_only(lab):
    lab.pipeline()
    allow_alarms(lab)
    alarm(lab)
    alarm(lab, ("AWS/Chatbot", "UnsupportedEvents", "ConfigurationName", "another"), "other")
    lose(lab)
    assert (state(lab), state(lab, "other")) == ("ALARM", "OK")
    assert lab.titles() == ["ALARM: undelivered"]


@pytest.mark.parametrize(
    ("services", "kept"), [(None, 1), (("events.amazonaws.com",), 1), (("cloudwatch.amazonaws.com",), 0)]
)
def test_a_dead_letter_queue_tells_how_much_it_holds_and_its_key_decides(lab, services, kept):
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": QUEUE,
    }
    attributes = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}
    if services is not None:
        attributes["KmsMasterKeyId"] = deployed.make_key(lab.emulator, REGION, *services)
    lab.client("sqs").create_queue(QueueName="dead", Attributes=attributes)
    alarm(lab, ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "dead"))
    lab.rule(DeadLetterConfig={"Arn": QUEUE})
    lab.import_findings(lab.finding())
    assert lab.metric("AWS/Events", "InvocationsSentToDlq", "RuleName", "findings") == kept
    assert lab.metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "dead") == kept
    assert (state(lab) == "ALARM") is bool(kept)
