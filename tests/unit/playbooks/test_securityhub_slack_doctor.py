# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor's playbook against the emulator: its exit code for CI, its files, and the rights that it needs."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.secops.securityhub.tests.unit import ansible_commands
from ansible_collections.secops.securityhub.tests.unit import breakages
from ansible_collections.secops.securityhub.tests.unit import deployed

ROOT = Path(__file__).resolve().parents[3]
READ = ROOT / "roles" / "securityhub_slack" / "files" / "iam" / "read.json"


@pytest.fixture
def doctor(emulator, monkeypatch, tmp_path):
    """Return a fleet, and a function that runs the playbook on it."""
    return playbook_for(deployed.deploy(emulator, monkeypatch), tmp_path)


def playbook_for(fleet, tmp_path):
    """Return a fleet, and a function that runs the playbook on it."""
    inventory = tmp_path / "hosts.yml"
    variables = {"securityhub_slack_workspace_id": deployed.TEAM, "securityhub_slack_channel_id": deployed.CHANNEL}
    hosts = {region: {} for region in deployed.REGIONS}
    inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": variables}}), encoding="utf-8")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
        "AWS_ENDPOINT_URL": fleet.emulator.url,
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "ANSIBLE_COLLECTIONS_PATH": os.environ.get("COLLECTIONS", str(ROOT / ".ansible" / "collections")),
        "ANSIBLE_NOCOLOR": "1",
    }
    playbook = "secops.securityhub.securityhub_slack_doctor"

    def run(*arguments):
        command = [ansible_commands.path("ansible-playbook"), "-i", inventory, playbook, *arguments]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)

    return fleet, run


def test_a_healthy_fleet_ends_with_0_and_writes_nothing_to_aws(doctor, emulator, tmp_path):
    _fleet, run = doctor
    done = run("-e", "securityhub_slack_doctor_json=doctor.json", "-e", "securityhub_slack_file_mode=0640")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [item.stat().st_mode & 0o777 for item in tmp_path.glob("*doctor.*")] == [0o640, 0o640]
    assert "3 targets: 3 in order." in done.stdout
    assert "changed=0" in done.stdout
    assert emulator.writes() == []
    assert "All 3 targets in order" in (tmp_path / "securityhub-doctor.html").read_text(encoding="utf-8")
    document = json.loads((tmp_path / "doctor.json").read_text(encoding="utf-8"))
    assert document["healthy"] is True
    assert document["schema"] == 1
    names = {"monitoring": "cloudwatch"}  # a service signs with another name than policies use
    called = {f"{names.get(entry['service'], entry['service'])}:{entry['operation']}" for entry in emulator.requests()}
    allowed = {action for item in json.loads(READ.read_text())["Statement"] for action in item["Action"]}
    assert called - {"sts:GetCallerIdentity"} <= allowed


def test_lost_findings_end_with_2_and_check_mode_writes_no_file(doctor, tmp_path):
    fleet, run = doctor
    breakages.rule_disabled(fleet)
    done = run("--check")
    assert done.returncode == 2
    assert "FINDINGS ARE LOST  Rules: eu-west-1" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "securityhub-doctor.html").exists()

    # Another target can be checked alone.
    done = run("--limit", "us-east-1", "-e", "securityhub_slack_doctor_html=")
    assert done.returncode == 0, done.stdout
    assert "1 target: 1 in order." in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["-e", "securityhub_slack_doctor_hours=0"],
            "securityhub_slack_doctor_hours is 0. Set it to a value from 1 to 336.",
        ),
        (["-e", "securityhub_slack_doctor_html=/dev/null/page.html"], "could not be written"),
        (["-e", "securityhub_slack_doctr_html=x"], "did you mean"),
    ],
)
def test_mistakes_are_explained_before_anything_is_read(emulator, monkeypatch, tmp_path, arguments, said):
    _fleet, run = playbook_for(deployed.deploy(emulator, monkeypatch, run=False), tmp_path)
    done = run(*arguments)
    assert emulator.requests() == []
    assert done.returncode == 2
    assert said in " ".join(done.stdout.split())
    assert "Traceback" not in done.stdout + done.stderr
