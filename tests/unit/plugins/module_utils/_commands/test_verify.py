# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that connects targets proves it with test findings, if its variables ask for that."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._canary import findings
from ansible_collections.secops.securityhub.plugins.module_utils._commands import canary
from ansible_collections.secops.securityhub.plugins.module_utils._commands import deploy
from ansible_collections.secops.securityhub.plugins.module_utils._commands import doctor
from ansible_collections.secops.securityhub.tests.unit import breakages
from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit.deployed import HERE
from ansible_collections.secops.securityhub.tests.unit.deployed import REGIONS


@pytest.fixture
def fleet(emulator, monkeypatch):
    """Return a fleet that is not deployed yet."""
    deployed.remove_pauses_of_canaries(monkeypatch)
    return deployed.deploy(emulator, monkeypatch, run=False, verify=True)


def run(fleet, *, check=False, only=REGIONS, **variables):
    context = fleet.context(check=check, **variables)
    files = {}
    context = replace(
        context,
        targets=[target for target in context.targets if target.host in only],
        unselected=[target for target in context.targets if target.host not in only],
        now=datetime.datetime.now(datetime.timezone.utc),
    )
    outcome = deploy.run(context)
    files = {file.path: json.loads(file.text) for file in outcome.files}
    return outcome.result, " ".join(" ".join(outcome.lines).split()), files


def other(command, fleet, **options):
    """Run the canary or the doctor now, and return its result."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return command.run(replace(fleet.context(options=options), now=now)).result


def failed(found):
    return {host: target["msg"] for host, target in found["targets"].items() if target["failed"]}


def test_a_first_deployment_ends_proved(fleet):
    found, words, files = run(fleet, result_file="result.json")
    assert failed(found) == {}
    assert found["canary"]["healthy"]
    assert {host: target["state"] for host, target in found["canary"]["targets"].items()} == dict.fromkeys(
        REGIONS, "arrived"
    )
    assert files["result.json"]["canary"] == found["canary"]
    assert fleet.arrived() == [findings.TITLE] * len(REGIONS)
    assert "Slack channel C0123456789 (securityhub-slack): Amazon Q posted 3 messages. Canary: 3 targets: 3" in words
    assert "Next:" not in words
    assert fleet.traces() == []


def test_only_what_a_run_has_connected_is_tested(fleet):
    run(fleet, only=REGIONS[1:])
    assert len(fleet.arrived()) == 2
    found, _words, _files = run(fleet)
    assert list(found["canary"]["targets"]) == [REGIONS[0]]
    assert len(fleet.arrived()) == 3
    found, _words, _files = run(fleet)
    assert "canary" not in found
    breakages.configuration_deleted(fleet)
    found, _words, _files = run(fleet)
    assert list(found["canary"]["targets"]) == list(REGIONS)
    assert len(fleet.arrived()) == 6


def test_a_removal_and_check_mode_send_nothing(fleet, emulator):
    found, words, _files = run(fleet, check=True)
    assert "canary" not in found
    assert "test finding" not in words
    assert emulator.writes() == []
    run(fleet)
    found, words, _files = run(fleet, state="absent")
    assert "canary" not in found
    assert "Next:" not in words


def test_without_verification_the_next_step_is_the_canary(fleet):
    found, words, _files = run(fleet, verify=False)
    assert "canary" not in found
    assert fleet.arrived() == []
    assert "Next: if Slack channel C0123456789 is private, type /invite @Amazon Q in it. Then send" in words
    assert words.endswith("ansible-playbook -i hosts.yml secops.securityhub.securityhub_slack_canary")


def test_targets_fail_where_the_app_is_not_in_the_channel(fleet, emulator):
    emulator.world({deployed.ACCOUNT: {"private_channels": [deployed.CHANNEL]}})
    found, words, _files = run(fleet)
    assert list(failed(found)) == list(REGIONS)
    assert all("type /invite @Amazon Q in it" in problem for problem in failed(found).values())
    assert words.count("/invite") == 1
    assert "3 targets: 0 changed, 0 unchanged, 3 failed." in words
    assert "configuration securityhub-slack: create (3 topics added)" in words


def test_a_target_fails_whose_test_finding_is_lost(fleet, emulator):
    denied = {"denied": 1.0, "operations": ["BatchImportFindings"], "regions": [HERE]}
    emulator.faults(denied)
    found, _words, _files = run(fleet)
    emulator.faults()
    assert list(failed(found)) == [HERE]
    assert "BatchImportFindings" in failed(found)[HERE]
    assert found["summary"] == {"targets": 3, "changed": 2, "unchanged": 0, "failed": 1}
    assert found["targets"][HERE]["changed"]


@pytest.mark.parametrize(
    ("context", "conditions", "lost"),
    [
        ("source_arn_and_account", True, False),
        ("source_arn", True, False),
        ("none", True, True),
        ("none", False, False),
    ],
)
def test_the_run_names_a_condition_that_may_keep_eventbridge_out(fleet, emulator, context, conditions, lost):
    emulator.ask("POST", "switches", {"eventbridge_context": context})
    found, words, _files = run(fleet, topic_policy_conditions=conditions)
    assert bool(failed(found)) is lost
    assert ("Set securityhub_slack_topic_policy_conditions to false" in words) is lost
    assert len(fleet.arrived()) == (0 if lost else 3)


def test_without_context_each_command_says_what_it_can_know_and_the_named_variable_helps(fleet, emulator):
    """A run without verification points at the canary, which names the variable, as does the doctor afterwards."""
    option = "set securityhub_slack_topic_policy_conditions to false"
    emulator.ask("POST", "switches", {"eventbridge_context": "none"})
    found, words, _files = run(fleet, verify=False)
    assert failed(found) == {}
    assert words.endswith("ansible-playbook -i hosts.yml secops.securityhub.securityhub_slack_canary")
    sent = other(canary, fleet, timeout=1)
    assert {target["state"] for target in sent["targets"].values()} == {"lost"}
    assert option in sent["msg"].lower()
    examined = other(doctor, fleet, html=None, json=None, hours=24)
    assert not examined["healthy"]
    assert option in json.dumps(examined)
    run(fleet, verify=False, topic_policy_conditions=False)
    assert other(canary, fleet, timeout=10)["healthy"]
    assert len(fleet.arrived()) == len(REGIONS)


def test_what_cannot_be_tested_does_not_fail(fleet):
    found, words, _files = run(fleet, forward_automatically=False)
    assert failed(found) == {}
    assert "Canary: 3 targets: 3 skipped. Nothing was tested." in words


def test_the_home_region_is_tested_but_not_its_linked_regions(fleet, emulator):
    home = {"home": "us-east-1", "RegionLinkingMode": "ALL_REGIONS"}
    emulator.world({deployed.ACCOUNT: {"aggregator": home}})
    found, _words, _files = run(fleet)
    assert list(found["canary"]["targets"]) == ["us-east-1"]
    assert found["canary"]["healthy"]
