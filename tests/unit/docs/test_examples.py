# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every YAML, JSON and INI example of the documentation is tried: variables and inventories by a run, plays too."""

from __future__ import annotations

import configparser
import json
import re

import pytest
import yaml
from ansible_collections.secops.securityhub.tests.unit.docs import conftest
from ansible_collections.secops.securityhub.tests.unit.docs import pages

ROOT = pages.ROOT
PLUGIN = "secops.securityhub.securityhub_regions"
CHECK = "ansible-playbook -i inventories/production secops.securityhub.securityhub_slack --check"
# What an example that is about something else leaves out.
IDS = "-e securityhub_slack_workspace_id=T0ABC1DEF -e securityhub_slack_channel_id=C0ABC1DEF"


def shape(example) -> str:
    """Return what an example is, from what it holds."""
    if isinstance(example, list):
        return "play"
    keys = set(example)
    if all(key.startswith("securityhub_slack_") for key in keys):
        return "variables"
    if any("hosts" in (value or {}) for value in example.values() if isinstance(value, dict)):
        return "inventory"
    if "jobs" in keys:
        return "workflow"  # whose steps are among the commands
    if keys == {"collections"}:
        return "requirements"  # which a command installs
    if keys & {"plugin", "accounts", "cache"}:
        return "plugin"
    sections = yaml.safe_load((ROOT / "changelogs/config.yaml").read_text(encoding="utf-8"))["sections"]
    if keys <= {name for name, _title in sections}:
        return "changelog"
    raise AssertionError(f"say in {__name__} how this example is tried: {example}")


def examples(*shapes: str) -> list:
    """Return the YAML examples of *shapes*, each file of them, with the page and a number as its id."""
    found = []
    for page in pages.PAGES:
        files = [
            file
            for block in pages.blocks(page.read_text(encoding="utf-8"), "yaml")
            for file in re.split(r"^# \S+\.yml\n", block, flags=re.M)
            if file.strip()
        ]
        for number, file in enumerate(files, 1):
            if shape(yaml.safe_load(file)) in shapes:
                found.append(pytest.param(file, id=f"{page.relative_to(ROOT)}-{number}"))
    return found


@pytest.fixture
def everywhere(reader):
    """Return a reader whose account has Security Hub in all regions."""
    reader.emulator.world({conftest.PRODUCTION: {"hubs": "all"}})
    return reader


@pytest.mark.parametrize("example", examples("variables"))
def test_a_run_takes_the_variables(everywhere, example):
    everywhere.write("example.yml", example)
    code, said = everywhere.types(f"{CHECK} -e @example.yml")
    assert code == 0, said
    assert "3 targets: 3 would change, 0 unchanged, 0 failed" in said


@pytest.mark.parametrize("example", examples("inventory"))
def test_a_run_takes_the_inventory(everywhere, example):
    everywhere.write("inventories/production/hosts.yml", example)
    code, said = everywhere.types(CHECK if "channel_id" in example else f"{CHECK} {IDS}")
    assert code == 0, said
    hosts = next(iter(yaml.safe_load(example).values()))["hosts"]
    assert f"{len(hosts)} targets: {len(hosts)} would change, 0 unchanged, 0 failed" in said


@pytest.mark.parametrize("example", examples("plugin"))
def test_the_inventory_plugin_takes_the_file(everywhere, example):
    whole = {"plugin": PLUGIN, **yaml.safe_load(example)}
    everywhere.write("inventories/fleet/securityhub_regions.yml", yaml.safe_dump(whole))
    code, said = everywhere.types("ansible-inventory -i inventories/fleet --list")
    assert code == 0, said
    hosts = json.JSONDecoder().raw_decode(said[said.index("{") :])[0]["_meta"]["hostvars"]
    assert {f"{account['name']}.us-east-1" for account in whole.get("accounts", [])} <= set(hosts)
    assert not [host for host, variables in hosts.items() if "__securityhub_slack_account_error" in variables]


@pytest.mark.parametrize("example", examples("play"))
def test_the_play_runs(everywhere, example):
    everywhere.types(CHECK.removesuffix(" --check"))
    teams = re.findall(r"tenant_id: (\S+)\n\s+team_id: (\S+)", example)
    authorised = [{"TenantId": tenant, "TeamId": team} for tenant, team in teams]
    everywhere.emulator.world({conftest.PRODUCTION: {"teams": authorised}})
    everywhere.write("play.yml", example)
    code, said = everywhere.types("ansible-playbook -i inventories/production play.yml --check")
    assert code == 0, said
    assert "3 targets: 0 would change, 3 unchanged, 0 failed" in said


def test_the_play_against_drift_fails_where_a_run_would_change_something(reader):
    (drift,) = (found.values[0] for found in examples("play") if found.id.startswith("docs/docsite/rst/howto.rst"))
    reader.write("drift.yml", drift)
    reader.emulator.forget_requests()
    code, said = reader.types("ansible-playbook -i inventories/production drift.yml --check")
    assert code == 2
    assert "Some targets or channels are not as the inventory says." in said
    assert reader.emulator.writes() == []


def test_the_first_output_that_is_shown_is_what_comes(reader):
    page = (ROOT / "docs/docsite/rst/getting_started.rst").read_text(encoding="utf-8")
    (shown,) = pages.blocks(page, "text")
    _code, said = reader.types(CHECK)
    assert shown.strip() in said


def test_the_other_formats_are_well_formed():
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages.PAGES)
    for block in pages.blocks(text, "json"):
        json.loads(block)
    for block in pages.blocks(text, "ini"):
        configparser.ConfigParser().read_string(block)
    shown = set(re.findall(r"(?:code-block:: |^ *```)(\w+)", text, re.M))
    assert shown <= {"shell", "console", "yaml", "json", "ini", "text"}, "say in this file how the new one is tried"
