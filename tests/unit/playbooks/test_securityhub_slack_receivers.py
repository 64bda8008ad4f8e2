# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receivers beside the channel get each finding that they should get once, and their URL appears nowhere."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.secops.securityhub.tests.unit import waiting
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings

HERE, THERE, LAKE = "eu-west-1", "us-east-1", "eu-central-1"
OURS, THEIRS = findings.ADMINISTRATOR, "999999999999"
CONTROL = findings.FINDINGS["ec2-19-critical-eu-west-1"]
THREAT = findings.FINDINGS["guardduty-backdoor-high-eu-west-1"]
URL = "https://events.pagerduty.com/integration/sentinel0key0/enqueue"
BUS = f"arn:aws:events:{LAKE}:{THEIRS}:event-bus/lake"
RECEIVER_REGION = "{{ inventory_hostname }}"
MAIL, LIST = "oncall@example.com", "security@example.com"
RECEIVERS = [
    {"name": "mail", "email": [MAIL, LIST], "minimum_severity": "HIGH"},
    {"name": "pager", "url": URL, "minimum_severity": "CRITICAL"},
    {"name": "eda", "queue_arn": f"arn:aws:sqs:{RECEIVER_REGION}:{OURS}:eda", "severities": ["HIGH"]},
    {"name": "lake", "event_bus_arn": BUS, "minimum_severity": "HIGH", "suppressions": [{"control_ids": ["EC2.19"]}]},
]


@pytest.fixture
def playbooks(emulator, tmp_path):
    """Return a runner of playbooks in an organization without findings, with queues and an event bus elsewhere."""
    findings.set_up(emulator)
    for region in (HERE, THERE):
        findings.queue(emulator, region, OURS, "eda", f"arn:aws:events:{region}:{OURS}:rule/securityhub-slack-to-eda-*")
    findings.event_bus(emulator, BUS, OURS)
    emulator.forget_requests()
    return findings.Playbooks(tmp_path, emulator.url)


def received(emulator, endpoint):
    return [item["message"] for item in emulator.ask("GET", "received") if item["endpoint"] == endpoint]


