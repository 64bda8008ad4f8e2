# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parallel runs of the playbook, each with a slice of the regions of an account, as AWX and CI jobs run it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

from ansible_collections.secops.securityhub.tests.resilience.faults import check_converged
from ansible_collections.secops.securityhub.tests.resilience.playbook import Fleet
from ansible_collections.secops.securityhub.tests.resilience.playbook import Result
from ansible_collections.secops.securityhub.tests.resilience.playbook import expect

WORKS: dict[str, dict[str, Any]] = {
    "deployment": {},
    "update": {"minimum_severity": "HIGH"},
    "channel change": {"channel_id": "C0AFTER00000"},
    "removal": {"state": "absent"},
}
# Operations that only one of the slices may do.
ONCE = ("CreateStack", "CreateSlackChannelConfiguration", "CreateActionTarget", "CreateRole", "CreatePolicy")
OWNER = "us-east-1"

Start = Callable[[Fleet, list[str], dict[str, Any]], "subprocess.Popen[str]"]


def by_limit(fleet: Fleet, regions: list[str], wanted: dict[str, Any]) -> subprocess.Popen[str]:
    """Start a slice that has the whole inventory and a limit, as CI jobs do."""
    return fleet.start("--limit", ",".join(regions), **wanted)


def by_inventory(fleet: Fleet, regions: list[str], wanted: dict[str, Any]) -> subprocess.Popen[str]:
    """Start a slice whose inventory has only its own hosts, as the job slices of AWX do."""
    folder = fleet.folder / f"slice-{regions[0]}"
    folder.mkdir(exist_ok=True)
    part = Fleet(fleet.emulator, folder, regions, **fleet.variables, job_slices=True, global_findings_region=OWNER)
    part.command = fleet.command
    return part.start(**wanted)


FORMS: dict[str, Start] = {"limit": by_limit, "inventory": by_inventory}


def in_parallel(fleet: Fleet, slices: int, form: str, **wanted: Any) -> list[Result]:
    """Run the playbook for all slices in parallel."""
    started = time.monotonic()
    # As AWX does: host 1 to slice 1, host 2 to slice 2 and so on, in the order of their names.
    running = [FORMS[form](fleet, fleet.regions[number::slices], wanted) for number in range(slices)]
    return [fleet.finish(process, started) for process in running]


def work(fleet: Fleet, slices: int, form: str, works: Iterable[str] = tuple(WORKS)) -> list[str]:
    """Deploy, update, move the channel and remove, in slices. Raises Broken where a topic is lost or created twice."""
    fleet.new_account()
    lines = []
    for name in works:
        wanted = WORKS[name]
        fleet.emulator.forget_requests()
        results = in_parallel(fleet, slices, form, **wanted)
        for result in results:
            expect(result.code == 0, "a slice failed", result)
        check_converged(fleet, wanted)
        _check_once(fleet)
        whole = fleet.run(**wanted)
        expect((whole.code, whole.changed) == (0, set()), "a run without slices changed something", whole)
        lines.append(f"{name}: {max(result.seconds for result in results):.0f} s")
    return lines


def _check_once(fleet: Fleet) -> None:
    made: dict[tuple[str, str], int] = {}
    for entry in fleet.emulator.requests():
        if entry["operation"] in ONCE and entry["status"] == 200:
            key = (entry["operation"], entry["region"])
            made[key] = made.get(key, 0) + 1
    expect(all(count == 1 for count in made.values()), f"created twice: {made}")
