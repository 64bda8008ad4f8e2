# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to change on one target, and what keeps it from changing."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._model import layout
from ansible_collections.secops.securityhub.plugins.module_utils._model.plan import TargetDesign
from ansible_collections.secops.securityhub.plugins.module_utils._model.plan import TargetPlan
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import LiveTarget
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import TargetSnapshot
from ansible_collections.secops.securityhub.plugins.module_utils._plan import design
from ansible_collections.secops.securityhub.plugins.module_utils._plan import target
from ansible_collections.secops.securityhub.plugins.module_utils._resource.tags import MANAGED_TAG
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._stack import stack_set
from ansible_collections.secops.securityhub.plugins.module_utils._stack import template
from ansible_collections.secops.securityhub.tests.unit import account_model

NAME = "securityhub-slack"
SETTINGS = account_model.settings()
SNAPSHOT = account_model.AccountModel().snapshot([SETTINGS])
POLICIES = layout.policies_of(SETTINGS, datetime.date(2026, 1, 1))
DESIRED = design.deployment(SETTINGS, SNAPSHOT, POLICIES, [Scope("us-east-1", "us-east-1")])
ACTION = {
    "ActionTargetArn": "arn:aws:securityhub:us-east-1:111111111111:action/custom/SendToSlack",
    "Name": "Send to Slack",
    "Description": DESIRED.action.description,
}
MARK = "Managed by secops.securityhub (securityhub-slack)."
FOREIGN_ACTIONS = [
    {**ACTION, "Name": "Ticket", "Description": "Opens a Jira ticket"},
    {**ACTION, "Description": ""},
    {**ACTION, "Description": "Send this finding. Managed by secops.securityhub (live)."},
    {**ACTION, "Description": f"{MARK} Not any more."},
]
STACK = account_model.stack_of(DESIRED.stack)
OLD = {**STACK, "Tags": [{"Key": "secops.securityhub/managed", "Value": NAME}]}
FOREIGN = {**STACK, "Tags": [{"Key": "owner", "Value": "another team"}]}
EMPTY = {"StackName": NAME, "StackStatus": "REVIEW_IN_PROGRESS"}
HUB_DISABLED = ("Security Hub is not enabled", "Enable it")
FOREIGN_STACK = ("the stack securityhub-slack ", "not managed by this collection", "securityhub_slack_name")


def design_of(live, desired=DESIRED, settings=SETTINGS, problems=()):
    snapshot = TargetSnapshot(settings, account_model.ACCOUNT, live)
    return TargetDesign(snapshot, desired, problems=tuple(problems))


def plan(live, desired=DESIRED, settings=SETTINGS):
    """Return the operations on custom action and stack of a target that nothing blocks."""
    planned = target.plan(design_of(live, desired, settings))
    assert planned.problems == ()
    assert planned.repairs == ()
    return planned.action, " ".join(planned.stack)


def problems(live, desired=DESIRED, settings=SETTINGS, of_design=()):
    """Return the problems of a target that has some, and on which nothing may change."""
    planned = target.plan(design_of(live, desired, settings, of_design))
    assert planned.problems
    assert (planned.action, planned.repairs, planned.stack, planned.changed) == ("none", (), (), False)
    return planned.problems


def contains(sentence, facts):
    assert [fact for fact in facts if fact not in sentence] == []


@pytest.mark.parametrize(
    ("live", "action", "stack"),
    [
        (LiveTarget(True), "create", "create"),
        (LiveTarget(True, ACTION, STACK), "none", ""),
        (LiveTarget(True, {**ACTION, "Name": "To Slack"}, STACK), "update", ""),
        (LiveTarget(True, {**ACTION, "Description": f"Old text. {MARK}"}, STACK), "update", ""),
        (LiveTarget(True, ACTION, OLD), "none", "update"),
        (LiveTarget(True, ACTION, EMPTY), "none", "delete create"),
        (LiveTarget(True, ACTION, {**STACK, "StackStatus": "ROLLBACK_COMPLETE"}), "none", "delete create"),
        (LiveTarget(True, None, {**STACK, "StackStatus": "CREATE_IN_PROGRESS"}), "create", "wait"),
    ],
)
def test_operations_for_a_deployment(live, action, stack):
    assert plan(live) == (action, stack)


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
def test_operations_that_remove_a_deployment(live, action, stack):
    assert plan(live, None) == (action, stack)


def test_our_custom_action_is_marked_with_the_name_of_its_deployment():
    assert DESIRED.action.description.endswith(f" {MARK}")


@pytest.mark.parametrize("action", FOREIGN_ACTIONS, ids=["of others", "no text", "another deployment", "mark inside"])
def test_a_foreign_custom_action_is_never_changed(action):
    for settings in (SETTINGS, account_model.settings(use_stack_set=True)):
        assert (
            "the custom action SendToSlack already exists and is not managed by this collection. Choose another "
            "securityhub_slack_action_id."
        ) in problems(LiveTarget(True, action, STACK), settings=settings)
    assert plan(LiveTarget(True, action, STACK), None) == ("none", "delete")


