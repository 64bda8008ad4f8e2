# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what in a stack that marks findings, and that nothing of it is there unless asked for."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._channel import message
from ansible_collections.secops.securityhub.plugins.module_utils._securityhub import workflow
from ansible_collections.secops.securityhub.plugins.module_utils._stack import alarms
from ansible_collections.secops.securityhub.plugins.module_utils._stack import encryption
from ansible_collections.secops.securityhub.plugins.module_utils._stack import marking
from ansible_collections.secops.securityhub.plugins.module_utils._stack import resources as stack_resources
from ansible_collections.secops.securityhub.plugins.module_utils._stack import template
from ansible_collections.secops.securityhub.tests.unit import emulator_python

FINDINGS = template.Rule("slack-findings", "automatic", {"source": ["aws.securityhub"]}, "slack", automatic=True)
BY_HAND = template.Rule("slack-action", "by hand", {"source": ["aws.securityhub"]}, "slack")
DESIGN = template.StackDesign("slack", ("slack",), (FINDINGS, BY_HAND), mark_notified=True)
END = template.Rule(
    "slack-resolved",
    "over",
    {"source": ["aws.securityhub"]},
    "slack",
    resolved=True,
    transformer=message.resolved("slack", "slack", trusted=True, ocsf=False),
)
RESOLVED = replace(DESIGN, rules=(FINDINGS, END, BY_HAND))


def resources(design):
    return template.template(design)["Resources"]


def targets(design, name):
    rule = resources(design)[template.logical_id("Rule", name)]
    return [target["Id"] for target in rule["Properties"]["Targets"]]


def test_only_automatic_rules_start_the_machine():
    assert targets(DESIGN, "slack-findings") == ["topic", "notified"]
    assert targets(DESIGN, "slack-action") == ["topic"]


def test_nothing_of_it_is_there_unless_asked_for_or_without_an_automatic_rule():
    off = replace(DESIGN, mark_notified=False)
    assert "notified" not in off.text.lower()
    assert "notified" not in replace(DESIGN, rules=(BY_HAND,)).text.lower()
    assert off.digest != DESIGN.digest


def test_the_role_may_only_set_notified_and_start_the_machine():
    (policy,) = resources(DESIGN)[marking.ROLE]["Properties"]["Policies"]
    here = "${AWS::Region}:${AWS::AccountId}"
    assert policy["PolicyDocument"]["Statement"] == [
        workflow.permission({"Fn::Sub": f"arn:${{AWS::Partition}}:securityhub:{here}:hub/default"}, "NOTIFIED"),
        {
            "Effect": "Allow",
            "Action": "states:StartExecution",
            "Resource": {"Fn::Sub": f"arn:${{AWS::Partition}}:states:{here}:stateMachine:slack-notified"},
        },
    ]


def test_with_the_end_of_findings_the_role_may_also_read_and_set_user_defined_fields():
    (policy,) = resources(RESOLVED)[marking.ROLE]["Properties"]["Policies"]
    may_mark, may_read, may_publish, _may_start = policy["PolicyDocument"]["Statement"]
    hub = {"Fn::Sub": "arn:${AWS::Partition}:securityhub:${AWS::Region}:${AWS::AccountId}:hub/default"}
    assert may_mark == workflow.permission(hub, "NOTIFIED", user_defined=True)
    assert may_read == {"Effect": "Allow", "Action": "securityhub:GetFindings", "Resource": hub}
    topic = {"Fn::Sub": "arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:slack"}
    assert may_publish == {"Effect": "Allow", "Action": "sns:Publish", "Resource": [topic]}


@pytest.mark.parametrize("key", ["create", "alias/security"])
def test_with_the_end_of_findings_the_role_may_use_the_key_of_the_topics_through_sns(key):
    (policy,) = resources(replace(RESOLVED, key=key))[marking.ROLE]["Properties"]["Policies"]
    assert encryption.permission("slack", key) in policy["PolicyDocument"]["Statement"]
    (policy,) = resources(replace(DESIGN, key=key))[marking.ROLE]["Properties"]["Policies"]
    assert "kms" not in json.dumps(policy)


def test_a_rule_that_reports_the_end_only_starts_the_machine_and_keeps_what_it_could_not_start():
    found = resources(replace(RESOLVED, alarms=alarms.Alarms()))
    (target,) = found[template.logical_id("Rule", "slack-resolved")]["Properties"]["Targets"]
    assert target == {
        "Id": "notified",
        "Arn": {"Ref": marking.MACHINE},
        "RoleArn": {"Fn::GetAtt": [marking.ROLE, "Arn"]},
        "DeadLetterConfig": {"Arn": alarms.QUEUE_ARN},
        "InputTransformer": END.transformer,
    }
    assert "slack-resolved" not in json.dumps(found[template.logical_id("TopicPolicy", "slack")])
    assert "slack-resolved" in json.dumps(found[alarms.QUEUE_POLICY])


