# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subscribers that have to confirm, and event buses as targets of rules."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError
from botocore.exceptions import WaiterError

from .conftest import ACCOUNT
from .conftest import REGION
from .conftest import TOPIC
from .conftest import error_code

OTHER, MAIL, URL = "222222222222", "a@example.com", "https://example.com/key"
BODY = {
    "Parameters": {"Url": {"Type": "String", "NoEcho": True}},
    "Resources": {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "findings"}},
        "Mail": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "email", "Endpoint": MAIL},
        },
        "Pager": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "https", "Endpoint": {"Ref": "Url"}},
        },
    },
}


def listed(aws):
    found = aws.client("sns").list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]
    return {item["Endpoint"]: item["SubscriptionArn"] for item in found}


def received(aws):
    return [(item["endpoint"], item["message"]) for item in aws.emulator.ask("GET", "received")]


def test_a_subscriber_gets_nothing_before_it_confirms(aws):
    sns = aws.client("sns")
    aws.topic()
    answer = sns.subscribe(TopicArn=TOPIC, Protocol="email", Endpoint=MAIL, ReturnSubscriptionArn=True)
    sns.subscribe(TopicArn=TOPIC, Protocol="https", Endpoint=URL)
    assert listed(aws) == {MAIL: "PendingConfirmation", URL: "PendingConfirmation"}
    sns.publish(TopicArn=TOPIC, Message="early")
    assert aws.emulator.ask("POST", "confirm", {"endpoint": MAIL}) == {"confirmed": 1}
    sns.publish(TopicArn=TOPIC, Message="late")
    assert received(aws) == [(MAIL, "late")]
    arn = listed(aws)[MAIL]
    assert arn.startswith(f"{TOPIC}:")
    assert answer["SubscriptionArn"] in (arn, "pending confirmation")
    sns.unsubscribe(SubscriptionArn=arn)
    assert list(listed(aws)) == [URL]


@pytest.mark.parametrize(("protocol", "endpoint"), [("email", "nobody"), ("https", "http://example.com")])
def test_an_invalid_endpoint_is_refused(aws, protocol, endpoint):
    aws.topic()
    with pytest.raises(ClientError) as refused:
        aws.client("sns").subscribe(TopicArn=TOPIC, Protocol=protocol, Endpoint=endpoint)
    assert error_code(refused) == "InvalidParameter"


def test_cloudformation_does_not_wait_for_the_confirmation_and_leaves_a_pending_subscription(aws):
    cloudformation = aws.client("cloudformation")
    parameters = [{"ParameterKey": "Url", "ParameterValue": URL}]
    cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(BODY), Parameters=parameters)
    cloudformation.get_waiter("stack_create_complete").wait(StackName="s")
    (stack,) = cloudformation.describe_stacks(StackName="s")["Stacks"]
    assert stack["Parameters"] == [{"ParameterKey": "Url", "ParameterValue": "****"}]
    assert listed(aws) == {MAIL: "PendingConfirmation", URL: "PendingConfirmation"}
    aws.emulator.ask("POST", "confirm", {"endpoint": URL})
    fewer = {"Resources": {"Topic": BODY["Resources"]["Topic"]}}
    cloudformation.update_stack(StackName="s", TemplateBody=json.dumps(fewer))
    cloudformation.get_waiter("stack_update_complete").wait(StackName="s")
    assert list(listed(aws)) == [MAIL]
    cloudformation.delete_stack(StackName="s")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="s")
    assert aws.client("sns").list_topics()["Topics"] == []


@pytest.mark.parametrize("answer", ["skipped", "refused"])
def test_cloudformation_pending_subscriptions(aws, answer):
    """The topic of a subscription that could not be deleted stays, too, until the subscription is retained."""
    aws.emulator.ask("POST", "switches", {"cloudformation_pending_subscriptions": answer})
    cloudformation = aws.client("cloudformation")
    parameters = [{"ParameterKey": "Url", "ParameterValue": URL}]
    cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(BODY), Parameters=parameters)
    cloudformation.get_waiter("stack_create_complete").wait(StackName="s")
    cloudformation.delete_stack(StackName="s")
    if answer == "refused":
        with pytest.raises(WaiterError):
            cloudformation.get_waiter("stack_delete_complete").wait(StackName="s")
        listed = cloudformation.list_stack_resources(StackName="s")["StackResourceSummaries"]
        statuses = {item["LogicalResourceId"]: item["ResourceStatus"] for item in listed}
        failed = [name for name in statuses if name != "Topic"]
        assert statuses == {"Topic": "CREATE_COMPLETE", **dict.fromkeys(failed, "DELETE_FAILED")}
        events = cloudformation.describe_stack_events(StackName="s")["StackEvents"]
        assert not [event for event in events if event["LogicalResourceId"] == "Topic" and "DELETE" in str(event)]
        assert "Topic" not in events[0]["ResourceStatusReason"]
        cloudformation.delete_stack(StackName="s", RetainResources=failed)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="s")
    assert aws.client("sns").list_topics()["Topics"] == []


