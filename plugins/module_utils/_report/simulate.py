# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a simulation found, for people and for programs. PRIVATE to the collection."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from typing import Any

from .._routing.fields import OCSF
from .._routing.fields import SEVERITIES
from .._routing.fields import first
from .._routing.fields import format_of
from .text import count
from .text import failed
from .text import few_of
from .text import notes
from .text import wrapped

if TYPE_CHECKING:
    from .._model.simulation import Simulation
    from .._routing.simulation import Decision

# More findings than this are counted by verdict, not listed; the result has them all.
LISTED_AT_MOST = 25
LONGEST_TITLE = 48


def result(found: Simulation, days: int) -> dict[str, Any]:
    """Return the result of the module."""
    sent = sum(decision.sent for decision in found.decisions)
    return {
        "changed": False,
        "findings": [_finding(decision) for decision in found.decisions],
        "summary": {"findings": len(found.decisions), "sent": sent, "not_sent": len(found.decisions) - sent},
        "volume": _volume(found, days),
        "notices": list(found.notices),
        "problems": {target.host: target.error for target in found.targets if target.problems},
    }


def _finding(decision: Decision) -> dict[str, Any]:
    finding = decision.finding
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


def _volume(found: Simulation, days: int) -> dict[str, Any]:
    messages = sum(volume.messages for volume in found.volumes.values())
    by_region: Counter[tuple[str, str]] = Counter()
    by_day: Counter[str] = Counter()
    for volume in found.volumes.values():
        for row in volume.rows:
            by_region[row.region, row.severity] += row.messages
            by_day[row.day.isoformat()] += row.messages
    return {
        "days": days,
        "messages": messages,
        "messages_a_day": round(messages / days, 2),
        "repeated": sum(volume.repeated for volume in found.volumes.values()),
        "by_region_and_severity": [
            {
                "region": region,
                "severity": severity,
                "messages": by_region[region, severity],
                "messages_a_day": round(by_region[region, severity] / days, 2),
            }
            for region, severity in sorted(by_region, key=lambda item: (item[0], _rank(item[1])))
        ],
        "by_day": dict(sorted(by_day.items())),
        "by_topic": {topic: volume.messages for topic, volume in found.volumes.items()},
    }


def _rank(severity: str) -> int:
    return -SEVERITIES.index(severity) if severity in SEVERITIES else 1


def failure(outcome: dict[str, Any]) -> str:
    """Return which targets could not be simulated, '' for none."""
    hosts = list(outcome["problems"])
    if not hosts:
        return ""
    return f"Not everything could be simulated: {few_of(hosts)}. The lines above that begin with FAILED say why."


def table(outcome: dict[str, Any]) -> list[str]:
    """Return the lines for a terminal: the verdict on each finding, and the volume of messages."""
    findings = outcome["findings"]
    summary = outcome["summary"]
    lines = [""] if findings else []
    if len(findings) <= LISTED_AT_MOST:
        lines += [line for finding in findings for line in _listed(finding)]
    else:
        lines += _counted(findings)
    lines += [
        "",
        f"{count(summary['findings'], 'finding')}: {summary['sent']:,} sent, {summary['not_sent']:,} not sent.",
    ]
    lines += _volume_table(outcome["volume"])
    lines += notes(outcome["notices"])
    return lines + failed(outcome["problems"].items())


def _listed(finding: dict[str, Any]) -> list[str]:
    title = finding["title"]
    title = title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 3] + "..."
    head = f"{finding['severity']:13} {finding['region']:14}  {title}"
    return [head.rstrip(), *wrapped(f"  {finding['verdict']}")]


def _counted(findings: list[dict[str, Any]]) -> list[str]:
    sentences = Counter(finding["verdict"] for finding in findings)
    lines = [f"{'FINDINGS':>8}  VERDICT"]
    for sentence, number in sentences.most_common():
        lines += wrapped(f"{number:>8,}  {sentence}", indent=10)
    return lines


def _volume_table(volume: dict[str, Any]) -> list[str]:
    days = count(volume["days"], "day")
    if not volume["messages"]:
        return [f"No messages in the last {days}."]
    lines = ["", f"{'REGION':14}  {'SEVERITY':13}  {'MESSAGES':>8}  {'A DAY':>8}"]
    for row in volume["by_region_and_severity"]:
        name = f"{row['region']:14}  {row['severity']:13}"
        lines.append(f"{name}  {row['messages']:>8,}  {row['messages_a_day']:>8,.1f}")
    messages, repeated = count(volume["messages"], "message"), count(volume["repeated"], "repetition")
    return [
        *lines,
        *wrapped(
            f"{messages} in the last {days}, {volume['messages_a_day']:,.1f} a day, at least; {repeated} "
            f"of findings that were updated while still NEW."
        ),
    ]
