# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks what is already there, and would be sent, as NOTIFIED. PRIVATE to the collection.

A pattern asks for findings that are NEW. One that is NOTIFIED stays silent until AWS makes it NEW again, because it was
archived or has passed and comes back (https://docs.aws.amazon.com/securityhub/latest/userguide/findings-workflow-status.html).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any

from .._aws import parallel
from .._aws.errors import UserError
from .._routing.fields import SEVERITIES
from .._services import securityhub
from . import forwarding
from .report import count
from .report import failed
from .report import notices
from .report import wrapped
from .target import healthy

if TYPE_CHECKING:
    import datetime

    from .._aws.clients import Clients
    from .target import AccountRun
    from .target import Target

Finding = dict[str, Any]

# https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchUpdateFindings.html
AT_ONCE = 100
NOTIFIED = {"Workflow": {"Status": "NOTIFIED"}}
NOT_FOR_V2 = (
    "OCSF findings (securityhub_slack_finding_format: ocsf) know no NOTIFIED: close them in its console, or "
    "leave this target out."
)


@dataclass
class Baseline:
    """One target: the findings that its rules would send as they stand, and what became of marking them.

    *unprocessed*: as BatchUpdateFindings answers. In check mode nothing is marked.
    """

    target: Target
    findings: list[Finding] = field(default_factory=list)
    marked: int = 0
    unprocessed: list[dict[str, Any]] = field(default_factory=list)


def run(
    targets: list[Target], neighbours: list[Target], clients: Clients, *, check: bool, today: datetime.date
) -> tuple[list[Baseline], list[AccountRun]]:
    """Mark what each of *targets* would send; what fails is in the targets' *error*. *check*: only find it."""
    accounts = forwarding.decide(targets, neighbours, clients, today)
    baselines = [Baseline(target) for target in targets]
    senders = [baseline for baseline in baselines if forwarding.rules_of(baseline.target)]
    _each(senders, lambda baseline: _find(clients, baseline, today))
    if not check:
        _each([baseline for baseline in senders if baseline.findings], lambda baseline: mark(clients, baseline))
    return baselines, accounts


def _each(baselines: list[Baseline], work: Any) -> None:
    alive = [baseline for baseline in baselines if healthy([baseline.target])]
    for outcome in parallel.each(work, alive):
        if outcome.error is not None:
            outcome.item.target.fail(outcome.error)


def _find(clients: Clients, baseline: Baseline, today: datetime.date) -> None:
    if forwarding.is_of_v2(baseline.target):
        raise UserError(NOT_FOR_V2)
    baseline.findings = [item.finding for item in forwarding.forwarded(clients, baseline.target, today)]


def mark(clients: Clients, baseline: Baseline) -> None:
    """Mark the findings of one target, a call for every 100; an error leaves counted what was marked before it."""
    settings = baseline.target.settings
    with clients.acting(settings.source):
        client = clients.get("securityhub", settings.region, settings.source.endpoint_url)
        for start in range(0, len(baseline.findings), AT_ONCE):
            batch = baseline.findings[start : start + AT_ONCE]
            identifiers = [{"Id": finding["Id"], "ProductArn": finding["ProductArn"]} for finding in batch]
            unprocessed = securityhub.batch_update_findings(client, identifiers, NOTIFIED)
            baseline.unprocessed += unprocessed
            baseline.marked += len(batch) - len(unprocessed)


def result(baselines: list[Baseline], accounts: list[AccountRun], *, check: bool) -> dict[str, Any]:
    """Return what the module returns."""
    found = sum(len(baseline.findings) for baseline in baselines)
    marked = sum(baseline.marked for baseline in baselines)
    return {
        "changed": bool(found if check else marked),
        "targets": {baseline.target.host: _target_result(baseline) for baseline in baselines},
        "summary": {
            "findings": found,
            "marked": marked,
            "unprocessed": sum(len(baseline.unprocessed) for baseline in baselines),
            "failed": sum(bool(baseline.target.error) for baseline in baselines),
        },
        "notices": notices(accounts),
    }


def _target_result(baseline: Baseline) -> dict[str, Any]:
    labels = Counter(finding["Severity"]["Label"] for finding in baseline.findings)
    return {
        "account_id": baseline.target.account_id,
        "region": baseline.target.settings.region,
        "findings": len(baseline.findings),
        "severities": {label: labels[label] for label in reversed(SEVERITIES) if labels[label]},
        "marked": baseline.marked,
        "unprocessed": [
            {
                "id": item["FindingIdentifier"]["Id"],
                "error_code": item["ErrorCode"],
                "error_message": item["ErrorMessage"],
            }
            for item in baseline.unprocessed
        ],
        "failed": bool(baseline.target.error),
        "msg": baseline.target.error,
    }


def table(outcome: dict[str, Any], *, check: bool) -> list[str]:
    """Return the lines for a terminal of 80 columns: the findings by target and severity, and what went wrong."""
    targets = outcome["targets"]
    width = max([len("TARGET"), *(len(host) for host in targets)])
    lines = []
    if outcome["summary"]["findings"]:
        lines += ["", f"{'TARGET':{width}}  {'SEVERITY':13}  {'FINDINGS':>8}"]
    for host, target in targets.items():
        lines += [f"{host:{width}}  {label:13}  {number:>8,}" for label, number in target["severities"].items()]
    summary = outcome["summary"]
    total = count(summary["findings"], "finding")
    said = f"would be marked NOTIFIED: {total}." if check else f"marked NOTIFIED: {summary['marked']:,} of {total}."
    lines += ["", said[0].upper() + said[1:]]
    for host, target in targets.items():
        for code, number in Counter(item["error_code"] for item in target["unprocessed"]).items():
            lines += wrapped(f"Not marked in {host}: {count(number, 'finding')} ({code}); the result names them.")
    lines += failed({host: target["msg"] for host, target in targets.items() if target["failed"]})
    return lines + [line for notice in outcome["notices"] for line in wrapped(f"Note: {notice}")]
