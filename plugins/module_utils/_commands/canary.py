# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The canary command: send a test finding through every target and watch it arrive. PRIVATE to the collection."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING
from typing import Any

from .._aws.errors import UserError
from .._canary import outcome
from .._canary import run as canary
from .._report import canary as report
from .context import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from .context import Context

LONGEST_TIMEOUT = 600  # seconds
SIGNALS = (signal.SIGINT, signal.SIGTERM)

SPEC: dict[str, Any] = {"timeout": {"type": "int", "default": 120}}


def run(context: Context) -> Outcome:
    """Send a test finding through each target. A target that fails does not stop the others."""
    timeout = context.options["timeout"]
    if not 1 <= timeout <= LONGEST_TIMEOUT:
        raise UserError(f"timeout is {timeout}, which is out of range. Set it to 1 to {LONGEST_TIMEOUT} seconds.")
    with _interrupts_raise():
        found = canary.run(
            context.targets,
            context.unselected,
            context.aws,
            check=context.check_mode,
            now=context.now,
            timeout=float(timeout),
        )
    return Outcome(outcome.result(found), report.table(found))


@contextmanager
def _interrupts_raise() -> Iterator[None]:
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
