# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation has every variable of the role and of each playbook, with its default."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.secops.securityhub.plugins.plugin_utils._targets import OF_PLAYBOOKS
from ansible_collections.secops.securityhub.tests.unit.docs.pages import ROOT

ROLE = ROOT / "roles" / "securityhub_slack"
SPECS = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]["main"]["options"]
PAGE = (ROOT / "docs" / "docsite" / "rst" / "playbooks.rst").read_text()
PLAYBOOKS = {path.stem: path.read_text() for path in sorted((ROOT / "playbooks").glob("*.yml"))}
REFUSED = {"securityhub_slack_simulate_finding_id"}
REQUIRED = ["securityhub_slack_workspace_id", "securityhub_slack_channel_id"]


def documented():
    """Return the variables in the role's README with their defaults, in order."""
    rows = re.findall(r"^\| `(securityhub_slack_\w+)` \|(?: `(.*?)`)? \|", (ROLE / "README.md").read_text(), re.M)
    return {name: yaml.safe_load(default) for name, default in rows}


def sections():
    """Return the section of each playbook of the page."""
    parts = re.split(r"^(\w+)\n-+\n", PAGE, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def test_the_role_s_readme_has_every_variable_with_its_default():
    defaults = {name: option.get("default") or None for name, option in SPECS.items()}
    assert {name: default or None for name, default in documented().items()} == defaults


def test_the_required_variables_stand_first():
    assert list(documented())[:2] == REQUIRED
    assert list(SPECS)[:2] == REQUIRED


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_every_playbook_has_a_section_with_its_variables_files_and_exit_status(name):
    section = sections()[name]
    assert f"* - {name}\n" in PAGE, "the table at the top"
    variables = {item for item in OF_PLAYBOOKS if item.startswith(f"{name}_") and name != "securityhub_slack"} - REFUSED
    if name == "securityhub_organization":
        variables = set(re.findall(r"^    (securityhub_organization_\w+):", PLAYBOOKS[name], re.M))
    assert [variable for variable in sorted(variables) if f"``{variable}``" not in section] == []
    for field in (":Files:", ":Exit status:", ":IAM policies:"):
        assert field in section
