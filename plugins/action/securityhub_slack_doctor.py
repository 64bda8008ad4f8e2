# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the delivery path of all targets of the play. Documented in plugins/modules."""

from __future__ import annotations

from ..module_utils._commands import doctor
from ..plugin_utils._command_action import CommandAction


class ActionModule(CommandAction):
    """One call for the whole play (see the module's documentation)."""

    PLAYBOOK = "securityhub_slack_doctor"
    SPEC = doctor.SPEC
    command = staticmethod(doctor.run)
