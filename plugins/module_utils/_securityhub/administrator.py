# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Designates the delegated administrator of Security Hub. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._aws.errors import UserError
from .._aws.polling import poll
from .._services import securityhub

if TYPE_CHECKING:
    from .._aws.clients import Caller
    from .._services.securityhub import AdminAccount

SECONDS_TO_APPEAR = 120
# AWS Organizations refuses concurrent changes, such as the designation in several regions at the same time.
SECONDS_OF_CONFLICT = 60


def read_admin(aws: Caller) -> AdminAccount | None:
    """Return the delegated administrator, or None."""
    accounts = aws.call("securityhub", securityhub.list_organization_admin_accounts)
    return accounts[0] if accounts else None


def enable(aws: Caller, account: str) -> AdminAccount:
    """Designate the account: retry while another change of the organization conflicts, then wait until AWS shows it."""

    def attempt() -> Exception | None:
        return aws.call("securityhub", securityhub.enable_organization_admin_account, account)

    conflict = poll(attempt, lambda error: error is None, SECONDS_OF_CONFLICT)
    if conflict is not None:
        raise conflict
    shown = poll(lambda: read_admin(aws), lambda admin: admin is not None, SECONDS_TO_APPEAR)
    if shown is None:
        raise UserError(
            f"AWS accepted the designation of {account}, but does not show it after {SECONDS_TO_APPEAR} seconds. Run "
            f"this again in a few minutes."
        )
    return shown


def ensure_present(aws: Caller, current: AdminAccount | None, account: str, check_mode: bool) -> AdminAccount:
    """Return the delegated administrator as it is (or would be) afterwards. Raise UserError if there is another."""
    if current is None:
        return {"AccountId": account, "Status": "ENABLED"} if check_mode else enable(aws, account)
    if current["Status"] == "DISABLE_IN_PROGRESS":
        raise UserError(f"AWS is still removing the designation of {current['AccountId']}. Try again in a few minutes.")
    if current["AccountId"] != account:
        raise UserError(
            f"{current['AccountId']} is the delegated administrator, and replacing it would disconnect its members. To "
            f"replace it anyway, remove its designation first (state: absent)."
        )
    return current


def ensure_absent(aws: Caller, current: AdminAccount | None, account: str, check_mode: bool) -> AdminAccount | None:
    """Return the delegated administrator as it is (or would be) afterwards; another account stays designated."""
    if current is None or current["AccountId"] != account or current["Status"] != "ENABLED":
        return current
    if check_mode:
        return None
    aws.call("securityhub", securityhub.disable_organization_admin_account, account)
    return poll(lambda: read_admin(aws), lambda admin: admin is None, SECONDS_TO_APPEAR)
