# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulates what all targets of the play forward. Documented in plugins/modules."""

from __future__ import annotations

from ..module_utils._commands import simulate
from ..plugin_utils._command_action import CommandAction


class ActionModule(CommandAction):
    """Runs the command once for the whole play."""

    PLAYBOOK = "securityhub_slack_simulate"
    SPEC = simulate.SPEC
    command = staticmethod(simulate.run)
    REFUSED = {
        "securityhub_slack_simulate_finding_id": "Ansible would run the templates in it, and whoever imports a finding "
        f"chooses its ID. Set the environment variable {simulate.FINDING_ID} to the ID, or "
        "securityhub_slack_simulate_finding_id_file to a file with it."
    }
