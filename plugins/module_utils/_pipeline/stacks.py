# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Leads many stacks to their wanted state at once, waiting in polling rounds. PRIVATE to the collection."""

from __future__ import annotations

import time
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any
from typing import Protocol
from typing import TypeVar

from .._aws import parallel
from .._aws.errors import UserError
from .._services import cloudformation as api
from .._stack import states
from .._stack import template
from . import plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Sequence

    from .._aws.clients import Clients
    from .._stack.template import StackDesign
    from .settings import Settings

FIRST_PAUSE = 0.5  # seconds; the pause grows by half each round
LONGEST_PAUSE = 5.0
SAY_EVERY = 10.0  # seconds between two progress lines at least


@dataclass
class Work:
    """One stack on its way: *design* None means away with it. *live*: the stack as last read, or None.

    *left*: in words, with the reason, what could not be deleted, and belongs to no stack any more.
    """

    settings: Settings
    design: StackDesign | None
    live: dict[str, Any] | None
    done: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    error: Exception | None = None
    finished: bool = False
    fresh: bool = True  # *live* was read in this round


class Journey(Protocol):
    """One stack on its way, whatever it is to become."""

    error: Exception | None
    finished: bool

    @property
    def settings(self) -> Settings: ...


Way = TypeVar("Way", bound=Journey)


def drive(clients: Clients, works: list[Work], say: Callable[[str], None]) -> None:
    """Carry out what the stacks need until each is finished, has failed (its *error*) or has run out of time."""
    in_rounds(works, lambda work, started: _advance(clients, work, started), say)


def in_rounds(works: Sequence[Way], advance: Callable[[Way, float], None], say: Callable[[str], None]) -> None:
    """Call *advance* with each of *works*, and with when this began (time.monotonic), until none is on its way."""
    started = said = time.monotonic()
    pause = FIRST_PAUSE
    active = _round(works, advance, started)
    while active:
        if time.monotonic() - said >= SAY_EVERY:
            said = time.monotonic()
            say(_progress(works, active, said - started))
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
        active = _round(active, advance, started)


def _round(works: Sequence[Way], advance: Callable[[Way, float], None], started: float) -> list[Way]:
    for outcome in parallel.each(lambda work: advance(work, started), works):
        if outcome.error is not None:
            outcome.item.error = outcome.error
    return [work for work in works if not work.finished and work.error is None]


def _progress(works: Sequence[Way], active: Sequence[Way], seconds: float) -> str:
    hosts = sorted(work.settings.host for work in active)
    shown = ", ".join(hosts[:4]) + (f" and {len(hosts) - 4} more" if len(hosts) > 4 else "")
    return f"{len(works) - len(active)} of {len(works)} stacks done after {seconds:.0f} s, waiting for {shown}"


def _advance(clients: Clients, work: Work, started: float) -> None:
    """Read the stack (unless it was just read) and start the operation that it needs next, if any."""
    settings = work.settings
    client = clients.get("cloudformation", settings.region, settings.source.endpoint_url)
    with clients.acting(settings.source):
        if not work.fresh:
            work.live = api.describe_stack(client, settings.name)
        work.fresh = False
        operation = _next(work)
        if operation == states.NONE:
            work.finished = True
        elif operation == states.STUCK:
            raise UserError(_stuck(client, work))
        elif operation == states.WAIT or not _started(client, work, operation):
            _refuse_if_late(work, started)


def _started(client: Any, work: Work, operation: str) -> bool:
    """Start an operation; return False where another one is under way, which the next round waits for."""
    try:
        OPERATIONS[operation](client, work)
    except api.Busy:
        return False
    work.done.append(operation)
    return True


def _next(work: Work) -> str:
    return states.next_operation(
        plan.status_of(work.live),
        present=work.design is not None,
        same=plan.same(work.design, work.live),
        tried=frozenset(work.done),
    )


def _refuse_if_late(work: Work, started: float) -> None:
    limit = work.settings.value("stack_timeout")
    if time.monotonic() - started > limit:
        raise UserError(
            f"the stack {work.settings.name} is still {plan.status_of(work.live)} after {limit} s: look at its events "
            f"in the console, and run the playbook again, which goes on from there (securityhub_slack_stack_timeout "
            f"sets the limit)."
        )


def _stuck(client: Any, work: Work) -> str:
    reason = states.first_failure(api.stack_events(client, work.settings.name))
    return (
        f"the stack {work.settings.name} ended in {plan.status_of(work.live)}"
        f"{': ' + reason.rstrip('.') if reason else ''}. Mend that and run the playbook again, which repairs the stack."
    )


def _create(client: Any, work: Work) -> None:
    if work.design is not None:
        api.create_stack(client, work.settings.name, template.render(work.design), template.stack_tags(work.design))


def _update(client: Any, work: Work) -> None:
    if work.design is not None:
        text, tags = template.render(work.design), template.stack_tags(work.design)
        work.finished = not api.update_stack(client, work.settings.name, text, tags)


def _delete(client: Any, work: Work) -> None:
    api.delete_stack(client, work.settings.name)


def _retain(client: Any, work: Work) -> None:
    resources = api.stack_resources(client, work.settings.name)
    resisting = [item for item in resources if item["ResourceStatus"] == "DELETE_FAILED"]
    api.delete_stack(client, work.settings.name, retain=tuple(item["LogicalResourceId"] for item in resisting))
    work.left = [_in_words(item) for item in resisting]


def _in_words(resource: dict[str, Any]) -> str:
    name = resource.get("PhysicalResourceId") or resource["LogicalResourceId"]
    reason = resource.get("ResourceStatusReason", "").rstrip(".")
    return f"{resource['ResourceType']} {name}" + (f" ({reason})" if reason else "")


def _resume(client: Any, work: Work) -> None:
    resume = api.rollback_stack if plan.status_of(work.live) == "UPDATE_FAILED" else api.continue_update_rollback
    resume(client, work.settings.name)


OPERATIONS: dict[str, Callable[[Any, Work], None]] = {
    states.CREATE: _create,
    states.UPDATE: _update,
    states.DELETE: _delete,
    states.AGAIN: _delete,
    states.RETAIN: _retain,
    states.RESUME: _resume,
}
