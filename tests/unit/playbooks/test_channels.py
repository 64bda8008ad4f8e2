# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several Slack channels, by the shipped playbook against the emulator over HTTP: which message arrives where."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import event_of
from ansible_collections.secops.securityhub.tests.resilience.playbook import states_in
from ansible_collections.secops.securityhub.tests.unit import ansible_commands
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing.worlds import finding
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing.worlds import ocsf

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOK = ROOT / "playbooks" / "securityhub_slack.yml"
DOCTOR = ROOT / "playbooks" / "securityhub_slack_doctor.yml"
PREVIEW = Path(__file__).with_name("preview.yml")
PROD, STAGE = "111111111111", "222222222222"
MEMBER, SANDBOX_MEMBER = "444444444444", "555555555555"
REGIONS = ("eu-west-1", "us-east-1")
WORKSPACE = {"SlackTeamId": "T0123456789", "SlackTeamName": "acme"}
ONCALL, FINDINGS, AUDIT, SANDBOX = "C0NCALL0001", "CF1ND1NGS01", "CAUD1T00001", "CSANDB0X001"
ONCALL_CHANNEL = {"name": "oncall", "channel_id": ONCALL, "severities": ["CRITICAL"]}
FINDINGS_CHANNEL = {"name": "findings", "channel_id": FINDINGS, "severities": ["HIGH", "MEDIUM"]}
AUDIT_CHANNEL = {"name": "audit", "channel_id": AUDIT, "minimum_severity": "INFORMATIONAL"}


