# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a baseline marked, for people and for programs. PRIVATE to the collection."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._routing.fields import SEVERITIES
from .._routing.fields import severity_of
from .text import count
from .text import failed
from .text import notes
from .text import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._model.baseline import Baseline


def result(baselines: Sequence[Baseline], notices: list[str], *, check: bool) -> dict[str, Any]:
    """Return the result of the module."""
    findings = sum(len(baseline.findings) for baseline in baselines)
    marked = sum(baseline.marked for baseline in baselines)
    return {
        "changed": bool(findings if check else marked),
        "targets": {baseline.target.host: _target(baseline) for baseline in baselines},
        "summary": {
            "findings": findings,
            "marked": marked,
            "unprocessed": sum(len(baseline.unprocessed) for baseline in baselines),
            "failed": sum(bool(baseline.problems) for baseline in baselines),
        },
        "notices": notices,
    }


def _target(baseline: Baseline) -> dict[str, Any]:
    labels = Counter(map(severity_of, baseline.findings))
    return {
        "account_id": baseline.target.account_id,
        "region": baseline.target.settings.region,
        "findings": len(baseline.findings),
        "severities": {label: labels[label] for label in reversed(SEVERITIES) if labels[label]},
        "marked": baseline.marked,
        "status": "In Progress" if baseline.target.settings.ocsf else "NOTIFIED",
        "unprocessed": [
            {
                "id": item.get("MetadataUid") or item["FindingIdentifier"]["Id"],
                "error_code": item["ErrorCode"],
                "error_message": item["ErrorMessage"],
            }
            for item in baseline.unprocessed
        ],
        "failed": bool(baseline.problems),
        "msg": errors.joined(list(baseline.problems)),
    }


def table(found: dict[str, Any], *, check: bool) -> list[str]:
    """Return the lines for a terminal: the findings by target and severity, and what failed."""
    targets = found["targets"]
    width = max([len("TARGET"), *(len(host) for host in targets)])
    lines = []
    if found["summary"]["findings"]:
        lines += ["", f"{'TARGET':{width}}  {'SEVERITY':13}  {'FINDINGS':>8}"]
    for host, target in targets.items():
        lines += [f"{host:{width}}  {label:13}  {number:>8,}" for label, number in target["severities"].items()]
    summary = found["summary"]
    total = count(summary["findings"], "finding")
    status = " or ".join(sorted({target["status"] for target in targets.values()}, reverse=True)) or "NOTIFIED"
    lines += ["", f"Would mark {status}: {total}." if check else f"Marked {status}: {summary['marked']:,} of {total}."]
    for host, target in targets.items():
        for code, number in Counter(item["error_code"] for item in target["unprocessed"]).items():
            lines += wrapped(f"Not marked in {host}: {count(number, 'finding')} ({code}); the result lists them.")
    lines += failed((host, target["msg"]) for host, target in targets.items() if target["failed"])
    return lines + notes(found["notices"])


def failure(found: dict[str, Any]) -> str:
    """Return that findings could not be read or marked, '' if all could."""
    summary = found["summary"]
    if not summary["failed"] and not summary["unprocessed"]:
        return ""
    targets, findings = count(summary["failed"], "target"), count(summary["unprocessed"], "finding")
    return f"{targets} failed, and AWS did not mark {findings}. Fix what the lines above say, then rerun the playbook."
