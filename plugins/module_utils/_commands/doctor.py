# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the delivery path of all targets of a play, and reports. PRIVATE to the collection."""

from __future__ import annotations

import datetime
import json
import os
from typing import TYPE_CHECKING
from typing import Any

from .._aws.errors import UserError
from .._doctor.examination import examine
from .._doctor.metrics import Window
from .._report import doctor as report
from .._report import doctor_page
from .context import File
from .context import Outcome

if TYPE_CHECKING:
    from .context import Context

SPEC: dict[str, Any] = {
    "html": {"type": "path"},
    "json": {"type": "path"},
    "hours": {"type": "int", "default": 24},
}
MOST_HOURS = 14 * 24


def run(context: Context) -> Outcome:
    """Return what is wrong; an unhealthy target is a result, not an error. Raise UserError for a wrong option."""
    html, json_file, hours = (context.options[name] for name in ("html", "json", "hours"))
    if not 1 <= hours <= MOST_HOURS:
        raise UserError(f"securityhub_slack_doctor_hours is {hours}. Set it to a value from 1 to {MOST_HOURS}.")
    window = Window(context.now - datetime.timedelta(hours=hours), context.now)
    found = examine(context.aws, context.targets, context.unselected, today=context.today, window=window)
    document = report.document(found)
    files = []
    if html:
        files.append(File(html, doctor_page.page(found, context.now)))
    if json_file:
        files.append(File(json_file, json.dumps(report.dated(document, context.now), indent=2)))
    return Outcome(
        result={**document, "changed": False, "msg": report.summary(found)},
        lines=report.table(found, page=os.path.abspath(html) if html and not context.check_mode else ""),
        files=files,
        failure="" if found.healthy else f"{report.headline(found)}. The report above says why and what to do.",
    )
