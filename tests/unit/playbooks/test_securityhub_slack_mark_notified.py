# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings that are forwarded automatically become NOTIFIED: one message each, however often they are updated."""

from __future__ import annotations

import copy
import json
import time

import pytest
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings

FINDING = findings.FINDINGS["ec2-19-critical-eu-west-1"]
LOW = findings.FINDINGS["guardduty-backdoor-high-eu-west-1"]
SECONDS = 10


@pytest.fixture
def playbooks(emulator, tmp_path):
    """Return a runner of playbooks in an organization without findings."""
    findings.set_up(emulator)
    return findings.Playbooks(tmp_path, emulator.url)


def status(emulator, finding):
    """Return the workflow status that the administrator sees."""
    filters = {"Id": [{"Value": finding["Id"], "Comparison": "EQUALS"}]}
    client = emulator.client("securityhub", finding["Region"])
    return client.get_findings(Filters=filters)["Findings"][0]["Workflow"]["Status"]


def status_after_marking(emulator, finding):
    """Wait until the finding is no longer NEW, and return its status."""
    deadline = time.monotonic() + SECONDS
    while status(emulator, finding) == "NEW" and time.monotonic() < deadline:
        time.sleep(0.05)
    return status(emulator, finding)


def update(emulator, finding, year):
    """Import the finding again, as its product does."""
    findings.bring(emulator, {**copy.deepcopy(finding), "UpdatedAt": f"{year}-01-01T00:00:00.000Z"})


def set_status(emulator, finding, desired):
    emulator.client("securityhub", finding["Region"]).batch_update_findings(
        FindingIdentifiers=[{"Id": finding["Id"], "ProductArn": finding["ProductArn"]}], Workflow={"Status": desired}
    )


def execution(emulator, finding):
    """Start the state machine as a rule does, and return the execution."""
    client = emulator.client("stepfunctions", "eu-west-1", inject_host_prefix=False)
    arn = client.list_state_machines()["stateMachines"][0]["stateMachineArn"]
    return client.start_sync_execution(stateMachineArn=arn, input=json.dumps({"detail": {"findings": [finding]}}))


def test_a_finding_is_forwarded_once_and_a_status_set_by_hand_is_kept(emulator, playbooks):
    playbooks.inventory({"eu-west-1": {}}, mark_notified=True)
    playbooks.ok("securityhub_slack")
    findings.bring(emulator, FINDING, LOW)
    assert status_after_marking(emulator, FINDING) == "NOTIFIED"
    update(emulator, FINDING, 2097)
    assert findings.delivered(emulator) == [FINDING["Id"]]
    assert status(emulator, LOW) == "NEW"

    set_status(emulator, FINDING, "SUPPRESSED")
    update(emulator, FINDING, 2098)
    emulator.custom_action("eu-west-1", "SendToSlack", LOW["Id"])
    assert findings.delivered(emulator) == sorted([FINDING["Id"], LOW["Id"]])
    time.sleep(0.5)
    assert (status(emulator, FINDING), status(emulator, LOW)) == ("SUPPRESSED", "NEW")


def test_marking_is_enabled_and_disabled_and_leaves_no_resources(emulator, playbooks):
    stack = {"StackName": "securityhub-slack"}
    cloudformation = emulator.client("cloudformation", "eu-west-1")
    playbooks.inventory({"eu-west-1": {}})
    playbooks.ok("securityhub_slack")
    plain = cloudformation.get_template(**stack)["TemplateBody"]
    preview = playbooks.ok("securityhub_slack", "", "--check", "--diff", mark_notified=True)
    assert "securityhub-slack-notified" in preview.output
    playbooks.ok("securityhub_slack", mark_notified=True)
    emulator.forget_requests()
    playbooks.ok("securityhub_slack", mark_notified=True)
    assert emulator.writes() == []
    findings.bring(emulator, FINDING)
    assert status_after_marking(emulator, FINDING) == "NOTIFIED"
    assert execution(emulator, FINDING)["status"] == "SUCCEEDED"
    refused = execution(emulator, {**FINDING, "Id": "gone"})
    assert (refused["status"], refused["error"]) == ("FAILED", "NotMarked")
    assert "FindingNotFound" in refused["cause"]

    playbooks.ok("securityhub_slack")
    assert cloudformation.get_template(**stack)["TemplateBody"] == plain
    assert emulator.client("stepfunctions", "eu-west-1").list_state_machines()["stateMachines"] == []
    roles = emulator.client("iam").list_roles()["Roles"]
    assert [role["RoleName"] for role in roles if "Notified" in role["RoleName"]] == []


def test_the_home_region_marks_findings_of_linked_ones(emulator, playbooks):
    findings.set_up(emulator, aggregator={"home": "us-east-1", "RegionLinkingMode": "ALL_REGIONS"})
    playbooks.inventory({"us-east-1": {}, "eu-west-1": {}}, mark_notified=True)
    playbooks.ok("securityhub_slack")
    findings.bring(emulator, FINDING)
    assert status_after_marking(emulator, FINDING) == "NOTIFIED"
    assert findings.delivered(emulator) == [FINDING["Id"]]


def test_ocsf_findings_cannot_be_marked(emulator, playbooks):
    playbooks.inventory({"eu-west-1": {}}, mark_notified=True, finding_format="ocsf")
    outcome = playbooks.run("securityhub_slack")
    assert outcome.code != 0
    said = " ".join(outcome.output.split())
    facts = ["securityhub_slack_mark_notified", "securityhub_slack_finding_format: ocsf", "Remove one of"]
    assert [fact for fact in facts if fact not in said] == []
