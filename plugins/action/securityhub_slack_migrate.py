# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves all accounts of the play from AWS's template of 2020 to this collection. Documented in plugins/modules."""

from __future__ import annotations

from ..module_utils._commands import migrate
from ..plugin_utils._command_action import CommandAction


class ActionModule(CommandAction):
    """Runs the command ``migrate``."""

    PLAYBOOK = "securityhub_slack_migrate --check"
    SPEC = migrate.SPEC
    command = staticmethod(migrate.run)
