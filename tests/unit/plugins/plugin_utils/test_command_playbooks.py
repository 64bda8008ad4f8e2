# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every playbook of a command fails with a remedy where it cannot start."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from ansible_collections.secops.securityhub.tests.unit import ansible_commands

ROOT = Path(__file__).resolve().parents[4]
COMMAND_ACTIONS = {
    path.stem
    for path in (ROOT / "plugins" / "action").glob("*.py")
    if "ActionModule = command_action(" in path.read_text(encoding="utf-8")
}
WITHOUT_TARGETS = ["securityhub_organization"]
REQUIRED = {"securityhub_slack_export": {"path": "stack-set.json"}}
PLAYBOOKS = [
    "securityhub_slack",
    "securityhub_slack_baseline",
    "securityhub_slack_canary",
    "securityhub_slack_digest",
    "securityhub_slack_doctor",
    "securityhub_slack_export",
    "securityhub_slack_migrate",
    "securityhub_slack_simulate",
]


def run(playbook, inventory, **environment):
    """Run a playbook, of the collection or a file, and return the process and all its output on one line."""
    done = subprocess.run(
        [
            ansible_commands.path("ansible-playbook"),
            "-i",
            inventory,
            ROOT / "playbooks" / f"{playbook}.yml" if isinstance(playbook, str) else playbook,
        ],
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done, " ".join((done.stdout + done.stderr).split())


def test_every_command_action_has_its_playbook_here():
    assert {*PLAYBOOKS, *WITHOUT_TARGETS} == COMMAND_ACTIONS


def test_commands_stay_compiled_for_the_next_run(tmp_path):
    (tmp_path / "hosts.yml").write_text("all: {}\n", encoding="utf-8")
    subprocess.run(
        [
            ansible_commands.installed("ansible-playbook"),
            "-i",
            tmp_path / "hosts.yml",
            ROOT / "playbooks/securityhub_slack.yml",
        ],
        env={**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    kept = {path.name.split(".")[0] for path in tmp_path.glob("**/plugins/module_utils/_commands/*.pyc")}
    assert kept == {"canary", "context", "deploy"}


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_without_targets_it_fails_with_the_command_to_run(playbook, tmp_path):
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("all: {}\n", encoding="utf-8")
    # A strategy in ansible.cfg or in the environment, under which a task for all hosts would be an error of Ansible.
    # The server of the tests does not know it, and without it a run takes a second, so one playbook stands for all.
    strategy = {"ANSIBLE_STRATEGY": "free"} if playbook == PLAYBOOKS[0] else {}
    done, output = run(playbook, inventory, **strategy)
    assert done.returncode == 2
    command = f"ansible-playbook -i inventories/production secops.securityhub.{playbook}"
    assert re.search(rf"The inventory has no targets.*{re.escape(command)}\b", output)


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_no_other_strategy_applies(playbook):
    (play,) = yaml.safe_load((ROOT / "playbooks" / f"{playbook}.yml").read_text(encoding="utf-8"))
    assert play["strategy"] == "linear"


def test_without_botocore_each_command_fails_with_the_command_to_install_it(tmp_path):
    (tmp_path / "botocore.py").write_text("raise ImportError('none here')\n", encoding="utf-8")
    commands = [*PLAYBOOKS, *WITHOUT_TARGETS]
    play = {
        "name": "Run all commands",
        "hosts": "us-east-1",
        "gather_facts": False,
        "tasks": [
            {"name": f"Run {name}", f"secops.securityhub.{name}": REQUIRED.get(name, {}), "ignore_errors": True}
            for name in commands
        ],
    }
    (tmp_path / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    done, output = run(tmp_path / "play.yml", "us-east-1,", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0
    found = re.findall(r"boto3 and botocore are missing on the controller[^}]*pip install boto3", output)
    assert len(found) == len(commands), output
    assert "NameError" not in output
    assert "Traceback" not in output


def test_with_a_profile_that_does_not_exist_it_fails_with_the_variable_to_correct():
    done, output = run("securityhub_slack", "us-east-1,", AWS_PROFILE="nosuch")
    assert done.returncode == 2
    assert "The config profile (nosuch) could not be found. Set AWS_PROFILE to a profile of ~/.aws/config." in output
    assert "Origin:" not in output, "Ansible shows the source of the task for errors that nobody expects"
