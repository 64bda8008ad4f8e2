# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every YAML, JSON, and INI example in the documentation works: variables, inventories, and plays are run."""

from __future__ import annotations

import configparser
import json
import re

import pytest
import yaml
from ansible_collections.secops.securityhub.plugins.module_utils._model.settings import PREFIX
from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit.docs import conftest
from ansible_collections.secops.securityhub.tests.unit.docs import pages

ROOT = pages.ROOT
PLUGIN = "secops.securityhub.securityhub_regions"
PLAYBOOK = "secops.securityhub.securityhub_slack"
CHECK = f"ansible-playbook -i inventories/production {PLAYBOOK} --check"
# Required variables that an example about something else omits.
IDS = "-e securityhub_slack_workspace_id=T0ABC1DEF -e securityhub_slack_channel_id=C0ABC1DEF"


def shape(example) -> str:
    """Return the kind of a YAML example."""
    if isinstance(example, list):
        return "play"
    keys = set(example)
    if all(key.startswith("securityhub_slack_") for key in keys):
        return "variables"
    if all(key.startswith("securityhub_organization_") for key in keys):
        return "organization"  # which a command reads
    if any("hosts" in (value or {}) for value in example.values() if isinstance(value, dict)):
        return "inventory"
    if "jobs" in keys:
        return "workflow"  # its steps are in commands.yml
    if keys == {"collections"}:
        return "requirements"  # which a command installs
    if keys & {"plugin", "accounts", "cache"}:
        return "plugin"
    sections = yaml.safe_load((ROOT / "changelogs/config.yaml").read_text(encoding="utf-8"))["sections"]
    if keys <= {name for name, _title in sections}:
        return "changelog"
    raise AssertionError(f"{__name__} does not know how to test this example: {example}")


def examples(*shapes: str) -> list:
    """Return the YAML examples of *shapes* as test parameters, each once, whichever pages show it.

    A block with several files gives several examples.
    """
    found = {}
    for page in pages.PAGES:
        files = [
            file
            for block in pages.blocks(page.read_text(encoding="utf-8"), "yaml")
            for file in re.split(r"^# \S+\.yml\n", block, flags=re.M)
            if file.strip()
        ]
        for number, file in enumerate(files, 1):
            if shape(yaml.safe_load(file)) in shapes:
                found.setdefault(file, pytest.param(file, id=f"{page.relative_to(ROOT)}-{number}"))
    return list(found.values())


