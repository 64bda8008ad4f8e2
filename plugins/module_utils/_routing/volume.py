# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many messages policies would have sent about past findings: pure. PRIVATE to the collection.

Findings are counted one by one, so that the memory for it depends on regions, controls and days, not on findings.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace

from . import policy as policies
from .fields import first
from .fields import format_of
from .reference import HIGHEST_FIRST
from .reference import Finding
from .simulation import Channel
from .simulation import Outlook
from .simulation import Prospect
from .trust import CONTROLS

# A number of messages that a team can read every day.
FEW_A_DAY = 5
# More suppressed controls than this hide more than a suggestion should.
SUPPRESSED_AT_MOST = 3

OfSeverity = Counter[tuple[str, str]]


@dataclass(frozen=True)
class Volume:
    """The messages of the last *days* days in the channels.

    days_sent: by day (as in 2026-11-24) and severity. regions_sent: by Region and severity. controls_sent: by control,
    or product, and severity. *of_any*: the same if every severity were forwarded. suppressed: messages that each
    suppression or vulnerability filter has removed. repeated: how many were about a finding that had already been sent,
    because it was updated while NEW. titles: of the controls. receivers_sent: findings that each receiver would have
    got, which are no messages in a channel. mentioned: messages that mention someone, by whom. ended: messages in
    threads that a finding is over, by whether the policies send them.
    """

    days: int
    days_sent: OfSeverity = field(default_factory=Counter)
    regions_sent: OfSeverity = field(default_factory=Counter)
    regions_of_any: OfSeverity = field(default_factory=Counter)
    controls_sent: OfSeverity = field(default_factory=Counter)
    controls_of_any: OfSeverity = field(default_factory=Counter)
    topics_sent: Counter[str] = field(default_factory=Counter)
    suppressed: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    titles: dict[str, str] = field(default_factory=dict)
    receivers_sent: Counter[str] = field(default_factory=Counter)
    mentioned: Counter[str] = field(default_factory=Counter)
    ended: Counter[bool] = field(default_factory=Counter)

    @property
    def messages(self) -> int:
        """Return the number of messages."""
        return sum(self.topics_sent.values())

    def a_day(self, messages: int) -> float:
        """Return the average per day."""
        return round(messages / self.days, 2)


@dataclass(frozen=True)
class Suggestion:
    """A policy for all Regions: a minimum severity, and suppressed controls. *messages*: that there would have been."""

    minimum_severity: str
    control_ids: tuple[str, ...]
    messages: int


def volume(
    outlooks: Iterable[tuple[Finding, Outlook]], days: int, today: datetime.date, channels: Iterable[Channel] = ()
) -> Volume:
    """Return what would have been sent of findings from *days* - 1 days before *today* through *today*.

    *outlooks*: the findings, each with its outlook. A finding counts on the day of its creation, when it was NEW and
    ACTIVE, and again on the day of its last update if it is sent in its present state, unless the first message has set
    it to NOTIFIED. A finding does not record other updates or past compliance states, so there may have been more
    messages. *channels*: they, and their filters, are counted even without messages.
    """
    since = today - datetime.timedelta(days=days - 1)
    counted = _without_messages(days, tuple(channels))
    repeated = 0
    for finding, outlook in outlooks:
        created, updated = created_at(finding), _time(first(finding, format_of(finding).updated))
        if created and since <= created.date() <= today:
            _count(counted, finding, outlook, created.date(), outlook.created)
        if updated and updated != created and since <= updated.date() <= today:
            _count(counted, finding, outlook, updated.date(), outlook.updated)
            repeated += outlook.repeated
            counted.ended.update(outlook.ended)
    return replace(counted, repeated=repeated)


def _without_messages(days: int, outlets: tuple[Channel, ...]) -> Volume:
    channels = [item for item in outlets if not item.is_receiver]
    policies = [policy for item in channels for policy in (item.policy, *(linked for _r, linked in item.scope.linked))]
    return Volume(
        days,
        topics_sent=Counter({item.topic: 0 for item in channels}),
        receivers_sent=Counter({item.topic: 0 for item in outlets if item.is_receiver}),
        suppressed=Counter({description: 0 for policy in policies for description, _only in policy.filters}),
        ended=Counter({item.reports_end: 0 for item in channels}),
        mentioned=Counter({who: 0 for item in channels for listed in item.mentions.values() for who in listed}),
    )


