# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out what was planned, all targets and accounts at once. PRIVATE to the collection.

What is new is built and joined to the channel before what leaves is taken out of it and away: a finding that moves to
the home region's pipeline may be sent twice for a moment, and is never lost.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._aws import parallel
from .._aws.errors import UserError
from .._channel import configuration
from .._channel import custom_action
from .._securityhub import action_target
from .._services import iam
from .._services import securityhub
from . import channels
from . import decisions
from . import desired
from . import differences
from . import handover
from . import identity as identities
from . import obstacles
from . import plan
from . import repair
from . import stacks
from . import survey
from .target import healthy
from .target import note_failures

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._aws.clients import Clients
    from .settings import Settings
    from .target import AccountRun
    from .target import Target
    from .triage import ButtonsPlan


def apply(clients: Clients, accounts: list[AccountRun], say: Callable[[str], None]) -> None:
    """Carry out the plans of all targets and accounts; who fails carries the *error*, and the others go on."""
    targets = [target for account in accounts for target in account.targets]
    _say_what_begins(targets, say)
    # First of all: where AWS is to make this role itself and may not, it leaves half of a channel behind.
    note_failures(parallel.each(lambda account: _make_service_role(clients, account), accounts))
    # Before anything is built: a run that is killed after that must not leave a topic in the channel that looks well
    # and that nobody is subscribed to.
    note_failures(parallel.each(lambda account: _unsubscribe(clients, account), accounts))
    staying = [target for target in healthy(targets) if target.wanted is not None]
    last = [target for target in staying if handover.gives_up(target)]
    _build(clients, [target for target in staying if not handover.gives_up(target)], say)
    for account in accounts:
        handover.hold_back(account)
    note_failures(parallel.each(lambda account: _join(clients, account), accounts))
    _build(clients, healthy(last), say)
    _take_away(clients, [target for target in healthy(targets) if target.wanted is None], say)
    note_failures(parallel.each(lambda account: _close(clients, account), accounts))
    for account in accounts:
        _tell_what_is_left(account)


def _say_what_begins(targets: list[Target], say: Callable[[str], None]) -> None:
    """Say what is unfinished if the run ends here: who presses Ctrl-C leaves no time to say it then."""
    hosts = [target.host for target in healthy(targets) if target.plan.changed]
    if hosts:
        say(f"{len(hosts)} to change: {differences.few_of(hosts)}")
        say("If this is interrupted, run the playbook again: it goes on from there.")


def _build(clients: Clients, targets: list[Target], say: Callable[[str], None]) -> None:
    note_failures(parallel.each(lambda target: _write_action(clients, target), targets))
    # Before the stacks: CloudFormation cannot update what it does not find.
    note_failures(parallel.each(lambda target: _repair(clients, target), healthy(targets)))
    _drive_stacks(clients, healthy(targets), say)


def _take_away(clients: Clients, targets: list[Target], say: Callable[[str], None]) -> None:
    _drive_stacks(clients, targets, say)
    note_failures(parallel.each(lambda target: _write_action(clients, target), healthy(targets)))


def _drive_stacks(clients: Clients, targets: list[Target], say: Callable[[str], None]) -> None:
    on_the_way = [target for target in targets if target.plan.stack]
    works = [
        stacks.Work(target.settings, target.wanted.stack if target.wanted else None, target.live.stack)
        for target in on_the_way
    ]
    stacks.drive(clients, works, say)
    for target, work in zip(on_the_way, works):
        target.plan = replace(target.plan, stack=tuple(work.done))
        target.left = tuple(work.left)
        if work.error is not None:
            target.fail(work.error)


def _tell_what_is_left(account: AccountRun) -> None:
    """Say of what no later run finds that it stays; a target that shall leave fails for it, after all else is done.

    One that stands again does not: what stays may carry the name that the new stack's has, and be in use.
    """
    for target in account.targets:
        left = ", ".join(target.left)
        if left and target.wanted is None:
            target.fail(UserError(f"this could not be deleted, and stays behind: {left}. Delete it by hand."))
        elif left:
            account.notices.append(
                f"the old stack of {target.host} is gone without {left}: delete by hand what the new one does not use"
            )


