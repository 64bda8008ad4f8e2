# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run tells while it runs. PRIVATE to the collection."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Shows the progress of a run between enter and exit; it alone knows terminals."""

    def __enter__(self) -> Progress:
        """Begin to show what is being done."""

    def __exit__(self, *error: object) -> None:
        """Remove what is shown."""

    def __call__(self, line: str) -> None:
        """Print a line that stays."""

    def now(self, text: str, if_stopped: str = "") -> None:
        """Show what is being done now, in place of what was shown before.

        *if_stopped*: what to say if the run is interrupted then, '' for that this is unfinished.
        """
