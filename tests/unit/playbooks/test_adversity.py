# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What strangers may write, and what nobody may read: hostile text of AWS's answers, and secrets, in all output."""

from __future__ import annotations

import unicodedata

import pytest
from ansible_collections.secops.securityhub.tests.campaigns.playbook import ACCOUNT
from ansible_collections.secops.securityhub.tests.campaigns.playbook import Fleet

# A template, a terminal's title, a colour, the other direction of writing, a page.
READABLE = "{{ 7 * 7 }}<script>alert(1)</script>"
HOSTILE = f"\x1b]0;owned\x07\x1b[31m\u202e{READABLE}"
# XML cannot hold a terminal's escapes.
HOSTILE_XML = f"\u202e\u2066{READABLE}"
SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "sentinel-secret-key",
    "AWS_SESSION_TOKEN": "sentinel-session-token",
}
EXTERNAL_ID = "sentinel-external-id"


@pytest.fixture
def fleet(emulator, tmp_path):
    found = Fleet(emulator, tmp_path, ["eu-west-1", "us-east-1"])
    found.new_world()
    yield found
    emulator.reset()


def assert_inert(output):
    strange = {char for char in output if char != "\n" and unicodedata.category(char).startswith("C")}
    assert strange == set()
    assert "{{ 7 * 7 }}" in output
    assert "49<script" not in output
    assert "Traceback" not in output


def test_what_aws_says_is_inert(fleet):
    fleet.emulator.faults({"denied": 1, "reason": HOSTILE, "operations": ["CreateActionTarget"]})
    assert_inert(fleet.run("-vvv", "--diff").output)


def test_why_a_stack_failed_is_inert(fleet):
    fleet.emulator.stacks(0, {"operation": "create", "reason": HOSTILE_XML, "region": "eu-west-1"})
    result = fleet.run("--diff")
    assert result.failed == {"eu-west-1"}
    assert_inert(result.output)


def test_what_others_have_called_things_is_inert(fleet):
    hub = fleet.emulator.client("securityhub", "us-east-1")
    hub.create_action_target(Name=HOSTILE[:20], Description=HOSTILE, Id="SendToSlack")
    assert_inert(fleet.run("--check", "--diff").output)


def test_the_name_of_a_workspace_is_inert(fleet):
    workspace = {"SlackTeamId": "T0OTHER0000", "SlackTeamName": HOSTILE}
    fleet.emulator.world({ACCOUNT: {"workspaces": [workspace]}})
    assert_inert(fleet.run("-vvv").output)


@pytest.mark.parametrize("fault", [{}, {"denied": 1}, {"errors": 1}])
def test_no_secret_is_in_any_output(fleet, fault):
    fleet.environment = SECRETS
    role = {"role_arn": f"arn:aws:iam::{ACCOUNT}:role/deployer", "external_id": EXTERNAL_ID}
    fleet.emulator.faults({**fault, "operations": ["AssumeRole", "DescribeStacks"]})
    for arguments in (["--check"], []):
        output = fleet.run("-vvv", "--diff", *arguments, **role).output
        assert "sentinel" not in output
