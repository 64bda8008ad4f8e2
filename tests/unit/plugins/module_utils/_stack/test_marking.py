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
    assert "notified" not in template.render(off).lower()
    assert "notified" not in template.render(replace(DESIGN, rules=(BY_HAND,))).lower()
    assert off.digest != DESIGN.digest


def test_the_machine_may_only_set_notified_and_the_rules_only_start_it():
    found = resources(DESIGN)
    policies = {
        name: [
            statement
            for policy in found[name]["Properties"]["Policies"]
            for statement in policy["PolicyDocument"]["Statement"]
        ]
        for name in (marking.MACHINE_ROLE, marking.RULE_ROLE)
    }
    assert policies == {
        marking.MACHINE_ROLE: [
            workflow.permission(
                {"Fn::Sub": "arn:${AWS::Partition}:securityhub:${AWS::Region}:${AWS::AccountId}:hub/default"},
                "NOTIFIED",
            )
        ],
        marking.RULE_ROLE: [
            {"Effect": "Allow", "Action": "states:StartExecution", "Resource": {"Ref": marking.MACHINE}}
        ],
    }


def test_the_roles_trust_their_own_machine_and_rules_only():
    found = resources(DESIGN)
    trusted = {
        name: json.dumps(found[name]["Properties"]["AssumeRolePolicyDocument"])
        for name in (marking.MACHINE_ROLE, marking.RULE_ROLE)
    }
    assert ":stateMachine:slack-notified" in trusted[marking.MACHINE_ROLE]
    assert ":rule/slack-findings" in trusted[marking.RULE_ROLE]
    assert ":rule/slack-action" not in trusted[marking.RULE_ROLE]


def test_a_machine_that_marks_carries_the_tags():
    tagged = resources(replace(DESIGN, tags=(("team", "security"),)))
    for name in (marking.MACHINE, marking.MACHINE_ROLE, marking.RULE_ROLE):
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
def test_both_roles_have_the_permissions_boundary(boundary, rendered):
    found = resources(replace(DESIGN, boundary=boundary))
    roles = [resource["Properties"] for resource in found.values() if resource["Type"] == "AWS::IAM::Role"]
    assert [role.get("PermissionsBoundary") for role in roles] == [rendered, rendered]
