# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small fleet on the emulator, deployed by the collection itself: three regions of one account, one Slack channel."""

from __future__ import annotations

import datetime
import json
import sys
from functools import lru_cache
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.secops.securityhub.plugins.module_utils._apply import stacks
from ansible_collections.secops.securityhub.plugins.module_utils._aws.clients import Clients
from ansible_collections.secops.securityhub.plugins.module_utils._canary import channels
from ansible_collections.secops.securityhub.plugins.module_utils._canary import listeners
from ansible_collections.secops.securityhub.plugins.module_utils._canary import sending
from ansible_collections.secops.securityhub.plugins.module_utils._channel import configuration
from ansible_collections.secops.securityhub.plugins.module_utils._commands import canary
from ansible_collections.secops.securityhub.plugins.module_utils._commands import deploy as main_job
from ansible_collections.secops.securityhub.plugins.module_utils._commands.context import Context
from ansible_collections.secops.securityhub.plugins.module_utils._commands.context import Outcome
from ansible_collections.secops.securityhub.plugins.module_utils._model.settings import PREFIX
from ansible_collections.secops.securityhub.plugins.module_utils._model.settings import settings_of
from ansible_collections.secops.securityhub.plugins.module_utils._model.snapshot import TargetSnapshot
from ansible_collections.secops.securityhub.plugins.plugin_utils import _targets
from ansible_collections.secops.securityhub.tests.unit.said import Said

ACCOUNT = "111111111111"
REGIONS = ("ap-southeast-1", "eu-west-1", "us-east-1")
HERE = "eu-west-1"  # where things are broken
NAME = "securityhub-slack"
TEAM, CHANNEL = "T0123456789", "C0123456789"
TOPIC = f"arn:aws:sns:{HERE}:{ACCOUNT}:{NAME}"
ALIAS = f"alias/{NAME}"  # of the stack's own key
GIVEN_ALIAS = "alias/security"
CONFIGURATION = f"arn:aws:chatbot::{ACCOUNT}:chat-configuration/slack-channel/{NAME}"
WORLD = {"hubs": list(REGIONS), "workspaces": [{"SlackTeamId": TEAM, "SlackTeamName": "acme"}]}
# A day on which nothing in the tests expires.
TODAY = datetime.date(2026, 11, 24)
NOW = datetime.datetime.combine(TODAY, datetime.time(12), datetime.timezone.utc)


@lru_cache(maxsize=1)
def clients() -> Clients:
    """Return the clients of all tests of the process: to make them takes longer than to use them."""
    return Clients()


class Fleet:
    """The fleet, ways to run the collection on it, and clients to break it with."""

    def __init__(self, emulator: Any, **variables: Any) -> None:
        self.emulator = emulator
        self.variables = variables

    def client(self, service: str, region: str = HERE) -> Any:
        """Return a boto3 client of the account in a region."""
        return self.emulator.client(service, region)

    def targets(self, **given: Any) -> list[TargetSnapshot]:
        """Return a target for each region, with role variables given without their prefix."""
        return [TargetSnapshot(settings_of(region, self._variables(region, given))) for region in REGIONS]

    def _variables(self, region: str, given: dict[str, Any]) -> dict[str, Any]:
        chosen = {
            "region": region,
            "endpoint_url": self.emulator.url,
            "workspace_id": TEAM,
            "channel_id": CHANNEL,
            **self.variables,
            **given,
        }
        checked = ArgumentSpecValidator(_targets.options()).validate({PREFIX + key: chosen[key] for key in chosen})
        assert not checked.error_messages, checked.error_messages
        return dict(checked.validated_parameters)

    def context(self, *, check: bool = False, options: dict[str, Any] | None = None, **given: Any) -> Context:
        """Return the context in which a command runs on the fleet, with role variables without their prefix."""
        return Context(
            aws=clients(),
            targets=self.targets(**given),
            unselected=[],
            options=options or {},
            check_mode=check,
            diff=False,
            now=NOW,
            progress=Said(),
            write=lambda _path, _text: None,
            selection="-i hosts.yml",
        )

    def deploy(self, *, check: bool = False, **given: Any) -> Outcome:
        """Run the main job, and return its outcome."""
        return main_job.run(self.context(check=check, **given))

    def run(self, *, check: bool = False, **given: Any) -> list[str]:
        """Run the main job, and return what it has changed or failed at, in words."""
        result = self.deploy(check=check, **given).result
        of_targets = [
            f"{host}: {change}"
            for host, target in result["targets"].items()
            for change in ([f"FAILED: {target['msg']}"] if target["failed"] else target["changes"])
        ]
        return of_targets + [change for account in result["accounts"] for change in account["changes"]]

    def finding(self, name: str = "1", region: str = HERE) -> None:
        """Let Security Hub get a critical finding; where it is off it gets none."""
        given = {
            "SchemaVersion": "2018-10-08",
            "Id": f"{region}/{name}",
            "ProductArn": f"arn:aws:securityhub:{region}::product/aws/securityhub",
            "GeneratorId": "security-control/EC2.19",
            "AwsAccountId": ACCOUNT,
            "CreatedAt": "2026-01-01T00:00:00.000Z",
            "UpdatedAt": "2026-01-01T00:00:00.000Z",
            "Severity": {"Label": "CRITICAL"},
            "Title": f"Finding {name} in {region}",
            "Description": "A check.",
            "Types": ["Software and Configuration Checks"],
            "Resources": [{"Type": "AwsEc2SecurityGroup", "Id": "sg-1"}],
            "Compliance": {"Status": "FAILED", "SecurityControlId": "EC2.19"},
        }
        hub = self.client("securityhub", region)
        try:
            hub.batch_import_findings(Findings=[given])
        except hub.exceptions.InvalidAccessException:
            return

    def traces(self) -> list[str]:
        """Return everything beside the deployments, in all regions: queues, their subscriptions, active findings."""
        found: list[str] = []
        for region in REGIONS:
            found += self.client("sqs", region).list_queues().get("QueueUrls", [])
            subscriptions = self.client("sns", region).list_subscriptions()["Subscriptions"]
            found += [item["Endpoint"] for item in subscriptions if item["Protocol"] == "sqs"]
            hub = self.client("securityhub", region)
            try:
                findings = hub.get_findings()["Findings"]
            except hub.exceptions.InvalidAccessException:
                continue
            found += [item["Id"] for item in findings if item["RecordState"] != "ARCHIVED"]
        return found

    def arrived(self) -> list[str]:
        """Return the titles of the messages in the channel."""
        return [message["title"] for message in self.emulator.inbox(CHANNEL)]


