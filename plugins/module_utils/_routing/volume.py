# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many messages a policy would have sent about past findings: pure. PRIVATE to the collection."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import dataclass

from .fields import OCSF
from .fields import Path
from .fields import first
from .fields import format_of
from .reference import Finding


@dataclass(frozen=True, order=True)
class Row:
    """The messages of one day (UTC) about findings of one Region and severity."""

    day: datetime.date
    region: str
    severity: str
    messages: int


@dataclass(frozen=True)
class Volume:
    """The messages of the last *days* days, oldest first.

    repeated: how many of them were about a finding that had already been sent, because it was updated while still NEW.
    """

    days: int
    rows: tuple[Row, ...]
    repeated: int

    @property
    def messages(self) -> int:
        """Return the number of messages."""
        return sum(row.messages for row in self.rows)


def volume(findings: Iterable[Finding], is_sent: Callable[[Finding], bool], days: int, today: datetime.date) -> Volume:
    """Return what would have been sent of *findings* from *days* - 1 days before *today* through *today*.

    *is_sent*: whether the policy sends a finding in its present state. A finding counts on the day of its creation,
    when it was NEW and ACTIVE, and again on the day of its last update if it is sent in its present state. A finding
    does not record other updates or past compliance states, so there may have been more messages.
    """
    since = today - datetime.timedelta(days=days - 1)
    counts: Counter[tuple[datetime.date, str, str]] = Counter()
    repeated = 0
    for finding in findings:
        fields = format_of(finding)
        created, updated = _times(finding)
        region, severity = first(finding, fields.region), first(finding, fields.severity).upper()
        was_sent = is_sent(_as_created(finding))
        if created and since <= created.date() <= today and was_sent:
            counts[created.date(), region, severity] += 1
        if updated and updated != created and since <= updated.date() <= today and is_sent(finding):
            counts[updated.date(), region, severity] += 1
            repeated += was_sent
    rows = tuple(sorted(Row(*key, messages) for key, messages in counts.items()))
    return Volume(days, rows, repeated)


ASFF_TIMES: tuple[Path, Path] = (("CreatedAt",), ("UpdatedAt",))
OCSF_TIMES: tuple[Path, Path] = (("finding_info", "created_time_dt"), ("finding_info", "modified_time_dt"))


def created_at(finding: Finding) -> datetime.datetime | None:
    """Return when a finding was created (UTC), None if it does not say."""
    return _times(finding)[0]


def _times(finding: Finding) -> tuple[datetime.datetime | None, datetime.datetime | None]:
    created, updated = OCSF_TIMES if format_of(finding) is OCSF else ASFF_TIMES
    return _time(first(finding, created)), _time(first(finding, updated))


def _time(text: str) -> datetime.datetime | None:
    try:
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return moment.astimezone(datetime.timezone.utc) if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)


def _as_created(finding: Finding) -> Finding:
    if format_of(finding) is OCSF:
        return {**finding, "activity_name": "Create", "status": "New"}
    return {**finding, "RecordState": "ACTIVE", "Workflow": {"Status": "NEW"}}
