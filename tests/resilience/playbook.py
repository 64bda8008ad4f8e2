# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the shipped playbook against the emulator, and read back what it has created."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Literal

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = "securityhub_slack"
ACCOUNT = "111111111111"
SAMPLE = ROOT / "tests" / "findings" / "rds-2-critical-ap-northeast-1.json"
HOME = "us-east-1"  # the home region of the finding aggregator
WORKSPACE = {"SlackTeamId": "T0ABCDEFG12", "SlackTeamName": "acme"}
CHANNEL, OTHER_CHANNEL = "C0ABCDEFG12", "C0OTHER0000"
NAME = "securityhub-slack"
PREFIX = "securityhub_slack_"
FOREIGN = f"arn:aws:sns:us-east-1:{ACCOUNT}:billing"
CHATBOT_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "chatbot.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
# fmt: off
SEVENTEEN = [
    "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
    "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1",
    "us-east-2", "us-west-1", "us-west-2",
]
# fmt: on
Whom = Literal["group", "family", "workers"]
LONGEST = 600  # seconds that any run may take


class Broken(AssertionError):
    """A check of a resilience test failed."""


@dataclass
class Result:
    """The result of a run of the playbook."""

    code: int
    output: str
    seconds: float
    states: dict[str, str]

    @property
    def changed(self) -> set[str]:
        """Return the hosts that changed, and the IDs of the accounts whose channels did."""
        return {name for name, state in self.states.items() if state == "changed"}

    @property
    def failed(self) -> set[str]:
        """Return the hosts that failed."""
        return {name for name, state in self.states.items() if state == "failed"}

    @property
    def causes(self) -> dict[str, str]:
        """Return the causes of failures that the report gives, by the hosts before the colon."""
        found = re.search(r"^Failed:\n(.*?)\n(?=\S)", self.output, re.M | re.S)
        if found is None:
            return {}
        lines = re.sub(r"\n    ", " ", found[1]).splitlines()
        return dict(line.strip().split(": ", 1) for line in lines)


def states_in(result_file: Path) -> dict[str, str]:
    """Return ok, changed or failed, by host and by account ID; nothing if the run has not ended."""
    text = result_file.read_text(encoding="utf-8") if result_file.exists() else ""
    if not text:
        return {}
    found = json.loads(text)
    items = {**found["targets"], **{account["account_id"]: account for account in found["accounts"]}}
    return {
        name: "failed" if item.get("failed") else "changed" if item["changed"] else "ok" for name, item in items.items()
    }


