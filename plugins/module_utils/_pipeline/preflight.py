# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What would keep targets from being built, looked for before anything is written: reads only.

PRIVATE to the collection. AWS is asked where something is to be created, and there alone: a run with nothing to change
makes no call here. What an account has once, as its channel, keeps all of its targets from being built; what one target
lacks, that target.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from typing import Any
from typing import Callable

from .._aws import errors
from .._aws import parallel
from .._aws.errors import UserError
from .._inventory import discovery
from .._securityhub import action_target
from .._stack import states
from . import channels
from . import decisions
from . import desired
from . import obstacles
from . import plan
from . import questions
from .target import AccountRun
from .target import healthy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._aws.clients import Clients
    from .desired import Pipeline
    from .settings import Channel
    from .settings import Settings
    from .target import Target


@dataclass(frozen=True)
class _Question:
    """Something that AWS is asked: about what, and how; *ask* returns the problems that the answer shows.

    *about*: said where AWS does not answer, which then keeps nothing from being built, unless it is *needed*.
    """

    account: AccountRun
    targets: Sequence[Target]
    about: str
    ask: Callable[[], list[str]]
    needed: bool = False


def examine(clients: Clients, accounts: list[AccountRun]) -> None:
    """Let the targets fail that could not be built, each with all that is in its way."""
    asked = [question for account in accounts for question in _look(clients, account)]
    for outcome in parallel.each(lambda question: question.ask(), asked):
        question = outcome.item
        if outcome.error is None:
            _refuse(question.targets, outcome.value or [])
        elif question.needed:
            _refuse(question.targets, errors.sentences(outcome.error))
        else:
            _note(question.account, f"not looked at beforehand: {question.about}; {errors.explain(outcome.error)}")


def explain_regions(clients: Clients, accounts: list[AccountRun], strange: list[Any]) -> None:
    """Let those targets fail, of *strange* ones that do not know the credentials, whose region is not enabled."""
    marked = {id(owner) for owner in strange}
    concerned = [account for account in accounts if any(id(target) in marked for target in account.targets)]
    for outcome in parallel.each(lambda account: _enabled_regions(clients, account.settings), concerned):
        if outcome.value is None:
            continue  # what their own region has said has to do
        for target in outcome.item.targets:
            region = target.settings.region
            if id(target) in marked and region not in outcome.value:
                target.refuse(obstacles.closed_region(region, target.account_id))


def _enabled_regions(clients: Clients, settings: Settings) -> list[str]:
    return discovery.enabled_regions(clients, settings.source)


def _refuse(targets: Sequence[Target], problems: list[str]) -> None:
    for target in targets:
        target.refuse(*problems)


def _note(account: AccountRun, notice: str) -> None:
    if notice not in account.notices:
        account.notices.append(notice)


def _look(clients: Clients, account: AccountRun) -> list[_Question]:
    """Let the targets fail that have a problem which needs no call, and return what else is to be asked."""
    present = [target for target in account.targets if target.settings.present]
    if not present or not account.is_read or decisions.belongs_to_a_member(account):
        return []
    found = _look_at_channels(clients, account, present)
    for target in present:
        if target.wanted is not None:
            found += _look_at_target(clients, account, target, target.wanted)
    return found


# What an account has once


def _look_at_channels(clients: Clients, account: AccountRun, present: list[Target]) -> list[_Question]:
    settings, wanted = present[0].settings, desired.identity(present[0].settings, account.account)
    needed = _channels(account, present)
    _refuse(present, channels.problems(account.configurations, account.identity, needed, wanted, settings))
    new = []
    for channel in needed:
        try:
            configuration = channels.configuration_of(account.configurations, channel, wanted, settings)
        except UserError:
            continue  # said already
        if configuration is None:
            new.append(channel)
        elif configuration.get("State") == "DISABLED":
            _disabled(account, present, channel, configuration.get("StateReason", ""))
    return _of_new_channels(clients, account, present, new) if new else []


def _channels(account: AccountRun, present: list[Target]) -> list[Channel]:
    """Return the channels that the targets feed, or would if it were not for what was found wrong already."""
    found = []
    for target in present:
        topics = target.wanted.topics if target.wanted else ()
        if target.error and not topics:
            topics = desired.topic_arns(target.settings, account.account)
        found += [channel for channel, _arn in topics]
    return list(dict.fromkeys(found))


def _disabled(account: AccountRun, present: list[Target], channel: Channel, reason: str) -> None:
    sentence = obstacles.disabled(f"Slack channel {channel.channel_id}", reason)
    unbroken = healthy(present)
    if unbroken and not any(target.plan.changed for target in unbroken):
        _note(account, sentence.rstrip("."))  # nothing is to be built that would be in vain
    else:
        _refuse(present, [sentence])


def _of_new_channels(
    clients: Clients, account: AccountRun, present: list[Target], new: list[Channel]
) -> list[_Question]:
    about = (clients, account, present[0].settings)
    workspaces = list(dict.fromkeys(channel.workspace_id for channel in new))
    found = [
        # Where that is not known, nothing is made: what AWS refuses for want of it keeps the configuration's name.
        _Question(
            account,
            present,
            "whether the workspace is authorised",
            partial(questions.of_workspaces, *about, workspaces),
            needed=True,
        ),
        _Question(
            account,
            present,
            "what the organization allows of chat applications",
            partial(questions.of_policy, *about, workspaces),
        ),
        _Question(
            account,
            present,
            f"whether the role {obstacles.SERVICE_ROLE} is there or can be made",
            partial(questions.of_service_role, *about),
        ),
    ]
    if account.identity.role is None or account.identity.guardrail is None:
        found.append(_Question(account, present, "whether IAM has room", partial(questions.of_iam, *about)))
    return found


# What a target has


def _look_at_target(clients: Clients, account: AccountRun, target: Target, wanted: Pipeline) -> list[_Question]:
    live = target.live
    if live.hub and live.action is None:
        target.refuse(*filter(None, [action_target.without_room(live.actions)]))
    if target.settings.stack_set:
        return []
    about = (clients, target.settings)
    found = []
    if {states.CREATE, states.UPDATE} & set(plan.stack_path(wanted, live)):
        ask = partial(questions.of_rules, *about, wanted.stack, alone=live.stack is None)
        found.append(_Question(account, [target], "whether the event bus has room for the rules", ask))
    if live.stack is None:
        ask = partial(questions.of_topics, *about, [arn for _channel, arn in wanted.topics])
        found.append(_Question(account, [target], "whether a topic of the name is there", ask))
    return found
