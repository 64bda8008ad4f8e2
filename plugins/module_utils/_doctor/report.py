# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The diagnosis in a terminal of 80 columns: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._aws.sanitize import sanitize
from .._pipeline.differences import few_of
from .._pipeline.report import LISTED_AT_MOST
from .._pipeline.report import count
from .._pipeline.report import wrapped
from .checks import CHECKS
from .diagnosis import UNCOVERED
from .verdicts import BROKEN
from .verdicts import NONE
from .verdicts import OK
from .verdicts import RISK
from .verdicts import UNKNOWN

if TYPE_CHECKING:
    from .diagnosis import Diagnosis
    from .diagnosis import Finding
    from .diagnosis import Row

SIGNS = {BROKEN: "XX", UNKNOWN: "??", RISK: "!", OK: "ok", NONE: "-"}
LEGEND = "  ok in order   ! at risk   ?? not known   XX findings get lost   - no pipeline"
WORDS = {BROKEN: "BROKEN", UNCOVERED: "UNCOVERED", UNKNOWN: "NOT KNOWN", RISK: "AT RISK"}
HOST_WIDTH = 29  # what twelve columns of four leave of 80, and the margins


def table(found: Diagnosis) -> list[str]:
    """Return the lines of the report: a matrix of targets and checks, worst first, and what is wrong."""
    lines = ["", *_matrix(found), "", LEGEND]
    for account, said in found.accounts.items():
        lines += ["", f"Account {account}", *(line for text in said for line in wrapped(f"  {sanitize(text)}."))]
    for item in found.findings:
        lines += ["", *_finding(item)]
    return [*lines, "", *wrapped(summary(found))]


def summary(found: Diagnosis) -> str:
    """Return the outcome in a sentence or two."""
    counts = found.summary
    parts = [
        f"{number} {words}"
        for number, words in (
            (counts[BROKEN], "with findings that get lost"),
            (counts[UNKNOWN], "not known"),
            (counts[RISK], "at risk"),
            (counts[OK], "in order"),
            (counts[NONE], "without a pipeline of its own"),
        )
        if number
    ]
    said = f"{count(counts['targets'], 'target')}: {', '.join(parts)}."
    if found.uncovered:
        said += f" {count(len(found.uncovered), 'region')} with Security Hub and without a pipeline."
    return said


def _matrix(found: Diagnosis) -> list[str]:
    rows = list(found.rows)
    shown = rows if len(rows) <= LISTED_AT_MOST else [row for row in rows if row.state not in (OK, NONE)]
    width = min(HOST_WIDTH, max([len("TARGET"), *(len(row.host) for row in shown)]))
    lines = [f"  {'TARGET':{width}} " + "".join(f"{check.heading:>4}" for check in CHECKS)]
    for row in shown:
        lines += _row(row, width)
    if len(shown) < len(rows):
        lines.append(f"  and {count(len(rows) - len(shown), 'target')} in order")
    return lines


def _row(row: Row, width: int) -> list[str]:
    cells = "".join(f"{SIGNS[row.verdicts[check.name].state]:>4}" for check in CHECKS)
    host = sanitize(row.host)
    if len(host) <= width:
        return [f"  {host:{width}} {cells}"]
    return [f"  {host}", f"  {'':{width}} {cells}"]


def _finding(item: Finding) -> list[str]:
    where = few_of([sanitize(place) for place in item.where])
    lines = wrapped(f"{WORDS[item.state]}  {item.title}: {where}")
    for text in (item.problem, item.effect, item.remedy):
        lines += [f"  {line}" for line in wrapped(sanitize(text), indent=0)]
    return lines
