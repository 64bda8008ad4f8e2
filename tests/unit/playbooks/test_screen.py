# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees who runs a playbook with Ansible's default output: the last lines are the answer."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from ansible_collections.secops.securityhub.tests.unit import ansible_commands

ROOT = Path(__file__).resolve().parents[3]
ACCOUNT, WORKSPACE, CHANNEL = "111111111111", "T0123456789", "C0123456789"
COLUMNS = 80
REGIONS = ["ap-southeast-1", "eu-west-1", "us-east-1"]
# What Ansible says about itself where a task fails, warns or has nothing to do.
OF_ANSIBLE = ("Origin", "assertion", "evaluated_to", "[ERROR]", "[WARNING]", "DEPRECATION", "skipping", "Traceback")


class Screen:
    """Playbooks for three regions of an account, as a user runs them."""

    def __init__(self, emulator, folder: Path) -> None:
        self.folder = folder
        variables = {"endpoint_url": emulator.url, "workspace_id": WORKSPACE, "channel_id": CHANNEL}
        self.inventory = folder / "hosts.yml"
        prefixed = {f"securityhub_slack_{name}": value for name, value in variables.items()}
        self.inventory.write_text(json.dumps({"all": {"hosts": dict.fromkeys(REGIONS), "vars": prefixed}}))

    def run(
        self, name: str = "securityhub_slack", *arguments: str, status: int = 0, columns: int = COLUMNS
    ) -> list[str]:
        """Run a playbook, and return its output in lines, without the empty ones. It must end with *status*."""
        playbook = ROOT / "playbooks" / f"{name}.yml"
        # Where the width is another one, it must be known when the collection is imported.
        path = ansible_commands.path if columns == COLUMNS else ansible_commands.installed
        done = subprocess.run(
            [path("ansible-playbook"), "-i", str(self.inventory), str(playbook), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "LANG": "C.UTF-8",
                "COLUMNS": str(columns),
                "AWS_ACCESS_KEY_ID": ACCOUNT,
                "AWS_SECRET_ACCESS_KEY": "emulator",
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections"),
            },
        )
        output = done.stdout + done.stderr
        assert done.returncode == status, output
        assert [text for text in OF_ANSIBLE if text in output] == [], output
        return [line for line in output.splitlines() if line.strip()]


@pytest.fixture
def screen(emulator, tmp_path):
    emulator.world({ACCOUNT: {"hubs": "all", "workspaces": [{"SlackTeamId": WORKSPACE, "SlackTeamName": "acme"}]}})
    return Screen(emulator, tmp_path)


@pytest.mark.parametrize("playbook", ["securityhub_slack_canary", "securityhub_slack_doctor"])
def test_the_commands_of_remedies_name_the_inventory_of_the_run_and_are_not_broken(screen, playbook):
    lines = [line.strip() for line in screen.run(playbook, status=2)]
    assert "ansible-playbook -i hosts.yml secops.securityhub.securityhub_slack" in lines
    assert "<inventory>" not in " ".join(lines)
    if playbook == "securityhub_slack_doctor":
        page = (screen.folder / "securityhub-doctor.html").read_text()
        assert "ansible-playbook -i hosts.yml secops.securityhub.securityhub_slack" in page
        assert "&lt;inventory&gt;" not in page


def test_all_inventories_of_the_run_are_in_a_command(screen):
    more = screen.folder / "my hosts.yml"
    more.write_text(json.dumps({"all": {"vars": {"unused": 1}}}))
    lines = screen.run("securityhub_slack_canary", "-i", str(more), status=2)
    said = "ansible-playbook -i hosts.yml -i 'my hosts.yml' secops.securityhub.securityhub_slack"
    assert said in [line.strip() for line in lines]


SECRET = "sentinel-external-id"
VARIABLES = (
    *("-e", "securityhub_slack_minimum_severity=HIGH securityhub_slack_canary_timeout=5"),
    *("-e", json.dumps({"securityhub_slack_suppressions": [], "securityhub_slack_external_id": SECRET})),
    *("-e", "@more.yml"),
)


@pytest.mark.parametrize("playbook", ["securityhub_slack", "securityhub_slack_doctor"])
def test_commands_name_the_variables_of_the_run_that_are_the_role_s_and_not_secret(screen, playbook):
    (screen.folder / "more.yml").write_text("securityhub_slack_name: other")
    result = screen.folder / "result.json"
    files = ["-e", f"securityhub_slack_doctor_json={result}"]
    output = "\n".join(screen.run(playbook, *VARIABLES, *files, status=2 if playbook.endswith("doctor") else 0))
    given = (
        "-i hosts.yml -e securityhub_slack_minimum_severity=HIGH "
        """-e '{"securityhub_slack_suppressions": []}' -e @more.yml"""
    )
    assert f"ansible-playbook {given} secops.securityhub.securityhub_slack" in output
    assert SECRET not in output
    if result.exists():
        commands = [command for found in json.loads(result.read_text())["findings"] for command in found["commands"]]
        assert f"ansible-playbook {given} secops.securityhub.securityhub_slack" in commands


