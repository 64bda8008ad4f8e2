# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Interrupt runs at any point. The next run has to finish what the interrupted one began."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.secops.securityhub.tests.resilience.faults import check_converged
from ansible_collections.secops.securityhub.tests.resilience.faults import deploy_old_template
from ansible_collections.secops.securityhub.tests.resilience.playbook import CHANNEL
from ansible_collections.secops.securityhub.tests.resilience.playbook import DEPLOY
from ansible_collections.secops.securityhub.tests.resilience.playbook import Fleet
from ansible_collections.secops.securityhub.tests.resilience.playbook import Whom
from ansible_collections.secops.securityhub.tests.resilience.playbook import expect
from ansible_collections.secops.securityhub.tests.resilience.playbook import kill

SLOW_STACKS = 0.7
CTRL_C_SECONDS = 3
MARKS = {"mark_notified": True, "message_format": "custom"}
DIGEST = {"digest_schedule": "cron(0 8 ? * MON *)", "overdue_days": {"CRITICAL": 7}}
RECEIVERS = {"receivers": [{"name": "mail", "email": ["oncall@example.com"]}]}
OF_ANOTHER_ACCOUNT = {"name": "other", "channel_id": "C0SECOND000", "account_ids": ["222222222222"]}
CHANNELS = {"channels": [{"name": "all", "channel_id": CHANNEL}, OF_ANOTHER_ACCOUNT]}
RULES = {"suppressions": [{"control_ids": ["S3.8"], "reason": "public by design", "suppress_in": "security_hub"}]}
MESSAGES = {**MARKS, "buttons": True, "report_resolved": True}
# role variables with which a deployment has what faults.check_converged expects
PLAIN = {"minimum_severity", "action_name", "state", "repair_drift", "deployment_mode"}


@dataclass(frozen=True)
class Work:
    """The work of an interrupted run.

    *before*: role variables of the deployment before it, None where there is none. *wanted*: role variables of the run.
    *happens*: what people do by hand after that deployment. *arrives*: whether each
    finding arrives that is imported between the interruption and the next run. Elsewhere, rules may be missing.
    """

    name: str
    before: dict[str, Any] | None
    wanted: dict[str, Any]
    happens: Callable[[Fleet], None] | None = None
    arrives: bool = False
    playbook: str = DEPLOY


WORKS = (
    Work("deployment", None, {}),
    Work("update", {}, {"minimum_severity": "HIGH", "action_name": "To Slack"}, arrives=True),
    Work("channel change", {"channel_id": "C0BEFORE0000"}, {}),
    Work("repair of stacks", {}, {}, Fleet.break_stacks),
    Work("removal", {}, {"state": "absent"}),
    Work("to the home region", {}, {"aggregation": "home_region"}, Fleet.aggregate),
    Work("to each region", {"aggregation": "home_region"}, {"aggregation": "per_region"}),
    Work("migration", None, {}, deploy_old_template, playbook="securityhub_slack_migrate"),
    Work("repair of drift", {}, {"repair_drift": True}, Fleet.drift),
    Work("buttons on", {"message_format": "custom"}, {"message_format": "custom", "buttons": True}, arrives=True),
    Work("buttons off", {"message_format": "custom", "buttons": True}, {"message_format": "custom"}, arrives=True),
    Work("resolved reports on", MARKS, {**MARKS, "report_resolved": True}, arrives=True),
    Work("resolved reports off", {**MARKS, "report_resolved": True}, MARKS, arrives=True),
    Work("digest on", {}, DIGEST, arrives=True),
    Work("digest off", DIGEST, {}, arrives=True),
    Work("receivers on", {}, RECEIVERS, arrives=True),
    Work("receivers off", RECEIVERS, {}, arrives=True),
    Work("to two channels", {}, CHANNELS),
    Work("to one channel", CHANNELS, {}),
    Work("automation rules on", {}, RULES, arrives=True),
    Work("automation rules off", RULES, {}, arrives=True),
    Work("deployment in express mode", None, {"deployment_mode": "express"}),
    Work("removal of everything", {**MESSAGES, **DIGEST, **RECEIVERS, **RULES}, {"state": "absent"}),
)


