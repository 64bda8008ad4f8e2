# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until AWS has finished something. PRIVATE to the collection."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

State = TypeVar("State")

LONGEST_PAUSE = 10.0  # seconds


def poll(read: Callable[[], State], done: Callable[[State], bool], limit: float) -> State:
    """Call *read* until *done* accepts the state or *limit* seconds have been slept; return the last state."""
    pause, slept = 1.0, 0.0
    state = read()
    while not done(state) and slept < limit:
        time.sleep(pause)
        slept += pause
        pause = min(pause * 1.5, LONGEST_PAUSE)
        state = read()
    return state
