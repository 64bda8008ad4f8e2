# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._stack import receivers
from ansible_collections.secops.securityhub.plugins.module_utils._stack import stack_set
from ansible_collections.secops.securityhub.plugins.module_utils._stack import stack_set_resource
from ansible_collections.secops.securityhub.plugins.module_utils._stack import template
from ansible_collections.secops.securityhub.plugins.module_utils._stack.receivers import Receiver
from ansible_collections.secops.securityhub.plugins.module_utils._stack.resources import Location
from ansible_collections.secops.securityhub.plugins.module_utils._stack.resources import resolve
from ansible_collections.secops.securityhub.plugins.module_utils._stack.stack_set_resource import Instance
from ansible_collections.secops.securityhub.plugins.module_utils._stack.template import Rule
from ansible_collections.secops.securityhub.plugins.module_utils._stack.template import StackDesign

URL = "https://events.example.com/sentinel"
QUEUE, BUS = "arn:aws:sqs:eu-west-1:111111111111:eda", "arn:aws:events:us-east-1:222222222222:event-bus/lake"
ENDPOINTS = {"email": ("a@example.com", "b@example.com"), "https": (URL,), "sqs": (QUEUE,), "events": (BUS,)}
PATTERN = {"source": ["aws.securityhub"]}


def design(*kinds, **more):
    found = tuple(Receiver(f"slack-to-{kind}", kind, ENDPOINTS[kind]) for kind in kinds)
    rules = [Rule("slack-findings", "", PATTERN, "slack", automatic=True)]
    rules += [Rule(f"{item.name}-findings", "", PATTERN, item.name, automatic=True) for item in found]
    return StackDesign("slack", ("slack",), tuple(rules), receivers=found, **more)


def resources(of, kind):
    return [item["Properties"] for item in template.template(of)["Resources"].values() if item["Type"] == kind]


def rule_of(of, kind):
    return next(item for item in resources(of, "AWS::Events::Rule") if item["Name"] == f"slack-to-{kind}-findings")


def test_the_topic_of_a_receiver_lets_in_its_rules_only_and_has_its_subscriptions():
    found = design("email", "https")
    assert [item["TopicName"] for item in resources(found, "AWS::SNS::Topic")] == [
        "slack",
        "slack-to-email",
        "slack-to-https",
    ]
    for policy in resources(found, "AWS::SNS::TopicPolicy"):
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert len(statement["Condition"]["ArnEquals"]["aws:SourceArn"]) == 1
    subscribed = [(item["Protocol"], item["Endpoint"]) for item in resources(found, "AWS::SNS::Subscription")]
    assert subscribed == [
        ("email", "a@example.com"),
        ("email", "b@example.com"),
        ("https", {"Ref": found.receivers[1].parameter}),
    ]
    assert template.topics_of(template.stack_tags(found)) == ("slack",)  # to which Amazon Q subscribes


def test_the_url_is_a_hidden_parameter_of_which_only_the_digest_depends():
    found, other = design("https"), design("https")
    other = replace(other, receivers=(replace(other.receivers[0], endpoints=(f"{URL}2",)),))
    name = found.receivers[0].parameter
    assert template.template(found)["Parameters"] == {name: {"Type": "String", "NoEcho": True}}
    assert receivers.parameters(found.receivers) == {name: URL}
    assert template.template(found) == template.template(other)
    assert found.digest != other.digest
    assert "sentinel" not in found.text + repr(found) + json.dumps(template.stack_tags(found))
    assert "Parameters" not in template.template(design("email"))


