# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of the canary's queues, which show whether a queue was left behind. PRIVATE to the collection.

Another canary may be listening to the same topics, for example when two runs are limited to different linked regions of
one home region. Its queue must stay. The queue of a killed canary is deleted: immediately if its process ran on this
machine and has ended, otherwise as soon as no canary can still be using it.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import time
import uuid

LONGEST_SECONDS = 900  # longer than any canary listens
SHAPE = re.compile(r"-canary-(?P<created>[0-9a-f]{8})-(?P<host>[0-9a-f]{6})-(?P<pid>[0-9a-f]+)-[0-9a-f]{4}$")


def prefix(stack: str) -> str:
    """Return the prefix of the names of all queues that listen to a stack's topics."""
    return f"{stack}-canary-"


def new_name(stack: str) -> str:
    """Return a new name, of at most 80 characters, for a queue of this process.

    Each call returns another name, because SQS refuses the name of a queue that was deleted within the last minute.
    """
    return f"{prefix(stack)}{int(time.time()):08x}-{_this_host()}-{os.getpid():x}-{uuid.uuid4().hex[:4]}"


def is_left_behind(queue: str) -> bool:
    """Tell whether a queue, given by its URL or ARN, belongs to a canary that no longer runs."""
    found = SHAPE.search(queue)
    if found is None:
        return False
    if time.time() - int(found["created"], 16) > LONGEST_SECONDS:
        return True
    return found["host"] == _this_host() and not _is_running(int(found["pid"], 16))


def _this_host() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it runs as another user
    return True
