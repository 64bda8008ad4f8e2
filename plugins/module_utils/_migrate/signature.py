# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the resources of AWS's template of 2020 are recognized: pure. PRIVATE to the collection.

Source: SecurityHub_to_AWSChatBot.yml in https://github.com/aws-samples/aws-securityhub-to-slack, and its later version
in https://github.com/o2346/aws-securityhub-to-slack, which has a separate stack for the channel, topics that Amazon Q
is subscribed to directly, and more rules. Stack names and texts differ between accounts; logical IDs, resource types
and the properties below do not.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from typing import Any

from .._plan.duplicates import TOPIC_OF_TEMPLATE

if TYPE_CHECKING:
    from .._resource.shapes import Json
    from .._services import cloudformation
    from .._services.events import Rule
    from .._services.iam import Role
    from .._services.lambda_functions import Function

try:
    import yaml
except ImportError:
    pass  # Ansible itself needs it

ACTION_ID = "SendToSlack"
CONFIGURATION = "securityhubnotification"
FUNCTION = "addcustomactionsecurityhub"
FUNCTION_DESCRIPTION = "CreateCustom Action in SecurityHub"
FUNCTION_HANDLER = "index.lambda_handler"
RULE_DESCRIPTION = "SecurityHub Chatbot CustomAction"
RULE_TARGET_ID = "OpsTopic"
TOPIC_DISPLAY_NAME = "AWS Chatbot SNS Topic"
# CloudFormation generates names from the stack name, the logical ID and a random suffix.
ROLE_NAME = re.compile(r"[A-Za-z0-9-]+-(ChatBotManageIAMRole|LambdaIAMRole)-[A-Za-z0-9]+\Z")
TRUSTED = {"ChatBotManageIAMRole": "sns.amazonaws.com", "LambdaIAMRole": "lambda.amazonaws.com"}
CHANNEL_ROLE_ARN = re.compile(r"arn:[a-z-]+:iam::\d{12}:role/[A-Za-z0-9-]+-ChatBotManageIAMRole-[A-Za-z0-9]+\Z")

# Logical IDs
CUSTOM_RESOURCE = "AddCustomActionSHResource1"
LAMBDA = "LambdaCreateCustomAction"
TOPIC = "SNSTopicAWSChatBot"
RULE = "EventRuleCustomAction"
CHANNEL = "SlackChannelConfig"
CHANNEL_ROLE = "ChatBotManageIAMRole"
# Added by this collection: CloudFormation accepts a new deletion policy only together with a change of resources.
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


def parse(body: Any) -> Json:
    """Return a template from a GetTemplate response with its functions in the long form; {} if it is not a template.

    *body*: a dict for JSON, a str for YAML. Fn::GetAtt always has a list; strings that look like dates stay strings.
    """
    if isinstance(body, str):
        try:
            body = _yaml_loader()(body).get_single_data()
        except yaml.YAMLError:
            return {}
    template = _with_lists(body)
    return template if isinstance(template, dict) else {}


