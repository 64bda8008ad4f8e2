# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many accounts from one inventory plugin file, by the shipped playbook against the emulator over HTTP."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import yaml
from ansible_collections.secops.securityhub.tests.resilience.playbook import states_in
from ansible_collections.secops.securityhub.tests.unit import ansible_commands

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOK = ROOT / "playbooks" / "securityhub_slack.yml"
POLICY = ROOT / "roles" / "securityhub_slack" / "files" / "iam" / "read.json"
EXAMPLE = ROOT / "inventories" / "fleet" / "securityhub_regions.yml"
AUTOMATION = "999999999999"
ACCOUNTS = {"prod": "111111111111", "stage": "222222222222", "lab": "333333333333"}
DEFAULT_REGIONS = 17
WORKSPACE = {"SlackTeamId": "T0123456789", "SlackTeamName": "acme"}
SHARED_CHANNEL = "C0123456789"


class Fleet:
    """The example inventory of a fleet, with real IDs, and the playbook for it."""

    def __init__(self, emulator, folder: Path) -> None:
        self.emulator = emulator
        self.file = folder / "securityhub_regions.yml"
        self.result_file = folder / "result.json"
        self.file.write_text(
            EXAMPLE.read_text().replace("T0000000000", WORKSPACE["SlackTeamId"]).replace("C0000000000", SHARED_CHANNEL)
        )

    def narrow(self, *regions: str, **of_accounts: dict) -> None:
        """Keep only *regions*, and add settings to accounts of the file, by account name."""
        content = yaml.safe_load(self.file.read_text())
        content["regions"] = list(regions)
        content.pop("region_variables", None)
        for account in content["accounts"]:
            account.update(of_accounts.get(account["name"], {}))
        self.file.write_text(yaml.safe_dump(content))

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))}
        return subprocess.run(
            [
                ansible_commands.path("ansible-playbook"),
                *("-i", str(self.file), str(PLAYBOOK)),
                *("-e", f"securityhub_slack_result_file={self.result_file}"),
                *arguments,
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env={
                **environment,
                "AWS_ACCESS_KEY_ID": AUTOMATION,
                "AWS_SECRET_ACCESS_KEY": "emulator",
                "AWS_ENDPOINT_URL": self.emulator.url,
                "ANSIBLE_NOCOLOR": "1",
            },
        )

    def changed(self, *arguments: str) -> set[str]:
        """Run the playbook without a failure, and return the targets that changed."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return self.hosts("changed")

    def hosts(self, state: str) -> set[str]:
        """Return the targets that the last run left in a state: ok, changed, or failed."""
        return {name for name, found in states_in(self.result_file).items() if found == state} - set(ACCOUNTS.values())

    def configurations(self, name: str) -> list[dict]:
        client = self.emulator.client("chatbot", "us-east-2", account=ACCOUNTS[name])
        return client.describe_slack_channel_configurations()["SlackChannelConfigurations"]

    def find(self, name: str, region: str, title: str) -> None:
        """Import a critical finding of an account."""
        account = ACCOUNTS[name]
        finding = {
            "SchemaVersion": "2018-10-08",
            "Id": f"arn:aws:securityhub:{region}:{account}:finding/{title}",
            "ProductArn": f"arn:aws:securityhub:{region}::product/aws/securityhub",
            "GeneratorId": "security-control/EC2.8",
            "AwsAccountId": account,
            "CreatedAt": "2026-01-01T00:00:00.000Z",
            "UpdatedAt": "2026-01-01T00:00:00.000Z",
            "Severity": {"Label": "CRITICAL"},
            "Title": title,
            "Description": "A check.",
            "Resources": [{"Type": "AwsEc2Instance", "Id": "i-1"}],
            "Types": ["Software and Configuration Checks"],
            "Compliance": {"Status": "FAILED", "SecurityControlId": "EC2.8"},
        }
        client = self.emulator.client("securityhub", region, account=account)
        assert client.batch_import_findings(Findings=[finding])["SuccessCount"] == 1

    def messages(self) -> list[tuple[str, str]]:
        """The messages so far, as Slack channel and title."""
        return sorted((message["channel"], message["title"]) for message in self.emulator.inbox())


def written(emulator) -> set[tuple[str, str]]:
    """The accounts and regions that something was written to, IAM aside, which is the same in all regions."""
    writes = [entry for entry in emulator.requests() if entry["write"] and entry["service"] != "iam"]
    return {(entry["account"], entry["region"]) for entry in writes}


def said(done: subprocess.CompletedProcess) -> str:
    return " ".join((done.stdout + done.stderr).split())


@pytest.fixture
def fleet(emulator, tmp_path):
    emulator.world({account: {"hubs": "all", "workspaces": [WORKSPACE]} for account in ACCOUNTS.values()})
    emulator.forget_requests()
    return Fleet(emulator, tmp_path)


def test_three_accounts_in_all_regions_need_fifteen_lines(fleet, emulator):
    assert len(fleet.file.read_text().splitlines()) <= 15
    assert len(fleet.changed()) == DEFAULT_REGIONS * len(ACCOUNTS)

    calls = Counter(entry["operation"] for entry in emulator.requests())
    # Once for the inventory and once for the one task of the playbook, not for each target.
    assert calls["AssumeRole"] == 2 * len(ACCOUNTS)
    per_account = ("CreateRole", "CreatePolicy", "CreateSlackChannelConfiguration")
    assert {name: calls[name] for name in per_account} == dict.fromkeys(per_account, len(ACCOUNTS))
    for name, account in ACCOUNTS.items():
        (configuration,) = fleet.configurations(name)
        assert configuration["SlackChannelId"] == SHARED_CHANNEL
        assert len(configuration["SnsTopicArns"]) == DEFAULT_REGIONS
        assert {arn.split(":")[4] for arn in configuration["SnsTopicArns"]} == {account}

    for name in ACCOUNTS:
        fleet.find(name, "eu-west-1", name)
    assert fleet.messages() == sorted((SHARED_CHANNEL, name) for name in ACCOUNTS)

    emulator.forget_requests()
    assert fleet.changed() == set()
    assert emulator.writes() == []

    raised = fleet.changed("--limit", "stage.eu-west-1", "-e", "securityhub_slack_minimum_severity=HIGH")
    assert raised == {"stage.eu-west-1"}
    assert written(emulator) == {(ACCOUNTS["stage"], "eu-west-1")}
    emulator.forget_requests()
    assert "stage.eu-west-1" in fleet.changed("--limit", "stage.*")
    assert written(emulator) == {(ACCOUNTS["stage"], "eu-west-1")}


def test_a_channel_for_each_account(fleet):
    channels = {name: f"C{number}123456789" for number, name in enumerate(ACCOUNTS, 1)}
    given = {name: {"variables": {"securityhub_slack_channel_id": channel}} for name, channel in channels.items()}
    fleet.narrow("eu-west-1", **given)
    assert fleet.changed() == {f"{name}.eu-west-1" for name in ACCOUNTS}
    for name in ACCOUNTS:
        fleet.find(name, "eu-west-1", name)
    assert fleet.messages() == sorted((channels[name], name) for name in ACCOUNTS)


def test_an_account_whose_role_cannot_be_assumed_fails_alone(fleet, emulator):
    fleet.narrow("eu-west-1", "us-east-1")
    emulator.world({ACCOUNTS["lab"]: {"roles": []}})
    done = fleet.run()
    assert done.returncode == 2
    assert fleet.hosts("failed") == {"lab"}
    assert len(fleet.hosts("changed")) == 2 * 2
    assert f"arn:aws:iam::{ACCOUNTS['lab']}:role/securityhub-slack" in said(done)
    assert "trust policy" in said(done)
    assert "is not an AWS region" not in said(done)
    assert "Traceback" not in said(done)
    assert len(fleet.configurations("prod")) == len(fleet.configurations("stage")) == 1
    assert fleet.configurations("lab") == []

    again = fleet.run()
    assert again.returncode == 2
    assert fleet.hosts("changed") == set()


def test_in_a_removal_an_account_whose_role_cannot_be_assumed_fails_alone(fleet, emulator):
    fleet.narrow("eu-west-1")
    fleet.changed()
    emulator.world({ACCOUNTS["lab"]: {"roles": []}})
    done = fleet.run("-e", "securityhub_slack_state=absent")
    assert done.returncode == 2
    assert fleet.hosts("failed") == {"lab"}
    assert fleet.configurations("prod") == fleet.configurations("stage") == []
    assert len(fleet.configurations("lab")) == 1


def test_a_region_without_a_hub_fails_before_anything_is_written_there(fleet, emulator):
    fleet.narrow("eu-west-1", "us-east-1")
    emulator.world({ACCOUNTS["prod"]: {"hubs": ["us-east-1"]}})
    done = fleet.run()
    assert done.returncode == 2
    assert fleet.hosts("failed") == {"prod.eu-west-1"}
    assert len(fleet.hosts("changed")) == 2 * len(ACCOUNTS) - 1
    assert re.search(r"prod\.eu-west-1: Security Hub is not enabled[^.]*\. Enable it, or remove the region", said(done))
    assert (ACCOUNTS["prod"], "eu-west-1") not in written(emulator)
    assert fleet.run("--limit", "securityhub:!hub_disabled").returncode == 0


def test_a_region_enabled_between_two_runs_is_deployed_by_the_second(fleet, emulator):
    fleet.narrow("us-east-1", "ap-east-*")
    assert fleet.changed() == {f"{name}.us-east-1" for name in ACCOUNTS}
    emulator.world({ACCOUNTS["prod"]: {"hubs": ["us-east-1", "ap-east-1"]}})
    assert fleet.changed() == {"prod.ap-east-1"}
    fleet.find("prod", "ap-east-1", "found in the new region")
    assert fleet.messages() == [(SHARED_CHANNEL, "found in the new region")]


def test_uncovered_regions_are_reported(fleet, emulator):
    fleet.narrow("us-east-1", "eu-west-1")
    report = ["-e", "securityhub_slack_report_uncovered_regions=true"]
    emulator.world(
        {
            ACCOUNTS["prod"]: {"hubs": ["us-east-1", "eu-west-1", "ap-east-1"]},
            ACCOUNTS["stage"]: {"hubs": ["us-east-1", "eu-west-1"]},
            ACCOUNTS["lab"]: {"hubs": ["us-east-1", "eu-west-1", "sa-east-1", "eu-south-1"]},
        }
    )
    before = fleet.run("--check")
    assert "findings are not forwarded" not in said(before)

    emulator.forget_requests()
    done = fleet.run(*report)
    assert done.returncode == 0
    notices = re.findall(r"Security Hub is enabled in ([^:]+), and its findings are not forwarded", said(done))
    assert sorted(notices) == ["ap-east-1", "eu-south-1, sa-east-1"]
    statements = json.loads(POLICY.read_text())["Statement"]
    allowed = {action for item in statements for action in item["Action"]}
    called = {f"{entry['service']}:{entry['operation']}" for entry in emulator.requests()}
    assert "account:ListRegions" in called
    assert called & {"account:ListRegions", "ec2:DescribeRegions", "securityhub:DescribeHub"} <= allowed

    limited = fleet.run(*report, "--limit", "prod.us-east-1", "-v")
    assert fleet.hosts("changed") == set()
    assert "Security Hub is enabled in ap-east-1, and its findings are not forwarded" in said(limited)
    assert f'"uncovered_regions": {{"{ACCOUNTS["prod"]}": ["ap-east-1"]}}' in said(limited)

    fleet.narrow("us-east-1")
    left = said(fleet.run(*report))
    assert "deployed, but not in this inventory: eu-west-1. " in left
    assert not re.search(r"enabled in [^:]*eu-west-1[^:]*, and its findings are not forwarded", left)

    fleet.narrow("us-east-1", "eu-*", "ap-east-1", "sa-east-1")
    covered = fleet.run(*report)
    assert fleet.hosts("changed") == {"prod.ap-east-1", "lab.sa-east-1", "lab.eu-south-1"}
    assert "findings are not forwarded" not in said(covered)
