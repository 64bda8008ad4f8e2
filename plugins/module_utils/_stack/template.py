# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CloudFormation template of a target's stack: pure. PRIVATE to the collection.

It uses pseudo parameters instead of accounts, regions or partitions, so the same policy results in the same text in
every region, and one template can serve a StackSet.
"""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import TYPE_CHECKING
from typing import Any

from .._resource.tags import AUTOMATION_TAG
from .._resource.tags import DIGEST_TAG
from .._resource.tags import MANAGED_TAG
from .._resource.tags import RESPONSIBILITIES_TAG
from .._resource.tags import SETTINGS_TAG
from .._resource.tags import TOPICS_TAG
from .._resource.tags import boto3_tags
from . import alarms
from . import encryption
from . import marking
from . import receivers
from . import scheduled_digest
from .receivers import Receiver
from .resources import events_statement
from .resources import logical_id
from .resources import with_tags

if TYPE_CHECKING:
    from .._channel.message import InputTransformer
    from .._resource.shapes import Json
    from .._resource.shapes import Tag
    from .resources import Resource
    from .resources import Template


DESCRIPTION = "Security Hub findings to a chat channel (Ansible collection secops.securityhub)."
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
MAX_BYTES = 51_200
# CloudFormation replaces such a text with the parameter or secret that it names.
DYNAMIC_REFERENCE = "{{resolve:"


@dataclass(frozen=True)
class Rule:
    """One EventBridge rule of the stack: its name, description, event pattern and the topic that it sends to.

    *topic*: the name of the receiver if that has no topic. *automatic*: it forwards findings without a person selecting
    them. *resolved*: it reports that such findings are no longer open, through the state machine. *trusted*: only
    findings whose texts are trusted, or only the others (see trust.py); None for all. *transformer*: its
    InputTransformer, None to send the event unchanged.
    """

    name: str
    description: str
    pattern: Json
    topic: str
    automatic: bool = False
    resolved: bool = False
    trusted: bool | None = None
    transformer: InputTransformer | None = field(default=None, hash=False)


@dataclass(frozen=True)
class StackDesign:
    """The contents of a target's stack.

    *mark_notified*: findings that automatic rules forward are set to NOTIFIED. *ocsf*: they are those of the new
    Security Hub. *responsibilities*: what it forwards in addition to the findings of its own region; the next run reads
    them before it transfers any to another target. *key*: encrypts topics and queue: encryption.CREATE or the ID, ARN
    or alias of a key, or '' for none. *alarms*: None for none. *boundary*: the ARN of the permissions boundary of the
    stack's roles, or ''. *conditions*: the policies of topics and queue allow EventBridge to act for the rules of the
    stack only. *receivers*: who gets findings beside the channels, to which *topics* belong. *suppressing*: the format
    of the findings that automation rules beside the stack suppress, or '' without such rules. *scheduled*: the digest
    that AWS sends, None for none. *settings*: from which settings all this comes, for a tag that only a person's
    preview needs; see _plan/recorded.py.
    """

    name: str
    topics: tuple[str, ...]
    rules: tuple[Rule, ...]
    tags: tuple[tuple[str, str], ...] = ()
    mark_notified: bool = False
    ocsf: bool = False
    responsibilities: tuple[str, ...] = ()
    key: str = ""
    alarms: alarms.Alarms | None = None
    boundary: str = ""
    conditions: bool = True
    receivers: tuple[Receiver, ...] = ()
    suppressing: str = ""
    scheduled: scheduled_digest.ScheduledDigest | None = None
    settings: str = field(default="", compare=False)

    @functools.cached_property
    def digest(self) -> str:
        """Return the digest that the stack has as a tag, so one read tells whether the live stack is as desired."""
        parts: list[Any] = [self.text, sorted(self.tags), self.responsibilities]
        parts += filter(None, [receivers.parameters(self.receivers), self.suppressing])
        whole = json.dumps(parts)
        return hashlib.sha256(whole.encode()).hexdigest()[:32]

    @functools.cached_property
    def text(self) -> str:
        """Return the text of the template for CloudFormation: stable, and short."""
        return json.dumps(template(self), separators=(",", ":"))

    @functools.cached_property
    def resource_tags(self) -> list[Tag]:
        """Return the user's tags as the resources have them."""
        return boto3_tags(dict(self.tags))

    @property
    def all_topics(self) -> tuple[str, ...]:
        """Return the topics of channels and of receivers."""
        return (*self.topics, *(item.name for item in self.receivers if item.has_topic))

    @property
    def keeps_undelivered(self) -> bool:
        """Return whether a queue keeps the events that cannot be delivered."""
        return self.alarms is not None or bool(self.receivers)

    @property
    def starts_marking(self) -> bool:
        """Return whether a state machine marks findings as NOTIFIED, and reports their end if any rule does."""
        return any(rule.resolved or _is_marked(rule, self) for rule in self.rules)

    @functools.cached_property
    def receiver_of(self) -> dict[str, Receiver]:
        """Return the receivers by name."""
        return {item.name: item for item in self.receivers}


