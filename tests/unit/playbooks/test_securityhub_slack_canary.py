# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The canary's playbook against the emulator: exit status, messages, and leftovers of a killed run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from ansible_collections.secops.securityhub.tests.resilience.playbook import kill
from ansible_collections.secops.securityhub.tests.unit import ansible_commands
from ansible_collections.secops.securityhub.tests.unit import breakages
from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit import waiting

INSTALLED = ansible_commands.installed("ansible-playbook")
ROOT = Path(__file__).resolve().parents[3]
MAIN = "secops.securityhub.securityhub_slack"
TITLE = "TEST, please ignore: the canary of secops.securityhub"
OTHER = "222222222222"


class Playbook:
    """The playbook, an inventory of the fleet, and the emulator."""

    def __init__(self, fleet, popen, folder, environment):
        self.fleet = fleet
        self._popen = popen
        self.folder = folder
        self.environment = environment

    def inventory(self, hosts, **variables):
        everywhere = {"workspace_id": deployed.TEAM, "channel_id": deployed.CHANNEL, **variables}
        given = {"all": {"hosts": hosts, "vars": prefixed(everywhere)}}
        (self.folder / "hosts.yml").write_text(json.dumps(given), encoding="utf-8")

    def start(self, *arguments, command=INSTALLED):
        playbook = "secops.securityhub.securityhub_slack_canary"
        command = [command, "-i", "hosts.yml", playbook, *arguments]
        return self._popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments):
        process = self.start(*arguments, command=ansible_commands.path("ansible-playbook"))
        output, _nothing = process.communicate(timeout=waiting.PATIENCE)
        assert "Traceback" not in output
        return process.returncode, " ".join(output.split())


def prefixed(variables):
    return {f"securityhub_slack_{name}": value for name, value in variables.items()}


@pytest.fixture
def canary(emulator, monkeypatch, popen, tmp_path):
    """Return the playbook for a fleet that has just been deployed."""
    return playbook_for(deployed.deploy(emulator, monkeypatch), popen, tmp_path)


