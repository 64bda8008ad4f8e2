# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads all targets of a run and their accounts in parallel. PRIVATE to the collection."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._aws import parallel
from .._aws.errors import UserError
from .._aws.names import REGION
from .._inventory import discovery
from .._model import layout
from .._model import names
from .._model import settings as role_variables
from .._model.account import Account
from .._model.snapshot import AccountSnapshot
from .._model.snapshot import Fleet
from .._model.snapshot import LiveTarget
from .._model.snapshot import TargetSnapshot
from .._model.snapshot import healthy
from . import accounts as of_account
from . import directory
from . import targets as of_target

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable
    from collections.abc import Iterable
    from collections.abc import Sequence

    from .._aws.clients import Clients
    from .._aws.credentials import CredentialSource


def fleet(
    aws: Clients,
    targets: Sequence[TargetSnapshot],
    unselected: Sequence[TargetSnapshot],
    today: datetime.date,
    *,
    coverage: bool = False,
) -> Fleet:
    """Return everything that deployments depend on. Nothing is raised: what fails is in the problems of its target.

    *targets*: those of the run, with the settings and the problems of their variables. *unselected*: the inventory's
    other targets. *coverage*: look for uncovered regions without securityhub_slack_report_uncovered_regions too.
    """
    found = _signed_in(aws, targets, unselected, early=True)
    accounts = _read_everything(aws, [_agreeing(account) for account in found.accounts], coverage)
    read = parallel.recovered(lambda account: _with_unselected(aws, account, today), accounts, AccountSnapshot.unread)
    return replace(found, accounts=tuple(read))


def hubs(
    aws: Clients, targets: Sequence[TargetSnapshot], unselected: Sequence[TargetSnapshot], today: datetime.date
) -> Fleet:
    """Return what forwarding depends on, without stacks and channels. Nothing is raised.

    One call for each target and each set of credentials, four for each account.
    """
    found = _signed_in(aws, targets, unselected)
    accounts = [_agreeing(account) for account in found.accounts]
    read = parallel.recovered(lambda account: _with_hubs(aws, account, today), accounts, AccountSnapshot.unread)
    return replace(found, accounts=tuple(read))


def offline(targets: Sequence[TargetSnapshot]) -> Fleet:
    """Return the same without any call, as if Security Hub were enabled everywhere and there were no aggregator.

    An account is the one in securityhub_slack_account_id or securityhub_slack_role_arn, or else named after its
    credentials.
    """
    checked = _checked(targets)
    by_id: dict[str, list[TargetSnapshot]] = {}
    for target in healthy(checked):
        account = Account(target.settings.value("account_id") or _account_id(target.settings.source), "aws")
        by_id.setdefault(account.id, []).append(replace(target, account=account, live=LiveTarget(hub=True)))
    accounts = [
        AccountSnapshot(Account(name, "aws"), tuple(found), unselected=tuple(layout.in_another_slice(found)))
        for name, found in by_id.items()
    ]
    unknown = tuple(target for target in checked if target.problems)
    return Fleet(tuple(target.host for target in checked), tuple(map(_agreeing, accounts)), unknown)


def _account_id(source: CredentialSource) -> str:
    parts = source.role_arn.split(":")
    return parts[4] if len(parts) > 4 else str(source)


# Before any call: the settings


def _checked(targets: Iterable[TargetSnapshot]) -> list[TargetSnapshot]:
    return [
        target if target.problems else target.refused(*role_variables.problems(target.settings)) for target in targets
    ]


def _agreeing(account: AccountSnapshot) -> AccountSnapshot:
    """Return the account, with a problem for each contradiction between its targets."""
    return account.refused(*role_variables.disagreements([target.settings for target in account.targets]))


# Which account each target belongs to


