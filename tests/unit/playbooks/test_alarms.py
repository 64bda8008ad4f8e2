# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alarms report lost findings, wherever they are lost; they are turned on, turned off and removed."""

from __future__ import annotations

import json

import pytest
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings

FINDING = findings.FINDINGS["ec2-19-critical-eu-west-1"]
TARGETS = {"us-east-1": {}, "eu-west-1": {}}
CHATBOT_ALARMS = {
    f"securityhub-slack-{name}" for name in ("UnsupportedEvents", "MessageDeliveryFailure", "EventsThrottled")
}
STACK_ALARMS = {
    f"securityhub-slack-{name}"
    for name in ("undelivered", "failed-notifications", "findings-failed-invocations", "action-failed-invocations")
}


@pytest.fixture
def playbooks(emulator, tmp_path):
    """Return a runner of playbooks in an organization without findings, for two regions."""
    findings.set_up(emulator)
    found = findings.Playbooks(tmp_path, emulator.url)
    found.inventory(TARGETS)
    return found


def alarms(emulator, region):
    """Return the states of all alarms of a region, by name."""
    found = emulator.client("cloudwatch", region).describe_alarms()["MetricAlarms"]
    return {alarm["AlarmName"]: alarm["StateValue"] for alarm in found}


def queues(emulator, region="eu-west-1"):
    return emulator.client("sqs", region).list_queues().get("QueueUrls", [])


def topic(region, name="securityhub-slack"):
    return f"arn:aws:sns:{region}:{findings.ADMINISTRATOR}:{name}"


def close_topic(emulator, region="eu-west-1"):
    """Remove EventBridge's permission to publish."""
    sns = emulator.client("sns", region)
    policy = json.loads(sns.get_topic_attributes(TopicArn=topic(region))["Attributes"]["Policy"])
    kept = [item for item in policy["Statement"] if "events.amazonaws.com" not in json.dumps(item)]
    sns.set_topic_attributes(
        TopicArn=topic(region), AttributeName="Policy", AttributeValue=json.dumps({**policy, "Statement": kept})
    )


def titles(emulator):
    return sorted(message["title"] for message in emulator.inbox())


def test_alarms_are_created_and_deleted_and_a_second_run_changes_nothing(emulator, playbooks):
    template = emulator.client("cloudformation", "us-east-1").get_template
    playbooks.ok("securityhub_slack")
    plain = template(StackName="securityhub-slack")["TemplateBody"]
    emulator.forget_requests()
    preview = playbooks.ok("securityhub_slack", "", "--check", "--diff", alarms=True)
    assert '"securityhub-slack-undelivered"' in preview.output
    assert emulator.writes() == []
    playbooks.ok("securityhub_slack", alarms=True)
    assert set(alarms(emulator, "eu-west-1")) == STACK_ALARMS
    assert set(alarms(emulator, "us-east-1")) == STACK_ALARMS | CHATBOT_ALARMS
    for arguments in ([], ["--limit", "us-east-1"]):
        emulator.forget_requests()
        playbooks.ok("securityhub_slack", "", *arguments, alarms=True)
        assert emulator.writes() == []
    findings.bring(emulator, FINDING)
    assert findings.delivered(emulator) == [FINDING["Id"]]
    assert set(alarms(emulator, "us-east-1").values()) | set(alarms(emulator, "eu-west-1").values()) == {"OK"}

    playbooks.ok("securityhub_slack")
    assert template(StackName="securityhub-slack")["TemplateBody"] == plain
    assert (alarms(emulator, "us-east-1"), alarms(emulator, "eu-west-1"), queues(emulator)) == ({}, {}, [])
    playbooks.ok("securityhub_slack", alarms=True)
    playbooks.ok("securityhub_slack", alarms=True, state="absent")
    assert (alarms(emulator, "us-east-1"), alarms(emulator, "eu-west-1"), queues(emulator)) == ({}, {}, [])


@pytest.mark.parametrize("key", ["", "create"])
def test_events_that_eventbridge_cannot_deliver_are_kept_and_alarms_reach_the_channel(emulator, playbooks, key):
    playbooks.ok("securityhub_slack", alarms=True, kms_key=key)
    close_topic(emulator)
    findings.bring(emulator, FINDING)
    assert titles(emulator) == [
        "ALARM: securityhub-slack-findings-failed-invocations",
        "ALARM: securityhub-slack-undelivered",
    ]
    (queue,) = queues(emulator)
    (message,) = emulator.client("sqs", "eu-west-1").receive_message(QueueUrl=queue, VisibilityTimeout=0)["Messages"]
    assert json.loads(message["Body"])["detail"]["findings"][0]["Id"] == FINDING["Id"]


def test_losses_of_amazon_q_in_any_region_raise_an_alarm_in_us_east_1(emulator, playbooks):
    playbooks.ok("securityhub_slack", alarms=True)
    emulator.client("sns", "eu-west-1").publish(TopicArn=topic("eu-west-1"), Message="hello")
    assert titles(emulator) == ["ALARM: securityhub-slack-UnsupportedEvents"]
    assert emulator.inbox()[0]["topic"] == topic("us-east-1")