def of_the_report(lines: list[str]) -> list[str]:
    """Return the lines of the report, without commands, which are not broken."""
    report = "\n".join(lines).partition("TASK")[2].partition("\n")[2]
    return [
        line
        for line in re.split(r"\n(?:ok|changed|fatal): ", report)[0].splitlines()
        if not line.strip().startswith(("ansible-playbook", "-e ", "Full report"))
    ]


def test_the_report_is_as_wide_as_the_terminal(screen, emulator):
    emulator.world({ACCOUNT: {"hubs": ["us-east-1"]}})

    def longest(playbook, columns):
        return max(map(len, of_the_report(screen.run(playbook, status=2, columns=columns))))

    main, doctor = "securityhub_slack", "securityhub_slack_doctor"
    assert longest(main, 60) <= 60 < longest(main, COLUMNS) <= COLUMNS < longest(main, 120) <= 120
    assert longest(doctor, 60) <= 60 < longest(doctor, COLUMNS) <= COLUMNS


def about_hosts(lines: list[str]) -> list[str]:
    """Return the lines that Ansible prints for single hosts."""
    return [line for line in lines if re.match(r"(ok|changed|fatal|failed): \[|\S+ +: ok=", line)]


def test_a_first_run_ends_with_the_next_step_and_an_unchanged_run_with_the_summary(screen):
    lines = screen.run()
    assert lines[-6].startswith("Next: if Slack channel C0123456789 is private")
    assert lines[-3:-2] == ["changed: [localhost]"]
    assert lines[-2].startswith("PLAY RECAP")
    assert len(about_hosts(lines)) == 2
    for arguments in ([], ["--check"]):
        lines = screen.run("securityhub_slack", *arguments)
        assert "3 targets: 0" in lines[-5]
        assert lines[-3:-2] == ["ok: [localhost]"]
        assert len(about_hosts(lines)) == 2


def test_a_setting_of_ansible_shows_a_failure_without_json(screen, emulator):
    emulator.world({ACCOUNT: {"hubs": ["us-east-1"]}})
    (screen.folder / "ansible.cfg").write_text("[defaults]\ncallback_result_format = yaml\n")
    lines = screen.run("securityhub_slack", status=2)
    assert [line.strip() for line in lines[-5:-2]] == [
        "fatal: [localhost]: FAILED! =>",
        "changed: true",
        "msg: '2 of 3 targets failed: ap-southeast-1, eu-west-1. The report above says why.'",
    ]
    assert "{" not in "".join(lines)


@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_a_failed_run_says_each_cause_once_and_ends_with_the_targets_that_failed(screen, emulator, arguments):
    emulator.world({ACCOUNT: {"hubs": ["us-east-1"]}})
    lines = screen.run("securityhub_slack", *arguments, status=2)
    assert " ".join(lines).count("Security Hub is not enabled") == 1
    fatal, recap = about_hosts(lines)
    assert "2 of 3 targets failed: ap-southeast-1, eu-west-1." in fatal
    assert len(fatal) < 160
    assert recap.startswith("localhost")


def test_a_wrong_option_is_said_in_one_line(screen):
    lines = screen.run("securityhub_slack_doctor", "-e", "securityhub_slack_doctor_hours=0", status=2)
    assert "securityhub_slack_doctor_hours is 0. Set it to a value from 1 to 336." in about_hosts(lines)[0]


FAILED = {
    "securityhub_slack_doctor": "Findings do not arrive",
    "securityhub_slack_canary": "3 targets: ",
    "securityhub_slack_baseline": "2 targets failed",
    "securityhub_slack_digest": "2 targets failed",
    "securityhub_slack_simulate": "ap-southeast-1, eu-west-1",
    "securityhub_slack_export": "No file was written.",
    "securityhub_slack_migrate": "2 of 3 targets failed: ap-southeast-1, eu-west-1.",
}


def test_every_playbook_that_fails_says_so_in_one_line(screen, emulator):
    screen.run()
    emulator.faults({"denied": 1.0, "regions": ["ap-southeast-1", "eu-west-1"], "reason": "You may not."})
    for playbook, said in FAILED.items():
        arguments = ["--check"] if playbook == "securityhub_slack_canary" else []
        fatal, recap = about_hosts(screen.run(playbook, *arguments, status=2))
        assert said in fatal
        assert len(fatal) < 300
        assert "failed=1" in recap
