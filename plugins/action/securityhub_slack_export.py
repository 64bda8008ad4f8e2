# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the stacks of all targets of the play as a StackSet. Documented in plugins/modules."""

from __future__ import annotations

from ..plugin_utils._compiled import command_action

ActionModule = command_action("export", "securityhub_slack_export", WRITES=("path",))
