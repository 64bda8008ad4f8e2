# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulates what all targets of the play forward. Documented in plugins/modules."""

from __future__ import annotations

from ..plugin_utils._compiled import command_action

REFUSED = {
    "securityhub_slack_simulate_finding_id": "Ansible would run the templates in it, and whoever imports a finding "
    "chooses its ID. Set the environment variable SECURITYHUB_FINDING_ID to the ID, or "
    "securityhub_slack_simulate_finding_id_file to a file with it."
}

ActionModule = command_action("simulate", "securityhub_slack_simulate", REFUSED=REFUSED, WRITES=("html",))
