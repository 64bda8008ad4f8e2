# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the main command over HTTP against the emulator, without Ansible around them."""

from __future__ import annotations

import dataclasses
import datetime
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._apply import stacks
from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import Clients
from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import Traffic
from ansible_collections.secops.securityhub.plugins.module_utils._channel import configuration
from ansible_collections.secops.securityhub.plugins.module_utils._commands import deploy
from ansible_collections.secops.securityhub.plugins.module_utils._commands.context import Context
from ansible_collections.secops.securityhub.plugins.module_utils._model.settings import Settings
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import TargetSnapshot
from ansible_collections.secops.securityhub.tests.unit import account_model as fleet
from ansible_collections.secops.securityhub.tests.unit.said import Said

ACCOUNT = fleet.ACCOUNT.id
WORKSPACES = [{"SlackTeamId": fleet.WORKSPACE, "SlackTeamName": "acme"}]


class Lab:
    """An account with Security Hub everywhere and the workspace authorized, and runs in it."""

    def __init__(self, emulator: Any) -> None:
        self.emulator = emulator
        self.client = emulator.client
        self._clients = Clients()

    def world(self, account: str = ACCOUNT, **more: Any) -> None:
        self.emulator.world({account: {"hubs": "all", "workspaces": WORKSPACES, **more}})

    def settings(self, region: str, host: str = "", **given: Any) -> Settings:
        return fleet.settings(region, host, endpoint_url=self.emulator.url, **given)

    def hosts(self, *regions: str, **given: Any) -> list[Settings]:
        return [self.settings(region, **given) for region in regions]

    def run(
        self,
        targets: Iterable[Settings],
        unselected: Iterable[Settings] = (),
        *,
        check: bool = False,
        diff: bool = False,
    ) -> Outcome:
        """Run the command, and return its result with the requests that it took."""
        self.emulator.forget_requests()
        before = dataclasses.replace(self._clients.traffic)
        said = Said()
        written: dict[str, str] = {}
        context = Context(
            aws=self._clients,
            targets=[TargetSnapshot(item) for item in targets],
            unselected=[TargetSnapshot(item) for item in unselected],
            options={},
            check_mode=check,
            diff=diff,
            now=datetime.datetime.combine(fleet.TODAY, datetime.time(12), datetime.timezone.utc),
            progress=said,
            write=written.__setitem__,
            selection="-i hosts.yml",
        )
        done = deploy.run(context)
        after = self._clients.traffic
        traffic = Traffic(after.calls - before.calls, after.retries - before.retries)
        return Outcome(done.result, done.lines, said, self.emulator.requests(), traffic)

    def stack(self, region: str, account: str = ACCOUNT) -> dict[str, Any] | None:
        found = self.client("cloudformation", region, account).describe_stacks()["Stacks"]
        return found[0] if found else None

    def actions(self, region: str, account: str = ACCOUNT) -> list[str]:
        found = self.client("securityhub", region, account).describe_action_targets()["ActionTargets"]
        return [item["Name"] for item in found]

    def channels(self, account: str = ACCOUNT) -> dict[str, Any]:
        """The account's channel configurations by name."""
        found = self.client("chatbot", "us-east-2", account).describe_slack_channel_configurations()
        return {item["ConfigurationName"]: item for item in found["SlackChannelConfigurations"]}

    def carried(self, name: str = "securityhub-slack", account: str = ACCOUNT) -> list[str]:
        """The topics of a channel configuration, as region:topic."""
        arns = self.channels(account)[name]["SnsTopicArns"]
        return sorted(":".join(arn.split(":")[index] for index in (3, 5)) for arn in arns)

    def topics(self, region: str, account: str = ACCOUNT) -> list[str]:
        found = self.client("sns", region, account).list_topics()["Topics"]
        return sorted(item["TopicArn"].rpartition(":")[2] for item in found)

    def ours(self, *regions: str, account: str = ACCOUNT) -> dict[str, Any]:
        """Everything that is left of ours in an account."""
        iam = self.client("iam", account=account)
        found = {
            "channels": list(self.channels(account)),
            "roles": [item["RoleName"] for item in iam.list_roles()["Roles"] if "slack" in item["RoleName"]],
            "policies": [item["PolicyName"] for item in iam.list_policies(Scope="Local")["Policies"]],
        }
        for region in regions:
            found[f"stack in {region}"] = self.stack(region, account)
            found[f"actions in {region}"] = self.actions(region, account)
            found[f"topics in {region}"] = self.topics(region, account)
            found[f"rules in {region}"] = self.client("events", region, account).list_rules()["Rules"]
        return {name: value for name, value in found.items() if value}


class Outcome:
    """What a run came to."""

    def __init__(self, result, lines, said, requests, traffic) -> None:
        self.result = result
        self.lines = lines
        self.said = said
        self.requests = requests
        self.traffic = traffic
        self.problems = {host: item["problems"] for host, item in result["targets"].items() if item["failed"]}
        self.errors = {host: item["msg"] for host, item in result["targets"].items() if item["failed"]}
        self.writes = [entry["operation"] for entry in requests if entry["write"]]
        self.calls = Counter(entry["operation"] for entry in requests)
        self.notices = [notice for account in result["accounts"] for notice in account["notices"]]

    @property
    def reported(self) -> dict[str, Any]:
        """What a run reports about its changes; check mode must predict the same."""
        return {
            "targets": {
                host: (item["changes"], item["failed"], item["policy"]) for host, item in self.result["targets"].items()
            },
            "accounts": [
                (item["account_id"], sorted(item["changes"]), item["channels"]) for item in self.result["accounts"]
            ],
            "changed": self.result["changed"],
            "summary": self.result["summary"],
        }


@pytest.fixture
def lab(emulator, monkeypatch, tmp_path):
    """An account to run in, with short pauses between reads, because nothing else writes."""
    monkeypatch.setattr(configuration, "SETTLE_SECONDS", 0.01)
    monkeypatch.setattr(stacks, "FIRST_PAUSE", 0.05)
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulator")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    found = Lab(emulator)
    found.world()
    return found
