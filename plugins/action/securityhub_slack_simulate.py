# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pipelines of all targets do, or would do, with findings. Documented in plugins/modules."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail

from ..module_utils._aws.clients import Clients
from ..module_utils._aws.errors import UserError
from ..module_utils._aws.sanitize import sanitize_all
from ..module_utils._aws.sanitize import sanitize_line
from ..module_utils._pipeline import finding_files
from ..module_utils._pipeline import simulation
from ..module_utils._pipeline import simulation_report
from ..module_utils._pipeline.target import Target
from ..plugin_utils._batch_action import BatchAction
from ..plugin_utils._batch_action import refuse_forgotten
from ..plugin_utils._batch_action import today

ARGUMENTS = {
    "files": {"type": "list", "elements": "str", "default": []},
    "days": {"type": "int", "default": 30},
    "finding_id": {"type": "str", "default": ""},
}


class ActionModule(BatchAction):
    """One call for the whole play (see the module's documentation)."""

    PLAYBOOK = "securityhub_slack_simulate"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the verdicts and the volume; never fails for one target alone."""
        result = super().run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(argument_spec=ARGUMENTS)
        refuse_forgotten(options["days"])
        targets, neighbours = self._gather(task_vars or {})
        outcome = sanitize_all(simulation_report.result(_simulate(targets, neighbours, options), options["days"]))
        self._print(simulation_report.table(outcome))
        return result | outcome


def _simulate(targets: list[Target], neighbours: list[Target], options: dict[str, Any]) -> simulation.Simulation:
    # A limited run still has to say which other target of the account sends a finding.
    sources = {target.settings.source for target in targets}
    everyone = [*targets, *(item for item in neighbours if item.settings.source in sources)]
    if not options["files"]:
        return simulation.of_accounts(everyone, targets, Clients(), options["days"], options["finding_id"], today())
    try:
        findings = finding_files.read(options["files"])
    except UserError as error:
        raise AnsibleActionFail(sanitize_line(str(error))) from None
    wanted = simulation.with_id(findings, options["finding_id"])
    return simulation.of_files(wanted, everyone, Clients(), options["days"], today())
