# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings that are already there, marked before the first message. Documented in plugins/modules."""

from __future__ import annotations

from typing import Any

from ..module_utils._aws.clients import Clients
from ..module_utils._aws.sanitize import sanitize_all
from ..module_utils._pipeline import baseline
from ..plugin_utils._batch_action import BatchAction
from ..plugin_utils._batch_action import today


class ActionModule(BatchAction):
    """One call for the whole play (see the module's documentation)."""

    PLAYBOOK = "securityhub_slack_baseline --check"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what was marked, or would be; never fails for one target alone."""
        result = super().run(tmp, task_vars)
        self.validate_argument_spec(argument_spec={})
        check = bool(self._task.check_mode)
        targets, neighbours = self._gather(task_vars or {})
        baselines, accounts = baseline.run(targets, neighbours, Clients(), check=check, today=today())
        outcome = sanitize_all(baseline.result(baselines, accounts, check=check))
        self._print(baseline.table(outcome, check=check))
        return result | outcome