@pytest.mark.parametrize("desired", [DESIRED, None])
def test_a_foreign_stack_is_refused(desired):
    (foreign,) = problems(LiveTarget(True, None, FOREIGN), desired)
    contains(foreign, FOREIGN_STACK)


def test_all_problems_are_reported_together():
    live = LiveTarget(False, None, FOREIGN)
    disabled, foreign = problems(live)
    contains(disabled, HUB_DISABLED)
    contains(foreign, FOREIGN_STACK)
    # A target that should be present, and whose deployment could not be designed.
    assert problems(live, None, of_design=["no such channel."]) == ("no such channel.", disabled, foreign)
    absent = account_model.settings(state="absent")
    assert problems(live, None, absent) == (foreign,)
    assert problems(live, None, absent, ["no answer."]) == ("no answer.", foreign)


def test_blockers_are_reported_with_the_other_problems_and_each_once():
    planned = target.plan(design_of(LiveTarget(False)), ("no room.", "no room."))
    disabled, blocker = planned.problems
    contains(disabled, HUB_DISABLED)
    assert blocker == "no room."
    assert target.plan(design_of(LiveTarget(True)), ("no room.",)) == TargetPlan(
        design_of(LiveTarget(True)), problems=("no room.",)
    )


def test_of_a_target_that_could_not_be_read_only_that_is_reported():
    unread = design_of(LiveTarget(), None, problems=["no answer."])
    assert target.plan(unread, was_read=False).problems == ("no answer.",)


@pytest.mark.parametrize("hub", [False, None])
def test_without_security_hub_nothing_is_deployed(hub):
    (disabled,) = problems(LiveTarget(hub))
    contains(disabled, HUB_DISABLED)


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ({}, "is in IMPORT_ROLLBACK_FAILED, which cannot be updated"),
        (
            {"StackStatusReason": "The bucket is not importable."},
            "is in IMPORT_ROLLBACK_FAILED (The bucket is not importable), which cannot be updated",
        ),
    ],
)
def test_a_stack_that_cannot_be_updated_is_refused_with_its_reason(reason, shown):
    live = LiveTarget(True, ACTION, {**STACK, "StackStatus": "IMPORT_ROLLBACK_FAILED", **reason})
    (stuck,) = problems(live)
    contains(stuck, ["the stack securityhub-slack ", shown, "securityhub_slack_state=absent"])
    assert plan(live, None) == ("delete", "delete")


@pytest.mark.parametrize(
    ("members", "changed"),
    [
        ({}, False),
        ({"stack": ("wait",)}, False),
        ({"stack": ("wait", "update")}, True),
        ({"action": "update"}, True),
    ],
)
def test_waiting_changes_nothing(members, changed):
    assert TargetPlan(design_of(LiveTarget(True)), **members).changed is changed


def test_other_tags_of_the_user_update_the_stack():
    tagged = replace(DESIRED, stack=replace(DESIRED.stack, tags=(("Team", "security"),)))
    assert plan(LiveTarget(True, ACTION, STACK), tagged) == ("none", "update")


OF_STACK_SET = account_model.settings(use_stack_set=True)
STACK_OF_STACK_SET = {
    "StackName": "StackSet-securityhub-slack-0f1e",
    "StackStatus": "CREATE_COMPLETE",
    "Tags": [{"Key": MANAGED_TAG, "Value": "securityhub-slack"}],
    "Outputs": [
        {"OutputKey": name, "OutputValue": template.stack_tags(DESIRED.stack)[tag]}
        for name, tag in stack_set.MARKS.items()
        if tag in template.stack_tags(DESIRED.stack)
    ],
}


@pytest.mark.parametrize(
    ("action", "stack", "desired", "operation"),
    [
        (None, STACK_OF_STACK_SET, DESIRED, "create"),
        (ACTION, STACK_OF_STACK_SET, DESIRED, "none"),
        (ACTION, STACK_OF_STACK_SET, None, "delete"),
        (None, None, None, "none"),
    ],
)
def test_beside_the_stack_of_a_stack_set_only_the_custom_action_is_written(action, stack, desired, operation):
    assert plan(LiveTarget(True, action, stack), desired, OF_STACK_SET) == (operation, "")


@pytest.mark.parametrize(
    ("stack", "facts"),
    [
        (None, ["no stack has the topic securityhub-slack."]),
        (FOREIGN, ["the stack securityhub-slack, which has the topic", "another template"]),
        ({**STACK_OF_STACK_SET, "StackStatus": "UPDATE_IN_PROGRESS"}, ["-0f1e is in UPDATE_IN_PROGRESS"]),
        (OLD, ["the stack securityhub-slack was created from other variables"]),
    ],
)
def test_a_stack_that_a_stack_set_has_to_create_is_refused_and_never_written(stack, facts):
    (problem,) = problems(LiveTarget(True, ACTION, stack), settings=OF_STACK_SET)
    contains(problem, ["securityhub_slack_use_stack_set", "secops.securityhub.securityhub_slack_export", *facts])


def test_all_problems_beside_a_stack_set_are_reported_together():
    disabled, missing = problems(LiveTarget(False), settings=OF_STACK_SET)
    contains(disabled, HUB_DISABLED)
    contains(missing, ["securityhub_slack_use_stack_set"])
