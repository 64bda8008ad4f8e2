# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All targets of the play in one go: gathers their role variables, runs, and reports. Documented in plugins/modules."""

from __future__ import annotations

import datetime
import json
import time
from typing import TYPE_CHECKING
from typing import Any

from ..module_utils._aws.clients import Clients
from ..module_utils._aws.sanitize import sanitize_all
from ..module_utils._pipeline import report
from ..module_utils._pipeline.run import run
from ..plugin_utils._batch_action import BatchAction
from ..plugin_utils._batch_action import today
from ..plugin_utils._batch_action import write_file

if TYPE_CHECKING:
    from ..module_utils._pipeline.target import Target

# The fact that the role's next tasks read.
FACT = "securityhub_slack_result"
FACT_KEYS = ("changed", "targets", "accounts", "eventful", "summary", "uncovered_regions")


class ActionModule(BatchAction):
    """One call for the whole play (see the module's documentation)."""

    PLAYBOOK = "securityhub_slack"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what became of each target; never fails for one of them alone."""
        result = super().run(tmp, task_vars)
        variables = task_vars or {}
        self.validate_argument_spec(argument_spec={})
        check, diff = bool(self._task.check_mode), bool(self._task.diff)
        targets, neighbours = self._gather(variables)
        files = _emptied_files(targets)
        started = time.monotonic()
        clients = Clients()
        accounts = run(targets, neighbours, clients, check=check, diff=diff, today=today(), say=self._say)
        traffic = report.traffic(clients.traffic.calls, clients.traffic.retries, time.monotonic() - started)
        self._print(report.table(targets, accounts, traffic, check=check))
        outcome = sanitize_all(report.result(targets, accounts, diff=diff))
        document = report.document(outcome, datetime.datetime.now(datetime.timezone.utc), check=check)
        for path in files:
            write_file(path, json.dumps(document, indent=2))
        return result | outcome | {"ansible_facts": {FACT: {key: outcome[key] for key in FACT_KEYS}}}


def _emptied_files(targets: list[Target]) -> list[str]:
    """Return the files that hosts name for the result of the run, without an old result and open for a new one."""
    files = sorted({target.settings.value("json") for target in targets} - {None, ""})
    for path in files:
        write_file(path, "")
    return files
