# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest command: post the number of open findings to every channel. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from .._digest import digests
from .._report import digest as report
from .._report.digest_message import notification
from . import forwarding
from .context import Outcome
from .context import refuse_unkept_days

if TYPE_CHECKING:
    from .context import Context

SPEC: dict[str, Any] = {"days": {"type": "int", "default": 7}}


def run(context: Context) -> Outcome:
    """Post a digest to each channel. A target or a channel that fails does not stop the others."""
    days = context.options["days"]
    refuse_unkept_days("securityhub_slack_digest_days", days)
    designed = forwarding.designs(context, context.targets, context.unselected)
    targets = digests.count(context.aws, designed.fleet, designed.accounts)
    found = digests.digests(targets, designed.accounts, context.now, days)
    notifications = [(digest, notification(digest, days)) for digest in found]
    if not context.check_mode:
        context.progress.now("Sending digests")
    deliveries = digests.deliver(context.aws, notifications, check_mode=context.check_mode)
    return Outcome(
        report.result(targets, deliveries, designed.notices, check=context.check_mode),
        report.table(targets, deliveries, designed.notices, check=context.check_mode),
        failure=report.failure(targets, deliveries, check=context.check_mode),
    )
