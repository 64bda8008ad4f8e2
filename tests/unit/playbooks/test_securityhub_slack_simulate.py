# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulation: its verdicts agree with those written by hand, and with what the emulator delivers."""

from __future__ import annotations

import datetime
import json

import pytest
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings

SIMULATE = "securityhub_slack_simulate"
REGISTERED = "securityhub_slack_simulation"
NOTHING_LISTENS = "http://127.0.0.1:9"
TARGETS = findings.EXPECTED["scenarios"]["per_region"]["targets"]


@pytest.fixture
def offline(tmp_path):
    """Return a runner of playbooks without AWS."""
    return findings.Playbooks(tmp_path, NOTHING_LISTENS)


@pytest.fixture
def playbooks(emulator, tmp_path):
    """Return a runner of playbooks in an organization without findings."""
    findings.set_up(emulator)
    return findings.Playbooks(tmp_path, emulator.url)


def verdicts(outcome):
    """Return for each finding ID the targets that send it, or why none does."""
    return {
        found["id"]: [sender["target"] for sender in found["sent_by"]] or found["verdict"].removeprefix("not sent: ")
        for found in outcome.result["findings"]
    }


def words(outcome):
    """Return all output on one line."""
    return " ".join(outcome.output.split())


def expected(scenario):
    """Return the same from the expectations written by hand."""
    targets = findings.EXPECTED["scenarios"][scenario]["targets"]
    written = {name: outcomes[scenario] for name, outcomes in findings.EXPECTED["findings"].items()}
    return {
        findings.FINDINGS[name]["Id"]: [outcome] if outcome in targets else outcome for name, outcome in written.items()
    }


@pytest.mark.parametrize("scenario", ["per_region", "suppressed"])
def test_findings_in_files_need_no_aws(offline, scenario):
    given = findings.EXPECTED["scenarios"][scenario]
    offline.inventory(given["targets"], **{"aggregation": "per_region", **given["variables"]})
    outcome = offline.ok(SIMULATE, REGISTERED, simulate_files=str(findings.SAMPLES))
    assert verdicts(outcome) == expected(scenario)
    assert outcome.result["summary"]["findings"] == len(findings.FINDINGS)
    assert max(len(line) for line in table(outcome) if not line.startswith("Full report: ")) <= 80


def test_the_volume_is_written_as_a_page_but_not_for_one_finding_nor_in_check_mode(offline, tmp_path):
    offline.inventory(TARGETS, aggregation="per_region")
    finding = findings.FINDINGS["ec2-19-critical-eu-west-1"]
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    (tmp_path / "answer.json").write_text(json.dumps([{**finding, "CreatedAt": now, "UpdatedAt": now}]))
    (tmp_path / "id.txt").write_text(finding["Id"])
    page = tmp_path / "securityhub-simulation.html"
    given = {"simulate_files": "answer.json"}
    for more in ((["--check"], {}), ([], {"simulate_finding_id_file": "id.txt"}), ([], {"simulate_html": ""})):
        outcome = offline.ok(SIMULATE, REGISTERED, *more[0], **given, **more[1])
        assert ("Messages a day" in outcome.output) == ("simulate_finding_id_file" not in more[1])
        assert "Full report" not in outcome.output
        assert not page.exists()
    outcome = offline.ok(SIMULATE, REGISTERED, **given)
    assert f"Full report: {page}" in outcome.output
    assert "<h1>0.0 messages a day</h1>" in page.read_text()
    assert outcome.result["volume"]["by_minimum_severity"][0]["messages"] == 1


def test_the_findings_of_the_canary_are_not_forecast(offline, tmp_path):
    offline.inventory(TARGETS, aggregation="per_region")
    finding = findings.FINDINGS["ec2-19-critical-eu-west-1"]
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    canary = {**finding, "CreatedAt": now, "UpdatedAt": now, "GeneratorId": "secops.securityhub/canary"}
    (tmp_path / "answer.json").write_text(json.dumps([canary]))
    assert offline.ok(SIMULATE, REGISTERED, simulate_files="answer.json").result["volume"]["messages"] == 0


def table(outcome):
    """Return the lines that the simulation printed."""
    lines = outcome.output.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("TASK [Simulate"))
    end = next(number for number, line in enumerate(lines) if number > start and line.startswith("ok: "))
    return lines[start + 1 : end]


def test_a_few_findings_are_listed_one_by_one(offline, tmp_path):
    offline.inventory(TARGETS, aggregation="per_region")
    some = [findings.FINDINGS[name] for name in ("ec2-12-low-ap-southeast-1", "ec2-19-critical-eu-west-1")]
    (tmp_path / "answer.json").write_text(json.dumps({"Findings": some}))
    outcome = offline.ok(SIMULATE, REGISTERED, simulate_files="answer.json")
    assert "  not sent: severity LOW is below MEDIUM" in table(outcome)
    assert outcome.result["summary"] == {"findings": 2, "sent": 1, "not_sent": 1}
    (tmp_path / "id.txt").write_text(some[0]["Id"] + "\n")
    explained = offline.ok(SIMULATE, REGISTERED, simulate_files="answer.json", simulate_finding_id_file="id.txt")
    assert [found["id"] for found in explained.result["findings"]] == [some[0]["Id"]]


