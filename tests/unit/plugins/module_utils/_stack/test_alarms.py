# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stack with alarms watches, whom it tells, and that nothing of it is there unless asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._iam_policies import evaluation
from ansible_collections.secops.securityhub.plugins.module_utils._stack import alarms
from ansible_collections.secops.securityhub.plugins.module_utils._stack import encryption
from ansible_collections.secops.securityhub.plugins.module_utils._stack import resources as stack_resources
from ansible_collections.secops.securityhub.plugins.module_utils._stack import template
from ansible_collections.secops.securityhub.plugins.module_utils._stack.scheduled_digest import ScheduledChannel
from ansible_collections.secops.securityhub.plugins.module_utils._stack.scheduled_digest import ScheduledDigest

TOPICS = ("slack-prod", "slack-test")
RULES = tuple(f"{topic}-findings" for topic in TOPICS)
ELSEWHERE = "arn:aws:sns:eu-west-1:222222222222:operations"
OFF = template.StackDesign(
    "slack", TOPICS, tuple(template.Rule(rule, "", {"source": ["x"]}, topic) for rule, topic in zip(RULES, TOPICS))
)
ON = replace(OFF, alarms=alarms.Alarms())
PLACE = stack_resources.Location("aws", "111111111111", "eu-west-1")
URL = "https://sqs.eu-west-1.amazonaws.com/111111111111/slack-UndeliveredQueue-1ABC"
QUEUE_ARN = "arn:aws:sqs:eu-west-1:111111111111:slack-UndeliveredQueue-1ABC"


def resolved(design):
    names = {alarms.QUEUE: URL, encryption.KEY: "1-2-3"}
    return stack_resources.resolve(template.template(design), PLACE, names)


def watched(design):
    """Return the alarms' names by what they watch: metric, and value of its dimension."""
    return {
        (alarm["Namespace"], alarm["MetricName"], alarm["Dimensions"][0]["Value"]): alarm["AlarmName"]
        for alarm in resolved(design).of_type(stack_resources.ALARM)
    }


def test_nothing_of_it_is_there_unless_asked_for():
    text = OFF.text
    assert not any(word in text for word in ("AWS::SQS", "AWS::CloudWatch", "DeadLetterConfig", "cloudwatch.amazon"))
    assert OFF.digest != ON.digest


def test_queue_rules_and_topics_are_watched():
    assert watched(ON) == {
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "slack-UndeliveredQueue-1ABC"): "slack-undelivered",
        ("AWS/Events", "FailedInvocations", RULES[0]): "slack-prod-findings-failed-invocations",
        ("AWS/Events", "FailedInvocations", RULES[1]): "slack-test-findings-failed-invocations",
        ("AWS/SNS", "NumberOfNotificationsFailed", TOPICS[0]): "slack-prod-failed-notifications",
        ("AWS/SNS", "NumberOfNotificationsFailed", TOPICS[1]): "slack-test-failed-notifications",
    }


def test_state_machines_are_watched():
    findings = replace(ON.rules[0], automatic=True)
    machines = {"slack-notified": replace(ON, rules=(findings,), mark_notified=True)}
    digest = ScheduledDigest("rate(7 days)", "UTC", 7, False, (ScheduledChannel(TOPICS[0], ("HIGH",), "true"),))
    machines["slack-digest"] = replace(ON, scheduled=digest)
    for machine, design in machines.items():
        arn = f"arn:aws:states:eu-west-1:111111111111:stateMachine:{machine}"
        of_states = {item: name for item, name in watched(design).items() if item[0] == "AWS/States"}
        assert of_states == {("AWS/States", "ExecutionsFailed", arn): f"{machine}-failed-executions"}


def test_alarms_for_metrics_of_each_configuration():
    design = replace(ON, alarms=alarms.Alarms(configurations=("slack-prod", "a_b", "a-b", "A-b")))
    names = [name for (namespace, *_metric), name in watched(design).items() if namespace == "AWS/Chatbot"]
    assert len(set(names)) == 4 * 3
    assert {"slack-prod-UnsupportedEvents", "slack-prod-MessageDeliveryFailure", "slack-a_b-EventsThrottled"} < set(
        names
    )
    assert all(name.startswith("slack-") for name in names)


def test_missing_data_is_not_breaching_and_descriptions_have_a_remedy():
    for alarm in resolved(ON).of_type(stack_resources.ALARM):
        assert alarm["TreatMissingData"] == "notBreaching"
        assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")
        assert "secops.securityhub.securityhub_slack_doctor" in alarm["AlarmDescription"]


