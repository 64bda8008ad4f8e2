# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the open findings of one channel: pure. PRIVATE to the collection."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._routing.fields import OCSF
from .._routing.fields import SEVERITIES
from .._routing.fields import first
from .._routing.fields import format_of
from .._routing.fields import key_of
from .._routing.fields import severity_of
from .._routing.fields import values_at
from .._routing.volume import control_of
from .._routing.volume import created_at

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable
    from collections.abc import Mapping

    from .._routing.reference import Finding

NAMED_AT_MOST = 3  # of each kind, so that a digest can be read at a glance
LISTED_AT_MOST = 10  # of the findings that are overdue


@dataclass(frozen=True)
class OpenFinding:
    """The attributes of a finding that a digest counts; whole findings take up to 240 KB. *created*: UTC, if known.

    *id*: what its product calls it.
    """

    key: tuple[str, str]
    id: str
    severity: str
    created: datetime.datetime | None
    region: str
    account: str
    control: str
    resources: frozenset[str]


REGIONS = "Regions"


@dataclass(frozen=True)
class Ranking:
    """The regions, accounts, controls or resources (*kind*) with the most findings, and how many there are (*of*)."""

    kind: str
    top: tuple[tuple[str, int], ...]
    of: int


@dataclass(frozen=True)
class Counts:
    """The numbers of open and of *new* findings by severity, the highest severity first.

    *new_before*: those that are open and were created in as many days before the *new* ones. Security Hub does not
    record when a finding was resolved, so it is unknown how many were open then. *oldest_days*: the age of the oldest
    finding of the highest severity, None if unknown. *overdue*: the numbers by severity; *listed*: the first of them,
    the highest severity and then the oldest first, each with its age in days.
    """

    severities: dict[str, int]
    new: dict[str, int]
    new_before: dict[str, int]
    oldest_days: int | None
    rankings: tuple[Ranking, ...]
    overdue: dict[str, int]
    listed: tuple[tuple[OpenFinding, int], ...]

    @property
    def total(self) -> int:
        """Return how many findings are open."""
        return sum(self.severities.values())

    @property
    def highest(self) -> str:
        """Return the highest severity of an open finding, '' without any."""
        return next(iter(self.severities), "")


def open_finding(finding: Finding) -> OpenFinding:
    """Return the attributes of a finding that a digest counts."""
    fields = format_of(finding)
    name = first(finding, ("cloud", "account", "name") if fields is OCSF else ("AwsAccountName",))
    return OpenFinding(
        key=key_of(finding),
        id=first(finding, fields.id),
        severity=severity_of(finding),
        created=created_at(finding),
        region=first(finding, fields.region),
        account=f"{first(finding, fields.account)} {name}".rstrip(),
        # Findings of other products than Security Hub count for the product, for example aws/guardduty.
        control=control_of(finding),
        resources=frozenset(str(name) for name in values_at(finding, fields.resource_id)),
    )


def counts(
    findings: Iterable[OpenFinding], now: datetime.datetime, days: int, overdue_days: Mapping[str, int]
) -> Counts:
    """Count each finding once, even if it is listed twice.

    A finding is new for *days* after its creation, and overdue after the days that *overdue_days* has for its severity.
    """
    unique = list({item.key: item for item in findings}.values())
    aged = [(item, (now - item.created).days) for item in unique if item.created]
    ages = [(item.severity, age) for item, age in aged]
    overdue = [(item, age) for item, age in aged if age >= overdue_days.get(item.severity, age + 1)]
    severities = _by_severity(item.severity for item in unique)
    highest = next(iter(severities), "")
    return Counts(
        severities=severities,
        new=_by_severity(severity for severity, age in ages if age < days),
        new_before=_by_severity(severity for severity, age in ages if days <= age < 2 * days),
        oldest_days=max((age for severity, age in ages if severity == highest), default=None),
        rankings=(
            _ranking(REGIONS, (item.region for item in unique)),
            _ranking("Accounts", (item.account for item in unique)),
            _ranking("Controls", (item.control for item in unique)),
            # A finding about several resources counts for each of them.
            _ranking("Resources", (name for item in unique for name in item.resources)),
        ),
        overdue=_by_severity(item.severity for item, _age in overdue),
        listed=tuple(sorted(overdue, key=_most_urgent)[:LISTED_AT_MOST]),
    )


def _most_urgent(overdue: tuple[OpenFinding, int]) -> tuple[int, int, str]:
    item, age = overdue
    return -SEVERITIES.index(item.severity), -age, item.id


def _by_severity(severities: Iterable[str]) -> dict[str, int]:
    found = Counter(severities)
    return {severity: found[severity] for severity in reversed(SEVERITIES) if found[severity]}


def _ranking(kind: str, names: Iterable[str]) -> Ranking:
    found = Counter(name for name in names if name)
    ranked = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    return Ranking(kind, tuple(ranked[:NAMED_AT_MOST]), len(found))