def test_a_change_can_be_tried_on_the_command_line(offline):
    offline.inventory({"eu-west-1": {}}, aggregation="per_region")
    file = str(findings.SAMPLES / "guardduty-backdoor-high-eu-west-1.json")
    before = offline.ok(SIMULATE, REGISTERED, simulate_files=file)
    after = offline.ok(SIMULATE, REGISTERED, simulate_files=file, minimum_severity="HIGH")
    assert before.result["findings"][0]["verdict"] == "not sent: severity HIGH is below CRITICAL"
    assert after.result["findings"][0]["sent"]


def test_options_can_be_previewed_before_they_are_on(offline, tmp_path):
    now = datetime.datetime.now(datetime.timezone.utc)
    old, new = ((now - datetime.timedelta(days=days)).isoformat() for days in (60, 0))
    names = ("ec2-19-critical-eu-west-1", "guardduty-backdoor-high-eu-west-1", "macie-high-eu-west-1")
    control, threat, data = (findings.FINDINGS[name] for name in names)
    some = [
        {**control, "CreatedAt": new, "UpdatedAt": new},
        {**threat, "CreatedAt": new, "UpdatedAt": new},
        {**data, "CreatedAt": old, "UpdatedAt": new, "RecordState": "ARCHIVED"},
    ]
    (tmp_path / "answer.json").write_text(json.dumps(some))
    offline.inventory({"eu-west-1": {}}, aggregation="per_region", minimum_severity="HIGH")
    given = {"simulate_files": "answer.json", "simulate_days": 1, "simulate_html": ""}
    off = offline.ok(SIMULATE, REGISTERED, **given, digest_schedule="cron(0 8 ? * MON-FRI *)")
    assert "securityhub_slack_report_resolved would add at least 1.0 a day in threads." in words(off)
    assert "Scheduled digests: 5.0 a week." in words(off)
    channels = [
        {"name": "shop", "channel_id": findings.CHANNEL, "account_ids": [threat["AwsAccountId"]]},
        {"name": "rest", "channel_id": "C0REST00000", "other_accounts": True},
    ]
    on = offline.ok(
        SIMULATE,
        REGISTERED,
        **given,
        message_format="custom",
        mark_notified=True,
        report_resolved=True,
        mentions={"CRITICAL": ["here"]},
        channels=channels,
        receivers=[{"name": "mail", "email": ["team@example.com"], "severities": ["HIGH"]}],
    )
    assert (off.result["volume"]["messages"], on.result["volume"]["messages"]) == (2, 2)
    assert on.result["volume"]["suggestion"]["messages"] == 2
    for line in ("2.0 securityhub-slack-shop", "1.0 here", "1.0 securityhub-slack-to-mail"):
        assert line in words(on)
    assert "At least 1.0 more messages a day, in threads, say that a finding is over." in words(on)


def test_the_channel_that_a_member_account_is_sent_to_is_named(offline):
    member = findings.FINDINGS["guardduty-backdoor-high-eu-west-1"]["AwsAccountId"]
    team = {"name": "team", "channel_id": findings.CHANNEL, "account_ids": [member]}
    rest = {"name": "rest", "channel_id": "C0REST00000", "other_accounts": True}
    file = str(findings.SAMPLES / "guardduty-backdoor-high-eu-west-1.json")
    given = {"aggregation": "per_region", "minimum_severity": "HIGH"}

    offline.inventory({"eu-west-1": {}}, channels=[team, rest], **given)
    sent = offline.ok(SIMULATE, REGISTERED, simulate_files=file).result["findings"][0]
    assert [sender["topic"] for sender in sent["sent_by"]] == ["securityhub-slack-team"]

    offline.inventory({"eu-west-1": {}}, channels=[{**team, "severities": ["CRITICAL"]}, rest], **given)
    suppressed = offline.ok(SIMULATE, REGISTERED, simulate_files=file).result["findings"][0]
    assert suppressed["verdict"] == (
        "not sent: securityhub-slack-team: severity HIGH is below CRITICAL; "
        f"securityhub-slack-rest: account {member} belongs to another channel"
    )

    offline.inventory({"eu-west-1": {}}, account_ids=["999999999999"], **given)
    verdict = offline.ok(SIMULATE, REGISTERED, simulate_files=file).result["findings"][0]["verdict"]
    assert verdict == f"not sent: account {member} is not in securityhub_slack_account_ids"


