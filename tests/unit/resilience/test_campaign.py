# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a campaign keeps of its cases."""

from __future__ import annotations

import json

import pytest
from ansible_collections.secops.securityhub.tests.resilience.campaign import Campaign
from ansible_collections.secops.securityhub.tests.resilience.campaign import Case
from ansible_collections.secops.securityhub.tests.resilience.playbook import Broken


def broken():
    raise Broken("a topic is lost")


def unreachable():
    raise ConnectionError("no emulator")


@pytest.mark.parametrize("form", [["--results", "some.json"], ["--results=some.json"]])
def test_the_outcome_of_each_case_is_kept_and_a_failure_does_not_stop_the_others(tmp_path, form):
    file = tmp_path / "results" / "some.json"
    cases = [Case("update", "Ctrl-C", broken, "at 5%"), Case("update", "lost", unreachable), Case("r", "s", lambda: 7)]
    campaign = Campaign(["faults", *form, "--seed", "3"], 3, 17, file)
    assert campaign.run(cases) == 1
    found = json.loads(file.read_text())
    assert (found["command"], found["seed"]) == ("tests/run/resilience faults --seed 3", 3)
    assert (found["cases"], found["failed"]) == (3, 2)
    assert [item["passed"] for item in found["outcomes"]] == [False, False, True]
    assert "a topic is lost" in found["outcomes"][0]["outcome"]
    assert Campaign([], 1, 3).run([Case("r", "s", lambda: 7)]) == 0
