# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that repairs drift restores what was changed by hand; any other sees only what two calls a target show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._model.drift import ALARM_TOPIC
from ansible_collections.secops.securityhub.plugins.module_utils._observe import delivery_path
from ansible_collections.secops.securityhub.plugins.module_utils._plan import drift
from ansible_collections.secops.securityhub.plugins.module_utils._stack import resources as stack_resources
from ansible_collections.secops.securityhub.tests.unit import breakages
from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._doctor.test_examination import (
    assert_it_is_reported,
)

POLICIES = Path(__file__).parents[5] / "roles" / "securityhub_slack" / "files" / "iam"


@pytest.fixture(autouse=True)
def two_regions(monkeypatch):
    deployed.use_two_regions(monkeypatch)


@pytest.fixture
def fleet(emulator, monkeypatch):
    return deployed.deploy(emulator, monkeypatch)


def test_repair_of_an_unchanged_fleet_takes_six_more_calls_a_target(fleet, emulator):
    assert fleet.run() == []
    ordinary = len(emulator.requests())
    emulator.forget_requests()
    assert fleet.run(repair_drift=True) == []
    assert len(emulator.requests()) - ordinary == 6 * len(deployed.REGIONS)
    assert emulator.writes() == []


@pytest.mark.parametrize(
    "options",
    [
        {"alarms": True, "digest_schedule": "cron(0 8 ? * MON *)"},
        {"alarms": True, "receivers": [{"name": "mail", "email": ["oncall@example.com"]}]},
        {"message_format": "custom", "buttons": True, "mark_notified": True, "report_resolved": True},
    ],
    ids=" and ".join,
)
def test_what_a_run_has_just_deployed_has_not_drifted(emulator, monkeypatch, options):
    fleet = deployed.deploy(emulator, monkeypatch, **options)
    assert fleet.run(repair_drift=True) == []
    assert emulator.writes() == []


@pytest.mark.parametrize("breakage", breakages.BREAKAGES, ids=str)
def test_manual_changes_are_reported_by_the_doctor_and_repaired(emulator, monkeypatch, breakage):
    fleet = deployed.deploy(emulator, monkeypatch, **dict(breakage.variables))
    breakage.happen(fleet)
    fleet.finding("before")
    assert bool(fleet.arrived()) is not breakage.loses
    assert_it_is_reported(fleet, breakage)
    repair_drift = breakage.repaired_by == breakages.DEEP
    if repair_drift:
        assert fleet.run() == [], "only a run that repairs drift sees it"
    emulator.forget_requests()
    predicted = fleet.run(check=True, repair_drift=repair_drift)
    assert emulator.writes() == []
    done = fleet.run(repair_drift=repair_drift)
    # An update that is rolled back may leave nothing to update.
    assert [change.removesuffix(", then update") for change in predicted] == done
    fleet.finding("after")
    repaired = "Finding after in eu-west-1" in fleet.arrived()
    assert repaired is (breakage.repaired_by != breakages.NOT or not breakage.loses)
    assert breakage.repaired_by == breakages.NOT or (predicted and fleet.run(repair_drift=True) == [])


def test_a_foreign_topic_that_cannot_be_read_is_not_reported(fleet, emulator):
    theirs = "arn:aws:sns:eu-west-1:444444444444:operations"
    place = stack_resources.Location("aws", deployed.ACCOUNT, deployed.HERE)
    alarm = {"AlarmName": "securityhub-slack-undelivered", "AlarmActions": [theirs]}
    resources = stack_resources.Resources(place, ((stack_resources.ALARM, alarm),))
    settings = next(target.settings for target in fleet.targets() if target.host == deployed.HERE)
    emulator.faults({"denied": 1.0, "operations": ["GetTopicAttributes"]})
    live = delivery_path.read(deployed.clients(), settings, resources)
    emulator.faults()
    assert "may not call GetTopicAttributes" in live.alarm_topics[theirs].error
    assert ALARM_TOPIC not in {item.part for item in drift.drifts(live)}


@pytest.mark.parametrize(
    ("account", "key", "is_read"),
    [
        ("111111111111", "alias/theirs", True),
        ("444444444444", "alias/theirs", False),
        ("444444444444", "1234abcd-12ab-34cd-56ef-1234567890ab", False),
        ("444444444444", "alias/aws/sns", True),
        ("444444444444", "arn:aws:kms:eu-west-1:444444444444:key/1234abcd-12ab-34cd-56ef-1234567890ab", True),
    ],
)
def test_key_of_another_account_is_not_read_in_ours(fleet, monkeypatch, account, key, is_read):
    # The emulator shows no topic to another account.
    monkeypatch.setattr(delivery_path.sns, "get_topic_attributes", lambda client, arn: {"KmsMasterKeyId": key})
    arn = f"arn:aws:sns:{deployed.HERE}:{account}:operations"
    settings = fleet.targets()[0].settings
    found = delivery_path.read_topic(deployed.clients(), settings, arn, deployed.ACCOUNT)
    assert (found.key is not None) is is_read
    assert found.attributes == {"KmsMasterKeyId": key}


