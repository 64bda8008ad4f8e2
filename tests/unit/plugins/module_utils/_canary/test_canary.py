# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The canary reports where a test finding is lost, and leaves nothing behind but an archived finding."""

from __future__ import annotations

import datetime
import os
import re
import signal
import subprocess
import threading
import time
from dataclasses import replace

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._canary import findings
from ansible_collections.secops.securityhub.plugins.module_utils._canary import listeners
from ansible_collections.secops.securityhub.plugins.module_utils._canary import messages
from ansible_collections.secops.securityhub.plugins.module_utils._canary import sending
from ansible_collections.secops.securityhub.plugins.module_utils._canary.cleanup import Cleanup
from ansible_collections.secops.securityhub.plugins.module_utils._commands import canary
from ansible_collections.secops.securityhub.plugins.module_utils._model import settings
from ansible_collections.secops.securityhub.plugins.module_utils._services import securityhub
from ansible_collections.secops.securityhub.plugins.module_utils._services import sns
from ansible_collections.secops.securityhub.plugins.module_utils._services import sqs
from ansible_collections.secops.securityhub.tests.unit import breakages
from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit.deployed import HERE
from ansible_collections.secops.securityhub.tests.unit.said import Said
from hypothesis import given
from hypothesis import strategies

WORKING = {"import": True, "rule": True, "topic": True, "channel": True}
AT_RULE = {"import": True, "rule": False, "topic": None, "channel": None}
AT_TOPIC = {"import": True, "rule": True, "topic": False, "channel": None}
AT_CHANNEL = {"import": True, "rule": True, "topic": True, "channel": False}
UNKNOWN = dict.fromkeys(WORKING)
HOME = {"home": "us-east-1", "RegionLinkingMode": "ALL_REGIONS"}


@pytest.fixture
def patience(monkeypatch):
    """Remove all pauses: the emulator needs no time. Let fleets have two regions."""
    deployed.use_two_regions(monkeypatch)
    deployed.remove_pauses_of_canaries(monkeypatch)


@pytest.fixture
def fleet(emulator, monkeypatch, patience):
    return deployed.deploy(emulator, monkeypatch)


def send(fleet, *, check=False, timeout=1, only=None, **variables):
    context = fleet.context(check=check, options={"timeout": timeout}, **variables)
    context = replace(
        context,
        targets=[target for target in context.targets if target.host in (only or deployed.REGIONS)],
        unselected=[target for target in context.targets if target.host not in (only or deployed.REGIONS)],
        now=datetime.datetime.now(datetime.timezone.utc),
    )
    outcome = canary.run(context)
    return outcome.result, outcome.lines


def states(found):
    return {host: target["state"] for host, target in found["targets"].items()}


def test_a_canary_arrives_from_every_region_and_leaves_an_archived_test_finding(fleet):
    found, lines = send(fleet)
    assert states(found) == dict.fromkeys(deployed.REGIONS, "arrived")
    assert found["healthy"]
    assert found["changed"]
    assert fleet.arrived() == [findings.TITLE] * len(deployed.REGIONS)
    assert all(0 <= target["seconds"] < 5 for target in found["targets"].values())
    assert found["targets"][HERE]["rules"] == ["securityhub-slack-findings"]
    assert found["targets"][HERE]["steps"] == WORKING
    assert [(item["state"], item["expected"], item["delivered"]) for item in found["channels"]] == [("delivered", 2, 2)]
    assert fleet.traces() == []
    assert max(map(len, lines)) <= 80
    assert lines[-1] == "2 targets: 2 arrived."
    assert "Slack channel C0123456789 (securityhub-slack): Amazon Q posted 2 messages." in " ".join(lines)
    (finding,) = fleet.client("securityhub").get_findings()["Findings"]
    assert finding["Title"] == findings.TITLE
    assert (finding["Sample"], finding["RecordState"]) == (True, "ARCHIVED")


@pytest.mark.parametrize("resolved", [{}, {"message_format": "custom", "report_resolved": True}])
def test_it_arrives_where_a_state_machine_marks_forwarded_findings(emulator, monkeypatch, patience, resolved):
    fleet = deployed.deploy(emulator, monkeypatch, mark_notified=True, **resolved)
    found, _lines = send(fleet)
    assert found["healthy"]
    assert len(fleet.arrived()) == len(deployed.REGIONS)
    assert fleet.traces() == []


