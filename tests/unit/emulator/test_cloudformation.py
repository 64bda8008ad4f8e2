# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stacks: states, failures and refusals."""

from __future__ import annotations

import json
import time

import pytest
from ansible_collections.secops.securityhub.tests.unit import waiting
from botocore.exceptions import ClientError

ACCOUNT, REGION = "111111111111", "us-east-1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:findings"


def template(display: str = "one", topic: dict | None = None, rule: dict | None = None) -> str:
    """Return a template with a topic and a rule, whose display name and description can change."""
    resources = {
        "Topic": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"TopicName": "findings", "DisplayName": display, **(topic or {})},
        },
        "Rule": {
            "Type": "AWS::Events::Rule",
            "DependsOn": "Topic",
            "Properties": {
                "Name": "findings-findings",
                "Description": display,
                "EventPattern": {"source": ["aws.securityhub"]},
                "Targets": [{"Id": "topic", "Arn": {"Ref": "Topic"}}],
                **(rule or {}),
            },
        },
    }
    return json.dumps({"Resources": resources})


class Stack:
    """A stack under test."""

    def __init__(self, aws, name="findings"):
        self.emulator, self.name, self.client = aws.emulator, name, aws.client("cloudformation")
        self.id, self.told = None, 0

    def slow(self, seconds=0.0, *failures):
        self.emulator.ask("POST", "stacks", {"seconds": seconds, "fail": list(failures)})

    def status(self):
        return self.client.describe_stacks(StackName=self.id)["Stacks"][0]["StackStatus"]

    def states(self):
        """Return the new states of the stack since the last call, when it is settled."""
        waiting.ended_stack(self.client, self.id)
        events = self.client.describe_stack_events(StackName=self.id)["StackEvents"][::-1]
        states = [event["ResourceStatus"] for event in events if event["LogicalResourceId"] == self.name]
        told, self.told = self.told, len(states)
        return states[told:]

    def find(self):
        """Use the live stack of this name."""
        self.id, self.told = self.client.describe_stacks(StackName=self.name)["Stacks"][0]["StackId"], 0

    def create(self, **more):
        self.id = self.client.create_stack(StackName=self.name, TemplateBody=template(**more))["StackId"]
        self.told = 0
        return self.states()

    def update(self, *args, **more):
        self.client.update_stack(StackName=self.name, TemplateBody=template(*args, **more))
        return self.states()

    def delete(self, **more):
        self.client.delete_stack(StackName=self.name, **more)
        return self.states()

    def reason(self, logical_id):
        """Return why a resource failed last."""
        events = self.client.describe_stack_events(StackName=self.id)["StackEvents"]
        return next(
            event["ResourceStatusReason"]
            for event in events
            if event["LogicalResourceId"] == logical_id and event["ResourceStatus"].endswith("_FAILED")
        )


@pytest.fixture
def stack(aws):
    return Stack(aws)


def test_operations_take_time(stack):
    stack.slow(0.05)
    started = time.monotonic()
    assert stack.create() == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    assert time.monotonic() - started >= 0.05
    assert stack.update("two") == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"]
    assert stack.delete() == ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]


def test_a_failed_create_rolls_back_and_can_only_be_deleted(stack):
    stack.slow(0.03, {"operation": "create", "resource": "Rule", "reason": "The quota is used up"})
    assert stack.create() == ["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"]
    assert stack.reason("Rule") == "The quota is used up"
    with pytest.raises(ClientError, match=r"is in ROLLBACK_COMPLETE state and can not be updated\."):
        stack.update("two")
    with pytest.raises(ClientError, match="already exists"):
        stack.create()
    stack.slow()
    assert stack.delete()[-1] == "DELETE_COMPLETE"
    assert stack.create()[-1] == "CREATE_COMPLETE"


def test_a_failed_update_rolls_back(stack):
    stack.create()
    stack.slow(0.03, {"operation": "update", "resource": "Rule"})
    assert stack.update("two") == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]
    stack.slow()
    assert stack.update("two")[-1] == "UPDATE_COMPLETE"


def test_a_failed_rollback_can_be_continued(stack):
    stack.create()
    stack.slow(0, {"operation": "update", "resource": "Rule"}, {"operation": "rollback", "resource": "Topic"})
    assert stack.update("two")[-1] == "UPDATE_ROLLBACK_FAILED"
    with pytest.raises(ClientError, match="can not be updated"):
        stack.update("three")
    stack.slow()
    stack.client.continue_update_rollback(StackName="findings")
    assert stack.states()[-1] == "UPDATE_ROLLBACK_COMPLETE"


