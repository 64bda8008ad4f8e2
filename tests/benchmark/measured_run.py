# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command until it ends, or until it has used up memory or time, and measure what it costs."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

# With less than this, the kernel may kill the emulator or the benchmark.
MIB_TO_LEAVE = 500
SECONDS_AT_MOST = 40 * 60
SECONDS_BETWEEN_LOOKS = 0.2


@dataclass(frozen=True)
class Cost:
    """What one run cost: seconds, CPU seconds, MiB of its largest process, calls to AWS.

    *ended*: why it did not succeed; an empty string if it did.
    """

    wall: float
    cpu: float
    memory: float
    calls: int = 0
    ended: str = ""


def environment_without_settings() -> dict[str, str]:
    """Return this environment without what changes how AWS or Python are used, and without colors of Ansible."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    return {**kept, "ANSIBLE_NOCOLOR": "1"}


def run(command: list[str], environment: dict[str, str], folder: Path) -> Cost:
    """Run *command* in *folder*, with its output in the file ``log`` there."""
    started = time.monotonic()
    with (folder / "log").open("wb") as output:
        # In a new session, which can be ended with all its processes.
        process = subprocess.Popen(
            command, env=environment, cwd=folder, stdout=output, stderr=output, start_new_session=True
        )
    over = threading.Event()
    ended: list[str] = []
    watch = threading.Thread(target=_watch, args=(process.pid, over, ended))
    watch.start()
    try:
        _pid, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    finally:
        over.set()
    wall = time.monotonic() - started
    watch.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode and not ended:
        ended.append(f"ended with {process.returncode}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, ended="".join(ended))


def _watch(leader: int, over: threading.Event, ended: list[str]) -> None:
    """End the processes of a session that has used up memory or time, and append to *ended* which of both."""
    limit = time.monotonic() + SECONDS_AT_MOST
    while not over.wait(SECONDS_BETWEEN_LOOKS):
        if _available() < MIB_TO_LEAVE:
            ended.append("ran out of memory")
        elif time.monotonic() > limit:
            ended.append(f"took longer than {SECONDS_AT_MOST // 60} min")
        else:
            continue
        os.killpg(leader, signal.SIGKILL)
        return


def _available() -> float:
    """Return the MiB of memory that are available."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    (line,) = (line for line in lines if line.startswith("MemAvailable:"))
    return int(line.split()[1]) / 1024
