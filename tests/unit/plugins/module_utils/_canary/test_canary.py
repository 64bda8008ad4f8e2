# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The canary arrives in the channel, says where it gets lost, and leaves nothing but an archived finding."""

from __future__ import annotations

import datetime
import os
import re
import signal
import subprocess
import threading
import time

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._canary import flights as flying
from ansible_collections.secops.securityhub.plugins.module_utils._canary import outcome
from ansible_collections.secops.securityhub.plugins.module_utils._canary import posts
from ansible_collections.secops.securityhub.plugins.module_utils._canary import queues
from ansible_collections.secops.securityhub.plugins.module_utils._canary import report
from ansible_collections.secops.securityhub.plugins.module_utils._canary import run as canary
from ansible_collections.secops.securityhub.plugins.module_utils._canary import slack
from ansible_collections.secops.securityhub.plugins.module_utils._canary import specimens
from ansible_collections.secops.securityhub.plugins.module_utils._pipeline import settings
from ansible_collections.secops.securityhub.plugins.module_utils._services import securityhub
from ansible_collections.secops.securityhub.plugins.module_utils._services import sns
from ansible_collections.secops.securityhub.plugins.module_utils._services import sqs
from ansible_collections.secops.securityhub.tests.unit import breakages
from ansible_collections.secops.securityhub.tests.unit import deployed
from ansible_collections.secops.securityhub.tests.unit.deployed import HERE
from hypothesis import given
from hypothesis import strategies

SOUND = {"import": True, "rule": True, "topic": True, "channel": True}
AT_RULE = {"import": True, "rule": False, "topic": None, "channel": None}
AT_TOPIC = {"import": True, "rule": True, "topic": False, "channel": None}
AT_CHANNEL = {"import": True, "rule": True, "topic": True, "channel": False}
UNKNOWN = dict.fromkeys(SOUND)
HOME = {"home": "us-east-1", "RegionLinkingMode": "ALL_REGIONS"}


@pytest.fixture
def patience(monkeypatch):
    """What AWS needs time for is there at once."""
    monkeypatch.setattr(flying, "SETTLE_SECONDS", 0.0)
    monkeypatch.setattr(posts, "POLL_SECONDS", 0)
    monkeypatch.setattr(slack, "PAUSE_SECONDS", 0.05)


@pytest.fixture
def fleet(emulator, monkeypatch, patience):
    return deployed.deploy(emulator, monkeypatch)


def send(fleet, *, check=False, timeout=0.3, only=deployed.REGIONS, **variables):
    now = datetime.datetime.now(datetime.timezone.utc)
    everybody = fleet.targets(**variables)
    targets = [target for target in everybody if target.host in only]
    neighbours = [target for target in everybody if target.host not in only]
    found = canary.run(targets, neighbours, deployed.clients(), check=check, now=now, timeout=timeout)
    return outcome.result(found), report.table(found)


def states(found):
    return {host: target["state"] for host, target in found["targets"].items()}


def test_a_canary_arrives_from_every_region_and_leaves_nothing(fleet):
    found, lines = send(fleet)
    assert states(found) == dict.fromkeys(deployed.REGIONS, "arrived")
    assert found["healthy"]
    assert found["changed"]
    assert fleet.arrived() == [specimens.TITLE] * len(deployed.REGIONS)
    assert all(0 <= target["seconds"] < 5 for target in found["targets"].values())
    assert found["targets"][HERE]["rules"] == ["securityhub-slack-findings"]
    assert found["targets"][HERE]["steps"] == SOUND
    assert [(item["state"], item["expected"], item["delivered"]) for item in found["channels"]] == [("delivered", 3, 3)]
    assert fleet.traces() == []
    assert max(map(len, lines)) <= 80
    assert lines[-1] == "3 targets: 3 arrived."
    assert "Slack channel C0123456789 (securityhub-slack): Amazon Q has posted 3 messages." in " ".join(lines)


def test_it_arrives_also_where_a_state_machine_marks_what_was_sent(emulator, monkeypatch, patience):
    fleet = deployed.deploy(emulator, monkeypatch, mark_notified=True)
    found, _lines = send(fleet)
    assert found["healthy"]
    assert fleet.arrived() == [specimens.TITLE] * len(deployed.REGIONS)
    assert fleet.traces() == []


def test_what_stays_is_an_archived_finding_that_says_what_it_is(fleet):
    send(fleet)
    finding = fleet.client("securityhub").get_findings()["Findings"][0]
    assert finding["Title"] == specimens.TITLE
    assert (finding["Sample"], finding["RecordState"]) == (True, "ARCHIVED")


