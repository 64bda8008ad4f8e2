# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command in the documentation is run as it is written and has the result in commands.yml."""

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
# What is run first, and the commands after it, in the order of the table.
AFTER = {
    first: [command for command, expected in TABLE["run"].items() if expected.get("after") == first]
    for first in sorted({expected["after"] for expected in TABLE["run"].values() if "after" in expected})
}
SHOWN = pages.all_commands()
VARIABLE = re.compile(r"(?<!test_)securityhub_slack_\w*")  # SECURITY.md names files of tests
INVENTORIES = [path for path in pages.COMMENTED if path.is_relative_to(ROOT / "inventories")]
FACT = "securityhub_slack_result"


def known_names() -> set[str]:
    """Return the variables of roles and playbooks, the names of the playbooks, and the fact that a run sets."""
    names = {FACT}
    for path in ROOT.glob("roles/*/meta/argument_specs.yml"):
        for entry in yaml.safe_load(path.read_text())["argument_specs"].values():
            names |= set(entry["options"])
    for path in ROOT.glob("playbooks/*.yml"):
        names |= {path.stem, *VARIABLE.findall(path.read_text())}
    return names


def unknown_names(text: str, known: set[str]) -> set[str]:
    """Return the names in *text* that are not in *known*. A name that ends in _ is a prefix of known names."""
    found = set(VARIABLE.findall(text))
    prefixes = tuple(name for name in found if name.endswith("_"))
    return found - known - {prefix for prefix in prefixes if any(name.startswith(prefix) for name in known)}


def test_an_unknown_variable_is_found():
    text = "securityhub_slack_chanel_id securityhub_slack_doctor_* securityhub_slack_nothing_*"
    assert unknown_names(text, known_names()) == {"securityhub_slack_chanel_id", "securityhub_slack_nothing_"}


@pytest.mark.parametrize("path", [*pages.PAGES, *INVENTORIES], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_variable_exists(path):
    assert unknown_names(path.read_text(), known_names()) == set()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```shell\nmake demo    # try it\n```\n", ["make demo"]),
        ("- x\n\n  ```shell\n  a -i b \\\n    --limit 'c.*'\n  ```\n", ["a -i b --limit 'c.*'"]),
        (".. code-block:: console\n\n   $ a b\n\n     TARGET  OUT\n   $ c \\\n       d\n\nText\n", ["a b", "c d"]),
        (".. code-block:: shell\n\n   a b\n   c d   # e\n\nText\n", ["a b", "c d"]),
        ("Type ``ansible-playbook x\n--check`` or `make lint`; `ansible` and `make` alone are names.", None),
    ],
)
def test_commands_are_found(text, expected):
    assert pages.commands(text) == (expected or ["ansible-playbook x --check", "make lint"])


def test_commands_are_found_in_comments_with_each_of_their_options():
    text = "# ansible-playbook -i a b\n#     --check     write nothing\n#     -e x=1    set x\n#     --limit c\nx: 1\n"
    options = ("", " --check", " -e x=1", " --limit c")
    assert pages.commands_in_comments(text) == [f"ansible-playbook -i a b{option}" for option in options]


def test_the_table_lists_exactly_the_commands_of_the_documentation():
    missing = {command: page for command, page in SHOWN.items() if command not in {**TABLE["run"], **TABLE["not_run"]}}
    assert missing == {}, "add the commands to tests/unit/docs/commands.yml"
    assert {*TABLE["run"], *TABLE["not_run"]} - set(SHOWN) == set(), (
        "remove commands that the documentation no longer shows"
    )


@pytest.mark.parametrize("command", TABLE["not_run"])
def test_the_program_of_a_command_that_is_not_run_exists(command):
    program, *arguments = shlex.split(command)
    if program == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
        assert {argument for argument in arguments if "=" not in argument} <= set(targets)
    if program.startswith("tests/"):
        assert os.access(ROOT / program, os.X_OK)
    assert TABLE["not_run"][command]


def has_the_documented_result(reader, command):
    expected = TABLE["run"][command]
    reader.emulator.world({account: {"hubs": []} for account in expected.get("without_hubs", [])})
    for placeholder, value in TABLE["placeholders"].items():
        command = command.replace(placeholder, value)
    status, output = reader.run(command, ROOT / expected["folder"] if "folder" in expected else None)
    assert status == expected.get("exit", 0), (command, output)
    assert "Could not match supplied host pattern" not in output, command
    assert re.search(expected["output"], output), (command, output)


@pytest.mark.parametrize("first", AFTER)
def test_the_commands_after_another_one_have_the_documented_results(reader, first):
    for command in [first, *AFTER[first]]:
        has_the_documented_result(reader, command)


@pytest.mark.parametrize(
    "command", sorted(set(TABLE["run"]) - {item for first in AFTER for item in (first, *AFTER[first])})
)
def test_the_command_has_the_documented_result(reader, command):
    has_the_documented_result(reader, command)
