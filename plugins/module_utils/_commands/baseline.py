# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Marks existing findings as NOTIFIED (OCSF: In Progress), so that the first deployment does not send them.

PRIVATE to the collection.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._aws import parallel
from .._model.baseline import Baseline
from .._observe import targets as observe
from .._plan import forwarding as plan
from .._report import baseline as report
from .._securityhub import workflow
from .._services import securityhub
from . import forwarding
from .context import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Sequence

    from .._aws.clients import Clients
    from .._routing.reference import Finding
    from .._services.securityhub import Unprocessed
    from .context import Context

SPEC: dict[str, Any] = {}
# https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchUpdateFindings.html
FINDINGS_PER_CALL = 100
NOTIFIED = {"Workflow": {"Status": "NOTIFIED"}}
IN_PROGRESS = {"StatusId": workflow.STATUS_IDS["NOTIFIED"]}


def run(context: Context) -> Outcome:
    """Mark what the targets of the play would forward; in check mode only count it."""
    designed = forwarding.designs(context, context.targets, context.unselected)
    baselines = [Baseline(target, problems=target.problems) for target in designed.targets]
    baselines = _each(partial(_found, context), baselines)
    if not context.check_mode:
        context.progress.now("Marking findings")
        baselines = _each(partial(marked, context.aws), baselines)
    return Outcome(
        report.result(baselines, designed.notices, check=context.check_mode),
        report.table(baselines, designed.notices, check=context.check_mode),
        failure=report.failure(baselines),
    )


def _each(step: Callable[[Baseline], Baseline], baselines: Sequence[Baseline]) -> list[Baseline]:
    """Return the baselines after *step*; one that has problems, or in which it raises, stays as it was."""
    return parallel.recovered(
        lambda item: item if item.problems else step(item),
        baselines,
        lambda item, error: replace(item, problems=tuple(errors.sentences(error))),
    )


def _found(context: Context, baseline: Baseline) -> Baseline:
    target = baseline.target
    if not plan.rules_of(target):
        return baseline
    findings = observe.findings(context.aws, target.settings, plan.filters(target))
    return replace(baseline, findings=tuple(item.finding for item in plan.forwarded(target, findings)))


def marked(aws: Clients, baseline: Baseline) -> Baseline:
    """Return the baseline after its findings have been marked, one call for every 100.

    If a call fails, the result counts what was marked before it.
    """
    settings = baseline.target.settings
    for start in range(0, len(baseline.findings), FINDINGS_PER_CALL):
        batch = baseline.findings[start : start + FINDINGS_PER_CALL]
        call = partial(aws.call, settings.source, settings.region, "securityhub")
        try:
            unprocessed = _mark(call, batch, ocsf=settings.ocsf)
        except errors.failures() as error:
            return replace(baseline, problems=tuple(errors.sentences(error)))
        baseline = replace(
            baseline,
            marked=baseline.marked + len(batch) - len(unprocessed),
            unprocessed=(*baseline.unprocessed, *unprocessed),
        )
    return baseline


def _mark(call: Callable[..., Any], batch: Sequence[Finding], *, ocsf: bool) -> list[Unprocessed]:
    """Mark findings, and return those that AWS did not update."""
    if ocsf:
        uids = [finding["metadata"]["uid"] for finding in batch]
        return list(call(securityhub.batch_update_findings_v2, uids, IN_PROGRESS))
    identifiers = [{"Id": finding["Id"], "ProductArn": finding["ProductArn"]} for finding in batch]
    return list(call(securityhub.batch_update_findings, identifiers, NOTIFIED))
