# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest command: post the number of open findings to every channel. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from .._aws.errors import UserError
from .._digest import run as digest
from .._digest.counts import Period
from .._report import digest as report
from .context import Outcome

if TYPE_CHECKING:
    from .context import Context

LONGEST_DAYS = 90  # https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub_limits.html

SPEC: dict[str, Any] = {"days": {"type": "int", "default": 7}}


def run(context: Context) -> Outcome:
    """Post a digest to each channel. A target or a channel that fails does not stop the others."""
    days = context.options["days"]
    if not 1 <= days <= LONGEST_DAYS:
        raise UserError(
            f"days is {days}, but Security Hub keeps findings for {LONGEST_DAYS} days. Set it to 1 to {LONGEST_DAYS}."
        )
    found = digest.run(
        context.targets,
        context.unselected,
        context.aws,
        check=context.check_mode,
        period=Period(context.now, days),
    )
    result = report.result(found)
    return Outcome(result, report.table(result, check=context.check_mode))
