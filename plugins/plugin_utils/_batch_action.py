# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions have in common that handle all targets of a play in one go. PRIVATE to the collection."""

from __future__ import annotations

import datetime
import gc
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..module_utils._aws.sanitize import sanitize
from ..module_utils._aws.sanitize import sanitize_line
from ..module_utils._pipeline import report
from . import _targets

try:
    import botocore.session

    BOTOCORE = botocore.session.__name__
except ImportError:
    BOTOCORE = ""

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..module_utils._pipeline.target import Target

# Findings are kept for 90 days: https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub_limits.html
DAYS = range(1, 91)
# Ansible forks a process for the task, and nearly all that is made in it stays until its end. To look for garbage as
# often as Python does, among all that botocore's models and clients are made of, took a seventh of a small run.
OBJECTS_BEFORE_COLLECTION = 100_000


class BatchAction(ActionBase):
    """An action that runs once for the whole play, on the controller."""

    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _requires_connection = False

    PLAYBOOK: str  # the playbook that uses the action, with what has to follow it on the command line

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Begin: the actions call this first."""
        gc.set_threshold(OBJECTS_BEFORE_COLLECTION)
        result: dict[str, Any] = super().run(tmp, task_vars)
        return result

    def _gather(self, task_vars: dict[str, Any]) -> tuple[list[Target], list[Target]]:
        """Return the targets of the play and the inventory's others; fail where there are none, or no botocore."""
        if not BOTOCORE:
            raise AnsibleActionFail("boto3 and botocore are missing on the controller: pip install boto3")
        targets, neighbours = _targets.gather(self, task_vars)
        if not targets:
            raise AnsibleActionFail(
                "the inventory holds no target. If Ansible warns that it could not parse it, mend that; else name a "
                "host for each region, as in inventories/example, and run "
                f"ansible-playbook -i inventories/production secops.securityhub.{self.PLAYBOOK}"
            )
        return targets, neighbours

    def _print(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._display.display(sanitize_line(line))

    def _say(self, line: str) -> None:
        """Print what is going on."""
        self._print(report.wrapped(f"  {line}"))


def today() -> datetime.date:
    """Return the day, in UTC wherever a run takes place, so that suppressions expire on the same one."""
    return datetime.datetime.now(datetime.timezone.utc).date()


def refuse_forgotten(days: int) -> None:
    """Raise AnsibleActionFail where somebody asks for findings of more days than Security Hub keeps, or for none."""
    if days not in DAYS:
        raise AnsibleActionFail(f"days is {days}: give 1 to 90, as long as Security Hub keeps findings")


def write_file(path: str, text: str) -> None:
    """Write a report, fit to be shown, to a file on the controller.

    Raise AnsibleActionFail, with what to do, where that cannot be.
    """
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(sanitize(text), encoding="utf-8")
    except OSError as error:
        # Ansible would add the error's own text to the sentence, which says it already.
        raise AnsibleActionFail(f"{path} could not be written ({error.strerror}): name another file.") from None
