# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import UserError
from ansible_collections.secops.securityhub.plugins.module_utils._model import names as desired
from ansible_collections.secops.securityhub.plugins.module_utils._model.plan import TargetPlan
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import LiveTarget
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline.plan import plan
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline.plan import problems
from ansible_collections.secops.securityhub.plugins.module_utils._stack import stack_set
from ansible_collections.secops.securityhub.tests.unit import account_model as fleet

NAME = "securityhub-slack"
SETTINGS = fleet.settings()
WANTED = desired.pipeline(SETTINGS, fleet.ACCOUNT, (({"source": ["aws.securityhub"]},),), ())
ACTION = {
    "ActionTargetArn": "arn:aws:securityhub:us-east-1:111111111111:action/custom/SendToSlack",
    "Name": "Send to Slack",
    "Description": "Send this finding to the Slack channel",
}
STACK = fleet.stack_of(WANTED.stack)
OLD = {**STACK, "Tags": [{"Key": "secops.securityhub/managed", "Value": NAME}]}
FOREIGN = {**STACK, "Tags": [{"Key": "owner", "Value": "somebody"}]}
EMPTY = {"StackName": NAME, "StackStatus": "REVIEW_IN_PROGRESS"}


@pytest.mark.parametrize(
    ("live", "action", "stack"),
    [
        (LiveTarget(True), "create", "create"),
        (LiveTarget(True, ACTION, STACK), "none", ""),
        (LiveTarget(True, {**ACTION, "Name": "To Slack"}, STACK), "update", ""),
        (LiveTarget(True, {**ACTION, "Description": ""}, STACK), "update", ""),
        (LiveTarget(True, ACTION, OLD), "none", "update"),
        (LiveTarget(True, ACTION, EMPTY), "none", "delete create"),
        (LiveTarget(True, ACTION, {**STACK, "StackStatus": "ROLLBACK_COMPLETE"}), "none", "delete create"),
        (LiveTarget(True, None, {**STACK, "StackStatus": "CREATE_IN_PROGRESS"}), "create", "wait"),
    ],
)
def test_towards_a_pipeline(live, action, stack):
    assert plan(SETTINGS, WANTED, live) == TargetPlan(action, stack=tuple(stack.split()))


@pytest.mark.parametrize(
    ("live", "action", "stack"),
    [
        (LiveTarget(True), "none", ""),
        (LiveTarget(False), "none", ""),
        (LiveTarget(True, ACTION, STACK), "delete", "delete"),
        (LiveTarget(False, None, OLD), "none", "delete"),
        (LiveTarget(True, ACTION), "delete", ""),
        (LiveTarget(True, None, {**STACK, "StackStatus": "DELETE_IN_PROGRESS"}), "none", "wait"),
    ],
)
def test_towards_nothing(live, action, stack):
    assert plan(SETTINGS, None, live) == TargetPlan(action, stack=tuple(stack.split()))


@pytest.mark.parametrize("wanted", [WANTED, None])
def test_a_foreign_stack_is_refused(wanted):
    with pytest.raises(UserError, match="the stack securityhub-slack is there, but was not made by this collection"):
        plan(SETTINGS, wanted, LiveTarget(True, None, FOREIGN))


def test_all_that_is_wrong_is_said():
    live = LiveTarget(False, None, FOREIGN)
    for wanted in (WANTED, None):
        off, foreign = problems(SETTINGS, wanted, live, present=True)
        assert off.startswith("Security Hub is not enabled there")
        assert foreign.startswith("the stack securityhub-slack is there")
    assert problems(SETTINGS, None, live, present=False) == [foreign]


@pytest.mark.parametrize("hub", [False, None])
def test_without_a_hub_nothing_is_built(hub):
    with pytest.raises(UserError, match="Security Hub is not enabled there: enable it"):
        plan(SETTINGS, WANTED, LiveTarget(hub))


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ({}, "is in IMPORT_ROLLBACK_FAILED, which no update leads out of"),
        (
            {"StackStatusReason": "The bucket is not importable."},
            r"is in IMPORT_ROLLBACK_FAILED \(The bucket is not importable\), which no update leads out of",
        ),
    ],
)
def test_a_stack_that_nothing_leads_out_of_is_refused_with_its_reason(reason, told):
    live = LiveTarget(True, ACTION, {**STACK, "StackStatus": "IMPORT_ROLLBACK_FAILED", **reason})
    with pytest.raises(UserError, match=told):
        plan(SETTINGS, WANTED, live)
    assert plan(SETTINGS, None, live) == TargetPlan("delete", stack=("delete",))


@pytest.mark.parametrize(
    ("planned", "changed"),
    [
        (TargetPlan(), False),
        (TargetPlan(stack=("wait",)), False),
        (TargetPlan(stack=("wait", "update")), True),
        (TargetPlan(action="update"), True),
    ],
)
def test_waiting_changes_nothing(planned, changed):
    assert planned.changed is changed


def test_tags_of_the_user_make_another_stack():
    tagged = replace(WANTED, stack=replace(WANTED.stack, tags=(("Team", "security"),)))
    assert plan(SETTINGS, tagged, LiveTarget(True, ACTION, STACK)) == TargetPlan("none", stack=("update",))


OF_A_SET = fleet.settings(use_stack_set=True)
STACK_OF_A_SET = {
    "StackName": "StackSet-securityhub-slack-0f1e",
    "StackStatus": "CREATE_COMPLETE",
    "Parameters": [
        {"ParameterKey": name, "ParameterValue": value} for name, value in stack_set.merge([WANTED.stack])[1][0].items()
    ],
}


def test_beside_the_stack_of_a_stack_set_there_is_the_custom_action_alone():
    assert plan(OF_A_SET, WANTED, LiveTarget(True, None, STACK_OF_A_SET)) == TargetPlan("create")
    assert plan(OF_A_SET, WANTED, LiveTarget(True, ACTION, STACK_OF_A_SET)) == TargetPlan()
    assert plan(OF_A_SET, None, LiveTarget(True, ACTION, STACK_OF_A_SET)) == TargetPlan("delete")
    assert plan(OF_A_SET, None, LiveTarget(True, None, None)) == TargetPlan()


@pytest.mark.parametrize(
    ("stack", "why"),
    [
        (None, "no stack has the topic securityhub-slack: run"),
        (FOREIGN, "the stack securityhub-slack, which has the topic, is of another template: run"),
        ({**STACK_OF_A_SET, "StackStatus": "UPDATE_IN_PROGRESS"}, "-0f1e is in UPDATE_IN_PROGRESS: run"),
        (OLD, "the stack securityhub-slack was made from other variables than the inventory holds now: run"),
    ],
)
def test_a_stack_that_a_stack_set_has_to_bring_is_refused_and_never_written(stack, why):
    with pytest.raises(UserError, match=f"a stack set is to make its stack, and .*{why} the playbook .*_export.yml"):
        plan(OF_A_SET, WANTED, LiveTarget(True, ACTION, stack))


def test_all_that_is_wrong_beside_a_stack_set_is_said():
    off, missing = problems(OF_A_SET, WANTED, LiveTarget(False), present=True)
    assert off.startswith("Security Hub is not enabled there")
    assert missing.startswith("a stack set is to make its stack")
