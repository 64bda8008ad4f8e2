# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks about findings as people run them, on the sample findings: a runner, and an account that has them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.secops.securityhub.tests.unit import ansible_commands
from ansible_collections.secops.securityhub.tests.unit import waiting
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds

ROOT = Path(__file__).resolve().parents[3]
ACTION_PLUGINS = Path(__file__).with_name("action_plugins")
SAMPLES = ROOT / "tests" / "findings"
FINDINGS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(SAMPLES.glob("*.json"))}
EXPECTED = yaml.safe_load((SAMPLES / "expected.yml").read_text(encoding="utf-8"))
ADMINISTRATOR = "111111111111"
WORKSPACE, CHANNEL = "T0ABC1DEF", "C0ABC1DEF"


@dataclass
class Outcome:
    """What a run of ansible-playbook has come to; *result*: what its task has registered."""

    code: int
    output: str
    result: dict[str, Any]


@dataclass
class Playbooks:
    """Runs playbooks of the collection against *url*."""

    folder: Path
    url: str

    def inventory(self, targets: dict[str, dict[str, Any]], **variables: Any) -> None:
        """Write the inventory: role variables of each target and of all, without their prefix."""
        everywhere = {"workspace_id": WORKSPACE, "channel_id": CHANNEL, "endpoint_url": self.url, **variables}
        hosts = {name: _prefixed(own) for name, own in targets.items()}
        self._write("inventory.yml", {"all": {"hosts": hosts, "vars": _prefixed(everywhere)}})

    def run(self, name: str, registered: str = "", /, *arguments: str, **variables: Any) -> Outcome:
        """Run a playbook of the collection with role variables; *registered*: the variable to return."""
        plays: list[dict[str, Any]] = [{"import_playbook": f"secops.securityhub.{name}"}]
        if registered:
            content = "{{ " + registered + " | to_json }}"
            keep = {"keep_result": {"content": content, "path": str(self.folder / "result.json")}}
            plays.append({"hosts": "localhost", "gather_facts": False, "tasks": [keep]})
        (self.folder / "result.json").unlink(missing_ok=True)
        done = self.play(yaml.safe_dump(plays), "-e", json.dumps(_prefixed(variables)), *arguments)
        result = self.folder / "result.json"
        return Outcome(
            done.returncode, done.stdout + done.stderr, json.loads(result.read_text()) if result.exists() else {}
        )

    def play(self, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a playbook that is given as a text."""
        (self.folder / "play.yml").write_text(text, encoding="utf-8")
        plugins = self.folder / ACTION_PLUGINS.name
        if not plugins.exists():
            plugins.symlink_to(ACTION_PLUGINS)
        command = [ansible_commands.path("ansible-playbook"), "-i", "inventory.yml", "play.yml", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self._environment(), capture_output=True, text=True, check=False
        )

    def ok(self, name: str, registered: str = "", /, *arguments: str, **variables: Any) -> Outcome:
        """Run a playbook that must succeed."""
        outcome = self.run(name, registered, *arguments, **variables)
        assert outcome.code == 0, outcome.output
        return outcome

    def _environment(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))},
            "AWS_ACCESS_KEY_ID": ADMINISTRATOR,
            "AWS_SECRET_ACCESS_KEY": "emulator",
            "AWS_EC2_METADATA_DISABLED": "true",
            "ANSIBLE_HOME": str(self.folder / "ansible"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections"),
            "ANSIBLE_NOCOLOR": "1",
            "COLUMNS": "80",
        }

    def _write(self, name: str, content: Any) -> None:
        (self.folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")


def _prefixed(variables: dict[str, Any]) -> dict[str, Any]:
    return {f"securityhub_slack_{name}": value for name, value in variables.items()}


def set_up(emulator: Any, **facts: Any) -> None:
    """Let the administrator of an organization and its members have Security Hub everywhere, without findings."""
    emulator.reset()
    members = {finding["AwsAccountId"] for finding in FINDINGS.values()} - {ADMINISTRATOR}
    workspace = {"SlackTeamId": WORKSPACE, "SlackTeamName": "security"}
    emulator.world({ADMINISTRATOR: {"hubs": "all", "workspaces": [workspace], **facts}})
    emulator.world({member: {"hubs": "all", "administrator": ADMINISTRATOR} for member in members})
    emulator.forget_requests()


def set_up_new_hub(emulator: Any, **facts: Any) -> None:
    """Let all of them have the new Security Hub, too."""
    set_up(emulator, hubs_v2="all", **facts)
    emulator.world({finding["AwsAccountId"]: {"hubs_v2": "all"} for finding in FINDINGS.values()})
    emulator.forget_requests()


def ocsf(finding: dict[str, Any]) -> dict[str, Any]:
    """Return the finding (ASFF) as the new Security Hub has it."""
    made = worlds.ocsf(finding)
    uid = hashlib.sha256(f"{finding['ProductArn']} {finding['Id']}".encode()).hexdigest()
    times = {"created_time_dt": finding["CreatedAt"], "modified_time_dt": finding["UpdatedAt"]}
    named = {"name": finding["AwsAccountName"]} if "AwsAccountName" in finding else {}
    return {
        **made,
        "cloud": {**made["cloud"], "account": {**made["cloud"]["account"], **named}},
        "metadata": {**made["metadata"], "uid": uid},
        "finding_info": {**made["finding_info"], **times},
    }


def bring_ocsf(emulator: Any, *findings: dict[str, Any]) -> None:
    """Let the services that findings (OCSF) are of report them (statuses start as New)."""
    for finding in findings:
        emulator.ask("POST", "ocsf_finding", finding)


def bring(emulator: Any, *findings: dict[str, Any]) -> None:
    """Let the findings' own accounts and Regions report them (workflow statuses start as NEW)."""
    for finding in findings:
        client = emulator.client("securityhub", finding["Region"], finding["AwsAccountId"])
        assert client.batch_import_findings(Findings=[finding])["FailedCount"] == 0


def delivered(emulator: Any) -> list[str]:
    """Return the IDs of the findings that messages are about, sorted."""
    return sorted(message["finding_id"] for message in emulator.inbox())


def queue(emulator: Any, region: str, account: str, name: str, rules: str) -> str:
    """Create a queue to which EventBridge may send for *rules*, and return its ARN."""
    arn = f"arn:aws:sqs:{region}:{account}:{name}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnLike": {"aws:SourceArn": rules}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    emulator.client("sqs", region, account).create_queue(QueueName=name, Attributes={"Policy": policy})
    return arn


def event_bus(emulator: Any, arn: str, sender: str) -> None:
    """Create an event bus for which an account may put events, and a queue of the same name that gets them."""
    region, account, name = arn.split(":")[3], arn.split(":")[4], arn.rpartition("/")[2]
    events = emulator.client("events", region, account)
    events.create_event_bus(Name=name)
    allowed = {"Effect": "Allow", "Principal": {"AWS": sender}, "Action": "events:PutEvents", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "SecurityHub", **allowed}]})
    events.put_permission(EventBusName=name, Policy=policy)
    pattern = json.dumps({"source": ["aws.securityhub"]})
    rule = events.put_rule(Name="all", EventBusName=name, EventPattern=pattern)["RuleArn"]
    target = queue(emulator, region, account, name, rule)
    events.put_targets(Rule="all", EventBusName=name, Targets=[{"Id": "queue", "Arn": target}])


def sent_to_queue(emulator: Any, region: str, account: str, name: str) -> list[dict[str, Any]]:
    """Return the findings in the events that a queue got, at most 10."""
    sqs = emulator.client("sqs", region, account)
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"])["detail"]["findings"][0] for message in messages]


def inbox_at_rest(emulator: Any) -> list[dict[str, Any]]:
    """Return all messages when none has arrived for half a second: state machines send some after a while."""
    found: list[dict[str, Any]] | None = None
    while found != (latest := emulator.inbox()):
        found = latest
        time.sleep(0.5)
    return latest


def start_schedule(emulator: Any, region: str, name: str, at: str = "") -> dict[str, Any]:
    """Let a schedule start its state machine, and return how the execution ended, as DescribeExecution does."""
    given = {"account": ADMINISTRATOR, "region": region, "name": name, "at": at}
    arn = emulator.ask("POST", "schedule", given)["execution"]
    return waiting.ended_execution(emulator.client("stepfunctions", region), arn)
