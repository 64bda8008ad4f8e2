# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees while a playbook runs: one line on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import termios
import threading
import time
from pathlib import Path

import pytest
from ansible_collections.secops.securityhub.plugins.plugin_utils import _progress
from ansible_collections.secops.securityhub.tests.unit import ansible_commands
from ansible_collections.secops.securityhub.tests.unit import waiting
from ansible_collections.secops.securityhub.tests.unit.plugins.plugin_utils.display import Display

ROOT = Path(__file__).resolve().parents[4]
COLUMNS = 60


@pytest.fixture
def terminal():
    """Return both ends of a terminal: the file descriptor of the user's, and that of the program's."""
    user, program = pty.openpty()
    fcntl.ioctl(user, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
    yield user, program
    os.close(user)
    os.close(program)


def read(user, seconds=0.0):
    """Return what has arrived at the user's end, waiting at least *seconds* for more."""
    found, until = b"", time.monotonic() + seconds
    while select.select([user], [], [], max(0.1, until - time.monotonic()))[0]:
        found += os.read(user, 65536)
    return found.decode()


def test_a_terminal_shows_what_is_done_in_one_line_that_fits_and_is_removed(terminal):
    user, program = terminal
    with _progress.Live(os.ttyname(program), Display(), lambda: 1234) as live:
        first = read(user, 1.3)
        live.now("Stacks 9/17, about 20 s left, waiting for \x1b[31m" + "eu-west-1, " * 20)
        second = read(user, 1.3)
    assert "  Reading AWS, 1,234 calls, 1 s" in first
    assert "Stacks 9/17, about 20 s left" in second
    assert "\n" not in first + second
    assert "[31m" in second and "\x1b[31m" not in second
    assert max(len(shown) for shown in (first + second).split(_progress.CLEAR)) < COLUMNS
    assert read(user).endswith(_progress.CLEAR)


def test_a_line_that_stays_is_not_written_over(terminal):
    user, program = terminal
    display = Display()
    with _progress.Live(os.ttyname(program), display, lambda: 0) as live:
        assert waiting.until(lambda: read(user))
        live("17 to change")
        shown = read(user)
    assert (shown, display.lines) == (_progress.CLEAR, ["  17 to change"])


def test_without_a_terminal_there_is_a_line_now_and_then(monkeypatch):
    monkeypatch.setattr(_progress, "SECONDS_BETWEEN_LINES", 1.0)
    display, began = Display(), time.monotonic()
    with _progress.Live("", display, lambda: 7) as live:
        assert waiting.until(lambda: display.lines)
        live.now("Stacks 1/2")
        assert waiting.until(lambda: display.lines[-1].startswith("  Stacks 1/2, 7 calls, "))
    assert display.lines[0].startswith("  Reading AWS, 7 calls, ")
    assert len(display.lines) <= time.monotonic() - began


def test_a_computer_that_permits_no_more_threads_shows_the_lines_that_stay(monkeypatch):
    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    display = Display()
    with _progress.Live("", display, lambda: 0) as live:
        live("17 to change")
    assert display.lines == ["  17 to change"]


def test_a_short_run_without_a_terminal_shows_nothing():
    display = Display()
    with _progress.Live("", display, lambda: 7):
        time.sleep(1.2)
    assert display.lines == []


@pytest.mark.parametrize("name", ["TERM", "AWX_ISOLATED_DATA_DIR"])
def test_a_terminal_that_keeps_all_output_counts_as_none(monkeypatch, terminal, name):
    monkeypatch.setattr(_progress.sys, "stdout", os.fdopen(os.dup(terminal[1]), "w"))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("AWX_ISOLATED_DATA_DIR", raising=False)
    assert _progress.terminal() == os.ttyname(terminal[1])
    monkeypatch.setenv(name, "dumb")
    assert _progress.terminal() == ""


def started(emulator, popen, folder, program):
    """Start the playbook on a terminal."""
    variables = {"endpoint_url": emulator.url, "workspace_id": "T0123456789", "channel_id": "C0123456789"}
    prefixed = {f"securityhub_slack_{name}": value for name, value in variables.items()}
    inventory = folder / "hosts.yml"
    inventory.write_text(json.dumps({"all": {"hosts": {"eu-west-1": None, "us-east-1": None}, "vars": prefixed}}))
    return popen(
        [ansible_commands.installed("ansible-playbook"), "-i", inventory, ROOT / "playbooks" / "securityhub_slack.yml"],
        stdin=program,
        stdout=program,
        stderr=program,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "AWS_ACCESS_KEY_ID": "111111111111",
            "AWS_SECRET_ACCESS_KEY": "emulator",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections"),
        },
    )


def test_ctrl_c_while_aws_is_read_says_that_nothing_was_written(emulator, popen, tmp_path, terminal):
    emulator.world({"111111111111": {"hubs": "all"}})
    emulator.faults({"latency_ms": 3000})
    user, program = terminal
    running = started(emulator, popen, tmp_path, program)
    shown = ""
    while "Reading AWS, " not in shown:
        assert running.poll() is None, shown
        shown += read(user, 1)
    os.killpg(running.pid, signal.SIGINT)
    assert running.wait(timeout=30) == 99
    assert "Stopped. Nothing was written to AWS." in " ".join(read(user).split())
    assert emulator.writes() == []


def test_a_run_shows_its_progress_and_ctrl_c_ends_it_with_what_is_unfinished(emulator, popen, tmp_path, terminal):
    emulator.world({"111111111111": {"hubs": "all", "workspaces": [{"SlackTeamId": "T0123456789"}]}})
    emulator.faults({"latency_ms": 300})
    emulator.stacks(600)
    user, program = terminal
    running = started(emulator, popen, tmp_path, program)
    shown = ""
    while "Stacks 0/2, waiting for eu-west-1" not in shown:
        assert running.poll() is None, shown
        shown += read(user, 1)
    assert "Reading AWS, " in shown
    os.killpg(running.pid, signal.SIGINT)
    before = time.monotonic()
    said = ""
    while "Stopped. Unfinished: Stacks 0/2" not in " ".join(said.split()):
        assert time.monotonic() - before < 20, said
        said += read(user)
    assert running.wait(timeout=30) == 99
    assert "Rerun the playbook to continue" in " ".join((said + read(user)).split())
