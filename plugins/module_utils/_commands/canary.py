# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The canary command: send a test finding through every target and watch it arrive. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from typing import Any

from .._aws.errors import UserError
from .._canary import channels
from .._canary import messages
from .._canary import probes
from .._canary import sending
from .._canary.probes import ProbeOutcome
from .._observe import fleet as observe
from .._plan import design
from .._report import canary as report
from .context import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._canary.channels import ChannelOutcome
    from .._model.outcome import AccountOutcome
    from .._model.outcome import TargetOutcome
    from .context import Context

SHORTEST_TIMEOUT, LONGEST_TIMEOUT, DEFAULT_TIMEOUT = 1, 600, 120  # seconds

SPEC: dict[str, Any] = {"timeout": {"type": "int", "default": DEFAULT_TIMEOUT}}


def run(context: Context) -> Outcome:
    """Send a test finding through each target. A target that fails does not stop the others."""
    timeout = context.options["timeout"]
    if not SHORTEST_TIMEOUT <= timeout <= LONGEST_TIMEOUT:
        raise UserError(f"securityhub_slack_canary_timeout is {timeout}. Set it to 1 to {LONGEST_TIMEOUT} seconds.")
    sent = _send(context, timeout)
    result = report.result(*sent)
    failure = "" if result["healthy"] else f"The report above says why and what to do. {result['msg']}"
    return Outcome(result, report.table(*sent), failure=failure)


def prove(context: Context, accounts: Sequence[AccountOutcome]) -> tuple[list[AccountOutcome], Outcome]:
    """Send a test finding through each target that a run has connected to a channel, if its variables ask for that.

    Return the accounts, in which a target fails whose test finding does not arrive, and the result and lines about it.
    """
    connected = {target.host for account in accounts for target in account.connected if target.settings.value("verify")}
    if not connected:
        return list(accounts), Outcome({})
    context.progress(f"Sending a test finding through {len(connected)} targets")
    targets = [target for target in context.targets if target.host in connected]
    others = [target for target in context.targets if target.host not in connected]
    sent = _send(replace(context, targets=targets, unselected=[*context.unselected, *others]), DEFAULT_TIMEOUT)
    failed = report.failures(*sent)
    proved = [
        replace(account, targets=tuple(_with(target, failed.get(target.host, [])) for target in account.targets))
        for account in accounts
    ]
    return proved, Outcome({"canary": report.result(*sent)}, report.proof(*sent))


def _with(target: TargetOutcome, problems: list[str]) -> TargetOutcome:
    return replace(target, problems=tuple(problems)) if problems else target


def _send(context: Context, timeout: float) -> tuple[list[ProbeOutcome], list[ChannelOutcome]]:
    fleet = observe.fleet(context.aws, context.targets, context.unselected, context.today)
    designed = design.fleet(fleet, context.today)
    planned = probes.prepare(designed, context.now)
    if context.check_mode:
        return [ProbeOutcome(probe, probe.error) for probe in planned], []
    before = channels.before(context.aws, designed.accounts, planned, context.now)
    outcomes = sending.send(context.aws, planned, timeout, context.progress)
    context.progress.now("Waiting for the metrics of Amazon Q", messages.NOTHING_LEFT)
    return outcomes, channels.wait(context.aws, before, outcomes, context.now, timeout)