def test_check_mode_reports_the_test_findings_and_writes_nothing(fleet, emulator):
    found, lines = send(fleet, check=True)
    assert states(found) == dict.fromkeys(deployed.REGIONS, "ready")
    assert "would send CRITICAL to C0123456789" in " ".join(" ".join(lines).split())
    assert lines[-1] == "2 targets: 2 ready."
    assert (found["changed"], found["healthy"], found["channels"]) == (True, True, [])
    assert emulator.writes() == []
    assert fleet.arrived() == []


LOSSES = [
    (breakages.rule_disabled, AT_RULE, "No enabled rule forwards the test finding to the topic securityhub-slack"),
    (breakages.rule_deleted, AT_RULE, "No enabled rule forwards the test finding to the topic securityhub-slack"),
    (breakages.policy_emptied, AT_TOPIC, "no unchanged event arrived at the topic securityhub-slack"),
    (breakages.target_removed, AT_TOPIC, "no unchanged event arrived at the topic securityhub-slack"),
    (breakages.target_changes_event, AT_TOPIC, "no unchanged event arrived at the topic securityhub-slack"),
    (breakages.topic_detached, AT_CHANNEL, "channel C0123456789 is not connected to the topic securityhub-slack"),
    (breakages.unsubscribed, AT_CHANNEL, "Amazon Q is not subscribed"),
]


@pytest.mark.parametrize(("happen", "steps", "words"), LOSSES, ids=[item[0].__name__ for item in LOSSES])
def test_a_loss_is_reported_with_its_step_and_nothing_is_left(fleet, happen, steps, words):
    happen(fleet)
    found, lines = send(fleet)
    assert states(found) == {**dict.fromkeys(deployed.REGIONS, "arrived"), HERE: "lost"}
    assert found["targets"][HERE]["steps"] == steps
    assert words in found["targets"][HERE]["msg"]
    assert words in " ".join(" ".join(lines).split())
    assert not found["healthy"]
    assert fleet.traces() == []


CONTEXTS = [
    ("source_arn_and_account", True, "arrived"),
    ("source_arn", True, "arrived"),
    ("none", True, "lost"),
    ("none", False, "arrived"),
]


@pytest.mark.parametrize(("alarms", "contexts"), [(False, CONTEXTS), (True, CONTEXTS[-2:])])
def test_a_condition_that_keeps_eventbridge_out_is_named(fleet, emulator, alarms, contexts):
    for context, conditions, state in contexts:
        variables = {"topic_policy_conditions": conditions, "alarms": alarms}
        fleet.run(**variables)
        emulator.ask("POST", "switches", {"eventbridge_context": context})
        found, lines = send(fleet, **variables)
        assert states(found) == dict.fromkeys(deployed.REGIONS, state)
        for text in (found["msg"], " ".join(" ".join(lines).split())):
            named = "Set securityhub_slack_topic_policy_conditions to false" in text
            assert named is (state == "lost")


@pytest.mark.parametrize("conditions", [True, False])
def test_a_condition_that_is_not_there_is_not_named(fleet, conditions):
    fleet.run(topic_policy_conditions=conditions)
    breakages.policy_emptied(fleet)
    found, _lines = send(fleet, only=(HERE,), topic_policy_conditions=conditions)
    assert states(found) == {HERE: "lost"}
    assert ("topic_policy_conditions" in found["msg"]) is conditions


def test_a_condition_is_not_named_where_it_lets_another_region_through(fleet):
    breakages.policy_emptied(fleet)
    found, _lines = send(fleet)
    assert "topic_policy_conditions" not in found["msg"]


def test_a_channel_gets_no_more_test_findings_a_second_than_amazon_q_shows(fleet, emulator, monkeypatch):
    # A busy machine may deliver a finding late, so there is more than a second between the two.
    monkeypatch.setattr(sending, "FINDINGS_PER_SECOND", 0.4)
    emulator.ask("POST", "switches", {"chatbot_events_per_second": 1})
    found, _lines = send(fleet, timeout=20)
    assert found["healthy"]
    assert fleet.arrived() == [findings.TITLE] * len(deployed.REGIONS)


def test_throttled_messages_are_reported(fleet, emulator):
    emulator.ask("POST", "switches", {"chatbot_events_per_second": 0.05})
    found, lines = send(fleet, timeout=5)
    assert not found["healthy"]
    assert found["channels"][0]["delivered"] < found["channels"][0]["expected"]
    assert "Amazon Q throttled" in " ".join(" ".join(lines).split())


def test_a_subscription_that_amazon_q_is_still_making_is_waited_for(emulator, monkeypatch, patience):
    fleet = deployed.deploy(emulator, monkeypatch, run=False)
    emulator.ask("POST", "switches", {"chatbot_subscription_delay": 2})
    fleet.run()
    monkeypatch.setattr(listeners, "SUBSCRIPTION_SECONDS", 10)
    found, _lines = send(fleet)
    assert found["healthy"]
    assert fleet.arrived() == [findings.TITLE] * len(deployed.REGIONS)


