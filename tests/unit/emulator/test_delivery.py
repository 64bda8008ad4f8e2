# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The delivery path of an event to the channel, and where events are lost."""

from __future__ import annotations

import datetime
import json
import urllib.error

import pytest
from ansible_collections.secops.securityhub.tests.unit import waiting
from botocore.exceptions import ClientError

ACCOUNT, REGION, CHANNEL = "111111111111", "us-east-1", "C0123ABCD"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:findings"


def failed_invocations(aws) -> int:
    return aws.metric("AWS/Events", "FailedInvocations", "RuleName", "findings")


def of_chatbot(aws, name: str) -> int:
    return aws.metric("AWS/Chatbot", name, "ConfigurationName", "security")


def test_every_create_and_update_arrives_in_order(aws):
    aws.deployment()
    first = aws.finding()
    aws.import_findings(first)
    aws.import_findings({**first, "Title": "second", "UpdatedAt": "2026-01-02T00:00:00Z"})
    identifier = {"Id": first["Id"], "ProductArn": first["ProductArn"]}
    hub = aws.client("securityhub")
    hub.batch_update_findings(FindingIdentifiers=[identifier], Workflow={"Status": "NOTIFIED"})
    assert aws.titles() == [first["Title"], "second", "second"]
    message = aws.emulator.inbox(CHANNEL)[0]
    assert (message["n"], message["account"], message["region"]) == (1, ACCOUNT, REGION)
    assert (message["severity"], message["finding_id"]) == ("CRITICAL", first["Id"])
    assert (message["topic"], message["configuration"]) == (TOPIC, "security")
    assert message["detail_type"] == "Security Hub Findings - Imported"
    assert aws.emulator.inbox("C0THER") == []
    assert (of_chatbot(aws, "EventsProcessed"), of_chatbot(aws, "MessageDeliverySuccess")) == (3, 3)


def test_the_event_is_as_documented(aws):
    queue_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:events"
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="events", Attributes={"Policy": queue_policy(queue_arn)})["QueueUrl"]
    aws.rule(Id="queue", Arn=queue_arn)
    given = aws.finding()
    aws.import_findings(given)
    event = json.loads(sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"])
    assert (event["version"], event["source"], event["account"], event["region"]) == (
        "0",
        "aws.securityhub",
        ACCOUNT,
        REGION,
    )
    assert event["resources"] == [f"{given['ProductArn']}/{given['Id']}"]
    assert [finding["Id"] for finding in event["detail"]["findings"]] == [given["Id"]]


def test_the_clock_of_events_can_be_put_forward(aws):
    aws.deployment()
    events = aws.client("events")
    transformer = {
        "InputPathsMap": {"time": "$.time"},
        "InputTemplate": '{"version":"1.0","source":"custom","content":{"description":<time>}}',
    }
    target = {"Id": "topic", "Arn": TOPIC, "InputTransformer": transformer}
    events.put_targets(Rule="findings", Targets=[target])
    aws.import_findings(aws.finding("a"))
    assert aws.emulator.ask("POST", "clock", {"seconds": 7200}) == {"ahead": 7200}
    aws.import_findings(aws.finding("b"))
    first, second = (datetime.datetime.fromisoformat(message["text"][:19]) for message in aws.emulator.inbox())
    assert 7200 <= (second - first).total_seconds() < 7230
    with pytest.raises(urllib.error.HTTPError):
        aws.emulator.ask("POST", "clock", {"seconds": -1})
    aws.emulator.ask("POST", "reset")
    assert aws.emulator.ask("POST", "clock", {"seconds": 0}) == {"ahead": 0}


def test_a_custom_action_sends_each_finding_with_its_arn(aws):
    aws.deployment()
    hub = aws.client("securityhub")
    arn = hub.create_action_target(Name="Send to Slack", Description="d", Id="SendToSlack")["ActionTargetArn"]
    aws.rule({"detail-type": ["Security Hub Findings - Custom Action"], "resources": [arn]})
    findings = [aws.finding("a"), aws.finding("b")]
    aws.import_findings(*findings)
    assert aws.titles() == []
    sent = aws.emulator.custom_action(REGION, "SendToSlack", *[finding["Id"] for finding in findings])
    assert sent == {"events": 2}
    assert [message["finding_id"] for message in aws.emulator.inbox()] == [finding["Id"] for finding in findings]


def test_a_configuration_takes_topics_of_many_regions_and_a_removed_one_is_silent(aws):
    aws.role()
    regions = [REGION, "eu-west-1"]
    topics = [aws.topic(region) for region in regions]
    for region in regions:
        aws.rule(region=region)
    created = aws.channel(*topics)
    for region in regions:
        aws.import_findings(aws.finding(region=region), region=region)
    assert [message["region"] for message in aws.emulator.inbox()] == regions
    aws.client("chatbot", "us-east-2").update_slack_channel_configuration(
        ChatConfigurationArn=created["ChatConfigurationArn"], SlackChannelId=CHANNEL, SnsTopicArns=topics[:1]
    )
    left = aws.client("sns", "eu-west-1").list_subscriptions_by_topic(TopicArn=topics[1])["Subscriptions"]
    assert left == []
    aws.import_findings(aws.finding("2", region="eu-west-1"), region="eu-west-1")
    assert len(aws.emulator.inbox()) == 2


def test_a_recreated_topic_is_not_subscribed_until_the_configuration_is_saved(aws):
    aws.deployment()
    sns = aws.client("sns")
    (subscription,) = sns.list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]
    assert subscription["Endpoint"] == "https://global.sns-api.chatbot.amazonaws.com"
    sns.delete_topic(TopicArn=TOPIC)
    aws.topic()
    aws.import_findings(aws.finding("lost"))
    assert aws.titles() == []
    chatbot = aws.client("chatbot", "us-east-2")
    (configuration,) = chatbot.describe_slack_channel_configurations()["SlackChannelConfigurations"]
    chatbot.update_slack_channel_configuration(
        ChatConfigurationArn=configuration["ChatConfigurationArn"], SlackChannelId=CHANNEL, SnsTopicArns=[TOPIC]
    )
    aws.import_findings(aws.finding("found"))
    assert len(aws.titles()) == 1


