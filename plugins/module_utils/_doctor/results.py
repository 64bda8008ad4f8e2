# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results of the doctor's checks: pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Mapping

BROKEN = "broken"  # findings are lost, or cannot be sent
UNCOVERED = "uncovered"  # of a region: Security Hub is enabled, and nothing forwards its findings
UNKNOWN = "unknown"  # could not be checked
RISK = "risk"  # findings arrive, but not as intended, or not for long
UNLISTED = "unlisted"  # of a region: deployed, but not in this inventory
OK = "ok"
NONE = "none"  # nothing to check
WORST_FIRST = (BROKEN, UNCOVERED, UNKNOWN, RISK, UNLISTED, OK, NONE)
UNHEALTHY = (BROKEN, UNCOVERED, UNKNOWN)
COVERAGE = "coverage"  # the check that finds regions that the inventory lacks


@dataclass(frozen=True)
class Result:
    """The result of one check.

    *problem*, *effect*, *remedy*: what is wrong, what that means for delivery, and what to do, each in sentences; ''
    if nothing is wrong. *commands*: the commands of the remedy, to be pasted into a shell. None of them names the
    account or the region without need, so that targets with the same problem are reported together. *note*: a remark
    on a part that is in order, or why it was not checked.
    """

    state: str
    problem: str = ""
    effect: str = ""
    remedy: str = ""
    commands: tuple[str, ...] = ()
    note: str = ""


def worst(states: Iterable[str]) -> str:
    """Return the worst of some states, at least one."""
    return min(states, key=WORST_FIRST.index)


def ok(note: str = "") -> Result:
    """Return that a part is in order."""
    return Result(OK, note=note)


def nothing(note: str = "") -> Result:
    """Return that there is nothing to check, and why."""
    return Result(NONE, note=note)


@dataclass(frozen=True)
class TargetResults:
    """The results of one target by check. *policy*: which findings it forwards, in words."""

    host: str
    account_id: str
    region: str
    policy: str
    results: Mapping[str, Result]

    @property
    def state(self) -> str:
        """Return the worst state of its checks."""
        return worst(result.state for result in self.results.values())


@dataclass(frozen=True)
class RegionResult:
    """The result for a region that the inventory lacks; *region* '' if the account's regions could not be listed."""

    account_id: str
    region: str
    result: Result


@dataclass(frozen=True)
class Finding:
    """A problem, and the hosts, or regions of accounts, that have it."""

    check: str
    result: Result
    where: tuple[str, ...]


@dataclass(frozen=True)
class Diagnosis:
    """The results of all targets, worst first, and of the regions that the inventory lacks.

    *accounts*: by account ID, sentences about its place in the organization and its finding aggregator.
    """

    targets: tuple[TargetResults, ...]
    regions: tuple[RegionResult, ...] = ()
    accounts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def healthy(self) -> bool:
        """Return whether all findings arrive, as far as can be seen. A risk is not a loss."""
        states = [target.state for target in self.targets] + [item.result.state for item in self.regions]
        return not any(state in UNHEALTHY for state in states)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return all problems, worst first, the same problem of several targets once."""
        where: dict[tuple[str, Result], list[str]] = {}
        for target in self.targets:
            for check, result in target.results.items():
                if result.problem:
                    where.setdefault((check, result), []).append(target.host)
        for item in self.regions:
            where.setdefault((COVERAGE, item.result), []).append(f"{item.account_id} {item.region}".strip())
        found = [Finding(check, result, tuple(names)) for (check, result), names in where.items()]
        return tuple(sorted(found, key=lambda item: (WORST_FIRST.index(item.result.state), -len(item.where))))

    def regions_in(self, state: str) -> tuple[RegionResult, ...]:
        """Return the regions in a state, UNCOVERED or UNLISTED."""
        return tuple(item for item in self.regions if item.result.state == state)


def diagnosis(
    targets: list[TargetResults], regions: list[RegionResult], accounts: Mapping[str, tuple[str, ...]] | None = None
) -> Diagnosis:
    """Return the diagnosis with its targets sorted, worst first, and its regions by account."""
    return Diagnosis(
        tuple(sorted(targets, key=lambda target: WORST_FIRST.index(target.state))),
        tuple(sorted(regions, key=lambda item: (item.account_id, item.region))),
        accounts or {},
    )
