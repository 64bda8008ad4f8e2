# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A terminal in which commands are typed, and what it shows in the end."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
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

    def type(self, command: str, interrupt: str = "") -> None:
        """Run a command of a shell, and record both. Press Ctrl-C as soon as it shows *interrupt*."""
        output = self._output(command, interrupt.encode())
        lines = (line.rsplit(ERASE, 1)[-1].replace("\r", "") for line in output.replace("\r\n", "\n").split("\n"))
        shown = "\n".join(lines).replace(str(self.folder), self._shown_folder)
        self._written.append(f"{PROMPT}\x1b[1m{command}\x1b[0m\n{shown.rstrip()}\n")

    def run(self, command: str) -> None:
        """Run a command of a shell and record nothing. Raises CalledProcessError if it fails."""
        subprocess.run(["bash", "-c", command], cwd=self.folder, env=self._environment, check=True, capture_output=True)

    def _output(self, command: str, interrupt: bytes) -> str:
        child, terminal = pty.fork()
        if not child:
            os.chdir(self.folder)
            os.execvpe("bash", ["bash", "-c", command], self._environment)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        output = bytearray()
        try:
            while read := os.read(terminal, 65536):
                output += read
                if interrupt and interrupt in output:
                    os.write(terminal, INTERRUPT)
                    interrupt = b""
        except OSError:  # the last process has closed the terminal
            pass
        os.waitpid(child, 0)
        os.close(terminal)
        return output.decode()

    @property
    def colored(self) -> str:
        """Return everything that the terminal shows, with the codes of its colors."""
        return "\n".join(self._written)

    @property
    def text(self) -> str:
        """Return everything that the terminal shows."""
        return "\n".join(line.rstrip() for line in COLOR.sub("", self.colored).splitlines()) + "\n"