def _yaml_loader() -> Any:
    """Return a safe YAML loader that reads CloudFormation's short forms and makes no dates."""

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {
            first: [pair for pair in pairs if not pair[0].endswith(":timestamp")]
            for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    Loader.add_multi_constructor("!", _long_form)
    return Loader


def _long_form(loader: Any, name: str, node: Any) -> Json:
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


def _with_lists(value: Any) -> Any:
    """Return the value with each Fn::GetAtt as a list, not as dotted text."""
    if isinstance(value, list):
        return [_with_lists(item) for item in value]
    if not isinstance(value, dict):
        return value
    attribute = value.get("Fn::GetAtt")
    if isinstance(attribute, str):
        return {"Fn::GetAtt": attribute.split(".", maxsplit=1)}
    return {key: _with_lists(item) for key, item in value.items()}


def may_match(stack: cloudformation.Stack) -> bool:
    """Return whether a stack (as boto3 shapes it) may have the template, which creates roles and so needs IAM."""
    return bool(IAM_CAPABILITIES & set(stack.get("Capabilities", []))) and stack["StackStatus"] != "DELETE_COMPLETE"


def matches(template: Json) -> bool:
    """Return whether this is the template of 2020, or the part of it that has only the channel."""
    resources = template.get("Resources", {})
    return _has_action(resources) or _is_channel_only(resources)


def foreign_resources(template: Json) -> list[str]:
    """Return the logical IDs in a matching template that the template of 2020 does not have."""
    resources = template.get("Resources", {})
    return sorted(name for name in resources if not (_has_type(resources, name) or _forwards_to_topic(resources[name])))


def _has_action(resources: Json) -> bool:
    """Return whether the template has the named function, the custom resource that calls it, and the action's rule."""
    if not all(_has_type(resources, name) for name in (CUSTOM_RESOURCE, LAMBDA, RULE)):
        return False
    return (
        _properties(resources, CUSTOM_RESOURCE).get("ServiceToken") == {"Fn::GetAtt": [LAMBDA, "Arn"]}
        and _properties(resources, LAMBDA).get("FunctionName") == FUNCTION
        and _is_action_pattern(_properties(resources, RULE).get("EventPattern"))
    )


def _is_channel_only(resources: Json) -> bool:
    """Return whether the template has only the channel and its role, which trusts SNS although SNS never uses it."""
    if set(resources) - {MARK} != {CHANNEL, CHANNEL_ROLE} or not all(_has_type(resources, name) for name in resources):
        return False
    channel, role = _properties(resources, CHANNEL), _properties(resources, CHANNEL_ROLE)
    return (
        channel.get("ConfigurationName") == CONFIGURATION
        and channel.get("IamRoleArn") == {"Fn::GetAtt": [CHANNEL_ROLE, "Arn"]}
        and "sns.amazonaws.com" in json.dumps(role.get("AssumeRolePolicyDocument"))
    )


def _is_action_pattern(pattern: Any) -> bool:
    """Return whether an event pattern matches exactly the findings sent with the custom action SendToSlack."""
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


def _forwards_to_topic(resource: Json) -> bool:
    """Return whether this is another rule that sends Security Hub findings to the same topic."""
    properties = resource.get("Properties", {})
    pattern, targets = properties.get("EventPattern"), properties.get("Targets")
    return (
        resource.get("Type") == RULE_TYPE
        and isinstance(pattern, dict)
        and pattern.get("source") == ["aws.securityhub"]
        and isinstance(targets, list)
        and all(target.get("Arn") == {"Ref": TOPIC} for target in targets)
    )


def _has_type(resources: Json, name: str) -> bool:
    return name in resources and resources[name].get("Type") == TYPES.get(name)


def _properties(resources: Json, name: str) -> Json:
    properties: Json = resources[name].get("Properties", {})
    return properties


def retains(template: Json, names: frozenset[str]) -> bool:
    """Return whether deleting the stack retains those of these resources that the template has."""
    resources = template.get("Resources", {})
    return all(resources[name].get("DeletionPolicy") in RETAINING for name in names if name in resources)


def retaining(template: Json, names: frozenset[str]) -> str:
    """Return the template (JSON) with the deletion policy Retain for these resources.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
    """
    resources = {
        name: {**resource, "DeletionPolicy": "Retain"} if name in names else resource
        for name, resource in template["Resources"].items()
    }
    return json.dumps({**template, "Resources": {**resources, MARK: {"Type": TYPES[MARK]}}})


def is_function(configuration: Function) -> bool:
    """Return whether a Lambda function (a GetFunctionConfiguration response) is the template's."""
    return (
        configuration.get("FunctionName") == FUNCTION
        and configuration.get("Handler") == FUNCTION_HANDLER
        and configuration.get("Description") == FUNCTION_DESCRIPTION
    )


def is_rule(rule: Rule) -> bool:
    """Return whether an event rule (as boto3 shapes it) is the template's."""
    return rule.get("Description") == RULE_DESCRIPTION and _is_action_pattern(
        json.loads(rule.get("EventPattern") or "null")
    )


def is_topic_arn(arn: str) -> bool:
    """Return whether a topic has a name that CloudFormation generates for the template."""
    return bool(TOPIC_OF_TEMPLATE.match(arn.rsplit(":", maxsplit=1)[-1]))


def is_role(role: Role) -> bool:
    """Return whether an IAM role (as boto3 shapes it) has the name and the trust policy of one of the template's."""
    name = ROLE_NAME.match(role["RoleName"])
    return name is not None and TRUSTED[name[1]] in json.dumps(role.get("AssumeRolePolicyDocument"))