@pytest.mark.parametrize(
    ("condition", "arrives"),
    [
        ({"ArnEquals": {"aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/findings"}}, True),
        ({"ArnLike": {"aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/find*"}}, True),
        ({"ArnEquals": {"aws:SourceArn": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/other"}}, False),
        ({"StringEquals": {"aws:SourceAccount": "222222222222"}}, False),
    ],
)
def test_the_topic_policy_decides(aws, condition, arrives):
    aws.role()
    aws.topic(condition=condition)
    aws.rule()
    aws.channel()
    aws.import_findings(aws.finding())
    assert (len(aws.titles()), failed_invocations(aws)) == ((1, 0) if arrives else (0, 1))


def test_a_topic_with_its_default_policy_gets_nothing(aws):
    aws.role()
    aws.client("sns").create_topic(Name="findings")
    aws.rule()
    aws.channel()
    aws.import_findings(aws.finding())
    assert (aws.titles(), failed_invocations(aws)) == ([], 1)


def key_policy(*actions: str, condition: dict | None = None) -> str:
    own = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*", "Resource": "*"}
    events = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": list(actions),
        "Resource": "*",
        **({"Condition": condition} if condition else {}),
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [own, *([events] if actions else [])]})


@pytest.mark.parametrize(
    ("actions", "arrives"),
    [(("kms:Decrypt", "kms:GenerateDataKey*"), True), (("kms:Decrypt",), False), ((), False)],
)
def test_the_policy_of_the_topics_key_decides(aws, actions, arrives):
    aws.role()
    key = aws.client("kms").create_key(Policy=key_policy(*actions))["KeyMetadata"]["KeyId"]
    aws.topic(KmsMasterKeyId=key)
    aws.rule()
    aws.channel()
    aws.import_findings(aws.finding())
    assert len(aws.titles()) == int(arrives)
    assert failed_invocations(aws) == int(not arrives)


@pytest.mark.parametrize(
    ("condition", "arrives"),
    [
        ({"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": TOPIC}}, True),
        ({"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": f"{TOPIC}-other"}}, False),
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, False),
    ],
)
def test_eventbridge_sends_the_topic_but_no_source_to_the_key(aws, condition, arrives):
    aws.role()
    policy = key_policy("kms:Decrypt", "kms:GenerateDataKey*", condition=condition)
    aws.topic(KmsMasterKeyId=aws.client("kms").create_key(Policy=policy)["KeyMetadata"]["KeyId"])
    aws.rule()
    aws.channel()
    aws.import_findings(aws.finding())
    assert len(aws.titles()) == int(arrives)


def test_the_aws_managed_key_does_not_allow_eventbridge(aws):
    aws.role()
    aws.topic(KmsMasterKeyId="alias/aws/sns")
    aws.rule()
    aws.channel()
    aws.import_findings(aws.finding())
    assert (aws.titles(), failed_invocations(aws)) == ([], 1)


