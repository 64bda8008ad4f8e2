# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start and stop the emulator on EMULATOR_PORT (default 4577), or print its status. Called by the script `emulator`."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
PORT = int(os.environ.get("EMULATOR_PORT", "4577"))
STATE = HERE.parents[1] / ".cache" / "emulator" / str(PORT)
PID_FILE = STATE / "pid"
LOG = STATE / "log"
URL = f"http://127.0.0.1:{PORT}"
# A first start compiles its packages, and others may do so at the same time on a busy computer.
START_SECONDS = 180
STOP_SECONDS = 5
ANSWER_SECONDS = 2
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # ignores a proxy of the shell


def main() -> int:
    """Run one command. Exit code 0: done; 1: failed; 2: no such command; 3: status, not running."""
    commands = {"start": start, "stop": stop, "status": status}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        print("usage: emulator start|stop|status   (port: EMULATOR_PORT, default 4577)", file=sys.stderr)
        return 2
    STATE.mkdir(parents=True, exist_ok=True)
    with (STATE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return commands[sys.argv[1]]()


def start() -> int:
    """Start the emulator unless it runs, and wait until it answers."""
    if answering_pid():
        print(f"emulator: already on {URL}")
        return 0
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with LOG.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(HERE / "serve.py"), str(PORT)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=environment,
        )
    PID_FILE.write_text(f"{process.pid}\n")
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if answering_pid() == process.pid:
            print(f"emulator: started on {URL}")
            return 0
        time.sleep(0.05)
    if process.poll() is None:
        process.kill()
    PID_FILE.unlink()
    print(f"emulator: did not start on {URL}; the end of {LOG}:\n{LOG.read_text()[-2000:]}", file=sys.stderr)
    return 1


def stop() -> int:
    """Stop the emulator by the PID in its file, if it runs."""
    pid = own_pid()
    if pid is None:
        print(f"emulator: not running on {URL}")
        PID_FILE.unlink(missing_ok=True)
        return 0
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while own_pid() is not None:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    PID_FILE.unlink(missing_ok=True)
    print(f"emulator: stopped on {URL}")
    return 0


def status() -> int:
    """Print whether the emulator runs."""
    pid = answering_pid()
    print(f"emulator: running on {URL}, pid {pid}" if pid else f"emulator: not running on {URL}")
    return 0 if pid else 3


def own_pid() -> int | None:
    """Return the PID of the server that was started here. Its command line proves that the PID was not reused."""
    try:
        pid = int(PID_FILE.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, ValueError):
        return None
    # Checkouts that share a .cache share its servers, so the directory of serve.py does not matter.
    ours = command[-2:-1] == [str(PORT).encode()] and command[-3].endswith(b"/tests/emulator/serve.py")
    return pid if ours and state != "Z" else None


def answering_pid() -> int | None:
    """Return the pid of the emulator that answers on the port; None when nothing or another program does."""
    try:
        with DIRECT.open(f"{URL}/_emulator/status", timeout=ANSWER_SECONDS) as answer:
            return json.load(answer)["pid"]
    except (OSError, ValueError, KeyError, urllib.error.URLError):
        return None


if __name__ == "__main__":
    sys.exit(main())
