# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line of the resilience tests (tests/run/resilience)."""

from __future__ import annotations

import argparse
import itertools
import shutil
import sys
import tempfile
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.secops.securityhub.tests.resilience import credentials
from ansible_collections.secops.securityhub.tests.resilience import faults
from ansible_collections.secops.securityhub.tests.resilience import interruptions
from ansible_collections.secops.securityhub.tests.resilience import load
from ansible_collections.secops.securityhub.tests.resilience import person
from ansible_collections.secops.securityhub.tests.resilience import slices
from ansible_collections.secops.securityhub.tests.resilience import versions
from ansible_collections.secops.securityhub.tests.resilience.campaign import Campaign
from ansible_collections.secops.securityhub.tests.resilience.campaign import Case
from ansible_collections.secops.securityhub.tests.resilience.playbook import SEVENTEEN
from ansible_collections.secops.securityhub.tests.resilience.playbook import Fleet
from ansible_collections.secops.securityhub.tests.unit.conftest import started

# regions of the short form. Chatbot is called in us-east-2; global services send their findings in us-east-1.
FEW = ("eu-west-1", "us-east-1", "us-east-2")


def fault_cases(fleet: Fleet, arguments: argparse.Namespace) -> Iterator[Case]:
    """Yield each fault in each phase and under each command; in the short form in one of each."""
    for number, fault in enumerate(faults.FAULTS):
        seed = arguments.seed + number
        for phase in _chosen(faults.PHASES, number, arguments):
            yield Case(
                fault.name,
                phase.name,
                lambda fault=fault, phase=phase, seed=seed: faults.under_fault(fleet, fault, phase, seed),
            )
        for command in _chosen([item for item in faults.COMMANDS if faults.has(item, fault)], number, arguments):
            yield Case(
                fault.name,
                command.name,
                lambda fault=fault, command=command, seed=seed: faults.under_fault_of(fleet, fault, command, seed),
            )
    for phase in _chosen(faults.PHASES, 0, arguments):
        yield Case(faults.EXPIRED.name, phase.name, lambda phase=phase: faults.expired(fleet, phase))
        yield Case(faults.IDENTITY, phase.name, lambda phase=phase: faults.changed_identity(fleet, phase))
        yield Case(faults.FULL_DISK, phase.name, lambda phase=phase: faults.full_disk(fleet, phase))


def _chosen(found: Sequence[Any], number: int, arguments: argparse.Namespace) -> Sequence[Any]:
    """Return all, or in the short form one."""
    return found if arguments.long else found[number % len(found) :][:1]


def interruption_cases(fleet: Fleet, arguments: argparse.Namespace) -> Iterator[Case]:
    """Yield 200 interruptions, or 15 in the short form: each kind of interruption of each work."""
    usual: dict[str, interruptions.Undisturbed] = {}

    def interrupt(point: interruptions.Point) -> str:
        if point.work.name not in usual:
            usual[point.work.name] = interruptions.undisturbed(fleet, point.work)
        return interruptions.interrupt(fleet, point, usual[point.work.name])

    for point in interruptions.points(arguments.count or (200 if arguments.long else 15), arguments.seed):
        yield Case(
            point.work.name, point.interruption.name, lambda point=point: interrupt(point), f"at {point.share:.0%}"
        )


def slice_cases(fleet: Fleet, arguments: argparse.Namespace) -> Iterator[Case]:
    """Yield four parallel slices, by limit and by inventory; in the long form three times."""
    for _number in range(3 if arguments.long else 1):
        for form in slices.FORMS:
            yield Case("four parallel slices", f"by {form}", lambda form=form: "; ".join(slices.work(fleet, 4, form)))


def credential_cases(fleet: Fleet, arguments: argparse.Namespace) -> Iterator[Case]:
    """Yield calls for 40 accounts by 64 threads: 20 seconds, or five times two minutes in the long form."""
    for number in range(5 if arguments.long else 1):
        folder, seconds, seed = fleet.folder / f"home-{number}", 120 if arguments.long else 20, arguments.seed + number
        yield Case(
            "credentials that expire",
            "calls for 40 accounts",
            lambda folder=folder, seconds=seconds, seed=seed: credentials.stress(fleet.emulator, folder, seconds, seed),
        )


def load_cases(fleet: Fleet, arguments: argparse.Namespace) -> Iterator[Case]:
    """Yield 10,000 findings in a minute, or 600 in six seconds in the short form."""
    count, seconds = (10_000, 60) if arguments.long else (600, 6)
    yield Case(
        f"{count:,} findings in {seconds} s",
        f"{len(fleet.regions)} regions",
        lambda: load.flood(fleet, count, seconds),
    )


def person_cases(fleet: Fleet, arguments: argparse.Namespace) -> Iterator[Case]:
    """Yield what a person does in the console while a run works."""
    for deed in person.DEEDS:
        yield Case("a person in the console", deed, lambda deed=deed: person.beside(fleet, deed))


def version_cases(fleet: Fleet, arguments: argparse.Namespace) -> Iterator[Case]:
    """Yield each phase, worked on by two versions of the collection at the same time."""
    checkout = versions.check_out(arguments.other, fleet.folder)
    for phase in faults.PHASES:
        yield Case(
            "two versions", phase.name, lambda phase=phase: versions.beside(fleet, checkout, phase), arguments.other
        )


CASES: dict[str, Callable[[Fleet, argparse.Namespace], Iterator[Case]]] = {
    "faults": fault_cases,
    "interruptions": interruption_cases,
    "slices": slice_cases,
    "credentials": credential_cases,
    "load": load_cases,
    "person": person_cases,
    "versions": version_cases,
}


def _share(text: str) -> tuple[int, int]:
    """Return which share of how many. Raises ValueError."""
    number, shares = map(int, text.split("/"))
    return number, shares


def main() -> int:
    """Run the tests of one kind; return 1 if any failed."""
    parser = argparse.ArgumentParser(prog="tests/run/resilience", description=__doc__)
    parser.add_argument("kind", choices=CASES)
    parser.add_argument("--long", action="store_true", help="17 regions, all combinations, 200 interruptions")
    parser.add_argument("--few", action="store_true", help="three regions in the long form, too")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random choices (default 1)")
    parser.add_argument("--count", type=int, help="number of interruptions")
    parser.add_argument("--only", default="", help="only cases whose names contain this text")
    parser.add_argument(
        "--share", type=_share, default=(1, 1), help="1/3: the first, fourth and so on; other processes run the rest"
    )
    parser.add_argument("--other", default="HEAD~1", help="commit of the other one of two versions (default HEAD~1)")
    parser.add_argument("--results", type=Path, help="JSON file that gets what was run, and the outcome of each case")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="resilience-"))
    all_regions = arguments.long and not arguments.few
    regions = SEVENTEEN if all_regions or arguments.kind == "slices" else FEW
    campaign = Campaign(sys.argv[1:], arguments.seed, len(regions), arguments.results)
    try:
        with started() as emulator:
            cases = CASES[arguments.kind](Fleet(emulator, folder, regions), arguments)
            chosen = (case for case in cases if arguments.only in case.name)
            return campaign.run(itertools.islice(chosen, arguments.share[0] - 1, None, arguments.share[1]))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