def test_what_an_endpoint_does_not_take_goes_to_the_dead_letter_queue():
    found = design("email", "https", key="create")
    mail, _other, pager = resources(found, "AWS::SNS::Subscription")
    assert "RedrivePolicy" not in mail
    queue = {"Fn::GetAtt": ["UndeliveredQueue", "Arn"]}
    assert pager["RedrivePolicy"] == {"deadLetterTargetArn": queue}
    retries = pager["DeliveryPolicy"]["healthyRetryPolicy"]
    assert retries["numRetries"] * retries["maxDelayTarget"] <= 3600
    (policy,) = resources(found, "AWS::SQS::QueuePolicy")
    _rules, topics = policy["PolicyDocument"]["Statement"]
    assert topics["Principal"] == {"Service": "sns.amazonaws.com"}
    assert [item["Fn::Sub"].rpartition(":")[2] for item in topics["Condition"]["ArnEquals"]["aws:SourceArn"]] == [
        "slack-to-https"
    ]
    (key,) = resources(found, "AWS::KMS::Key")
    users = {item["Principal"].get("Service") for item in key["KeyPolicy"]["Statement"]}
    assert users == {None, "events.amazonaws.com", "sns.amazonaws.com"}
    (key,) = resources(design("email", key="create"), "AWS::KMS::Key")
    assert "sns.amazonaws.com" not in str(key["KeyPolicy"])


def test_queues_and_buses_are_targets_with_a_dead_letter_queue():
    found = design("sqs", "events")
    dead_letters = {"DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["UndeliveredQueue", "Arn"]}}}
    assert rule_of(found, "sqs")["Targets"] == [{"Id": "receiver", "Arn": QUEUE, **dead_letters}]
    role = {"RoleArn": {"Fn::GetAtt": ["ReceiverRole", "Arn"]}}
    assert rule_of(found, "events")["Targets"] == [{"Id": "receiver", "Arn": BUS, **role, **dead_letters}]
    (properties,) = resources(found, "AWS::IAM::Role")
    (statement,) = properties["Policies"][0]["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("events:PutEvents", [BUS])
    (trust,) = properties["AssumeRolePolicyDocument"]["Statement"]
    assert [item["Fn::Sub"].rpartition("/")[2] for item in trust["Condition"]["ArnLike"]["aws:SourceArn"]] == [
        "slack-to-*"
    ]
    assert resources(design("sqs"), "AWS::IAM::Role") == []
    assert resources(design(), "AWS::SQS::Queue") == []


def test_only_channels_mark_findings():
    found = design(*ENDPOINTS, mark_notified=True)
    marking = [rule["Name"] for rule in resources(found, "AWS::Events::Rule") if len(rule["Targets"]) > 1]
    assert marking == ["slack-findings"]


def test_the_longest_names_fit():
    assert len(receivers.role_name("x" * 40, "ap-southeast-1")) <= 64


def test_the_template_is_resolved_without_the_url():
    here = Location("aws", "111111111111", "eu-west-1")
    url = "https://sqs.eu-west-1.amazonaws.com/111111111111/dead"
    found = resolve(template.template(design(*ENDPOINTS)), here, {"UndeliveredQueue": url})
    endpoints = [item["Endpoint"] for item in found.of_type("AWS::SNS::Subscription")]
    assert endpoints == ["a@example.com", "b@example.com", "****"]
    assert found.is_of_channel(here.arn("sns", "slack"))
    assert not found.is_of_channel(here.arn("sns", "slack-to-email"))


def test_a_stack_set_takes_the_url_as_a_parameter_when_it_is_deployed():
    places = [("111111111111", "eu-west-1"), ("111111111111", "us-east-1")]
    designs = [design("email", "https"), replace(design("https"), topics=("slack",))]
    whole = stack_set_resource.deployment("slack", (), [Instance(*place, item) for place, item in zip(places, designs)])
    name = designs[0].receivers[1].parameter
    assert whole["Parameters"][name]["NoEcho"] is True
    properties = whole["Resources"]["StackSet"]["Properties"]
    assert {"ParameterKey": name, "ParameterValue": {"Ref": name}} in properties["Parameters"]
    assert "sentinel" not in json.dumps(whole)
    held = json.loads(properties["TemplateBody"])
    for place, item in zip(places, designs):
        assert stack_set.filled_in(held, place)["Parameters"] == template.template(item)["Parameters"]
    other = replace(designs[1], receivers=(replace(designs[1].receivers[0], endpoints=(f"{URL}2",)),))
    with pytest.raises(UserError, match="one value for each parameter") as refused:
        stack_set_resource.deployment("slack", (), [Instance(*places[0], designs[0]), Instance(*places[1], other)])
    assert "sentinel" not in str(refused.value)
