# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._migrate import signature
from ansible_collections.secops.securityhub.plugins.module_utils._securityhub import action_target
from ansible_collections.secops.securityhub.tests.unit import old_template

NO: list[str] | None = None
WHOLE: list[str] | None = []


def recognized(template: dict) -> list[str] | None:
    """Return the foreign resources of the template of 2020, None if this is another template."""
    return signature.foreign_resources(template) if signature.matches(template) else None


def changed(name: str, **properties) -> dict:
    body = old_template.template()
    body["Resources"][name]["Properties"].update(properties)
    return body


def only(*names: str) -> dict:
    body = old_template.template()
    return {**body, "Resources": {name: body["Resources"][name] for name in names}}


def with_resource(name: str, resource: dict) -> dict:
    body = old_template.template()
    body["Resources"][name] = resource
    return body


def rule(source: str, target: object) -> dict:
    properties = {"EventPattern": {"source": [source]}, "Targets": [{"Id": "1", "Arn": target}]}
    return {"Type": "AWS::Events::Rule", "Properties": properties}


TOPIC = {"Ref": "SNSTopicAWSChatBot"}
QUEUE = {"Type": "AWS::SQS::Queue"}


@pytest.mark.parametrize(
    ("template", "foreign"),
    [
        (old_template.template(), WHOLE),
        (old_template.template(*old_template.OF_THE_CHANNEL), WHOLE),
        (only(*old_template.OF_THE_CHANNEL), WHOLE),
        (with_resource("AWSChatBotSubscription", {"Type": "AWS::SNS::Subscription"}), WHOLE),
        (with_resource("Critical", rule("aws.securityhub", TOPIC)), WHOLE),
        (with_resource("Archive", QUEUE), ["Archive"]),
        (with_resource("Other", rule("aws.health", TOPIC)), ["Other"]),
        (with_resource("Out", rule("aws.securityhub", "arn:x")), ["Out"]),
        (with_resource("LambdaIAMRole", QUEUE), ["LambdaIAMRole"]),
        (changed("LambdaCreateCustomAction", FunctionName="another"), NO),
        (changed("AddCustomActionSHResource1", ServiceToken="arn:aws:lambda:::function:another"), NO),
        (changed("EventRuleCustomAction", EventPattern={"source": ["aws.securityhub"]}), NO),
        (old_template.template("EventRuleCustomAction"), NO),
        (only("SlackChannelConfig"), NO),
        ({**only(*old_template.OF_THE_CHANNEL), "Resources": {}}, NO),
        ({}, NO),
    ],
)
def test_a_template_is_recognized_by_a_combination_that_no_other_has(template, foreign):
    assert recognized(template) == foreign


@pytest.mark.parametrize(
    ("name", "value"), [("ConfigurationName", "team-alerts"), ("IamRoleArn", "arn:aws:iam::1:role/team")]
)
def test_a_channel_of_another_name_or_role_is_not_the_templates(name, value):
    body = only(*old_template.OF_THE_CHANNEL)
    body["Resources"]["SlackChannelConfig"]["Properties"][name] = value
    assert recognized(body) == NO


def test_a_channel_role_that_chatbot_may_assume_is_not_the_templates():
    body = only(*old_template.OF_THE_CHANNEL)
    trust = body["Resources"]["ChatBotManageIAMRole"]["Properties"]["AssumeRolePolicyDocument"]
    trust["Statement"][0]["Principal"]["Service"] = ["chatbot.amazonaws.com"]
    assert recognized(body) == NO


def test_a_template_that_retains_is_the_same_apart_from_that_and_still_recognized():
    body = old_template.template()
    stays = frozenset({"AddCustomActionSHResource1", "SlackChannelConfig"})
    assert not signature.retains(body, stays)
    changed = json.loads(signature.retaining(body, stays))
    assert signature.retains(changed, stays)
    assert recognized(changed) == WHOLE
    added = set(changed["Resources"]) - set(body["Resources"])
    # CloudFormation takes a deletion policy only together with a change of resources.
    assert [changed["Resources"][name] for name in added] == [{"Type": "AWS::CloudFormation::WaitConditionHandle"}]
    for name, resource in body["Resources"].items():
        assert {key: value for key, value in changed["Resources"][name].items() if key != "DeletionPolicy"} == resource
    assert signature.retains(body, frozenset())


