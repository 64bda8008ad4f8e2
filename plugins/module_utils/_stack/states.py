# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The states of a stack, and the operation that each calls for: pure. PRIVATE to the collection.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .._resource.operation import Operation
from . import receivers
from .resources import SUBSCRIPTION

if TYPE_CHECKING:
    from .._services.cloudformation import StackEvent


# The last operation on a stack in one of these succeeded.
SUCCEEDED = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"})
# A stack in one of these works; its template is the one that was last applied successfully.
STANDING = SUCCEEDED | {"UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}
# A stack in one of these cannot be updated, only deleted.
ONLY_DELETABLE = frozenset({"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"})
# From these, the rollback of a failed update can continue.
RESUMABLE = frozenset({"UPDATE_ROLLBACK_FAILED", "UPDATE_FAILED"})
# How Step Functions refuses a state machine with a call of the new Security Hub that it does not know in the region.
UNKNOWN_CALL = re.compile(r"aws-sdk:securityhub:(\w+V2) is not recognized")
EMPTY = "REVIEW_IN_PROGRESS"  # created by a change set that was never executed: holds no resources, never changes


def in_progress(status: str) -> bool:
    """Tell whether a CloudFormation operation is running on the stack."""
    return status.endswith("_IN_PROGRESS") and status != EMPTY


def next_operation(status: str, *, present: bool, same: bool, tried: frozenset[Operation] = frozenset()) -> Operation:
    """Return the operation that leads from *status* (empty: no stack) towards the desired state.

    *same*: the live stack carries the desired digest. *tried*: the operations already carried out in this run; none is
    carried out twice, so a stack that does not recover ends as STUCK and never in a loop.
    """
    if in_progress(status):
        return Operation.WAIT
    operation = _towards(status, present, same)
    if operation == Operation.DELETE and Operation.DELETE in tried:
        operation = _harder(status, tried)
    if operation in tried:
        return Operation.STUCK
    if operation == Operation.DELETE and tried & {Operation.CREATE, Operation.UPDATE}:
        return Operation.STUCK  # the stack that this run built failed: keep it, for it shows the reason
    return operation


def _harder(status: str, tried: frozenset[Operation]) -> Operation:
    if status != "DELETE_FAILED":
        return Operation.STUCK
    return Operation.DELETE_RETAINING if Operation.DELETE_AGAIN in tried else Operation.DELETE_AGAIN


def _towards(status: str, present: bool, same: bool) -> Operation:
    if not present:
        return Operation.DELETE if status else Operation.NONE
    if not status:
        return Operation.CREATE
    if status == EMPTY or status in ONLY_DELETABLE:
        return Operation.DELETE
    if status in STANDING:
        return Operation.NONE if same else Operation.UPDATE
    return Operation.RESUME if status in RESUMABLE else Operation.STUCK


def path(status: str, *, present: bool, same: bool) -> tuple[Operation, ...]:
    """Return the operations that a run would carry out from *status*, if each of them succeeds."""
    if in_progress(status):
        # A rollback restores the tags, and with them the digest, of the last successful operation.
        return (Operation.WAIT, *path(outcome(status), present=present, same=same and "ROLLBACK" not in status))
    after = {
        Operation.CREATE: "CREATE_COMPLETE",
        Operation.UPDATE: "UPDATE_COMPLETE",
        Operation.RESUME: "UPDATE_ROLLBACK_COMPLETE",
        Operation.DELETE: "",
    }
    steps: list[Operation] = []
    while True:
        operation = next_operation(status, present=present, same=same, tried=frozenset(steps))
        if operation not in after:
            return tuple(steps) if operation == Operation.NONE else (*steps, operation)
        steps.append(operation)
        same = operation in (Operation.CREATE, Operation.UPDATE)
        status = after[operation]


def outcome(status: str) -> str:
    """Return the status that follows one in progress, if all goes well."""
    if status == "DELETE_IN_PROGRESS":
        return ""
    done = status.removesuffix("_IN_PROGRESS").removesuffix("_CLEANUP")
    return done if done.endswith("_COMPLETE") else f"{done}_COMPLETE"


def first_failure(events: list[StackEvent]) -> str:
    """Return what failed first in the latest operation, from stack events (newest first), as one sentence or ''."""
    reason = ""
    for event in _of_latest(events):
        text = event.get("ResourceStatusReason", "")
        if event.get("ResourceStatus", "").endswith("_FAILED") and text and "cancelled" not in text:
            reason = _failure(event, text)
    return reason


def failed_validation(events: list[StackEvent]) -> bool:
    """Tell whether CloudFormation refused the latest operation before it changed anything; stack events lack why."""
    return any(event.get("DetailedStatus") == "VALIDATION_FAILED" for event in _of_latest(events))


def validation_failures(events: list[StackEvent]) -> str:
    """Return why CloudFormation refused the latest operation, from events of operations (newest first)."""
    latest = [event for event in events if event.get("OperationId") == events[0].get("OperationId")]
    found = [event for event in latest if event.get("EventType") == "VALIDATION_ERROR"]
    return "; ".join(_failure(event, event.get("ValidationStatusReason", "").rstrip(".")) for event in found)


def _of_latest(events: list[StackEvent]) -> Iterator[StackEvent]:
    for event in events:
        yield event
        is_first = event.get("ResourceStatus", "").endswith("_IN_PROGRESS")
        if is_first and event.get("ResourceStatusReason") == "User Initiated":
            return


def _failure(event: StackEvent, text: str) -> str:
    kind = event.get("ResourceType")
    # SNS repeats some of the endpoints that it refuses.
    text = receivers.without_keys(text) if kind == SUBSCRIPTION else text
    return f"{event.get('LogicalResourceId')} ({kind}): {text}"
