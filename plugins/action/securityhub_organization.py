# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the organization command. The module of the same name documents it."""

from __future__ import annotations

from ..module_utils._commands import organization
from ..plugin_utils._command_action import CommandAction


class ActionModule(CommandAction):
    """Runs once for the whole play."""

    PLAYBOOK = "securityhub_organization"
    NEEDS_TARGETS = False
    SPEC = organization.SPEC
    command = staticmethod(organization.run)