@pytest.fixture
def everywhere(reader):
    """Return a reader whose account has Security Hub in all regions, and whose organization has two accounts."""
    unit = {"units": {"ou-ab12-3cd4ef56": "r-ab12"}, "organizational_unit": "ou-ab12-3cd4ef56"}
    team = {"TenantId": "1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f809", "TeamId": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"}
    reader.emulator.world({conftest.PRODUCTION: {"hubs": "all", "name": "security", "teams": [team], **unit}})
    reader.emulator.world({"444444444444": {"name": "shop-prod", "organizational_unit": "r-ab12"}})
    receivers(reader.emulator)
    return reader


def receivers(emulator):
    """Create the queues and the event bus of the guide about receivers; the guide has the policy of the queues."""
    page = (ROOT / "docs/docsite/rst/receivers.rst").read_text(encoding="utf-8")
    (policy,) = pages.blocks(page, "json")
    for region in conftest.REGIONS:
        attributes = {"Policy": policy.replace("eu-west-1", region)}
        sqs = emulator.client("sqs", region, conftest.PRODUCTION)
        sqs.create_queue(QueueName="security-findings", Attributes=attributes)
    emulator.client("events", "us-east-1", conftest.PRODUCTION).create_event_bus(Name="security")


def test_a_run_accepts_the_variables(everywhere, monkeypatch):
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_ENDPOINT_URL"):
        monkeypatch.setenv(name, everywhere.environment[name])
    fleet = deployed.Fleet(everywhere.emulator, profile="default", workspace_id=conftest.TEAM)
    for found in examples("variables"):
        if "{{" not in found.values[0]:
            variables = {key.removeprefix(PREFIX): value for key, value in yaml.safe_load(found.values[0]).items()}
            result = fleet.deploy(check=True, **variables).result
            assert result["summary"] == {"targets": 3, "changed": 3, "unchanged": 0, "failed": 0}, (found.id, result)


def test_ansible_fills_in_the_templates_of_variables(everywhere):
    shown = [found.values[0] for found in examples("variables") if "{{" in found.values[0]]
    plays = [{"ansible.builtin.import_playbook": PLAYBOOK, "vars": yaml.safe_load(example)} for example in shown]
    everywhere.write("plays.yml", yaml.safe_dump(plays))
    status, output = everywhere.run("ansible-playbook -i inventories/production plays.yml --check")
    assert status == 0, output
    assert output.count("3 targets: 3 would change, 0 unchanged, 0 failed") == len(shown)


@pytest.mark.parametrize("example", examples("inventory"))
def test_a_run_accepts_the_inventory(everywhere, example):
    everywhere.write("inventories/production/hosts.yml", example)
    status, output = everywhere.run(CHECK if "channel_id" in example else f"{CHECK} {IDS}")
    assert status == 0, output
    hosts = next(iter(yaml.safe_load(example).values()))["hosts"]
    assert f"{len(hosts)} targets: {len(hosts)} would change, 0 unchanged, 0 failed" in output


@pytest.mark.parametrize("example", examples("plugin"))
def test_the_inventory_plugin_accepts_the_file(everywhere, example):
    whole = {"plugin": PLUGIN, **yaml.safe_load(example)}
    everywhere.write("inventories/fleet/securityhub_regions.yml", yaml.safe_dump(whole))
    status, output = everywhere.run("ansible-inventory -i inventories/fleet --list")
    assert status == 0, output
    hosts = json.JSONDecoder().raw_decode(output[output.index("{") :])[0]["_meta"]["hostvars"]
    assert {f"{account['name']}.us-east-1" for account in whole.get("accounts", [])} <= set(hosts)
    assert not [host for host, variables in hosts.items() if "__securityhub_slack_account_error" in variables]


def test_the_plays_run(everywhere):
    everywhere.run(CHECK.removesuffix(" --check"))
    shown = [found.values[0] for found in examples("play")]
    for number, example in enumerate(shown):
        everywhere.write(f"play-{number}.yml", example)
    files = " ".join(f"play-{number}.yml" for number in range(len(shown)))
    status, output = everywhere.run(f"ansible-playbook -i inventories/production {files} --check")
    assert status == 0, output
    assert output.count("3 targets: 0 would change, 3 unchanged, 0 failed") == len(shown)


def test_the_drift_play_fails_if_a_run_would_change_something(reader):
    (drift,) = (found.values[0] for found in examples("play") if found.id.startswith("docs/docsite/rst/howto.rst"))
    reader.write("drift.yml", drift)
    reader.emulator.forget_requests()
    status, output = reader.run("ansible-playbook -i inventories/production drift.yml --check")
    assert status == 2
    assert "Some targets or channels differ from the inventory." in output
    assert json.loads((reader.folder / "securityhub.json").read_text())["summary"]["changed"] == 3
    assert reader.emulator.writes() == []


def test_the_first_preview_has_the_documented_output(reader):
    page = (ROOT / "docs/docsite/rst/getting_started.rst").read_text(encoding="utf-8")
    (shown,) = pages.blocks(page, "text")
    _status, output = reader.run(CHECK)
    assert shown.strip() in re.sub(r"in \d+\.\d s\.", "in 0.7 s.", output)


def test_the_organization_playbook_and_its_guide_show_the_same_example():
    (example,) = (found.values[0] for found in examples("organization"))
    comment = (ROOT / "playbooks/securityhub_organization.yml").read_text(encoding="utf-8")
    assert example.splitlines() == re.findall(r"^#   (securityhub_organization_\w+: .*)$", comment, re.M)


def test_the_other_formats_are_well_formed():
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages.PAGES)
    for block in pages.blocks(text, "json"):
        json.loads(block)
    for block in pages.blocks(text, "ini"):
        configparser.ConfigParser().read_string(block)
    shown = set(re.findall(r"(?:code-block:: |^ *```)(\w+)", text, re.M))
    assert shown <= {"shell", "console", "yaml", "json", "ini", "text"}, "add a test for the new format to this file"
