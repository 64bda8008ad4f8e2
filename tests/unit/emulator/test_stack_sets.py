# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stack set as a resource: its stacks are created, updated and deleted in their accounts and regions."""

from __future__ import annotations

import json
import re
import time

import pytest

from .conftest import BODY

ADMINISTERING, ONE, TWO = "999999999999", "111111111111", "222222222222"


def group(accounts, regions, **parameters):
    return {
        "DeploymentTargets": {"Accounts": accounts},
        "Regions": regions,
        "ParameterOverrides": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    }


class Holder:
    """The stack that holds the stack set."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.client = emulator.client("cloudformation", account=ADMINISTERING)

    def deploy(self, *groups, **more):
        properties = {
            "StackSetName": "fleet",
            "PermissionModel": "SELF_MANAGED",
            "TemplateBody": json.dumps(BODY),
            "Tags": [{"Key": "Team", "Value": "security"}],
            "StackInstancesGroup": list(groups),
            **more,
        }
        resource = {"Type": "AWS::CloudFormation::StackSet", "Properties": properties}
        body = json.dumps({"Resources": {"StackSet": resource}})
        known = [stack["StackName"] for stack in self.client.describe_stacks()["Stacks"]]
        write = self.client.update_stack if "holder" in known else self.client.create_stack
        write(StackName="holder", TemplateBody=body)
        return self.settled()

    def settled(self):
        for _attempt in range(100):
            found = self.client.describe_stacks(StackName="holder")["Stacks"][0]["StackStatus"]
            if not found.endswith("IN_PROGRESS"):
                return found
            time.sleep(0.05)
        raise AssertionError(found)

    def reason(self):
        events = self.client.describe_stack_events(StackName="holder")["StackEvents"]
        return next(event["ResourceStatusReason"] for event in events if event["ResourceStatus"] == "CREATE_FAILED")

    def stacks(self, account, region):
        deadline = time.monotonic() + 5
        client = self.emulator.client("cloudformation", region, account)
        while True:
            found = client.describe_stacks()["Stacks"]
            if time.monotonic() > deadline or not any("IN_PROGRESS" in stack["StackStatus"] for stack in found):
                return found
            time.sleep(0.05)


@pytest.fixture
def holder(emulator):
    emulator.reset()
    emulator.world({account: {} for account in (ADMINISTERING, ONE, TWO)})
    return Holder(emulator)


def test_stacks_are_created_updated_and_deleted(holder):
    west = group([ONE, TWO], ["eu-west-1"], Name="findings")
    east = group([ONE], ["us-east-1"], Name="findings", Label="loud")
    assert holder.deploy(west, east) == "CREATE_COMPLETE"
    targets = [(ONE, "eu-west-1"), (TWO, "eu-west-1"), (ONE, "us-east-1")]
    before = {target: holder.stacks(*target) for target in targets}
    for (stack,) in before.values():
        assert stack["StackName"].startswith("StackSet-fleet-")
        assert stack["Tags"] == [{"Key": "Team", "Value": "security"}]
    assert {"ParameterKey": "Label", "ParameterValue": "loud"} in before[ONE, "us-east-1"][0]["Parameters"]
    assert {"ParameterKey": "Label", "ParameterValue": "none"} in before[TWO, "eu-west-1"][0]["Parameters"]

    assert holder.deploy(group([ONE], ["eu-west-1"], Name="findings", Label="soft"), east) == "UPDATE_COMPLETE"
    assert holder.stacks(TWO, "eu-west-1") == []
    (changed,) = holder.stacks(ONE, "eu-west-1")
    assert changed["StackName"] == before[ONE, "eu-west-1"][0]["StackName"]
    assert {"ParameterKey": "Label", "ParameterValue": "soft"} in changed["Parameters"]

    holder.client.delete_stack(StackName="holder")
    assert holder.stacks(ADMINISTERING, "us-east-1") == []
    assert holder.stacks(ONE, "eu-west-1") == holder.stacks(ONE, "us-east-1") == []


@pytest.mark.parametrize(
    ("groups", "more", "reason"),
    [
        ([group([ONE], ["eu-west-1"])], {}, "Parameter 'Name' has no Default"),
        ([group([ONE], ["eu-west-1"], Name="x" * 4_097)], {}, "longer than 4096 bytes"),
        ([group([ONE], ["eu-west-1"], Name="x")], {"PermissionModel": "SERVICE_MANAGED"}, "OrganizationalUnitIds are"),
        ([group([ONE], ["eu-west-1"], Name="x")] * 2, {}, "is in two groups"),
        ([], {"StackSetName": "1"}, "stackSetName"),
    ],
)
def test_requests_that_aws_refuses_fail_the_resource(holder, groups, more, reason):
    assert holder.deploy(*groups, **more) == "ROLLBACK_COMPLETE"
    assert re.search(reason, holder.reason()), holder.reason()


def test_a_name_is_taken_once_in_an_account_and_region(holder):
    assert holder.deploy() == "CREATE_COMPLETE"
    other = {"Type": "AWS::CloudFormation::StackSet", "Properties": {"StackSetName": "fleet", "PermissionModel": "X"}}
    holder.client.create_stack(StackName="second", TemplateBody=json.dumps({"Resources": {"StackSet": other}}))
    for _attempt in range(100):
        status = holder.client.describe_stacks(StackName="second")["Stacks"][0]["StackStatus"]
        if not status.endswith("IN_PROGRESS"):
            break
        time.sleep(0.05)
    assert status == "ROLLBACK_COMPLETE"
