# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line of the campaigns: python -m tests.resilience faults|crashes|slices [--long] [--seed N]."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.secops.securityhub.tests.resilience import crashes
from ansible_collections.secops.securityhub.tests.resilience import faults
from ansible_collections.secops.securityhub.tests.resilience import slices
from ansible_collections.secops.securityhub.tests.resilience.playbook import SEVENTEEN
from ansible_collections.secops.securityhub.tests.resilience.playbook import Broken
from ansible_collections.secops.securityhub.tests.resilience.playbook import Fleet
from ansible_collections.secops.securityhub.tests.unit.conftest import started

# Regions of the short form; Chatbot's us-east-2 and the home of the global services are among them.
FEW = ("eu-west-1", "us-east-1", "us-east-2")
Case = tuple[str, Callable[[], object]]


def of_faults(fleet: Fleet, arguments: argparse.Namespace) -> Iterator[Case]:
    """Every fault in every phase; the short form gives each fault one phase."""
    for number, fault in enumerate(faults.FAULTS):
        phases = faults.PHASES if arguments.long else faults.PHASES[number % len(faults.PHASES) :][:1]
        for phase in phases:
            seed = arguments.seed + number
            yield (
                f"{fault.name}, {phase.name}",
                lambda fault=fault, phase=phase, seed=seed: faults.under_fault(fleet, fault, phase, seed),
            )
    for phase in faults.PHASES if arguments.long else faults.PHASES[:1]:
        yield f"{faults.EXPIRED.name}, {phase.name}", lambda phase=phase: faults.expired(fleet, phase)


def of_crashes(fleet: Fleet, arguments: argparse.Namespace) -> Iterator[Case]:
    """100 blows, or 15 in the short form: each work meets each kind of blow."""
    seconds: dict[str, float] = {}

    def strike(point: crashes.Point) -> str:
        if point.work.name not in seconds:
            seconds[point.work.name] = crashes.undisturbed(fleet, point.work)
        return crashes.strike(fleet, point, seconds[point.work.name])

    for number, point in enumerate(crashes.points(100 if arguments.long else 15, arguments.seed), start=1):
        name = f"{number}: {point.work.name}, {point.blow.name} at {point.share:.0%}"
        yield name, lambda point=point: strike(point)


def of_slices(fleet: Fleet, arguments: argparse.Namespace) -> Iterator[Case]:
    """Four slices at once, by limit and by inventory, three times over in the long form."""
    for number in range(3 if arguments.long else 1):
        for form in slices.FORMS:
            yield f"{number + 1}: four slices by {form}", lambda form=form: "; ".join(slices.work(fleet, 4, form))


CAMPAIGNS = {"faults": of_faults, "crashes": of_crashes, "slices": of_slices}


def main() -> int:
    """Run one campaign; 1 if anything was lost."""
    parser = argparse.ArgumentParser(prog="tests/campaign", description=__doc__)
    parser.add_argument("campaign", choices=CAMPAIGNS)
    parser.add_argument("--long", action="store_true", help="17 regions, every combination, 100 blows")
    parser.add_argument("--seed", type=int, default=1, help="of all that is left to chance (default 1)")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="campaign-"))
    regions = SEVENTEEN if arguments.long or arguments.campaign == "slices" else FEW
    try:
        with started() as emulator:
            return run(CAMPAIGNS[arguments.campaign](Fleet(emulator, folder, regions), arguments))
    finally:
        shutil.rmtree(folder)


def run(cases: Iterator[Case]) -> int:
    """Run the cases one after another, and say what became of each."""
    broken = done = 0
    begin = time.monotonic()
    for name, case in cases:
        print(f"{name} ... ", end="", flush=True)
        try:
            print(case(), flush=True)
        except Broken as error:
            broken += 1
            print(f"BROKEN: {error}", flush=True)
        done += 1
    print(f"{done} cases, {broken} broken, {(time.monotonic() - begin) / 60:.0f} min")
    return min(broken, 1)


if __name__ == "__main__":
    sys.exit(main())
