# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leads many stacks to their desired state in parallel, in polling rounds. PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from dataclasses import replace
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

from .._aws import errors
from .._aws import parallel
from .._aws.errors import UserError
from .._aws.few import few_of
from .._model.drift import ALARM_TOPIC
from .._model.drift import LISTENER
from .._model.drift import SUBSCRIPTION
from .._model.snapshot import LiveTarget
from .._observe import targets
from .._plan import drift
from .._resource.operation import Operation
from .._resource.ownership import not_managed
from .._services import cloudformation
from .._stack import live as stacks
from .._stack import receivers
from .._stack import states
from .._stack import template
from .._stack.resources import SUBSCRIPTION as SUBSCRIPTION_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Sequence

    from .._aws.clients import Clients
    from .._aws.progress import Progress
    from .._model.account import Account
    from .._model.settings import Settings
    from .._services.cloudformation import Stack
    from .._services.cloudformation import StackResource
    from .._stack.template import StackDesign

FIRST_PAUSE = 0.5  # seconds; the pause grows by half each round
LONGEST_PAUSE = 5.0
# Drift that the stack cannot have caused.
LATER = frozenset({ALARM_TOPIC, LISTENER, SUBSCRIPTION})
# The variables that bring state machines, with their value for none.
OFF = {"mark_notified": "false", "report_resolved": "false", "digest_schedule": "''"}


@dataclass(frozen=True)
class Work:
    """One stack on its way. *design*: None to delete it. *live*: the stack as last read, None without one.

    *done*: the operations started so far. *left_behind*: in words, with the reason, resources that could not be deleted
    and do not belong to a stack any more. *is_fresh*: *live* was read in this round. *express*: create and update it in
    express mode. *refused*: CloudFormation did not accept that.
    """

    settings: Settings
    account: Account | None
    design: StackDesign | None
    live: Stack | None
    done: tuple[Operation, ...] = ()
    left_behind: tuple[str, ...] = ()
    error: Exception | None = None
    finished: bool = False
    is_fresh: bool = True
    express: bool = False
    refused: bool = False


# A frozen value with ``settings``, ``error`` and ``finished``.
Item = TypeVar("Item", bound=Any)


def in_rounds(items: Sequence[Item], advance: Callable[[Item, float], Item], progress: Progress) -> list[Item]:
    """Return *items* after *advance* has been called on each, round after round, until it has finished or failed.

    *advance* gets an item and the time.monotonic() at which the first round began, and returns the item's next value.
    No thread sleeps in between, so that many stacks need few threads.
    """
    started = time.monotonic()
    pause = FIRST_PAUSE
    current = list(items)
    active = list(range(len(current)))
    while True:
        advanced = parallel.recovered(
            lambda index: advance(current[index], started),
            active,
            lambda index, error: replace(current[index], error=error),
        )
        for index, item in zip(active, advanced):
            current[index] = item
        active = [index for index in active if not current[index].finished and current[index].error is None]
        if not active:
            progress.now("Writing to AWS")
            return current
        progress.now(_progress(current, [current[index] for index in active], time.monotonic() - started))
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)


def _progress(items: Sequence[Item], active: Sequence[Item], seconds: float) -> str:
    hosts = sorted(item.settings.host for item in active)
    done = len(items) - len(active)
    left = f", about {seconds / done * len(active):.0f} s left" if done and seconds >= 1 else ""
    return f"Stacks {done}/{len(items)}{left}, waiting for {few_of(hosts, 4)}"


def advanced(aws: Clients, work: Work, started: float) -> Work:
    """Read the stack, unless it was just read, and start the operation that it needs next, if any."""
    if not work.is_fresh:
        work = replace(work, live=_call(aws, work, cloudformation.describe_stack))
    if stacks.is_foreign(work.live):  # created by others since the plan was made
        raise UserError(not_managed(f"the stack {work.settings.name}"))
    work = replace(work, is_fresh=False)
    operation = states.next_operation(
        stacks.status_of(work.live),
        present=work.design is not None,
        same=stacks.matches(work.design, work.live),
        tried=frozenset(work.done),
    )
    if operation == Operation.NONE:
        return _completed(aws, work, started)
    if operation == Operation.STUCK:
        raise UserError(_stuck(aws, work))
    if operation != Operation.WAIT:
        try:
            return replace(OPERATIONS[operation](aws, work), done=(*work.done, operation))
        except cloudformation.Busy:
            pass  # another operation is in progress, which the next round waits for
        except cloudformation.ExpressRefused:
            return replace(work, express=False, refused=True, is_fresh=True)
    _refuse_if_late(work, started)
    return work


