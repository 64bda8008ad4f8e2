# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The findings that are already there, marked before the first message. Documented in plugins/modules."""

from __future__ import annotations

import datetime
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline import baseline
from ansible_collections.secops.securityhub.plugins.plugin_utils import _targets

try:
    from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import Clients

    BOTOCORE = ""
except ImportError as error:
    BOTOCORE = str(error)

NO_TARGET = (
    "the inventory holds no target: name a host for each region, as in inventories/example, and run ansible-playbook "
    "-i inventories/<account> playbooks/securityhub_slack_baseline.yml --check"
)


class ActionModule(ActionBase):
    """One call for the whole play (see the module's documentation)."""

    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what was marked, or would be; never fails for one target alone."""
        result = super().run(tmp, task_vars)
        self.validate_argument_spec(argument_spec={})
        if BOTOCORE:
            raise AnsibleActionFail(f"boto3 and botocore are missing on the controller ({BOTOCORE}): pip install boto3")
        check = bool(self._task.check_mode)
        targets, neighbours = _targets.gather(self, task_vars or {})
        if not targets:
            raise AnsibleActionFail(NO_TARGET)
        today = datetime.datetime.now(datetime.timezone.utc).date()
        baselines, accounts = baseline.run(targets, neighbours, Clients(), check=check, today=today)
        outcome = baseline.result(baselines, accounts, check=check)
        for line in baseline.table(outcome, check=check):
            self._display.display(line)
        return result | outcome
