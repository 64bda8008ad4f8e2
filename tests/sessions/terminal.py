# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A terminal in which commands are typed, and what it shows in the end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from pathlib import Path

COLUMNS, LINES = 116, 40  # as wide as the longest line of Ansible
INTERRUPT = b"\x03"  # Ctrl-C
# The progress line erases itself; nothing else of Ansible or of the collection moves the cursor.
ERASE = "\x1b[2K"
COLOR = re.compile(r"\x1b\[[0-9;]*m")
PROMPT = "\x1b[1;32m$\x1b[0m "


class Terminal:
    """Types commands in *folder*, which the record shows as *shown_folder*."""

    def __init__(self, folder: Path, shown_folder: str, environment: dict[str, str]) -> None:
        self.folder = folder
        self._shown_folder = shown_folder
        self._environment = environment
        self._written: list[str] = []
        self._screens: list[tuple[float, str]] = []

    def type(self, command: str, interrupt: str = "") -> None:
        """Run a command of a shell, and record both. Press Ctrl-C as soon as it shows *interrupt*."""
        if self._written:
            self._show(PROMPT)
        typed = f"{PROMPT}\x1b[1m{command}\x1b[0m\n"
        self._show(typed)
        output = b""
        for output in self._output(command, interrupt.encode()):
            self._show(typed + self._shown(output))
        self._written.append(f"{typed}{self._shown(output).rstrip()}\n")

    def _show(self, last: str) -> None:
        self._screens.append((time.monotonic(), "\n".join([*self._written, last])))

    def _shown(self, output: bytes) -> str:
        text = output.decode(errors="ignore").replace("\r\n", "\n")
        lines = (line.rsplit(ERASE, 1)[-1].replace("\r", "") for line in text.split("\n"))
        return "\n".join(lines).replace(str(self.folder), self._shown_folder)

    def run(self, command: str) -> None:
        """Run a command of a shell and record nothing. Raises CalledProcessError if it fails."""
        subprocess.run(["bash", "-c", command], cwd=self.folder, env=self._environment, check=True, capture_output=True)

    def _output(self, command: str, interrupt: bytes) -> Iterator[bytes]:
        """Yield all that the command has written, each time that it writes."""
        child, terminal = pty.fork()
        if not child:
            os.chdir(self.folder)
            os.execvpe("bash", ["bash", "-c", command], self._environment)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        output = b""
        # When the last process has closed the terminal, reading fails.
        with contextlib.suppress(OSError):
            while read := os.read(terminal, 65536):
                output += read
                yield output
                if interrupt and interrupt in output:
                    os.write(terminal, INTERRUPT)
                    interrupt = b""
        os.waitpid(child, 0)
        os.close(terminal)

    @property
    def screens(self) -> list[tuple[float, str]]:
        """Return everything that the terminal has shown and when, in seconds. The last line may be unfinished."""
        return [*self._screens, (time.monotonic(), "\n".join([*self._written, PROMPT]))]

    @property
    def colored(self) -> str:
        """Return everything that the terminal shows, with the codes of its colors."""
        return "\n".join(self._written)

    @property
    def text(self) -> str:
        """Return everything that the terminal shows."""
        return "\n".join(line.rstrip() for line in COLOR.sub("", self.colored).splitlines()) + "\n"
