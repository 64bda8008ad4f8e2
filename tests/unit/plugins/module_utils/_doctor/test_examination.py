# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor finds what is broken, names it rightly, and raises no false alarm."""

from __future__ import annotations

import datetime
import json
from collections import Counter

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._doctor import messages
from ansible_collections.secops.securityhub.plugins.module_utils._doctor.examination import examine
from ansible_collections.secops.securityhub.plugins.module_utils._doctor.metrics import Window
from ansible_collections.secops.securityhub.plugins.module_utils._report import doctor as report
from ansible_collections.secops.securityhub.tests.unit import breakages
from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit.deployed import HERE

# Breakage -> what the doctor says: check, state, and a part of the sentence. Further checks may follow from it.
SAID = {
    "hub off": ("hub", "broken", "Security Hub is not enabled"),
    "custom action deleted": ("action", "broken", "custom action does not exist"),
    "custom action of others": ("action", "broken", "not managed by this collection"),
    "custom action renamed": ("action", "risk", "another name"),
    "automation rule disabled": ("hub", "risk", "missing, disabled or changed by hand: 1"),
    "automation rule deleted": ("hub", "risk", "missing, disabled or changed by hand: 1"),
    "stack deleted": ("stack", "broken", "stack does not exist"),
    "stack rolled back": ("stack", "broken", "was rolled back"),
    "stack half deleted": ("stack", "broken", "could not be deleted completely"),
    "stack stuck in an update": ("stack", "risk", "so did the rollback"),
    "stack out of date": ("stack", "risk", "other variables"),
    "rule disabled": ("rules", "broken", "rule securityhub-slack-findings is disabled"),
    "rule's pattern changed": ("rules", "broken", "another event pattern"),
    "rule deleted": ("rules", "broken", "rule securityhub-slack-findings is gone"),
    "target removed": ("targets", "broken", "target of the rule securityhub-slack-findings is gone"),
    "target changes the event": ("targets", "broken", "InputTransformer"),
    "target doubled": ("targets", "risk", "is there 2 times"),
    "target with a dead-letter queue": ("targets", "risk", "has a dead-letter queue, which is not in the stack"),
    "topic deleted": ("topic", "broken", "topic securityhub-slack is gone"),
    "topic policy without EventBridge": ("topic", "broken", "does not allow EventBridge to publish"),
    "topic policy denies": ("topic", "broken", "does not allow EventBridge to publish"),
    "topic encrypted with AWS's key": ("encryption", "broken", "alias/aws/sns, which is an AWS managed key"),
    "topic encrypted with a key that keeps EventBridge out": ("encryption", "broken", "kms:Decrypt and kms:Generate"),
    "topic encrypted with a disabled key": ("encryption", "broken", "which is Disabled"),
    "topic encrypted with another usable key": ("encryption", "risk", "and the stack says no encryption"),
    "own key disabled": ("encryption", "broken", "The key alias/securityhub-slack is Disabled"),
    "own key keeps EventBridge out": ("encryption", "broken", "The key alias/securityhub-slack has a policy that does"),
    "own key to be deleted": ("encryption", "broken", "The key alias/securityhub-slack is PendingDeletion"),
    "own key without its alias": ("encryption", "broken", "The key alias/securityhub-slack does not exist"),
    "own alias for another key": ("encryption", "risk", "belongs to another key than the stack's"),
    "encryption removed": ("encryption", "risk", "is not encrypted, and the stack says alias/securityhub-slack"),
    "given key disabled": ("encryption", "broken", "The key alias/security is Disabled"),
    "given key keeps EventBridge out": ("encryption", "broken", "The key alias/security has a policy that does not"),
    "dead-letter queue full": (
        "delivery",
        "broken",
        "dead-letter queue holds events that EventBridge or SNS could not deliver: 1",
    ),
    "dead-letter queue deleted": ("targets", "risk", "is gone"),
    "dead-letter queue keeps EventBridge out": ("targets", "risk", "does not allow EventBridge for securityhub-slack"),
    "target without dead-letter queue": ("targets", "risk", "does not use the dead-letter queue"),
    "alarm deleted": ("delivery", "risk", "The alarm securityhub-slack-undelivered is gone"),
    "alarm silenced": ("delivery", "risk", "The alarm securityhub-slack-undelivered has no actions"),
    "alarm changed": ("delivery", "risk", "has another metric or threshold"),
    "topic policy without alarms": ("topic", "risk", "does not allow the alarms to publish"),
    "own key keeps alarms out": ("encryption", "risk", "does not allow CloudWatch alarms kms:Decrypt"),
    "subscription deleted": ("subscription", "broken", "is missing"),
    "subscription raw": ("subscription", "broken", "raw messages"),
    "subscription filtered": ("subscription", "broken", "filter policy"),
    "topic detached from the channel": ("channel", "broken", "not in the channel configuration securityhub-slack"),
    "channel configuration deleted": ("channel", "broken", "Slack channel C0123456789 has no channel configuration"),
    "channel role deleted": ("role", "risk", "securityhub-slack-channel does not exist"),
    "channel role trusts another service": ("role", "risk", "trust policy"),
    "channels disabled by an organization policy": ("chat", "broken", "disabled (Denied by policy)"),
    "app not in the private channel": ("delivery", "broken", "Slack accepted 0 of 1 messages to channel C0123456789"),
    "workspace no longer authorized": ("chat", "broken", "T0123456789 is not authorized"),
}
# What an account has once is wrong for each of its targets; so are variables that are set for all of them.
EVERYWHERE = {"channel", "chat", "delivery", "role", "stack"}
LOST = "delivery"