def test_check_mode_writes_nothing_and_says_what_it_would_do(fleet, emulator):
    found, lines = send(fleet, check=True)
    assert states(found) == dict.fromkeys(deployed.REGIONS, "ready")
    assert "would be sent: CRITICAL, to C0123456789" in " ".join(" ".join(lines).split())
    assert lines[-1] == "3 targets: 3 ready."
    assert (found["changed"], found["healthy"], found["channels"]) == (True, True, [])
    assert emulator.writes() == []
    assert fleet.arrived() == []


LOSSES = [
    (breakages.rule_disabled, AT_RULE, "no rule that is enabled sends it to the topic securityhub-slack"),
    (breakages.rule_pattern_changed, AT_RULE, "no rule that is enabled sends it to the topic securityhub-slack"),
    (breakages.rule_deleted, AT_RULE, "no rule that is enabled sends it to the topic securityhub-slack"),
    (breakages.policy_emptied, AT_TOPIC, "no unchanged event has come through the topic securityhub-slack"),
    (breakages.key_of_aws, AT_TOPIC, "no unchanged event has come through the topic securityhub-slack"),
    (breakages.target_removed, AT_TOPIC, "no unchanged event has come through the topic securityhub-slack"),
    (breakages.target_changes_event, AT_TOPIC, "no unchanged event has come through the topic securityhub-slack"),
    (breakages.topic_detached, AT_CHANNEL, "channel C0123456789 is not connected to the topic securityhub-slack"),
    (breakages.unsubscribed, AT_CHANNEL, "Amazon Q is not subscribed"),
]


@pytest.mark.parametrize(("happen", "steps", "words"), LOSSES, ids=[item[0].__name__ for item in LOSSES])
def test_where_it_gets_lost_is_told_and_nothing_is_left(fleet, happen, steps, words):
    happen(fleet)
    found, lines = send(fleet)
    assert states(found) == {**dict.fromkeys(deployed.REGIONS, "arrived"), HERE: "lost"}
    assert found["targets"][HERE]["steps"] == steps
    assert words in found["targets"][HERE]["msg"]
    assert words in " ".join(" ".join(lines).split())
    assert not found["healthy"]
    assert fleet.traces() == []


FAILURES = [
    (breakages.hub_off, "Security Hub is not enabled"),
    (breakages.topic_deleted, "the topic securityhub-slack is gone"),
    (breakages.stack_deleted, "there is no pipeline in eu-west-1: run the playbook securityhub_slack.yml."),
]


@pytest.mark.parametrize(("happen", "words"), FAILURES, ids=[item[0].__name__ for item in FAILURES])
def test_what_cannot_be_tested_fails_alone_and_nothing_is_left(fleet, happen, words):
    happen(fleet)
    found, _lines = send(fleet)
    assert states(found) == {**dict.fromkeys(deployed.REGIONS, "arrived"), HERE: "failed"}
    assert words in found["targets"][HERE]["msg"]
    assert found["targets"][HERE]["steps"] == UNKNOWN
    assert not found["healthy"]
    assert fleet.traces() == []


@pytest.mark.parametrize("operation", ["CreateQueue", "Subscribe", "BatchImportFindings", "ReceiveMessage"])
def test_a_call_that_is_denied_fails_the_target_and_leaves_nothing(fleet, emulator, operation):
    emulator.faults({"denied": 1.0, "operations": [operation], "regions": [HERE]})
    try:
        found, _lines = send(fleet)
    finally:
        emulator.faults()
    assert states(found) == {**dict.fromkeys(deployed.REGIONS, "arrived"), HERE: "failed"}
    assert f"may not call {operation}" in found["targets"][HERE]["msg"]
    assert fleet.traces() == []


@pytest.mark.parametrize("operation", ["DeleteQueue", "Unsubscribe"])
def test_what_could_not_be_taken_away_is_told_and_the_next_run_takes_it_away(fleet, emulator, monkeypatch, operation):
    emulator.faults({"denied": 1.0, "operations": [operation], "regions": [HERE]})
    with monkeypatch.context() as earlier:
        earlier.setattr(os, "getpid", ended)
        found, _lines = send(fleet)
    emulator.faults()
    assert states(found)[HERE] == "failed"
    assert "could not be taken away" in found["targets"][HERE]["msg"]
    assert fleet.traces() != []
    found, _lines = send(fleet)
    assert found["healthy"]
    assert fleet.traces() == []


def test_a_disabled_channel_is_a_loss(fleet, emulator):
    emulator.world({deployed.ACCOUNT: {"channel_policy_disabled": "Denied by policy"}})
    found, _lines = send(fleet)
    assert states(found) == dict.fromkeys(deployed.REGIONS, "lost")
    assert "is disabled (Denied by policy)" in found["targets"][HERE]["msg"]


