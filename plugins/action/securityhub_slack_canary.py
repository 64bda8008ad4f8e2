# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the canary command. The module of the same name documents it."""

from __future__ import annotations

from ..module_utils._commands import canary
from ..plugin_utils._command_action import CommandAction


class ActionModule(CommandAction):
    """Runs once for the whole play."""

    PLAYBOOK = "securityhub_slack_canary"
    SPEC = canary.SPEC
    command = staticmethod(canary.run)
