# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a simulation found, for people and for programs. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from .._aws.few import few_of
from .._resource.shapes import Json
from .._routing.fields import SEVERITIES
from .._routing.fields import first
from .._routing.fields import format_of
from .._routing.reference import HIGHEST_FIRST
from .._routing.volume import at_least
from .._routing.volume import by_name
from .._routing.volume import suggestion
from .._routing.volume import weeks
from .simulate_chart import chart
from .simulate_chart import digests_a_week
from .simulate_chart import regions
from .text import WIDTH
from .text import count
from .text import failed
from .text import notes
from .text import wrapped

if TYPE_CHECKING:
    import datetime
    from collections import Counter

    from .._model.simulation import Simulation
    from .._routing.reference import Finding
    from .._routing.simulation import Decision
    from .._routing.volume import Volume

# More findings than this are counted by verdict, not listed.
LISTED_AT_MOST = 25
LONGEST_TITLE = WIDTH - 30  # beside severity and region
CONTROLS_AT_MOST = 10


def result(found: Simulation, today: datetime.date) -> Json:
    """Return the result of the module."""
    decided = found.decided
    return {
        "changed": False,
        "findings": [_finding(finding, decision) for finding, decision in decided.first],
        "verdicts": [{"verdict": text, "findings": number} for text, number in decided.verdicts.most_common()],
        "summary": {"findings": decided.findings, "sent": decided.sent, "not_sent": decided.findings - decided.sent},
        "volume": _volume(found.volume, digests_a_week(found.targets), today),
        "notices": list(found.notices),
        "problems": problems(found),
    }


def problems(found: Simulation) -> dict[str, str]:
    """Return why targets could not be simulated, by host."""
    return {target.host: target.error for target in found.targets if target.problems}


def _finding(finding: Finding, decision: Decision) -> Json:
    fields = format_of(finding)
    return {
        "id": first(finding, fields.id),
        "title": first(finding, fields.title),
        "account_id": first(finding, fields.account),
        "region": first(finding, fields.region),
        "severity": first(finding, fields.severity).upper(),
        "sent": decision.sent,
        "sent_by": [
            {"target": delivery.host, "rule": delivery.rule, "topic": delivery.topic}
            for delivery in decision.deliveries
        ],
        "verdict": decision.sentence,
    }


def _volume(found: Volume, digests_a_week: float | None, today: datetime.date) -> Json:
    by_region = sorted(found.regions_sent, key=lambda item: (item[0], _rank(item[1])))
    suggested = suggestion(found)
    return {
        "days": found.days,
        **_messages(found, found.messages),
        "repeated": found.repeated,
        "by_region_and_severity": [
            {"region": region, "severity": severity, **_messages(found, found.regions_sent[region, severity])}
            for region, severity in by_region
        ],
        "by_day": dict(sorted(by_name(found.days_sent).items())),
        "by_week": [
            {"from": start.isoformat(), "messages": sum(severities.values()), "severities": severities}
            for start, severities in weeks(found, today)
        ],
        "by_minimum_severity": [_at_least(found, severity) for severity in HIGHEST_FIRST],
        "controls": [
            {"control": control, "title": found.titles.get(control, ""), **_messages(found, number)}
            for control, number in by_name(found.controls_sent).most_common(CONTROLS_AT_MOST)
        ],
        "suppressions": _counted_by("suppression", found, found.suppressed),
        "channels": _counted_by("channel", found, found.topics_sent),
        "mentions": _counted_by("mention", found, found.mentioned),
        "receivers": _counted_by("receiver", found, found.receivers_sent),
        "resolved": _counted_by("reported", found, found.ended),
        "suggestion": {
            "minimum_severity": suggested.minimum_severity,
            "suppressed_control_ids": list(suggested.control_ids),
            **_messages(found, suggested.messages),
        },
        "digests_a_week": digests_a_week,
    }


def _counted_by(key: str, found: Volume, numbers: Counter[Any]) -> list[Json]:
    return [{key: name, **_messages(found, number)} for name, number in numbers.most_common()]


def _messages(found: Volume, number: int) -> Json:
    return {"messages": number, "messages_a_day": found.a_day(number)}


def _at_least(found: Volume, severity: str) -> Json:
    of_regions = at_least(severity, found.regions_of_any)
    return {
        "minimum_severity": severity,
        **_messages(found, of_regions.total()),
        "messages_a_day_by_region": {region: found.a_day(of_regions[region]) for region in regions(found)},
    }


def _rank(severity: str) -> int:
    return -SEVERITIES.index(severity) if severity in SEVERITIES else 1


def failure(found: Simulation) -> str:
    """Return which targets could not be simulated, '' for none."""
    hosts = list(problems(found))
    if not hosts:
        return ""
    return f"Not everything could be simulated: {few_of(hosts)}. The lines above that begin with FAILED say why."


def is_unknown(found: Simulation) -> bool:
    """Return whether there may be findings, although none was read."""
    return bool(problems(found)) and not found.decided.findings


def table(found: Simulation, today: datetime.date, page: str = "", *, with_volume: bool = True) -> list[str]:
    """Return the lines for a terminal: the verdict on each finding, and the volume of messages.

    *page*: the file with the HTML page, '' for none.
    """
    if is_unknown(found):
        return [*notes(found.notices), *failed(problems(found).items())]
    decided = found.decided
    lines = [""] if decided.findings else []
    if decided.findings <= LISTED_AT_MOST:
        lines += [line for finding, decision in decided.first for line in _listed(finding, decision)]
    else:
        lines += _counted(decided.verdicts)
    lines += [
        "",
        f"{count(decided.findings, 'finding')} as {'it is' if decided.findings == 1 else 'they are'} now: "
        f"{decided.sent:,} would be sent, {decided.findings - decided.sent:,} would not.",
    ]
    lines += chart(found, today) if with_volume else []
    lines += notes(found.notices)
    lines += failed(problems(found).items())
    return [*lines, *([f"Full report: {page}"] if page else [])]


def _listed(finding: Finding, decision: Decision) -> list[str]:
    fields = format_of(finding)
    title = first(finding, fields.title)
    title = title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 3] + "..."
    head = f"{first(finding, fields.severity).upper():13} {first(finding, fields.region):14}  {title}"
    return [head.rstrip(), *wrapped(f"  {decision.sentence}")]


def _counted(verdicts: Counter[str]) -> list[str]:
    lines = [f"{'FINDINGS':>8}  VERDICT"]
    for verdict, findings in verdicts.most_common():
        lines += wrapped(f"{findings:>8,}  {verdict}", indent=10)
    return lines
