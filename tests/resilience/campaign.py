# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run cases one after another, print the outcome of each, and keep it as data (results/*.json)."""

from __future__ import annotations

import datetime
import json
import shlex
import subprocess
import time
from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from ansible_collections.secops.securityhub.tests.resilience.playbook import ROOT
from ansible_collections.secops.securityhub.tests.resilience.playbook import Broken
from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError

LONGEST = 500  # characters of an outcome in the file; a failure has the output of its runs


@dataclass(frozen=True)
class Case:
    """What happens to what, and the function that tests it: it returns a line, or raises Broken.

    *what* and *how* are the row and the column of the table in the documentation.
    """

    what: str
    how: str
    test: Callable[[], object]
    more: str = ""

    @property
    def name(self) -> str:
        """Return the name of the case for people."""
        return f"{self.what}, {self.how} {self.more}".rstrip()


def _commit() -> str:
    """Return the commit of the collection, with -dirty if files differ from it."""
    command = ["git", "describe", "--always", "--abbrev=12", "--dirty", "--exclude=*"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


@dataclass
class Campaign:
    """Cases that one command runs. *file*: gets the outcomes so far after each case."""

    arguments: list[str]
    seed: int
    regions: int
    file: Path | None = None
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    begin: float = field(default_factory=time.monotonic)
    commit: str = field(default_factory=_commit)

    def run(self, cases: Iterable[Case]) -> int:
        """Run the cases; return 1 if any failed."""
        for number, case in enumerate(cases, start=1):
            print(f"{number}: {case.name} ... ", end="", flush=True)
            self.outcomes.append(self._outcome(number, case))
            print(("" if self.outcomes[-1]["passed"] else "FAILED: ") + self.outcomes[-1]["outcome"], flush=True)
            self._write()
        failed = sum(not outcome["passed"] for outcome in self.outcomes)
        print(f"{len(self.outcomes)} cases, {failed} failed, {self._minutes()} min")
        return min(failed, 1)

    def _outcome(self, number: int, case: Case) -> dict[str, Any]:
        found = {"number": number, "what": case.what, "how": case.how, "more": case.more}
        try:
            return {**found, "passed": True, "outcome": str(case.test())}
        except (Broken, BotoCoreError, ClientError, OSError, LookupError, ValueError) as error:
            # The other cases must run, whatever a case has met.
            return {**found, "passed": False, "outcome": f"{type(error).__name__}: {error}"}

    def _minutes(self) -> int:
        return round((time.monotonic() - self.begin) / 60)

    def _write(self) -> None:
        if self.file is None:
            return
        found = {
            "command": shlex.join(["tests/run/resilience", *_without_file(self.arguments)]),
            "seed": self.seed,
            "regions": self.regions,
            "commit": self.commit,
            "day": datetime.date.today().isoformat(),
            "minutes": self._minutes(),
            "cases": len(self.outcomes),
            "failed": sum(not outcome["passed"] for outcome in self.outcomes),
            "outcomes": [{**outcome, "outcome": outcome["outcome"][:LONGEST]} for outcome in self.outcomes],
        }
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_text(f"{json.dumps(found, indent=1)}\n", encoding="utf-8")


def _without_file(arguments: list[str]) -> list[str]:
    """Return the arguments that choose the cases."""
    kept = list(arguments)
    if "--results" in kept:
        position = kept.index("--results")
        del kept[position : position + 2]
    return [argument for argument in kept if not argument.startswith("--results=")]