class Channels:
    """The playbook over two accounts, each a group of the inventory, with two regions each."""

    def __init__(self, emulator, folder: Path) -> None:
        self.emulator = emulator
        self.inventory = folder / "hosts.yml"
        self.result_file = folder / "result.json"
        self.numbers = iter(range(1000))

    def write(self, prod: dict, stage: dict | None = None) -> None:
        """Give each account's group its role variables, without their prefix; None: the account has no group."""
        groups = {"prod": (PROD, prod), **({} if stage is None else {"stage": (STAGE, stage)})}
        children = {
            name: {
                "hosts": {f"{name}.{region}": {} for region in REGIONS},
                "vars": {
                    f"securityhub_slack_{key}": value
                    for key, value in {
                        "role_arn": f"arn:aws:iam::{account}:role/securityhub-slack",
                        "endpoint_url": self.emulator.url,
                        "workspace_id": WORKSPACE["SlackTeamId"],
                        **variables,
                    }.items()
                },
            }
            for name, (account, variables) in groups.items()
        }
        self.inventory.write_text(json.dumps({"all": {"children": children}}))

    def run(self, *arguments: str, playbook: Path = PLAYBOOK) -> subprocess.CompletedProcess:
        """Run a playbook, the main one by default."""
        return subprocess.run(
            [
                ansible_commands.path("ansible-playbook"),
                *("-i", str(self.inventory), str(PREVIEW if "--check" in arguments else playbook)),
                *("-e", f"securityhub_slack_result_file={self.result_file}"),
                *arguments,
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env={
                **os.environ,
                "AWS_ACCESS_KEY_ID": "999999999999",
                "AWS_SECRET_ACCESS_KEY": "emulator",
                "ANSIBLE_NOCOLOR": "1",
            },
        )

    def changed(self, *arguments: str) -> set[str]:
        """Run the playbook without a failure, and return the hosts, and the IDs of accounts, that changed."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return {name for name, state in states_in(self.result_file).items() if state == "changed"}

    def find(self, severity: str, region: str = "eu-west-1", account: str = PROD, about: str = "", **more) -> str:
        """Import a finding, and return its ID. *about*: the member account that it is about, if any.

        *more*: its product, and fields of ASFF; None for a field that it does not have.
        """
        product = more.pop("product", "securityhub")
        finding_id = f"arn:aws:securityhub:{region}:{account}:finding/{next(self.numbers)}"
        finding = {
            "SchemaVersion": "2018-10-08",
            "Id": finding_id,
            "ProductArn": f"arn:aws:securityhub:{region}::product/aws/{product}",
            "GeneratorId": "security-control/EC2.8",
            "AwsAccountId": about or account,
            "CreatedAt": "2026-01-01T00:00:00.000Z",
            "UpdatedAt": "2026-01-01T00:00:00.000Z",
            "Severity": {"Label": severity},
            "Title": f"a {severity} finding",
            "Description": "A check.",
            "Resources": [{"Type": "AwsEc2Instance", "Id": "i-1"}],
            "Types": ["Software and Configuration Checks"],
            "Compliance": {"Status": "FAILED", "SecurityControlId": "EC2.8"},
            **more,
        }
        finding = {name: value for name, value in finding.items() if value is not None}
        client = self.emulator.client("securityhub", region, account=about or account)
        assert client.batch_import_findings(Findings=[finding])["SuccessCount"] == 1
        return finding_id

    def messages(self) -> list[tuple[str, str]]:
        """The messages since the last call, as Slack channel and severity."""
        found = sorted((item["channel"], item["severity"]) for item in self.emulator.inbox())
        self.emulator.ask("DELETE", "inbox")
        return found

    def configurations(self, account: str = PROD) -> dict[str, int]:
        """The account's channels, each with its number of topics."""
        client = self.emulator.client("chatbot", "us-east-2", account=account)
        found = client.describe_slack_channel_configurations()["SlackChannelConfigurations"]
        return {item["SlackChannelId"]: len(item["SnsTopicArns"]) for item in found}


@pytest.fixture
def channels(emulator, tmp_path):
    emulator.world({account: {"hubs": "all", "workspaces": [WORKSPACE]} for account in (PROD, STAGE)})
    return Channels(emulator, tmp_path)


def test_critical_findings_to_one_channel_and_the_rest_to_another(channels, emulator):
    channels.write(prod={"channels": [ONCALL_CHANNEL, FINDINGS_CHANNEL]}, stage={"channel_id": SANDBOX})
    channels.changed()
    assert channels.configurations(PROD) == {ONCALL: 2, FINDINGS: 2}
    assert channels.configurations(STAGE) == {SANDBOX: 2}

    for region in REGIONS:
        for severity in ("CRITICAL", "HIGH", "MEDIUM", "LOW"):
            channels.find(severity, region)
    assert channels.messages() == sorted([(ONCALL, "CRITICAL"), (FINDINGS, "HIGH"), (FINDINGS, "MEDIUM")] * 2)

    for severity in ("CRITICAL", "HIGH"):
        channels.find(severity, account=STAGE)
    assert channels.messages() == [(SANDBOX, "CRITICAL")]

    low = channels.find("LOW")
    emulator.custom_action("eu-west-1", "SendToSlack", low, account=PROD)
    assert channels.messages() == [(ONCALL, "LOW")]

    emulator.forget_requests()
    assert channels.changed() == set()
    assert emulator.writes() == []


def test_a_channel_is_added_and_removed(channels, emulator):
    stage = {"channel_id": SANDBOX}
    channels.write(prod={"channels": [ONCALL_CHANNEL, FINDINGS_CHANNEL]}, stage=stage)
    channels.changed()

    channels.write(prod={"channels": [ONCALL_CHANNEL, FINDINGS_CHANNEL, AUDIT_CHANNEL]}, stage=stage)
    assert channels.changed() == {PROD, *(f"prod.{region}" for region in REGIONS)}
    assert channels.configurations() == {ONCALL: 2, FINDINGS: 2, AUDIT: 2}
    channels.find("CRITICAL")
    channels.find("LOW")
    assert channels.messages() == sorted([(ONCALL, "CRITICAL"), (AUDIT, "CRITICAL"), (AUDIT, "LOW")])

    channels.write(prod={"channels": [ONCALL_CHANNEL, AUDIT_CHANNEL]}, stage=stage)
    channels.changed("--limit", "prod.us-east-1")
    assert channels.configurations() == {ONCALL: 2, FINDINGS: 1, AUDIT: 2}
    assert channels.changed("--check") == channels.changed()
    assert channels.configurations() == {ONCALL: 2, AUDIT: 2}
    assert {topic["TopicArn"].split(":")[-1] for topic in topics(emulator)} == {
        "securityhub-slack-oncall",
        "securityhub-slack-audit",
    }
    channels.find("CRITICAL")
    channels.find("HIGH")
    assert channels.messages() == sorted([(ONCALL, "CRITICAL"), (AUDIT, "CRITICAL"), (AUDIT, "HIGH")])


def test_one_channel_becomes_several_and_one_again_and_old_topics_are_removed(channels, emulator):
    channels.write(prod={"channel_id": FINDINGS, "minimum_severity": "HIGH"})
    channels.changed()
    channels.write(prod={"channels": [ONCALL_CHANNEL, FINDINGS_CHANNEL]})
    channels.changed()
    assert channels.configurations() == {ONCALL: 2, FINDINGS: 2}
    channels.find("CRITICAL")
    channels.find("HIGH")
    assert channels.messages() == sorted([(ONCALL, "CRITICAL"), (FINDINGS, "HIGH")])

    channels.write(prod={"channel_id": FINDINGS, "minimum_severity": "HIGH"})
    channels.changed()
    assert channels.configurations() == {FINDINGS: 2}
    channels.find("CRITICAL")
    channels.find("HIGH")
    assert channels.messages() == sorted([(FINDINGS, "CRITICAL"), (FINDINGS, "HIGH")])
    assert channels.changed() == set()


def test_findings_of_a_member_account_are_suppressed_in_one_channel_only(channels, emulator):
    emulator.world({member: {"hubs": "all", "administrator": PROD} for member in (MEMBER, SANDBOX_MEMBER)})
    quiet = {"account_ids": [SANDBOX_MEMBER], "reason": "sandboxes page no one"}
    everything = {"name": "findings", "channel_id": FINDINGS, "severities": ["CRITICAL"]}
    channels.write(prod={"channels": [{**ONCALL_CHANNEL, "suppressions": [quiet]}, everything]})
    channels.changed()
    channels.find("CRITICAL", about=MEMBER)
    assert channels.messages() == [(ONCALL, "CRITICAL"), (FINDINGS, "CRITICAL")]
    channels.find("CRITICAL", about=SANDBOX_MEMBER)
    assert channels.messages() == [(FINDINGS, "CRITICAL")]


PAYMENTS, PAYMENTS_EU = "ou-ab12-payments", "ou-ab12-paymentseu"


def test_accounts_are_chosen_by_name_unit_and_tag_and_followed_when_they_move(channels, emulator):
    shop, pay, pay_eu, lab = (f"{number}" * 12 for number in range(4, 8))
    member = {"hubs": "all", "administrator": PROD}
    emulator.world(
        {
            PROD: {"units": {PAYMENTS: "r-ab12", PAYMENTS_EU: PAYMENTS}, "name": "security"},
            shop: {**member, "name": "shop-prod", "organizational_unit": "r-ab12"},
            pay: {**member, "name": "pay", "organizational_unit": PAYMENTS},
            pay_eu: {**member, "name": "pay-eu", "organizational_unit": PAYMENTS_EU},
            lab: {**member, "name": "lab", "organizational_unit": "r-ab12", "tags": {"team": "lab", "env": "dev"}},
        }
    )
    by_unit = {"name": "pay", "channel_id": AUDIT, "organizational_unit_ids": [PAYMENTS]}
    by_name = {
        "name": "shop",
        "channel_id": ONCALL,
        "account_name_prefixes": ["shop-"],
        "account_tags": {"team": "lab"},
    }
    rest = {"name": "rest", "channel_id": FINDINGS, "other_accounts": True}
    channels.write(prod={"channels": [by_unit, by_name, rest]})
    channels.changed()

    found = []
    for account in (PROD, shop, pay, pay_eu, lab):
        channels.find("CRITICAL", about=account)
        found.append(channels.messages())
    assert found == [[(channel, "CRITICAL")] for channel in (FINDINGS, ONCALL, AUDIT, AUDIT, ONCALL)]
    assert channels.changed() == set()

    emulator.world({shop: {"organizational_unit": PAYMENTS, "name": "pay-shop"}})
    doctor = channels.run("-e", "securityhub_slack_doctor_html=", playbook=DOCTOR)
    assert "AT RISK Stack: prod.eu-west-1, prod.us-east-1 " in " ".join(doctor.stdout.split())
    moved = f"securityhub-slack-pay now {shop}; securityhub-slack-shop no longer {shop}."
    assert f"Channels choose other accounts than when the stack was deployed: {moved}" in " ".join(
        doctor.stdout.split()
    )
    preview = channels.run("--check")
    assert "pay accounts 2 -> 3" in " ".join(preview.stdout.split())
    assert channels.changed() == {f"prod.{region}" for region in REGIONS}
    channels.find("CRITICAL", about=shop)
    assert channels.messages() == [(AUDIT, "CRITICAL")]


def test_500_accounts_of_one_channel_are_read_in_few_calls_and_arrive_once(channels, emulator):
    accounts = [f"{600000000000 + number * 7919}" for number in range(500)]
    emulator.world({PROD: {"units": {}, "name": "security"}})
    emulator.world({account: {"name": f"shop-{account}"} for account in accounts})
    emulator.world({account: {"hubs": "all", "administrator": PROD} for account in (accounts[0], accounts[-1])})
    shop = {"name": "shop", "channel_id": AUDIT, "account_name_prefixes": ["shop-"]}
    channels.write(prod={"channels": [shop]})
    channels.changed("--limit", "prod.eu-west-1")
    read = [item for item in emulator.requests() if item["service"] == "organizations"]
    assert len([item for item in read if item["operation"] == "ListAccounts"]) == 27  # 501 accounts, and an empty page
    assert len(read) <= 29
    rules = emulator.client("events", "eu-west-1", account=PROD).list_rules(NamePrefix="securityhub-slack-shop")[
        "Rules"
    ]
    assert 1 < len(rules) <= 10
    for account in (accounts[0], accounts[-1], PROD):
        channels.find("CRITICAL", about=account)
    assert channels.messages() == [(AUDIT, "CRITICAL")] * 2


@pytest.mark.parametrize(
    ("world", "given", "words"),
    [
        ({}, {"account_name_prefixes": ["shop"]}, "may not call ListAccounts"),
        (
            {"units": {}},
            {"account_name_prefixes": ["shop"]},
            "no account of the organization is chosen by the channel 'team'",
        ),
        ({"units": {}}, {"organizational_unit_ids": [PAYMENTS]}, f"the organizational unit {PAYMENTS} does not exist"),
    ],
)
def test_a_channel_whose_accounts_are_unknown_gets_nothing(channels, emulator, world, given, words):
    emulator.world({PROD: world})
    channels.write(prod={"channels": [{"name": "team", "channel_id": AUDIT, **given}]})
    done = channels.run()
    assert done.returncode == 2
    assert words in " ".join(done.stdout.split())
    assert channels.configurations() == {}


def test_only_vulnerabilities_that_matter_reach_a_channel(channels, emulator):
    patching = {"name": "patching", "channel_id": AUDIT, "fix_available": True, "minimum_epss": 0.1}
    oncall = {"name": "oncall", "channel_id": ONCALL, "exploit_available": True}
    everything = {"name": "findings", "channel_id": FINDINGS}
    channels.write(prod={"channels": [oncall, patching, everything]})
    channels.changed()

    def found(**says):
        channels.find(
            "CRITICAL", product="inspector", Vulnerabilities=[{"Id": "CVE-2026-0001", **says}], Compliance=None
        )
        return [channel for channel, _severity in channels.messages() if channel != FINDINGS]

    assert found(FixAvailable="YES", ExploitAvailable="YES", EpssScore=0.94321) == [ONCALL, AUDIT]
    assert found(FixAvailable="PARTIAL", ExploitAvailable="NO", EpssScore=0.1) == [AUDIT]
    assert found(FixAvailable="YES", ExploitAvailable="YES", EpssScore=0.00043) == [ONCALL]
    assert found(FixAvailable="NO", ExploitAvailable="YES", EpssScore=0.5) == [ONCALL]
    assert found(FixAvailable="NO", ExploitAvailable="NO", EpssScore=0.5) == []
    # What a finding does not say, and other products.
    assert found() == [ONCALL, AUDIT]
    channels.find("CRITICAL", product="guardduty", Compliance=None)
    assert channels.messages() == sorted([(ONCALL, "CRITICAL"), (AUDIT, "CRITICAL"), (FINDINGS, "CRITICAL")])


def test_member_accounts_are_divided_among_channels(channels, emulator):
    emulator.world({member: {"hubs": "all", "administrator": PROD} for member in (MEMBER, SANDBOX_MEMBER)})
    team = {"name": "team", "channel_id": AUDIT, "minimum_severity": "HIGH", "account_ids": [MEMBER]}
    rest = {"name": "rest", "channel_id": FINDINGS, "minimum_severity": "HIGH", "other_accounts": True}
    channels.write(prod={"channels": [rest, team]})
    channels.changed()
    for region in REGIONS:
        for about in (PROD, MEMBER, SANDBOX_MEMBER):
            channels.find("HIGH", region, about=about)
    assert channels.messages() == sorted([(AUDIT, "HIGH"), *[(FINDINGS, "HIGH")] * 2] * 2)
    assert channels.changed() == set()

    # An account that one channel names leaves the channel for other accounts.
    channels.write(prod={"channels": [rest, {**team, "account_ids": [MEMBER, SANDBOX_MEMBER]}]})
    assert channels.changed("--check") == channels.changed() == {f"prod.{name}" for name in REGIONS}
    for about in (PROD, MEMBER, SANDBOX_MEMBER):
        channels.find("HIGH", about=about)
    assert channels.messages() == sorted([(FINDINGS, "HIGH"), *[(AUDIT, "HIGH")] * 2])

    channels.write(prod={"finding_format": "ocsf", "channels": [rest, team]})
    channels.changed()
    events = emulator.client("events", "eu-west-1", account=PROD)
    for about, expected in ((PROD, ["rest"]), (MEMBER, ["team"]), (SANDBOX_MEMBER, ["rest"])):
        event = event_of(ocsf(finding(AwsAccountId=about, Region="eu-west-1")), PROD, "eu-west-1")
        receiving = [
            rule["Name"].split("-")[2]
            for rule in events.list_rules()["Rules"]
            if rule["Name"].endswith("-findings")
            and events.test_event_pattern(EventPattern=rule["EventPattern"], Event=json.dumps(event))["Result"]
        ]
        assert receiving == expected


def topics(emulator) -> list[dict]:
    return emulator.client("sns", "eu-west-1", account=PROD).list_topics()["Topics"]


def test_a_rule_that_eventbridge_evaluates_differently_is_not_deployed(channels, emulator):
    suppressions = [
        {"control_ids": ["S3.8"], "account_ids": ["333333333333"]},
        {"control_ids": ["EC2.2"], "account_ids": [MEMBER]},
    ]
    one = {"channels": [{"name": "oncall", "channel_id": ONCALL}], "deduplicate_global": []}
    channels.write({**one, "suppressions": suppressions}, one)
    emulator.ask("POST", "switches", {"event_ruler_alternatives": "first_of_same_fields"})

    done = channels.run()

    assert done.returncode != 0
    states = states_in(channels.result_file)
    assert {name for name, state in states.items() if state == "failed"} == {f"prod.{region}" for region in REGIONS}
    text = " ".join(done.stdout.split())
    for facts in ("does not match an event that must be sent", 'Event pattern: {"source"', "Event: {", "Policy: {"):
        assert facts in text
    assert not any(emulator.client("events", region).list_rules()["Rules"] for region in REGIONS)
    assert channels.configurations(STAGE) == {ONCALL: 2}
