# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmark makes of commands that come to a good end, to a bad one, and to none."""

from __future__ import annotations

import os

import measured_run
import pytest
from ansible_collections.secops.securityhub.tests.unit import waiting

PATIENCE = 10


def run(tmp_path, script):
    return measured_run.run(["bash", "-c", script], dict(os.environ), tmp_path)


def test_measures_time_and_memory_of_a_command(tmp_path):
    cost = run(tmp_path, "sleep 0.3; echo done")
    assert cost.ended == ""
    assert 0.3 <= cost.wall < PATIENCE
    assert cost.memory > 0
    assert (tmp_path / "log").read_text() == "done\n"


def test_failed_command_reports_its_output(tmp_path):
    assert run(tmp_path, "exit 3").ended == "ended with 3"


@pytest.mark.parametrize(
    ("limit", "value", "ended"),
    [
        ("MIB_TO_LEAVE", float("inf"), "ran out of memory"),
        ("SECONDS_AT_MOST", 0, "took longer than 0 min"),
    ],
)
def test_command_over_the_limits_is_killed_with_its_children(tmp_path, monkeypatch, limit, value, ended):
    monkeypatch.setattr(measured_run, limit, value)
    cost = run(tmp_path, f"sleep {2 * PATIENCE} & echo $! >child; wait")
    assert cost.ended == ended
    assert cost.wall < PATIENCE
    child = (tmp_path / "child").read_text().strip()
    assert waiting.until(lambda: not _runs(child))


def _runs(number):
    try:
        with open(f"/proc/{number}/stat", encoding="ascii") as state:
            return state.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
