# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account on the emulator in which AWS's template of 2020 is deployed, and the migration away from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.secops.securityhub.plugins.module_utils._apply import stacks
from ansible_collections.secops.securityhub.plugins.module_utils._channel import configuration
from ansible_collections.secops.securityhub.plugins.module_utils._commands import migrate
from ansible_collections.secops.securityhub.plugins.module_utils._migrate import signature
from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit import waiting
from ansible_collections.secops.securityhub.tests.unit.deployed import ACCOUNT
from ansible_collections.secops.securityhub.tests.unit.deployed import CHANNEL
from ansible_collections.secops.securityhub.tests.unit.deployed import HERE
from ansible_collections.secops.securityhub.tests.unit.deployed import REGIONS
from ansible_collections.secops.securityhub.tests.unit.deployed import TEAM
from ansible_collections.secops.securityhub.tests.unit.deployed import Fleet

TEMPLATE = Path(__file__).with_name("template_of_2020.template")
STACK = "hub-to-slack"
CONFIGURATION = "securityhubnotification"
CONFIGURATION_ARN = f"arn:aws:chatbot::{ACCOUNT}:chat-configuration/slack-channel/{CONFIGURATION}"
FUNCTION = "addcustomactionsecurityhub"
ACTION = "SendToSlack"
OF_THE_CHANNEL = ("SlackChannelConfig", "ChatBotManageIAMRole")


def template(*without: str) -> dict[str, Any]:
    """Return the template in the long form, without some of its resources."""
    whole = signature.parse(TEMPLATE.read_text(encoding="utf-8"))
    resources = {name: resource for name, resource in whole["Resources"].items() if name not in without}
    return {**whole, "Resources": resources}


def stack_name(region: str) -> str:
    """Return the name of the stack in a region: the emulator generates role names from the stack name alone."""
    return STACK if region == HERE else f"{STACK}-{region}"


class OldFleet(Fleet):
    """Three regions of an account, some of which have the template."""

    account = ACCOUNT

    def client(self, service: str, region: str = HERE) -> Any:
        """Return a boto3 client of the account in a region."""
        return self.emulator.client(service, region, self.account)

    def create_stack(self, region: str = HERE, *, body: str = "", name: str = "", channel: str = CHANNEL) -> str:
        """Create a stack of the template, or of *body*, and return its final state."""
        name = name or stack_name(region)
        client = self.client("cloudformation", region)
        client.create_stack(
            StackName=name,
            TemplateBody=body or TEMPLATE.read_text(encoding="utf-8"),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[
                {"ParameterKey": "SlackWorkSpaceID", "ParameterValue": TEAM},
                {"ParameterKey": "SlackChannelID", "ParameterValue": channel},
            ],
        )
        return self.settled(region, name)

    def settled(self, region: str = HERE, name: str = "") -> str:
        """Wait until CloudFormation is done, and return the stack's state, '' without a stack."""
        assert waiting.until(lambda: not self.status(region, name).endswith("_IN_PROGRESS")), self.status(region, name)
        return self.status(region, name)

    def status(self, region: str = HERE, name: str = "") -> str:
        """Return the stack's state, '' without a stack."""
        name = name or stack_name(region)
        found = self.client("cloudformation", region).describe_stacks()["Stacks"]
        return next((stack["StackStatus"] for stack in found if stack["StackName"] == name), "")

    def put(self, status: str, region: str = HERE, **more: Any) -> None:
        """Set the stack to a state that only AWS itself reaches."""
        stack = {"account": self.account, "region": region, "stack": stack_name(region), "status": status}
        self.emulator.ask("POST", "stack_status", {**stack, **more})

    def migrate(self, *, check: bool = False, **given: Any) -> dict[str, Any]:
        """Migrate the account, and return the result of the module."""
        return migrate.run(self.context(check=check, **given)).result

    def configurations(self) -> list[dict[str, Any]]:
        """Return the account's Slack channels."""
        return self.client("chatbot", "us-east-2").describe_slack_channel_configurations()["SlackChannelConfigurations"]

    def topics(self, region: str = HERE) -> list[str]:
        """Return the ARNs of the region's topics."""
        return [topic["TopicArn"] for topic in self.client("sns", region).list_topics()["Topics"]]

    def roles(self) -> list[str]:
        """Return the names of the account's roles, except service-linked roles."""
        found = self.client("iam").list_roles()["Roles"]
        return [role["RoleName"] for role in found if not role["Path"].startswith("/aws-service-role/")]

    def leftovers(self) -> list[str]:
        """Return the resources of the account that this collection did not create, in words."""
        found = [f"role {name}" for name in self.roles() if name != f"{deployed.NAME}-channel"]
        for region in REGIONS:
            stacks_there = self.client("cloudformation", region).describe_stacks()["Stacks"]
            found += [f"stack {item['StackName']}" for item in stacks_there if item["StackName"] != deployed.NAME]
            found += [f"topic {arn}" for arn in self.topics(region) if not arn.endswith(f":{deployed.NAME}")]
            rules = self.client("events", region).list_rules()["Rules"]
            found += [f"rule {rule['Name']}" for rule in rules if not rule["Name"].startswith(f"{deployed.NAME}-")]
            functions = self.client("lambda", region).list_functions()["Functions"]
            found += [f"function {item['FunctionName']}" for item in functions]
        return found

    def actions(self, region: str = HERE) -> dict[str, str]:
        """Return the names of the region's custom actions by Id."""
        found = self.client("securityhub", region).describe_action_targets()["ActionTargets"]
        return {item["ActionTargetArn"].rsplit("/", maxsplit=1)[-1]: item["Name"] for item in found}

    def send(self, name: str, region: str = HERE) -> None:
        """Import a finding that no rule forwards automatically, and send it with the custom action."""
        self.finding(name, region)
        self.emulator.ask("DELETE", "inbox")
        self.emulator.custom_action(region, ACTION, f"{region}/{name}")


def begin(emulator: Any, monkeypatch: Any, **variables: Any) -> OldFleet:
    """Return the account before anything is deployed in it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulator")
    monkeypatch.setattr(configuration, "SETTLE_SECONDS", 0.01)
    monkeypatch.setattr(stacks, "FIRST_PAUSE", 0.05)
    emulator.reset()
    emulator.world({ACCOUNT: deployed.WORLD})
    return OldFleet(emulator, **variables)
