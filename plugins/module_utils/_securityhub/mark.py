# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The marks of findings that were sent: with which severity and when, or that their end is reported: pure. PRIVATE.

A mark is the value of the user-defined field that is named as the deployment. Findings of the new Security Hub (OCSF)
have no such fields. Theirs is a comment, which is the only text that BatchUpdateFindingsV2 can write.
"""

from __future__ import annotations

BEFORE_TIME = " at "


def sent(name: str, severity: str, *, ocsf: bool) -> str:
    """Return how the mark of a finding begins that *name* sent with a severity; the time follows."""
    return (f"Sent as {severity} by {name}" if ocsf else severity) + BEFORE_TIME


def over(name: str, *, ocsf: bool) -> str:
    """Return the mark of a finding whose end *name* reported."""
    return f"No longer open, reported by {name}" if ocsf else "OVER"
