# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Let ansible_server.py run an Ansible command: ansible_client.py SOCKET COMMAND [ARGUMENT ...]."""

from __future__ import annotations

# The modules socket and json import so much that starting would take twice as long.
import _socket as socket
import array
import marshal
import os
import sys
import time

# Settings that the server applies to a run. Others take effect when Ansible or Python starts.
KNOWN = {
    "ANSIBLE_COLLECTIONS_PATH",
    "ANSIBLE_DEPRECATION_WARNINGS",
    "ANSIBLE_FORCE_COLOR",
    "ANSIBLE_GALAXY_SERVER",
    "ANSIBLE_HOME",
    "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED",
    "ANSIBLE_INVENTORY_UNPARSED_WARNING",
    "ANSIBLE_LOCALHOST_WARNING",
    "ANSIBLE_LOG_PATH",
    "ANSIBLE_NOCOLOR",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED",
}
SECONDS_TO_START = 300  # on a busy computer


def can_be_served() -> bool:
    """Return whether the server can apply all settings of the environment."""
    unknown = {name for name in os.environ if name.startswith(("ANSIBLE_", "PYTHON"))} - KNOWN
    # Ansible finds the collections by itself.
    if os.environ.get("PYTHONPATH") == os.environ.get("ANSIBLE_COLLECTIONS_PATH"):
        unknown.discard("PYTHONPATH")
    return not unknown


def connect(path: str) -> socket.socket:
    """Return a connection to the server, which may be starting."""
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
            return connection
        except FileNotFoundError:
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def ask(path: str, arguments: list[str]) -> int:
    """Have a command run with the files and the environment of this process, and return its exit code."""
    request = {"arguments": arguments, "environment": dict(os.environ), "folder": os.getcwd()}
    data = marshal.dumps(request)
    data = f"{len(data)}\n".encode() + data
    connection = connect(path)
    files = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))]
    sent = connection.sendmsg([data], files)
    connection.sendall(data[sent:])
    return int(connection.recv(16))


def main() -> None:
    """Run the command named on the command line, by the server where that makes no difference."""
    path, *command = sys.argv[1:]
    if not can_be_served():
        os.execv(command[0], command)
    sys.exit(ask(path, command))


if __name__ == "__main__":
    main()