def test_alarms_can_notify_another_topic(emulator, playbooks):
    arn = emulator.client("sns", "eu-west-1").create_topic(Name="operations")["TopicArn"]
    queue = emulator.client("sqs", "eu-west-1")
    inbox = queue.create_queue(QueueName="inbox")["QueueUrl"]
    emulator.client("sns", "eu-west-1").subscribe(
        TopicArn=arn, Protocol="sqs", Endpoint=f"arn:aws:sqs:eu-west-1:{findings.ADMINISTRATOR}:inbox"
    )
    playbooks.inventory({"us-east-1": {}, "eu-west-1": {"alarm_topic_arn": arn}}, alarms=True)
    playbooks.ok("securityhub_slack")
    close_topic(emulator)
    findings.bring(emulator, FINDING)
    assert titles(emulator) == []
    received = queue.receive_message(QueueUrl=inbox, MaxNumberOfMessages=10)["Messages"]
    names = {json.loads(json.loads(message["Body"])["Message"])["AlarmName"] for message in received}
    assert "securityhub-slack-undelivered" in names


def test_alarms_on_an_adopted_configuration_use_its_name(emulator, playbooks):
    role = {"Effect": "Allow", "Principal": {"Service": "chatbot.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [role]})
    arn = emulator.client("iam").create_role(RoleName="theirs", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    emulator.client("chatbot", "us-east-2").create_slack_channel_configuration(
        SlackTeamId=findings.WORKSPACE,
        SlackChannelId=findings.CHANNEL,
        ConfigurationName="theirs",
        IamRoleArn=arn,
    )
    playbooks.ok("securityhub_slack", alarms=True)
    chatbot_alarms = set(alarms(emulator, "us-east-1")) - STACK_ALARMS
    assert chatbot_alarms == {name.replace("slack-", "slack-theirs-") for name in CHATBOT_ALARMS}
    emulator.forget_requests()
    playbooks.ok("securityhub_slack", alarms=True)
    assert emulator.writes() == []


def test_all_configurations_of_the_account_have_alarms_with_limit_too(emulator, playbooks):
    other = {"channel_id": "C0THER0000", "configuration_name": "other"}
    playbooks.inventory({"us-east-1": {}, "eu-west-1": other}, alarms=True)
    playbooks.ok("securityhub_slack", "", "--limit", "us-east-1")
    others = {name.replace("slack-", "slack-other-") for name in CHATBOT_ALARMS}
    assert set(alarms(emulator, "us-east-1")) == STACK_ALARMS | CHATBOT_ALARMS | others
    playbooks.ok("securityhub_slack")
    emulator.forget_requests()
    playbooks.ok("securityhub_slack")
    assert emulator.writes() == []


def test_losses_of_amazon_q_without_an_alarm_are_reported_where_us_east_1_is_a_linked_region(emulator, tmp_path):
    findings.set_up(emulator, aggregator={"home": "eu-west-1", "RegionLinkingMode": "ALL_REGIONS"})
    playbooks = findings.Playbooks(tmp_path, emulator.url)
    playbooks.inventory(TARGETS, alarms=True)
    outcome = playbooks.ok("securityhub_slack")
    assert "no alarm reports when Amazon Q itself loses messages" in " ".join(outcome.output.split())
    assert set(alarms(emulator, "eu-west-1")) == STACK_ALARMS


def test_a_given_key_must_allow_alarms_and_dead_letters(emulator, playbooks):
    policy = {"Version": "2012-10-17", "Statement": []}
    topics = f"arn:aws:sns:*:{findings.ADMINISTRATOR}:securityhub-slack*"
    for service, condition in (
        ("events", {"StringLike": {"kms:EncryptionContext:aws:sns:topicArn": topics}}),
        ("cloudwatch", {}),
        ("events", {}),
    ):
        statement = {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "kms:*"}
        policy["Statement"].append({**statement, "Resource": "*", "Condition": condition})
        key = emulator.client("kms", "eu-west-1").create_key(Policy=json.dumps(policy))["KeyMetadata"]["KeyId"]
        playbooks.inventory({"eu-west-1": {}}, kms_key=key)
        emulator.forget_requests()
        outcome = playbooks.run("securityhub_slack", alarms=True)
        said = " ".join(outcome.output.split())
        if len(policy["Statement"]) == 1:
            assert "does not allow CloudWatch alarms kms:Decrypt and kms:GenerateDataKey" in said
        elif len(policy["Statement"]) == 2:
            assert "does not allow EventBridge, for the dead-letter queue, kms:Decrypt" in said
        assert (outcome.code == 0) is (len(policy["Statement"]) == 3)
        assert bool(emulator.writes()) is (len(policy["Statement"]) == 3)