def queue_policy(arn: str, account: str = ACCOUNT) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnLike": {"aws:SourceArn": f"arn:aws:events:*:{account}:rule/*"}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize(("account", "kept"), [(ACCOUNT, 1), ("222222222222", 0)])
def test_a_refused_event_goes_to_a_dead_letter_queue_that_allows_it(aws, account, kept):
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="dead", Attributes={"Policy": queue_policy(arn, account)})["QueueUrl"]
    aws.rule(DeadLetterConfig={"Arn": arn})
    aws.import_findings(aws.finding())
    messages = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages", [])
    assert len(messages) == kept
    assert aws.metric("AWS/Events", "InvocationsSentToDlq", "RuleName", "findings") == kept
    assert aws.metric("AWS/Events", "InvocationsFailedToBeSentToDlq", "RuleName", "findings") == 1 - kept
    if kept:
        assert messages[0]["MessageAttributes"]["TARGET_ARN"]["StringValue"] == TOPIC
        assert messages[0]["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "RESOURCE_NOT_FOUND"
        assert json.loads(messages[0]["Body"])["source"] == "aws.securityhub"


def test_a_transformed_event_is_dropped_unless_it_is_a_custom_notification(aws):
    aws.deployment()
    aws.rule(InputTransformer={"InputPathsMap": {"t": "$.detail-type"}, "InputTemplate": '{"text": <t>}'})
    aws.import_findings(aws.finding("1"))
    assert (aws.titles(), of_chatbot(aws, "UnsupportedEvents")) == ([], 1)
    template = '{"version": "1.0", "source": "custom", "content": {"title": "Mine", "description": <t>}}'
    aws.rule(InputTransformer={"InputPathsMap": {"t": "$.detail-type"}, "InputTemplate": template})
    aws.import_findings(aws.finding("2"))
    assert aws.titles() == ["Mine"]


def test_raw_delivery_loses_every_event(aws):
    aws.deployment()
    sns = aws.client("sns")
    (subscription,) = sns.list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]
    sns.set_subscription_attributes(
        SubscriptionArn=subscription["SubscriptionArn"], AttributeName="RawMessageDelivery", AttributeValue="true"
    )
    aws.import_findings(aws.finding())
    assert (aws.titles(), of_chatbot(aws, "UnsupportedEvents")) == ([], 1)


@pytest.mark.parametrize(
    "facts", [{"private_channels": [CHANNEL]}, {"channel_policy_disabled": "Disabled by organization policy"}]
)
def test_a_channel_that_cannot_be_reached_counts_as_failure(aws, facts):
    aws.deployment()
    aws.emulator.world({ACCOUNT: facts})
    aws.import_findings(aws.finding())
    assert (aws.titles(), of_chatbot(aws, "MessageDeliveryFailure")) == ([], 1)


def test_a_subscriber_elsewhere_is_never_posted_to(aws):
    aws.topic()
    aws.rule()
    aws.client("sns").subscribe(TopicArn=TOPIC, Protocol="https", Endpoint="https://hooks.example.com/x")
    aws.import_findings(aws.finding())
    assert aws.client("sns").get_topic_attributes(TopicArn=TOPIC)["Attributes"]["SubscriptionsPending"] == "1"
    assert aws.metric("AWS/SNS", "NumberOfMessagesPublished", "TopicName", "findings") == 1


def test_a_missing_subscriber_counts_as_failed_notification(aws):
    aws.topic()
    aws.rule()
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:gone"
    aws.client("sns").subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=queue)
    aws.import_findings(aws.finding())
    assert aws.metric("AWS/SNS", "NumberOfNotificationsFailed", "TopicName", "findings") == 1


def test_both_schemas_and_insights_are_shown(aws):
    aws.deployment()
    aws.emulator.ask("POST", "switches", {"chatbot_ocsf_events": "shown"})
    ocsf = {"finding_info": {"title": "An exposure", "uid": "u-1"}, "severity": "Critical"}
    base = {"account": ACCOUNT, "region": REGION}
    aws.emulator.ask("POST", "event", {**base, "detail-type": "Findings Imported V2", "detail": {"findings": [ocsf]}})
    insight = {"insightName": "Top talkers", "actionName": "Send to Slack", "insightResults": []}
    aws.emulator.ask("POST", "event", {**base, "detail-type": "Security Hub Insight Results", "detail": insight})
    seen = [(message["title"], message["severity"]) for message in aws.emulator.inbox()]
    assert seen == [("An exposure", "CRITICAL"), ("Top talkers", "")]


def test_an_express_state_machine_marks_findings_notified(aws):
    definition = {
        "StartAt": "Mark",
        "States": {
            "Mark": {
                "Type": "Task",
                "Resource": "arn:aws:states:::aws-sdk:securityhub:batchUpdateFindings",
                "Parameters": {
                    "FindingIdentifiers": [
                        {
                            "Id.$": "$.detail.findings[0].Id",
                            "ProductArn.$": "$.detail.findings[0].ProductArn",
                        }
                    ],
                    "Workflow": {"Status": "NOTIFIED"},
                },
                "End": True,
            }
        },
    }
    role = aws.role("states.amazonaws.com", "marker")
    services = {"Service": ["events.amazonaws.com", "states.amazonaws.com"]}
    trust = {"Effect": "Allow", "Principal": services, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    aws.client("iam").update_assume_role_policy(RoleName="marker", PolicyDocument=document)
    actions = ["securityhub:BatchUpdateFindings", "states:StartExecution"]
    may = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
    aws.client("iam").put_role_policy(RoleName="marker", PolicyName="mark", PolicyDocument=policy)
    machine = aws.client("stepfunctions").create_state_machine(
        name="marker", definition=json.dumps(definition), roleArn=role, type="EXPRESS"
    )["stateMachineArn"]
    pattern = {"detail": {"findings": {"Workflow": {"Status": ["NEW"]}}}}
    with pytest.raises(ClientError, match="RoleArn is required"):
        aws.rule(pattern, Id="machine", Arn=machine)
    aws.rule(pattern, Id="machine", Arn=machine, RoleArn=role)
    aws.import_findings(aws.finding())
    hub = aws.client("securityhub")
    assert waiting.until(lambda: hub.get_findings()["Findings"][0]["Workflow"]["Status"] == "NOTIFIED")
