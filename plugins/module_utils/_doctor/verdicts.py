# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the doctor says of one part of the way: pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass

BROKEN = "broken"  # findings get lost, or cannot be sent
UNKNOWN = "unknown"  # could not be looked at
RISK = "risk"  # findings arrive, but not as wanted, or not for long
OK = "ok"
NONE = "none"  # nothing to look at
WORST_FIRST = (BROKEN, UNKNOWN, RISK, OK, NONE)


@dataclass(frozen=True)
class Verdict:
    """The state of one part of the way; if that is not OK: what is wrong, what it means for delivery, what to do.

    The texts name neither account nor region, so that what is wrong in many can be said once. *note*: a remark about
    what is in order.
    """

    state: str
    problem: str = ""
    effect: str = ""
    remedy: str = ""
    note: str = ""


def fine(note: str = "") -> Verdict:
    """Return that a part is in order."""
    return Verdict(OK, note=note)


def nothing(note: str = "") -> Verdict:
    """Return that there is nothing to look at, and why."""
    return Verdict(NONE, note=note)


def worst(states: list[str]) -> str:
    """Return the worst of *states*; NONE for none."""
    return min(states, key=WORST_FIRST.index, default=NONE)
