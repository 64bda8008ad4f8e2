# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The channels' inbox: every message that arrived, in order."""

from __future__ import annotations

import datetime
import threading


class Inbox:
    """Messages as the control API returns them."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Remove all messages and restart the numbers."""
        self.messages: list[dict] = []
        self.count = 0

    def post(self, message: dict) -> None:
        """Append a message, numbered and timed."""
        with self.lock:
            self.count += 1
            self.messages.append({"n": self.count, "time": _now(), "replies": [], **message})

    def reply(self, message: dict, reply: dict) -> None:
        """Append an answer to a button to the thread of a message."""
        with self.lock:
            message["replies"].append({"time": _now(), **reply})

    def in_channel(self, channel: str | None) -> list[dict]:
        """Return the messages of one channel, or of all."""
        return [message for message in self.messages if channel in (None, message["channel"])]


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
