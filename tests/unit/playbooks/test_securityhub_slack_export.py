# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stacks that a StackSet deploys: exported by one playbook, deployed from the file, used by the other playbooks."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from ansible_collections.secops.securityhub.tests.unit import ansible_commands
from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit import waiting
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parents[3]
COLLECTIONS = os.environ.get("COLLECTIONS", str(ROOT / ".ansible" / "collections"))
FILE = "securityhub-stack-set.json"
CONTAINER = "securityhub-slack-stack-set"  # the stack that contains the StackSet
ADMINISTERING, OTHER = "999999999999", "222222222222"
SAMPLE = findings.FINDINGS["ec2-19-critical-us-east-1"]
REGIONS = {"us-east-1": {}, "eu-west-1": {}, "ap-southeast-1": {"securityhub_slack_minimum_severity": "MEDIUM"}}


class Organization:
    """An account whose stacks a StackSet deploys, the account that administers it, and the playbooks."""

    def __init__(self, emulator, folder):
        self.emulator = emulator
        self.folder = folder
        self.administering = emulator.client("cloudformation", account=ADMINISTERING)

    def inventory(self, hosts=None, **variables):
        everywhere = {"use_stack_set": True, "workspace_id": deployed.TEAM, "channel_id": deployed.CHANNEL, **variables}
        given = {f"securityhub_slack_{name}": value for name, value in everywhere.items()}
        text = json.dumps({"all": {"hosts": hosts or REGIONS, "vars": given}})
        (self.folder / "hosts.yml").write_text(text, encoding="utf-8")

    def run(self, playbook, *arguments):
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))},
            "AWS_ENDPOINT_URL": self.emulator.url,
            "AWS_ACCESS_KEY_ID": deployed.ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": "emulator",
            "ANSIBLE_COLLECTIONS_PATH": COLLECTIONS,
        }
        command = [ansible_commands.path("ansible-playbook"), "-i", "hosts.yml"]
        done = subprocess.run(
            [*command, f"secops.securityhub.securityhub_slack{playbook}", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr
        return done.returncode, " ".join(done.stdout.split())

    def deploy(self, **parameters):
        """Deploy the file, as `aws cloudformation deploy` does, and return the status of the stack."""
        given = {
            "StackName": CONTAINER,
            "TemplateBody": (self.folder / FILE).read_text(encoding="utf-8"),
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        }
        try:
            self.administering.create_stack(**given)
        except self.administering.exceptions.AlreadyExistsException:
            self.administering.update_stack(**given)
        self.settle()
        return self.administering.describe_stacks(StackName=CONTAINER)["Stacks"][0]["StackStatus"]

    def settle(self):
        """Wait until no stack is in progress."""
        done = waiting.until(lambda: not any("IN_PROGRESS" in stack["StackStatus"] for stack in self.stacks()))
        assert done, self.stacks()

    def import_finding(self, region, severity, account=deployed.ACCOUNT):
        """Import a finding, whose title says where it is from and how severe it is."""
        name = f"{account} {region} {severity}"
        finding = {
            **SAMPLE,
            "Id": f"arn:aws:securityhub:{region}:{account}:finding/{name}",
            "ProductArn": f"arn:aws:securityhub:{region}::product/aws/securityhub",
            "AwsAccountId": account,
            "FindingProviderFields": {**SAMPLE["FindingProviderFields"], "Severity": {"Label": severity}},
            "Title": name,
        }
        client = self.emulator.client("securityhub", region, account)
        assert client.batch_import_findings(Findings=[finding])["SuccessCount"] == 1

    def arrived(self):
        """Return the titles of the messages so far."""
        return {message["title"] for message in self.emulator.inbox()}

    def stacks(self):
        return [
            stack
            for client in (self.administering, *(self.emulator.client("cloudformation", region) for region in REGIONS))
            for stack in client.describe_stacks()["Stacks"]
        ]


@pytest.fixture
def organization(emulator, tmp_path):
    emulator.world({deployed.ACCOUNT: deployed.WORLD, ADMINISTERING: {}})
    found = Organization(emulator, tmp_path)
    found.inventory()
    return found


def test_deploy_change_and_remove_with_a_stack_set(organization, emulator):
    code, said = organization.run("")
    assert code == 2
    assert re.search(
        r"securityhub_slack_use_stack_set is set, and no stack has the topic securityhub-slack\. Run", said
    ), said
    assert "secops.securityhub.securityhub_slack_export" in said
    assert emulator.writes() == []

    code, said = organization.run("_export", "--check")
    assert (code, (organization.folder / FILE).exists()) == (0, False), said
    assert asked(emulator) == set(REGIONS)
    code, said = organization.run("_export")
    assert code == 0, said
    assert "3 stacks in 1 account, of 3 kinds" in said
    assert emulator.writes() == []
    organization.deploy()
    assert {stack["StackStatus"] for stack in organization.stacks()} == {"CREATE_COMPLETE"}

    code, said = organization.run("")
    assert code == 0, said
    assert "3 topics to Slack channel" in said
    emulator.forget_requests()
    code, said = organization.run("", "-e", "securityhub_slack_repair_drift=true")
    assert "3 targets: 0 changed, 3 unchanged, 0 failed" in said
    code, said = organization.run("_doctor")
    assert (code, "3 targets: 3 in order" in said) == (0, True), said
    assert f"are not known: account {ADMINISTERING}, which administers it, is not in the inventory." in said
    assert "ListStackInstances" not in [entry["operation"] for entry in emulator.requests()]
    code, said = organization.run("_canary", "-e", "securityhub_slack_canary_timeout=20")
    assert (code, "3 targets: 3 arrived" in said) == (0, True), said

    # Drift is found and repaired, even if the stack is out of date.
    emulator.client("events", "eu-west-1").disable_rule(Name="securityhub-slack-findings")
    code, said = organization.run("_doctor", "-e", "securityhub_slack_minimum_severity=LOW")
    assert code == 2
    assert "is disabled" in said
    code, said = organization.run("", "-e", "securityhub_slack_repair_drift=true")
    assert "repair: the rule securityhub-slack-findings is disabled" in said, said
    assert emulator.client("events", "eu-west-1").describe_rule(Name="securityhub-slack-findings")["State"] == "ENABLED"

    before = (organization.folder / FILE).read_bytes()
    emulator.forget_requests()
    code, said = organization.run("_export")
    assert "is up to date" in said
    assert asked(emulator) == set()
    assert (organization.folder / FILE).read_bytes() == before

    # Another policy: the old stack still forwards, and is reported as out of date until the file is deployed.
    organization.inventory({**REGIONS, "eu-west-1": {"securityhub_slack_minimum_severity": "LOW"}})
    code, said = organization.run("")
    assert code == 2
    assert re.search(
        r"eu-west-1: \S+_use_stack_set is set, and the stack \S+ was created from other variables", said
    ), said
    assert len(topics(emulator)) == 3
    code, said = organization.run("_doctor")
    assert "3 targets: 1 at risk, 2 in order" in said
    emulator.forget_requests()
    organization.run("_export")
    assert asked(emulator) == {"eu-west-1"}
    organization.deploy()
    code, said = organization.run("")
    assert "3 targets: 0 changed, 3 unchanged, 0 failed" in said, said

    # One region less: its topic leaves the channel first, then the file removes its stack.
    organization.inventory({**REGIONS, "eu-west-1": {"securityhub_slack_state": "absent"}})
    code, said = organization.run("")
    assert code == 0, said
    assert "the StackSet has stacks that no channel subscribes to any more, for eu-west-1" in said
    assert len(topics(emulator)) == 2
    organization.run("_export")
    organization.deploy()
    assert topics_of(emulator, "eu-west-1") == []

    code, said = organization.run("", "-e", "securityhub_slack_state=absent")
    assert code == 0, said
    assert topics(emulator) == []
    code, said = organization.run("_export", "-e", "securityhub_slack_state=absent")
    assert (code, "No target should have a stack" in said) == (2, True)
    organization.administering.delete_stack(StackName=CONTAINER)
    organization.settle()
    assert organization.stacks() == []


def asked(emulator):
    """The regions that were asked to test event patterns."""
    return {entry["region"] for entry in emulator.requests() if entry["operation"] == "TestEventPattern"}


def test_no_file_is_written_if_eventbridge_evaluates_a_pattern_differently(organization, emulator):
    emulator.ask("POST", "switches", {"test_event_pattern": "always"})
    code, said = organization.run("_export")
    assert code == 2
    assert "No file was written. EventBridge does not evaluate the event patterns of some targets as intended." in said
    for rule in ("findings", "action"):
        assert f"EventBridge does not evaluate the rule securityhub-slack-{rule} as" in said
    assert not (organization.folder / FILE).exists()
    code, said = organization.run("_export", "-e", "securityhub_slack_test_event_patterns=false")
    assert code == 0, said


@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_a_named_pipe_is_refused(organization, arguments):
    os.mkfifo(organization.folder / FILE)
    code, said = organization.run("_export", *arguments)
    assert code == 2
    assert "could not be written: it is not a regular file" in said


def test_patterns_that_could_not_be_tested_are_noted_in_the_export(organization, emulator):
    emulator.faults({"denied": 1, "operations": ["TestEventPattern"]})
    code, said = organization.run("_export")
    assert (code, "Note: not checked: whether EventBridge evaluates the event patterns" in said) == (0, True), said


def topics(emulator):
    client = emulator.client("chatbot", "us-east-2")
    found = client.describe_slack_channel_configurations()["SlackChannelConfigurations"]
    return [arn for configuration in found for arn in configuration["SnsTopicArns"]]


def topics_of(emulator, region):
    return emulator.client("sns", region).list_topics()["Topics"]


@pytest.mark.parametrize(
    ("hosts", "variables", "arguments", "why"),
    [
        (REGIONS, {"use_stack_set": False}, (), "No target has securityhub_slack_use_stack_set. Set it to true"),
        (
            REGIONS,
            {},
            ("--limit", "eu-west-1"),
            r"deletes the stacks that it does not contain\. Run this playbook without --limit",
        ),
        ({**REGIONS, "eu-west-3": {}}, {}, (), "FAILED: eu-west-3: Security Hub is not enabled in eu-west-3"),
        (REGIONS, {"minimum_severity": "HUGE"}, (), "a file without them would delete them"),
        (
            {**REGIONS, "eu-west-1": {"securityhub_slack_alarms": True}},
            {},
            (),
            r"one template, but these differ in .*Give all targets the same",
        ),
        ({**REGIONS, "eu-west-1": {"securityhub_slack_tags": {"a": "b"}}}, {}, (), "or securityhub_slack_tags differ"),
    ],
)
def test_a_file_that_would_delete_stacks_or_does_not_fit_all_is_not_written(
    organization, hosts, variables, arguments, why
):
    organization.inventory(hosts, **variables)

    code, said = organization.run("_export", *arguments)

    assert code == 2
    assert re.search(why, said), said
    assert "No file was written" in said
    assert not (organization.folder / FILE).exists()


def hosts_of_other(*regions, **variables):
    role = f"arn:aws:iam::{OTHER}:role/securityhub"
    given = {f"securityhub_slack_{name}": value for name, value in {"role_arn": role, **variables}.items()}
    return {f"other.{region}": given for region in regions}


def test_several_accounts_with_different_regions_share_a_file(organization, emulator):
    # With the longest name, since a StackSet adds to the names of its stacks, from which others are generated.
    emulator.world({OTHER: deployed.WORLD})
    hosts = {**REGIONS, **hosts_of_other("us-east-1"), **hosts_of_other("eu-west-1", minimum_severity="LOW")}
    organization.inventory(hosts, name="s" * 40, alarms=True, kms_key="create", mark_notified=True)
    code, said = organization.run("_export")
    assert "5 stacks in 2 accounts" in said, said
    assert organization.deploy() == "CREATE_COMPLETE"

    code, said = organization.run("", "-e", "securityhub_slack_repair_drift=true")
    assert (code, "5 targets: 5 changed, 0 unchanged, 0 failed" in said) == (0, True), said
    code, said = organization.run("_doctor")
    assert "5 targets: 5 in order" in said, said
    code, said = organization.run("", "-e", "securityhub_slack_repair_drift=true")
    assert "5 targets: 0 changed, 5 unchanged, 0 failed" in said, said
    for account in (deployed.ACCOUNT, OTHER):
        for region in ("eu-west-1", "us-east-1"):
            organization.import_finding(region, "LOW", account)
    assert organization.arrived() == {f"{OTHER} eu-west-1 LOW"}

    # Accounts with different regions are several groups, and an organizational unit may be in one only.
    with pytest.raises(ClientError, match="all accounts of a file must have the same regions"):
        organization.deploy(OrganizationalUnitIds="ou-1")


def test_deploy_change_and_remove_with_organizational_units(organization, emulator):
    emulator.world(
        {
            deployed.ACCOUNT: {**deployed.WORLD, "organizational_unit": "ou-security"},
            OTHER: {**deployed.WORLD, "organizational_unit": "ou-sandbox"},
            "333333333333": {**deployed.WORLD, "organizational_unit": "ou-sandbox"},
        }
    )
    others = hosts_of_other("us-east-1", "eu-west-1", minimum_severity="HIGH")
    others |= hosts_of_other("ap-southeast-1", minimum_severity="MEDIUM")
    units = {"OrganizationalUnitIds": "ou-security,ou-sandbox", "CallAs": "DELEGATED_ADMIN"}
    organization.inventory({**REGIONS, **others})
    code, said = organization.run("_export")
    assert (code, "6 stacks in 2 accounts, of 5 kinds" in said) == (0, True), said
    assert organization.deploy(**units) == "CREATE_COMPLETE"
    assert emulator.client("cloudformation", "eu-west-1", "333333333333").describe_stacks()["Stacks"] == []
    code, said = organization.run("")
    assert (code, "6 targets: 6 changed, 0 unchanged, 0 failed" in said) == (0, True), said
    code, said = organization.run("_doctor")
    assert (code, "6 targets: 6 in order" in said) == (0, True), said
    for region in REGIONS:
        for severity in ("MEDIUM", "HIGH", "CRITICAL"):
            organization.import_finding(region, severity)
            organization.import_finding(region, severity, OTHER)
    assert organization.arrived() == {
        *(f"{account} ap-southeast-1 MEDIUM" for account in (deployed.ACCOUNT, OTHER)),
        *(f"{account} ap-southeast-1 HIGH" for account in (deployed.ACCOUNT, OTHER)),
        *(f"{OTHER} {region} HIGH" for region in ("us-east-1", "eu-west-1")),
        *(f"{account} {region} CRITICAL" for account in (deployed.ACCOUNT, OTHER) for region in REGIONS),
    }

    # Another policy in one region, and a region less everywhere: no stack gets what another has.
    former = patterns(emulator)
    del others["other.ap-southeast-1"]
    hosts = {"us-east-1": {}, "eu-west-1": {"securityhub_slack_minimum_severity": "LOW"}}
    organization.inventory({**hosts, **others})
    code, said = organization.run("_export")
    assert "4 stacks in 2 accounts" in said, said
    assert organization.deploy(**units) == "UPDATE_COMPLETE"
    (changed,) = set(patterns(emulator)) - set(former)
    assert changed[:2] == (deployed.ACCOUNT, "eu-west-1")
    code, said = organization.run("")
    assert "4 targets: 0 changed, 4 unchanged, 0 failed" in said, said

    organization.administering.delete_stack(StackName=CONTAINER)
    organization.settle()
    assert organization.stacks() == []
    assert patterns(emulator) == []


def patterns(emulator):
    """Return account, region, and the event patterns of the rule that forwards findings, of all stacks."""
    found = []
    for account in (deployed.ACCOUNT, OTHER):
        for region in REGIONS:
            rules = emulator.client("events", region, account).list_rules(NamePrefix="securityhub-slack-findings")
            found += [(account, region, rule["EventPattern"]) for rule in rules["Rules"]]
    return found


def test_the_doctor_reports_what_the_stack_set_says(organization, emulator):
    # The administering account is one of the inventory.
    organization.administering = emulator.client("cloudformation")
    foreign = emulator.client("sns", "eu-west-1")
    foreign.create_topic(Name="securityhub-slack")
    organization.run("_export")
    assert organization.deploy() == "CREATE_COMPLETE", "the StackSet tolerates failures"
    code, said = organization.run("_doctor")
    assert code == 2, said
    assert re.search(
        r"The StackSet securityhub-slack has the stack as FAILED: the last operation on it failed "
        r"\(ResourceLogicalId:TopicSecurityhubSlack, .*already exists",
        said,
    ), said
    assert "aws cloudformation update-stack-set --region us-east-1 --stack-set-name securityhub-slack" in said, said

    foreign.delete_topic(TopicArn=f"arn:aws:sns:eu-west-1:{deployed.ACCOUNT}:securityhub-slack")
    organization.administering.update_stack_set(
        StackSetName="securityhub-slack",
        UsePreviousTemplate=True,
        Parameters=[{"ParameterKey": "StackSet", "UsePreviousValue": True}],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    organization.settle()
    code, said = organization.run("")
    assert code == 0, said
    emulator.forget_requests()
    code, said = organization.run("_doctor")
    assert (code, "3 targets: 3 in order" in said) == (0, True), said
    assert [entry["operation"] for entry in emulator.requests()].count("ListStackInstances") == 1

    # An update that fails leaves the former stack, which the holder does not show.
    emulator.stacks(0, {"operation": "update", "region": "eu-west-1"})
    organization.inventory(minimum_severity="HIGH")
    organization.run("_export")
    assert organization.deploy() == "UPDATE_COMPLETE"
    emulator.stacks(0)
    code, said = organization.run("_doctor")
    assert (code, "3 targets: 1 at risk, 2 in order" in said) == (0, True), said
    assert re.search(r"FAILED: the last operation .*InternalFailure.* findings that are sent are not those", said), said

    # What only informs fails nothing.
    emulator.faults({"denied": 1, "operations": ["ListStackInstances"]})
    code, said = organization.run("_doctor")
    assert "The instances of the StackSet securityhub-slack are not known: " in said, said
    assert "cloudformation:ListStackInstances" in said
    assert "3 targets: 1 at risk, 2 in order" in said, said


def test_receivers_get_findings_through_a_stack_set_whose_file_lacks_the_url(organization, emulator):
    url = "https://events.example.com/sentinel"
    receivers = [{"name": "pager", "url": url}, {"name": "mail", "email": ["oncall@example.com"]}]
    organization.inventory(receivers=receivers)
    code, said = organization.run("_export")
    assert code == 0, said
    assert "sentinel" not in said + (organization.folder / FILE).read_text(encoding="utf-8")
    assert organization.deploy(UrlSecurityhubSlackToPager=url) == "CREATE_COMPLETE"
    code, said = organization.run("")
    assert code == 0, said
    assert "sentinel" not in said
    for endpoint in (url, "oncall@example.com"):
        assert emulator.ask("POST", "confirm", {"endpoint": endpoint}) == {"confirmed": len(REGIONS)}
    organization.import_finding("eu-west-1", "CRITICAL")
    got = emulator.ask("GET", "received")
    assert sorted(item["endpoint"] for item in got) == [url, "oncall@example.com"]
    _code, said = organization.run("_doctor")
    assert "3 targets: 3 in order" in said
    receivers[0]["url"] = f"{url}2"
    organization.inventory(receivers=receivers)
    code, said = organization.run("")
    assert code == 2
    assert "was created from other variables than the inventory has now" in said