def test_a_channel_that_the_app_was_not_invited_to_is_told_by_its_metric(fleet, emulator):
    emulator.world({deployed.ACCOUNT: {"private_channels": [deployed.CHANNEL]}})
    found, lines = send(fleet)
    assert states(found) == dict.fromkeys(deployed.REGIONS, "arrived")
    assert [(item["state"], item["failed"]) for item in found["channels"]] == [("failed", 3)]
    assert not found["healthy"]
    assert "/invite @Amazon Q" in " ".join(" ".join(lines).split())
    assert lines[-1].endswith("Lost on the way to Slack: C0123456789.")


def test_what_amazon_q_does_not_understand_is_told_by_its_metric(fleet):
    breakages.subscription_attribute("RawMessageDelivery", "true")(fleet)
    found, lines = send(fleet)
    assert [(item["state"], item["delivered"], item["failed"]) for item in found["channels"]] == [("failed", 2, 1)]
    assert "did not understand 1 message" in " ".join(" ".join(lines).split())
    assert not found["healthy"]


def test_metrics_that_do_not_tell_are_no_loss(fleet, emulator):
    emulator.faults({"services": ["monitoring"], "denied": 1.0})
    try:
        found, lines = send(fleet)
    finally:
        emulator.faults()
    assert [item["state"] for item in found["channels"]] == ["not seen"]
    assert found["healthy"]
    assert "Look into the channel: 3 messages should be there." in " ".join(" ".join(lines).split())


def test_where_findings_go_by_hand_only_it_says_so(fleet):
    fleet.run(forward_automatically=False)
    found, lines = send(fleet, forward_automatically=False)
    assert states(found) == dict.fromkeys(deployed.REGIONS, "skipped")
    assert "by hand only" in found["targets"][HERE]["msg"]
    assert (found["healthy"], found["changed"]) == (True, False)
    assert lines[-1] == "3 targets: 3 skipped. Nothing was tested."
    assert fleet.traces() == []


def test_findings_of_the_new_security_hub_cannot_be_tested_and_it_says_so(fleet):
    found, _lines = send(fleet, finding_format="ocsf")
    assert states(found) == dict.fromkeys(deployed.REGIONS, "skipped")
    assert "AWS has no API call that imports findings into the new Security Hub" in found["targets"][HERE]["msg"]


def test_what_shall_have_no_pipeline_is_left_out(fleet):
    found, _lines = send(fleet, state="absent")
    assert states(found) == dict.fromkeys(deployed.REGIONS, "skipped")
    assert fleet.traces() == []


def test_what_suppressions_hold_back_is_left_out(fleet):
    suppressions = [{"resource_types": ["Other"]}]
    fleet.run(suppressions=suppressions)
    found, _lines = send(fleet, suppressions=suppressions)
    assert states(found) == dict.fromkeys(deployed.REGIONS, "skipped")
    assert "suppressions" in found["targets"][HERE]["msg"]


def test_the_home_region_sends_for_the_regions_that_feed_it(emulator, monkeypatch, patience):
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


def test_a_linked_region_alone_is_heard_at_the_home_region(emulator, monkeypatch, patience):
    fleet = deployed.deploy(emulator, monkeypatch)
    emulator.world({deployed.ACCOUNT: {"aggregator": HOME}})
    fleet.run()
    found, _lines = send(fleet, only=[HERE])
    assert states(found) == {HERE: "arrived"}
    assert [message["finding_region"] for message in emulator.inbox(deployed.CHANNEL)] == [HERE]
    assert fleet.traces() == []


def test_a_home_region_that_is_not_deployed_fails_those_that_feed_it(emulator, monkeypatch, patience):
    fleet = deployed.deploy(emulator, monkeypatch)
    emulator.world({deployed.ACCOUNT: {"aggregator": HOME}})
    found, _lines = send(fleet, only=[HERE])
    assert states(found) == {HERE: "failed"}
    assert "us-east-1 sends its findings, and that fails" in found["targets"][HERE]["msg"]


ROUTES = [
    {"name": "security", "channel_id": "C0AAAAAAAA1", "minimum_severity": "HIGH"},
    {"name": "platform", "channel_id": "C0AAAAAAAA2", "severities": ["LOW"]},
]


def test_each_channel_is_tested(emulator, monkeypatch, patience):
    fleet = deployed.deploy(emulator, monkeypatch, channels=ROUTES, channel_id=None)
    found, lines = send(fleet)
    assert states(found) == dict.fromkeys(deployed.REGIONS, "arrived")
    assert [item["severity"] for item in found["targets"][HERE]["findings"]] == ["LOW", "HIGH"]
    assert set(found["targets"][HERE]["topics"]) == {"securityhub-slack-security", "securityhub-slack-platform"}
    assert {item["channel_id"]: (item["state"], item["delivered"]) for item in found["channels"]} == {
        "C0AAAAAAAA1": ("delivered", 3),
        "C0AAAAAAAA2": ("delivered", 3),
    }
    assert max(map(len, lines)) <= 80
    assert fleet.traces() == []


