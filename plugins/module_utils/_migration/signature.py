# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How what AWS's template of 2020 has made is recognised: pure. PRIVATE to the collection.

Source: SecurityHub_to_AWSChatBot.yml in https://github.com/aws-samples/aws-securityhub-to-slack, and what is made of it
in https://github.com/o2346/aws-securityhub-to-slack: the channel in a stack of its own, topics that Amazon Q is
subscribed to directly, further rules. Names of stacks and texts of the template differ from account to account; logical
ids, types and the properties below do not.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

Template = dict[str, Any]

ACTION_ID = "SendToSlack"
ACTION_NAME = "Send_To_Slack"
ACTION_DESCRIPTION = "Send Messages to ChatApplication via AWS ChatBot"
CONFIGURATION = "securityhubnotification"
FUNCTION = "addcustomactionsecurityhub"
FUNCTION_DESCRIPTION = "CreateCustom Action in SecurityHub"
FUNCTION_HANDLER = "index.lambda_handler"
RULE_DESCRIPTION = "SecurityHub Chatbot CustomAction"
RULE_TARGET_ID = "OpsTopic"
TOPIC_DISPLAY_NAME = "AWS Chatbot SNS Topic"
# CloudFormation makes names up from the stack's, the logical id and chance.
TOPIC_NAME = re.compile(r"[A-Za-z0-9-]+-SNSTopicAWSChatBot-[A-Za-z0-9]+\Z")
ROLE_NAME = re.compile(r"[A-Za-z0-9-]+-(ChatBotManageIAMRole|LambdaIAMRole)-[A-Za-z0-9]+\Z")
TRUSTED = {"ChatBotManageIAMRole": "sns.amazonaws.com", "LambdaIAMRole": "lambda.amazonaws.com"}
CHANNEL_ROLE_ARN = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/[A-Za-z0-9-]+-ChatBotManageIAMRole-[A-Za-z0-9]+\Z")

CUSTOM_RESOURCE = "AddCustomActionSHResource1"
LAMBDA = "LambdaCreateCustomAction"
TOPIC = "SNSTopicAWSChatBot"
RULE = "EventRuleCustomAction"
CHANNEL = "SlackChannelConfig"
CHANNEL_ROLE = "ChatBotManageIAMRole"
# Ours: CloudFormation takes a new deletion policy only together with a change of resources.
MARK = "RetainedForSecopsSecurityhub"

RULE_TYPE = "AWS::Events::Rule"
TYPES = {
    "LambdaIAMRole": "AWS::IAM::Role",
    "LambdaIAMPolicy": "AWS::IAM::Policy",
    LAMBDA: "AWS::Lambda::Function",
    CUSTOM_RESOURCE: "Custom::AddCustomActionSH",
    TOPIC: "AWS::SNS::Topic",
    "EventTopicPolicy": "AWS::SNS::TopicPolicy",
    "AWSChatBotSubscription": "AWS::SNS::Subscription",
    RULE: RULE_TYPE,
    CHANNEL_ROLE: "AWS::IAM::Role",
    CHANNEL: "AWS::Chatbot::SlackChannelConfiguration",
    MARK: "AWS::CloudFormation::WaitConditionHandle",
}
RETAINING = ("Retain", "RetainExceptOnCreate")
IAM_CAPABILITIES = frozenset({"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"})


@dataclass(frozen=True)
class Verdict:
    """What a template is: that of 2020 or not; *strangers*: logical ids in it that have nothing to do with that."""

    found: bool
    strangers: tuple[str, ...] = ()


def may_be_of_template(stack: dict[str, Any]) -> bool:
    """Tell whether a stack as boto3 shapes it is worth a look: what the template makes needs leave to make roles."""
    return bool(IAM_CAPABILITIES & set(stack.get("Capabilities", []))) and stack["StackStatus"] != "DELETE_COMPLETE"


def judge(template: Template) -> Verdict:
    """Return whether a stack's template is that of 2020, or the part of it that is the channel alone."""
    resources = template.get("Resources", {})
    if not (_makes_the_action(resources) or _is_the_channel(resources)):
        return Verdict(found=False)
    return Verdict(found=True, strangers=tuple(sorted(name for name in resources if not _belongs(resources, name))))


def _makes_the_action(resources: Template) -> bool:
    """Tell by the three that nobody else has together: the function of that name, what calls it, and the rule."""
    if not all(_is_typed(resources, name) for name in (CUSTOM_RESOURCE, LAMBDA, RULE)):
        return False
    token = _properties(resources, CUSTOM_RESOURCE).get("ServiceToken")
    return (
        token == {"Fn::GetAtt": [LAMBDA, "Arn"]}
        and _properties(resources, LAMBDA).get("FunctionName") == FUNCTION
        and is_pattern_of_the_action(_properties(resources, RULE).get("EventPattern"))
    )


