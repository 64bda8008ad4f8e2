# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of an examination, for reports and machines: pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from . import checks
from .verdicts import BROKEN
from .verdicts import NONE
from .verdicts import OK
from .verdicts import RISK
from .verdicts import UNKNOWN
from .verdicts import WORST_FIRST
from .verdicts import Verdict
from .verdicts import worst

UNCOVERED = "uncovered"  # Security Hub is on, and nobody sends what it finds
COVERAGE = "coverage"  # the name of the check that finds those regions
COVERAGE_TITLE = "Coverage"


@dataclass(frozen=True)
class Row:
    """One target: its verdicts by check. *sends*: in words, what its pipeline lets through."""

    host: str
    account_id: str
    region: str
    sends: str
    verdicts: dict[str, Verdict]

    @property
    def state(self) -> str:
        """Return the worst state of its checks."""
        return worst([verdict.state for verdict in self.verdicts.values()])


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, and all hosts, or regions of accounts, of which it is."""

    state: str
    check: str
    title: str
    where: tuple[str, ...]
    problem: str
    effect: str
    remedy: str


@dataclass(frozen=True)
class Diagnosis:
    """All targets, worst first; and by account the regions without a pipeline, or why those are not known.

    *accounts*: by account id, in words, what each is in its organisation, and whether an aggregator is there.
    """

    rows: tuple[Row, ...]
    uncovered: tuple[tuple[str, str], ...] = ()  # account id, region
    unwatched: dict[str, str] = field(default_factory=dict)  # account id -> why
    accounts: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def healthy(self) -> bool:
        """Tell whether all findings arrive, as far as can be seen; a risk is no loss."""
        return not (self.uncovered or self.unwatched) and all(row.state in (RISK, OK, NONE) for row in self.rows)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Return what is wrong, worst first, alike things once."""
        titles = {check.name: check.title for check in checks.CHECKS}
        alike: dict[tuple[str, Verdict], list[str]] = {}
        for row in self.rows:
            for name, verdict in row.verdicts.items():
                if verdict.problem:
                    alike.setdefault((name, verdict), []).append(row.host)
        found = [
            Finding(verdict.state, name, titles[name], tuple(where), verdict.problem, verdict.effect, verdict.remedy)
            for (name, verdict), where in alike.items()
        ]
        found += self._of_coverage()
        return tuple(sorted(found, key=lambda item: (_rank(item.state), -len(item.where))))

    def _of_coverage(self) -> list[Finding]:
        found = []
        if self.uncovered:
            found.append(
                Finding(
                    UNCOVERED,
                    COVERAGE,
                    COVERAGE_TITLE,
                    tuple(f"{account} {region}" for account, region in self.uncovered),
                    "Security Hub is on, and there is no pipeline.",
                    "What it finds there reaches nobody.",
                    "Add the region to the inventory and run the playbook securityhub_slack.yml. If its findings shall "
                    "not be sent, add it with securityhub_slack_state: absent.",
                )
            )
        for account, reason in self.unwatched.items():
            found.append(
                Finding(
                    UNKNOWN,
                    COVERAGE,
                    COVERAGE_TITLE,
                    (account,),
                    reason,
                    "Whether there are regions without a pipeline is not known.",
                    checks.LOOK_AGAIN,
                )
            )
        return found

    @property
    def summary(self) -> dict[str, int]:
        """Return how many targets are in each state, and how many regions have no pipeline."""
        counts = {state: sum(row.state == state for row in self.rows) for state in WORST_FIRST}
        return {"targets": len(self.rows), **counts, UNCOVERED: len(self.uncovered)}


def _rank(state: str) -> int:
    """Return the place of a state, worst first; an uncovered region loses findings like a broken one."""
    return WORST_FIRST.index(BROKEN if state == UNCOVERED else state)


def diagnosis(
    rows: list[Row],
    uncovered: list[tuple[str, str]],
    unwatched: dict[str, str],
    accounts: dict[str, tuple[str, ...]] | None = None,
) -> Diagnosis:
    """Return the diagnosis, its rows worst first."""
    worst_first = tuple(sorted(rows, key=lambda row: _rank(row.state)))
    return Diagnosis(worst_first, tuple(sorted(uncovered)), unwatched, accounts or {})


def document(found: Diagnosis) -> dict[str, Any]:
    """Return the diagnosis as what the module returns and the JSON file holds."""
    return {
        "healthy": found.healthy,
        "summary": found.summary,
        "targets": {
            row.host: {
                "account_id": row.account_id,
                "region": row.region,
                "policy": row.sends,
                "state": row.state,
                "checks": {name: asdict(verdict) for name, verdict in row.verdicts.items()},
            }
            for row in found.rows
        },
        "accounts": {account: list(said) for account, said in found.accounts.items()},
        "uncovered": [{"account_id": account, "region": region} for account, region in found.uncovered],
        "findings": [{**asdict(item), "where": list(item.where)} for item in found.findings],
    }
