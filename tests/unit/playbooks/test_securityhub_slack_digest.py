# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The digest: each channel gets the number of its open findings, and every finding counts once."""

from __future__ import annotations

from collections import Counter

import pytest
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings

DIGEST = "securityhub_slack_digest"
TARGETS = findings.EXPECTED["scenarios"]["per_region"]["targets"]
FINDING = findings.FINDINGS["ec2-19-critical-eu-west-1"]
HOSTILE = 'x`<!channel> *bold* <https://evil.example|click>\n"{{ x }}" \u202e'


@pytest.fixture
def playbooks(emulator, tmp_path):
    """Return a runner of playbooks in an organization without findings."""
    findings.set_up(emulator)
    return findings.Playbooks(tmp_path, emulator.url)


def open_findings(scenario):
    """Return the sample findings that a scenario forwards, or has forwarded, by the table that was written by hand."""
    expected = {name: verdicts[scenario] for name, verdicts in findings.EXPECTED["findings"].items()}
    counted = {*TARGETS, "workflow status is NOTIFIED"}
    return [findings.FINDINGS[name] for name, verdict in expected.items() if verdict in counted]


def by_severity(listed):
    return dict(Counter(finding["Severity"]["Label"] for finding in listed))


def ready(emulator, playbooks, *brought, **variables):
    """Deploy, import findings, and clear the inbox and the log of requests."""
    playbooks.inventory(TARGETS, **variables)
    playbooks.ok("securityhub_slack")
    findings.bring(emulator, *(brought or findings.FINDINGS.values()))
    emulator.ask("DELETE", "inbox")
    emulator.forget_requests()


def test_a_channel_gets_the_numbers_of_its_open_findings(emulator, playbooks):
    ready(emulator, playbooks)

    preview = playbooks.ok(DIGEST, DIGEST, "--check")
    assert (emulator.writes(), emulator.inbox()) == ([], [])
    real = playbooks.ok(DIGEST, DIGEST)

    (message,) = emulator.inbox()
    (digest,) = real.result["digests"]
    assert emulator.writes() == ["Publish"]
    assert message["title"] == "Security Hub digest: account 111111111111"
    assert message["text"].splitlines() == digest["text"]
    assert digest["severities"] == by_severity(open_findings("per_region"))
    assert sum(target["findings"] for target in real.result["targets"].values()) == len(open_findings("per_region"))
    assert preview.result["digests"] == [{**digest, "published": False}]
    assert (preview.result["changed"], real.result["changed"]) == (True, True)
    assert digest["text"][0] in preview.output
    assert "Would be sent to Slack channel C0ABC1DEF" in preview.output

    # A region that fails is named, and fails alone.
    emulator.ask("DELETE", "inbox")
    emulator.faults({"denied": 1.0, "operations": ["GetFindings"], "regions": ["us-east-1"]})
    outcome = playbooks.run(DIGEST)
    emulator.faults()
    (message,) = emulator.inbox()
    assert outcome.code == 2
    assert "*Not counted* (failed): `us-east-1`" in message["text"]
    assert "open in ap-northeast-1, ap-southeast-1, eu-west-1" in message["text"]
    output = " ".join(outcome.output.split())
    assert "FAILED: us-east-1: these credentials may not call GetFindings" in output
    assert "1 digest: 1 sent, 0 failed. 1 target failed." in output


def test_notified_findings_are_open_and_suppressed_ones_are_not(emulator, playbooks):
    ready(emulator, playbooks)
    client = emulator.client("securityhub", FINDING["Region"])
    client.batch_update_findings(
        FindingIdentifiers=[{"Id": FINDING["Id"], "ProductArn": FINDING["ProductArn"]}],
        Workflow={"Status": "SUPPRESSED"},
    )
    playbooks.ok("securityhub_slack_baseline")

    (digest,) = playbooks.ok(DIGEST, DIGEST).result["digests"]

    assert digest["severities"] == by_severity(
        item for item in open_findings("per_region") if item["Id"] != FINDING["Id"]
    )


