# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resources of a pipeline's template as they are to be found in AWS: pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

TOPIC = "AWS::SNS::Topic"
TOPIC_POLICY = "AWS::SNS::TopicPolicy"
RULE = "AWS::Events::Rule"
ROLE = "AWS::IAM::Role"
STATE_MACHINE = "AWS::StepFunctions::StateMachine"
KEY = "AWS::KMS::Key"
ALIAS = "AWS::KMS::Alias"
QUEUE = "AWS::SQS::Queue"
QUEUE_POLICY = "AWS::SQS::QueuePolicy"
ALARM = "AWS::CloudWatch::Alarm"


class Strange(Exception):
    """A template holds what none of ours does: somebody has written it anew."""


@dataclass(frozen=True)
class Place:
    """Where a stack is."""

    partition: str
    account_id: str
    region: str

    def arn(self, service: str, rest: str) -> str:
        """Return the ARN of something of *service* there."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{rest}"

    def role_arn(self, name: str) -> str:
        """Return the ARN of an IAM role."""
        return f"arn:{self.partition}:iam::{self.account_id}:role/{name}"


@dataclass(frozen=True)
class Resources:
    """The properties of a stack's resources by type, as CloudFormation passes them on to the services."""

    place: Place
    properties: tuple[tuple[str, dict[str, Any]], ...]

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """Return the properties of all resources of one type."""
        return [properties for found, properties in self.properties if found == kind]

    def topic_arn(self, topic: dict[str, Any]) -> str:
        """Return the ARN of one of the topics."""
        return self.place.arn("sns", str(topic["TopicName"]))

    def queue_urls(self) -> list[str]:
        """Return the URLs of the queues."""
        return [policy["Queues"][0] for policy in self.of_type(QUEUE_POLICY)]

    def queue_arn(self, url: str) -> str:
        """Return the ARN of the queue with that URL."""
        return self.place.arn("sqs", url.rpartition("/")[2])

    def told(self) -> list[str]:
        """Return the ARNs of the topics that the alarms tell, one for each alarm."""
        return [arn for alarm in self.of_type(ALARM) for arn in alarm["AlarmActions"]]

    def alarm_arn(self, alarm: dict[str, Any]) -> str:
        """Return the ARN of one of the alarms."""
        return self.place.arn("cloudwatch", f"alarm:{alarm['AlarmName']}")

    def rule_arn(self, rule: dict[str, Any]) -> str:
        """Return the ARN of one of the rules."""
        return self.place.arn("events", f"rule/{rule['Name']}")


def has_names_of_its_own(whole: dict[str, Any]) -> bool:
    """Tell whether CloudFormation has made up names of resources, which only the stack itself knows."""
    return any(resource["Type"] in (ROLE, KEY, QUEUE) for resource in whole.get("Resources", {}).values())


def resolve(whole: dict[str, Any], place: Place, made_up: dict[str, str] | None = None) -> Resources:
    """Return the resources of a template of ours with the references that it uses filled in.

    *made_up*: the names of resources (of a queue, the URL), by logical id, that the template leaves to CloudFormation.
    Raise Strange.
    """
    try:
        return _resolved(whole, place, made_up or {})
    except (KeyError, TypeError, ValueError) as error:
        raise Strange from error


def _resolved(whole: dict[str, Any], place: Place, names: dict[str, str]) -> Resources:
    declared = whole.get("Resources", {})
    if any("Condition" in item for item in declared.values()):
        raise KeyError("Condition")
    known = {
        **{logical_id: _reference(item, place, names.get(logical_id, "")) for logical_id, item in declared.items()},
        **{
            f"{name}.{key}": value
            for name, item in declared.items()
            for key, value in _parts(item, place, names.get(name, ""))
        },
        "AWS::Partition": place.partition,
        "AWS::AccountId": place.account_id,
        "AWS::Region": place.region,
    }
    return Resources(
        place,
        tuple((resource["Type"], _filled(resource.get("Properties", {}), known)) for resource in declared.values()),
    )


def _reference(resource: dict[str, Any], place: Place, made_up: str) -> str:
    """Return what Ref or, of Arn, Fn::GetAtt stand for: only a queue is referred to in both ways."""
    properties = resource.get("Properties", {})
    if resource["Type"] == ROLE:
        return place.role_arn(made_up) if made_up else ""
    if resource["Type"] in (KEY, QUEUE):
        return made_up
    if resource["Type"] == ALIAS:
        return str(properties["AliasName"])
    if resource["Type"] == TOPIC:
        return place.arn("sns", properties["TopicName"])
    if resource["Type"] == STATE_MACHINE:
        return place.arn("states", f"stateMachine:{properties['StateMachineName']}")
    return ""


def _parts(resource: dict[str, Any], place: Place, made_up: str) -> list[tuple[str, str]]:
    """Return what Fn::GetAtt stands for of a queue, from its URL."""
    if resource["Type"] != QUEUE:
        return []
    name = made_up.rpartition("/")[2]
    return [("QueueName", name), ("Arn", place.arn("sqs", name))]


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
    if set(value) == {"Fn::Sub"}:
        return _substituted(value["Fn::Sub"], known)
    if any(key.startswith("Fn::") for key in value):
        raise KeyError(*value)
    return {key: _filled(item, known) for key, item in value.items()}


def _substituted(text: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        text = text.replace(f"${{{name}}}", value)
    return text