def test_each_receiver_gets_its_findings_once_and_no_output_has_the_url(emulator, playbooks):
    playbooks.inventory({HERE: {}, THERE: {}}, minimum_severity="CRITICAL", receivers=RECEIVERS, kms_key="create")
    runs = [playbooks.ok("securityhub_slack", "", "-vvv")]
    emulator.forget_requests()
    runs.append(playbooks.ok("securityhub_slack", "", "--diff", "-vvv"))
    assert emulator.writes() == []

    # Nobody has confirmed.
    runs.append(playbooks.run("securityhub_slack_doctor"))
    assert runs[-1].code == 2
    said = " ".join(runs[-1].output.split())
    assert "Subscriptions that have not been confirmed: email oncall@example.com, email security@example.com" in said
    assert "https https://events.pagerduty.com/..." in said
    assert "aws sns subscribe --region eu-west-1 --topic-arn" in said
    runs.append(playbooks.ok("securityhub_slack_canary", "", canary_timeout=5))
    said = " ".join(runs[-1].output.split())
    assert "have not confirmed: securityhub-slack-to-mail, securityhub-slack-to-pager" in said
    assert "not tested: securityhub-slack-to-mail, securityhub-slack-to-eda, securityhub-slack-to-lake" in said

    for endpoint in (MAIL, LIST, URL):
        assert emulator.ask("POST", "confirm", {"endpoint": endpoint}) == {"confirmed": 2}
    for region in (HERE, THERE):
        findings.sent_to_queue(emulator, region, OURS, "eda")
    findings.sent_to_queue(emulator, LAKE, THEIRS, "lake")
    emulator.ask("DELETE", "inbox")
    runs.append(playbooks.run("securityhub_slack_doctor"))
    assert "2 targets: 2 in order" in runs[-1].output

    account = THREAT["AwsAccountId"]
    product = f"arn:aws:securityhub:{HERE}:{account}:product/{account}/default"
    forged = {**copy.deepcopy(THREAT), "ProductArn": product, "Id": "forged", "Title": 'Pay at "https://evil.example"'}
    low = {**copy.deepcopy(THREAT), "Id": f"{THREAT['Id'][:-4]}0001", "Severity": {"Label": "LOW"}}
    low["FindingProviderFields"] = {"Severity": {"Label": "LOW"}}
    findings.bring(emulator, CONTROL, THREAT, forged, low)
    assert findings.delivered(emulator) == [CONTROL["Id"]]
    console = f"https://{HERE}.console.aws.amazon.com/securityhub/home?region={HERE}#/findings"
    of_control = [
        f'"CRITICAL finding in account {CONTROL["AwsAccountId"]}, {HERE}"',
        f'"EC2.19 {CONTROL["Title"]}"',
        f'"Look at the finding: {console}?search=Id%3D{CONTROL["Id"]}"',
        f'"{CONTROL["Remediation"]["Recommendation"]["Url"]}"',
    ]
    of_forged = [
        f'"HIGH finding in account {account}, {HERE}"',
        f'"Finding of {product}"',
        f'"Its text is only shown in the console: {console}"',
    ]
    mails = [mail.split("\n") for mail in received(emulator, MAIL)]
    assert [mails[0], mails[2]] == [of_control, of_forged]
    assert mails[1][:2] == [f'"HIGH finding in account {account}, {HERE}"', f'" {THREAT["Title"]}"']
    assert len(mails) == 3
    assert received(emulator, LIST) == received(emulator, MAIL)
    assert [json.loads(text)["detail"]["findings"][0]["Id"] for text in received(emulator, URL)] == [CONTROL["Id"]]
    of_queue = findings.sent_to_queue(emulator, HERE, OURS, "eda")
    assert [(item["Id"], item["Title"]) for item in of_queue] == [
        (THREAT["Id"], THREAT["Title"]),
        (forged["Id"], forged["Title"]),
    ]
    assert findings.sent_to_queue(emulator, THERE, OURS, "eda") == []
    in_lake = findings.sent_to_queue(emulator, LAKE, THEIRS, "lake")
    assert sorted(item["Id"] for item in in_lake) == sorted([THREAT["Id"], forged["Id"]])

    (playbooks.folder / "findings.json").write_text(json.dumps({"Findings": [THREAT]}), encoding="utf-8")
    runs.append(
        playbooks.ok("securityhub_slack_simulate", "securityhub_slack_simulation", simulate_files=["findings.json"])
    )
    for name in ("mail", "eda", "lake"):
        assert f"to securityhub-slack-to-{name}" in json.dumps(runs[-1].result)
    assert "securityhub-slack-to-pager: " not in runs[-1].output

    # An endpoint that takes nothing any more, and one that nobody knows.
    emulator.ask("POST", "confirm", {"endpoint": URL, "reachable": False})
    sns = emulator.client("sns", HERE)
    topic = f"arn:aws:sns:{HERE}:{OURS}:securityhub-slack-to-"
    sns.subscribe(TopicArn=f"{topic}mail", Protocol="https", Endpoint="https://unknown.example/sentinel")
    findings.bring(emulator, {**CONTROL, "UpdatedAt": "2099-01-01T00:00:00.000Z"})
    runs.append(playbooks.run("securityhub_slack_doctor"))
    said = " ".join(runs[-1].output.split())
    assert "The dead-letter queue holds events that EventBridge or SNS could not deliver: 1." in said
    assert "to-mail has subscribers that the stack does not have: https https://unknown.example/..." in said

    # One address less, and another URL.
    fewer = [{**RECEIVERS[0], "email": [LIST]}, {**RECEIVERS[1], "url": URL.replace("key0", "key1")}]
    runs.append(playbooks.ok("securityhub_slack", "", "--check", "--diff", receivers=fewer))
    runs.append(playbooks.ok("securityhub_slack", receivers=fewer))
    listed = sns.list_subscriptions_by_topic(TopicArn=f"{topic}mail")["Subscriptions"]
    assert [item["Endpoint"] for item in listed if item["Protocol"] == "email"] == [LIST]
    (pager,) = sns.list_subscriptions_by_topic(TopicArn=f"{topic}pager")["Subscriptions"]
    assert (pager["Endpoint"], pager["SubscriptionArn"]) == (fewer[1]["url"], "PendingConfirmation")

    runs.append(playbooks.ok("securityhub_slack", state="absent", receivers=fewer))
    assert sns.list_topics()["Topics"] == []
    assert (
        emulator.client("cloudformation", HERE).list_stacks()["StackSummaries"][0]["StackStatus"] == "DELETE_COMPLETE"
    )
    assert emulator.client("events", HERE).list_rules()["Rules"] == []
    assert not any("sentinel" in run.output + json.dumps(run.result) for run in runs)
    assert not any("sentinel" in path.read_text() for path in playbooks.folder.glob("*.json"))


