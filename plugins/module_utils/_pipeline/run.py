# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run over all targets of a play: check, survey, decide, preflight, plan, apply. PRIVATE to the collection.

One way, no going back: nothing after the plan reads the inventory again, nothing before it writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._aws import parallel
from .._aws.errors import UserError
from . import apply
from . import decisions
from . import desired
from . import given_keys
from . import handover
from . import organization
from . import plan
from . import preflight
from . import settings as role_variables
from . import survey
from .target import AccountRun
from .target import Target
from .target import healthy
from .target import note_failures
from .target import owner_elsewhere

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable
    from collections.abc import Iterable

    from .._aws.clients import Clients
    from .._channel.custom_action import CustomAction
    from .desired import Account


def run(
    targets: list[Target],
    neighbours: list[Target],
    clients: Clients,
    *,
    check: bool,
    diff: bool,
    today: datetime.date,
    say: Callable[[str], None],
) -> list[AccountRun]:
    """Bring the healthy ones of *targets* to what their settings say, and return their accounts.

    *neighbours*: the inventory's other targets, which weigh in on what each target sends.
    *check*: write nothing. *diff*: read what a difference shows. *say* takes progress lines. Whatever fails is in the
    targets' *error*; nothing is raised.
    """
    accounts = look(targets, neighbours, clients, today)
    prepare(targets, accounts, clients, diff=diff, today=today)
    if not check:
        apply.apply(clients, accounts, say)
    return accounts


def prepare(
    targets: list[Target], accounts: list[AccountRun], clients: Clients, *, diff: bool, today: datetime.date
) -> None:
    """Plan what brings the healthy ones of *targets*, which *look* has looked at, to what their settings say."""
    for account in accounts:
        decisions.decide(account, today)
        _look_for_lost_topics(clients, account)
    _look_at_keys(clients, accounts)
    _look_at_buttons(clients, accounts)
    note_failures(look_deep(clients, [target for target in targets if target.settings.value("repair_drift")]))
    for account in accounts:
        _plan_targets(account)
    preflight.examine(clients, accounts)
    for account in accounts:
        _plan_channels(account)
    _say_what_new_accounts_are(clients, accounts)
    if diff:
        _read_templates(clients, targets)


def look(
    targets: list[Target], neighbours: list[Target], clients: Clients, today: datetime.date, *, watch: bool = False
) -> list[AccountRun]:
    """Read what there is of the healthy ones of *targets*, and return their accounts.

    *watch*: look for regions that the inventory does not have, also without securityhub_slack_report_uncovered_regions.
    """
    refuse_bad_settings([*targets, *neighbours])
    meanwhile = survey.preparations(clients, [target.settings for target in healthy(targets)])
    accounts = accounts_of(clients, targets, neighbours, meanwhile)
    refuse_disagreements(accounts)
    for account in accounts:
        account.regions = _regions(account, [*targets, *neighbours])
    _survey(clients, accounts, watch)
    ask_neighbours(clients, accounts, today)
    return accounts


def refuse_bad_settings(targets: list[Target]) -> None:
    """Let the targets fail whose settings are wrong: no call."""
    for target in healthy(targets):
        target.refuse(*role_variables.problems(target.settings))


def refuse_disagreements(accounts: list[AccountRun]) -> None:
    """Let the accounts fail whose targets contradict each other: no call."""
    for account in accounts:
        account.refuse(*role_variables.disagreements([target.settings for target in account.targets]))


