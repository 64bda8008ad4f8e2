# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The states of a stack and the one operation each calls for: pure. PRIVATE to the collection.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

from __future__ import annotations

# A stack in one of these works; its template is the one that was applied last with success.
STANDING = frozenset(
    {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}
)
# From these no update leads out: AWS allows nothing but deletion.
ONLY_DELETABLE = frozenset({"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"})
# From these an update that failed can go on rolling back.
RESUMABLE = frozenset({"UPDATE_ROLLBACK_FAILED", "UPDATE_FAILED"})
EMPTY = "REVIEW_IN_PROGRESS"  # made by a change set that nobody executed: holds no resource, will never move

# Operations
NONE = "none"
WAIT = "wait"
CREATE = "create"
UPDATE = "update"
DELETE = "delete"
AGAIN = "delete again"  # what a resource resists with often passes, such as a dependency that is on its way out too
RETAIN = "delete without what resists"
RESUME = "resume"  # take a failed update back, or go on doing so
STUCK = "stuck"  # nothing of ours leads out


def in_progress(status: str) -> bool:
    """Tell whether CloudFormation itself is at work on the stack."""
    return status.endswith("_IN_PROGRESS") and status != EMPTY


def next_operation(status: str, *, present: bool, same: bool, tried: frozenset[str] = frozenset()) -> str:
    """Return the operation that leads from *status* (empty: no stack) towards the state wanted.

    *same*: the live stack carries the wanted digest. *tried*: the operations already carried out in this run; none is
    carried out twice, so a stack that does not get better ends as STUCK and never in a loop.
    """
    if in_progress(status):
        return WAIT
    operation = _towards_present(status, same) if present else _towards_absent(status)
    if operation == DELETE and DELETE in tried:
        operation = _harder(status, tried)
    if operation in tried:
        return STUCK
    if operation == DELETE and tried & {CREATE, UPDATE}:
        return STUCK  # what we have just built failed: keep it for the reason it shows
    return operation


def _harder(status: str, tried: frozenset[str]) -> str:
    if status != "DELETE_FAILED":
        return STUCK
    return RETAIN if AGAIN in tried else AGAIN


def _towards_present(status: str, same: bool) -> str:
    if not status:
        return CREATE
    if status == EMPTY or status in ONLY_DELETABLE:
        return DELETE
    if status in STANDING:
        return NONE if same else UPDATE
    return RESUME if status in RESUMABLE else STUCK


def _towards_absent(status: str) -> str:
    return DELETE if status else NONE


def path(status: str, *, present: bool, same: bool) -> tuple[str, ...]:
    """Return the operations that a run would carry out from *status*, if each of them succeeds."""
    if in_progress(status):
        # A stack that rolls back gets back the tags, and with them the digest, of its last success.
        return (WAIT, *path(outcome(status), present=present, same=same and "ROLLBACK" not in status))
    after = {CREATE: "CREATE_COMPLETE", UPDATE: "UPDATE_COMPLETE", RESUME: "UPDATE_ROLLBACK_COMPLETE", DELETE: ""}
    steps: list[str] = []
    while True:
        operation = next_operation(status, present=present, same=same, tried=frozenset(steps))
        if operation not in after:
            return tuple(steps) if operation == NONE else (*steps, operation)
        steps.append(operation)
        same = operation in (CREATE, UPDATE)
        status = after[operation]


def outcome(status: str) -> str:
    """Return the status that follows one in progress, if all goes well."""
    if status == "DELETE_IN_PROGRESS":
        return ""
    done = status.removesuffix("_IN_PROGRESS").removesuffix("_CLEANUP")
    return done if done.endswith("_COMPLETE") else f"{done}_COMPLETE"


def first_failure(events: list[dict[str, object]]) -> str:
    """Return what failed first in the latest operation, from stack events (newest first), as one sentence or ''."""
    reason = ""
    for event in events:
        status = str(event.get("ResourceStatus", ""))
        text = str(event.get("ResourceStatusReason", ""))
        if status.endswith("_FAILED") and text and "cancelled" not in text:
            reason = f"{event.get('LogicalResourceId')} ({event.get('ResourceType')}): {text}"
        if text == "User Initiated" and status.endswith("_IN_PROGRESS"):
            break
    return reason