def test_a_home_region_sends_once_and_what_is_broken_is_refused_repaired_and_reported(emulator, playbooks):
    findings.set_up(emulator, aggregator={"home": THERE, "RegionLinkingMode": "ALL_REGIONS"})
    eda = findings.queue(emulator, THERE, OURS, "eda", f"arn:aws:events:{THERE}:{OURS}:rule/other")
    entries = [{"name": "mail", "email": [MAIL]}, {"name": "eda", "queue_arn": eda.replace(THERE, RECEIVER_REGION)}]
    entries = [{**entry, "minimum_severity": "HIGH"} for entry in entries]
    given = {"minimum_severity": "CRITICAL", "kms_key": "create", "mark_notified": True, "receivers": entries}
    playbooks.inventory({HERE: {}, THERE: {}}, **given)
    sqs, events = emulator.client("sqs", THERE), emulator.client("events", THERE)
    url = sqs.get_queue_url(QueueName="eda")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": "alias/aws/sqs"})
    refused = playbooks.run("securityhub_slack")
    assert refused.code == 2
    said = " ".join(refused.output.split())
    assert f"the policy of the queue {eda} of the receiver 'eda' in securityhub_slack_receivers does not let" in said
    assert f"arn:aws:events:{THERE}:{OURS}:rule/securityhub-slack-to-eda-*" in said
    assert f"the key alias/aws/sqs of the queue {eda} of the receiver 'eda'" in said
    assert "AWS managed key that EventBridge cannot use" in said
    assert emulator.client("cloudformation", THERE).list_stacks()["StackSummaries"] == []

    policy = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    policy = policy.replace("rule/other", "rule/securityhub-slack-to-eda-*")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy, "KmsMasterKeyId": ""})
    playbooks.ok("securityhub_slack")
    emulator.ask("POST", "confirm", {"endpoint": MAIL})
    findings.bring(emulator, CONTROL, THREAT)
    assert len(received(emulator, MAIL)) == 2
    assert [item["Id"] for item in findings.sent_to_queue(emulator, THERE, OURS, "eda")] == [
        CONTROL["Id"],
        THREAT["Id"],
    ]
    assert findings.delivered(emulator) == [CONTROL["Id"]]
    hub = emulator.client("securityhub", HERE)

    def statuses():
        return {item["Id"]: item["Workflow"]["Status"] for item in hub.get_findings()["Findings"]}

    waiting.until(lambda: statuses()[CONTROL["Id"]] != "NEW")
    assert statuses() == {CONTROL["Id"]: "NOTIFIED", THREAT["Id"]: "NEW"}

    # By hand: a rule without its target, and a topic that nobody may publish to.
    events.remove_targets(Rule="securityhub-slack-to-eda-findings", Ids=["receiver"])
    topic, sns = f"arn:aws:sns:{THERE}:{OURS}:securityhub-slack-to-mail", emulator.client("sns", THERE)
    live = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=live.replace("-findings", "-gone"))
    said = " ".join(playbooks.run("securityhub_slack_doctor").output.split())
    assert "the target of the rule securityhub-slack-to-eda-findings is gone" in said.lower()
    assert "the policy of the topic securityhub-slack-to-mail does not allow" in said.lower()
    playbooks.ok("securityhub_slack", repair_drift=True)
    again = {**copy.deepcopy(THREAT), "UpdatedAt": "2099-01-01T00:00:00.000Z"}
    findings.bring(emulator, again)
    assert len(received(emulator, MAIL)) == 3
    assert [item["Id"] for item in findings.sent_to_queue(emulator, THERE, OURS, "eda")] == [THREAT["Id"]]

    sqs.delete_queue(QueueUrl=url)
    findings.bring(emulator, {**again, "UpdatedAt": "2099-01-02T00:00:00.000Z"})
    broken = playbooks.run("securityhub_slack_doctor")
    assert broken.code == 2
    said = " ".join(broken.output.split())
    assert f"queue {eda} of the receiver 'eda' in securityhub_slack_receivers does not exist" in said
    assert "dead-letter queue" in said
    playbooks.ok("securityhub_slack", state="absent")
    assert sns.list_topics()["Topics"] == []