@pytest.fixture
def fleet(emulator, monkeypatch):
    return deployed.deploy(emulator, monkeypatch)


def window():
    now = datetime.datetime.now(datetime.timezone.utc)
    return Window(now - datetime.timedelta(hours=24), now + datetime.timedelta(minutes=5))


def look(fleet, **variables):
    return examine(deployed.clients(), fleet.targets(**variables), [], today=deployed.TODAY, window=window())


def states(found, host=HERE):
    return {name: result.state for name, result in next(t for t in found.targets if t.host == host).results.items()}


def wrong(found: dict[str, str], cause: str) -> set[str]:
    """What is wrong, but for the messages that got lost by it, which Amazon Q counts for the account as a whole."""
    return {name for name, state in found.items() if state not in ("ok", "none")} - ({LOST} - {cause})


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"alarms": True},
        {"kms_key": "create", "alarms": True},
        {"kms_key": deployed.GIVEN_ALIAS, "mark_notified": True},
    ],
    ids=str,
)
def test_a_healthy_fleet_raises_no_alarm_and_nothing_is_written(emulator, monkeypatch, variables):
    fleet = deployed.deploy(emulator, monkeypatch, **variables)
    fleet.finding()
    emulator.forget_requests()
    found = look(fleet)
    assert (found.healthy, found.findings) == (True, ())
    not_deployed = {"receivers", "digest", *(() if variables.get("mark_notified") else ("marking",))}
    for target in found.targets:
        expected = {name: "none" if name in not_deployed else "ok" for name in states(found, target.host)}
        assert states(found, target.host) == expected
    assert emulator.writes() == []


def test_the_organization_and_aggregator_are_reported(fleet, emulator):
    assert look(fleet).accounts == {}
    aggregator = {"home": "eu-west-1", "RegionLinkingMode": "NO_REGIONS"}
    emulator.world({deployed.ACCOUNT: {"aggregator": aggregator}}, management_account="999999999999")
    management = emulator.client("securityhub", HERE, account="999999999999")
    management.enable_organization_admin_account(AdminAccountId=deployed.ACCOUNT)
    found = look(fleet)
    assert found.accounts == {
        deployed.ACCOUNT: (
            f"{deployed.ACCOUNT} is the delegated administrator of its organization; an account that joins does not "
            f"get Security Hub by itself (local configuration)",
            "An aggregator copies the findings of no other region to eu-west-1",
        )
    }
    assert report.document(found)["accounts"][deployed.ACCOUNT][1].startswith("An aggregator")
    lines = report.table(found)
    assert "  An aggregator copies the findings of no other region to eu-west-1." in lines
    assert max(map(len, lines)) <= 80


