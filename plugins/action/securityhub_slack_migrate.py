# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves all accounts of the play from AWS's template of 2020 to this collection. Documented in plugins/modules."""

from __future__ import annotations

import time
from typing import Any

from ..module_utils._aws.clients import Clients
from ..module_utils._aws.sanitize import sanitize_all
from ..module_utils._migration import report
from ..module_utils._migration.run import run
from ..module_utils._pipeline import report as pipelines
from ..plugin_utils._batch_action import BatchAction
from ..plugin_utils._batch_action import today


class ActionModule(BatchAction):
    """One call for the whole play (see the module's documentation)."""

    PLAYBOOK = "securityhub_slack_migrate --check"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what there was of the template, and what became of each target; never fails for one of them alone."""
        result = super().run(tmp, task_vars)
        self.validate_argument_spec(argument_spec={})
        check, diff = bool(self._task.check_mode), bool(self._task.diff)
        targets, neighbours = self._gather(task_vars or {})
        started = time.monotonic()
        clients = Clients()
        move = run(targets, neighbours, clients, check=check, diff=diff, today=today(), say=self._say)
        traffic = pipelines.traffic(clients.traffic.calls, clients.traffic.retries, time.monotonic() - started)
        self._print(report.table(move, check=check))
        self._print(pipelines.table(targets, move.accounts, traffic, check=check))
        outcome = report.result(move, diff=diff)
        self._print([report.closing(outcome, check=check)])
        return result | sanitize_all(outcome)