FAILURES = [
    (breakages.hub_off, "Security Hub is not enabled"),
    (breakages.topic_deleted, "The topic securityhub-slack does not exist."),
    (breakages.stack_deleted, "Nothing is deployed in eu-west-1. Run: ansible-playbook"),
]


@pytest.mark.parametrize(("happen", "words"), FAILURES, ids=[item[0].__name__ for item in FAILURES])
def test_a_target_that_cannot_be_tested_fails_alone_and_nothing_is_left(fleet, happen, words):
    happen(fleet)
    found, _lines = send(fleet)
    assert states(found) == {**dict.fromkeys(deployed.REGIONS, "arrived"), HERE: "failed"}
    assert words in found["targets"][HERE]["msg"]
    assert found["targets"][HERE]["steps"] == UNKNOWN
    assert not found["healthy"]
    assert fleet.traces() == []


def test_a_call_that_is_denied_fails_the_target_and_leaves_nothing(fleet, emulator):
    for operation in ("CreateQueue", "Subscribe", "BatchImportFindings", "ReceiveMessage"):
        emulator.faults({"denied": 1.0, "operations": [operation], "regions": [HERE]})
        try:
            found, _lines = send(fleet)
        finally:
            emulator.faults()
        assert states(found) == {**dict.fromkeys(deployed.REGIONS, "arrived"), HERE: "failed"}
        assert f"may not call {operation}" in found["targets"][HERE]["msg"]
        assert fleet.traces() == []


@pytest.mark.parametrize("operation", ["DeleteQueue", "Unsubscribe"])
def test_resources_that_could_not_be_deleted_are_reported_and_the_next_run_deletes_them(
    fleet, emulator, monkeypatch, operation
):
    emulator.faults({"denied": 1.0, "operations": [operation], "regions": [HERE]})
    with monkeypatch.context() as earlier:
        earlier.setattr(os, "getpid", ended)
        found, _lines = send(fleet)
    emulator.faults()
    assert states(found)[HERE] == "failed"
    assert "could not be deleted" in found["targets"][HERE]["msg"]
    assert fleet.traces() != []
    found, _lines = send(fleet)
    assert found["healthy"]
    assert fleet.traces() == []


def test_a_disabled_channel_is_a_loss(fleet, emulator):
    emulator.world({deployed.ACCOUNT: {"channel_policy_disabled": "Denied by policy"}})
    found, _lines = send(fleet)
    assert states(found) == dict.fromkeys(deployed.REGIONS, "lost")
    assert "is disabled (Denied by policy)" in found["targets"][HERE]["msg"]


def test_a_channel_without_the_app_is_reported_from_its_metric(fleet, emulator):
    emulator.world({deployed.ACCOUNT: {"private_channels": [deployed.CHANNEL]}})
    found, lines = send(fleet)
    assert states(found) == dict.fromkeys(deployed.REGIONS, "arrived")
    assert [(item["state"], item["failed"]) for item in found["channels"]] == [("failed", 2)]
    assert not found["healthy"]
    assert "/invite @Amazon Q" in " ".join(" ".join(lines).split())
    assert lines[-1].endswith("Not posted to Slack: C0123456789.")


def test_an_unsupported_message_is_reported_from_its_metric(fleet):
    breakages.subscription_attribute("RawMessageDelivery", "true")(fleet)
    found, lines = send(fleet)
    assert [(item["state"], item["delivered"], item["failed"]) for item in found["channels"]] == [("failed", 1, 1)]
    assert "did not understand 1 message" in " ".join(" ".join(lines).split())
    assert not found["healthy"]


def test_missing_metrics_are_not_a_loss(fleet, emulator):
    emulator.faults({"services": ["monitoring"], "denied": 1.0})
    try:
        found, lines = send(fleet)
    finally:
        emulator.faults()
    assert [item["state"] for item in found["channels"]] == ["not seen"]
    assert found["healthy"]
    assert "Check the channel: it should show 2 messages." in " ".join(" ".join(lines).split())


def test_manual_forwarding_is_skipped_with_a_reason(fleet):
    fleet.run(forward_automatically=False)
    found, lines = send(fleet, forward_automatically=False)
    assert states(found) == dict.fromkeys(deployed.REGIONS, "skipped")
    assert "only by hand" in found["targets"][HERE]["msg"]
    assert (found["healthy"], found["changed"]) == (True, False)
    assert lines[-1] == "2 targets: 2 skipped. Nothing was tested."
    assert fleet.traces() == []


