# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records a session of a new user: against the emulator, in a real terminal."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .sessions import Session
from .sessions import User
from .terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
RECORDS = ROOT / "docs" / "sessions"
COLLECTIONS = os.environ.get("COLLECTIONS", str(ROOT / ".ansible" / "collections"))
HOME = "/home/user"  # what the records show instead of a temporary folder


@contextlib.contextmanager
def user(emulator: Any) -> Iterator[tuple[User, Terminal]]:
    """Return a new user and the terminal, in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": folder,
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "EMULATOR_PORT": str(emulator.port),
            "AWS_ENDPOINT_URL": emulator.url,
            "ANSIBLE_COLLECTIONS_PATH": COLLECTIONS,
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_PAGER": "cat",
        }
        terminal = Terminal(Path(folder), HOME, environment)
        yield User(emulator, terminal), terminal


def record(session: Session, emulator: Any) -> Terminal:
    """Let a session happen, and return its terminal."""
    with user(emulator) as (person, terminal):
        session.happen(person)
        return terminal