def playbook_for(fleet, popen, tmp_path):
    """Return the playbook for a fleet."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
        "AWS_ENDPOINT_URL": fleet.emulator.url,
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "ANSIBLE_COLLECTIONS_PATH": os.environ.get("COLLECTIONS", str(ROOT / ".ansible" / "collections")),
        "ANSIBLE_NOCOLOR": "1",
    }
    playbook = Playbook(fleet, popen, tmp_path, environment)
    playbook.inventory({region: {} for region in deployed.REGIONS})
    return playbook


def test_a_healthy_fleet_exits_with_0_and_messages_of_either_format_are_in_slack(canary):
    code, output = canary.run()
    assert code == 0, output
    assert "3 targets: 3 arrived." in output
    assert "Amazon Q posted 3 messages." in output
    assert canary.fleet.arrived() == [TITLE] * 3
    assert canary.fleet.traces() == []

    canary.fleet.run(message_format="custom")
    code, output = canary.run("-e", "securityhub_slack_message_format=custom")
    assert code == 0, output
    assert "3 targets: 3 arrived." in output


def test_check_mode_reports_the_test_findings_and_writes_nothing(canary, emulator):
    code, output = canary.run("--check")
    assert code == 0, output
    assert "would send CRITICAL to C0123456789" in output
    assert emulator.writes() == []

    # One target alone can be tested.
    breakages.rule_disabled(canary.fleet)
    code, output = canary.run("--limit", "us-east-1")
    assert code == 0, output
    assert "1 target: 1 arrived." in output
    assert [message["region"] for message in emulator.inbox()] == ["us-east-1"]


def deploy(canary, *arguments):
    """Remove and deploy the fleet with the main playbook, and return exit status and output."""
    canary.fleet.run(state="absent")
    command = [ansible_commands.path("ansible-playbook"), "-i", "hosts.yml", MAIN, *arguments]
    done = subprocess.run(
        command, cwd=canary.folder, env=canary.environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


def test_the_command_that_ends_a_first_deployment_can_be_pasted(canary):
    limit = ["--limit", "eu-west-1,us-east-1"]
    code, output = deploy(canary, *limit)
    assert code == 0, output
    (command,) = [line for line in output.splitlines() if line.strip().startswith("ansible-playbook")]
    assert command.split() == ["ansible-playbook", "-i", "hosts.yml", *limit, f"{MAIN}_canary"]
    code, output = canary.run(*limit)
    assert code == 0, output
    assert "2 targets: 2 arrived." in output


def test_a_verified_deployment_exits_with_its_result(canary, emulator):
    for private, code, said in (([], 0, "3 arrived."), ([deployed.CHANNEL], 2, "3 reached the topic, 0 of 3 posted.")):
        emulator.world({deployed.ACCOUNT: {"private_channels": private}})
        found, output = deploy(canary, "-e", "securityhub_slack_verify=true")
        assert found == code, output
        assert ("/invite @Amazon Q" in output) is bool(private)
        assert f"Canary: 3 targets: {said}" in output
        assert canary.fleet.traces() == []


def test_broken_delivery_paths_exit_with_2_and_are_explained(canary):
    breakages.topic_detached(canary.fleet)  # in eu-west-1
    canary.fleet.client("events", "us-east-1").disable_rule(Name=breakages.RULE)
    canary.fleet.client("events", "ap-southeast-1").remove_targets(Rule=breakages.RULE, Ids=["topic"])
    code, output = canary.run("-e", "securityhub_slack_canary_timeout=1")
    assert code == 2
    assert "3 targets: 3 lost." in output
    for region, said in (
        ("eu-west-1", "C0123456789 is not connected to the topic securityhub-slack"),
        ("us-east-1", "No enabled rule forwards the test finding to the topic securityhub-slack"),
        ("ap-southeast-1", "secops.securityhub.securityhub_slack_doctor"),
    ):
        of_region = output.partition(f"{region}: LOST: ")[2].partition(": LOST: ")[0]
        assert said in of_region, output
    assert canary.fleet.traces() == []


def test_denied_calls_exit_with_2_and_leave_nothing(canary, emulator):
    denied = {"eu-west-1": "BatchImportFindings", "us-east-1": "CreateQueue"}
    emulator.faults(*({"denied": 1.0, "operations": [call], "regions": [region]} for region, call in denied.items()))
    code, output = canary.run()
    assert code == 2
    for region, call in denied.items():
        assert f"{region}: FAILED: these credentials may not call {call}" in output
    assert "3 targets: 1 arrived, 2 failed." in output
    assert canary.fleet.traces() == []


def test_several_accounts_in_one_run(canary, emulator):
    emulator.world({OTHER: deployed.WORLD})
    roles = {
        "prod": {"role_arn": f"arn:aws:iam::{deployed.ACCOUNT}:role/canary"},
        "test": {"role_arn": f"arn:aws:iam::{OTHER}:role/canary", "channel_id": "C0OTHER0000"},
    }
    hosts = {f"{name}.eu-west-1": prefixed(variables) for name, variables in roles.items()}
    canary.inventory(hosts)
    playbook = ansible_commands.path("ansible-playbook")
    subprocess.run(
        [playbook, "-i", "hosts.yml", "secops.securityhub.securityhub_slack"],
        cwd=canary.folder,
        env=canary.environment,
        check=True,
        capture_output=True,
    )
    code, output = canary.run()
    assert code == 0, output
    assert "2 targets: 2 arrived." in output
    sent = [(message["account"], message["channel"]) for message in emulator.inbox() if message["title"] == TITLE]
    assert sorted(sent) == [(deployed.ACCOUNT, deployed.CHANNEL), (OTHER, "C0OTHER0000")]


def under_way(canary, *arguments):
    """Start the playbook, and return it while it waits for a message that never arrives."""
    breakages.target_removed(canary.fleet)
    process = canary.start("-e", "securityhub_slack_canary_timeout=600", *arguments)
    # A queue, a subscription and a finding of each region.
    assert waiting.until(lambda: len(canary.fleet.traces()) >= 9 or process.poll() is not None)
    assert process.poll() is None, process.stdout.read()
    return process


def test_ctrl_c_leaves_nothing(canary):
    process = under_way(canary)
    assert canary.fleet.traces() != []
    kill(process, signal.SIGINT, "group")
    output, _nothing = process.communicate(timeout=waiting.PATIENCE)
    assert process.returncode not in (0, 2)
    assert "User interrupted execution" in output
    assert "Traceback" not in output
    assert canary.fleet.traces() == []


def test_next_run_deletes_leftovers_of_a_killed_run(canary):
    process = under_way(canary)
    members = kill(process, signal.SIGKILL, "family")
    process.communicate(timeout=waiting.PATIENCE)
    # Its orphans exist until the first process of the machine has reaped them.
    assert waiting.until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in members))
    # Queue, subscription and finding of each region.
    assert len(canary.fleet.traces()) == 9
    code, output = canary.run("-e", "securityhub_slack_canary_timeout=1")
    assert code == 2
    assert "3 targets: 2 arrived, 1 lost." in output
    assert canary.fleet.traces() == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["-e", "securityhub_slack_canary_timeout=0"],
            "securityhub_slack_canary_timeout is 0. Set it to 1 to 600 seconds.",
        ),
        (["-e", "securityhub_slack_canry_timeout=9"], "did you mean securityhub_slack_canary_timeout?"),
    ],
)
def test_mistakes_are_explained(emulator, monkeypatch, popen, tmp_path, arguments, said):
    code, output = playbook_for(deployed.deploy(emulator, monkeypatch, run=False), popen, tmp_path).run(*arguments)
    assert code == 2
    assert said in output
