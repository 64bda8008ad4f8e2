# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several processes of the playbook at once, each with its slice of one account's regions, as AWX and CI jobs run."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from typing import Any

from ansible_collections.secops.securityhub.tests.resilience.faults import check_converged
from ansible_collections.secops.securityhub.tests.resilience.playbook import Fleet
from ansible_collections.secops.securityhub.tests.resilience.playbook import Result
from ansible_collections.secops.securityhub.tests.resilience.playbook import expect

WORKS: tuple[dict[str, Any], ...] = (
    {},
    {"minimum_severity": "HIGH"},
    {"channel_id": "C0AFTER00000"},
    {"state": "absent"},
)
# Made once, whoever comes first.
ONCE = ("CreateStack", "CreateSlackChannelConfiguration", "CreateActionTarget", "CreateRole", "CreatePolicy")
OWNER = "us-east-1"

Start = Callable[[Fleet, list[str], dict[str, Any]], "subprocess.Popen[str]"]


def by_limit(fleet: Fleet, regions: list[str], wanted: dict[str, Any]) -> subprocess.Popen[str]:
    """Start a slice that sees the whole inventory, as jobs with a limit do."""
    return fleet.start("--limit", ",".join(regions), **wanted)


def by_inventory(fleet: Fleet, regions: list[str], wanted: dict[str, Any]) -> subprocess.Popen[str]:
    """Start a slice that sees its own hosts only, as the job slices of AWX do."""
    folder = fleet.folder / f"slice-{regions[0]}"
    folder.mkdir(exist_ok=True)
    part = Fleet(fleet.emulator, folder, regions, **fleet.variables, job_slices=True, global_findings_region=OWNER)
    return part.start(**wanted)


FORMS: dict[str, Start] = {"limit": by_limit, "inventory": by_inventory}


def at_once(fleet: Fleet, slices: int, form: str, **wanted: Any) -> list[Result]:
    """Run the playbook for all slices at the same time."""
    started = time.monotonic()
    # AWX deals the hosts out like cards, by their names.
    running = [FORMS[form](fleet, fleet.regions[number::slices], wanted) for number in range(slices)]
    return [fleet.finish(process, started) for process in running]


def work(fleet: Fleet, slices: int, form: str) -> list[str]:
    """Deploy, update, move the channel and remove by slices; Broken where a topic is lost or a thing made twice."""
    fleet.new_world()
    lines = []
    for wanted in WORKS:
        fleet.emulator.forget_requests()
        results = at_once(fleet, slices, form, **wanted)
        for result in results:
            expect(result.code == 0, "a slice failed", result)
        check_converged(fleet, wanted)
        _check_once(fleet)
        whole = fleet.run(**wanted)
        expect((whole.code, whole.changed) == (0, set()), "a run of all had something to do", whole)
        lines.append(f"{wanted or 'deployment'}: {max(result.seconds for result in results):.0f} s")
    return lines


def _check_once(fleet: Fleet) -> None:
    made: dict[tuple[str, str], int] = {}
    for entry in fleet.emulator.requests():
        if entry["operation"] in ONCE and entry["status"] == 200:
            key = (entry["operation"], entry["region"])
            made[key] = made.get(key, 0) + 1
    expect(all(count == 1 for count in made.values()), f"made twice: {made}")
