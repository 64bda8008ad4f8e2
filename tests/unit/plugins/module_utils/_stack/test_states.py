# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._stack import states
from hypothesis import given
from hypothesis import strategies as st

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html, and '' for no stack.
# status -> path to a wanted stack that differs, to one that is the same already, to none at all
PATHS = {
    "": ("create", "create", ""),
    "CREATE_IN_PROGRESS": ("wait update", "wait", "wait delete"),
    "CREATE_COMPLETE": ("update", "", "delete"),
    "CREATE_FAILED": ("delete create", "delete create", "delete"),
    "ROLLBACK_IN_PROGRESS": ("wait delete create", "wait delete create", "wait delete"),
    "ROLLBACK_COMPLETE": ("delete create", "delete create", "delete"),
    "ROLLBACK_FAILED": ("delete create", "delete create", "delete"),
    "DELETE_IN_PROGRESS": ("wait create", "wait create", "wait"),
    "DELETE_FAILED": ("delete create", "delete create", "delete"),
    "REVIEW_IN_PROGRESS": ("delete create", "delete create", "delete"),
    "UPDATE_IN_PROGRESS": ("wait update", "wait", "wait delete"),
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": ("wait update", "wait", "wait delete"),
    "UPDATE_COMPLETE": ("update", "", "delete"),
    "UPDATE_FAILED": ("resume update", "resume update", "delete"),
    # The tags, and so the digest, go back to those of the last success.
    "UPDATE_ROLLBACK_IN_PROGRESS": ("wait update", "wait update", "wait delete"),
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": ("wait update", "wait update", "wait delete"),
    "UPDATE_ROLLBACK_COMPLETE": ("update", "", "delete"),
    "UPDATE_ROLLBACK_FAILED": ("resume update", "resume update", "delete"),
    "IMPORT_IN_PROGRESS": ("wait update", "wait", "wait delete"),
    "IMPORT_COMPLETE": ("update", "", "delete"),
    "IMPORT_ROLLBACK_IN_PROGRESS": ("wait update", "wait update", "wait delete"),
    "IMPORT_ROLLBACK_COMPLETE": ("update", "", "delete"),
    "IMPORT_ROLLBACK_FAILED": ("stuck", "stuck", "delete"),
}
ALREADY = ["create", "update", "delete", "delete again", "delete, retaining what cannot be deleted", "resume"]


@pytest.mark.parametrize(("status", "paths"), PATHS.items())
def test_path_from_every_status(status, paths):
    differs, same, absent = paths
    assert states.path(status, present=True, same=False) == tuple(differs.split())
    assert states.path(status, present=True, same=True) == tuple(same.split())
    assert states.path(status, present=False, same=False) == tuple(absent.split())


@pytest.mark.parametrize("status", PATHS)
def test_the_first_step_of_the_path_is_the_next_operation(status):
    for present, same in ((True, False), (True, True), (False, False)):
        path = states.path(status, present=present, same=same)
        assert states.next_operation(status, present=present, same=same) == (path[0] if path else "none")


@pytest.mark.parametrize(
    ("status", "present", "tried", "operation"),
    [
        ("DELETE_FAILED", True, {"delete"}, "delete again"),
        ("DELETE_FAILED", False, {"delete"}, "delete again"),
        ("DELETE_FAILED", False, {"delete", "delete again"}, "delete, retaining what cannot be deleted"),
        ("DELETE_FAILED", False, {"delete", "delete again", "delete, retaining what cannot be deleted"}, "stuck"),
        ("UPDATE_COMPLETE", False, {"delete"}, "stuck"),
        ("UPDATE_ROLLBACK_COMPLETE", True, {"update"}, "stuck"),
        ("UPDATE_ROLLBACK_COMPLETE", True, {"resume"}, "update"),
        ("UPDATE_ROLLBACK_FAILED", True, {"resume"}, "stuck"),
        # What this run has built and what failed stays for the reason it shows.
        ("ROLLBACK_COMPLETE", True, {"create"}, "stuck"),
        ("ROLLBACK_FAILED", True, {"delete", "create"}, "stuck"),
        ("", True, {"delete"}, "create"),
        ("", True, {"create"}, "stuck"),
        ("", False, {"delete"}, "none"),
        ("CREATE_IN_PROGRESS", True, {"create"}, "wait"),
    ],
)
def test_no_operation_is_tried_twice(status, present, tried, operation):
    assert states.next_operation(status, present=present, same=False, tried=frozenset(tried)) == operation


