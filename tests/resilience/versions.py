# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two versions of the collection work on the same targets at the same time, as while a team upgrades."""

from __future__ import annotations

import io
import subprocess
import tarfile
import time
from pathlib import Path

from ansible_collections.secops.securityhub.tests.resilience.faults import REMEDIES
from ansible_collections.secops.securityhub.tests.resilience.faults import Phase
from ansible_collections.secops.securityhub.tests.resilience.faults import check_converged
from ansible_collections.secops.securityhub.tests.resilience.interruptions import check_arrivals
from ansible_collections.secops.securityhub.tests.resilience.playbook import ROOT
from ansible_collections.secops.securityhub.tests.resilience.playbook import Fleet
from ansible_collections.secops.securityhub.tests.resilience.playbook import expect

STACK_SECONDS = 2


def check_out(commit: str, folder: Path) -> Path:
    """Unpack the collection as of a commit, beside the same amazon.aws, and return where it is."""
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    checkout = folder / f"version-{commit}"
    with tarfile.open(fileobj=io.BytesIO(archive)) as members:
        members.extractall(checkout, filter="data")
    here, there = (root / ".ansible" / "collections" / "ansible_collections" for root in (ROOT, checkout))
    (there / "secops").mkdir(parents=True)
    (there / "secops" / "securityhub").symlink_to(checkout)
    (there / "amazon").symlink_to((here / "amazon").resolve())
    return checkout


def beside(fleet: Fleet, checkout: Path, phase: Phase) -> str:
    """Let both versions do the same work, then this one; go back to the other one, and to this one again.

    What exists before the work is of the other version. Returns a line about the two runs.
    """
    other = Fleet(fleet.emulator, fleet.folder / f"{phase.name}-of-other", fleet.regions)
    other.folder.mkdir()
    other.checkout = checkout
    fleet.emulator.stacks(0)
    phase.before(other)
    fleet.emulator.stacks(STACK_SECONDS)
    started = time.monotonic()
    running = [(of_version, of_version.start(**phase.wanted)) for of_version in (other, fleet)]
    results = [of_version.finish(process, started) for of_version, process in running]
    for result in results:
        expect(result.code in (0, 2), f"exit code {result.code}", result)
        for who, cause in result.causes.items():
            expect(bool(REMEDIES.search(cause)), f"no remedy for {who}: {cause}", result)
    fleet.emulator.stacks(0)
    for of_version in (fleet, other, fleet):
        again = of_version.run(**phase.wanted)
        expect(again.code == 0, f"the run of {of_version.checkout} failed", again)
        check_converged(fleet, phase.wanted)
        last = of_version.run(**phase.wanted)
        expect((last.code, last.changed) == (0, set()), f"a second run of {of_version.checkout} changed", last)
        if phase.wanted.get("state") != "absent":
            check_arrivals(fleet, fleet.import_critical(f"after-{fleet.started}-{other.started}"))
    return "; ".join(f"exit {result.code}, {len(result.changed)} changed" for result in results)
