# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open findings, counted for one channel: pure. PRIVATE to the collection."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from .._routing.explanation import first
from .._routing.explanation import values_at
from .._routing.fields import CSPM
from .._routing.fields import SEVERITIES
from .._routing.volume import created_at

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable

Finding = dict[str, Any]

# So many of each are named: a digest is read at a glance.
NAMED_AT_MOST = 3


@dataclass(frozen=True)
class Period:
    """So many *days* until *now*, in which a finding that was created counts as new."""

    now: datetime.datetime
    days: int


@dataclass(frozen=True)
class Note:
    """What is kept of a finding, which as a whole may take 240 KB: what it counts for. *created*: in UTC, if known."""

    key: tuple[str, str]
    severity: str
    created: datetime.datetime | None
    region: str
    account: str
    control: str
    resources: frozenset[str]


@dataclass(frozen=True)
class Most:
    """Which of one kind (regions, accounts, ...) have the most findings, with how many; *of*: how many there are."""

    kind: str
    named: tuple[tuple[str, int], ...]
    of: int


@dataclass(frozen=True)
class Counts:
    """How many findings are open, by severity, the gravest first; and of these, the *new* ones.

    *oldest_days*: the age of the oldest finding of the gravest severity, None where none says how old it is.
    """

    severities: dict[str, int]
    new: dict[str, int]
    oldest_days: int | None
    most: tuple[Most, ...]

    @property
    def total(self) -> int:
        """Return how many findings are open."""
        return sum(self.severities.values())

    @property
    def gravest(self) -> str:
        """Return the gravest severity of an open finding, '' without any."""
        return next(iter(self.severities), "")


def note(finding: Finding) -> Note:
    """Return what a digest needs to know of a finding (ASFF)."""
    account = f"{first(finding, CSPM.account)} {first(finding, ('AwsAccountName',))}"
    return Note(
        key=(finding["ProductArn"], finding["Id"]),
        severity=first(finding, CSPM.severity),
        created=created_at(finding),
        region=first(finding, CSPM.region),
        account=account.rstrip(),
        # What other products than Security Hub find counts for the product, as aws/guardduty.
        control=first(finding, CSPM.control) or first(finding, CSPM.product).rpartition("product/")[2],
        resources=frozenset(str(name) for name in values_at(finding, CSPM.resource_id)),
    )


def counts(notes: Iterable[Note], period: Period) -> Counts:
    """Count findings, each once however often it comes."""
    unique = list({item.key: item for item in notes}.values())
    ages = [(item.severity, (period.now - item.created).days) for item in unique if item.created]
    severities = _by_severity(item.severity for item in unique)
    gravest = next(iter(severities), "")
    return Counts(
        severities=severities,
        new=_by_severity(severity for severity, age in ages if age < period.days),
        oldest_days=max((age for severity, age in ages if severity == gravest), default=None),
        most=(
            _most("Regions", (item.region for item in unique)),
            _most("Accounts", (item.account for item in unique)),
            _most("Controls", (item.control for item in unique)),
            # A finding about several resources counts for each of them.
            _most("Resources", (name for item in unique for name in item.resources)),
        ),
    )


def _by_severity(severities: Iterable[str]) -> dict[str, int]:
    found = Counter(severities)
    return {severity: found[severity] for severity in reversed(SEVERITIES) if found[severity]}


def _most(kind: str, names: Iterable[str]) -> Most:
    found = Counter(name for name in names if name)
    named = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    return Most(kind, tuple(named[:NAMED_AT_MOST]), len(found))
