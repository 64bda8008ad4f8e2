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


LIMITED = {
    "rows": [
        {**PLAYBOOK, "what": f"{run}, {rates}", "wall": wall, "calls": 43}
        for run, free, limited in (("no change", 1.0, 1.1), ("removal", 3.0, 3.1))
        for rates, wall in (("unlimited", free), ("enforced", limited))
    ]
}
GROWN = {"rows": [{"targets": number, "cpu": number / 1000} for number in (17, 170, 17_000)]}
OF_THE_COLLECTION = (
    "The collection's own work for a target, 17,000 targets: at most 1.1 times that of 170",
    "Simulation of the largest file: at least 20,000 findings a second",
)
SIMULATED = {"rows": [{"findings": 1000, "wall": 4.0}, {"findings": 1_000_000, "wall": 40.0}]}
OF_QUOTAS = "17 targets under the request rates of AWS: at most 10 % more time"


def found(*rows):
    return {"targets": 1700, "rows": [PLAYBOOK, *rows]}


def cells(table, name):
    """The cells of the row of this name after its first one."""
    rows = [row.splitlines() for row in table.split("   * - ")]
    (row,) = (row for row in rows if row[0] == name)
    return [cell.removeprefix("     -").strip() for cell in row[1:]]


@pytest.mark.parametrize(("accounts", "seconds"), [(1, 0), (600, 0), (1_200, 1), (10_200, 16)])
def test_roles_are_assumed_in_a_burst_and_then_at_the_rate_of_the_quota(accounts, seconds):
    assert tables.quota_seconds(accounts) == seconds


def test_the_time_of_a_command_is_compared_with_the_playbook():
    assert cells(tables.costs(found(SCEPTRE)), "sceptre launch")[1:3] == ["30.00", "3.00"]


def test_one_that_did_not_come_to_a_good_end_is_not_compared():
    costs = cells(tables.costs(found(BURST)), "sceptre launch")
    assert costs == ["1", "**ran out of memory** after 30 s", "", "25.00", "16000", "0.10"]
    goal = "... at least 3.5 times faster than ``sceptre launch``"
    assert cells(tables.goals(found(BURST), found(), LIMITED, GROWN, SIMULATED), goal) == ["", "not measured"]
    assert cells(tables.goals(found(SCEPTRE), found(), LIMITED, GROWN, SIMULATED), goal) == ["**no**", "3.0 times"]


@pytest.mark.parametrize(
    ("others", "verdict"),
    [
        ({tables.BARE: 6.0}, ["", "not measured"]),
        ({tables.BARE: 6.0, tables.EMPTY: 4.0}, ["yes", "1.00 times"]),
        ({tables.BARE: 5.0, tables.EMPTY: 3.0}, ["**no**", "1.25 times"]),
    ],
)
def test_the_playbook_is_compared_with_two_commands_together(others, verdict):
    few = found(*({**SCEPTRE, "what": what, "wall": wall} for what, wall in others.items()))
    goal = "17 targets, no change: at most as long as a play without tasks and the bare script together"
    assert cells(tables.goals(few, found(), LIMITED, GROWN, SIMULATED), goal) == verdict


@pytest.mark.parametrize(
    ("rows", "verdict"),
    [
        ([], ["", "not measured"]),
        ([{**FIRST, "wall": 99.9}], ["yes", "40 s and 59.9 s"]),
        ([{**FIRST, "wall": 100.1}], ["**no**", "40 s and 60.1 s"]),
    ],
)
def test_first_deployment_time_excludes_the_slowest_stack(rows, verdict):
    assert cells(tables.goals(found(), found(*rows), LIMITED, GROWN, SIMULATED), OF_1700) == verdict


def test_runs_with_request_rates_are_compared_with_those_without():
    assert cells(tables.quotas(LIMITED), "no change") == ["1", "1.00", "1.10", "1.10", "43", "43"]
    assert cells(tables.goals(found(), found(), LIMITED, GROWN, SIMULATED), OF_QUOTAS) == ["yes", "+5 %"]
    slower = {
        "rows": [{**row, "wall": 2 * row["wall"]} if "enforced" in row["what"] else row for row in LIMITED["rows"]]
    }
    assert cells(tables.goals(found(), found(), slower, GROWN, SIMULATED), OF_QUOTAS) == ["**no**", "+110 %"]
    broken = {"rows": [{**row, "ended": "ended with 2"} for row in LIMITED["rows"]]}
    assert cells(tables.goals(found(), found(), broken, GROWN, SIMULATED), OF_QUOTAS) == ["", "not measured"]


def test_cases_of_resilience_tests_are_counted_by_what_happened_and_how():
    cases = [
        ("update", "Ctrl-C", True),
        ("update", "Ctrl-C", False),
        ("update", "SIGTERM", True),
        ("removal", "x", True),
    ]
    found = {"outcomes": [{"what": what, "how": how, "passed": passed} for what, how, passed in cases]}
    assert cells(tables.survived(found, "Work"), "update") == ["**1 of 2**", "1 of 1", ""]
    assert cells(tables.survived(found, "Work"), "removal") == ["", "", "1 of 1"]


def test_findings_are_compared_by_what_one_process_decides_in_a_second():
    row = {"findings": 1_000_000, "format": "asff", "shape": "lines", "size": 2000.4, "wall": 60.0, "cpu": 40.0}
    table = tables.simulate({"rows": [{**row, "memory": 99.6}]})
    assert cells(table, "1,000,000") == ["ASFF, JSON Lines", "2,000", "60.0", "40.0", "25,000", "100"]


@pytest.mark.parametrize(
    ("wall", "cpu", "verdicts"),
    [
        (40.0, 18.0, [["yes", "1.06 times"], ["yes", "25,000 a second"]]),
        (80.0, 20.4, [["**no**", "1.20 times"], ["**no**", "12,500 a second"]]),
    ],
)
def test_growth_and_simulation_have_goals(wall, cpu, verdicts):
    grown = {"rows": [*GROWN["rows"][:2], {"targets": 17_000, "cpu": cpu}]}
    simulated = {"rows": [SIMULATED["rows"][0], {"findings": 1_000_000, "wall": wall}]}
    table = tables.goals(found(), found(), LIMITED, grown, simulated)
    assert [cells(table, goal) for goal in OF_THE_COLLECTION] == verdicts