def environment_of(home: Path) -> dict[str, str]:
    """Return the environment of a user with this home directory, for playbooks whose output is read."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "COLUMNS": "80",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
    }


class Fleet:
    """An inventory of some regions of one account, the playbook, and the emulator.

    *emulator*: as the fixture of tests/unit/conftest.py. *command*: the ansible-playbook to run. The installed one can
    be interrupted.
    """

    installed = Path(sys.executable).with_name("ansible-playbook")
    command = installed

    def __init__(self, emulator: Any, folder: Path, regions: Iterable[str], **variables: Any) -> None:
        self.emulator = emulator
        self.folder = folder
        self.regions = sorted(regions)
        self.variables = variables
        self.inventory = folder / "hosts.yml"
        self.host_variables: dict[str, dict[str, Any]] = {}
        self.environment: dict[str, str] = {}
        self.limits: Mapping[int, int] = {}  # of the system for a run, by the constant of the module resource
        self.checkout = ROOT  # of the collection whose playbooks run
        self.started = 0

    def new_account(self) -> None:
        """Create an account with Security Hub in the regions of the inventory, and a channel of another team."""
        self.environment = {}
        self.emulator.reset()
        self.emulator.world({ACCOUNT: {"hubs": self.regions, "workspaces": [WORKSPACE]}})
        self.emulator.client("sns", "us-east-1").create_topic(Name="billing")
        trust = json.dumps(CHATBOT_TRUST)
        self.emulator.client("iam").create_role(RoleName="theirs", AssumeRolePolicyDocument=trust)
        self._chatbot().create_slack_channel_configuration(
            ConfigurationName="theirs",
            SlackTeamId=WORKSPACE["SlackTeamId"],
            SlackChannelId=OTHER_CHANNEL,
            IamRoleArn=f"arn:aws:iam::{ACCOUNT}:role/theirs",
            SnsTopicArns=[FOREIGN],
        )

    def break_stacks(self) -> None:
        """Delete one stack by hand, and put another into a state in which it can only be deleted."""
        deleted, stuck = self.regions[:2]
        self.emulator.client("cloudformation", deleted).delete_stack(StackName=NAME)
        about = {"account": ACCOUNT, "region": stuck, "stack": NAME, "status": "ROLLBACK_COMPLETE"}
        self.emulator.ask("POST", "stack_status", about)

    def share_the_channel(self) -> None:
        """Add a topic of another team to our configuration, as people do in the console."""
        ours = next(found for found in self.configurations() if found["ConfigurationName"].startswith(NAME))
        self._chatbot().update_slack_channel_configuration(
            ChatConfigurationArn=ours["ChatConfigurationArn"],
            SlackChannelId=ours["SlackChannelId"],
            SnsTopicArns=[*ours["SnsTopicArns"], FOREIGN],
        )

    def drift(self) -> None:
        """Change by hand what no stack notices: a rule is disabled, one has no target, a topic admits nobody."""
        client, (disabled, idle, closed) = self.emulator.client, self.regions[:3]
        rules = {region: client("events", region).list_rules()["Rules"] for region in (disabled, idle)}
        client("events", disabled).disable_rule(Name=rules[disabled][0]["Name"])
        rule = rules[idle][-1]["Name"]
        targets = client("events", idle).list_targets_by_rule(Rule=rule)["Targets"]
        client("events", idle).remove_targets(Rule=rule, Ids=[target["Id"] for target in targets])
        self.close_topic(closed)

    def close_topic(self, region: str) -> None:
        """Let nobody but the account itself publish to the topic of a region."""
        arn = f"arn:aws:sns:{region}:{ACCOUNT}:{NAME}"
        own = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sns:Publish", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [own]})
        sns = self.emulator.client("sns", region)
        sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)

    def aggregate(self) -> None:
        """Let a home region have the findings of all regions."""
        self.emulator.world({ACCOUNT: {"aggregator": {"home": HOME, "RegionLinkingMode": "ALL_REGIONS"}}})

    def start(
        self, *arguments: str, interruptible: bool = False, playbook: str = DEPLOY, **changed: Any
    ) -> subprocess.Popen[str]:
        """Start a playbook with role variables on the command line, without waiting for its end."""
        given = {
            "endpoint_url": self.emulator.url,
            "workspace_id": WORKSPACE["SlackTeamId"],
            "channel_id": CHANNEL,
            **self.variables,
        }
        hosts = {
            region: {PREFIX + name: value for name, value in self.host_variables.get(region, {}).items()}
            for region in self.regions
        }
        variables = {PREFIX + name: value for name, value in given.items()}
        # Replaced as a whole, because a run that was started before may be reading it.
        new = self.inventory.with_suffix(".new")
        new.write_text(json.dumps({"all": {"hosts": hosts, "vars": variables}}))
        new.replace(self.inventory)
        self.started += 1
        result_file = self.folder / f"result-{self.started}.json"
        extra = json.dumps(
            {PREFIX + name: value for name, value in {**changed, "result_file": str(result_file)}.items()}
        )
        path = self.checkout / "playbooks" / f"{playbook}.yml"
        is_own_process = interruptible or self.limits
        command = [self.installed if is_own_process else self.command, "-i", self.inventory, path]
        return subprocess.Popen(
            [*command, "-e", extra, *arguments],
            cwd=self.checkout,
            env={
                **environment_of(self.folder),
                "AWS_ACCESS_KEY_ID": ACCOUNT,
                "AWS_SECRET_ACCESS_KEY": "a-secret-key",
                **self.environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=self._limit if self.limits else None,
        )

    def _limit(self) -> None:
        for name, value in self.limits.items():
            resource.setrlimit(name, (value, value))

    def run(self, *arguments: str, **options: Any) -> Result:
        """Run a playbook to its end."""
        return self.finish(self.start(*arguments, **options), time.monotonic())

    def finish(self, process: subprocess.Popen[str], started: float) -> Result:
        """Wait for a started playbook. Raises Broken, and kills it, if it does not end."""
        try:
            output, _nothing = process.communicate(timeout=LONGEST)
        except subprocess.TimeoutExpired as error:
            kill(process, signal.SIGKILL, "family")
            raise Broken(f"the run did not end in {LONGEST} s") from error
        if "Traceback" in output or "a-secret-key" in output:
            raise Broken(f"a traceback, or a secret, in\n{output}")
        (given,) = (item for item in process.args if "result_file" in str(item))
        result_file = Path(json.loads(given)[f"{PREFIX}result_file"])
        return Result(process.returncode, output, time.monotonic() - started, states_in(result_file))

    # What AWS has

    def configurations(self) -> list[dict[str, Any]]:
        """Return the channel configurations of the account."""
        found: list[dict[str, Any]] = self._chatbot().describe_slack_channel_configurations()[
            "SlackChannelConfigurations"
        ]
        return found

    def deployed(self) -> dict[str, dict[str, Any]]:
        """Return what the playbook has created, by region."""
        return {region: found for region in self.regions if (found := self._of_region(region))}

    def _of_region(self, region: str) -> dict[str, Any]:
        client = self.emulator.client
        rules = client("events", region).list_rules()["Rules"]
        subscriptions = client("sns", region).list_subscriptions()["Subscriptions"]
        actions = client("securityhub", region).describe_action_targets()["ActionTargets"]
        topics = [item for item in client("sns", region).list_topics()["Topics"] if item["TopicArn"] != FOREIGN]
        found = {
            "stacks": [
                (stack["StackName"], stack["StackStatus"].replace("UPDATE_", "CREATE_"))
                for stack in client("cloudformation", region).describe_stacks()["Stacks"]
            ],
            "actions": [item["Name"] for item in actions],
            "topics": [item["TopicArn"] for item in topics],
            "listeners": [item["Endpoint"] for item in subscriptions if item["TopicArn"] != FOREIGN],
            "rules": sorted((rule["Name"], rule.get("EventPattern", "")) for rule in rules),
            "disabled": [rule["Name"] for rule in rules if rule["State"] != "ENABLED"],
            "targets": {rule["Name"]: self._targets(region, rule["Name"]) for rule in rules},
            "policies": {item["TopicArn"]: self._policy(region, item["TopicArn"]) for item in topics},
            "queues": client("sqs", region).list_queues().get("QueueUrls", []),
            "state machines": sorted(
                item["name"] for item in client("stepfunctions", region).list_state_machines()["stateMachines"]
            ),
            "schedules": [item["Name"] for item in client("scheduler", region).list_schedules()["Schedules"]],
            "alarms": [item["AlarmName"] for item in client("cloudwatch", region).describe_alarms()["MetricAlarms"]],
            "automation rules": [
                (item["RuleName"], item["RuleStatus"])
                for item in client("securityhub", region).list_automation_rules()["AutomationRulesMetadata"]
            ],
        }
        return {name: value for name, value in found.items() if value}

    def _targets(self, region: str, rule: str) -> list[dict[str, Any]]:
        targets = self.emulator.client("events", region).list_targets_by_rule(Rule=rule)["Targets"]
        return sorted(targets, key=lambda target: target["Arn"])

    def _policy(self, region: str, topic: str) -> Any:
        attributes = self.emulator.client("sns", region).get_topic_attributes(TopicArn=topic)["Attributes"]
        return json.loads(attributes["Policy"])

    def identities(self) -> dict[str, list[str]]:
        """Return the roles and policies that the playbook has created, each role with its inline policies."""
        iam = self.emulator.client("iam")
        roles = [role["RoleName"] for role in iam.list_roles()["Roles"]]
        policies = [policy["PolicyName"] for policy in iam.list_policies(Scope="Local")["Policies"]]
        found = {name: iam.list_role_policies(RoleName=name)["PolicyNames"] for name in roles}
        return {name: found.get(name, []) for name in sorted([*roles, *policies]) if name.startswith(NAME)}

    def snapshot(self) -> dict[str, Any]:
        """Return everything that the playbook could change, ours and others', comparable between runs."""
        return {
            "regions": self.deployed(),
            "channels": sorted(
                (item["ConfigurationName"], item["SlackChannelId"], sorted(item["SnsTopicArns"]))
                for item in self.configurations()
            ),
            "identities": self.identities(),
            "buttons": sorted(self._chatbot().list_custom_actions()["CustomActions"]),
        }

    def import_critical(self, label: str) -> list[str]:
        """Import a finding in each region, which every policy forwards, and return their IDs."""
        sample = json.loads(SAMPLE.read_text(encoding="utf-8"))
        found = []
        for region in self.regions:
            about = {"Id": f"{sample['Id']}-{label}-{region}", "Region": region, "AwsAccountId": ACCOUNT}
            product = sample["ProductArn"].replace(sample["Region"], region)
            finding = {**sample, **about, "ProductArn": product}
            hub = self.emulator.client("securityhub", region)
            expect(hub.batch_import_findings(Findings=[finding])["FailedCount"] == 0, "a finding was refused")
            found.append(about["Id"])
        return found

    def _chatbot(self) -> Any:
        return self.emulator.client("chatbot", "us-east-2")


def family_of(pid: int) -> list[int]:
    """Return the process and all its descendants: an Ansible worker has its own session.

    From the parents of all processes, because /proc/PID/task/PID/children may miss some while others end.
    """
    parents: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name of the command, in parentheses, may contain anything.
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
    family = [pid]
    for member in family:
        family += [child for child, parent in parents.items() if parent == member]
    return family


def kill(process: subprocess.Popen[str], number: signal.Signals, whom: Whom) -> list[int]:
    """Send a signal to the playbook's process group, its whole family, or only its workers; return the family."""
    members = family_of(process.pid)
    if whom == "group":
        os.killpg(process.pid, number)
        return members
    for pid in members[1:] if whom == "workers" else members:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    return members


def expect(condition: bool, words: str, result: Result | None = None) -> None:
    """Raise Broken, with the output of the run, unless the condition holds."""
    if not condition:
        raise Broken(words + (f"\n{result.output}" if result else ""))
