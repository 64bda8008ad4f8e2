# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook for organizations: off by default, then a preview that writes nothing, then applied, then unchanged."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from ansible_collections.secops.securityhub.tests.unit import ansible_commands
from ansible_collections.secops.securityhub.tests.unit.signing_in import switching_program

ROOT = Path(__file__).resolve().parents[3]
MANAGEMENT = "999999999999"
SECURITY = "111111111111"
PROFILE = {"securityhub_organization_administrator_profile": "security"}
REGION = {"securityhub_organization_regions": ["eu-west-1"]}
VARIABLES = {
    "securityhub_organization_apply": True,
    **REGION,
    "securityhub_organization_admin_account_id": SECURITY,
    "securityhub_organization_management_profile": "management",
    **PROFILE,
    "securityhub_organization_enable_hub": True,
    "securityhub_organization_home_region": "eu-west-1",
    "securityhub_organization_auto_enable": True,
}


@pytest.fixture
def play(emulator, tmp_path):
    """Return a function that runs the playbook and returns its exit code, output and number of changed steps."""
    emulator.world({MANAGEMENT: {}}, management_account=MANAGEMENT)
    credentials = tmp_path / "credentials"
    credentials.write_text(
        "".join(
            f"[{name}]\naws_access_key_id = {account}\naws_secret_access_key = emulator\n"
            for name, account in (("management", MANAGEMENT), ("security", SECURITY))
        )
    )
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))},
        "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_ENDPOINT_URL": emulator.url,
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "ANSIBLE_COLLECTIONS_PATH": os.environ.get("COLLECTIONS", str(ROOT / ".ansible" / "collections")),
        "ANSIBLE_NOCOLOR": "1",
    }

    def run(variables, *arguments):
        command = [ansible_commands.path("ansible-playbook"), "secops.securityhub.securityhub_organization"]
        done = subprocess.run(
            [*command, "-e", json.dumps(variables), *arguments],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        changed = re.search(r"steps?: (\d+) (?:would )?change", done.stdout)
        assert "assertion" not in done.stdout + done.stderr
        return done.returncode, done.stdout + done.stderr, int(changed[1]) if changed else None

    return run


def test_every_step_is_off_by_default(play, emulator):
    code, output, _changed = play({})
    assert code == 2
    assert "Nothing to do. Every step of this playbook is off" in output
    assert emulator.requests() == []


def test_a_run_is_a_preview_without_apply(play, emulator):
    own = {"securityhub_organization_contact": "a variable of the user"}
    code, output, changed = play({"securityhub_organization_enable_hub": True, **REGION, **PROFILE, **own})
    assert (code, changed) == (0, 1), output
    assert emulator.writes() == []
    assert "This was a preview" in output


def test_diff_shows_the_values_before_and_after(play):
    assert play({**VARIABLES, "securityhub_organization_auto_enable": False})[0] == 0
    changed = {
        "securityhub_organization_apply": False,
        "securityhub_organization_regions": ["eu-west-1", "eu-west-2", "us-east-1"],
        "securityhub_organization_linking_mode": "NO_REGIONS",
    }
    code, output, _changed = play({**VARIABLES, **changed}, "--diff")
    assert code == 0, output
    shown = output.partition("Take the steps that are on]")[2].partition("  STEP ")[0]
    assert [line for line in shown.splitlines()[1:] if line] == [
        f"Delegated administrator {SECURITY} in eu-west-2, us-east-1:",
        f"  + AccountId: {SECURITY}",
        "  + Status: ENABLED",
        "Security Hub in eu-west-2, us-east-1:",
        "  + AutoEnableControls: true",
        "  + ControlFindingGenerator: SECURITY_CONTROL",
        "Aggregation in eu-west-1:",
        "  - RegionLinkingMode: ALL_REGIONS",
        "  + RegionLinkingMode: NO_REGIONS",
        "Accounts that join in eu-west-1:",
        "  - AutoEnable: false",
        "  + AutoEnable: true",
        "  - AutoEnableStandards: DEFAULT",
        "  + AutoEnableStandards: NONE",
    ]


def test_check_mode_writes_nothing_even_with_apply_and_a_second_run_changes_nothing(play, emulator):
    code, output, changed = play(VARIABLES, "--check")
    assert (code, changed) == (0, 2), output
    assert emulator.writes() == []

    code, output, changed = play(VARIABLES)
    assert (code, changed) == (0, 3), output
    assert "This was a preview" not in output
    client = emulator.client("securityhub", "eu-west-1", account=SECURITY)
    assert client.describe_hub()["HubArn"]
    assert client.describe_organization_configuration()["AutoEnable"] is True
    assert len(client.list_finding_aggregators()["FindingAggregators"]) == 1

    emulator.forget_requests()
    code, output, changed = play(VARIABLES)
    assert (code, changed) == (0, 0), output
    assert emulator.writes() == []


def test_a_profile_of_another_account_than_the_administrator_changes_nothing(play, emulator):
    code, output, _changed = play({**VARIABLES, "securityhub_organization_administrator_profile": "management"})
    assert code == 2
    assert all(
        fact in " ".join(output.split()) for fact in (SECURITY, f"profile management) lead to account {MANAGEMENT}")
    )
    assert {entry["operation"] for entry in emulator.requests()} == {"GetCallerIdentity"}


def test_a_program_that_begins_to_lead_into_another_account_changes_nothing_there(play, emulator, tmp_path):
    """The profile leads to the administrator until the run knows its ID."""
    program = tmp_path / "switch.py"
    program.write_text(textwrap.dedent(switching_program(emulator.url, SECURITY, "222222222222")))
    (tmp_path / "config").write_text(f"[profile switch]\ncredential_process = {sys.executable} {program}\n")
    emulator.faults({"latency_ms": 600})
    variables = {"securityhub_organization_apply": True, "securityhub_organization_enable_hub": True, **REGION}
    code, output, _changed = play({**variables, "securityhub_organization_administrator_profile": "switch"})
    assert code == 2
    assert "refreshed" in output
    of_other = {entry["operation"] for entry in emulator.requests() if entry["account"] == "222222222222"}
    assert of_other == {"GetCallerIdentity"}


def test_a_step_that_fails_is_reported_once_and_does_not_stop_the_others(play, emulator):
    regions = ["eu-west-1", "eu-west-2", "us-east-1"]
    emulator.faults({"denied": 1.0, "regions": regions[:2], "operations": ["EnableSecurityHub"]})
    variables = {"securityhub_organization_apply": True, "securityhub_organization_enable_hub": True, **PROFILE}
    code, output, changed = play({**variables, "securityhub_organization_regions": regions})
    assert (code, changed) == (2, 1)
    assert "Security Hub in eu-west-1, Security Hub in eu-west-2: " in output.partition("\nFailed:\n")[2]
    assert '"msg": "2 of 3 steps failed. The report above says why."' in output
    assert emulator.client("securityhub", "us-east-1", account=SECURITY).describe_hub()["HubArn"]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"securityhub_organization_enable_hub": True}, "securityhub_organization_regions is empty"),
        ({"securityhub_organization_home_region": "europe"}, "'europe' is not an AWS region"),
        ({**REGION, "securityhub_organization_admin_account_id": "12"}, "Use the 12 digits of an account ID"),
        (
            {
                "securityhub_organization_home_region": "eu-west-1",
                "securityhub_organization_linking_mode": "SPECIFIED_REGIONS",
            },
            "region_linking_mode SPECIFIED_REGIONS requires regions",
        ),
        (
            {"securityhub_organization_linking_mode": "all_regions"},
            "value of securityhub_organization_linking_mode must be one of: ALL_REGIONS, ALL_REGIONS_EXCEPT_SPECIFIED, "
            "SPECIFIED_REGIONS, NO_REGIONS, got: all_regions. Did you mean ALL_REGIONS?",
        ),
        (
            {"securityhub_organization_apply": "perhaps"},
            "securityhub_organization_apply is 'perhaps'. Use true or false.",
        ),
        # Otherwise this would be a preview.
        (
            {**REGION, "securityhub_organization_enable_hub": True, "securityhub_organization_aply": True},
            "securityhub_organization_aply is not a variable of this playbook: did you mean "
            "securityhub_organization_apply?",
        ),
        (
            {
                **REGION,
                "securityhub_organization_enable_hub": True,
                "securityhub_organization_administrator_profile": "nosuch",
            },
            "The config profile (nosuch) could not be found. Set securityhub_organization_administrator_profile to a "
            "profile of ~/.aws/config.",
        ),
    ],
)
def test_a_wrong_variable_is_reported_before_anything_is_called(play, emulator, variables, said):
    code, output, _changed = play(variables)
    assert code == 2
    assert said in " ".join(output.split())
    assert "Origin:" not in output, "Ansible shows the source of the task for errors that nobody expects"
    assert emulator.requests() == []
