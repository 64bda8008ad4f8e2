# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-playbook and ansible-inventory for the tests, which do not import Ansible for each run."""

from __future__ import annotations

import atexit
import functools
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
COLLECTIONS = os.environ.get("COLLECTIONS", str(HERE.parents[1] / ".ansible" / "collections"))


SERVED = ("ansible-playbook", "ansible-inventory")


def path(name: str) -> Path:
    """Return the path of a command of Ansible. Those that import much behave like the installed ones, but are faster.

    They cannot be interrupted by signals. A test that does so calls the installed command.
    """
    return folder() / name if name in SERVED else installed(name)


def installed(name: str) -> Path:
    """Return the path of the installed command."""
    return Path(sys.executable).with_name(name)


def patient(name: str) -> Path:
    """Return the path of a command that waits for other writers of its channel, for runs beside each other."""
    return folder() / "patient" / name


@functools.lru_cache(maxsize=1)
def folder() -> Path:
    """Return the folder of the fast commands. The first call in a process starts the server that they need."""
    made = Path(tempfile.mkdtemp(prefix="ansible-commands-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    socket = made / "socket"
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "AWS_", "PYTHON"))}
    process = subprocess.Popen(
        [sys.executable, HERE / "ansible_server.py", socket],
        env={
            **kept,
            "HOME": str(made),
            "ANSIBLE_COLLECTIONS_PATH": COLLECTIONS,
            "ANSIBLE_NOCOLOR": "1",
            "COLUMNS": "80",
        },
        cwd=made,
        stdin=subprocess.DEVNULL,
    )
    atexit.register(process.kill)
    (made / "patient").mkdir()
    for name in SERVED:
        client = [sys.executable, "-IS", str(HERE / "ansible_client.py"), str(socket), str(installed(name))]
        for path_of_command, set_before in ((made / name, ""), (made / "patient" / name, "export REAL_PAUSES=1\n")):
            path_of_command.write_text(f'#!/bin/sh\n{set_before}exec {shlex.join(client)} "$@"\n')
            path_of_command.chmod(0o755)
    return made