@dataclass(frozen=True)
class Interruption:
    """How a run is interrupted: by a signal to the group of the first process, its whole family, or its workers."""

    name: str
    signal: signal.Signals
    whom: Whom


INTERRUPTIONS = (
    Interruption("SIGKILL of all", signal.SIGKILL, "family"),
    # Its worker continues for a while, in parallel with the next run.
    Interruption("SIGKILL of the first process", signal.SIGKILL, "group"),
    Interruption("Ctrl-C", signal.SIGINT, "group"),
    Interruption("SIGTERM", signal.SIGTERM, "group"),
    Interruption("SIGHUP of a closed terminal", signal.SIGHUP, "group"),
    Interruption("SIGKILL of a worker", signal.SIGKILL, "workers"),
)


@dataclass(frozen=True)
class Point:
    """An interruption after a share of the time that an undisturbed run takes."""

    work: Work
    interruption: Interruption
    share: float


@dataclass(frozen=True)
class Undisturbed:
    """What the work takes and leaves without an interruption."""

    seconds: float
    snapshot: dict[str, Any]


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
    if "home_region" in (work.before or {}).values():
        fleet.aggregate()
    if work.before is not None:
        result = fleet.run(**work.before)
        expect(result.code == 0, "the deployment before the interrupted run failed", result)
        fleet.share_the_channel()
    if work.happens is not None:
        work.happens(fleet)
    fleet.emulator.stacks(SLOW_STACKS)


def undisturbed(fleet: Fleet, work: Work) -> Undisturbed:
    """Do the work without an interruption."""
    prepare(fleet, work)
    result = fleet.run(interruptible=True, playbook=work.playbook, **work.wanted)
    expect(result.code == 0, "an undisturbed run failed", result)
    _check_the_end(fleet, work, fleet.snapshot())
    return Undisturbed(result.seconds, fleet.snapshot())


def interrupt(fleet: Fleet, point: Point, usual: Undisturbed) -> str:
    """Start the work, interrupt it, run it again, and return a line about it.

    Raises Broken if the next run does not complete the work, or if a finding is lost or arrives twice.
    """
    work = point.work
    prepare(fleet, work)
    process = fleet.start(interruptible=True, playbook=work.playbook, **work.wanted)
    time.sleep(usual.seconds * point.share)
    interrupted = time.monotonic()
    members = kill(process, point.interruption.signal, point.interruption.whom)
    output, _nothing = process.communicate()
    took = time.monotonic() - interrupted
    ended = process.returncode == 0
    if point.interruption.signal == signal.SIGINT and not ended:
        _check_ctrl_c(took, output, members)
    meanwhile = fleet.import_critical("meanwhile") if work.arrives else []
    again = fleet.run(playbook=work.playbook, **work.wanted)
    expect(again.code == 0, f"the run after the interruption failed; the interrupted one:\n{output}", again)
    _await_the_orphans(members)
    _check_the_end(fleet, work, usual.snapshot)
    fleet.emulator.forget_requests()
    last = fleet.run(playbook=work.playbook, **work.wanted)
    written = fleet.emulator.writes()
    expect((last.code, last.changed, written) == (0, set(), []), f"a third run changed something: {written}", last)
    check_arrivals(fleet, meanwhile)
    if work.wanted.get("state") != "absent":
        check_arrivals(fleet, fleet.import_critical("afterward"))
    return "it had already ended" if ended else f"ended after {took:.1f} s; then {len(again.changed)} changed"


def _check_the_end(fleet: Fleet, work: Work, usual: dict[str, Any]) -> None:
    """Check that AWS has what an undisturbed run leaves."""
    if work.playbook == DEPLOY and work.wanted.keys() <= PLAIN:
        check_converged(fleet, work.wanted)
    found = fleet.snapshot()
    for name, value in usual.items():
        expect(found[name] == value, f"{name}: {found[name]}, not {value}")


def check_arrivals(fleet: Fleet, ids: list[str]) -> None:
    """Check that each finding has arrived once."""
    arrived = Counter(message["finding_id"] for message in fleet.emulator.inbox())
    wrong = {name: arrived[name] for name in ids if arrived[name] != 1}
    expect(not wrong, f"findings did not arrive exactly once: {wrong}")


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