def template(design: StackDesign) -> Template:
    """Return the stack's template."""
    resources: dict[str, Resource] = {}
    tags = design.resource_tags
    if design.key == encryption.CREATE:
        resources |= encryption.resources(
            design.name,
            design.all_topics,
            tags,
            queue=design.keeps_undelivered,
            alarms=design.alarms is not None,
            redrive=bool(receivers.redriving(design.receivers)),
        )
    for topic in design.all_topics:
        resources |= _topic(topic, design)
    for receiver in design.receivers:
        resources |= receivers.subscriptions(receiver) if receiver.has_topic else {}
    resources |= receivers.role(design.name, design.receivers, tags, design.boundary)
    if design.starts_marking:
        ends = list(dict.fromkeys(rule.topic for rule in design.rules if rule.resolved))
        resources |= marking.resources(design.name, tags, design.boundary, ends=ends, key=design.key, ocsf=design.ocsf)
    if design.scheduled:
        resources |= scheduled_digest.resources(design.name, design.scheduled, design.key, tags, design.boundary)
    for rule in design.rules:
        targets = [marking.target()] if _is_marked(rule, design) else []
        resources[logical_id("Rule", rule.name)] = _rule(rule, design, targets)
    if design.keeps_undelivered:
        allowed = [rule.name for rule in design.rules] if design.conditions else None
        redriving = receivers.redriving(design.receivers)
        resources |= alarms.queue(allowed, encryption.reference(design.key), tags, redriving)
    if design.alarms:
        resources |= _alarms(design, design.alarms)
    declared = receivers.declared(design.receivers)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": DESCRIPTION,
        **({"Parameters": declared} if declared else {}),
        "Resources": resources,
    }


def problems(design: StackDesign) -> list[str]:
    """Return why CloudFormation would refuse or misread the template, each with its remedy."""
    text = design.text
    found = []
    if len(text) > MAX_BYTES:
        takes = sorted(_bytes_of_options(design).items(), key=lambda item: -item[1])
        options = "".join(f", or without {name} ({number:,} bytes)" for name, number in takes)
        found.append(
            f"the stack {design.name} would need a template of {len(text):,} bytes, {len(text) - MAX_BYTES:,} more "
            f"than the {MAX_BYTES:,} that CloudFormation allows. Deploy it with fewer channels, mentions or "
            f"suppressions{options}."
        )
    if DYNAMIC_REFERENCE in text:
        found.append(
            f"the stack {design.name} would contain {DYNAMIC_REFERENCE}...}}}}, which CloudFormation replaces with the "
            f"value that it names. Remove it from the suppressions."
        )
    return found


def _bytes_of_options(design: StackDesign) -> dict[str, int]:
    """Return how many bytes of the template the options take that can be turned off alone, by role variable."""
    opened = tuple(rule for rule in design.rules if not rule.resolved)
    to_channels = tuple(rule for rule in design.rules if rule.topic not in design.receiver_of)
    without = {
        "securityhub_slack_digest_schedule": replace(design, scheduled=None),
        "securityhub_slack_report_resolved": replace(design, rules=opened),
        "securityhub_slack_receivers": replace(design, receivers=(), rules=to_channels),
        "securityhub_slack_alarms": replace(design, alarms=None),
    }
    return {name: len(design.text) - len(other.text) for name, other in without.items() if other != design}


def outline(whole: Template) -> dict[str, Any]:
    """Return a summary of a template for people: its rules with their patterns, its topics, and so on."""

    def of_type(kind: str) -> list[Json]:
        return [item["Properties"] for item in whole.get("Resources", {}).values() if item["Type"] == kind]

    topics, rules = of_type("AWS::SNS::Topic"), of_type("AWS::Events::Rule")
    shown: dict[str, Any] = {
        "rules": {rule["Name"]: rule["EventPattern"] for rule in rules},
        "topics": sorted(topic["TopicName"] for topic in topics),
    }
    if any("InputTransformer" in target for rule in rules for target in rule.get("Targets", [])):
        shown["messages"] = "custom"
    machines = [machine["StateMachineName"] for machine in of_type("AWS::StepFunctions::StateMachine")]
    if machines:
        shown["state machine"] = machines[0] if len(machines) == 1 else sorted(machines)
    for schedule in of_type("AWS::Scheduler::Schedule"):
        shown["schedule"] = f"{schedule['ScheduleExpression']} {schedule['ScheduleExpressionTimezone']}"
    keys = [topic["KmsMasterKeyId"] for topic in topics if "KmsMasterKeyId" in topic]
    if keys:
        own = [f"{alias['AliasName']} (of the stack)" for alias in of_type("AWS::KMS::Alias")]
        shown["key"] = (own or keys)[0]
    watching = [alarm["AlarmName"] for alarm in of_type("AWS::CloudWatch::Alarm")]
    if watching:
        shown["alarms"] = sorted(watching)
    return shown


