# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A way to clean up after an interruption, while threads still work. PRIVATE to the collection."""

from __future__ import annotations

import threading
from typing import Callable
from typing import TypeVar

Result = TypeVar("Result")


class Gate:
    """Through which work goes one by one, until it is closed.

    Who is interrupted cannot stop the threads. So the clean-up closes the gate: that waits for the call under way, and
    no further one makes anything that nobody would take away.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed = False

    def through(self, work: Callable[[], Result]) -> Result | None:
        """Do the work; None where the gate is closed."""
        with self._lock:
            return None if self._closed else work()

    def close(self) -> None:
        """Wait for the work that is being done, and let no more through."""
        with self._lock:
            self._closed = True
