# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends a test finding through all targets of the play, and reports. Documented in plugins/modules."""

from __future__ import annotations

import datetime
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING
from typing import Any

from ansible.errors import AnsibleActionFail

from ..module_utils._aws.clients import Clients
from ..module_utils._aws.sanitize import sanitize_all
from ..module_utils._canary import outcome
from ..module_utils._canary import report
from ..module_utils._canary import run as canary
from ..plugin_utils._batch_action import BatchAction

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

LONGEST_TIMEOUT = 600  # seconds
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class ActionModule(BatchAction):
    """One call for the whole play (see the module's documentation)."""

    PLAYBOOK = "securityhub_slack_canary"

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what arrived; never fails for one target."""
        result = super().run(tmp, task_vars)
        _validated, options = self.validate_argument_spec(argument_spec={"timeout": {"type": "int", "default": 120}})
        if options["timeout"] not in range(1, LONGEST_TIMEOUT + 1):
            raise AnsibleActionFail(f"timeout is {options['timeout']}: use 1 to {LONGEST_TIMEOUT} seconds")
        targets, neighbours = self._gather(task_vars or {})
        now = datetime.datetime.now(datetime.timezone.utc)
        check = bool(self._task.check_mode)
        with _cleaning_up_before_it_ends():
            found = canary.run(targets, neighbours, Clients(), check=check, now=now, timeout=float(options["timeout"]))
        self._print(report.table(found))
        return result | sanitize_all(outcome.result(found))


@contextmanager
def _cleaning_up_before_it_ends() -> Iterator[None]:
    """Let Ctrl-C raise, so that what was made is taken away first; Ansible's own handler ends the process at once.

    Ansible sends its workers SIGINT and, half a second later, SIGTERM: that one is for those who do not listen.
    """
    came: list[int] = []

    def interrupt(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            os.kill(os.getpid(), came[0])