def accounts_of(
    clients: Clients, targets: list[Target], neighbours: list[Target], meanwhile: Iterable[Callable[[], Any]] = ()
) -> list[AccountRun]:
    """Return the accounts that the credentials of the healthy targets lead into; one call for each way to sign in.

    *meanwhile*: work for the processor, which else waits for the network here. Its failures are not told.
    """
    by_source: dict[Any, list[Target]] = {}
    for target in healthy(targets):
        by_source.setdefault(target.settings.source, []).append(target)
    groups = list(by_source.values())
    # These first: a client waits until those are made that were begun before it.
    parallel.each(lambda group: survey.prepare_to_sign_in(clients, group[0].settings), groups)
    works: list[Callable[[], Any]] = [
        *(partial(survey.account, clients, [target.settings for target in group]) for group in groups),
        *meanwhile,
    ]
    outcomes = parallel.each(lambda work: work(), works)
    found: dict[Account, AccountRun] = {}
    for group, outcome in zip(groups, outcomes):
        if outcome.value is None:
            for target in group:
                target.fail(outcome.error or UserError("the account is not known"))
            continue
        for target in group:
            target.account = outcome.value
        found.setdefault(outcome.value, AccountRun(outcome.value, [])).targets.extend(group)
    for account in found.values():
        sources = {target.settings.source for target in account.targets}
        others = [item for item in neighbours if item.settings.present and item.settings.source in sources]
        failed = [item for item in targets if item.error and item.settings.present and item.settings.source in sources]
        account.neighbours = healthy(others) + owner_elsewhere([*account.targets, *others, *failed])
        account.unclear = [
            item for item in (*others, *failed) if item.error and role_variables.REGION.match(item.settings.region)
        ]
    return list(found.values())


def _regions(account: AccountRun, inventory: list[Target]) -> frozenset[str]:
    """Return the regions that the inventory has of the account, whatever shall be there."""
    sources = {target.settings.source for target in account.targets}
    return frozenset(item.settings.region for item in inventory if item.settings.source in sources)


@dataclass(frozen=True)
class _Read:
    """One thing to read: whose it is, where the answer goes, and how it is read."""

    owner: Target | AccountRun
    attribute: str
    read: Callable[[], Any]


def _survey(clients: Clients, accounts: list[AccountRun], watch: bool) -> None:
    """Read everything at once: what each account has, and what each of its targets has."""
    readable = [account for account in accounts if healthy(account.targets)]
    for account in readable:
        account.is_read = True
    reads = [read for account in readable for read in _reads(clients, account, watch)]
    outcomes = parallel.each(lambda read: read.read(), reads)
    failures = [(outcome.item.owner, outcome.error) for outcome in outcomes if outcome.error is not None]
    for outcome in outcomes:
        if outcome.error is None:
            setattr(outcome.item.owner, outcome.item.attribute, outcome.value)
    preflight.explain_regions(clients, accounts, [owner for owner, error in failures if errors.is_unrecognized(error)])
    for owner, error in failures:
        owner.unread(error)


def _reads(clients: Clients, account: AccountRun, watch: bool) -> list[_Read]:
    settings = account.settings
    identity = desired.identity(settings, account.account)
    of_account = [
        _Read(account, "configurations", partial(survey.configurations, clients, settings, identity)),
        _Read(account, "identity", partial(survey.identity, clients, settings, identity)),
        _Read(account, "facts", partial(survey.facts, clients, [target.settings for target in account.targets])),
    ]
    watching = (watch or settings.value("report_uncovered_regions")) and not account.sliced
    if watching and any(target.settings.present for target in account.targets):
        of_account.append(_Read(account, "beyond", partial(survey.beyond, clients, settings, account.regions)))
    return of_account + [
        _Read(target, "live", partial(survey.target, clients, target.settings, account.account))
        for target in account.targets
    ]


def ask_neighbours(clients: Clients, accounts: list[AccountRun], today: datetime.date) -> None:
    """Read the neighbours on whose state it depends what the targets shall be; one that fails stays unknown."""
    parallel.each(lambda account: _ask_neighbours(clients, account, today), accounts)


def _ask_neighbours(clients: Clients, account: AccountRun, today: datetime.date) -> None:
    asked: list[str] = []
    while True:
        due = [item for item in decisions.worth_asking(account, today) if item.host not in asked]
        if not due:
            return
        asked += [item.host for item in due]
        for outcome in parallel.each(lambda item: survey.target(clients, item.settings, account.account), due):
            if outcome.value is not None:
                outcome.item.live = outcome.value


