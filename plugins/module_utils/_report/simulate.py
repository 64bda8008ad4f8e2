# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a simulation found, for people and for programs. PRIVATE to the collection."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from typing import Any

from .._aws.few import few_of
from .._routing.fields import OCSF
from .._routing.fields import SEVERITIES
from .._routing.fields import first
from .._routing.fields import format_of
from .._routing.reference import HIGHEST_FIRST
from .._routing.volume import at_least
from .._routing.volume import by_name
from .._routing.volume import suggestion
from .._routing.volume import weeks
from .._stack import scheduled_digest
from .simulate_chart import chart
from .text import WIDTH
from .text import count
from .text import failed
from .text import notes
from .text import wrapped

if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterable

    from .._model.plan import TargetDesign
    from .._model.simulation import Simulation
    from .._routing.reference import Finding
    from .._routing.simulation import Decision
    from .._routing.volume import Volume

# More findings than this are counted by verdict, not listed.
LISTED_AT_MOST = 25
LONGEST_TITLE = WIDTH - 30  # beside severity and region
CONTROLS_AT_MOST = 10


def result(found: Simulation, today: datetime.date) -> dict[str, Any]:
    """Return the result of the module."""
    decided = found.decided
    return {
        "changed": False,
        "findings": [_finding(finding, decision) for finding, decision in decided.first],
        "verdicts": [{"verdict": text, "findings": number} for text, number in decided.verdicts.most_common()],
        "summary": {"findings": decided.findings, "sent": decided.sent, "not_sent": decided.findings - decided.sent},
        "volume": {**_volume(found.volume, today), "digests_a_week": _digests_a_week(found.targets)},
        "notices": list(found.notices),
        "problems": {target.host: target.error for target in found.targets if target.problems},
    }


def _finding(finding: Finding, decision: Decision) -> dict[str, Any]:
    fields = format_of(finding)
    id_path, title_path = (
        (("finding_info", "uid"), ("finding_info", "title")) if fields is OCSF else (("Id",), ("Title",))
    )
    return {
        "id": first(finding, id_path),
        "title": first(finding, title_path),
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


def _volume(found: Volume, today: datetime.date) -> dict[str, Any]:
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
    }


def _counted_by(key: str, found: Volume, numbers: Counter[Any]) -> list[dict[str, Any]]:
    return [{key: name, **_messages(found, number)} for name, number in numbers.most_common()]


def _digests_a_week(targets: Iterable[TargetDesign]) -> float | None:
    """Return how many scheduled digests arrive in a week, None if a schedule is not understood."""
    scheduled = [target.desired.stack.scheduled for target in targets if target.desired]
    sending = [item for item in scheduled if item and not item.to]
    times = [(scheduled_digest.a_week(item.expression), len(item.channels)) for item in sending]
    known = [number * channels for number, channels in times if number is not None]
    return round(sum(known), 2) if len(known) == len(times) else None


def _messages(found: Volume, number: int) -> dict[str, Any]:
    return {"messages": number, "messages_a_day": found.a_day(number)}


def _at_least(found: Volume, severity: str) -> dict[str, Any]:
    regions = sorted({region for region, _severity in found.regions_of_any})
    of_regions = {
        region: Counter({key: number for key, number in found.regions_of_any.items() if key[0] == region})
        for region in regions
    }
    return {
        "minimum_severity": severity,
        **_messages(found, at_least(severity, found.regions_of_any)),
        "messages_a_day_by_region": {
            region: found.a_day(at_least(severity, counts)) for region, counts in of_regions.items()
        },
    }


def _rank(severity: str) -> int:
    return -SEVERITIES.index(severity) if severity in SEVERITIES else 1


def failure(outcome: dict[str, Any]) -> str:
    """Return which targets could not be simulated, '' for none."""
    hosts = list(outcome["problems"])
    if not hosts:
        return ""
    return f"Not everything could be simulated: {few_of(hosts)}. The lines above that begin with FAILED say why."


def is_unknown(outcome: dict[str, Any]) -> bool:
    """Return whether there may be findings, although none was read."""
    return bool(outcome["problems"]) and not outcome["summary"]["findings"]


def table(outcome: dict[str, Any], page: str = "", *, with_volume: bool = True) -> list[str]:
    """Return the lines for a terminal: the verdict on each finding, and the volume of messages.

    *page*: the file with the HTML page, '' for none.
    """
    if is_unknown(outcome):
        return [*notes(outcome["notices"]), *failed(outcome["problems"].items())]
    summary = outcome["summary"]
    lines = [""] if summary["findings"] else []
    if summary["findings"] <= LISTED_AT_MOST:
        lines += [line for finding in outcome["findings"] for line in _listed(finding)]
    else:
        lines += _counted(outcome["verdicts"])
    lines += [
        "",
        f"{count(summary['findings'], 'finding')} as {'it is' if summary['findings'] == 1 else 'they are'} now: "
        f"{summary['sent']:,} would be sent, {summary['not_sent']:,} would not.",
    ]
    lines += chart(outcome["volume"]) if with_volume else []
    lines += notes(outcome["notices"])
    lines += failed(outcome["problems"].items())
    return [*lines, *([f"Full report: {page}"] if page else [])]


def _listed(finding: dict[str, Any]) -> list[str]:
    title = finding["title"]
    title = title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 3] + "..."
    head = f"{finding['severity']:13} {finding['region']:14}  {title}"
    return [head.rstrip(), *wrapped(f"  {finding['verdict']}")]


def _counted(verdicts: list[dict[str, Any]]) -> list[str]:
    lines = [f"{'FINDINGS':>8}  VERDICT"]
    for row in verdicts:
        lines += wrapped(f"{row['findings']:>8,}  {row['verdict']}", indent=10)
    return lines
