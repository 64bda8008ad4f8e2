# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All targets of the play in one go: gathers their role variables, runs, and reports. Documented in plugins/modules."""

from __future__ import annotations

import datetime
import time
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline import report
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline.run import run
from ansible_collections.secops.securityhub.plugins.plugin_utils import _targets

try:
    from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import Clients

    BOTOCORE = ""
except ImportError as error:
    BOTOCORE = str(error)

# The fact that the role's next tasks read.
FACT = "securityhub_slack_result"
FACT_KEYS = ("changed", "targets", "eventful", "summary", "regions_without_pipeline")
NO_TARGET = (
    "the inventory holds no target: name a host for each region, as in inventories/example, and run "
    "ansible-playbook -i inventories/<account> playbooks/securityhub_slack.yml"
)


class ActionModule(ActionBase):
    """One call for the whole play (see the module's documentation)."""

    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what became of each target; never fails for one of them alone."""
        result = super().run(tmp, task_vars)
        variables = task_vars or {}
        self.validate_argument_spec(argument_spec={})
        if BOTOCORE:
            raise AnsibleActionFail(f"boto3 and botocore are missing on the controller ({BOTOCORE}): pip install boto3")
        check, diff = bool(self._task.check_mode), bool(self._task.diff)
        targets, neighbours = _targets.gather(self, variables)
        if not targets:
            raise AnsibleActionFail(NO_TARGET)
        started = time.monotonic()
        clients = Clients()
        accounts = run(targets, neighbours, clients, check=check, diff=diff, today=datetime.date.today(), say=self._say)
        traffic = report.traffic(clients.traffic.calls, clients.traffic.retries, time.monotonic() - started)
        for line in report.table(targets, accounts, traffic, check=check):
            self._display.display(line)
        outcome = report.result(targets, accounts, diff=diff)
        return result | outcome | {"ansible_facts": {FACT: {key: outcome[key] for key in FACT_KEYS}}}

    def _say(self, line: str) -> None:
        for part in report.wrapped(f"  {line}"):
            self._display.display(part)
