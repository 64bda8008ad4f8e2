# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Undoes what a run has created, even when the run is interrupted. PRIVATE to the collection."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .._aws import errors
from .._aws import parallel

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterator
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(Exception):
    """The cleanup has begun, so nothing more may be created."""


class Cleanup:
    """Collects the steps that undo what a run creates. It is the only mutable object of a run.

    An interruption reaches only the main thread, and the worker threads continue. So the cleanup waits until the calls
    that create something have ended, and lets no further ones start.
    """

    def __init__(self) -> None:
        self._steps: list[tuple[str, Callable[[], object]]] = []
        self._creating = 0
        self._closed = False
        self._changed = threading.Condition()

    @contextmanager
    def creating(self) -> Iterator[None]:
        """Create something inside the block, and *add* how to undo it. Raise Stopped after the cleanup has begun."""
        with self._changed:
            if self._closed:
                raise Stopped
            self._creating += 1
        try:
            yield
        finally:
            with self._changed:
                self._creating -= 1
                self._changed.notify_all()

    def add(self, owner: str, undo: Callable[[], object]) -> None:
        """Remember how to undo something that *owner* has created."""
        self._steps.append((owner, undo))

    def undo(self) -> dict[str, tuple[str, ...]]:
        """Undo everything. Return, for each owner, the reasons why something could not be undone.

        Steps may be undone twice, so each must tolerate that its resource is gone.
        """
        with self._changed:
            self._closed = True
            self._changed.wait_for(lambda: self._creating == 0)
        outcomes = parallel.each(lambda step: step[1](), self._steps)
        reasons: dict[str, tuple[str, ...]] = {owner: () for owner, _undo in self._steps}
        for outcome in outcomes:
            if outcome.error:
                reasons[outcome.item[0]] += (errors.explain(outcome.error),)
        return reasons


@contextmanager
def interrupts_raise() -> Iterator[None]:
    """Raise KeyboardInterrupt for the signals of Ctrl-C, so that test resources are cleaned up before the process ends.

    Ansible's own handler would end the process immediately. Ansible sends its workers SIGINT and, half a second later,
    SIGTERM, so all further signals are ignored. The first one is sent again after the cleanup.
    """
    received: list[int] = []

    def interrupt(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if received:
            os.kill(os.getpid(), received[0])
