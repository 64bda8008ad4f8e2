# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor's diagnosis in a terminal, in a sentence, and as a document: pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from .._aws.few import few_of
from .._doctor.checks import CHECKS
from .._doctor.results import BROKEN
from .._doctor.results import COVERAGE
from .._doctor.results import NONE
from .._doctor.results import OK
from .._doctor.results import RISK
from .._doctor.results import UNCOVERED
from .._doctor.results import UNKNOWN
from .._doctor.results import UNLISTED
from .._doctor.results import WORST_FIRST
from .._doctor.results import worst
from .files import GENERATOR
from .text import LISTED_AT_MOST
from .text import WIDTH
from .text import command_of
from .text import count
from .text import row
from .text import wrapped

if TYPE_CHECKING:
    import datetime

    from .._doctor.results import Diagnosis
    from .._doctor.results import Finding
    from .._doctor.results import TargetResults
    from .._resource.shapes import Json

# Of the JSON document; one more when a key changes its meaning or is removed.
SCHEMA = 1
TITLES = {**{check.name: check.title for check in CHECKS}, COVERAGE: "Coverage"}
# The columns of the table, each with its checks, of which a cell shows the worst.
COLUMNS = {
    "REG": ("region",),
    "HUB": ("hub",),
    "ACT": ("action",),
    "STK": ("stack",),
    "RUL": ("rules",),
    "PAT": ("patterns",),
    "TGT": ("targets",),
    "TOP": ("topic",),
    "KEY": ("encryption",),
    "SUB": ("subscription", "receivers"),
    "CHN": ("channel",),
    "APP": ("chat",),
    "DEL": ("delivery", "digest"),
    "SEC": ("access", "grants", "subscribers", "destinations", "role", "permissions", "marking", "guardrail"),
}
CELLS = {BROKEN: "XX", UNKNOWN: "??", RISK: "!", OK: "ok", NONE: "-"}
STATES = {
    BROKEN: "findings are lost",
    UNCOVERED: "uncovered",
    UNKNOWN: "unknown",
    RISK: "at risk",
    UNLISTED: "not in this inventory",
    OK: "in order",
    NONE: "no deployment",
}
CELL_WIDTH = 4
HOST_WIDTH = WIDTH - 3 - CELL_WIDTH * len(COLUMNS)  # without the margins


def table(found: Diagnosis, page: str = "") -> list[str]:
    """Return the lines of the report: targets and checks, worst first, then every problem.

    *page*: the file with the HTML page, '' for none.
    """
    legend = "  ".join(f"{cell} {STATES[state]}" for state, cell in CELLS.items())
    columns = ", ".join(f"{heading} {_titles(names)}" for heading, names in COLUMNS.items())
    lines = ["", *_matrix(found), "", *wrapped(f"  {legend}", indent=2), *wrapped(f"  {columns}", indent=2)]
    for account, sentences in found.accounts.items():
        lines += ["", f"Account {account}"]
        for text in sentences:
            lines += wrapped(f"  {text}" if command_of(text)[1] else f"  {text}.")
    for item in found.findings:
        lines += ["", *_finding(item)]
    return [*lines, "", *wrapped(summary(found)), *([f"Full report: {page}"] if page else [])]


def summary(found: Diagnosis) -> str:
    """Return the outcome in a sentence or two."""
    counts = _counts(found)
    parts = [
        f"{counts[state]:,} {words}"
        for state, words in (
            (BROKEN, "losing findings"),
            (UNKNOWN, "unknown"),
            (RISK, "at risk"),
            (OK, "in order"),
            (NONE, "without a deployment"),
        )
        if counts[state]
    ]
    sentences = [f"{count(counts['targets'], 'target')}: {', '.join(parts)}."]
    if counts[UNCOVERED]:
        sentences.append(f"{count(counts[UNCOVERED], 'region')} with Security Hub and without a deployment.")
    if counts[UNLISTED]:
        sentences.append(f"{count(counts[UNLISTED], 'region')} deployed, but not in this inventory.")
    return " ".join(sentences)


