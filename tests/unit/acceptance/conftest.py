# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The acceptance command, pointed at the emulator, with resources of others in the account."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.secops.securityhub.tests.acceptance import __main__ as acceptance
from ansible_collections.secops.securityhub.tests.resilience.playbook import CHATBOT_TRUST
from ansible_collections.secops.securityhub.tests.unit import ansible_commands

# Not an account ID that a masked text may contain.
ACCOUNT = "444455556666"
TEAM, CHANNEL, OTHER_CHANNEL = "T0ABCDEFG12", "C0ABCDEFG12", "C0OTHER0000"
REGIONS = ("us-east-1", "eu-west-1")
WITHOUT_HUB, UNLISTED = "eu-north-1", "ap-east-2"
PREFIX = "accepting"
KEY = "alias/acceptance"
SECRET = "a-secret-key"


class Command:
    """The command, and the account that it runs in."""

    def __init__(self, emulator: Any, popen: Callable[..., subprocess.Popen[str]], folder: Path) -> None:
        self.emulator = emulator
        self._popen = popen
        self.folder = folder
        self.given = [
            *("--account-id", ACCOUNT, "--workspace-id", TEAM, "--channel-id", CHANNEL, "--prefix", PREFIX),
            *("--regions", ",".join(REGIONS), "--report", str(folder / "report"), "--patience", "10"),
        ]

    def client(self, service: str, region: str = REGIONS[0]) -> Any:
        """Return a client of the account."""
        return self.emulator.client(service, region, ACCOUNT)

    def run(self, *arguments: str) -> int:
        """Run the command in this process, and return its exit status."""
        return acceptance.main([*self.given, "--yes", *arguments])

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command in a process of its own, which signals can end."""
        command = [sys.executable, "-m", acceptance.__spec__.name.removesuffix(".__main__")]
        return self._popen(
            [*command, *self.given, "--yes", *arguments],
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def report(self) -> dict[str, Any]:
        """Return the report of the last run."""
        return dict(json.loads((self.folder / "report.json").read_text(encoding="utf-8")))

    def steps(self) -> dict[str, str]:
        """Return the state of each step of the report."""
        return {step["name"]: step["state"] for step in self.report()["steps"]}

    def answers(self) -> dict[str, Any]:
        """Return AWS's answer for each assumption of the report that was tested."""
        return {item["switch"]: item["aws"] for item in self.report()["assumptions"] if item["result"] != "not tested"}

    def writes(self) -> list[str]:
        """Return the operations that wrote something to AWS."""
        return list(self.emulator.writes())

    def role(self, name: str, **more: Any) -> str:
        """Create a role that Chatbot may assume, and return its ARN."""
        trust = json.dumps(CHATBOT_TRUST)
        created = self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust, **more)
        return str(created["Role"]["Arn"])

    def key(self) -> None:
        """Create a key that EventBridge and the account may use."""
        callers = ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, {"Service": "events.amazonaws.com"})
        allowed = [{"Effect": "Allow", "Principal": who, "Action": "kms:*", "Resource": "*"} for who in callers]
        policy = json.dumps({"Version": "2012-10-17", "Statement": allowed})
        kms = self.client("kms")
        kms.create_alias(AliasName=KEY, TargetKeyId=kms.create_key(Policy=policy)["KeyMetadata"]["KeyId"])

    def switches(self, **values: Any) -> dict[str, Any]:
        """Change how the emulator behaves, and return all its switches."""
        return dict(self.emulator.ask("POST", "switches", values))

    def configuration(self, name: str, channel: str, **more: Any) -> None:
        """Create a channel configuration of others."""
        self.client("chatbot", "us-east-2").create_slack_channel_configuration(
            ConfigurationName=name, SlackTeamId=TEAM, SlackChannelId=channel, IamRoleArn=self.role(f"r-{name}"), **more
        )

    def names(self) -> set[str]:
        """Return the names of all resources of the account, by their kind and region."""
        found = {f"role {role['RoleName']}" for role in self.client("iam").list_roles()["Roles"]}
        found |= {
            f"policy {item['PolicyName']}" for item in self.client("iam").list_policies(Scope="Local")["Policies"]
        }
        configurations = self.client("chatbot", "us-east-2").describe_slack_channel_configurations()
        found |= {f"channel {item['ConfigurationName']}" for item in configurations["SlackChannelConfigurations"]}
        for region in REGIONS:
            found |= {f"{region} {name}" for name in self._of_region(region)}
        return {name for name in found if "AWSServiceRole" not in name}

    def _of_region(self, region: str) -> list[str]:
        return [
            *(item["StackName"] for item in self.client("cloudformation", region).describe_stacks()["Stacks"]),
            *(item["TopicArn"] for item in self.client("sns", region).list_topics()["Topics"]),
            *(item["Name"] for item in self.client("events", region).list_rules()["Rules"]),
            *self.client("sqs", region).list_queues().get("QueueUrls", []),
            *(
                item["ActionTargetArn"]
                for item in self.client("securityhub", region).describe_action_targets()["ActionTargets"]
            ),
            *(
                item["Id"]
                for item in self.client("securityhub", region).get_findings()["Findings"]
                if item["RecordState"] == "ACTIVE"
            ),
        ]


@pytest.fixture
def command(emulator, popen, tmp_path, monkeypatch):
    """Return the command in an account with Security Hub in two regions and a channel configuration of others."""
    world = {
        "hubs": list(REGIONS),
        "regions": [*REGIONS, WITHOUT_HUB, UNLISTED],
        "workspaces": [{"SlackTeamId": TEAM, "SlackTeamName": "acme"}],
    }
    emulator.world({ACCOUNT: world})
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("ANSIBLE_COLLECTIONS_PATH", ansible_commands.COLLECTIONS)
    monkeypatch.setenv("PYTHONPATH", ansible_commands.COLLECTIONS)
    monkeypatch.setenv("PATH", f"{ansible_commands.folder()}{os.pathsep}{os.environ['PATH']}")
    handlers = {number: signal.getsignal(number) for number in acceptance.SIGNALS}
    found = Command(emulator, popen, tmp_path)
    found.configuration("theirs", OTHER_CHANNEL)
    found.client("sns").create_topic(Name="theirs")
    emulator.forget_requests()
    yield found
    for number, handler in handlers.items():
        signal.signal(number, handler)
