# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolves a template of ours to the resources that it creates in AWS: pure. PRIVATE to the collection."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any
from typing import TypedDict

if TYPE_CHECKING:
    from .._resource.shapes import Json
    from .._resource.shapes import Statement
    from .._resource.shapes import Tag


# CloudFormation replaces these in Fn::Sub, so one template serves all accounts and regions.
ARN = "arn:${AWS::Partition}"
HERE = "${AWS::Region}:${AWS::AccountId}"

TOPIC = "AWS::SNS::Topic"
TOPIC_POLICY = "AWS::SNS::TopicPolicy"
SUBSCRIPTION = "AWS::SNS::Subscription"
RULE = "AWS::Events::Rule"
ROLE = "AWS::IAM::Role"
STATE_MACHINE = "AWS::StepFunctions::StateMachine"
SCHEDULE = "AWS::Scheduler::Schedule"
KEY = "AWS::KMS::Key"
ALIAS = "AWS::KMS::Alias"
QUEUE = "AWS::SQS::Queue"
QUEUE_POLICY = "AWS::SQS::QueuePolicy"
ALARM = "AWS::CloudWatch::Alarm"
# The value of a parameter with a secret, as CloudFormation answers it.
HIDDEN = "****"


Template = dict[str, Any]
State = dict[str, Any]  # of a state machine


class Resource(TypedDict, total=False):
    """A resource of a template."""

    Type: str
    DependsOn: str | list[str]
    Properties: Json


@functools.lru_cache(maxsize=1000)
def logical_id(prefix: str, name: str) -> str:
    """Return a CloudFormation logical id for *name*: letters and digits only."""
    return prefix + "".join(part.capitalize() for part in name.replace("_", "-").replace(".", "-").split("-"))


def local_arn(service: str, rest: str) -> Json:
    """Return the ARN of a resource of *service* in the account and region of the stack."""
    return {"Fn::Sub": f"{ARN}:{service}:{HERE}:{rest}"}


def allow(action: str | list[str], resource: Any) -> Statement:
    """Return a statement of a role's policy."""
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def allow_service(
    sid: str, service: str, action: str | list[str], resource: Any, condition: Json | None = None
) -> Statement:
    """Return a statement of a resource's policy that lets an AWS service act on it."""
    statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": action,
        "Resource": resource,
    }
    return {**statement, "Condition": condition} if condition else statement


def events_statement(action: str, resource: Any, rules: list[str] | None) -> Statement:
    """Return a policy statement that lets EventBridge act on a resource, for *rules* only unless it is None."""
    # The ARN of a rule contains the account. Whether EventBridge sends aws:SourceAccount too is not certain, and a
    # condition on a key that is not sent would silently drop every event.
    condition = None if rules is None else {"ArnEquals": {"aws:SourceArn": rule_arns(rules)}}
    return allow_service("EventBridgeRulesOfThisStack", "events.amazonaws.com", action, resource, condition)


def rules_arn(prefix: str) -> Json:
    """Return the ARN of all rules whose name begins with *prefix*.

    A trust policy may have 2,048 characters (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html),
    fewer than the ARNs of a stack's rules can have.
    """
    return local_arn("events", f"rule/{prefix}-*")


def rule_arns(rules: Iterable[str]) -> list[Json]:
    """Return the ARNs of the stack's rules of these names."""
    return [local_arn("events", f"rule/{rule}") for rule in rules]


def trust_statement(service: str, callers: list[Json]) -> Statement:
    """Return the statement of a role's trust policy that lets a service assume it for *callers* (ARNs)."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {
            "ArnLike": {"aws:SourceArn": callers},
            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        },
    }


def role(
    name: str,
    trust: list[Statement],
    policy: str,
    statements: list[Statement],
    tags: list[Tag],
    boundary: str,
) -> Resource:
    """Return the role *name*: *trust* lets services assume it, and *policy* is its only one, with these statements."""
    properties: Json = {
        "RoleName": {"Fn::Sub": name},
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": trust},
        "Policies": [{"PolicyName": policy, "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}],
    }
    if boundary:
        account, path = boundary.split(":", 5)[4:]
        # Of any account, so that the stacks of a StackSet have the same template.
        of_account = {"Fn::Sub": f"{ARN}:iam::${{AWS::AccountId}}:{path}"}
        properties["PermissionsBoundary"] = of_account if account.isdigit() else boundary
    return {"Type": ROLE, "Properties": with_tags(properties, tags)}


def state_machine(name: str, kind: str, role_id: str, definition: Any, tags: list[Tag]) -> Resource:
    """Return the state machine *name* of a kind (STANDARD or EXPRESS), whose role has the logical ID *role_id*."""
    properties = {
        "StateMachineName": name,
        "StateMachineType": kind,
        "RoleArn": {"Fn::GetAtt": [role_id, "Arn"]},
        "DefinitionString": definition,
    }
    return {"Type": STATE_MACHINE, "Properties": with_tags(properties, tags)}


def with_tags(properties: Json, tags: list[Tag]) -> Json:
    """Return the properties of a resource with *tags*, if there are any."""
    return {**properties, "Tags": tags} if tags else properties


class UnrecognizedTemplate(Exception):
    """A template that no version of this collection wrote, or that was changed by hand."""


@dataclass(frozen=True)
class Location:
    """The account and region of a stack."""

    partition: str
    account_id: str
    region: str

    def arn(self, service: str, rest: str) -> str:
        """Return the ARN of a resource of *service*."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{rest}"

    def role_arn(self, name: str) -> str:
        """Return the ARN of an IAM role."""
        return f"arn:{self.partition}:iam::{self.account_id}:role/{name}"