@pytest.mark.parametrize(
    ("stack", "worth"),
    [
        ({"StackStatus": "DELETE_FAILED", "Capabilities": ["CAPABILITY_IAM"]}, True),
        ({"StackStatus": "CREATE_COMPLETE", "Capabilities": ["CAPABILITY_NAMED_IAM"]}, True),
        ({"StackStatus": "CREATE_COMPLETE", "Capabilities": ["CAPABILITY_AUTO_EXPAND"]}, False),
        ({"StackStatus": "CREATE_COMPLETE"}, False),
        ({"StackStatus": "DELETE_COMPLETE", "Capabilities": ["CAPABILITY_IAM"]}, False),
    ],
)
def test_only_stacks_that_can_have_roles_are_read(stack, worth):
    assert signature.may_match(stack) is worth


PATTERN = {
    "source": ["aws.securityhub"],
    "detail-type": ["Security Hub Findings - Custom Action"],
    "resources": ["arn:aws:securityhub:eu-west-1:111111111111:action/custom/SendToSlack"],
}


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ({"Description": "SecurityHub Chatbot CustomAction", "EventPattern": json.dumps(PATTERN)}, True),
        ({"Description": "Another rule", "EventPattern": json.dumps(PATTERN)}, False),
        ({"Description": "SecurityHub Chatbot CustomAction", "ScheduleExpression": "rate(1 day)"}, False),
        (
            {
                "Description": "SecurityHub Chatbot CustomAction",
                "EventPattern": json.dumps({**PATTERN, "detail": {"findings": {}}}),
            },
            False,
        ),
    ],
)
def test_a_rule_without_a_stack_is_recognized_by_description_and_pattern(rule, found):
    assert signature.is_rule(rule) is found


@pytest.mark.parametrize(
    ("name", "service", "found"),
    [
        ("hub-ChatBotManageIAMRole-1ABC", "sns.amazonaws.com", True),
        ("hub-LambdaIAMRole-1ABC", "lambda.amazonaws.com", True),
        ("hub-ChatBotManageIAMRole-1ABC", "chatbot.amazonaws.com", False),
        ("ChatBotManageIAMRole", "sns.amazonaws.com", False),
        ("hub-LambdaIAMRole-1ABC-extra", "lambda.amazonaws.com", False),
    ],
)
def test_a_role_is_recognized_by_name_and_trust(name, service, found):
    trust = {"Statement": [{"Principal": {"Service": service}}]}
    assert signature.is_role({"RoleName": name, "AssumeRolePolicyDocument": trust}) is found


def test_a_function_or_action_of_the_same_name_alone_is_not_the_templates():
    function = {
        "FunctionName": "addcustomactionsecurityhub",
        "Handler": "index.lambda_handler",
        "Description": "CreateCustom Action in SecurityHub",
    }
    assert signature.is_function(function)
    assert not signature.is_function({**function, "Description": "Ours"})
    assert not action_target.is_of_template({"Name": "Send_To_Slack", "Description": "Ours"})


SHORT = """
Resources:
  A:
    Properties:
      Role: !GetAtt B.Arn
      Deep: !GetAtt B.Outputs.Name
      Topic: !Ref T
      Text: !Sub "${AWS::Region}"
      Both: !Join ["", [!Ref T, x]]
      If: !If [Ready, {A: !Ref T}, !Ref "AWS::NoValue"]
      Date: 2012-10-17
      Number: 128
      Flag: true
  C:
    Condition: Ready
Conditions:
  Ready: !And [!Condition Other, !Equals [a, b]]
"""


def test_short_intrinsics_are_expanded_and_dates_stay_strings():
    found = signature.parse(SHORT)
    assert found["Resources"]["A"]["Properties"] == {
        "Role": {"Fn::GetAtt": ["B", "Arn"]},
        "Deep": {"Fn::GetAtt": ["B", "Outputs.Name"]},
        "Topic": {"Ref": "T"},
        "Text": {"Fn::Sub": "${AWS::Region}"},
        "Both": {"Fn::Join": ["", [{"Ref": "T"}, "x"]]},
        "If": {"Fn::If": ["Ready", {"A": {"Ref": "T"}}, {"Ref": "AWS::NoValue"}]},
        "Date": "2012-10-17",
        "Number": 128,
        "Flag": True,
    }
    assert found["Conditions"]["Ready"] == {"Fn::And": [{"Condition": "Other"}, {"Fn::Equals": ["a", "b"]}]}
    assert signature.parse(json.loads(json.dumps(found))) == found


def test_json_templates_are_parsed_by_boto3():
    assert signature.parse({"A": {"Fn::GetAtt": "B.Arn"}}) == {"A": {"Fn::GetAtt": ["B", "Arn"]}}


@pytest.mark.parametrize("body", ["", "a: [", "just words", "- a\n- b", None])
def test_invalid_template_is_read_as_empty(body):
    assert signature.parse(body) == {}


def test_yaml_cannot_make_objects():
    assert signature.parse("a: !!python/object/apply:os.getcwd []") == {}
