# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The comments with which findings of the new Security Hub (OCSF) say that they were sent: pure. PRIVATE.

They have no user-defined fields. A comment is the only text that BatchUpdateFindingsV2 can write.
"""

from __future__ import annotations


def sent(name: str, severity: str) -> str:
    """Return the comment of a finding that the deployment *name* sent with a severity."""
    return f"Sent as {severity} by {name}"


def over(name: str) -> str:
    """Return the comment of a finding whose end the deployment *name* reported."""
    return f"No longer open, reported by {name}"