@dataclass(frozen=True)
class Resources:
    """The properties of a stack's resources by type, as CloudFormation passes them on to the services."""

    location: Location
    properties: tuple[tuple[str, Json], ...]

    def of_type(self, kind: str) -> list[Json]:
        """Return the properties of all resources of one type."""
        return [properties for found, properties in self.properties if found == kind]

    def is_of_channel(self, topic_arn: str) -> bool:
        """Return whether a topic is one that Amazon Q subscribes to, and not that of a receiver."""
        return all(item["TopicArn"] != topic_arn for item in self.of_type(SUBSCRIPTION))

    def redriving_topics(self) -> list[str]:
        """Return the ARNs of the topics whose subscriptions have a dead-letter queue."""
        return [item["TopicArn"] for item in self.of_type(SUBSCRIPTION) if "RedrivePolicy" in item]

    def topic_arn(self, topic: Json) -> str:
        """Return the ARN of one of the topics."""
        return self.location.arn("sns", str(topic["TopicName"]))

    def machine(self, name: str) -> tuple[Json, Json] | None:
        """Return the properties of a state machine and of its role, None without it."""
        for machine in self.of_type(STATE_MACHINE):
            if machine["StateMachineName"] == name:
                roles = {self.location.role_arn(role["RoleName"]): role for role in self.of_type(ROLE)}
                return machine, roles[machine["RoleArn"]]
        return None

    def queue_urls(self) -> list[str]:
        """Return the URLs of the queues."""
        return [policy["Queues"][0] for policy in self.of_type(QUEUE_POLICY)]

    def queue_arn(self, url: str) -> str:
        """Return the ARN of the queue with that URL."""
        return self.location.arn("sqs", url.rpartition("/")[2])

    def alarm_topic_arns(self) -> list[str]:
        """Return the ARNs of the topics that the alarms notify, one for each alarm."""
        return [arn for alarm in self.of_type(ALARM) for arn in alarm["AlarmActions"]]

    def alarm_arn(self, alarm: Json) -> str:
        """Return the ARN of one of the alarms."""
        return self.location.arn("cloudwatch", f"alarm:{alarm['AlarmName']}")

    def rule_arn(self, rule: Json) -> str:
        """Return the ARN of one of the rules."""
        return self.location.arn("events", f"rule/{rule['Name']}")


def has_names_of_its_own(whole: Template) -> bool:
    """Tell whether CloudFormation generates names of resources, which only the stack itself knows."""
    return any(resource["Type"] in (KEY, QUEUE) for resource in whole.get("Resources", {}).values())


def resolve(whole: Template, location: Location, generated: dict[str, str] | None = None) -> Resources:
    """Return the resources of a template of ours, with its references resolved.

    *generated*: the names (of a queue, the URL) that CloudFormation generated, by logical ID.

    Raise UnrecognizedTemplate.
    """
    try:
        return _resolved(whole, location, generated or {})
    except (KeyError, TypeError, ValueError) as error:
        raise UnrecognizedTemplate from error


def located(value: Any, location: Location) -> Any:
    """Return a *value* of a template of ours that refers to nothing but its account, region and partition."""
    return _filled(value, _pseudo_parameters(location))


def _pseudo_parameters(location: Location) -> dict[str, str]:
    return {
        "AWS::Partition": location.partition,
        "AWS::AccountId": location.account_id,
        "AWS::Region": location.region,
    }


def _resolved(whole: Template, location: Location, names: dict[str, str]) -> Resources:
    declared = whole.get("Resources", {})
    if any("Condition" in item for item in declared.values()):
        raise KeyError("Condition")
    known = {
        **dict.fromkeys(whole.get("Parameters", {}), HIDDEN),
        **{name: _reference(item, location, names.get(name, "")) for name, item in declared.items()},
        **_pseudo_parameters(location),
    }
    for name in [name for name, item in declared.items() if item["Type"] == QUEUE]:
        queue = names.get(name, "").rpartition("/")[2]  # from its URL
        known |= {f"{name}.QueueName": queue, f"{name}.Arn": location.arn("sqs", queue)}
    return Resources(
        location,
        tuple((resource["Type"], _filled(resource.get("Properties", {}), known)) for resource in declared.values()),
    )


def _reference(resource: Resource, location: Location, generated: str) -> str:
    """Return the value of Ref, or of Fn::GetAtt with Arn; templates use both only for a queue."""
    properties = resource.get("Properties", {})
    if resource["Type"] == ROLE:
        return location.role_arn(properties["RoleName"]["Fn::Sub"].replace("${AWS::Region}", location.region))
    if resource["Type"] in (KEY, QUEUE):
        return generated
    if resource["Type"] == ALIAS:
        return str(properties["AliasName"])
    if resource["Type"] == TOPIC:
        return location.arn("sns", properties["TopicName"])
    if resource["Type"] == STATE_MACHINE:
        return location.arn("states", f"stateMachine:{properties['StateMachineName']}")
    return ""


def _filled(value: Any, known: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_filled(item, known) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        return known[value["Ref"]]
    if set(value) == {"Fn::GetAtt"}:
        name, attribute = value["Fn::GetAtt"]
        return known.get(f"{name}.{attribute}", known[name])
    if set(value) == {"Fn::Sub"} and isinstance(value["Fn::Sub"], list):
        text, variables = value["Fn::Sub"]
        return _substituted(text, {**known, **_filled(variables, known)})
    if set(value) == {"Fn::Sub"}:
        return _substituted(value["Fn::Sub"], known)
    if any(key.startswith("Fn::") for key in value):
        raise KeyError(*value)
    return {key: _filled(item, known) for key, item in value.items()}


def _substituted(text: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        text = text.replace(f"${{{name}}}", value)
    return text