def _look_for_lost_topics(clients: Clients, account: AccountRun) -> None:
    """Find the topics of routes that a run took away and was killed before it could tell the channel."""
    outcomes = parallel.each(
        lambda pair: survey.topic_exists(clients, pair[0].settings, pair[1]), decisions.unknown_topics(account)
    )
    account.lost = frozenset(outcome.item[1] for outcome in outcomes if outcome.value is False)


def _look_at_keys(clients: Clients, accounts: list[AccountRun]) -> None:
    """Let the targets fail whose given key EventBridge may not use; say of which that is not known."""
    due = [
        (account, target) for account in accounts for target in healthy(account.targets) if given_keys.is_due(target)
    ]
    for outcome in parallel.each(lambda pair: given_keys.look(clients, pair[1]), due):
        account, target = outcome.item
        if outcome.error is not None:
            target.fail(outcome.error)
        elif outcome.value:
            account.notices.append(
                f"whether EventBridge may use the key {target.settings.key} in {target.settings.region} is not known "
                f"({outcome.value.rstrip('.')})"
            )


def _look_at_buttons(clients: Clients, accounts: list[AccountRun]) -> None:
    """Read the buttons of the accounts that shall have some, or that have had some."""
    concerned = [
        account
        for account in accounts
        if healthy(account.targets) and (account.settings.value("buttons") or account.identity.has_permissions)
    ]
    outcomes = parallel.each(lambda account: _buttons(clients, account), concerned)
    note_failures(outcomes)
    for outcome in outcomes:
        outcome.item.actions = outcome.value or []


def _buttons(clients: Clients, account: AccountRun) -> list[CustomAction]:
    role = desired.identity(account.settings, account.account).role_arn
    own = [found["ChatConfigurationArn"] for found in account.configurations if found["IamRoleArn"] == role]
    return survey.buttons(clients, account.settings, own)


def look_deep(clients: Clients, targets: list[Target]) -> list[parallel.Outcome[Target, None]]:
    """Read what is there of the resources of the targets' stacks; an outcome with an error is a target that was not."""
    return parallel.each(lambda target: _look_deep(clients, target), healthy(targets))


def _look_deep(clients: Clients, target: Target) -> None:
    if target.wanted and target.account:
        target.live = survey.with_path(clients, target.settings, target.account, target.live, target.wanted.stack)


def _plan_targets(account: AccountRun) -> None:
    elsewhere = decisions.belongs_to_a_member(account)
    for target in account.targets:
        if not target.error or (target.live.hub is not None and not elsewhere):
            _plan_target(target)


def _plan_target(target: Target) -> None:
    settings = target.settings
    # It shall have a pipeline, or would if it were not for what was found wrong already.
    shall_be = target.wanted is not None or (settings.present and bool(target.error))
    target.refuse(*plan.problems(settings, target.wanted, target.live, present=shall_be))
    if not target.error:
        target.plan = plan.plan(settings, target.wanted, target.live)


def _plan_channels(account: AccountRun) -> None:
    handover.hold_back(account)
    for target in account.targets:
        if target.error:
            target.plan = plan.TargetPlan()  # nothing of it is carried out
    account.notices += handover.notices(account)
    if not healthy(account.targets):
        return
    try:
        account.plan = decisions.plan_channels(account)
    except UserError as error:
        account.fail(error)
    account.notices += decisions.without_buttons(account)
    account.notices += decisions.stacks_to_give_back(account)


def _say_what_new_accounts_are(clients: Clients, accounts: list[AccountRun]) -> None:
    """Say of an account that gets its first channel what it is in its organisation: it may be the wrong one."""
    new = [account for account in accounts if account.plan and account.plan.creates]
    for told in parallel.each(lambda account: survey.organization(clients, account.settings), new):
        if told.value is not None:
            told.item.notices += organization.role_in_words(told.item.account.id, told.value)


def _read_templates(clients: Clients, targets: list[Target]) -> None:
    changing = [target for target in healthy(targets) if target.plan.stack and target.live.stack]
    for outcome in parallel.each(lambda target: survey.with_template(clients, target.settings, target.live), changing):
        if outcome.value is not None:
            outcome.item.live = outcome.value