def _is_the_channel(resources: Template) -> bool:
    """Tell whether the channel is all there is, apart from a role that trusts SNS, which has no use for it."""
    if set(resources) - {MARK} != {CHANNEL, CHANNEL_ROLE} or not all(_is_typed(resources, name) for name in resources):
        return False
    channel, role = _properties(resources, CHANNEL), _properties(resources, CHANNEL_ROLE)
    return (
        channel.get("ConfigurationName") == CONFIGURATION
        and channel.get("IamRoleArn") == {"Fn::GetAtt": [CHANNEL_ROLE, "Arn"]}
        and "sns.amazonaws.com" in json.dumps(role.get("AssumeRolePolicyDocument"))
    )


def is_pattern_of_the_action(pattern: Any) -> bool:
    """Tell whether an event pattern (a dict) asks for findings sent with SendToSlack and for nothing else."""
    if not isinstance(pattern, dict) or set(pattern) != {"source", "detail-type", "resources"}:
        return False
    named = pattern["resources"]
    return (
        pattern["source"] == ["aws.securityhub"]
        and pattern["detail-type"] == ["Security Hub Findings - Custom Action"]
        and isinstance(named, list)
        and len(named) == 1
        and json.dumps(named[0]).rstrip('"}').endswith(f":action/custom/{ACTION_ID}")
    )


def _belongs(resources: Template, name: str) -> bool:
    return _is_typed(resources, name) or _forwards_to_the_topic(resources[name])


def _forwards_to_the_topic(resource: Template) -> bool:
    """Tell whether this is a further rule that sends Security Hub's findings the same way."""
    properties = resource.get("Properties", {})
    pattern, targets = properties.get("EventPattern"), properties.get("Targets")
    return (
        resource.get("Type") == RULE_TYPE
        and isinstance(pattern, dict)
        and pattern.get("source") == ["aws.securityhub"]
        and isinstance(targets, list)
        and all(target.get("Arn") == {"Ref": TOPIC} for target in targets)
    )


def _is_typed(resources: Template, name: str) -> bool:
    return name in resources and resources[name].get("Type") == TYPES.get(name)


def _properties(resources: Template, name: str) -> Template:
    found: Template = resources[name].get("Properties", {})
    return found


def is_retained(template: Template, names: frozenset[str]) -> bool:
    """Tell whether a deletion of the stack leaves these resources behind, as far as the template has them."""
    resources = template.get("Resources", {})
    return all(resources[name].get("DeletionPolicy") in RETAINING for name in names if name in resources)


def retaining(template: Template, names: frozenset[str]) -> str:
    """Return the template (JSON) whose stack, when deleted, leaves these of its resources behind.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
    """
    resources = {
        name: {**resource, "DeletionPolicy": "Retain"} if name in names else resource
        for name, resource in template["Resources"].items()
    }
    return json.dumps({**template, "Resources": {**resources, MARK: {"Type": TYPES[MARK]}}})


def is_function(configuration: dict[str, Any]) -> bool:
    """Tell whether a Lambda function, as GetFunctionConfiguration answers, is the template's."""
    return (
        configuration.get("FunctionName") == FUNCTION
        and configuration.get("Handler") == FUNCTION_HANDLER
        and configuration.get("Description") == FUNCTION_DESCRIPTION
    )


def is_rule(rule: dict[str, Any]) -> bool:
    """Tell whether an event rule as boto3 shapes it is the template's."""
    if rule.get("Description") != RULE_DESCRIPTION:
        return False
    return is_pattern_of_the_action(json.loads(rule.get("EventPattern") or "null"))


def is_action(action: dict[str, Any]) -> bool:
    """Tell whether a custom action as boto3 shapes it is as the template's function has made it."""
    return (action.get("Name"), action.get("Description")) == (ACTION_NAME, ACTION_DESCRIPTION)


def is_topic_arn(arn: str) -> bool:
    """Tell whether a topic has a name that CloudFormation gave it for the template."""
    return bool(TOPIC_NAME.match(arn.rsplit(":", maxsplit=1)[-1]))


def is_role(role: dict[str, Any]) -> bool:
    """Tell whether an IAM role as boto3 shapes it has the name and the trust of one of the template's two."""
    name = ROLE_NAME.match(role["RoleName"])
    return name is not None and TRUSTED[name[1]] in json.dumps(role.get("AssumeRolePolicyDocument"))
