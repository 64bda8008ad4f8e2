# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes away what is left of the template of 2020, all targets at once. PRIVATE to the collection.

The pipelines are in place by then, and the channel carries their topics and not the template's any more: what goes is
heard by nobody.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any

from .._aws import parallel
from .._aws.errors import UserError
from .._pipeline import report
from .._pipeline import stacks
from .._pipeline.target import healthy
from .._pipeline.target import note_failures
from .._services import cloudformation
from .._services import events
from .._services import lambda_functions as functions
from .._services import securityhub
from .._services import sns
from .._stack import states
from . import leftovers
from . import signature
from . import survey

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._aws.clients import Clients
    from .._pipeline.settings import Settings
    from .._pipeline.target import Target
    from .leftovers import Orphan
    from .leftovers import Stack
    from .plan import Migration


@dataclass
class Departure:
    """One stack of the template on its way out. *live*: as last read, None when it is gone. *stays*: logical ids."""

    target: Target
    live: Stack | None
    stays: frozenset[str]
    name: str
    done: list[str] = field(default_factory=list)
    error: Exception | None = None
    finished: bool = False
    fresh: bool = True  # *live* was read in this round

    @property
    def settings(self) -> Settings:
        """Return the target's settings."""
        return self.target.settings


def remove(clients: Clients, migrations: list[Migration], say: Callable[[str], None]) -> None:
    """Take away what the healthy targets have of the template; who fails carries the *error*, and the others go on."""
    alive = [item for item in migrations if healthy([item.target])]
    departures = [
        Departure(item.target, found, item.stays(found), found.name) for item in alive for found in item.found.stacks
    ]
    if departures:
        say(f"{report.count(len(departures), 'stack')} of the template of 2020 to take away")
    stacks.in_rounds(departures, lambda work, started: _advance(clients, work, started), say)
    for work in departures:
        if work.error is not None:
            work.target.fail(work.error)
    alive = [item for item in alive if healthy([item.target])]
    outcomes = parallel.each(lambda item: _remove_orphans(clients, item), alive)
    note_failures([parallel.Outcome(outcome.item.target, error=outcome.error) for outcome in outcomes])


def _advance(clients: Clients, work: Departure, started: float) -> None:
    """Read the stack (unless it was just read) and start the operation that it needs next, if any."""
    settings = work.settings

    def client(service: str) -> Any:
        return clients.get(service, settings.region, settings.source.endpoint_url)

    with clients.acting(settings.source):
        if not work.fresh:
            work.live = _read(client("cloudformation"), work.name)
        work.fresh = False
        if work.live is None:
            work.finished = True
            return
        operation = leftovers.next_operation(
            work.live.status,
            released=signature.is_retained(work.live.template, work.stays),
            tried=frozenset(work.done),
        )
        if operation == states.STUCK:
            raise UserError(_stuck(client("cloudformation"), work.live))
        if operation == states.WAIT or not _started(client, work, work.live, operation):
            _refuse_if_late(work, work.live, started)


def _read(client: Any, name: str) -> Stack | None:
    live = cloudformation.describe_stack(client, name)
    return survey.stack(client, live) if live and live["StackStatus"] != "DELETE_COMPLETE" else None


def _started(client: Callable[[str], Any], work: Departure, live: Stack, operation: str) -> bool:
    """Start an operation; return False where another one is under way, which the next round waits for."""
    try:
        _start(client, work, live, operation)
    except cloudformation.Busy:
        return False
    work.done.append(operation)
    return True


def _start(client: Callable[[str], Any], work: Departure, live: Stack, operation: str) -> None:
    stacks_of = client("cloudformation")
    if operation == leftovers.RELEASE:
        text = signature.retaining(live.template, work.stays)
        cloudformation.replace_template(stacks_of, live.name, text, live.parameters)
    elif operation == states.RESUME:
        cloudformation.rollback_stack(stacks_of, live.name)
    elif operation == leftovers.SKIP:
        cloudformation.continue_update_rollback(stacks_of, live.name, live.failed)
    elif operation == leftovers.DELETE:
        if live.status in leftovers.DOOMED and signature.CUSTOM_RESOURCE in live.parts:
            _silence(client("lambda"), live)
        cloudformation.delete_stack(stacks_of, live.name)
    else:
        # What CloudFormation has deleted already must not be named.
        named = set(live.failed) if operation == leftovers.RETAIN_FAILED else set()
        cloudformation.delete_stack(stacks_of, live.name, retain=tuple(sorted((named | work.stays) & set(live.parts))))


def _silence(client: Any, live: Stack) -> None:
    """Delete the function that CloudFormation would call, and that would not answer, or delete the custom action."""
    if live.parts.get(signature.LAMBDA) == signature.FUNCTION:
        functions.delete_function(client, signature.FUNCTION)


def _refuse_if_late(work: Departure, live: Stack, started: float) -> None:
    limit = work.settings.value("stack_timeout")
    if time.monotonic() - started > limit:
        raise UserError(
            f"the stack {live.name} of the template of 2020 is still {live.status} after {limit} s (its function "
            f"answers no deletion, and CloudFormation waits up to an hour): run this playbook again later, which goes "
            f"on from there."
        )


def _stuck(client: Any, live: Stack) -> str:
    reason = states.first_failure(cloudformation.stack_events(client, live.name))
    return (
        f"the stack {live.name} of the template of 2020 ended in {live.status}"
        f"{': ' + reason.rstrip('.') if reason else ''}. Mend that and run this playbook again, which goes on from "
        f"there."
    )


def _remove_orphans(clients: Clients, migration: Migration) -> None:
    settings = migration.target.settings

    def client(service: str) -> Any:
        return clients.get(service, settings.region, settings.source.endpoint_url)

    with clients.acting(settings.source):
        for orphan in migration.found.orphans:
            REMOVALS[orphan.kind](client, orphan)


def _rule(client: Callable[[str], Any], orphan: Orphan) -> None:
    events.remove_targets(client("events"), orphan.name, [signature.RULE_TARGET_ID])
    events.delete_rule(client("events"), orphan.name)


def _topic(client: Callable[[str], Any], orphan: Orphan) -> None:
    sns.delete_topic(client("sns"), orphan.name)


def _function(client: Callable[[str], Any], orphan: Orphan) -> None:
    functions.delete_function(client("lambda"), orphan.name)


def _action(client: Callable[[str], Any], orphan: Orphan) -> None:
    securityhub.delete_action_target(client("securityhub"), orphan.name)


REMOVALS: dict[str, Callable[[Callable[[str], Any], Orphan], None]] = {
    leftovers.RULE: _rule,
    leftovers.TOPIC: _topic,
    leftovers.FUNCTION: _function,
    leftovers.ACTION: _action,
}
