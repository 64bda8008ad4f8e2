# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook of the migration on the emulator: its output, its exit status, and that a second run changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.secops.securityhub.tests.unit import ansible_commands
from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit import old_template

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def moving(emulator, monkeypatch, tmp_path):
    """Return an account that has the template of 2020 in one region, and a function that runs a playbook on it."""
    fleet = old_template.begin(emulator, monkeypatch)
    assert fleet.create_stack() == "CREATE_COMPLETE"
    emulator.forget_requests()
    inventory = tmp_path / "hosts.yml"
    variables = {"securityhub_slack_workspace_id": deployed.TEAM, "securityhub_slack_channel_id": deployed.CHANNEL}
    hosts = {region: {} for region in deployed.REGIONS}
    inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": variables}}), encoding="utf-8")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
        "AWS_ENDPOINT_URL": emulator.url,
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "ANSIBLE_COLLECTIONS_PATH": os.environ.get("COLLECTIONS", str(ROOT / ".ansible" / "collections")),
        "ANSIBLE_NOCOLOR": "1",
    }

    def run(*arguments, playbook="securityhub_slack_migrate"):
        name = f"secops.securityhub.{playbook}"
        command = [ansible_commands.path("ansible-playbook"), "-i", inventory, name, *arguments]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stdout + done.stderr
        return done

    return fleet, run


def test_it_previews_then_migrates_and_changes_nothing_the_second_time(moving, emulator):
    fleet, run = moving

    shown = run("--check", "--diff")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert emulator.writes() == []
    assert "Resources of AWS's template of 2020, and what would be done:" in shown.stdout
    assert "  eu-west-1: stack hub-to-slack (CREATE_COMPLETE)" in shown.stdout
    assert "  account 111111111111: channel configuration securityhubnotification" in shown.stdout
    assert "    -> adopt" in shown.stdout
    said = shown.stdout[shown.stdout.index("Resources of AWS's template") : shown.stdout.index(" calls to AWS")]
    assert max(len(line) for line in said.splitlines()) <= 80

    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert fleet.leftovers() == []

    emulator.forget_requests()
    again = run()
    assert "Nothing is left of AWS's template of 2020." in again.stdout
    assert "Template of 2020: no leftovers." in again.stdout
    assert "changed=0" in again.stdout
    main = run(playbook="securityhub_slack")
    assert "changed=0" in main.stdout
    assert emulator.writes() == []


def test_a_region_that_cannot_be_migrated_ends_it_with_2_and_one_target_alone_is_migrated_with_limit(moving):
    fleet, run = moving
    protection = fleet.client("cloudformation").update_termination_protection
    protection(StackName=old_template.STACK, EnableTerminationProtection=True)
    done = run()
    assert done.returncode == 2
    said = " ".join(done.stdout.split())
    assert "left unchanged, see below" in said
    assert "eu-west-1: Stack hub-to-slack of the template of 2020 cannot be deleted: termination protection" in said
    assert "aws cloudformation update-termination-protection --no-enable-termination-protection" in said

    protection(StackName=old_template.STACK, EnableTerminationProtection=False)
    assert run("--limit", "us-east-1").returncode == 0
    assert fleet.status() == "CREATE_COMPLETE"
    assert run("--limit", "eu-west-1").returncode == 0
    assert fleet.leftovers() == []
    assert [item["ConfigurationName"] for item in fleet.configurations()] == [old_template.CONFIGURATION]