def test_topics_of_the_template_of_2020_in_the_channel_are_reported_with_the_command(fleet, emulator):
    chatbot = emulator.client("chatbot", "us-east-2")
    (ours,) = chatbot.describe_slack_channel_configurations()["SlackChannelConfigurations"]
    topic = emulator.client("sns", HERE).create_topic(Name="hub-SNSTopicAWSChatBot-1ABCDEF")["TopicArn"]
    chatbot.update_slack_channel_configuration(
        ChatConfigurationArn=ours["ChatConfigurationArn"],
        SlackChannelId=ours["SlackChannelId"],
        SnsTopicArns=[*ours["SnsTopicArns"], topic],
    )
    found = look(fleet)
    (said,) = found.accounts[deployed.ACCOUNT]
    assert f"template of 2020 in {HERE}, so findings that are sent by hand arrive twice" in said
    assert "    ansible-playbook -i <inventory> secops.securityhub.securityhub_slack_migrate" in report.table(found)


def test_another_rule_that_sends_findings_to_the_same_channel_is_reported_with_the_command(fleet, emulator):
    chatbot, events = emulator.client("chatbot", "us-east-2"), emulator.client("events", HERE)
    (ours,) = chatbot.describe_slack_channel_configurations()["SlackChannelConfigurations"]
    topic = emulator.client("sns", HERE).create_topic(Name="theirs")["TopicArn"]
    chatbot.update_slack_channel_configuration(
        ChatConfigurationArn=ours["ChatConfigurationArn"],
        SlackChannelId=ours["SlackChannelId"],
        SnsTopicArns=[*ours["SnsTopicArns"], topic],
    )
    for name, source in (("all-findings", "aws.securityhub"), ("health", "aws.health")):
        events.put_rule(Name=name, EventPattern=json.dumps({"source": [source]}))
        events.put_targets(Rule=name, Targets=[{"Id": "topic", "Arn": topic}])
    found = look(fleet)
    (said,) = found.accounts[deployed.ACCOUNT]
    assert said.startswith(f"the rule all-findings in {HERE} sends events of Security Hub to the topic theirs")
    assert f"    aws events disable-rule --region {HERE} --name all-findings" in report.table(found)
    assert found.healthy


def test_user_notifications_for_the_same_channel_are_reported_with_the_command_that_ends_them(fleet, emulator):
    client = emulator.client("notifications", "us-east-1")
    for source in ("aws.securityhub", "aws.health"):
        name = source.replace(".", "-")
        made = client.create_notification_configuration(name=name, description="Control Tower")["arn"]
        rule = {"source": source, "eventType": "Findings - Imported", "regions": [HERE]}
        client.create_event_rule(notificationConfigurationArn=made, **rule)
        client.associate_channel(arn=deployed.CONFIGURATION, notificationConfigurationArn=made)
    found = look(fleet)
    (said,) = found.accounts[deployed.ACCOUNT]
    assert said.startswith("AWS User Notifications (aws-securityhub) send events of Security Hub to the same channel")
    (command,) = [line.strip() for line in report.table(found) if line.startswith("    aws ")]
    assert command == said.partition("run: ")[2]
    _aws, _service, _operation, *options = command.split()
    given = dict(zip(options[::2], options[1::2]))
    assert given["--region"] == "us-east-1"
    client.disassociate_channel(
        arn=given["--arn"], notificationConfigurationArn=given["--notification-configuration-arn"]
    )
    assert look(fleet).accounts == {}


