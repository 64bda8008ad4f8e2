# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of plugin_utils share."""

from __future__ import annotations


class Display:
    """A replacement for Ansible's display that keeps what is printed."""

    def __init__(self):
        self.lines = []

    def display(self, line):
        self.lines.append(line)