def _count(
    counted: Volume, finding: Finding, outlook: Outlook, day: datetime.date, prospects: tuple[Prospect, ...]
) -> None:
    region, severity, control = outlook.region, outlook.severity, control_of(finding)
    counted.receivers_sent.update(item.topic for item in prospects if item.is_receiver and item.sent)
    for prospect in (item for item in prospects if not item.is_receiver):
        if prospect.sent:
            counted.mentioned.update(prospect.mentions)
            counted.days_sent[day.isoformat(), severity] += 1
            counted.regions_sent[region, severity] += 1
            counted.controls_sent[control, severity] += 1
            counted.topics_sent[prospect.topic] += 1
        if prospect.at_any_severity:
            counted.regions_of_any[region, severity] += 1
            counted.controls_of_any[control, severity] += 1
            counted.titles.setdefault(control, first(finding, format_of(finding).title))
        counted.suppressed.update(prospect.suppressed_by)


def control_of(finding: Finding) -> str:
    """Return the control of a finding, or its product, for example aws/guardduty.

    Whoever may import findings of another product can name a control in them: each one another.
    """
    fields = format_of(finding)
    product = first(finding, fields.product)
    control = first(finding, fields.control) if product.endswith(CONTROLS) else ""
    return control or "/".join(product.split("/")[-2:])


def at_least(severity: str, counts: OfSeverity) -> Counter[str]:
    """Return the counts of this severity and the higher ones together, by region, control or day."""
    labels = policies.at_least(severity)
    return by_name(Counter({key: number for key, number in counts.items() if key[1] in labels}))


def by_name(counts: OfSeverity) -> Counter[str]:
    """Return the counts of all severities together, by region, control or day."""
    totals: Counter[str] = Counter()
    for (name, _severity), number in counts.items():
        totals[name] += number
    return totals


def weeks(counted: Volume, today: datetime.date) -> Iterator[tuple[datetime.date, dict[str, int]]]:
    """Yield the first day of each whole week through *today*, the oldest first, with its messages by severity."""
    for number in reversed(range(counted.days // 7)):
        last = today - datetime.timedelta(weeks=number)
        start = last - datetime.timedelta(days=6)
        found: Counter[str] = Counter()
        for (day, severity), messages in counted.days_sent.items():
            if start.isoformat() <= day <= last.isoformat():
                found[severity] += messages
        yield start, dict(found)


def suggestion(counted: Volume) -> Suggestion:
    """Return the policy with the lowest minimum severity that sends a few messages a day.

    It may suppress the controls with the most messages, except those with CRITICAL ones. Without such a policy, return
    the one for CRITICAL.
    """
    found = [_reduced(counted, severity) for severity in reversed(HIGHEST_FIRST)]
    return next((item for item in found if item.messages <= FEW_A_DAY * counted.days), found[-1])


def _reduced(counted: Volume, severity: str) -> Suggestion:
    suppressed: list[str] = []
    messages = at_least(severity, counted.controls_of_any).total()
    for control, number in _suppressible(severity, counted.controls_of_any)[:SUPPRESSED_AT_MOST]:
        if messages > FEW_A_DAY * counted.days:
            suppressed.append(control)
            messages -= number
    return Suggestion(severity, tuple(suppressed), messages)


def _suppressible(severity: str, counts: OfSeverity) -> list[tuple[str, int]]:
    """Return the controls without a CRITICAL message, and how many of at least *severity* each has, the most first."""
    critical = {name for (name, label) in counts if label == HIGHEST_FIRST[0]}
    is_control = policies.SHAPES["control_ids"][0].match
    found = at_least(severity, counts).most_common()
    return [item for item in found if item[0] not in critical and is_control(item[0])]


def created_at(finding: Finding) -> datetime.datetime | None:
    """Return when a finding was created (UTC), None if it does not say."""
    return _time(first(finding, format_of(finding).created))


def _time(text: str) -> datetime.datetime | None:
    try:
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    if moment.tzinfo is datetime.timezone.utc:
        return moment
    return moment.astimezone(datetime.timezone.utc) if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)
