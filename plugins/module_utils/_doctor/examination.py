# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at all targets of a play, and judges: reads only. PRIVATE to the collection."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from typing import Any
from typing import Callable

from .._aws import errors
from .._aws import parallel
from .._aws.errors import UserError
from .._pipeline import decisions
from .._pipeline import organization
from .._pipeline import run
from .._pipeline import survey
from .._routing import topology
from . import checks
from . import signs
from .cases import Case
from .diagnosis import Diagnosis
from .diagnosis import Row
from .diagnosis import diagnosis

if TYPE_CHECKING:
    import datetime

    from .._aws.clients import Clients
    from .._pipeline.target import AccountRun
    from .._pipeline.target import Target


def examine(
    targets: list[Target],
    neighbours: list[Target],
    clients: Clients,
    *,
    today: datetime.date,
    window: signs.Window,
) -> Diagnosis:
    """Return what is wrong with *targets*; nothing is raised, and nothing is written.

    *neighbours*: the inventory's other targets. *window*: how far back metrics are looked at.
    """
    accounts = run.look(targets, neighbours, clients, today, watch=True)
    unread = {target.host: target.error for target in targets if target.error}
    for account in accounts:
        decisions.decide(account, today)
    path_errors = _errors(run.look_deep(clients, targets))
    of_targets, signs_errors = _read(partial(_target_signs, clients, window), _with_pipeline(targets))
    deployed = [account for account in accounts if _with_pipeline(account.targets)]
    of_accounts, account_errors = _read(partial(signs.of_account, clients, window=window), deployed)
    of_organizations, _organization_errors = _read(
        lambda account: survey.organization(clients, account.settings), accounts
    )
    channel_errors = {id(account): _channel_error(account) for account in accounts}
    account_of = {id(target): account for account in accounts for target in account.targets}

    def case(target: Target) -> Case:
        account = account_of.get(id(target))
        return Case(
            target=target,
            account=account,
            unread=unread.get(target.host, ""),
            signs=of_targets.get(id(target)),
            account_signs=of_accounts.get(id(account)),
            path_error=path_errors.get(id(target), ""),
            signs_error=signs_errors.get(id(target), ""),
            account_error=account_errors.get(id(account), ""),
            channel_error=channel_errors.get(id(account), ""),
            window=window.words,
        )

    return diagnosis(
        [_row(case(target)) for target in targets],
        _uncovered(accounts),
        _unwatched(accounts),
        {account.account.id: said for account in accounts if (said := _said(account, of_organizations[id(account)]))},
    )


def _said(account: AccountRun, found: organization.Organization) -> tuple[str, ...]:
    said = organization.role_in_words(account.account.id, found)
    if account.facts.administrator:
        said.append(organization.membership_in_words(account.account.id, account.facts.administrator))
    aggregation = topology.aggregation_of(account.facts.aggregator)
    if aggregation:
        said.append(organization.aggregation_in_words(aggregation))
    return tuple(said)


def _with_pipeline(targets: list[Target]) -> list[Target]:
    return [target for target in targets if target.wanted is not None]


def _target_signs(clients: Clients, window: signs.Window, target: Target) -> signs.TargetSigns | None:
    if target.wanted is None:
        return None
    return signs.of_target(clients, target.settings, target.wanted.stack, window)


def _read(read: Callable[[Any], Any], items: list[Any]) -> tuple[dict[int, Any], dict[int, str]]:
    outcomes = parallel.each(read, items)
    return {id(outcome.item): outcome.value for outcome in outcomes}, _errors(outcomes)


def _errors(outcomes: list[Any]) -> dict[int, str]:
    return {id(outcome.item): errors.explain(outcome.error) for outcome in outcomes if outcome.error is not None}


def _channel_error(account: AccountRun) -> str:
    try:
        decisions.plan_channels(account)
    except UserError as error:
        return str(error)
    return ""


def _row(case: Case) -> Row:
    target = case.target
    return Row(target.host, target.account_id, target.settings.region, target.sends, checks.examine(case))


def _uncovered(accounts: list[AccountRun]) -> list[tuple[str, str]]:
    return [(account.account.id, region) for account in accounts for region in account.without_pipeline]


def _unwatched(accounts: list[AccountRun]) -> dict[str, str]:
    return {account.account.id: account.beyond.error for account in accounts if account.beyond and account.beyond.error}
