# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of the queues that canaries listen with: they tell whose is left over. PRIVATE to the collection.

Another canary may listen to the same topics right now, as runs do that are limited to different regions of one home
region. Its queue must stay, and that of a killed one must go: at once where the process that made it ran on this
machine and is no more, else as soon as no canary can still be at it.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import time
import uuid
from pathlib import Path

LONGEST_SECONDS = 900  # longer than any canary listens
SHAPE = re.compile(r"-canary-(?P<made>[0-9a-f]{8})-(?P<host>[0-9a-f]{6})-(?P<pid>[0-9a-f]+)-[0-9a-f]{4}$")


def prefix(stack: str) -> str:
    """Return how the names of all queues begin that listen to a stack's topics."""
    return f"{stack}-canary-"


def new_name(stack: str) -> str:
    """Return the name for a queue of this process: up to 80 characters, and SQS takes no name again for a minute."""
    return f"{prefix(stack)}{int(time.time()):08x}-{_this_host()}-{os.getpid():x}-{uuid.uuid4().hex[:4]}"


def is_left_over(queue: str) -> bool:
    """Tell whether a queue, given by its URL or ARN, is one of a canary that cannot be at it any more."""
    found = SHAPE.search(queue)
    if found is None:
        return False
    if time.time() - int(found["made"], 16) > LONGEST_SECONDS:
        return True
    return found["host"] == _this_host() and not _lives(int(found["pid"], 16))


def _this_host() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Tell whether the process has ended and nobody has asked how, as in a container without an init process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return False
