# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the channels of all targets of the play what is open, and reports. Documented in plugins/modules."""

from __future__ import annotations

import datetime
from typing import Any

from ..module_utils._aws.clients import Clients
from ..module_utils._aws.sanitize import sanitize_all
from ..module_utils._digest import report
from ..module_utils._digest import run as digest
from ..module_utils._digest.counts import Period
from ..plugin_utils._batch_action import BatchAction
from ..plugin_utils._batch_action import refuse_forgotten


class ActionModule(BatchAction):
    """One call for the whole play (see the module's documentation)."""

    PLAYBOOK = "securityhub_slack_digest"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what was sent, or would be; never fails for one target or channel alone."""
        result = super().run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(argument_spec={"days": {"type": "int", "default": 7}})
        refuse_forgotten(options["days"])
        check = bool(self._task.check_mode)
        targets, neighbours = self._gather(task_vars or {})
        period = Period(datetime.datetime.now(datetime.timezone.utc), options["days"])
        outcome = sanitize_all(report.result(digest.run(targets, neighbours, Clients(), check=check, period=period)))
        self._print(report.table(outcome, check=check))
        return result | outcome