def test_ocsf_findings_and_absent_targets_are_skipped(fleet):
    found, _lines = send(fleet, finding_format="ocsf")
    assert states(found) == dict.fromkeys(deployed.REGIONS, "skipped")
    assert "AWS has no API that imports findings into the new Security Hub" in found["targets"][HERE]["msg"]
    found, _lines = send(fleet, state="absent")
    assert states(found) == dict.fromkeys(deployed.REGIONS, "skipped")
    assert fleet.traces() == []


def test_targets_whose_suppressions_match_are_skipped(fleet):
    suppressions = [{"resource_types": ["Other"]}]
    fleet.run(suppressions=suppressions)
    found, _lines = send(fleet, suppressions=suppressions)
    assert states(found) == dict.fromkeys(deployed.REGIONS, "skipped")
    assert "suppressions" in found["targets"][HERE]["msg"]


def test_the_home_region_forwards_for_its_linked_regions_together_or_alone(emulator, monkeypatch, patience):
    fleet = deployed.deploy(emulator, monkeypatch)
    emulator.world({deployed.ACCOUNT: {"aggregator": HOME}})
    fleet.run()
    emulator.forget_requests()
    found, _lines = send(fleet)
    assert states(found) == dict.fromkeys(deployed.REGIONS, "arrived")
    assert found["healthy"]
    inbox = emulator.inbox(deployed.CHANNEL)
    assert sorted(message["finding_region"] for message in inbox) == sorted(deployed.REGIONS)
    assert {message["region"] for message in inbox} == {"us-east-1"}
    queues = [item for item in emulator.requests() if item["operation"] == "CreateQueue"]
    assert [item["region"] for item in queues] == ["us-east-1"]
    assert fleet.traces() == []
    emulator.ask("DELETE", "inbox")
    found, _lines = send(fleet, only=[HERE])
    assert states(found) == {HERE: "arrived"}
    assert [message["finding_region"] for message in emulator.inbox(deployed.CHANNEL)] == [HERE]
    assert fleet.traces() == []


def test_a_home_region_without_deployment_fails_its_linked_regions(emulator, monkeypatch, patience):
    fleet = deployed.deploy(emulator, monkeypatch)
    emulator.world({deployed.ACCOUNT: {"aggregator": HOME}})
    found, _lines = send(fleet, only=[HERE])
    assert states(found) == {HERE: "failed"}
    assert "home region us-east-1" in found["targets"][HERE]["msg"]


CHANNELS = [
    {"name": "security", "channel_id": "C0AAAAAAAA1", "minimum_severity": "HIGH"},
    {"name": "platform", "channel_id": "C0AAAAAAAA2", "severities": ["LOW"]},
]


def test_each_channel_is_tested(emulator, monkeypatch, patience):
    fleet = deployed.deploy(emulator, monkeypatch, channels=CHANNELS, channel_id=None)
    found, lines = send(fleet)
    assert states(found) == dict.fromkeys(deployed.REGIONS, "arrived")
    assert [item["severity"] for item in found["targets"][HERE]["findings"]] == ["LOW", "HIGH"]
    assert set(found["targets"][HERE]["topics"]) == {"securityhub-slack-security", "securityhub-slack-platform"}
    assert {item["channel_id"]: (item["state"], item["delivered"]) for item in found["channels"]} == {
        "C0AAAAAAAA1": ("delivered", 2),
        "C0AAAAAAAA2": ("delivered", 2),
    }
    assert max(map(len, lines)) <= 80
    assert fleet.traces() == []


def test_one_finding_is_enough_for_two_channels_with_a_common_severity(emulator, monkeypatch, patience):
    named = [CHANNELS[0], {**CHANNELS[1], "severities": [], "minimum_severity": "LOW"}]
    fleet = deployed.deploy(emulator, monkeypatch, channels=named, channel_id=None)
    found, _lines = send(fleet)
    assert [item["severity"] for item in found["targets"][HERE]["findings"]] == ["HIGH"]
    assert len(emulator.inbox()) == 2 * len(deployed.REGIONS)


def test_a_channel_with_manual_forwarding_is_untested(emulator, monkeypatch, patience):
    named = [CHANNELS[0], {**CHANNELS[1], "forward_automatically": False}]
    fleet = deployed.deploy(emulator, monkeypatch, channels=named, channel_id=None)
    found, lines = send(fleet)
    assert states(found) == dict.fromkeys(deployed.REGIONS, "arrived")
    assert found["targets"][HERE]["untested"] == ["securityhub-slack-platform"]
    assert "not tested: securityhub-slack-platform" in " ".join(lines)