@given(
    start=st.sampled_from(sorted(PATHS)),
    answers=st.lists(st.sampled_from(sorted(PATHS)), min_size=20, max_size=20),
    present=st.booleans(),
)
def test_whatever_aws_answers_a_run_ends(start, answers, present):
    tried, status = set(), start
    for answer in answers:
        operation = states.next_operation(status, present=present, same=False, tried=frozenset(tried))
        if operation in ("none", "stuck"):
            return
        assert operation not in tried
        if operation != "wait":
            tried.add(operation)
        status = answer
    assert len(tried) <= len(ALREADY)


def event(status, reason="", resource="TopicX", kind="AWS::SNS::Topic"):
    return {
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "LogicalResourceId": resource,
        "ResourceType": kind,
    }


# Newest first, as DescribeStackEvents answers.
FAILED_CREATE = [
    event("ROLLBACK_COMPLETE"),
    event("CREATE_FAILED", "Resource creation cancelled", "RuleY", "AWS::Events::Rule"),
    event("CREATE_FAILED", "no permission"),
    event("CREATE_IN_PROGRESS"),
    event("CREATE_IN_PROGRESS", "User Initiated", "pipe", "AWS::CloudFormation::Stack"),
]


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([], ""),
        (FAILED_CREATE, "TopicX (AWS::SNS::Topic): no permission"),
        # An earlier operation's failure is not this one's.
        ([event("DELETE_IN_PROGRESS", "User Initiated"), *FAILED_CREATE], ""),
        ([{"ResourceStatus": "DELETE_FAILED", "ResourceStatusReason": "in use"}], "None (None): in use"),
    ],
)
def test_first_failure_of_the_latest_operation(events, reason):
    assert states.first_failure(events) == reason


def test_a_resource_that_was_cancelled_is_not_the_first_failure():
    cancelled = {"ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": "Resource creation cancelled"}
    failed = {"ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": "Access denied"}
    events = [failed, cancelled]  # newest first: the cancellation came before
    named = [{"LogicalResourceId": "Rule", "ResourceType": "AWS::Events::Rule", **event} for event in events]
    assert states.first_failure(named) == "Rule (AWS::Events::Rule): Access denied"


def test_why_a_validation_failed():
    stack = {"LogicalResourceId": "pipe", "ResourceType": "AWS::CloudFormation::Stack"}
    failed = {"ResourceStatus": "CREATE_FAILED", "DetailedStatus": "VALIDATION_FAILED", **stack}
    begun = {"ResourceStatus": "CREATE_IN_PROGRESS", "ResourceStatusReason": "User Initiated", **stack}
    assert states.failed_validation([event("ROLLBACK_COMPLETE"), failed, begun])
    assert not states.failed_validation([event("CREATE_FAILED", "no permission"), begun, failed])
    error = {"EventType": "VALIDATION_ERROR", "OperationId": "2", "ResourceType": "AWS::SNS::Topic"}
    operation = [
        {"EventType": "PROVISIONING_ERROR", "OperationId": "2"},
        {**error, "LogicalResourceId": "A", "ValidationStatusReason": "It exists."},
        {**error, "LogicalResourceId": "B", "ValidationStatusReason": "It is wrong."},
        {**error, "LogicalResourceId": "C", "ValidationStatusReason": "Of an earlier operation.", "OperationId": "1"},
    ]
    assert states.validation_failures(operation) == "A (AWS::SNS::Topic): It exists; B (AWS::SNS::Topic): It is wrong"
    assert states.validation_failures([]) == ""


def test_the_reason_why_a_subscription_failed_has_no_key():
    reason = (
        "Invalid parameter: Unreachable endpoint HTTPS://user:word@pager.example:8443/key?x=word (Status Code: 400)"
    )
    event = {"LogicalResourceId": "Subscription", "ResourceType": "AWS::SNS::Subscription"}
    found = states.first_failure([{**event, "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": reason}])
    assert "Unreachable endpoint HTTPS://pager.example:8443/... (Status Code: 400)" in found
    assert "word" not in found