def _signed_in(
    aws: Clients, targets: Sequence[TargetSnapshot], unselected: Sequence[TargetSnapshot], *, early: bool = False
) -> Fleet:
    """Return the accounts of the targets: one call for each set of credentials, and those of directory.py.

    *early*: also create the clients of later calls, while the processor would otherwise wait for the network.
    """
    checked, others = _checked(targets), _checked(unselected)
    groups = list(_by_source(healthy(checked)).values())
    # First, because clients are created one at a time, in this order.
    parallel.each(lambda group: of_account.prepare_sign_in(aws, group[0].settings), groups)
    works: list[Callable[[], Any]] = [
        *(partial(of_account.account, aws, [target.settings for target in group]) for group in groups),
        *(of_account.preparations(aws, [target.settings for target in healthy(checked)]) if early else ()),
    ]
    outcomes = parallel.each(lambda work: work(), works)
    unknown = [target for target in checked if target.problems]
    known: dict[Account, list[TargetSnapshot]] = {}
    for group, outcome in zip(groups, outcomes):
        if outcome.value is None:
            unknown += [target.failed(outcome.error or UserError("the account is unknown.")) for target in group]
        else:
            found = [_in_account(target, outcome.value) for target in group]
            unknown += [target for target in found if target.problems]
            if healthy(found):
                known.setdefault(outcome.value, []).extend(healthy(found))
    of_play, of_rest = _by_source(checked), _by_source(others)
    accounts = [_account(account, found, of_play, of_rest) for account, found in known.items()]
    signed_in = {target.settings.source for found in known.values() for target in found}
    unplaced: defaultdict[str, set[str]] = defaultdict(set)  # regions, by the account in the variables or ''
    for settings in (target.settings for target in (*unknown, *others)):
        if settings.source not in signed_in:
            unplaced[settings.value("account_id") or ""].add(settings.region)
    accounts = [replace(item, unplaced=frozenset(unplaced[""] | unplaced[item.account.id])) for item in accounts]
    resolved = parallel.recovered(partial(directory.with_accounts, aws), accounts, AccountSnapshot.unread)
    return Fleet(tuple(target.host for target in checked), tuple(resolved), tuple(unknown))


def _in_account(target: TargetSnapshot, account: Account) -> TargetSnapshot:
    """Return the target with its account, or with the problem that its credentials lead to another one."""
    expected = target.settings.value("account_id")
    if not expected or expected == account.id:
        return replace(target, account=account)
    return target.refused(
        f"securityhub_slack_account_id is {expected}, but the credentials ({target.settings.source}) lead to account "
        f"{account.id}. Sign in to account {expected}, or correct the variable."
    )


def _by_source(targets: Iterable[TargetSnapshot]) -> dict[CredentialSource, list[TargetSnapshot]]:
    found: dict[CredentialSource, list[TargetSnapshot]] = {}
    for target in targets:
        found.setdefault(target.settings.source, []).append(target)
    return found


def _account(
    account: Account,
    targets: list[TargetSnapshot],
    of_play: dict[CredentialSource, list[TargetSnapshot]],
    of_rest: dict[CredentialSource, list[TargetSnapshot]],
) -> AccountSnapshot:
    """Return the account of *targets*, with what else the play and the rest of the inventory have of it."""
    sources = dict.fromkeys(target.settings.source for target in targets)
    checked = [item for source in sources for item in of_play[source]]
    others = [item for source in sources for item in of_rest.get(source, ())]
    present = [item for item in others if item.settings.present]
    failed = [item for item in checked if item.problems and item.settings.present]
    return AccountSnapshot(
        account=account,
        targets=tuple(targets),
        unselected=(*healthy(present), *layout.in_another_slice([*targets, *present, *failed])),
        invalid=tuple(item for item in (*present, *failed) if item.problems and REGION.fullmatch(item.settings.region)),
        regions=frozenset(item.settings.region for item in (*checked, *others)),
    )


# What AWS has


@dataclass(frozen=True)
class _Read:
    """One thing to read: of which account, into which field, of which of its targets ('': of the account)."""

    account: int
    field: str
    read: Callable[[], Any]
    host: str = ""


def _read_everything(aws: Clients, accounts: list[AccountSnapshot], coverage: bool) -> list[AccountSnapshot]:
    reads = [
        read
        for number, account in enumerate(accounts)
        if healthy(account.targets)
        for read in _reads(aws, number, account, coverage)
    ]
    outcomes = parallel.each(lambda read: read.read(), reads)
    disabled = _disabled_regions(aws, accounts, outcomes)
    by_account: list[list[parallel.Outcome[_Read, Any]]] = [[] for _account in accounts]
    for outcome in outcomes:
        by_account[outcome.item.account].append(outcome)
    return [
        _with_answers(account, found, disabled.get(number, frozenset())) if found else account
        for number, (account, found) in enumerate(zip(accounts, by_account))
    ]


