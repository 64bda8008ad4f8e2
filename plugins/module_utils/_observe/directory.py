# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what AWS Organizations says about accounts, as far as channels ask for it. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._aws import parallel
from .._aws.errors import UserError
from .._model import account_channels
from .._model.account_channels import Directory
from .._model.settings import settings_of
from .._services import organizations

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._aws.clients import Clients
    from .._model.settings import Settings
    from .._model.snapshot import AccountSnapshot
    from .._model.snapshot import TargetSnapshot


WHO_MAY_READ = (
    "AWS Organizations answers only its management account and delegated administrators, such as that of Security Hub."
)


def with_accounts(aws: Clients, account: AccountSnapshot) -> AccountSnapshot:
    """Return the account whose channels list the accounts that they choose; without a call if none asks for it.

    For names one call for every 20 accounts, for each organizational unit two and those of the units below it, and for
    tags one for each account besides.
    """
    present = [item for item in (*account.targets, *account.unselected) if item.settings.present]
    channels = [item for target in present for item in target.settings.value("channels") or []]
    if not any(map(account_channels.asks, channels)):
        return account
    try:
        directory = _directory(aws, account.settings, channels)
    except errors.failures() as error:
        if not errors.is_denied(error):
            return account.unread(error)
        return account.refused(f"{errors.explain(error)} {WHO_MAY_READ}")
    resolved = replace(
        account,
        targets=tuple(_resolved(item, directory) for item in account.targets),
        unselected=tuple(_resolved(item, directory) for item in account.unselected),
    )
    return resolved.refused(*dict.fromkeys(account_channels.unmatched(channels, directory)))


def _resolved(target: TargetSnapshot, directory: Directory) -> TargetSnapshot:
    settings = target.settings
    channels = account_channels.with_accounts(settings.value("channels") or [], directory)
    variables = {**settings.variables, "securityhub_slack_channels": channels}
    return replace(target, settings=settings_of(settings.host, variables))


def _directory(aws: Clients, settings: Settings, channels: list[account_channels.Channel]) -> Directory:
    call = partial(aws.call, settings.source, aws.home_region(settings.source), "organizations")
    by_name, by_tag = (
        any(channel.get(name) for channel in channels)
        for name in (account_channels.NAME_PREFIXES, account_channels.TAGS)
    )
    names = call(organizations.list_accounts) if by_name or by_tag else {}
    tagged, units = list(names) if by_tag else [], account_channels.units_of(channels)
    tags = parallel.values(partial(call, organizations.tags_of), tagged)
    accounts = parallel.values(partial(_accounts_below, call), units)
    return Directory(names, dict(zip(units, accounts)), dict(zip(tagged, tags)))


def _accounts_below(call: Callable[..., Any], unit: str) -> frozenset[str]:
    """Return the accounts in an organizational unit and in all units below it."""
    try:
        below = call(organizations.units_in, unit)
    except errors.failures() as error:
        if errors.code(error) != "ParentNotFoundException":
            raise
        raise UserError(
            f"the organizational unit {unit} does not exist. Correct {account_channels.UNITS} in "
            f"securityhub_slack_channels."
        ) from None
    inside = parallel.values(partial(_accounts_below, call), below)
    return frozenset(call(organizations.accounts_in, unit)).union(*inside)