def test_an_adopted_configuration_is_reported(fleet, emulator):
    emulator.client("chatbot", "us-east-2").untag_resource(
        ResourceARN=deployed.CONFIGURATION, TagKeys=["secops.securityhub/managed"]
    )
    (said,) = look(fleet).accounts[deployed.ACCOUNT]
    assert said.startswith("the Slack channel's configuration securityhub-slack is not managed by this collection")


def assert_it_is_reported(fleet, breakage):
    """See that the doctor says what is broken. test_repair_drift.py calls it for each breakage before the repair."""
    check, state, words = SAID[breakage.name]
    found = look(fleet)
    here = states(found)
    assert here[check] == state
    assert found.targets[0].state == state, "the worst stands first"
    assert found.healthy is (state == "risk")
    said = [item for item in found.findings if item.check == check]
    assert any(words in item.result.problem for item in said), said
    for result in (item.result for item in found.findings):
        assert all(text.endswith(".") for text in (result.problem, result.effect, result.remedy)), result
    assert breakage.loses is False or "broken" in here.values()
    elsewhere = {name for host in deployed.REGIONS if host != HERE for name in wrong(states(found, host), check)}
    assert elsewhere <= EVERYWHERE & {check}
    assert wrong(here, check) == {check}


def test_every_breakage_has_an_answer():
    assert set(SAID) == {breakage.name for breakage in breakages.BREAKAGES}
    assert len(SAID) >= 20


def test_a_region_with_a_hub_and_without_a_deployment_is_uncovered(fleet, emulator):
    emulator.world({deployed.ACCOUNT: {"hubs": [*deployed.REGIONS, "ca-central-1"]}})
    found = look(fleet)
    document = report.document(found)
    assert document["uncovered"] == [{"account_id": deployed.ACCOUNT, "region": "ca-central-1"}]
    assert not found.healthy
    assert [(item.result.state, item.where) for item in found.findings] == [
        ("uncovered", (f"{deployed.ACCOUNT} ca-central-1",))
    ]
    assert document["summary"]["uncovered"] == 1


def only_us_east_1(fleet):
    """Return the diagnosis of an inventory that has no region but one."""
    targets = [target for target in fleet.targets() if target.host == "us-east-1"]
    return examine(deployed.clients(), targets, [], today=deployed.TODAY, window=window())


def test_a_region_that_is_deployed_and_not_in_the_inventory_is_unlisted(fleet):
    found = only_us_east_1(fleet)
    assert found.healthy
    (finding,) = found.findings
    assert (finding.result.state, finding.where) == (
        "unlisted",
        (f"{deployed.ACCOUNT} ap-southeast-1", f"{deployed.ACCOUNT} eu-west-1"),
    )
    assert report.summary(found) == "1 target: 1 in order. 2 regions deployed, but not in this inventory."
    assert [item["region"] for item in report.document(found)["unlisted"]] == ["ap-southeast-1", "eu-west-1"]


def test_a_region_with_a_deployment_that_reaches_no_channel_is_uncovered(fleet):
    breakages.configuration_deleted(fleet)
    assert {item.result.state for item in only_us_east_1(fleet).regions} == {"uncovered"}


def test_a_region_whose_deployment_cannot_be_read_is_unknown(fleet, emulator):
    emulator.faults({"denied": 1.0, "operations": ["DescribeStacks"], "regions": ["eu-west-1"]})
    try:
        found = only_us_east_1(fleet)
    finally:
        emulator.faults()
    assert {item.region: item.result.state for item in found.regions} == {
        "ap-southeast-1": "unlisted",
        "eu-west-1": "unknown",
    }
    assert not found.healthy


def test_unreadable_resources_are_not_reported_as_healthy(fleet, emulator):
    emulator.faults({"services": ["sns"], "regions": [HERE], "errors": 1.0})
    try:
        found = look(fleet)
    finally:
        emulator.faults()
    here = states(found)
    assert {here[name] for name in ("rules", "targets", "topic", "encryption", "subscription")} == {"unknown"}
    assert (here["stack"], here["channel"]) == ("ok", "ok")
    assert not found.healthy
    assert "no details" not in str(found.findings)


