# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The template of 2020 fails on the emulator as it does on AWS."""

from __future__ import annotations

import botocore.exceptions
import pytest
from ansible_collections.secops.securityhub.tests.unit import old_template
from ansible_collections.secops.securityhub.tests.unit.deployed import HERE
from ansible_collections.secops.securityhub.tests.unit.old_template import STACK


@pytest.fixture
def fleet(emulator, monkeypatch):
    return old_template.begin(emulator, monkeypatch)


def reasons(fleet, status: str, region: str = HERE) -> dict[str, str]:
    """Return why resources of the region's stack ended in *status*."""
    name = old_template.stack_name(region)
    events = fleet.client("cloudformation", region).describe_stack_events(StackName=name)["StackEvents"]
    return {
        event["LogicalResourceId"]: event.get("ResourceStatusReason", "")
        for event in events
        if event["ResourceStatus"] == status and event["LogicalResourceId"] != name
    }


def test_it_creates_action_and_channel_and_sends_findings_with_the_action(fleet):
    assert fleet.create_stack() == "CREATE_COMPLETE"
    assert fleet.actions() == {"SendToSlack": "Send_To_Slack"}
    assert fleet.configurations()[0]["GuardrailPolicyArns"] == ["arn:aws:iam::aws:policy/AdministratorAccess"]
    fleet.finding("1")
    assert fleet.arrived() == []
    fleet.send("1")
    assert fleet.arrived() == [f"Finding 1 in {HERE}"]


def test_the_second_region_fails_because_a_channel_is_global(fleet):
    fleet.create_stack("us-east-1")
    fleet.create_stack()
    assert "securityhubnotification already exists" in reasons(fleet, "CREATE_FAILED")["SlackChannelConfig"]


def test_its_deletion_fails_at_the_custom_resource_and_deletes_the_channel(fleet):
    fleet.create_stack()
    fleet.client("cloudformation").delete_stack(StackName=STACK)
    assert fleet.settled() == "DELETE_FAILED"
    assert reasons(fleet, "DELETE_FAILED") == {
        "AddCustomActionSHResource1": "Custom Resource failed to stabilize in expected time."
    }
    assert fleet.configurations() == []
    assert fleet.actions() == {"SendToSlack": "Send_To_Slack"}


def test_without_the_action_its_deletion_creates_it_again(fleet):
    fleet.create_stack()
    hub = fleet.client("securityhub")
    hub.delete_action_target(ActionTargetArn=hub.describe_action_targets()["ActionTargets"][0]["ActionTargetArn"])
    fleet.client("cloudformation").delete_stack(StackName=STACK)
    assert fleet.settled() == ""
    assert fleet.actions() == {"SendToSlack": "Send_To_Slack"}


def test_without_its_function_the_custom_resource_fails_too(fleet):
    fleet.create_stack()
    fleet.client("lambda").delete_function(FunctionName=old_template.FUNCTION)
    fleet.client("cloudformation").delete_stack(StackName=STACK)
    assert fleet.settled() == "DELETE_FAILED"
    assert reasons(fleet, "DELETE_FAILED")["AddCustomActionSHResource1"].startswith("Function not found")


def test_the_stack_of_a_resource_is_found(fleet):
    fleet.create_stack()
    client = fleet.client("cloudformation")
    found = client.describe_stack_resources(PhysicalResourceId=old_template.FUNCTION)["StackResources"]
    assert {item["StackName"] for item in found} == {STACK}
    with pytest.raises(botocore.exceptions.ClientError, match="Stack for nobodys does not exist"):
        client.describe_stack_resources(PhysicalResourceId="nobodys")
