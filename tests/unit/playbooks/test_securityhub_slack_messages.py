# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom messages, as they arrive in the channel."""

from __future__ import annotations

import itertools
import json

import pytest
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings
from ansible_collections.secops.securityhub.tests.unit.plugins.module_utils._routing import worlds

FINDING = findings.FINDINGS["ec2-19-critical-eu-west-1"]
MACIE = findings.FINDINGS["macie-high-eu-west-1"]
THIRD_PARTY = findings.FINDINGS["third-party-critical-eu-west-1"]
OTHER_PRODUCTS = [THIRD_PARTY, MACIE]
LOW = findings.FINDINGS["s3-5-medium-eu-west-1"]
HOSTILE = 'A "quoted" \\ title,\nof two lines: ${AWS::Region} {{ x }}'
PARTNER = "arn:aws:securityhub:eu-west-1::product/partner/scanner"


@pytest.fixture
def playbooks(emulator, tmp_path):
    """Return a runner of playbooks in an organization without findings, with one target."""
    findings.set_up(emulator)
    made = findings.Playbooks(tmp_path, emulator.url)
    made.inventory({"eu-west-1": {}}, message_format="custom", minimum_severity="HIGH")
    return made


def again(finding, year=2098):
    return {**finding, "UpdatedAt": f"{year}-01-01T00:00:00.000Z"}


def another(finding, number):
    return {**finding, "Id": f"{finding['Id']}{number}"}


def arrived(emulator):
    """Return the messages since the last call."""
    messages = emulator.inbox()
    emulator.ask("DELETE", "inbox")
    return messages


def test_findings_of_all_products_arrive_with_their_details(emulator, playbooks):
    playbooks.ok("securityhub_slack")
    findings.bring(emulator, FINDING, *OTHER_PRODUCTS, LOW)
    emulator.custom_action("eu-west-1", "SendToSlack", LOW["Id"])
    messages = {message["finding_id"]: message for message in emulator.inbox()}
    assert set(messages) == {item["Id"] for item in (FINDING, *OTHER_PRODUCTS, LOW)}
    shown = messages[FINDING["Id"]]
    assert (shown["title"], shown["severity"]) == (FINDING["Title"], "CRITICAL")
    assert shown["text"].splitlines() == [
        "*CRITICAL* EC2.19",
        f"Account {FINDING['AwsAccountId']}, eu-west-1",
        "https://docs.aws.amazon.com/console/securityhub/EC2.19/remediation",
        "Look at the finding: https://eu-west-1.console.aws.amazon.com/securityhub/home?region=eu-west-1"
        f"#/findings?search=Id%3D{FINDING['Id']}",
        FINDING["Resources"][0]["Id"],
    ]
    assert messages[LOW["Id"]]["detail_type"] == "Security Hub Findings - Custom Action"
    assert messages[MACIE["Id"]]["title"] == MACIE["Title"]
    shown = messages[THIRD_PARTY["Id"]]
    assert (shown["title"], shown["severity"]) == (f"Finding of {THIRD_PARTY['ProductArn']}", "CRITICAL")
    assert shown["text"].splitlines()[:2] == ["*CRITICAL*", f"Account {THIRD_PARTY['AwsAccountId']}, eu-west-1"]

    findings.bring(emulator, again(FINDING))
    threads = [message["thread"] for message in emulator.inbox()]
    assert threads == [*(item["Id"] for item in (FINDING, *OTHER_PRODUCTS, LOW)), FINDING["Id"]]


def test_each_severity_notifies_its_own_people_and_links_lead_on(emulator, playbooks):
    oncall = {
        "name": "oncall",
        "channel_id": findings.CHANNEL,
        "mentions": {"CRITICAL": ["here"], "HIGH": ["SAZ94GDB8"]},
    }
    audit = {"name": "audit", "channel_id": "CAUD1T00001", "minimum_severity": "LOW", "runbook_url": ""}
    playbooks.inventory(
        {"eu-west-1": {}},
        message_format="custom",
        minimum_severity="MEDIUM",
        runbook_url="https://wiki.example.com/hub/{control}",
        access_portal_url="https://example.awsapps.com/start",
        access_portal_role="SecurityAudit",
        channels=[oncall, audit],
    )
    playbooks.ok("securityhub_slack")
    findings.bring(emulator, FINDING, THIRD_PARTY, MACIE, LOW)
    inbox = emulator.inbox()
    assert {item["finding_id"]: item["mentions"] for item in inbox if item["channel"] == findings.CHANNEL} == {
        FINDING["Id"]: ["!here"],
        THIRD_PARTY["Id"]: ["!here"],
        MACIE["Id"]: ["!subteam^SAZ94GDB8"],
        LOW["Id"]: [],
    }
    assert len(inbox) == 8
    assert [item["mentions"] for item in inbox if item["channel"] == "CAUD1T00001"] == [[]] * 4
    (shown,) = (item for item in inbox if item["channel"] == findings.CHANNEL and item["finding_id"] == FINDING["Id"])
    assert shown["text"].startswith("<!here> *CRITICAL* EC2.19\n")
    assert "Runbook: https://wiki.example.com/hub/EC2.19\n" in shown["text"]
    portal = f"https://example.awsapps.com/start/#/console?account_id={FINDING['AwsAccountId']}&role_name=SecurityAudit"
    assert portal in shown["text"]
    (other,) = (item for item in inbox if item["channel"] == "CAUD1T00001" and item["finding_id"] == FINDING["Id"])
    assert "Runbook" not in other["text"]
    emulator.forget_requests()
    playbooks.ok("securityhub_slack")
    assert emulator.writes() == []


