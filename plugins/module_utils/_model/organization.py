# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an account is in its AWS organization, and what follows for its findings: pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._routing.topology import Aggregation
    from .._services.securityhub import OrganizationConfiguration


@dataclass(frozen=True)
class Organization:
    """What AWS tells an account of its organization.

    *designated*: who administers Security Hub there, '' for none; only the management account can see it, any other has
    None. *rules*: as DescribeOrganizationConfiguration answers the delegated administrator; any other has None.
    """

    designated: str | None = None
    rules: OrganizationConfiguration | None = field(default=None, hash=False)


def role_in_words(account_id: str, found: Organization) -> list[str]:
    """Return the function of the account in its organization, and what to do if another account is needed."""
    said = []
    if found.designated is not None:
        said.append(_management(account_id, found.designated))
    if found.rules is not None:
        said.append(_administrator(account_id, found.rules))
    return said


def _management(account_id: str, designated: str) -> str:
    if not designated:
        return (
            f"{account_id} is the management account of its organization, which has no delegated administrator of "
            f"Security Hub yet. The playbook secops.securityhub.securityhub_organization designates one, which "
            f"receives the findings of all members"
        )
    if designated == account_id:
        return f"{account_id} is the management account of its organization, and administers its Security Hub itself"
    return (
        f"{account_id} is the management account of its organization, and the delegated administrator of Security Hub "
        f"is {designated}, which receives the findings of all members. Run the playbook for {designated}"
    )


def _administrator(account_id: str, rules: OrganizationConfiguration) -> str:
    said = f"{account_id} is the delegated administrator of its organization"
    configuration = rules.get("OrganizationConfiguration") or {}
    if configuration.get("ConfigurationType") == "CENTRAL":
        status = configuration.get("Status", "ENABLED")
        unfinished = "" if status == "ENABLED" else f", {status}"
        return f"{said}, whose accounts are governed by configuration policies (central configuration{unfinished})"
    joining = "gets" if rules.get("AutoEnable") else "does not get"
    return f"{said}; an account that joins {joining} Security Hub by itself (local configuration)"


LINKED = {
    "ALL_REGIONS": "all regions",
    "ALL_REGIONS_EXCEPT_SPECIFIED": "all regions but {regions}",
    "SPECIFIED_REGIONS": "{regions}",
    "NO_REGIONS": "no other region",
}


def aggregation_in_words(aggregation: Aggregation) -> str:
    """Return which Regions' findings the aggregator copies, and where to."""
    regions = LINKED[aggregation.mode].format(regions=", ".join(aggregation.regions))
    return f"An aggregator copies the findings of {regions} to {aggregation.home}"


def membership_in_words(account_id: str, administrator: str) -> str:
    """Return whose member an account is."""
    return f"{account_id} is a member account, and its administrator is {administrator}"