def test_foreign_grants_survive_a_repair(fleet):
    sns = fleet.client("sns")
    policy = json.loads(sns.get_topic_attributes(TopicArn=deployed.TOPIC)["Attributes"]["Policy"])
    grant = {
        "Sid": "Audit",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::222222222222:root"},
        "Action": "sns:Subscribe",
        "Resource": deployed.TOPIC,
    }
    changed = {**policy, "Statement": [grant]}
    breakages.topic_attribute(fleet, "Policy", json.dumps(changed))
    assert fleet.run(repair_drift=True)
    repaired = json.loads(sns.get_topic_attributes(TopicArn=deployed.TOPIC)["Attributes"]["Policy"])
    assert repaired["Statement"] == [*policy["Statement"], grant]


def test_repairs_precede_the_update_that_needs_them(fleet):
    breakages.rule_deleted(fleet)
    done = fleet.run(repair_drift=True, minimum_severity="HIGH")
    assert f"{deployed.HERE}: repair: the rule {breakages.RULE} is gone" in done
    assert f"{deployed.HERE}: stack: update (minimum severity CRITICAL -> HIGH)" in done
    assert "HIGH" in fleet.client("events").describe_rule(Name=breakages.RULE)["EventPattern"]
    assert fleet.run(repair_drift=True, minimum_severity="HIGH") == []


def test_repairs_need_no_more_permissions_than_the_role_lists(fleet, emulator):
    for happen in (
        breakages.rule_disabled,
        breakages.policy_emptied,
        breakages.target_doubled,
        breakages.key_without_eventbridge,
        breakages.subscription_attribute("RawMessageDelivery", "true"),
    ):
        happen(fleet)
    emulator.forget_requests()
    fleet.run(repair_drift=True)
    statements = [item for path in POLICIES.glob("*.json") for item in json.loads(path.read_text())["Statement"]]
    allowed = set()
    for item in statements:
        allowed |= {item["Action"]} if isinstance(item["Action"], str) else set(item["Action"])
    called = {f"{entry['service']}:{entry['operation']}" for entry in emulator.requests()}
    assert {"events:PutRule", "sns:SetSubscriptionAttributes", "kms:GetKeyPolicy"} <= called
    assert called - allowed == {"sts:GetCallerIdentity"}


def test_the_rule_target_that_marks_findings_is_restored_with_the_role_that_only_the_stack_knows(emulator, monkeypatch):
    fleet = deployed.deploy(emulator, monkeypatch, mark_notified=True)
    events = fleet.client("events")
    before = events.list_targets_by_rule(Rule=breakages.RULE)["Targets"]
    assert fleet.run(repair_drift=True) == []
    events.remove_targets(Rule=breakages.RULE, Ids=["notified"])
    assert fleet.run(repair_drift=True) == [
        f"{deployed.HERE}: repair: the target of the rule {breakages.RULE} that marks findings as NOTIFIED is gone"
    ]
    assert events.list_targets_by_rule(Rule=breakages.RULE)["Targets"] == before


def test_a_stack_whose_template_was_changed_by_hand_is_updated_without_repair_drift(fleet):
    client = fleet.client("cloudformation")
    (stack,) = client.describe_stacks(StackName=deployed.NAME)["Stacks"]
    whole = json.loads(json.dumps(client.get_template(StackName=deployed.NAME)["TemplateBody"]))
    whole["Parameters"] = {"Quiet": {"Type": "String", "Default": "no"}}
    whole["Conditions"] = {"IsLoud": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Quiet"}, "yes"]}]}}
    whole["Resources"]["RuleSecurityhubSlackFindings"]["Condition"] = "IsLoud"
    client.update_stack(StackName=deployed.NAME, TemplateBody=json.dumps(whole), Tags=stack["Tags"])
    client.get_waiter("stack_update_complete").wait(StackName=deployed.NAME, WaiterConfig={"Delay": 0.1})

    (refused,) = [line for line in fleet.run(repair_drift=True, minimum_severity="LOW") if "FAILED" in line]
    for fact in (f"the stack {deployed.NAME} ", "template", "securityhub_slack_repair_drift"):
        assert fact in refused
    assert f"{deployed.HERE}: stack: update (minimum severity CRITICAL -> LOW)" in fleet.run(minimum_severity="LOW")
    assert fleet.run(repair_drift=True, minimum_severity="LOW") == []
