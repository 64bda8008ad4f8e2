# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command that the documentation shows is run as it is written; commands.yml says what has to come of it."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest
import yaml
from ansible_collections.secops.securityhub.tests.unit.docs import pages

ROOT = pages.ROOT
TABLE = yaml.safe_load(Path(__file__).with_name("commands.yml").read_text(encoding="utf-8"))
SHOWN = pages.all_commands()
VARIABLE = re.compile(r"securityhub_slack_\w*")
INVENTORIES = [path for path in pages.COMMENTED if path.is_relative_to(ROOT / "inventories")]
FACT = "securityhub_slack_result"


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


def test_an_unknown_variable_is_found():
    text = "securityhub_slack_chanel_id securityhub_slack_global_*_once securityhub_slack_nothing_*"
    assert unknown_names(text, known_names()) == {"securityhub_slack_chanel_id", "securityhub_slack_nothing_"}


@pytest.mark.parametrize("path", [*pages.PAGES, *INVENTORIES], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_variable_exists(path):
    assert unknown_names(path.read_text(), known_names()) == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("```shell\nmake demo    # try it\n```\n", ["make demo"]),
        ("- x\n\n  ```shell\n  a -i b \\\n    --limit 'c.*'\n  ```\n", ["a -i b --limit 'c.*'"]),
        (".. code-block:: console\n\n   $ a b\n\n     TARGET  OUT\n   $ c \\\n       d\n\nText\n", ["a b", "c d"]),
        (".. code-block:: shell\n\n   a b\n   c d   # e\n\nText\n", ["a b", "c d"]),
        ("Type ``ansible-playbook x\n--check`` or `make lint`; `ansible` and `make` alone are names.", None),
    ],
)
def test_commands_are_found(text, found):
    assert pages.commands(text) == (found or ["ansible-playbook x --check", "make lint"])


def test_commands_are_found_in_comments_with_each_of_their_options():
    text = "# ansible-playbook -i a b\n#     --check     write nothing\n#     -e x=1    set x\n#     --limit c\nx: 1\n"
    options = ("", " --check", " -e x=1", " --limit c")
    assert pages.commands_in_comments(text) == [f"ansible-playbook -i a b{option}" for option in options]


def test_every_command_of_the_documentation_is_in_the_table_and_no_other():
    missing = {command: page for command, page in SHOWN.items() if command not in {**TABLE["run"], **TABLE["not_run"]}}
    assert missing == {}, "add what the documentation shows to tests/unit/docs/commands.yml"
    assert {*TABLE["run"], *TABLE["not_run"]} - set(SHOWN) == set(), "take out what the documentation no longer shows"


@pytest.mark.parametrize("command", TABLE["not_run"])
def test_what_is_not_run_is_there(command):
    program, *arguments = shlex.split(command)
    if program == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
        assert set(arguments) <= set(targets)
    if program.startswith("tests/"):
        assert os.access(ROOT / program, os.X_OK)
    assert TABLE["not_run"][command]


@pytest.mark.parametrize("command", TABLE["run"])
def test_the_command_does_what_it_is_shown_for(reader, command):
    before = TABLE["run"][command].get("after")
    for typed in [before, command] if before else [command]:
        wanted = TABLE["run"][typed]
        reader.emulator.world({account: {"hubs": []} for account in wanted.get("without_hubs", [])})
        for placeholder, value in TABLE["stands_in"].items():
            typed = typed.replace(placeholder, value)
        code, said = reader.types(typed, ROOT / wanted["folder"] if "folder" in wanted else None)
        assert code == wanted.get("exit", 0), said
        assert "Could not match supplied host pattern" not in said
        assert re.search(wanted["says"], said), said
