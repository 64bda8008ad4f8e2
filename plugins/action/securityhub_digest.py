# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the channels of all targets of the play what is open, and reports. Documented in plugins/modules."""

from __future__ import annotations

import datetime
from typing import Any

from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import Clients
from ansible_collections.secops.securityhub.plugins.module_utils._aws.inert import inert_all
from ansible_collections.secops.securityhub.plugins.module_utils._digest import report
from ansible_collections.secops.securityhub.plugins.module_utils._digest import run as digest
from ansible_collections.secops.securityhub.plugins.module_utils._digest.counts import Period
from ansible_collections.secops.securityhub.plugins.plugin_utils._batch_action import BatchAction
from ansible_collections.secops.securityhub.plugins.plugin_utils._batch_action import refuse_forgotten


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
        outcome = inert_all(report.result(digest.run(targets, neighbours, Clients(), check=check, period=period)))
        self._print(report.table(outcome, check=check))
        return result | outcome
