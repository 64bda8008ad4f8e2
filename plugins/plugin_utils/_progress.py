# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows the progress of a run on a terminal, in one line that is written over. PRIVATE to the collection."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING
from typing import Any

from ..module_utils._aws.sanitize import sanitize_line
from ..module_utils._report.text import count
from ..module_utils._report.text import wrapped

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

SECONDS_BETWEEN_UPDATES = 0.5  # on a terminal
SECONDS_BETWEEN_LINES = 15.0  # elsewhere
FIRST, NOTHING_WRITTEN = "Reading AWS", "Nothing was written to AWS."
CLEAR = "\r\x1b[2K"
UNFINISHED = "Unfinished: {text}. AWS completes what it has begun. Rerun the playbook to continue from there."


def terminal() -> str:
    """Return the path of the terminal that this process writes to, '' for none that can write over a line.

    ansible-runner, and with it AWX, has a terminal of its own, whose output is kept.
    """
    if not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb" or "AWX_ISOLATED_DATA_DIR" in os.environ:
        return ""
    return os.ttyname(sys.stdout.fileno())


class Live:
    """Implements Progress between enter and exit. *calls*: how many calls to AWS there were so far.

    Ansible's worker has no terminal, and Ansible does not flush what does not end a line. So the path of the terminal
    was found before the worker was forked, and the worker opens it.
    """

    def __init__(self, path: str, display: Any, calls: Callable[[], int]) -> None:
        self._path = path
        self._display = display
        self._calls = calls
        self._text, self._if_stopped = FIRST, NOTHING_WRITTEN
        self._started = self._printed = time.monotonic()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._terminal = -1  # the file descriptor
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Live:
        """Begin to show what is being done, from the first second."""
        if self._path:
            # Not the controlling terminal, from which signals would come twice.
            self._terminal = os.open(self._path, os.O_WRONLY | os.O_NOCTTY)
        self._before = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        with contextlib.suppress(RuntimeError):  # the system, or the container, permits no more threads
            threading.Thread(target=self._repeat, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Remove the line."""
        with self._lock:
            self._ended.set()
            self._clear()
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._terminal >= 0:
            os.close(self._terminal)

    def __call__(self, line: str) -> None:
        """Print a line that stays."""
        with self._lock:
            self._clear()
            self._print(line)

    def now(self, text: str, if_stopped: str = "") -> None:
        """Show what is being done now, in place of what was shown before; see Progress."""
        self._text, self._if_stopped = sanitize_line(text), sanitize_line(if_stopped)

    def _repeat(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN_UPDATES):
            with self._lock:
                # A line that was just printed reaches the terminal by another way, and should be complete.
                if not self._ended.is_set() and time.monotonic() - self._printed > SECONDS_BETWEEN_UPDATES:
                    self._show()

    def _show(self) -> None:
        text = f"  {self._text}, {count(self._calls(), 'call')}, {time.monotonic() - self._started:.0f} s"
        if self._terminal >= 0:
            width = os.get_terminal_size(self._terminal).columns or 80
            self._write(f"{CLEAR}{text[: width - 1]}")
        elif time.monotonic() - self._printed >= SECONDS_BETWEEN_LINES:
            self._print(text.strip())

    def _print(self, line: str) -> None:
        self._printed = time.monotonic()
        for part in wrapped(f"  {sanitize_line(line)}"):
            self._display.display(part)

    def _clear(self) -> None:
        self._write(CLEAR)

    def _write(self, text: str) -> None:
        if self._terminal >= 0:
            with contextlib.suppress(OSError):  # the terminal may have been closed
                os.write(self._terminal, text.encode())

    def _stop(self, number: int, frame: FrameType | None) -> None:
        """Say what is unfinished, then end as before. Without a lock, which the interrupted code may hold."""
        self._ended.set()
        text = self._if_stopped or UNFINISHED.format(text=self._text)
        self._write(CLEAR + "".join(f"{line}\n" for line in wrapped(f"  Stopped. {text}")))
        handler = self._before[number]
        if callable(handler):
            handler(number, frame)
        else:
            signal.signal(number, handler)
            os.kill(os.getpid(), number)
