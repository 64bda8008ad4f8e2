# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at all targets of the play in one go, judges, and reports. Documented in plugins/modules."""

from __future__ import annotations

import datetime
import json
from typing import Any

from ansible.errors import AnsibleActionFail

from ..module_utils._aws.clients import Clients
from ..module_utils._aws.sanitize import sanitize_all
from ..module_utils._doctor import diagnosis
from ..module_utils._doctor import page
from ..module_utils._doctor import report
from ..module_utils._doctor.examination import examine
from ..module_utils._doctor.signs import Window
from ..plugin_utils._batch_action import BatchAction
from ..plugin_utils._batch_action import write_file

# Of the JSON file; one more when a key changes its meaning or goes.
SCHEMA = 1


class ActionModule(BatchAction):
    """One call for the whole play (see the module's documentation)."""

    PLAYBOOK = "securityhub_slack_doctor"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what is wrong; never fails for it."""
        result = super().run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(
            argument_spec={
                "html": {"type": "path"},
                "json": {"type": "path"},
                "hours": {"type": "int", "default": 24},
            }
        )
        if options["hours"] not in range(1, 14 * 24 + 1):
            raise AnsibleActionFail(f"hours is {options['hours']}: use 1 to {14 * 24}")
        targets, neighbours = self._gather(task_vars or {})
        now = datetime.datetime.now(datetime.timezone.utc)
        window = Window(now - datetime.timedelta(hours=options["hours"]), now)
        found = examine(targets, neighbours, Clients(), today=now.date(), window=window)
        self._print(report.table(found))
        document = diagnosis.document(found)
        if not self._task.check_mode:
            if options["html"]:
                write_file(options["html"], page.page(found, now))
            if options["json"]:
                write_file(options["json"], json.dumps(_dated(document, now), indent=2))
        return result | sanitize_all(document) | {"changed": False, "msg": report.summary(found)}


def _dated(document: dict[str, Any], now: datetime.datetime) -> dict[str, Any]:
    return {"schema": SCHEMA, "looked_at": now.isoformat(timespec="seconds"), **document}