def test_what_an_endpoint_does_not_take_goes_to_the_dead_letter_queue_of_its_subscription(aws):
    aws.topic()
    sqs, dead = aws.client("sqs"), f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
    redrive = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead})}
    aws.client("sns").subscribe(TopicArn=TOPIC, Protocol="https", Endpoint=URL, Attributes=redrive)
    aws.emulator.ask("POST", "confirm", {"endpoint": URL, "reachable": False})
    url = sqs.create_queue(QueueName="dead")["QueueUrl"]
    aws.client("sns").publish(TopicArn=TOPIC, Message="without a policy")
    statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    statement |= {"Resource": dead, "Condition": {"ArnEquals": {"aws:SourceArn": TOPIC}}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    aws.client("sns").publish(TopicArn=TOPIC, Message="kept")
    (message,) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert json.loads(message["Body"])["Message"] == "kept"
    assert received(aws) == []


def test_more_than_an_hour_of_retries_is_refused(aws):
    body = json.loads(json.dumps(BODY))
    retries = {"healthyRetryPolicy": {"numRetries": 13, "minDelayTarget": 20, "maxDelayTarget": 300}}
    body["Resources"]["Pager"]["Properties"]["DeliveryPolicy"] = retries
    cloudformation = aws.client("cloudformation")
    parameters = [{"ParameterKey": "Url", "ParameterValue": URL}]
    cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(body), Parameters=parameters)
    events = cloudformation.describe_stack_events(StackName="s")["StackEvents"]
    assert any("total retry time" in event.get("ResourceStatusReason", "") for event in events)


def forwarding(aws, account, policy, permitted=True):
    """Let a rule send to a bus of an account in another region, whose only rule sends to a queue; return the queue."""
    events, sqs = aws.client("events", "eu-west-1", account), aws.client("sqs", "eu-west-1", account)
    events.create_event_bus(Name="lake")
    bus = f"arn:aws:events:eu-west-1:{account}:event-bus/lake"
    if policy:
        allowed = {"Effect": "Allow", "Principal": {"AWS": policy}, "Action": "events:PutEvents", "Resource": bus}
        document = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "s", **allowed}]})
        events.put_permission(EventBusName="lake", Policy=document)
    queue = f"arn:aws:sqs:eu-west-1:{account}:lake"
    allowed = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [{**allowed, "Resource": queue}]})
    url = sqs.create_queue(QueueName="lake", Attributes={"Policy": document})["QueueUrl"]
    events.put_rule(
        Name="all", EventBusName="lake", EventPattern='{"account": ["111111111111"], "region": ["us-east-1"]}'
    )
    events.put_targets(Rule="all", EventBusName="lake", Targets=[{"Id": "queue", "Arn": queue}])
    role = aws.role("events.amazonaws.com", "sender")
    statement = {
        "Effect": "Allow",
        "Action": "events:PutEvents",
        "Resource": bus if permitted else "arn:aws:events:::x",
    }
    aws.client("iam").put_role_policy(
        RoleName="sender",
        PolicyName="p",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    aws.rule(Id="bus", Arn=bus, RoleArn=role)
    aws.import_findings(aws.finding())
    return sqs.receive_message(QueueUrl=url).get("Messages", [])


@pytest.mark.parametrize(
    ("account", "policy", "permitted", "arrives"),
    [
        (ACCOUNT, "", True, 1),
        (ACCOUNT, "", False, 0),
        (OTHER, ACCOUNT, True, 1),
        (OTHER, "", True, 0),
        (OTHER, "333333333333", True, 0),
    ],
)
def test_another_event_bus_gets_events_with_role_and_policy(aws, account, policy, permitted, arrives):
    assert len(forwarding(aws, account, policy, permitted)) == arrives
    assert aws.metric("AWS/Events", "FailedInvocations", "RuleName", "findings") == 1 - arrives


def test_a_bus_elsewhere_needs_a_role(aws):
    with pytest.raises(ClientError) as refused:
        aws.rule(Id="bus", Arn=f"arn:aws:events:{REGION}:{OTHER}:event-bus/lake")
    assert error_code(refused) == "ValidationException"
