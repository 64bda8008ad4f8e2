# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may do what in a stack that marks findings, and that nothing of it is there unless asked for."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._securityhub import workflow
from ansible_collections.secops.securityhub.plugins.module_utils._stack import marking
from ansible_collections.secops.securityhub.plugins.module_utils._stack import template

FINDINGS = template.Rule("slack-findings", "automatic", {"source": ["aws.securityhub"]}, "slack", automatic=True)
BY_HAND = template.Rule("slack-action", "by hand", {"source": ["aws.securityhub"]}, "slack")
DESIGN = template.StackDesign("slack", ("slack",), (FINDINGS, BY_HAND), mark_notified=True)
END = template.Rule("slack-resolved", "over", {"source": ["aws.securityhub"]}, "slack", resolved=True)
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
    may_mark, may_read, _may_start = policy["PolicyDocument"]["Statement"]
    hub = {"Fn::Sub": "arn:${AWS::Partition}:securityhub:${AWS::Region}:${AWS::AccountId}:hub/default"}
    assert may_mark == workflow.permission(hub, "NOTIFIED", user_defined=True)
    assert may_read == {"Effect": "Allow", "Action": "securityhub:GetFindings", "Resource": hub}
    assert targets(RESOLVED, "slack-resolved") == ["topic", "notified"]


@pytest.mark.parametrize(("design", "comment"), [(DESIGN, False), (RESOLVED, True)])
def test_in_the_new_hub_the_role_may_set_one_status_and_with_the_end_of_findings_the_comment(design, comment):
    (policy,) = resources(replace(design, ocsf=True))[marking.ROLE]["Properties"]["Policies"]
    hub = {"Fn::Sub": "arn:${AWS::Partition}:securityhub:${AWS::Region}:${AWS::AccountId}:hubv2/default"}
    may_mark, *may_read, _may_start = policy["PolicyDocument"]["Statement"]
    assert may_mark == workflow.ocsf_permission(hub, ["NOTIFIED"], comment=comment)
    assert [item["Action"] for item in may_read] == ["securityhub:GetFindings"] * comment


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