BROKEN = 'a "quotation mark", a \\ and\na line'
AUTHORED = (
    {"Id": BROKEN},
    {"AwsAccountName": BROKEN},
    {"Remediation": {"Recommendation": {"Url": BROKEN}}},
    {"Compliance": {"Status": "FAILED", "SecurityControlId": BROKEN}},
    {"Title": BROKEN, "Description": BROKEN, "GeneratorId": BROKEN},
)


def test_nothing_that_an_author_writes_silences_or_replaces_a_finding(emulator, playbooks):
    playbooks.ok("securityhub_slack")
    resources = [{**FINDING["Resources"][0], "Id": HOSTILE}]
    texts = dict.fromkeys(("Title", "Description", "AwsAccountName"), HOSTILE)
    findings.bring(emulator, {**FINDING, **texts, "Resources": resources})
    (message,) = arrived(emulator)
    assert message["title"] == HOSTILE
    assert message["text"].endswith(HOSTILE)

    url = 'x"},"content":{"title":"Weekly summary","description":"All findings are resolved"},"a":{"b":"'
    forged = {**THIRD_PARTY, "Remediation": {"Recommendation": {"Url": url}}}
    findings.bring(emulator, forged)
    (message,) = arrived(emulator)
    assert message["finding_id"] == forged["Id"]
    assert "Weekly summary" not in message["title"] + message["text"]

    cases = itertools.product((THIRD_PARTY["ProductArn"], PARTNER), AUTHORED)
    for number, (product, given) in enumerate(cases):
        finding = another({**THIRD_PARTY, "ProductArn": product, **given}, number)
        findings.bring(emulator, finding)
        emulator.custom_action("eu-west-1", "SendToSlack", finding["Id"])
        assert [message["severity"] for message in arrived(emulator)] == ["CRITICAL", "CRITICAL"], (product, given)


MENTIONS = [
    "<!channel> all clear",
    "ask <@U012AB3CD>",
    "<!here|here>",
    "<!subteam^SAZ94GDB8>",
    "see <https://evil.example/|the runbook>",
]


def test_no_text_of_a_finding_notifies_the_channel(emulator, playbooks):
    playbooks.ok("securityhub_slack")
    for number, text in enumerate(MENTIONS):
        resources = [{**FINDING["Resources"][0], "Id": text}]
        of_alarm = {"Resources": resources, "ProductFields": {"Resources:0/Id": text}}
        third_party = {**THIRD_PARTY, "Title": text, "Resources": [{**THIRD_PARTY["Resources"][0], "Id": text}]}
        hostile = (third_party, {**FINDING, **of_alarm}, {**MACIE, "Title": text})
        sent = [another(finding, number) for finding in hostile]
        findings.bring(emulator, *sent)
        for finding in sent:
            emulator.custom_action("eu-west-1", "SendToSlack", finding["Id"])
        messages = arrived(emulator)
        assert sorted(message["finding_id"] for message in messages) == sorted(2 * [finding["Id"] for finding in sent])
        assert [message["mentions"] + message["labeled_links"] for message in messages] == 6 * [[]], text


def test_findings_of_the_new_hub_arrive_and_no_text_of_them_notifies_the_channel(emulator, playbooks):
    playbooks.ok("securityhub_slack", finding_format="ocsf")
    event = {"account": findings.ADMINISTRATOR, "region": "eu-west-1", "detail-type": "Findings Imported V2"}
    emulator.ask("POST", "event", {**event, "detail": {"findings": [worlds.ocsf(FINDING)]}})
    (message,) = arrived(emulator)
    assert (message["title"], message["severity"], message["finding_id"]) == (
        FINDING["Title"],
        "CRITICAL",
        FINDING["Id"],
    )
    assert "securityhub/v2/home?region=eu-west-1#/findings?search=finding_info.uid%3D" in message["text"]
    assert f"EQUALS%255C%253A{FINDING['Id']}" in message["text"]
    for text in MENTIONS:
        for given in ({**MACIE, "Title": text}, {**FINDING, "Resources": [{"Type": "Other", "Id": text}]}):
            emulator.ask("POST", "event", {**event, "detail": {"findings": [worlds.ocsf(given)]}})
        messages = arrived(emulator)
        assert [message["finding_id"] for message in messages] == [MACIE["Id"], FINDING["Id"]]
        assert [message["mentions"] + message["labeled_links"] for message in messages] == [[], []], text


def test_the_message_format_is_changed_kept_and_repaired(emulator, playbooks):
    playbooks.ok("securityhub_slack", message_format="aws")
    preview = playbooks.ok("securityhub_slack", "", "--check", "--diff").output
    assert "stack > messages: custom" in preview
    assert "message format aws -> custom" in preview
    playbooks.ok("securityhub_slack")
    emulator.forget_requests()
    playbooks.ok("securityhub_slack", repair_drift=True)
    assert emulator.writes() == []

    events = emulator.client("events", "eu-west-1")
    rule = "securityhub-slack-findings"
    (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
    events.put_targets(Rule=rule, Targets=[{**target, "InputTransformer": {"InputTemplate": json.dumps("lost")}}])
    playbooks.ok("securityhub_slack", repair_drift=True)
    assert events.list_targets_by_rule(Rule=rule)["Targets"] == [target]

    playbooks.ok("securityhub_slack", message_format="aws")
    (target,) = events.list_targets_by_rule(Rule=rule)["Targets"]
    assert "InputTransformer" not in target