def test_a_failed_delete_can_leave_resources_behind(aws, stack):
    stack.create()
    stack.slow(0, {"operation": "delete", "resource": "Rule"})
    assert stack.delete()[-1] == "DELETE_FAILED"
    assert stack.delete()[-1] == "DELETE_FAILED"
    assert stack.delete(RetainResources=["Rule"])[-1] == "DELETE_COMPLETE"
    assert [rule["Name"] for rule in aws.client("events").list_rules()["Rules"]] == ["findings-findings"]


def test_failures_are_for_the_stack_they_name(aws, stack):
    stack.slow(0, {"operation": "create", "region": "eu-west-1"}, {"operation": "create", "stack": "other"})
    assert stack.create()[-1] == "CREATE_COMPLETE"
    with pytest.raises(Exception, match="400"):
        stack.slow(0, {"operation": "explode"})


def test_an_unchanged_update_is_refused(stack):
    stack.create()
    with pytest.raises(ClientError, match=r"No updates are to be performed\.") as raised:
        stack.update()
    assert raised.value.response["Error"]["Code"] == "ValidationError"


def test_a_change_set_is_made_in_the_background_an_empty_one_too(stack):
    stack.create()
    asked = {"StackName": stack.name, "ChangeSetName": "same"}
    stack.client.create_change_set(**asked, TemplateBody=template())
    assert stack.client.describe_change_set(**asked)["Status"] == "CREATE_IN_PROGRESS"
    with pytest.raises(ClientError, match="InvalidChangeSetStatus"):
        stack.client.execute_change_set(**asked)
    assert waiting.until(lambda: stack.client.describe_change_set(**asked)["Status"] != "CREATE_IN_PROGRESS")
    made = stack.client.describe_change_set(**asked)
    assert (made["Status"], made["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")


def test_an_unknown_stack_can_be_deleted(stack):
    stack.client.delete_stack(StackName="findings")
    with pytest.raises(ClientError, match="Stack with id findings does not exist"):
        stack.find()


def test_a_delete_ends_a_create_and_waits_for_an_update(stack):
    stack.slow(3)
    stack.client.create_stack(StackName="findings", TemplateBody=template())
    stack.find()
    stack.slow(0)
    assert stack.delete() == ["CREATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    time.sleep(3)
    assert stack.status() == "DELETE_COMPLETE"
    stack.create()
    stack.slow(3)
    stack.client.update_stack(StackName="findings", TemplateBody=template("two"))
    with pytest.raises(ClientError, match="cannot be deleted while in status UPDATE_IN_PROGRESS"):
        stack.delete()


@pytest.mark.parametrize("status", ["REVIEW_IN_PROGRESS", "ROLLBACK_FAILED", "UPDATE_ROLLBACK_FAILED", "DELETE_FAILED"])
def test_a_stack_is_put_into_any_state_and_deleted_from_it(aws, stack, status):
    target = {"account": ACCOUNT, "region": REGION, "stack": "findings"}
    aws.emulator.ask("POST", "stack_status", {**target, "status": status})
    stack.find()
    assert stack.status() == status
    with pytest.raises(ClientError, match="already exists"):
        stack.create()
    assert stack.delete()[-1] == "DELETE_COMPLETE"


def test_a_state_is_followed_by_the_next(aws, stack):
    stack.create()
    given = {"account": ACCOUNT, "region": REGION, "stack": "findings", "status": "UPDATE_IN_PROGRESS"}
    aws.emulator.ask("POST", "stack_status", {**given, "then": "UPDATE_COMPLETE", "after": 3})
    assert stack.status() == "UPDATE_IN_PROGRESS"
    assert stack.states() == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE"]


@pytest.mark.parametrize(
    ("given", "resource", "words"),
    [
        ({"topic": {"TopicName": "no spaces"}}, "Topic", "Topic Name"),
        ({"rule": {"Name": "no spaces"}}, "Rule", "regular expression"),
        ({"rule": {"EventPattern": {"source": "aws.securityhub"}}}, "Rule", "must be an object or an array"),
        ({"rule": {"EventPattern": {"source": [{"almost": "x"}]}}}, "Rule", "Event pattern is not valid"),
        ({"rule": {"EventPattern": {"source": ["x" * 2048]}}}, "Rule", "2048"),
        (
            {"rule": {"Targets": [{"Id": f"t{n}", "Arn": TOPIC} for n in range(6)]}},
            "Rule",
            "exceeds the maximum number",
        ),
    ],
)
def test_templates_that_aws_refuses_fail_the_stack(stack, given, resource, words):
    assert stack.create(**given)[-1] == "ROLLBACK_COMPLETE"
    assert words in stack.reason(resource)


def test_a_pattern_is_counted_without_spaces(stack):
    # 300 one-letter values: 1,213 characters as CloudFormation sends them, more than 1,500 with spaces.
    pattern = {"detail": {"findings": {"Id": ["abcd"] * 280}}}
    assert len(json.dumps(pattern, separators=(",", ":"))) <= 2048 < len(json.dumps(pattern))
    assert stack.create(rule={"EventPattern": pattern})[-1] == "CREATE_COMPLETE"
    assert stack.update("two", rule={"EventPattern": pattern})[-1] == "UPDATE_COMPLETE"


def test_a_template_that_is_too_long_is_refused(aws, stack):
    body = json.dumps({"Description": "x" * 51_200, "Resources": {}})
    with pytest.raises(ClientError, match="less than or equal to 51200"):
        aws.client("cloudformation").create_stack(StackName="long", TemplateBody=body)
    stack.create()
    with pytest.raises(ClientError, match="less than or equal to 51200"):
        aws.client("cloudformation").update_stack(StackName=stack.name, TemplateBody=body)


def test_a_trust_policy_that_is_too_long_fails_the_stack(aws):
    client, trust = aws.client("cloudformation"), {"Version": "2012-10-17", "Statement": [{"Sid": "x" * 2048}]}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    body = json.dumps({"Resources": {"Role": role}})
    client.create_stack(StackName="long", TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    while (found := client.describe_stacks(StackName="long")["Stacks"][0])["StackStatus"].endswith("IN_PROGRESS"):
        time.sleep(0.01)
    reasons = [
        item.get("ResourceStatusReason", "") for item in client.describe_stack_events(StackName="long")["StackEvents"]
    ]
    assert found["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any("Cannot exceed quota for ACLSizePerRole: 2048" in reason for reason in reasons)


ROLE = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}}
ALARM = {
    "ComparisonOperator": "GreaterThanThreshold",
    "EvaluationPeriods": 1,
    "MetricName": "m",
    "Namespace": "n",
    "Period": 60,
    "Statistic": "Sum",
    "Threshold": 1,
}
MACHINE = {
    "DefinitionString": '{"StartAt": "S", "States": {"S": {"Type": "Succeed"}}}',
    "RoleArn": "arn:aws:iam::1:role/r",
}


@pytest.mark.parametrize(
    ("kind", "name", "properties"),
    [
        ("AWS::IAM::Role", "RoleName", ROLE),
        ("AWS::CloudWatch::Alarm", "AlarmName", ALARM),
        ("AWS::StepFunctions::StateMachine", "StateMachineName", MACHINE),
    ],
)
def test_a_resource_of_the_same_name_fails_the_stack(aws, kind, name, properties):
    client = aws.client("cloudformation")
    body = json.dumps({"Resources": {"Resource": {"Type": kind, "Properties": {name: "theirs", **properties}}}})
    for stack, expected in (("first", "CREATE_COMPLETE"), ("second", "ROLLBACK_COMPLETE")):
        client.create_stack(StackName=stack, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
        status = None
        while status not in ("CREATE_COMPLETE", "ROLLBACK_COMPLETE"):
            status = client.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]
        assert status == expected
    events = client.describe_stack_events(StackName="second")["StackEvents"]
    assert any("theirs' already exists" in event.get("ResourceStatusReason", "") for event in events)


def test_a_topic_or_rule_that_exists_fails_the_stack(aws, stack):
    aws.client("sns").create_topic(Name="findings")
    assert stack.create()[-1] == "ROLLBACK_COMPLETE"
    assert "already exists" in stack.reason("Topic")
    assert aws.client("sns").get_topic_attributes(TopicArn=TOPIC), "the foreign topic is left alone"


def test_the_topics_key_is_kept(aws, stack):
    stack.create(topic={"KmsMasterKeyId": "alias/mine"})
    sns = aws.client("sns")
    assert sns.get_topic_attributes(TopicArn=TOPIC)["Attributes"]["KmsMasterKeyId"] == "alias/mine"
    stack.update("two")
    assert "KmsMasterKeyId" not in sns.get_topic_attributes(TopicArn=TOPIC)["Attributes"]


def test_a_topic_policy_with_all_actions_is_refused(aws):
    topic = aws.topic()
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sns:*", "Resource": topic}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    with pytest.raises(ClientError, match="Policy statement action out of service scope!"):
        aws.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)


@pytest.mark.parametrize(
    ("name", "pattern", "code"),
    [
        ("r", "x" * 2049, "LimitExceededException"),
        ("r", '{"source": "x"}', "InvalidEventPatternException"),
        ("r", '{"source": [{"numeric": ["~", 1]}]}', "InvalidEventPatternException"),
        ("no spaces", '{"source": ["x"]}', "ValidationException"),
    ],
)
def test_put_rule_refuses_invalid_patterns(aws, name, pattern, code):
    with pytest.raises(ClientError) as raised:
        aws.client("events").put_rule(Name=name, EventPattern=pattern)
    assert raised.value.response["Error"]["Code"] == code


def test_a_rule_with_targets_cannot_be_deleted(aws):
    aws.rule()
    with pytest.raises(ClientError, match="since it has targets"):
        aws.client("events").delete_rule(Name="findings")
