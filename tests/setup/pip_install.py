# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run pip in this Python's environment and print what it is doing every few seconds.

Every file that it downloads must have a hash that its requirements name: those are tests/setup/locks.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from collections.abc import Iterable

SECONDS_BETWEEN_LINES = 3
QUIETLY = ("--disable-pip-version-check", "--progress-bar=off")
STEPS = {
    r"Collecting ([\w.-]+)": "resolving {}",
    r"\s+(?:Downloading|Using cached) (\S+?)(?:\.metadata)? \((.+)\)": "downloading {} ({})",
    r"Installing collected packages: (.*)": "installing {}",
}


def step(line: str) -> str:
    """Return what a line of pip's output says that pip is doing; an empty string if it says nothing of interest."""
    for pattern, words in STEPS.items():
        found = re.match(pattern, line)
        if found and words.startswith("installing"):
            return f"installing {found[1].count(',') + 1} packages"
        if found:
            return words.format(*(group.rpartition("/")[2] for group in found.groups()))
    return ""


class Progress:
    """The step that pip is at, printed at most once every few seconds."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._begin = time.monotonic()
        self._step = "starting pip"

    def follow(self, lines: Iterable[str]) -> str:
        """Read pip's output to its end and return it; meanwhile a thread prints the step."""
        done = threading.Event()
        printer = threading.Thread(target=self._print, args=(done,))
        printer.start()
        output = []
        for line in lines:
            output.append(line)
            self._step = step(line) or self._step
        done.set()
        printer.join()
        return "".join(output)

    def _print(self, done: threading.Event) -> None:
        while not done.wait(SECONDS_BETWEEN_LINES):
            self._say(f"  {time.monotonic() - self._begin:3.0f} s: {self._step}")


def pip(command: str, *arguments: str) -> None:
    """Run a command of pip; print its whole output, and exit, if it fails."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pip", command, "--require-hashes", *QUIETLY, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
    )
    assert process.stdout
    output = Progress(lambda line: print(line, flush=True)).follow(process.stdout)
    if process.wait():
        sys.exit(output)


if __name__ == "__main__":
    # Python compiles what it imports, which is a small part of what these packages contain.
    pip("install", "--no-compile", *sys.argv[1:])