def headline(found: Diagnosis) -> str:
    """Return the outcome in a few words, with the numbers of *summary*."""
    counts = _counts(found)
    of_targets = f"of {count(counts['targets'], 'target')}"
    uncovered = f"{count(counts[UNCOVERED], 'region')} uncovered"
    if counts[BROKEN]:
        lost = f"Findings of {counts[BROKEN]:,} {of_targets} do not arrive"
        return f"{lost}, {uncovered}" if counts[UNCOVERED] else lost
    if counts[UNCOVERED]:
        return f"Findings do not arrive: {uncovered}"
    if not found.healthy:
        return "Not everything could be checked"
    if counts[RISK]:
        return f"Findings arrive, {counts[RISK]:,} {of_targets} at risk"
    return f"All {count(counts['targets'], 'target')} in order"


def document(found: Diagnosis) -> Json:
    """Return the diagnosis as the module's result, which the JSON file holds too."""
    return {
        "healthy": found.healthy,
        "summary": _counts(found),
        "targets": {
            target.host: {
                "account_id": target.account_id,
                "region": target.region,
                "policy": target.policy,
                "state": target.state,
                "checks": {name: asdict(result) for name, result in target.results.items()},
            }
            for target in found.targets
        },
        "accounts": {account: list(sentences) for account, sentences in found.accounts.items()},
        "uncovered": _regions(found, UNCOVERED),
        "unlisted": _regions(found, UNLISTED),
        "findings": [
            {
                "check": item.check,
                "title": TITLES[item.check],
                "where": list(item.where),
                **{key: value for key, value in asdict(item.result).items() if key != "note"},
            }
            for item in found.findings
        ],
    }


def dated(document_: Json, now: datetime.datetime) -> Json:
    """Return the document for the JSON file."""
    return {"generator": GENERATOR, "schema": SCHEMA, "checked_at": now.isoformat(timespec="seconds"), **document_}


def _counts(found: Diagnosis) -> dict[str, int]:
    """Return how many targets, and regions that the inventory lacks, are in each state."""
    states = [target.state for target in found.targets]
    regions = {state: len(found.regions_in(state)) for state in (UNCOVERED, UNLISTED)}
    return {"targets": len(states), **{state: states.count(state) for state in WORST_FIRST}, **regions}


def _regions(found: Diagnosis, state: str) -> list[dict[str, str]]:
    return [{"account_id": item.account_id, "region": item.region} for item in found.regions_in(state)]


def _matrix(found: Diagnosis) -> list[str]:
    targets = list(found.targets)
    shown = targets if len(targets) <= LISTED_AT_MOST else [item for item in targets if item.state not in (OK, NONE)]
    width = min(HOST_WIDTH, max([len("TARGET"), *(len(item.host) for item in shown)]))
    headings = "".join(f"{heading:>{CELL_WIDTH}}" for heading in COLUMNS)
    # A terminal of 60 columns has no room beside the cells: a host has a line of its own.
    title = "TARGET" if width >= len("TARGET") else ""
    lines = [f"  {title:{width}} {headings}"]
    for item in shown:
        lines += _row(item, width)
    if len(shown) < len(targets):
        lines.append(f"  and {count(len(targets) - len(shown), 'target')} in order")
    return lines


def _row(target: TargetResults, width: int) -> list[str]:
    states = [worst(target.results[name].state for name in names) for names in COLUMNS.values()]
    cells = "".join(f"{CELLS[state]:>{CELL_WIDTH}}" for state in states)
    return row(target.host, width, f" {cells}")


def _titles(names: tuple[str, ...]) -> str:
    if names == COLUMNS["SEC"]:
        return f"Security ({', '.join(TITLES[name] for name in names)})"
    return TITLES[names[0]]  # receivers are subscribers, too


def _finding(item: Finding) -> list[str]:
    result = item.result
    lines = wrapped(f"{STATES[result.state].upper()}  {TITLES[item.check]}: {few_of(list(item.where))}")
    for text in (result.problem, result.effect, result.remedy):
        lines += wrapped(f"  {text}", indent=2)
    return lines + [line for command in result.commands for line in _command(command)]


def _command(command: str) -> list[str]:
    """Return a command in lines that a shell takes as one; those that quote foreign names are not broken."""
    if not command.startswith("ansible-playbook"):
        return [f"    {command}"]
    first, *variables = command.split(" -e ")
    lines = [f"    {first}", *(f"      -e {variable}" for variable in variables)]
    return [f"{line} \\" for line in lines[:-1]] + lines[-1:]
