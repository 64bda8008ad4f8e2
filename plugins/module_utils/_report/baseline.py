# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a baseline marked, for people and for programs. PRIVATE to the collection."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

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
    from .._resource.shapes import Json


def result(baselines: Sequence[Baseline], notices: list[str], *, check: bool) -> Json:
    """Return the result of the module."""
    findings, marked, unprocessed, failures = _counts(baselines)
    return {
        "changed": bool(findings if check else marked),
        "targets": {baseline.target.host: _target(baseline) for baseline in baselines},
        "summary": {"findings": findings, "marked": marked, "unprocessed": unprocessed, "failed": failures},
        "notices": notices,
    }


def _target(baseline: Baseline) -> Json:
    return {
        "account_id": baseline.target.account_id,
        "region": baseline.target.settings.region,
        "findings": len(baseline.findings),
        "severities": _severities(baseline),
        "marked": baseline.marked,
        "status": _status(baseline),
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


def _severities(baseline: Baseline) -> dict[str, int]:
    labels = Counter(map(severity_of, baseline.findings))
    return {label: labels[label] for label in reversed(SEVERITIES) if labels[label]}


def _status(baseline: Baseline) -> str:
    return "In Progress" if baseline.target.settings.ocsf else "NOTIFIED"


def _counts(baselines: Sequence[Baseline]) -> tuple[int, int, int, int]:
    """Return the numbers of findings, of those that were and were not marked, and of targets that failed."""
    return (
        sum(len(baseline.findings) for baseline in baselines),
        sum(baseline.marked for baseline in baselines),
        sum(len(baseline.unprocessed) for baseline in baselines),
        sum(bool(baseline.problems) for baseline in baselines),
    )


def table(baselines: Sequence[Baseline], notices: list[str], *, check: bool) -> list[str]:
    """Return the lines for a terminal: the findings by target and severity, and what failed."""
    findings, marked, _unprocessed, _failures = _counts(baselines)
    width = max([len("TARGET"), *(len(baseline.target.host) for baseline in baselines)])
    lines = ["", f"{'TARGET':{width}}  {'SEVERITY':13}  {'FINDINGS':>8}"] if findings else []
    for baseline in baselines:
        numbers = _severities(baseline).items()
        lines += [f"{baseline.target.host:{width}}  {label:13}  {number:>8,}" for label, number in numbers]
    total = count(findings, "finding")
    status = " or ".join(sorted(set(map(_status, baselines)), reverse=True)) or "NOTIFIED"
    lines += ["", f"Would mark {status}: {total}." if check else f"Marked {status}: {marked:,} of {total}."]
    for baseline in baselines:
        for code, number in Counter(item["ErrorCode"] for item in baseline.unprocessed).items():
            unmarked = f"Not marked in {baseline.target.host}: {count(number, 'finding')} ({code})"
            lines += wrapped(f"{unmarked}; the result lists them.")
    lines += failed((item.target.host, errors.joined(list(item.problems))) for item in baselines if item.problems)
    return lines + notes(notices)


def failure(baselines: Sequence[Baseline]) -> str:
    """Return that findings could not be read or marked, '' if all could."""
    _findings, _marked, unprocessed, failures = _counts(baselines)
    if not failures and not unprocessed:
        return ""
    targets, findings = count(failures, "target"), count(unprocessed, "finding")
    return f"{targets} failed, and AWS did not mark {findings}. Fix what the lines above say, then rerun the playbook."
