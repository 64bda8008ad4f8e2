# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Interrupt runs at any point. The next run has to finish what the interrupted one began."""

from __future__ import annotations

import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.secops.securityhub.tests.resilience.faults import check_converged
from ansible_collections.secops.securityhub.tests.resilience.playbook import Fleet
from ansible_collections.secops.securityhub.tests.resilience.playbook import expect
from ansible_collections.secops.securityhub.tests.resilience.playbook import kill

SLOW_STACKS = 0.7
CTRL_C_SECONDS = 3


@dataclass(frozen=True)
class Work:
    """The work of an interrupted run.

    *before*: role variables of the deployment before it, None where there is none. *wanted*: role variables of the run.
    *broken*: whether stacks are broken by hand before it.
    """

    name: str
    before: dict[str, Any] | None
    wanted: dict[str, Any]
    broken: bool = False


WORKS = (
    Work("deployment", None, {}),
    Work("update", {}, {"minimum_severity": "HIGH", "action_name": "To Slack"}),
    Work("channel merge", {"channel_id": "C0BEFORE0000"}, {}),
    Work("repair", {}, {}, broken=True),
    Work("removal", {}, {"state": "absent"}),
)


@dataclass(frozen=True)
class Interruption:
    """How a run is interrupted: by a signal to all of its processes, or only to the group of the first one."""

    name: str
    signal: signal.Signals
    family: bool


INTERRUPTIONS = (
    Interruption("the machine dies", signal.SIGKILL, family=True),
    # Its worker continues for a while, in parallel with the next run.
    Interruption("the first process is killed", signal.SIGKILL, family=False),
    Interruption("Ctrl-C", signal.SIGINT, family=False),
)


@dataclass(frozen=True)
class Point:
    """An interruption after a share of the time that an undisturbed run takes."""

    work: Work
    interruption: Interruption
    share: float


def points(count: int, seed: int) -> list[Point]:
    """Return points at random times, of each work and each interruption in turn; the same for the same seed."""
    chance = random.Random(seed)
    return [
        Point(WORKS[number % len(WORKS)], INTERRUPTIONS[number // len(WORKS) % len(INTERRUPTIONS)], chance.random())
        for number in range(count)
    ]


def prepare(fleet: Fleet, work: Work) -> None:
    """Create what has to exist before the work."""
    fleet.new_account()
    fleet.emulator.stacks(0)
    if work.before is not None:
        result = fleet.run(**work.before)
        expect(result.code == 0, "the deployment before the interrupted run failed", result)
        fleet.share_the_channel()
    if work.broken:
        fleet.break_stacks()
    fleet.emulator.stacks(SLOW_STACKS)


def undisturbed(fleet: Fleet, work: Work) -> float:
    """Return the seconds that the work takes without an interruption."""
    prepare(fleet, work)
    result = fleet.run(interruptible=True, **work.wanted)
    expect(result.code == 0, "an undisturbed run failed", result)
    check_converged(fleet, work.wanted)
    return result.seconds


def interrupt(fleet: Fleet, point: Point, seconds: float) -> str:
    """Start the work, interrupt it, run it again, and return a line about it.

    *seconds*: of an undisturbed run. Raises Broken if the next run does not complete the work.
    """
    prepare(fleet, point.work)
    process = fleet.start(interruptible=True, **point.work.wanted)
    time.sleep(seconds * point.share)
    interrupted = time.monotonic()
    members = kill(process, point.interruption.signal, family=point.interruption.family)
    output, _nothing = process.communicate()
    took = time.monotonic() - interrupted
    ended = process.returncode not in (-point.interruption.signal, 99)
    if point.interruption.signal == signal.SIGINT and not ended:
        _check_ctrl_c(took, output, members)
    again = fleet.run(**point.work.wanted)
    expect(again.code == 0, f"the run after the interruption failed; the interrupted one:\n{output}", again)
    _await_the_orphans(members)
    check_converged(fleet, point.work.wanted)
    last = fleet.run(**point.work.wanted)
    expect((last.code, last.changed) == (0, set()), "a third run changed something", last)
    return "it had already ended" if ended else f"ended after {took:.1f} s; then {len(again.changed)} changed"


def _check_ctrl_c(took: float, output: str, members: list[int]) -> None:
    expect(took < CTRL_C_SECONDS, f"Ctrl-C took {took:.1f} s:\n{output}")
    # Earlier, Python is interrupted while it imports Ansible.
    if "PLAY [" in output:
        expect("Traceback" not in output, output)
    if "to change:" in output:
        expect("If this run is interrupted, rerun the playbook" in output, output)
    left = [pid for pid in members if _is_alive(pid)]
    expect(not left, f"{left} outlived Ctrl-C")


def _await_the_orphans(members: list[int]) -> None:
    deadline = time.monotonic() + 120
    while any(_is_alive(pid) for pid in members):
        expect(time.monotonic() < deadline, f"{members} do not end")
        time.sleep(0.1)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