def test_the_broken_one_of_two_channels_is_named(emulator, monkeypatch, patience):
    fleet = deployed.deploy(emulator, monkeypatch, channels=CHANNELS, channel_id=None)
    fleet.client("events").disable_rule(Name="securityhub-slack-platform-findings")
    found, _lines = send(fleet)
    assert states(found)[HERE] == "lost"
    assert "to the topic securityhub-slack-platform" in found["targets"][HERE]["msg"]
    assert set(found["targets"][HERE]["topics"]) == {"securityhub-slack-security"}


CALLS = [
    (sqs, "list_queues"),
    (sqs, "create_queue"),
    (sns, "subscribe_queue"),
    (securityhub, "batch_import_findings"),
    (sqs, "receive_messages"),
    (sqs, "delete_queue"),
]


def test_an_interrupted_run_leaves_nothing(fleet, monkeypatch):
    """Ctrl-C is pressed while threads make calls. Nothing that they create afterwards is left behind."""
    for module, call in CALLS:
        said = Said()
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(module, call, interrupted(getattr(module, call)))
            patched.setattr(deployed, "Said", lambda said=said: said)
            send(fleet)
        time.sleep(0.3)  # for a thread that did not stop
        assert fleet.traces() == [], call
        assert said[-2:] == [messages.INTERRUPTED, messages.NOTHING_LEFT]


def interrupted(real):
    """Return a call that interrupts this process when it is made for the first time."""
    first = threading.Lock()  # only one of the threads interrupts

    def call(*arguments):
        if first.acquire(blocking=False):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)  # for the clean-up to begin
        return real(*arguments)

    return call


def test_next_run_deletes_leftovers_of_a_killed_run(fleet, monkeypatch):
    with monkeypatch.context() as killed:
        killed.setattr(Cleanup, "undo", lambda _cleanup: {})
        killed.setattr(os, "getpid", ended)
        send(fleet)
    assert len(fleet.traces()) == 3 * len(deployed.REGIONS)
    found, _lines = send(fleet)
    assert found["healthy"]
    assert fleet.traces() == []
    assert fleet.arrived() == [findings.TITLE] * 2 * len(deployed.REGIONS)


def ended():
    """Return the id of a process that has ended."""
    with subprocess.Popen(["true"]) as process:
        process.wait()
    return process.pid


def test_foreign_queues_and_findings_stay(fleet):
    now, here = int(time.time()), listeners.queue_name("x").split("-")[3]
    stay = [
        listeners.queue_name("securityhub-slack"),  # of a canary that is under way
        f"securityhub-slack-canary-{now:08x}-000000-1-abcd",  # on another machine, perhaps under way
        "securityhub-slack-canary-mine",
    ]
    other = f"other-canary-{now - 3600:08x}-000000-1-abcd"  # of another stack
    fleet.client("sqs").create_queue(QueueName=other)
    go = [
        f"securityhub-slack-canary-{now - 3600:08x}-000000-1-abcd",
        f"securityhub-slack-canary-{now:08x}-{here}-{ended():x}-abcd",
    ]
    for name in (*stay, *go):
        fleet.client("sqs").create_queue(QueueName=name)
        arn = f"arn:aws:sqs:{HERE}:{deployed.ACCOUNT}:{name}"
        fleet.client("sns").subscribe(TopicArn=deployed.TOPIC, Protocol="sqs", Endpoint=arn)
    fleet.finding()
    found, _lines = send(fleet)
    assert found["healthy"]
    kept = [trace.replace("/", ":").rpartition(":")[2] for trace in fleet.traces()]
    assert sorted(kept) == sorted([*stay, *stay, other, "1"])


def test_a_queue_deleted_during_the_run_is_reported(fleet, monkeypatch):
    real = listeners.receive

    def receive(_aws, listener):
        fleet.client("sqs", listener.settings.region).delete_queue(QueueUrl=listener.queue_url)
        monkeypatch.setattr(listeners, "receive", real)
        return listeners.Received((), 0)

    monkeypatch.setattr(listeners, "receive", receive)
    found, _lines = send(fleet, only=[HERE])
    assert states(found) == {HERE: "failed"}
    assert "queue was deleted while it was in use" in found["targets"][HERE]["msg"]
    assert fleet.traces() == []


@given(strategies.from_regex(settings.NAME, fullmatch=True))
def test_every_stack_name_gives_a_valid_queue_name(stack):
    name = listeners.queue_name(stack)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name)
    assert name.startswith(listeners.queue_prefix(stack))
    assert not listeners.is_left_behind(name)