SUPPRESSIONS = [
    {"control_ids": ["S3.8"], "account_ids": ["333333333333"]},
    {"control_ids": ["EC2.2"], "account_ids": ["222222222222"]},
]


def test_a_deployed_pattern_that_eventbridge_evaluates_differently_is_found(emulator, monkeypatch):
    fleet = deployed.deploy(emulator, monkeypatch, suppressions=SUPPRESSIONS)
    assert look(fleet).healthy
    emulator.ask("POST", "switches", {"event_ruler_alternatives": "first_of_same_fields"})
    found = look(fleet)
    assert {states(found, host)["patterns"] for host in deployed.REGIONS} == {"broken"}
    assert {states(found, host)["rules"] for host in deployed.REGIONS} == {"ok"}
    problems = [item.result.problem for item in found.findings if item.check == "patterns"]
    for facts in ("does not match an event that must be sent", "Event pattern: {", "Event: {", "Policy: {"):
        assert all(facts in problem for problem in problems)
    assert [line for line in report.table(found) if len(line) > 80] == []
    off = look(fleet, test_event_patterns=False)
    assert {states(off, host)["patterns"] for host in deployed.REGIONS} == {"none"}


def test_only_patterns_that_are_deployed_as_they_should_be_are_tested(fleet, emulator):
    emulator.forget_requests()
    assert states(look(fleet, minimum_severity="LOW"))["patterns"] == "ok"
    asked = [entry["region"] for entry in emulator.requests() if entry["operation"] == "TestEventPattern"]
    # Of the rule for the custom action, which does not depend on the severity.
    assert Counter(asked) == dict.fromkeys(deployed.REGIONS, 4)
    emulator.forget_requests()
    assert states(look(fleet, minimum_severity="LOW", action_id="Other"))["patterns"] == "none"
    assert "TestEventPattern" not in {entry["operation"] for entry in emulator.requests()}


def test_patterns_that_could_not_be_tested_are_unknown(fleet, emulator):
    emulator.faults({"denied": 1, "operations": ["TestEventPattern"]})
    try:
        found = look(fleet)
    finally:
        emulator.faults()
    assert states(found)["patterns"] == "unknown"
    (finding,) = found.findings
    assert "TestEventPattern" in finding.result.problem
    assert not found.healthy


def test_a_region_that_amazon_q_does_not_list_is_broken_alone(fleet, emulator, monkeypatch):
    taipei = "ap-east-2"
    monkeypatch.setattr(deployed, "REGIONS", (*deployed.REGIONS, taipei))
    emulator.world({deployed.ACCOUNT: {**deployed.WORLD, "hubs": list(deployed.REGIONS)}})
    found = look(fleet)
    (finding,) = found.findings
    assert (finding.check, finding.where, finding.result.state) == ("region", (taipei,), "broken")
    said = f"{finding.result.problem} {finding.result.remedy}"
    assert "does not list ap-east-2 among its regions" in said
    assert "Link ap-east-2 to the finding aggregator, remove it from the inventory" in said


def test_invalid_variables_are_reported_without_a_call(fleet, emulator):
    emulator.forget_requests()
    found = look(fleet, workspace_id="T00000000")
    assert {target.results["region"].state for target in found.targets} == {"unknown"}
    assert found.findings[0].result.problem.startswith("securityhub_slack_workspace_id is 'T00000000'")
    assert emulator.requests() == []


def test_absent_target_is_only_checked_for_leftovers(fleet):
    found = look(fleet, state="absent")
    assert {target.state for target in found.targets} == {"risk"}
    assert "the inventory says that it should have none" in found.findings[0].result.problem
    fleet.run(state="absent")
    assert {target.state for target in look(fleet, state="absent").targets} == {"none"}


