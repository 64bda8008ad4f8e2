# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are killed at any point, and the next one, which has to finish what they began."""

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
    """What a killed run was about: what was there before it (None: nothing), in what state, what it shall come to."""

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
class Blow:
    """How a run is ended: the signal, and whether each of its processes gets it or the first one's group alone."""

    name: str
    signal: signal.Signals
    family: bool


BLOWS = (
    Blow("the machine dies", signal.SIGKILL, family=True),
    # The worker that does the work outlives it for a while, beside the next run.
    Blow("the first process is killed", signal.SIGKILL, family=False),
    Blow("Ctrl-C", signal.SIGINT, family=False),
)


@dataclass(frozen=True)
class Point:
    """One blow: at a share of the work's time in an undisturbed run."""

    work: Work
    blow: Blow
    share: float


def points(count: int, seed: int) -> list[Point]:
    """So many points, each work and each blow in turn, at random times; the same for the same seed."""
    chance = random.Random(seed)
    return [
        Point(WORKS[number % len(WORKS)], BLOWS[number // len(WORKS) % len(BLOWS)], chance.random())
        for number in range(count)
    ]


def prepare(fleet: Fleet, work: Work) -> None:
    """Bring the world to what the work begins with."""
    fleet.new_world()
    fleet.emulator.stacks(0)
    if work.before is not None:
        result = fleet.run(**work.before)
        expect(result.code == 0, "the deployment before the blow failed", result)
        fleet.share_the_channel()
    if work.broken:
        fleet.break_stacks()
    fleet.emulator.stacks(SLOW_STACKS)


def undisturbed(fleet: Fleet, work: Work) -> float:
    """Return the seconds that the work takes when nobody disturbs it."""
    prepare(fleet, work)
    result = fleet.run(**work.wanted)
    expect(result.code == 0, "an undisturbed run failed", result)
    check_converged(fleet, work.wanted)
    return result.seconds


def strike(fleet: Fleet, point: Point, seconds: float) -> str:
    """Begin the work, end it at the point, and do it again; Broken unless all is well then. Give a line."""
    prepare(fleet, point.work)
    process = fleet.start(**point.work.wanted)
    time.sleep(seconds * point.share)
    struck = time.monotonic()
    members = kill(process, point.blow.signal, family=point.blow.family)
    output, _nothing = process.communicate()
    took = time.monotonic() - struck
    ended = process.returncode not in (-point.blow.signal, 99)
    if point.blow.signal == signal.SIGINT and not ended:
        _check_ctrl_c(took, output, members)
    again = fleet.run(**point.work.wanted)
    expect(again.code == 0, f"the run after the blow failed; before it:\n{output}", again)
    _await_the_orphans(members)
    check_converged(fleet, point.work.wanted)
    last = fleet.run(**point.work.wanted)
    expect((last.code, last.changed) == (0, set()), "the run after that had something to do", last)
    return "it had ended already" if ended else f"gone after {took:.1f} s; then {len(again.changed)} changed"


def _check_ctrl_c(took: float, output: str, members: list[int]) -> None:
    expect(took < CTRL_C_SECONDS, f"Ctrl-C took {took:.1f} s:\n{output}")
    # Before that, it is Python that is interrupted while it reads Ansible's files.
    if "PLAY [" in output:
        expect("Traceback" not in output, output)
    if "to change:" in output:
        expect("If this is interrupted, run the playbook again" in output, output)
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
