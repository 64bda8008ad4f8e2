# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job: brings every target to what the inventory says. PRIVATE to the collection.

One way, no way back: nothing after the plan reads the inventory again, nothing before it writes to AWS.
"""

from __future__ import annotations

import datetime
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING
from typing import Any

from .._apply import fleet as apply
from .._aws import parallel
from .._model import outcome as outcomes
from .._observe import details
from .._observe import fleet as observe
from .._plan import account as plan
from .._plan import design
from .._plan import duplicates
from .._preflight import checks as preflight
from .._preflight import senders
from .._report import deploy as report
from .._report import differences
from . import canary
from .context import File
from .context import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._aws.clients import Clients
    from .._model.plan import AccountDesign
    from .._model.plan import AccountPlan
    from .context import Context

SPEC: dict[str, Any] = {}


def run(context: Context) -> Outcome:
    """Deploy, update or remove all targets of the play."""
    paths = sorted({target.settings.value("result_file") for target in context.targets} - {None, ""})
    for path in paths:
        context.write(path, "")  # a run that is interrupted must not leave an old result
    started = time.monotonic()
    fleet = observe.fleet(context.aws, context.targets, context.unselected, context.today)
    plans = planned(context.aws, design.fleet(fleet, context.today).accounts, diff=context.diff)
    done, proof = [outcomes.unapplied(item) for item in plans], Outcome({})
    if not context.check_mode:
        done, proof = canary.prove(context, apply.fleet(context.aws, plans, context.progress))
    seconds = time.monotonic() - started
    targets = outcomes.targets_of(fleet, done)
    result = report.result(targets, done, diff=context.diff) | proof.result
    calls = report.traffic(context.aws.traffic.calls, context.aws.traffic.retries, seconds)
    finished = datetime.datetime.now(datetime.timezone.utc)
    document = json.dumps(report.document(result, finished), indent=2)
    return Outcome(
        result,
        report.table(
            targets,
            done,
            calls,
            check=context.check_mode,
            proof=proof.lines,
            canary=context.command("securityhub_slack_canary"),
        ),
        [File(path, document) for path in paths],
        report.failure(targets),
        differences.lines(result.get("differences", [])),
    )


def planned(aws: Clients, designs: Sequence[AccountDesign], *, diff: bool = False) -> list[AccountPlan]:
    """Return the plans that lead to the designs, as far as nothing blocks them.

    *diff*: also read what a difference shows.
    """
    complete = details.details(aws, designs, templates=diff)
    plans = [plan.plan(item, found) for item, found in zip(complete, preflight.check(aws, complete))]
    begun = [item for item in plans if duplicates.begins(item.channel)]
    others = parallel.values(lambda item: senders.of_account(aws, item.design), begun)
    found = {item.account.id: of_account for item, of_account in zip(begun, others)}
    return [replace(item, notices=(*item.notices, *found.get(item.account.id, ()))) for item in plans]
