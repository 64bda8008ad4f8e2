# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first-day baseline: findings that would be sent are marked once, and no others."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings

BASELINE = "securityhub_slack_baseline"
FINDING = findings.FINDINGS["guardduty-backdoor-high-eu-west-1"]
TARGETS = findings.EXPECTED["scenarios"]["per_region"]["targets"]


@pytest.fixture
def playbooks(emulator, tmp_path):
    """Return a runner of playbooks in an organization that has the sample findings."""
    findings.set_up(emulator)
    findings.bring(emulator, *findings.FINDINGS.values())
    emulator.forget_requests()
    return findings.Playbooks(tmp_path, emulator.url)


def statuses(emulator):
    """Return the workflow status of every finding that the administrator sees in the Regions of the targets."""
    shown = [
        finding
        for region in TARGETS
        for finding in emulator.client("securityhub", region)
        .get_paginator("get_findings")
        .paginate()
        .search("Findings")
    ]
    return {(finding["Region"], finding["Id"]): finding["Workflow"]["Status"] for finding in shown}


def set_status(emulator, finding, status):
    emulator.client("securityhub", finding["Region"]).batch_update_findings(
        FindingIdentifiers=[{"Id": finding["Id"], "ProductArn": finding["ProductArn"]}], Workflow={"Status": status}
    )


def update(emulator, finding):
    """Import the finding again, as the product does when it updates it."""
    again = copy.deepcopy(finding)
    again["UpdatedAt"] = "2099-01-01T00:00:00.000Z"
    findings.bring(emulator, again)


def test_findings_that_would_be_sent_are_marked_once_and_no_others(emulator, playbooks):
    playbooks.inventory(TARGETS)
    ours = findings.FINDINGS["ec2-19-critical-eu-west-1"]
    set_status(emulator, ours, "SUPPRESSED")
    before = statuses(emulator)
    simulated = playbooks.ok("securityhub_slack_simulate", "securityhub_slack_simulation", simulate_days=90).result
    would_be_sent = {(found["region"], found["id"]) for found in simulated["findings"] if found["sent"]}
    emulator.forget_requests()

    preview = playbooks.ok(BASELINE, BASELINE, "--check").result
    assert emulator.writes() == []
    real = playbooks.ok(BASELINE, BASELINE).result
    after = statuses(emulator)

    assert {key for key in after if after[key] != before[key]} == would_be_sent
    assert {after[key] for key in would_be_sent} == {"NOTIFIED"}
    assert after[ours["Region"], ours["Id"]] == "SUPPRESSED"
    assert preview["summary"] == {"findings": len(would_be_sent), "marked": 0, "unprocessed": 0, "failed": 0}
    assert real["summary"] == {
        "findings": len(would_be_sent),
        "marked": len(would_be_sent),
        "unprocessed": 0,
        "failed": 0,
    }
    assert [target["severities"] for target in preview["targets"].values()] == [
        target["severities"] for target in real["targets"].values()
    ]
    assert (preview["changed"], real["changed"]) == (True, True)

    emulator.forget_requests()
    assert playbooks.ok(BASELINE, BASELINE).result["changed"] is False
    assert emulator.writes() == []


def test_the_home_region_marks_for_its_linked_regions_and_nothing_is_sent(emulator, playbooks):
    emulator.world({findings.ADMINISTRATOR: {"aggregator": {"home": "eu-west-1", "RegionLinkingMode": "ALL_REGIONS"}}})
    update(emulator, findings.FINDINGS["ec2-19-critical-us-east-1"])
    playbooks.inventory(TARGETS)
    result = playbooks.ok(BASELINE, BASELINE).result
    assert [host for host, target in result["targets"].items() if target["marked"]] == ["eu-west-1"]
    playbooks.ok("securityhub_slack")
    update(emulator, FINDING)
    assert findings.delivered(emulator) == []


def test_findings_of_the_new_hub_that_would_be_sent_are_in_progress_and_no_others(emulator, playbooks):
    findings.set_up_new_hub(emulator, aggregator_v2={"home": "eu-west-1", "RegionLinkingMode": "ALL_REGIONS"})
    playbooks.inventory(TARGETS, finding_format="ocsf")
    some = [findings.ocsf(finding) for finding in findings.FINDINGS.values()]
    many = [{**some[0], "metadata": {**some[0]["metadata"], "uid": f"m{number}"}} for number in range(120)]
    many = [{**item, "severity": "Critical", "compliance": {"status": "Fail"}} for item in many]
    findings.bring_ocsf(emulator, *some, *many)
    client = emulator.client("securityhub", "eu-west-1")
    client.batch_update_findings_v2(MetadataUids=["m0"], StatusId=3)

    def shown():
        pages = client.get_paginator("get_findings_v2").paginate()
        return {item["metadata"]["uid"]: item["status"] for page in pages for item in page["Findings"]}

    before = shown()
    simulated = playbooks.ok("securityhub_slack_simulate", "securityhub_slack_simulation", simulate_days=90).result
    would_be_sent = sum(item["sent"] for item in simulated["findings"])
    emulator.forget_requests()
    preview = playbooks.ok(BASELINE, BASELINE, "--check")
    assert (emulator.writes(), "Would mark In Progress" in preview.output) == ([], True)
    real = playbooks.ok(BASELINE, BASELINE).result
    assert emulator.writes() == ["BatchUpdateFindingsV2"] * 2
    changed = {uid: status for uid, status in shown().items() if status != before[uid]}
    assert set(changed.values()) == {"In Progress"}
    assert len(changed) == would_be_sent == real["summary"]["marked"] == preview.result["summary"]["findings"]
    assert shown()["m0"] == "Suppressed"
    assert real["targets"]["eu-west-1"]["status"] == "In Progress"
    assert real["targets"]["eu-west-1"]["severities"].keys() <= {"CRITICAL", "HIGH", "MEDIUM", "LOW"}
    assert playbooks.ok(BASELINE, BASELINE).result["changed"] is False
    playbooks.ok("securityhub_slack")
    findings.bring_ocsf(emulator, *some, *many)
    assert findings.delivered(emulator) == []
    # One finding, by its ID.
    one = next(item for item in some[1:] if item["metadata"]["uid"] in changed)["finding_info"]["uid"]
    (playbooks.folder / "id.txt").write_text(one, encoding="utf-8")
    found = playbooks.ok(
        "securityhub_slack_simulate", "securityhub_slack_simulation", simulate_finding_id_file="id.txt"
    ).result
    verdicts = [(item["id"], item["verdict"]) for item in found["findings"]]
    assert verdicts == [(one, "not sent: workflow status is in progress")]


def test_a_region_without_security_hub_fails_alone(emulator, playbooks):
    emulator.world({findings.ADMINISTRATOR: {"hubs": ["eu-west-1", "ap-southeast-1", "ap-northeast-1"]}})
    playbooks.inventory(TARGETS)
    outcome = playbooks.run(BASELINE, BASELINE)
    assert outcome.code != 0
    assert outcome.result == {}  # the play ends before it can be written
    assert "FAILED: us-east-1: Security Hub is not enabled in us-east-1" in " ".join(outcome.output.split())
    assert status_of(emulator, "eu-west-1", FINDING) == "NOTIFIED"


def status_of(emulator, region, finding):
    """Return the workflow status of one finding."""
    filters = {"Id": [{"Value": finding["Id"], "Comparison": "EQUALS"}]}
    return emulator.client("securityhub", region).get_findings(Filters=filters)["Findings"][0]["Workflow"]["Status"]
