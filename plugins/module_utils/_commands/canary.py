# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The canary command: send a test finding through every target and watch it arrive. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from .._aws.errors import UserError
from .._canary import channels
from .._canary import probes
from .._canary import sending
from .._canary.probes import ProbeOutcome
from .._observe import fleet as observe
from .._plan import design
from .._report import canary as report
from .context import Outcome

if TYPE_CHECKING:
    from .._canary.channels import ChannelOutcome
    from .context import Context

SHORTEST_TIMEOUT, LONGEST_TIMEOUT = 1, 600  # seconds

SPEC: dict[str, Any] = {"timeout": {"type": "int", "default": 120}}


def run(context: Context) -> Outcome:
    """Send a test finding through each target. A target that fails does not stop the others."""
    timeout = context.options["timeout"]
    if not SHORTEST_TIMEOUT <= timeout <= LONGEST_TIMEOUT:
        raise UserError(f"timeout is {timeout}, which is out of range. Set it to 1 to {LONGEST_TIMEOUT} seconds.")
    fleet = observe.fleet(context.aws, context.targets, context.unselected, context.today)
    designs = [design.account(account, context.today) for account in fleet.accounts]
    planned = probes.prepare(fleet, designs, context.now)
    if context.check_mode:
        unsent = [ProbeOutcome(probe, probe.error) for probe in planned]
        return _outcome(unsent, [])
    before = channels.before(context.aws, designs, planned, context.now)
    outcomes = sending.send(context.aws, planned, timeout)
    counted = channels.wait(context.aws, before, outcomes, context.now, timeout)
    return _outcome(outcomes, counted)


def _outcome(outcomes: list[ProbeOutcome], counted: list[ChannelOutcome]) -> Outcome:
    result = report.result(outcomes, counted)
    failure = "" if result["healthy"] else f"{result['msg']} The report above says why and what to do."
    return Outcome(result, report.table(outcomes, counted), failure=failure)