def test_mistakes_are_reported_with_their_remedy(offline, tmp_path):
    offline.inventory({"eu-west-1": {}, "us-east-1": {"minimum_severity": "GRAVE"}}, aggregation="per_region")
    (tmp_path / "text.json").write_text("hello")
    assert "text.json is not valid JSON" in words(offline.run(SIMULATE, simulate_files="text.json"))
    assert "none.json cannot be read" in words(offline.run(SIMULATE, simulate_files="none.json"))
    (tmp_path / "other.json").write_text('[{"a": 1}]')
    assert "other.json contains something that is not a finding" in words(
        offline.run(SIMULATE, simulate_files="other.json")
    )
    assert "securityhub_slack_simulate_days is 91. Use 1 to 90" in words(offline.run(SIMULATE, simulate_days=91))
    wrong = offline.run(SIMULATE, REGISTERED, simulate_files=str(findings.SAMPLES))
    assert wrong.code != 0
    assert "FAILED: us-east-1: " in wrong.output
    assert "Traceback" not in wrong.output
    offline.inventory({"us-east-1": {"minimum_severity": "GRAVE"}}, aggregation="per_region")
    alone = words(offline.run(SIMULATE, REGISTERED, simulate_files=str(findings.SAMPLES)))
    assert "FAILED: us-east-1: " in alone
    assert "To simulate without AWS" not in alone


def test_without_aws_other_aggregations_fail_with_a_remedy(offline):
    offline.inventory({"eu-west-1": {}})
    outcome = offline.run(SIMULATE, simulate_files=str(findings.SAMPLES))
    assert outcome.code != 0
    assert "securityhub_slack_aggregation to per_region" in words(outcome)


@pytest.mark.parametrize(
    "aggregator", [None, {"home": "eu-west-1", "RegionLinkingMode": "ALL_REGIONS"}], ids=["per_region", "home_region"]
)
def test_the_account_delivers_exactly_the_simulated_messages(emulator, playbooks, aggregator):
    findings.set_up(emulator, aggregator=aggregator)
    playbooks.inventory(TARGETS)
    playbooks.ok("securityhub_slack")
    findings.bring(emulator, *findings.FINDINGS.values())
    emulator.forget_requests()
    outcome = playbooks.ok(SIMULATE, REGISTERED, simulate_days=90)
    assert emulator.writes() == []
    sent = sorted(found["id"] for found in outcome.result["findings"] for _message in found["sent_by"])
    assert sent == findings.delivered(emulator)
    assert len(sent) > 20
    assert outcome.result["summary"]["not_sent"] > 10


def test_an_id_is_never_evaluated_as_a_template(offline, tmp_path, monkeypatch):
    offline.inventory(TARGETS, aggregation="per_region")
    marker = tmp_path / "ran"
    attack = f"x{{{{ lookup('ansible.builtin.pipe', 'touch {marker}') }}}}{{% raw %}}"
    finding = {**findings.FINDINGS["ec2-12-low-ap-southeast-1"], "Id": attack}
    (tmp_path / "answer.json").write_text(json.dumps({"Findings": [finding]}))

    refused = offline.run(SIMULATE, REGISTERED, simulate_files="answer.json", simulate_finding_id=attack)
    assert refused.code == 2
    assert "securityhub_slack_simulate_finding_id is set" in " ".join(refused.output.split())
    assert "SECURITYHUB_FINDING_ID" in refused.output
    assert offline.run(SIMULATE, REGISTERED, simulate_files="answer.json", simulate_findingid=attack).code == 2
    assert not marker.exists()

    (tmp_path / "id.txt").write_text(attack)
    by_file = offline.ok(SIMULATE, REGISTERED, simulate_files="answer.json", simulate_finding_id_file="id.txt")
    monkeypatch.setenv("SECURITYHUB_FINDING_ID", attack)
    by_variable = offline.ok(SIMULATE, REGISTERED, simulate_files="answer.json")
    assert [found["id"] for found in by_file.result["findings"] + by_variable.result["findings"]] == [attack] * 2
    assert not marker.exists()


def test_one_finding_is_explained_by_its_id(emulator, playbooks, monkeypatch):
    playbooks.inventory({"eu-west-1": {}, "us-east-1": {}})
    finding = findings.FINDINGS["guardduty-backdoor-high-eu-west-1"]
    findings.bring(emulator, *findings.FINDINGS.values())
    monkeypatch.setenv("SECURITYHUB_FINDING_ID", finding["Id"])
    outcome = playbooks.ok(SIMULATE, REGISTERED, "--limit", "localhost:eu-west-1")
    assert verdicts(outcome) == {finding["Id"]: "severity HIGH is below CRITICAL"}


def test_a_region_without_security_hub_fails_alone(emulator, playbooks):
    emulator.world({findings.ADMINISTRATOR: {"hubs": ["us-east-1"]}})
    playbooks.inventory({"eu-west-1": {}, "us-east-1": {}})
    outcome = playbooks.run(SIMULATE, REGISTERED)
    assert outcome.code != 0
    assert "FAILED: eu-west-1: Security Hub is not enabled in eu-west-1" in words(outcome)
    assert "us-east-1:" not in outcome.output.replace("eu-west-1:", "")