def _completed(aws: Clients, work: Work, started: float) -> Work:
    """Return the work as finished, if what express mode has completed is really there.

    Amazon Q's subscriptions are none of it: it subscribes when the channel lists the topic.
    """
    was_written = not {Operation.CREATE, Operation.UPDATE}.isdisjoint(work.done)
    if work.express and was_written and work.design is not None and work.account is not None:
        live = LiveTarget(hub=True, stack=work.live)
        path = targets.with_path(aws, work.settings, work.account, live, work.design).path
        missing = [item for item in drift.drifts(path) if item.part not in LATER] if path else []
        if missing:
            _refuse_if_late(work, started, str(missing[0]))
            return work
    return replace(work, finished=True)


def _call(aws: Clients, work: Work, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    settings = work.settings
    return aws.call(settings.source, settings.region, "cloudformation", function, settings.name, *arguments, **options)


def _refuse_if_late(work: Work, started: float, missing: str = "") -> None:
    limit = work.settings.value("stack_timeout")
    if time.monotonic() - started > limit:
        state = stacks.status_of(work.live) if missing else f"still {stacks.status_of(work.live)}"
        raise UserError(
            f"the stack {work.settings.name} is {state} after {limit} s{f', but {missing}' if missing else ''} "
            f"(securityhub_slack_stack_timeout). Check its events in the console, then rerun the playbook, which "
            f"continues from there."
        )


def _stuck(aws: Clients, work: Work) -> str:
    name, status = work.settings.name, stacks.status_of(work.live)
    if status in states.SUCCEEDED:
        return (
            f"another run, with other settings or another version of the collection, has changed the stack {name} "
            f"during this one. Wait until it has ended, then rerun the playbook."
        )
    if not status:
        return f"the stack {name} was deleted during this run. Rerun the playbook, which creates it again."
    reason = _reason(aws, work)
    return (
        f"the stack {name} ended in {status}{': ' + reason.rstrip('.') if reason else ''}. Fix that, then rerun the "
        f"playbook, which repairs the stack."
    )


def _reason(aws: Clients, work: Work) -> str:
    """Return why the latest operation on the stack failed, as one sentence or ''."""
    events = _call(aws, work, cloudformation.stack_events)
    reason = ""
    if states.failed_validation(events):
        # An older policy may not allow the call.
        with contextlib.suppress(*errors.failures()):
            reason = states.validation_failures(_call(aws, work, cloudformation.failed_events))
    reason = reason or states.first_failure(events)
    unknown = states.UNKNOWN_CALL.search(reason)
    return _unknown_call(work.settings, unknown[1]) if unknown else reason


def _unknown_call(settings: Settings, call: str) -> str:
    """Return what to set where Step Functions lacks a *call* of the new Security Hub; it gets all of them together."""
    off = " and ".join(f"securityhub_slack_{name} to {value}" for name, value in OFF.items() if settings.value(name))
    return (
        f"Step Functions in {settings.region} does not know the call {call} of the new Security Hub yet, so set {off} "
        f"there until it does"
    )


def _create(aws: Clients, work: Work) -> Work:
    if work.design is not None:
        _call(aws, work, cloudformation.create_stack, *_content(work.design), express=work.express)
    return work


def _update(aws: Clients, work: Work) -> Work:
    if work.design is None:
        return work
    started = _call(aws, work, cloudformation.update_stack, *_content(work.design), express=work.express)
    return replace(work, finished=not started)


def _content(design: StackDesign) -> tuple[str, dict[str, str], dict[str, str]]:
    """Return the text of the template, the tags and the parameters of a stack."""
    return design.text, template.stack_tags(design), receivers.parameters(design.receivers)


def _delete(aws: Clients, work: Work) -> Work:
    _call(aws, work, cloudformation.delete_stack)
    return work


def _retain(aws: Clients, work: Work) -> Work:
    resources = _call(aws, work, cloudformation.stack_resources)
    failed = [item for item in resources if item["ResourceStatus"] == "DELETE_FAILED"]
    _call(aws, work, cloudformation.delete_stack, retain=tuple(item["LogicalResourceId"] for item in failed))
    # SNS refuses to delete a subscription that nobody has confirmed. It ends with its topic, which the stack deletes.
    left = [item for item in failed if item["ResourceType"] != SUBSCRIPTION_TYPE]
    return replace(work, left_behind=tuple(map(_in_words, left)))


def _in_words(resource: StackResource) -> str:
    name = resource.get("PhysicalResourceId") or resource["LogicalResourceId"]
    reason = resource.get("ResourceStatusReason", "").rstrip(".")
    return f"{resource['ResourceType']} {name}" + (f" ({reason})" if reason else "")


def _resume(aws: Clients, work: Work) -> Work:
    failed = stacks.status_of(work.live) == "UPDATE_FAILED"
    _call(aws, work, cloudformation.rollback_stack if failed else cloudformation.continue_update_rollback)
    return work


OPERATIONS: dict[str, Callable[[Clients, Work], Work]] = {
    Operation.CREATE: _create,
    Operation.UPDATE: _update,
    Operation.DELETE: _delete,
    Operation.DELETE_AGAIN: _delete,
    Operation.DELETE_RETAINING: _retain,
    Operation.RESUME: _resume,
}