def _reads(aws: Clients, number: int, account: AccountSnapshot, coverage: bool) -> list[_Read]:
    settings = account.settings
    identity = names.identity(settings, account.account)
    reads = [
        _Read(number, "configurations", partial(of_account.configurations, aws, settings, identity)),
        _Read(number, "identity", partial(of_account.identity, aws, settings, identity)),
        _Read(number, "facts", partial(of_account.facts, aws, [target.settings for target in account.targets])),
    ]
    wanted = (coverage or settings.value("report_uncovered_regions")) and not account.job_slices
    if wanted and any(target.settings.present for target in account.targets):
        reads.append(_Read(number, "coverage", partial(of_account.coverage, aws, settings, account.regions)))
    return reads + [
        _Read(number, "live", partial(of_target.target, aws, target.settings, account.account), target.host)
        for target in account.targets
    ]


def _with_answers(
    account: AccountSnapshot, outcomes: list[parallel.Outcome[_Read, Any]], disabled: frozenset[str]
) -> AccountSnapshot:
    """Return the account with everything that could be read, and problems for the rest.

    *disabled*: the regions that the account has not enabled, of those that do not recognize the credentials.
    """
    live = {outcome.item.host: outcome for outcome in outcomes if outcome.item.host}
    of_the_account = [outcome for outcome in outcomes if not outcome.item.host]
    answers: dict[str, Any] = {out.item.field: out.value for out in of_the_account if out.error is None}
    targets = tuple(_with_answer(target, live[target.host], account.account, disabled) for target in account.targets)
    found = replace(account, targets=targets, is_complete=True, **answers)
    for outcome in of_the_account:
        if outcome.error is not None:
            found = found.unread(outcome.error)
    return found


def _with_answer(
    target: TargetSnapshot, outcome: parallel.Outcome[_Read, Any], account: Account, disabled: frozenset[str]
) -> TargetSnapshot:
    if outcome.error is None:
        return replace(target, live=outcome.value or LiveTarget())
    if target.settings.region in disabled:
        target = target.refused(_not_enabled(target.settings.region, account.id))
    return target.unread(outcome.error)


def _not_enabled(region: str, account_id: str) -> str:
    return (
        f"{region} is not enabled in account {account_id}. Run: aws account enable-region --region-name {region} (it "
        f"takes minutes to hours), or remove the region from the inventory."
    )


def _disabled_regions(
    aws: Clients, accounts: list[AccountSnapshot], outcomes: list[parallel.Outcome[_Read, Any]]
) -> dict[int, frozenset[str]]:
    """Return by account the regions that do not recognize the credentials because the account has not enabled them."""
    unrecognized: dict[int, set[str]] = {}
    for outcome in outcomes:
        read = outcome.item
        if read.host and outcome.error is not None and errors.is_unrecognized(outcome.error):
            region = next(item.settings.region for item in accounts[read.account].targets if item.host == read.host)
            unrecognized.setdefault(read.account, set()).add(region)
    sources = {number: accounts[number].settings.source for number in unrecognized}
    answers = parallel.each(lambda number: discovery.enabled_regions(aws, sources[number]), unrecognized)
    # If the answer is unknown too, what the region itself said has to do.
    return {
        outcome.item: frozenset(unrecognized[outcome.item] - set(outcome.value))
        for outcome in answers
        if outcome.value is not None
    }


def _with_unselected(aws: Clients, account: AccountSnapshot, today: datetime.date) -> AccountSnapshot:
    """Return the account with the live state of the unselected targets that matter; one that fails stays unread."""
    tried: set[str] = set()
    while due := [item for item in layout.worth_reading(account, today) if item.host not in tried]:
        tried |= {item.host for item in due}
        read = partial(_live_target, aws, account.account)
        live = {out.item.host: out.value for out in parallel.each(read, due) if out.value is not None}
        unselected = tuple(
            replace(item, live=live[item.host]) if item.host in live else item for item in account.unselected
        )
        account = replace(account, unselected=unselected)
    return account


def _live_target(aws: Clients, account: Account, item: TargetSnapshot) -> LiveTarget:
    return of_target.target(aws, item.settings, account)


def _with_hubs(aws: Clients, account: AccountSnapshot, today: datetime.date) -> AccountSnapshot:
    read = parallel.recovered(
        lambda target: replace(target, live=of_target.hub(aws, target.settings)),
        healthy(account.targets),
        TargetSnapshot.failed,
    )
    by_host = {target.host: target for target in read}
    account = replace(account, targets=tuple(by_host.get(target.host, target) for target in account.targets))
    alive = healthy(account.targets)
    if not alive:
        return account
    try:
        account = replace(account, facts=of_account.facts(aws, [target.settings for target in alive]))
    except errors.failures() as error:
        account = replace(account, targets=tuple(target.failed(error) for target in account.targets))
    return _with_unselected(aws, account, today)
