# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings that are forwarded automatically become NOTIFIED: one message each, however often they are updated."""

from __future__ import annotations

import copy
import itertools
import json
import time

import pytest
from ansible_collections.secops.securityhub.tests.unit import waiting
from ansible_collections.secops.securityhub.tests.unit.playbooks import findings
from botocore.exceptions import ClientError

HERE = "eu-west-1"
FINDING = findings.FINDINGS["ec2-19-critical-eu-west-1"]
LOW = findings.FINDINGS["guardduty-backdoor-high-eu-west-1"]


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
    waiting.until(lambda: status(emulator, finding) != "NEW")
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


def ocsf_status(emulator, finding, region=HERE):
    """Return the status of a finding (OCSF) that the administrator sees."""
    filters = [{"FieldName": "metadata.uid", "Filter": {"Value": finding["metadata"]["uid"], "Comparison": "EQUALS"}}]
    found = emulator.client("securityhub", region).get_findings_v2(
        Filters={"CompositeFilters": [{"StringFilters": filters}]}
    )
    return found["Findings"][0]["status"]


def ocsf_status_after_marking(emulator, finding, region=HERE):
    waiting.until(lambda: ocsf_status(emulator, finding, region) != "New")
    return ocsf_status(emulator, finding, region)


@pytest.mark.parametrize("reopened", ["new", "kept"])
def test_a_finding_of_the_new_hub_is_forwarded_once_and_a_status_set_by_hand_is_kept(emulator, playbooks, reopened):
    findings.set_up_new_hub(emulator, aggregator_v2={"home": "us-east-1"})
    emulator.ask("POST", "switches", {"security_hub_v2_reopened": reopened})
    playbooks.inventory({"us-east-1": {}, HERE: {}}, mark_notified=True, finding_format="ocsf")
    playbooks.ok("securityhub_slack")
    client = emulator.client("securityhub", "us-east-1")
    one, two, low = (
        findings.ocsf({**found, "Id": f"{found['Id']}{n}"}) for n, found in enumerate((FINDING, FINDING, LOW))
    )
    findings.bring_ocsf(emulator, one, two, low)
    assert [ocsf_status_after_marking(emulator, item) for item in (one, two)] == ["In Progress"] * 2
    # The events of these updates, and of those of the product, send nothing.
    findings.bring_ocsf(emulator, one, two, low)
    client.batch_update_findings_v2(MetadataUids=[two["metadata"]["uid"]], StatusId=3)
    findings.bring_ocsf(emulator, two)
    assert findings.delivered(emulator) == [item["finding_info"]["uid"] for item in (one, two)]
    assert [ocsf_status(emulator, item) for item in (two, low)] == ["Suppressed", "New"]

    # It is over, and fails again: whether AWS then sets it to New is not documented.
    for item in (one, two):
        findings.bring_ocsf(emulator, {**item, "activity_name": "Close"}, {**item, "activity_name": "Create"})
    assert ocsf_status_after_marking(emulator, one) == "In Progress"
    again = 1 if reopened == "new" else 0
    assert findings.delivered(emulator).count(one["finding_info"]["uid"]) == 1 + again
    assert findings.delivered(emulator).count(two["finding_info"]["uid"]) == 1


def test_the_machine_for_the_new_hub_does_what_its_role_may_and_nothing_else(emulator, playbooks):
    findings.set_up_new_hub(emulator)
    playbooks.inventory({HERE: {}}, mark_notified=True, finding_format="ocsf")
    playbooks.ok("securityhub_slack")
    emulator.forget_requests()
    playbooks.ok("securityhub_slack")
    assert emulator.writes() == []
    assert "1 target: 1 in order." in playbooks.run("securityhub_slack_doctor").output
    refused = execution(emulator, findings.ocsf(FINDING))
    assert (refused["status"], refused["error"]) == ("FAILED", "NotMarked")
    assert "ResourceNotFoundException" in refused["cause"]
    one = findings.ocsf(FINDING)
    findings.bring_ocsf(emulator, one)
    assert ocsf_status_after_marking(emulator, one) == "In Progress"

    iam = emulator.client("iam")
    name = f"securityhub-slack-Notified-{HERE}"
    policy = iam.get_role_policy(RoleName=name, PolicyName="MarkFindingsNotified")["PolicyDocument"]
    boundary = json.loads((findings.ROOT / "roles/securityhub_slack/files/iam/boundary.json").read_text())
    client, uids = emulator.client("securityhub", HERE), [one["metadata"]["uid"]]
    # The boundary also allows the comment of securityhub_slack_report_resolved.
    of_boundary = [(2, ""), (2, "Comment"), (3, ""), (4, "")]
    for document, allowed in ((policy, [(2, "")]), (boundary, of_boundary)):
        emulator.ask("POST", "callers", {findings.ADMINISTRATOR: [document]})
        for status_id, more in itertools.product((0, 1, 2, 3, 4, 5, 99), ("", "Comment", "SeverityId")):
            given = {"Comment": "x"} if more == "Comment" else {"SeverityId": 1} if more else {}
            call = {"MetadataUids": uids, "StatusId": status_id, **given}
            if (status_id, more) in allowed:
                client.batch_update_findings_v2(**call)
                continue
            with pytest.raises(ClientError, match="AccessDenied"):
                client.batch_update_findings_v2(**call)