@pytest.mark.parametrize(("design", "comment"), [(DESIGN, False), (RESOLVED, True)])
def test_in_the_new_hub_the_role_may_set_one_status_and_with_the_end_of_findings_the_comment(design, comment):
    (policy,) = resources(replace(design, ocsf=True))[marking.ROLE]["Properties"]["Policies"]
    hub = {"Fn::Sub": "arn:${AWS::Partition}:securityhub:${AWS::Region}:${AWS::AccountId}:hubv2/*"}
    may_mark, *more, _may_start = policy["PolicyDocument"]["Statement"]
    assert may_mark == workflow.ocsf_permission(hub, ["NOTIFIED"], comment=comment)
    assert [item["Action"] for item in more] == ["securityhub:GetFindings", "sns:Publish"] * comment


def test_the_role_trusts_its_own_machine_and_rules_only():
    document = resources(DESIGN)[marking.ROLE]["Properties"]["AssumeRolePolicyDocument"]
    trusted = {item["Principal"]["Service"]: json.dumps(item["Condition"]) for item in document["Statement"]}
    assert trusted.keys() == {"states.amazonaws.com", "events.amazonaws.com"}
    assert ":stateMachine:slack-notified" in trusted["states.amazonaws.com"]
    assert '${AWS::AccountId}:rule/slack-*"' in trusted["events.amazonaws.com"]


def test_the_name_of_the_role_fits_with_the_longest_names():
    longest = replace(DESIGN, name="s" * 40)
    name = resources(longest)[marking.ROLE]["Properties"]["RoleName"]["Fn::Sub"]
    assert len(name.replace("${AWS::Region}", "ap-southeast-1")) == 64


def test_a_machine_that_marks_carries_the_tags():
    tagged = resources(replace(DESIGN, tags=(("team", "security"),)))
    for name in (marking.MACHINE, marking.ROLE):
        assert tagged[name]["Properties"]["Tags"] == [{"Key": "team", "Value": "security"}]


@pytest.mark.parametrize(
    ("boundary", "rendered"),
    [
        ("", None),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        # Without the account, the stacks of all accounts of a StackSet have the same template.
        (
            "arn:aws:iam::111111111111:policy/team/boundary",
            {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/team/boundary"},
        ),
    ],
)
def test_the_role_has_the_permissions_boundary(boundary, rendered):
    found = resources(replace(DESIGN, boundary=boundary))
    roles = [resource["Properties"] for resource in found.values() if resource["Type"] == "AWS::IAM::Role"]
    assert [role.get("PermissionsBoundary") for role in roles] == [rendered]


ENDED = "2026-11-23T12:00:00Z"
OPEN_FOR = {
    "2026-11-23T12:00:00Z": " after less than a minute",
    "2026-11-23T11:59:01Z": " after less than a minute",
    "2026-11-23T11:59:00Z": " after 1 minute",
    "2026-11-23T11:00:01Z": " after 59 minutes",
    "2026-11-23T11:00:00Z": " after 1 hour",
    "2026-11-23T10:00:00Z": " after 2 hours",
    "2026-11-21T12:00:01Z": " after 47 hours",
    "2026-11-21T12:00:00Z": " after 2 days",
    "2025-10-19T12:00:00Z": " after 400 days",
    "2024-02-29T12:00:00Z": " after 998 days",
    "2023-11-23T12:00:00Z": " after 1,096 days",
    "2026-11-23T12:00:01Z": "",
    "2026-02-30T12:00:00Z": "",
    "2025-02-29T12:00:00Z": "",
    "2026-11-31T12:00:00Z": "",
    "2026-13-01T12:00:00Z": "",
    "2026-11-23T24:00:00Z": "",
    "2026-11-23T10:00:00Z <!channel>": "",
    "<!channel> 2026-11-23T10:00:00Z": "",
    "2026-11-23T10:00:00Z\n": "",
    "": "",
}


@pytest.mark.parametrize("ocsf", [False, True])
def test_the_message_says_for_how_long_a_finding_was_open_unless_its_mark_does_not_say_when_it_was_sent(ocsf):
    design = replace(RESOLVED, ocsf=ocsf)
    here = stack_resources.Location("aws", "111111111111", "eu-west-1")
    (machine,) = stack_resources.resolve(template.template(design), here).of_type(stack_resources.STATE_MACHINE)
    arguments = json.loads(machine["DefinitionString"])["States"]["Report"]["Arguments"]
    severity, mark = ("High", "Sent as High by slack at ") if ocsf else ("HIGH", "HIGH at ")
    shown = {"content": {"title": "$x"}, "metadata": {"threadId": "1"}}
    inputs = [
        {"topic": "slack", "mark": mark + at, "ended": ENDED, "state": ": A", "about": " B\nC", "notification": shown}
        for at in OPEN_FOR
    ]
    assert set(emulator_python.evaluated(arguments["TopicArn"], inputs)) == {"arn:aws:sns:eu-west-1:111111111111:slack"}
    for text, words in zip(emulator_python.evaluated(arguments["Message"], inputs), OPEN_FOR.values()):
        description = f"*No longer open{words}*: A\nSent as {severity} B\nC"
        assert json.loads(text) == {**shown, "content": {"title": "$x", "description": description}}