def _write_action(clients: Clients, target: Target) -> None:
    settings = target.settings
    if target.plan.action == plan.NONE:
        return
    with clients.acting(settings.source):
        client = clients.get("securityhub", settings.region, settings.source.endpoint_url)
        if target.wanted is None and target.live.action:
            securityhub.delete_action_target(client, target.live.action["ActionTargetArn"])
        elif target.live.action is None and target.wanted:
            action_target.create_or_adopt(client, target.wanted.action)
        elif target.live.action and target.wanted:
            action_target.update(client, target.live.action, target.wanted.action)


def _repair(clients: Clients, target: Target) -> None:
    live, repairs = target.live, target.plan.repairs
    if repairs and live.resources is not None and live.path is not None:
        repair.repair(clients, target.settings, live.resources, live.path, list(repairs))


def _make_service_role(clients: Clients, account: AccountRun) -> None:
    if not account.makes_service_role:
        return
    with clients.acting(account.settings.source):
        client = survey.iam_client(clients, account.settings)
        try:
            iam.create_service_linked_role(client, obstacles.SERVICE_ROLE_OF)
        except errors.failures() as error:
            if not errors.is_denied(error):
                raise
            raise errors.UserError(obstacles.of_service_role()) from error


def _unsubscribe(clients: Clients, account: AccountRun) -> None:
    """Take the topics out that have to be subscribed to anew."""
    settings = account.settings
    renewed = [merge for merge in account.plan.merges if merge.resubscribed] if account.plan else []
    with clients.acting(settings.source):
        for merge in renewed:
            client, writer = _chatbot(clients, settings)
            configuration.apply(client, channels.without_resubscribed(merge), writer=writer)


def _join(clients: Clients, account: AccountRun) -> None:
    """Bring role, guardrail and channel configurations to what the targets need that have not failed."""
    if not healthy(account.targets):
        # Nothing of it is carried out, so that nothing of it is to be told.
        account.plan = None
        return
    settings = account.settings
    account.plan = decisions.plan_channels(account)
    with clients.acting(settings.source):
        client, writer = _chatbot(clients, settings)
        # The role's tag is what later runs find buttons by, so it comes before them and goes after them.
        _take_buttons(client, account.plan.buttons)
        _write_identity(clients, account, account.plan.identity)
        for merge in account.plan.merges:
            # What has gone out since the survey comes in again.
            planned = None if merge.resubscribed else merge.plan
            authorised = merge.desired.team_id in account.authorised
            configuration.apply(client, merge.desired, planned, writer=writer, authorised=authorised)
        for button, planned_button in account.plan.buttons.wanted:
            if planned_button.changed:
                custom_action.write(client, planned_button, button)


def _take_buttons(client: Any, planned: ButtonsPlan) -> None:
    for action in planned.leaving:
        custom_action.delete(client, action)


def _close(clients: Clients, account: AccountRun) -> None:
    """Delete the configurations that nothing is left of, and the role and guardrail that no other one needs.

    What is left is read anew: of several runs that each take a part away, the last one finds it empty.
    """
    settings = account.settings
    if account.plan is None or not account.plan.takes_away or not healthy(account.targets):
        return
    identity = desired.identity(settings, account.account)
    account.configurations = survey.configurations(clients, settings, identity)
    now = decisions.plan_channels(account)
    account.plan = replace(account.plan, closing=now.closing, parting=now.parting, farewell=now.farewell)
    with clients.acting(settings.source):
        client, writer = _chatbot(clients, settings)
        _take_buttons(client, now.parting)
        for removal in now.closing:
            configuration.detach(client, removal, writer=writer)
        _write_identity(clients, account, now.farewell)


def _chatbot(clients: Clients, settings: Settings) -> tuple[Any, Any]:
    """Return the client that reads, and the one that writes and does not repeat itself."""
    where = (settings.value("chatbot_region"), settings.source.endpoint_url)
    return clients.get("chatbot", *where), clients.get("chatbot", *where, attempts=1)


def _write_identity(clients: Clients, account: AccountRun, planned: identities.IdentityPlan) -> None:
    if not planned.changed:
        return
    settings = account.settings
    client = survey.iam_client(clients, settings)
    identities.apply(client, desired.identity(settings, account.account), account.identity, planned)
