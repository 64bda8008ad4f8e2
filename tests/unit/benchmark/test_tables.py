# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables with commands that failed or were not run."""

from __future__ import annotations

import pytest
import tables

PLAYBOOK = {"what": "playbook, no change", "runs": 1, "wall": 10.0, "cpu": 9.0, "memory": 138.0, "calls": 4400}
SCEPTRE = {"what": "sceptre launch", "runs": 1, "wall": 30.0, "cpu": 25.0, "memory": 16000.0, "calls": 170}
BURST = {**SCEPTRE, "ended": "ran out of memory"}
FIRST = {**PLAYBOOK, "what": "playbook, first deployment, stacks of 40 s"}
OF_1700 = "First deployment of 1,700 targets: the slowest stack and 60 s"


def found(*rows):
    return {"targets": 1700, "rows": [PLAYBOOK, *rows]}


def cells(table, name):
    """The cells of the row of this name after its first one."""
    rows = [row.splitlines() for row in table.split("   * - ")]
    (row,) = (row for row in rows if row[0] == name)
    return [cell.removeprefix("     -").strip() for cell in row[1:]]


def test_the_time_of_a_command_is_compared_with_the_playbook():
    assert cells(tables.costs(found(SCEPTRE)), "sceptre launch")[1:3] == ["30.00", "3.00"]


def test_one_that_did_not_come_to_a_good_end_is_not_compared():
    costs = cells(tables.costs(found(BURST)), "sceptre launch")
    assert costs == ["1", "**ran out of memory** after 30 s", "", "25.00", "16000", "0.10"]
    goal = "... at least 2.5 times faster than ``sceptre launch``"
    assert cells(tables.goals(found(BURST), found()), goal) == ["", "not measured"]
    assert cells(tables.goals(found(SCEPTRE), found()), goal) == ["yes", "3.0 times"]


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([], ["", "not measured"]),
        ([{**FIRST, "wall": 99.9}], ["yes", "40 s and 59.9 s"]),
        ([{**FIRST, "wall": 100.1}], ["**no**", "40 s and 60.1 s"]),
    ],
)
def test_first_deployment_time_excludes_the_slowest_stack(rows, verdict):
    assert cells(tables.goals(found(), found(*rows)), OF_1700) == verdict
