# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fast commands of the tests behave like the installed ones."""

from __future__ import annotations

import os
import re
import subprocess

import pytest
from ansible_collections.secops.securityhub.tests.unit import ansible_commands

PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        msg: "{{ lookup('ansible.builtin.env', 'GIVEN') }} {{ lookup('ansible.builtin.file', 'beside') }}"
    - ansible.builtin.fail:
      when: fails | bool
"""


def run(command, folder, *arguments, **environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON"))}
    done = subprocess.run(
        [command, *arguments],
        cwd=folder,
        env={**kept, "ANSIBLE_COLLECTIONS_PATH": ansible_commands.COLLECTIONS, "ANSIBLE_NOCOLOR": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("environment", "fails"),
    [
        ({"GIVEN": "a"}, "true"),
        ({"GIVEN": "b", "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false"}, "false"),
        ({"GIVEN": "c", "ANSIBLE_STDOUT_CALLBACK": "minimal"}, "true"),
        ({"GIVEN": "d", "ANSIBLE_COLLECTIONS_PATH": "/nowhere"}, "false"),
        ({"GIVEN": "e", "ANSIBLE_FORCE_COLOR": "1", "PYTHONPATH": ansible_commands.COLLECTIONS}, "true"),
    ],
    ids=["defaults", "warnings", "callback", "collections", "colors"],
)
def test_a_playbook_has_the_same_output_and_exit_code(tmp_path, environment, fails):
    (tmp_path / "play.yml").write_text(PLAY)
    (tmp_path / "beside").write_text("text")
    arguments = ("play.yml", "-e", f"fails={fails}")
    fast, installed = (
        run(command("ansible-playbook"), tmp_path, *arguments, **environment)
        for command in (ansible_commands.path, ansible_commands.installed)
    )
    assert fast == installed
    assert f"{environment['GIVEN']} text" in fast[1]


def test_the_configuration_and_variables_of_the_folder_count(tmp_path):
    (tmp_path / "hosts").write_text("one\ntwo\n")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text("found: beside the inventory\n")
    (tmp_path / "ansible.cfg").write_text("[defaults]\ninventory = hosts\n")
    fast, installed = (
        run(command("ansible-inventory"), tmp_path, "--graph", "--vars")
        for command in (ansible_commands.path, ansible_commands.installed)
    )
    assert fast == installed
    assert "two" in fast[1]
    assert "{found = beside the inventory}" in fast[1]


def test_the_log_has_the_same_lines(tmp_path):
    (tmp_path / "play.yml").write_text(PLAY)
    (tmp_path / "beside").write_text("text")
    logs = []
    for command in (ansible_commands.path, ansible_commands.installed):
        log = tmp_path / command.__name__
        run(command("ansible-playbook"), tmp_path, "play.yml", "-e", "fails=true", GIVEN="a", ANSIBLE_LOG_PATH=str(log))
        logs.append([re.sub(r"^.*? p=\d+ ", "", line) for line in log.read_text().splitlines()])
    assert logs[0] == logs[1]
    assert any("a text" in line for line in logs[0])