def test_one_finding_is_enough_where_both_channels_take_it(emulator, monkeypatch, patience):
    routes = [ROUTES[0], {**ROUTES[1], "severities": [], "minimum_severity": "LOW"}]
    fleet = deployed.deploy(emulator, monkeypatch, channels=routes, channel_id=None)
    found, _lines = send(fleet)
    assert [item["severity"] for item in found["targets"][HERE]["findings"]] == ["HIGH"]
    assert len(emulator.inbox()) == 2 * len(deployed.REGIONS)


def test_a_channel_that_gets_nothing_by_itself_is_called_untested(emulator, monkeypatch, patience):
    routes = [ROUTES[0], {**ROUTES[1], "forward_automatically": False}]
    fleet = deployed.deploy(emulator, monkeypatch, channels=routes, channel_id=None)
    found, lines = send(fleet)
    assert states(found) == dict.fromkeys(deployed.REGIONS, "arrived")
    assert found["targets"][HERE]["untested"] == ["securityhub-slack-platform"]
    assert "not tested: securityhub-slack-platform" in " ".join(lines)


def test_the_broken_one_of_two_channels_is_named(emulator, monkeypatch, patience):
    fleet = deployed.deploy(emulator, monkeypatch, channels=ROUTES, channel_id=None)
    fleet.client("events").disable_rule(Name="securityhub-slack-platform-findings")
    found, _lines = send(fleet)
    assert states(found)[HERE] == "lost"
    assert "no rule that is enabled sends it to the topic securityhub-slack-platform" in found["targets"][HERE]["msg"]
    assert set(found["targets"][HERE]["topics"]) == {"securityhub-slack-security"}


@pytest.mark.parametrize(
    ("module", "call"),
    [
        (sqs, "list_queues"),
        (sqs, "create_queue"),
        (sns, "subscribe_queue"),
        (securityhub, "batch_import_findings"),
        (sqs, "receive_messages"),
        (sqs, "delete_queue"),
    ],
)
def test_an_interrupted_run_leaves_nothing(fleet, monkeypatch, module, call):
    """Ctrl-C comes while threads make calls; what these make after it must not be left."""
    real = getattr(module, call)

    first = threading.Lock()  # of the threads only one strikes

    def struck(*arguments):
        if first.acquire(blocking=False):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)  # for the clean-up to begin
        return real(*arguments)

    monkeypatch.setattr(module, call, struck)
    with pytest.raises(KeyboardInterrupt):
        send(fleet)
    time.sleep(0.3)  # for a thread that did not stop
    assert fleet.traces() == []


def test_what_a_killed_run_has_left_is_taken_away_by_the_next_one(fleet, monkeypatch):
    with monkeypatch.context() as killed:
        killed.setattr(flying, "_clean_up", lambda *_arguments: None)
        killed.setattr(os, "getpid", ended)
        send(fleet)
    assert len(fleet.traces()) == 3 * len(deployed.REGIONS)
    found, _lines = send(fleet)
    assert found["healthy"]
    assert fleet.traces() == []
    assert fleet.arrived() == [specimens.TITLE] * 2 * len(deployed.REGIONS)


def ended():
    """The id of a process that is no more."""
    with subprocess.Popen(["true"]) as process:
        process.wait()
    return process.pid


def test_queues_of_others_and_their_findings_stay(fleet):
    now, here = int(time.time()), queues.new_name("x").split("-")[3]
    stay = [
        queues.new_name("securityhub-slack"),  # of a canary that is under way
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


def test_a_queue_that_somebody_takes_away_meanwhile_is_told(fleet, monkeypatch):
    real = posts.hear

    def hear(clients, post):
        fleet.client("sqs", post.target.settings.region).delete_queue(QueueUrl=post.queue_url)
        monkeypatch.setattr(posts, "hear", real)
        return []

    monkeypatch.setattr(posts, "hear", hear)
    found, _lines = send(fleet, only=[HERE])
    assert states(found) == {HERE: "failed"}
    assert "somebody has taken the canary's queue away" in found["targets"][HERE]["msg"]
    assert fleet.traces() == []


@given(strategies.from_regex(settings.NAME, fullmatch=True))
def test_any_stack_has_a_name_for_its_queue(stack):
    name = queues.new_name(stack)
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,80}", name)
    assert name.startswith(queues.prefix(stack))
    assert not queues.is_left_over(name)
