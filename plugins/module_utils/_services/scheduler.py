# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EventBridge Scheduler: one function a call. PRIVATE to the collection."""

from __future__ import annotations

from typing import Any
from typing import TypedDict

from .refusals import existing


class Schedule(TypedDict):
    """A schedule, with the key that is used by name."""

    Target: dict[str, str]


def get_schedule(client: Any, name: str) -> Schedule | None:
    """Return a schedule of the default group, or None."""
    return existing(lambda: client.get_schedule(Name=name), client.exceptions.ResourceNotFoundException)