def key_policy(*services: str) -> dict[str, Any]:
    """Return the policy of a key that its account, and these services, may use."""
    account = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*"}
    grants = [
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": ["kms:Decrypt", "kms:GenerateDataKey*"]}
        for service in services
    ]
    return {"Version": "2012-10-17", "Statement": [{**item, "Resource": "*"} for item in (account, *grants)]}


def make_key(emulator: Any, region: str, *services: str, alias: str = "", **more: Any) -> str:
    """Make a key that these services may use, and return its ARN."""
    client = emulator.client("kms", region)
    arn = str(client.create_key(Policy=json.dumps(key_policy(*services)), **more)["KeyMetadata"]["Arn"])
    if alias:
        client.create_alias(AliasName=alias, TargetKeyId=arn)
    return arn


def remove_pauses_of_canaries(monkeypatch: Any) -> None:
    """Remove all pauses of canaries: the emulator needs no time."""
    monkeypatch.setattr(sending, "SETTLE_SECONDS", 0.0)
    monkeypatch.setattr(sending, "FINDINGS_PER_SECOND", 1000)
    monkeypatch.setattr(listeners, "POLL_SECONDS", 0)
    monkeypatch.setattr(listeners, "SUBSCRIPTION_SECONDS", 0)
    monkeypatch.setattr(channels, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(canary, "SHORTEST_TIMEOUT", 0)
    monkeypatch.setattr(canary, "DEFAULT_TIMEOUT", 0.3)


def use_two_regions(monkeypatch: Any) -> None:
    """Let fleets have HERE and one other region, for tests of many fleets to which a third one adds nothing."""
    two = (HERE, REGIONS[-1])
    monkeypatch.setattr(sys.modules[__name__], "REGIONS", two)
    monkeypatch.setitem(WORLD, "hubs", list(two))


def deploy(emulator: Any, monkeypatch: Any, *, run: bool = True, **variables: Any) -> Fleet:
    """Return a fleet, with further role variables, that has just been deployed into an empty world, unless not *run*.

    In each region stands a key of GIVEN_ALIAS, which EventBridge may use.
    """
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulator")
    # Without other writers there is nothing to wait for, and the emulator finishes stacks immediately.
    monkeypatch.setattr(configuration, "SETTLE_SECONDS", 0.01)
    monkeypatch.setattr(stacks, "FIRST_PAUSE", 0.05)
    emulator.reset()
    emulator.world({ACCOUNT: WORLD})
    for region in REGIONS:
        make_key(emulator, region, "events.amazonaws.com", alias=GIVEN_ALIAS)
    fleet = Fleet(emulator, **variables)
    if run:
        fleet.run()
    emulator.forget_requests()
    return fleet