def test_the_digest_of_the_new_hub_has_the_same_numbers(emulator, playbooks):
    findings.set_up_new_hub(emulator)
    ready(emulator, playbooks)
    (expected,) = playbooks.ok(DIGEST, DIGEST).result["digests"]
    some = list(map(findings.ocsf, findings.FINDINGS.values()))
    # Only customers set these.
    statuses = {"Notified": 2, "Suppressed": 3, "Resolved": 4}
    playbooks.ok("securityhub_slack", finding_format="ocsf")
    findings.bring_ocsf(emulator, *some)
    for finding in some:
        if finding["status"] in statuses:
            emulator.client("securityhub", finding["cloud"]["region"]).batch_update_findings_v2(
                MetadataUids=[finding["metadata"]["uid"]], StatusId=statuses[finding["status"]]
            )
    emulator.ask("DELETE", "inbox")
    (digest,) = playbooks.ok(DIGEST, DIGEST, finding_format="ocsf").result["digests"]
    (message,) = emulator.inbox()
    assert message["text"].splitlines() == digest["text"]
    assert digest["severities"] == by_severity(open_findings("per_region"))
    # It links to the console of the new hub.
    digest["text"][-1] = digest["text"][-1].replace("/securityhub/v2/home", "/securityhub/home")
    assert digest == expected


def test_each_channel_gets_its_own_digest(emulator, playbooks):
    channels = [
        {"name": "oncall", "channel_id": "C0NCALL0001", "severities": ["CRITICAL"]},
        {"name": "shop", "channel_id": "CSH0P000001", "severities": ["HIGH"], "account_ids": ["222222222222"]},
        {"name": "quiet", "channel_id": "CQU1ET00001", "forward_automatically": False},
    ]
    ready(emulator, playbooks, channels=channels)

    result = playbooks.ok(DIGEST, DIGEST).result

    assert sorted(message["channel"] for message in emulator.inbox()) == ["C0NCALL0001", "CSH0P000001"]
    assert [list(digest["severities"]) for digest in result["digests"]] == [["CRITICAL"], ["HIGH"]]


def test_the_home_region_counts_for_its_linked_regions_and_nothing_twice(emulator, playbooks):
    emulator.world({findings.ADMINISTRATOR: {"aggregator": {"home": "eu-west-1", "RegionLinkingMode": "ALL_REGIONS"}}})
    ready(emulator, playbooks)

    result = playbooks.ok(DIGEST, DIGEST).result

    (digest,) = result["digests"]
    (message,) = emulator.inbox()
    assert digest["severities"] == by_severity(open_findings("home_region"))
    assert digest["counted"] == ["eu-west-1"]
    assert message["topic"] == "arn:aws:sns:eu-west-1:111111111111:securityhub-slack"
    assert "open in eu-west-1, including the regions linked to eu-west-1" in message["text"]


def test_a_digest_without_findings_is_sent_and_names_in_findings_cannot_inject_markup(emulator, playbooks):
    ready(emulator, playbooks, findings.FINDINGS["ec2-12-low-ap-southeast-1"])
    playbooks.ok(DIGEST)
    (message,) = emulator.inbox()
    assert message["text"] == "*No finding* open in 4 regions"

    resources = [{**FINDING["Resources"][0], "Id": HOSTILE}]
    findings.bring(emulator, {**FINDING, "Title": HOSTILE, "Resources": resources, "AwsAccountName": HOSTILE})
    emulator.ask("DELETE", "inbox")
    playbooks.ok(DIGEST)
    (message,) = emulator.inbox()
    (line,) = [line for line in message["text"].splitlines() if line.startswith("Resources")]
    assert line == 'Resources: `x??!channel? *bold* ?https?evil.example|click??"{{ x }}" ?` (1)'


@pytest.mark.parametrize("days", [0, 91])
def test_days_out_of_range_are_refused(playbooks, days):
    playbooks.inventory(TARGETS)
    outcome = playbooks.run(DIGEST, digest_days=days)
    assert outcome.code == 2
    assert f"securityhub_slack_digest_days is {days}. Use 1 to 90" in " ".join(outcome.output.split())