@pytest.mark.parametrize(
    ("topic", "notified"), [("", "arn:aws:sns:eu-west-1:111111111111:slack-prod"), (ELSEWHERE, ELSEWHERE)]
)
def test_alarms_notify_the_first_topic_or_the_given_one(topic, notified):
    found = resolved(replace(ON, alarms=alarms.Alarms(topic)))
    assert set(found.alarm_topic_arns()) == {notified}
    policies = {policy["Topics"][0]: policy["PolicyDocument"] for policy in found.of_type(stack_resources.TOPIC_POLICY)}
    alarm = found.alarm_arn(found.of_type(stack_resources.ALARM)[0])
    for arn, policy in policies.items():
        assert evaluation.lets_in(policy, evaluation.of_alarm("sns:Publish", arn, alarm)) is (arn == notified)
        assert not evaluation.lets_in(
            policy, evaluation.of_alarm("sns:Publish", arn, alarm.replace("slack-", "other-"))
        )


def test_dead_letter_queue_accepts_events_of_the_rules():
    found = resolved(ON)
    rules = found.of_type(stack_resources.RULE)
    assert [rule["Targets"][0]["DeadLetterConfig"] for rule in rules] == [{"Arn": QUEUE_ARN}] * 2
    (policy,) = found.of_type(stack_resources.QUEUE_POLICY)
    assert policy["Queues"] == [URL]
    for rule, lets_in in ((found.rule_arn(rules[0]), True), (PLACE.arn("events", "rule/other"), False)):
        request = evaluation.of_rule("sqs:SendMessage", QUEUE_ARN, rule)
        assert evaluation.lets_in(policy["PolicyDocument"], request) is lets_in
    for rule in template.template(ON)["Resources"].values():
        assert rule["Type"] != "AWS::Events::Rule" or alarms.QUEUE_POLICY in rule["DependsOn"]


def test_the_queue_keeps_messages_as_long_as_sqs_can_and_is_always_encrypted():
    (queue,) = resolved(ON).of_type(stack_resources.QUEUE)
    assert queue == {"MessageRetentionPeriod": 1209600, "SqsManagedSseEnabled": True}
    for key, wanted in ((encryption.CREATE, "alias/slack"), ("alias/security", "alias/security")):
        (queue,) = resolved(replace(ON, key=key)).of_type(stack_resources.QUEUE)
        assert queue == {"MessageRetentionPeriod": 1209600, "KmsMasterKeyId": wanted}


def test_key_policy_allows_only_the_services_that_need_it():
    def may(design, service, encrypted, context=evaluation.OF_TOPIC):
        (key,) = resolved(design).of_type(stack_resources.KEY)
        arn = PLACE.arn("kms", "key/1-2-3")
        request = evaluation.of_key("kms:GenerateDataKey", arn, encrypted, service, context)
        return evaluation.lets_in(key["KeyPolicy"], request)

    own, topic = replace(ON, key=encryption.CREATE), PLACE.arn("sns", "slack-prod")
    assert may(own, evaluation.EVENTS, QUEUE_ARN, evaluation.OF_QUEUE)
    assert may(own, evaluation.CLOUDWATCH, topic)
    assert not may(own, evaluation.CLOUDWATCH, PLACE.arn("sns", "other"))
    # A queue's name begins with its stack's, which in a stack set is StackSet-<its name>-<a number>, cut off somewhere.
    assert may(own, evaluation.EVENTS, PLACE.arn("sqs", "StackSet-slack-0f1e-UndeliveredQueue"), evaluation.OF_QUEUE)
    assert not may(own, evaluation.EVENTS, "arn:aws:sqs:eu-west-1:999999999999:slack-queue", evaluation.OF_QUEUE)
    assert not may(replace(own, alarms=None), evaluation.CLOUDWATCH, topic)


def test_tags_on_all_that_can_carry_them():
    found = resolved(replace(ON, tags=(("team", "security"),)))
    for item in (*found.of_type(stack_resources.QUEUE), *found.of_type(stack_resources.ALARM)):
        assert item["Tags"] == [{"Key": "team", "Value": "security"}]


def test_the_outline_names_the_alarms():
    assert "alarms" not in template.outline(template.template(OFF))
    assert template.outline(template.template(ON))["alarms"] == sorted(watched(ON).values())


def test_many_routes_with_alarms_fit_into_a_template():
    topics = tuple(f"{'x' * 35}-{number:016}" for number in range(10))
    rules = tuple(template.Rule(f"{topic}-findings", "x" * 70, {"a": "x" * 900}, topic) for topic in topics)
    design = replace(ON, topics=topics, rules=rules, key=encryption.CREATE)
    assert template.problems(design) == []
