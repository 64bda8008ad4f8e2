# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shipped playbook against the emulator, over HTTP: writes, predictions, messages and requirements."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from ansible_collections.secops.securityhub.tests.resilience.playbook import states_in
from ansible_collections.secops.securityhub.tests.unit import ansible_commands

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOK = ROOT / "playbooks" / "securityhub_slack.yml"
EXAMPLE = ROOT / "inventories" / "example"
PREVIEW = Path(__file__).with_name("preview.yml")
ACCOUNT = "111111111111"
REGIONS = ["ap-southeast-1", "eu-west-1", "us-east-1"]
WORKSPACE = {"SlackTeamId": "T0123456789", "SlackTeamName": "acme"}


class Playbook:
    """The playbook with an inventory of three regions of one account."""

    def __init__(self, emulator, folder: Path) -> None:
        self.emulator = emulator
        self.inventory = folder / "hosts.yml"
        self.result_file = folder / "result.json"
        self.inventory.write_text(
            json.dumps({"all": {"hosts": {region: {} for region in REGIONS}, "vars": self._variables()}})
        )

    def _variables(self) -> dict:
        return {
            "securityhub_slack_endpoint_url": self.emulator.url,
            "securityhub_slack_workspace_id": WORKSPACE["SlackTeamId"],
            "securityhub_slack_channel_id": "C0123456789",
            "securityhub_slack_result_file": str(self.result_file),
        }

    def run(self, *arguments: str, inventory: bool = True) -> subprocess.CompletedProcess:
        environment = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "the-secret-key",
            "ANSIBLE_NOCOLOR": "1",
            "COLUMNS": "80",
        }
        hosts = ["-i", str(self.inventory)] if inventory else []
        playbook = PREVIEW if "--check" in arguments else PLAYBOOK
        return subprocess.run(
            [ansible_commands.path("ansible-playbook"), *hosts, str(playbook), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env=environment,
        )

    def changed(self, *arguments: str) -> set[str]:
        """Run the playbook without a failure, and return the hosts, and the IDs of accounts, that changed."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return self.with_state("changed")

    def with_state(self, state: str) -> set[str]:
        """Return what the last run left ok, changed or failed."""
        return {name for name, found in states_in(self.result_file).items() if found == state}


@pytest.fixture
def playbook(emulator, tmp_path):
    emulator.world({ACCOUNT: {"hubs": "all", "workspaces": [WORKSPACE]}})
    return Playbook(emulator, tmp_path)


def words(done: subprocess.CompletedProcess) -> str:
    """Return all output on one line."""
    return " ".join((done.stdout + done.stderr).split())


def topics(emulator) -> list[str]:
    found = emulator.client("chatbot", "us-east-2").describe_slack_channel_configurations()[
        "SlackChannelConfigurations"
    ]
    return [arn for configuration in found for arn in configuration["SnsTopicArns"]]


def test_deploy_change_and_remove(playbook, emulator):
    predicted = playbook.changed("--check", "--diff")
    assert emulator.writes() == []
    everything = {*REGIONS, ACCOUNT}
    assert predicted == everything
    assert playbook.changed() == everything

    emulator.forget_requests()
    assert playbook.changed() == set()
    assert emulator.writes() == []
    reads = [
        entry for entry in emulator.requests() if entry["operation"] in ("DescribeStacks", "DescribeActionTargets")
    ]
    assert len(reads) == 2 * len(REGIONS)
    assert len(emulator.requests()) <= 2 * len(REGIONS) + 10

    raised = ["-e", "securityhub_slack_minimum_severity=HIGH", "--limit", "eu-west-1"]
    assert playbook.changed("--check", *raised) == playbook.changed(*raised) == {"eu-west-1"}
    assert len(topics(emulator)) == len(REGIONS)

    one = ["-e", "securityhub_slack_state=absent", "--limit", "eu-west-1"]
    assert playbook.changed("--check", *one) == playbook.changed(*one) == {"eu-west-1", ACCOUNT}
    assert sorted(arn.split(":")[3] for arn in topics(emulator)) == ["ap-southeast-1", "us-east-1"]

    everything_absent = ["-e", "securityhub_slack_state=absent"]
    assert playbook.changed("--check", *everything_absent) == playbook.changed(*everything_absent)
    emulator.forget_requests()
    assert playbook.changed(*everything_absent) == set()
    assert emulator.writes() == []
    assert_nothing_left(emulator)


def assert_nothing_left(emulator) -> None:
    for region in REGIONS:
        assert emulator.client("cloudformation", region).describe_stacks()["Stacks"] == []
        assert emulator.client("securityhub", region).describe_action_targets()["ActionTargets"] == []
        assert emulator.client("sns", region).list_topics()["Topics"] == []
        assert emulator.client("events", region).list_rules()["Rules"] == []
    iam = emulator.client("iam")
    assert [role["RoleName"] for role in iam.list_roles()["Roles"] if "securityhub-slack" in role["RoleName"]] == []
    assert iam.list_policies(Scope="Local")["Policies"] == []
    assert topics(emulator) == []


def test_a_region_without_a_hub_fails_alone_with_a_remedy(playbook, emulator):
    emulator.world({ACCOUNT: {"hubs": ["ap-southeast-1", "us-east-1"]}})
    done = playbook.run()
    assert done.returncode == 2
    assert playbook.with_state("failed") == {"eu-west-1"}
    assert playbook.with_state("changed") == {"ap-southeast-1", "us-east-1", ACCOUNT}
    assert re.search(r"eu-west-1: Security Hub is not enabled.* remove the region", words(done))
    assert "Traceback" not in done.stdout + done.stderr
    assert len(topics(emulator)) == 2


@pytest.mark.parametrize("arguments", [["--check"], []])
def test_all_blockers_are_reported_together_and_nothing_is_written(playbook, emulator, arguments):
    emulator.world({ACCOUNT: {"hubs": ["us-east-1"], "workspaces": []}})
    done = playbook.run(*arguments)
    assert done.returncode == 2
    failures = " ".join(done.stdout.partition("Failed:")[2].partition("fatal:")[0].split())
    assert failures.startswith("ap-southeast-1, eu-west-1: Security Hub is not enabled. Enable it, or remove the")
    assert "ap-southeast-1, eu-west-1, us-east-1: Slack workspace T0123456789 is not authorized in " in failures
    assert "https://us-east-2.console.aws.amazon.com/chatbot/home" in failures
    assert "3 targets: 0 changed, 0 unchanged, 3 failed." in done.stdout.replace("would change", "changed")
    assert playbook.result_file.exists() is not ("--check" in arguments)
    assert emulator.writes() == []


def test_a_failed_first_host_does_not_prevent_the_channel(playbook, emulator):
    emulator.world({ACCOUNT: {"hubs": ["eu-west-1", "us-east-1"]}})
    assert playbook.run().returncode == 2
    assert sorted(arn.split(":")[3] for arn in topics(emulator)) == ["eu-west-1", "us-east-1"]
    emulator.forget_requests()
    assert playbook.run("--limit", REGIONS[0]).returncode == 2
    assert emulator.writes() == []


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        (
            ["-e", "securityhub_slack_channel_id=C00000000"],
            "securityhub_slack_channel_id is 'C00000000'.* Set it to the channel ID",
        ),
        (
            ["-e", "securityhub_slack_workspace_id=T00000000"],
            "securityhub_slack_workspace_id is 'T00000000'.* Set it to the workspace ID",
        ),
        (
            ["-e", "securityhub_slack_chanel_id=C1"],
            "securityhub_slack_chanel_id .*did you mean securityhub_slack_channel_id",
        ),
        (
            ["-e", "securityhub_slack_minimum_severity=SEVERE"],
            "must be one of: INFORMATIONAL, LOW, MEDIUM, HIGH, CRITICAL, got: SEVERE",
        ),
        (["-e", "securityhub_slack_minimum_severity=medium"], "Did you mean MEDIUM\\?"),
        (["-e", '{"securityhub_slack_severities": ["hihg"]}'], "Did you mean HIGH\\?"),
        (["-e", "securityhub_slack_region=cn-north-1"], "cn-north-1 is in AWS China"),
        (["-e", "securityhub_slack_region=EU-WEST-1"], "'EU-WEST-1' is not an AWS region.* Did you mean eu-west-1\\?"),
        (["-e", "securityhub_slack_region=eu-west-9"], "eu-west-9 is not an AWS region.* Did you mean eu-west-.\\?"),
        (["-e", "securityhub_slack_channel_id="], "securityhub_slack_channel_id is not set"),
    ],
)
def test_invalid_input_is_rejected_before_the_first_call(playbook, emulator, arguments, facts):
    emulator.forget_requests()
    done = playbook.run(*arguments)
    assert done.returncode == 2
    assert re.search(facts, words(done), re.IGNORECASE)
    assert emulator.requests() == []


def test_channel_changes_that_were_not_written_are_not_reported_as_written(playbook, emulator):
    emulator.faults({"denied": 1.0, "operations": ["CreateStack"]})
    done = playbook.run()
    assert done.returncode == 2
    assert f"\nAccount {ACCOUNT}\n" in done.stdout
    assert "configuration securityhub-slack: create" not in done.stdout
    emulator.faults({"denied": 1.0, "operations": ["CreateSlackChannelConfiguration"]})
    done = playbook.run()
    assert f"\nAccount {ACCOUNT}\n" in done.stdout
    assert "The channel is only partly configured" in words(done)
    assert "configuration securityhub-slack: create" not in done.stdout


def document(folder):
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))


def test_the_result_file_has_changes_and_failures(playbook, emulator, tmp_path):
    emulator.world({ACCOUNT: {"hubs": ["ap-southeast-1", "us-east-1"]}})
    assert playbook.run("-e", f"securityhub_slack_result_file={tmp_path}/result.json").returncode == 2
    found = document(tmp_path)
    assert (found["schema"], found["changed"]) == (1, True)
    assert found["summary"] == {"targets": 3, "changed": 2, "unchanged": 0, "failed": 1}
    assert found["targets"]["eu-west-1"]["failed"]
    assert found["targets"]["eu-west-1"]["msg"].startswith("Security Hub is not enabled")
    (account,) = found["accounts"]
    assert [len(channel["topics"]) for channel in account["channels"]] == [2]


def test_the_result_file_has_invalid_variables_too(playbook, tmp_path):
    playbook.run("-e", f"securityhub_slack_result_file={tmp_path}/result.json", "-e", "securityhub_slack_chanel_id=C1")
    assert document(tmp_path)["summary"]["failed"] == 3


def test_a_result_file_that_cannot_be_written_is_reported_before_the_first_call(playbook, emulator, tmp_path):
    emulator.forget_requests()
    done = playbook.run("-e", f"securityhub_slack_result_file={tmp_path}")
    assert done.returncode == 2
    assert "could not be written: it is not a regular file. Choose another file." in " ".join(done.stdout.split())
    assert emulator.requests() == []


@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_a_file_of_others_that_is_given_as_the_result_file_is_kept(playbook, emulator, tmp_path, arguments):
    inventory = tmp_path / "production.securityhub_regions.yml"
    inventory.write_text("plugin: secops.securityhub.securityhub_regions\n")
    emulator.forget_requests()
    done = playbook.run("-e", f"securityhub_slack_result_file={inventory}", *arguments)
    assert done.returncode == 2
    assert "this collection did not write it" in " ".join(done.stdout.split())
    assert inventory.read_text() == "plugin: secops.securityhub.securityhub_regions\n"
    assert emulator.requests() == []


def test_the_example_inventory_fails_with_all_that_has_to_be_set_in_it(playbook, emulator):
    emulator.forget_requests()
    done = playbook.run("-i", str(EXAMPLE), inventory=False)
    assert done.returncode == 2
    said = words(done)
    assert "securityhub_slack_workspace_id is 'T00000000', which is not a Slack ID. Set it to the workspace ID" in said
    assert "securityhub_slack_channel_id is 'C00000000', which is not a Slack ID. Set it to the channel ID" in said
    assert "17 targets: 0 changed, 0 unchanged, 17 failed." in said
    assert emulator.requests() == []


def test_an_empty_inventory_fails_with_the_command_to_run(playbook):
    done = playbook.run(inventory=False)
    assert done.returncode == 2
    said = words(done)
    assert "The inventory has no targets" in said
    assert "ansible-playbook -i inventories/production secops.securityhub.securityhub_slack" in said