def stack_tags(design: StackDesign) -> dict[str, str]:
    """Return the tags of the stack: the user's, ours, the digest, and the topics (the suffixes of their names)."""
    return {
        **dict(design.tags),
        MANAGED_TAG: design.name,
        TOPICS_TAG: " ".join(topic.removeprefix(design.name) or "-" for topic in design.topics),
        RESPONSIBILITIES_TAG: " ".join(design.responsibilities) or "-",
        DIGEST_TAG: design.digest,
        **({AUTOMATION_TAG: design.suppressing} if design.suppressing else {}),
        **({SETTINGS_TAG: design.settings} if design.settings else {}),
    }


def topics_of(tags: dict[str, str]) -> tuple[str, ...]:
    """Return the names of the topics of a live stack, from its tags."""
    name = tags.get(MANAGED_TAG, "")
    return tuple(name if end == "-" else name + end for end in tags.get(TOPICS_TAG, "").split())


def suppressing_of(tags: dict[str, str]) -> str:
    """Return the format of the findings that automation rules beside a live stack suppress, from its tags, or ''."""
    return tags.get(AUTOMATION_TAG, "").strip("-")


def _topic(topic: str, design: StackDesign) -> dict[str, Resource]:
    """Return a topic and its policy, which lets rules publish and, in the first topic, the alarms of the stack."""
    # CloudFormation propagates the stack's tags, including the digest; these are the user's.
    properties: Json = {"TopicName": topic, "DisplayName": "Security Hub"}
    if design.key:
        properties["KmsMasterKeyId"] = encryption.reference(design.key)
    reference = {"Ref": logical_id("Topic", topic)}
    senders = [rule.name for rule in design.rules if rule.topic == topic and not rule.resolved]
    statements = [events_statement("sns:Publish", reference, senders if design.conditions else None)]
    if design.alarms and not design.alarms.topic and topic == design.topics[0]:
        statements.append(alarms.publisher(design.name, reference))
    policy = {"Topics": [reference], "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}
    return {
        logical_id("Topic", topic): {
            "Type": "AWS::SNS::Topic",
            "Properties": with_tags(properties, design.resource_tags),
        },
        logical_id("TopicPolicy", topic): {"Type": "AWS::SNS::TopicPolicy", "Properties": policy},
    }


def _alarms(design: StackDesign, settings: alarms.Alarms) -> dict[str, Resource]:
    forwarding = [rule.name for rule in design.rules if not rule.resolved]
    notified = settings.topic or {"Ref": logical_id("Topic", design.topics[0])}
    machines = {}
    if design.starts_marking:
        machines[marking.machine_name(design.name)] = marking.FAILED
    if design.scheduled:
        machines[scheduled_digest.machine_name(design.name)] = "the digest was not sent"
    found = alarms.alarms(design.name, forwarding, design.all_topics, machines, settings.configurations, notified)
    tags = design.resource_tags
    return {name: {**alarm, "Properties": with_tags(alarm["Properties"], tags)} for name, alarm in found.items()}


def _is_marked(rule: Rule, design: StackDesign) -> bool:
    """Return whether a rule also sets findings to NOTIFIED; receivers do not, since nobody has seen them in a channel.

    A finding that is sent to a channel too is marked by the rule of the channel.
    """
    return design.mark_notified and rule.automatic and rule.topic not in design.receiver_of


def _rule(rule: Rule, design: StackDesign, further: list[Json]) -> Resource:
    # A rule that fires before the policy of its topic or queue allows it would lose the finding.
    receiver = design.receiver_of.get(rule.topic)
    if receiver and not receiver.has_topic:
        policies: Any = alarms.QUEUE_POLICY
        target = receivers.target(receiver)
    elif rule.resolved:
        policies, target = alarms.QUEUE_POLICY if design.keeps_undelivered else None, marking.end_target()
    else:
        of_topic = logical_id("TopicPolicy", rule.topic)
        policies = [of_topic, alarms.QUEUE_POLICY] if design.keeps_undelivered else of_topic
        target = {"Id": "topic", "Arn": {"Ref": logical_id("Topic", rule.topic)}}
    if design.keeps_undelivered:
        target["DeadLetterConfig"] = {"Arn": alarms.QUEUE_ARN}
    if rule.transformer:
        target["InputTransformer"] = rule.transformer
    properties = {
        "Name": rule.name,
        "Description": rule.description,
        "State": "ENABLED",
        "EventPattern": rule.pattern,
        "Targets": [target, *further],
    }
    return {
        "Type": "AWS::Events::Rule",
        **({"DependsOn": policies} if policies else {}),
        "Properties": with_tags(properties, design.resource_tags),
    }
