# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What README and docs tell people to type: every ansible-playbook command is taken, every variable exists."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("roles/*/README.md"), *ROOT.glob("docs/docsite/rst/*.rst")])
INVENTORIES = sorted(path for path in ROOT.glob("inventories/**/*.yml") if path.is_file())
COMMAND = re.compile(r"^[ \t]*(?:\$ )?(ansible-playbook (?:[^\n\\]|\\\n)*)", re.M)
VARIABLE = re.compile(r"securityhub_slack_\w*")
# What the docs call an inventory of one's own.
THEIRS = {"inventories/production", "inventories/<account>"}
EXAMPLE = "inventories/example"
FACT = "securityhub_slack_result"
ACCOUNTS = ("111111111111", "222222222222", "333333333333")  # of inventories/fleet


def commands_in(text: str) -> list[str]:
    """The ansible-playbook commands at the beginnings of lines, without prompt, continuation and comment."""
    return [shlex.join(shlex.split(found.replace("\\\n", " "), comments=True)) for found in COMMAND.findall(text)]


def commands() -> list[str]:
    return list(dict.fromkeys(command for page in PAGES for command in commands_in(page.read_text())))


def known_names() -> set[str]:
    """Variables of the roles and of the playbooks, the playbooks' names, and the fact that a run leaves."""
    names = {FACT}
    for path in ROOT.glob("roles/*/meta/argument_specs.yml"):
        for entry in yaml.safe_load(path.read_text())["argument_specs"].values():
            names |= set(entry["options"])
    for path in ROOT.glob("playbooks/*.yml"):
        names |= {path.stem, *VARIABLE.findall(path.read_text())}
    return names


def unknown_names(text: str, known: set[str]) -> set[str]:
    """The names in *text* that are not in *known*; one that ends in _ stands for all that begin so."""
    found = set(VARIABLE.findall(text))
    beginnings = tuple(name for name in found if name.endswith("_"))
    return found - known - {name for name in beginnings if any(whole.startswith(name) for whole in known)}


def test_commands_are_found_behind_prompts_and_over_lines():
    text = "Run ansible-playbook x\n\n    $ ansible-playbook -i a b \\\n        --limit 'c.*'   # one\n"
    assert commands_in(text) == ["ansible-playbook -i a b --limit 'c.*'"]


def test_an_unknown_variable_is_found():
    text = "securityhub_slack_chanel_id securityhub_slack_global_*_once securityhub_slack_nothing_*"
    assert unknown_names(text, known_names()) == {"securityhub_slack_chanel_id", "securityhub_slack_nothing_"}


def test_the_docs_have_commands():
    assert len(commands()) > 5


@pytest.mark.parametrize("path", [*PAGES, *INVENTORIES], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_variable_exists(path):
    assert unknown_names(path.read_text(), known_names()) == set()


@pytest.fixture(scope="module")
def of_fleet(emulator):
    """The environment in which the accounts of inventories/fleet can be opened."""
    emulator.reset()
    emulator.world({account: {"hubs": ["us-east-1", "eu-west-1"]} for account in ACCOUNTS})
    return {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "999999999999",
        "AWS_SECRET_ACCESS_KEY": "emulator",
        "AWS_ENDPOINT_URL": emulator.url,
    }


@pytest.mark.parametrize("command", commands())
def test_ansible_takes_the_command(command, of_fleet):
    words = [EXAMPLE if word in THEIRS else word for word in shlex.split(command)]
    done = subprocess.run(
        [*words, "--syntax-check"], cwd=ROOT, env=of_fleet, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Could not match supplied host pattern" not in done.stderr, done.stderr
