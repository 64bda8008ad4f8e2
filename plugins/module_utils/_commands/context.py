# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command gets, and what it returns. PRIVATE to the collection.

A command is a module of this package with two names: ``SPEC``, the options of its Ansible module as an argument spec,
and ``run(context) -> Outcome``. Playbook, module and command have the same name: the playbook securityhub_slack_doctor
runs the module securityhub_slack_doctor, which runs ``doctor.run``.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any

from .._aws.errors import UserError

if TYPE_CHECKING:
    import datetime
    from collections.abc import Callable

    from .._aws.clients import Clients
    from .._aws.progress import Progress
    from .._model.snapshot import TargetSnapshot


@dataclass(frozen=True)
class Context:
    """One run of a command.

    *targets*: the hosts of the play or, with serial, of the batch. *unselected*: the inventory's other hosts, such as
    those that ``--limit`` left out. *options*: the validated options of ``SPEC``. *now*: in UTC, whatever the time zone
    of the controller, so that suppressions expire on the same day everywhere. *progress*: shows the progress of the
    command. *write*: writes a file on the controller, or raises an error; in check mode it only finds out whether it
    could. *selection*: the options of the command line that select the hosts of the play and set their variables.
    """

    aws: Clients
    targets: list[TargetSnapshot]
    unselected: list[TargetSnapshot]
    options: dict[str, Any]
    check_mode: bool
    diff: bool
    now: datetime.datetime
    progress: Progress
    write: Callable[[str, str], None]
    selection: str

    @property
    def today(self) -> datetime.date:
        """Return the day of the run, in UTC."""
        return self.now.date()

    def command(self, playbook: str) -> str:
        """Return the command that runs another playbook of the collection for the same hosts and variables."""
        return f"ansible-playbook {self.selection} secops.securityhub.{playbook}"


@dataclass(frozen=True)
class File:
    """A file on the controller for a command to write: *path* as the user gave it."""

    path: str
    text: str


@dataclass(frozen=True)
class Outcome:
    """What a command did or found.

    *result*: what the Ansible module returns. *lines*: what the terminal shows. *files*: written after the run.
    *failure*: in a sentence or two, that the run has failed, with how much; *lines* say why and what to do.
    *differences*: what ``--diff`` shows, before the other lines.
    """

    result: dict[str, Any]
    lines: list[str] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    failure: str = ""
    differences: list[str] = field(default_factory=list)


# Security Hub keeps findings for 90 days:
# https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub_limits.html
KEPT_DAYS = range(1, 91)


def refuse_unkept_days(variable: str, days: int) -> None:
    """Raise UserError if *variable* asks for findings of more days than Security Hub keeps, or of none."""
    if days not in KEPT_DAYS:
        raise UserError(f"{variable} is {days}. Use 1 to 90, as long as Security Hub keeps findings.")
