# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock that EventBridge takes the time of an event from. Tests put it forward, so that hours pass in no time."""

from __future__ import annotations

from typing import Any

from ministack.services import eventbridge


class Clock:
    """How far it is ahead of the clock of this machine, in seconds."""

    def __init__(self) -> None:
        self.ahead = 0

    def install(self) -> None:
        """Replace how ministack writes the time of an event."""
        written = eventbridge._event_time_string

        def written_ahead(event: dict[str, Any]) -> str:
            put = event.get("Time")  # the events of TestEventPattern have a text
            text: str = written({**event, "Time": put + self.ahead} if isinstance(put, int) else event)
            return text

        eventbridge._event_time_string = written_ahead

    def put_forward(self, seconds: int) -> None:
        """Put it forward. Raise ValueError if that is back."""
        if seconds < 0:
            raise ValueError("the clock only goes forward")
        self.ahead += seconds