@pytest.mark.parametrize("state", ["present", "absent"])
def test_automation_rules_of_an_interrupted_run_are_named(emulator, monkeypatch, state):
    fleet = deployed.deploy(emulator, monkeypatch, run=False)
    emulator.faults({"denied": 1, "operations": ["CreateStack"]})
    fleet.run(**dict(breakages.IN_HUB))
    emulator.faults()
    hubs = [item.result.problem for item in look(fleet, state=state).findings if item.check == "hub"]
    assert len(hubs) == 1
    assert hubs[0].endswith("for suppressions that no longer exist: 1.")


def test_regions_that_feed_the_home_region_have_no_deployment_of_their_own(emulator, monkeypatch):
    fleet = deployed.deploy(emulator, monkeypatch, aggregation="per_region")
    aggregator = {"home": "us-east-1", "RegionLinkingMode": "ALL_REGIONS", "Regions": []}
    emulator.world({deployed.ACCOUNT: {"aggregator": aggregator}})
    fleet.run(aggregation="auto")
    found = look(fleet, aggregation="auto")
    assert {target.host: target.state for target in found.targets} == {
        "us-east-1": "ok",
        HERE: "none",
        "ap-southeast-1": "none",
    }
    assert found.healthy


def test_past_losses_remain_losses_once_their_cause_is_fixed(fleet):
    breakages.policy_emptied(fleet)
    fleet.finding("lost")
    fleet.run(repair_drift=True)
    fleet.finding("found")
    found = look(fleet)
    assert states(found)["delivery"] == "broken"
    assert "could not deliver 1 of 2 events in the last 24 h" in found.findings[0].result.problem
    assert not found.healthy


# Where nothing else is wrong, it depends on what EventBridge sends as context, which AWS does not document.
CONTEXTS = [
    ("source_arn_and_account", True, True),
    ("source_arn", True, True),
    ("none", True, False),
    ("none", False, True),
]


@pytest.mark.parametrize(("context", "conditions", "healthy"), CONTEXTS)
def test_a_condition_that_may_keep_eventbridge_out_is_named(fleet, emulator, context, conditions, healthy):
    fleet.run(topic_policy_conditions=conditions)
    emulator.ask("POST", "switches", {"eventbridge_context": context})
    fleet.finding()
    assert len(fleet.arrived()) == healthy
    found = look(fleet, topic_policy_conditions=conditions)
    assert found.healthy is healthy
    assert wrong(states(found), "delivery") == (set() if healthy else {"delivery"})
    remedies = " ".join(item.result.remedy for item in found.findings)
    assert ("set securityhub_slack_topic_policy_conditions to false" in remedies) is not healthy


def test_without_conditions_the_condition_is_not_the_cause(fleet):
    fleet.run(topic_policy_conditions=False)
    breakages.policy_emptied(fleet)
    fleet.finding()
    fleet.run(topic_policy_conditions=False, repair_drift=True)
    found = look(fleet, topic_policy_conditions=False)
    assert states(found)["delivery"] == "unknown"
    (finding,) = found.findings
    assert finding.result.commands == (messages.CANARY,)
    assert "topic_policy_conditions" not in finding.result.remedy


def test_the_terminal_has_80_columns_and_the_document_holds_everything(fleet, emulator):
    emulator.world({deployed.ACCOUNT: {"hubs": [*deployed.REGIONS, "ca-central-1"]}})
    breakages.rule_disabled(fleet)
    found = look(fleet)
    lines = report.table(found)
    assert max(map(len, lines)) <= 80
    assert lines[2].split() == [HERE, *("XX" if heading == "RUL" else "ok" for heading in report.COLUMNS)]
    text = " ".join(" ".join(lines).split())
    assert "FINDINGS ARE LOST Rules: eu-west-1 The rule securityhub-slack-findings is disabled." in text
    assert "UNCOVERED Coverage: 111111111111 ca-central-1" in text
    document = report.document(found)
    assert document["targets"][HERE]["checks"]["rules"]["state"] == "broken"
    assert document["summary"] == {
        "targets": 3,
        "broken": 1,
        "unknown": 0,
        "risk": 0,
        "ok": 2,
        "none": 0,
        "uncovered": 1,
        "unlisted": 0,
    }
    assert document["healthy"] is False
