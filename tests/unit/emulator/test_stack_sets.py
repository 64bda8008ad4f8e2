# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stack set as a resource: its stacks are created, updated and deleted in their accounts and regions."""

from __future__ import annotations

import json
import re

import pytest
from ansible_collections.secops.securityhub.tests.unit import waiting
from botocore.exceptions import ClientError

from .conftest import BODY

ADMINISTERING, ONE, TWO = "999999999999", "111111111111", "222222222222"
TOLERANT = {"OperationPreferences": {"FailureTolerancePercentage": 100}}
IN_UNITS = {"PermissionModel": "SERVICE_MANAGED"}


def group(targets, regions, **parameters):
    overrides = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    found = {"DeploymentTargets": {"Accounts": targets} if isinstance(targets, list) else targets, "Regions": regions}
    return {**found, "ParameterOverrides": overrides} if overrides else found


class Holder:
    """The stack that holds the stack set."""

    def __init__(self, emulator):
        self.emulator = emulator
        self.client = emulator.client("cloudformation", account=ADMINISTERING)

    def deploy(self, *groups, body=None, **more):
        properties = {
            "StackSetName": "fleet",
            "PermissionModel": "SELF_MANAGED",
            "TemplateBody": json.dumps(body or BODY),
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

    def settled(self, name="holder"):
        return waiting.ended_stack(self.client, name)

    def reason(self):
        events = self.client.describe_stack_events(StackName="holder")["StackEvents"]
        return next(
            event["ResourceStatusReason"]
            for event in events
            if event["ResourceStatus"] in ("CREATE_FAILED", "UPDATE_FAILED")
        )

    def stacks(self, account, region):
        return self.emulator.client("cloudformation", region, account).describe_stacks()["Stacks"]

    def instances(self, **more):
        found = self.client.list_stack_instances(StackSetName="fleet", **more)["Summaries"]
        return {(item["Account"], item["Region"]): item for item in found}

    def updates(self, account, region):
        client = self.emulator.client("cloudformation", region, account)
        (stack,) = client.describe_stacks()["Stacks"]
        events = client.describe_stack_events(StackName=stack["StackName"])["StackEvents"]
        return [event["LogicalResourceId"] for event in events if event["ResourceStatus"] == "UPDATE_COMPLETE"].count(
            stack["StackName"]
        )


@pytest.fixture
def holder(emulator):
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
    assert {(item["Status"], item["StackId"]) for item in holder.instances().values()} == {
        ("CURRENT", stack["StackId"]) for (stack,) in before.values()
    }

    assert holder.deploy(group([ONE], ["eu-west-1"], Name="findings", Label="soft"), east) == "UPDATE_COMPLETE"
    assert holder.stacks(TWO, "eu-west-1") == []
    (changed,) = holder.stacks(ONE, "eu-west-1")
    assert changed["StackName"] == before[ONE, "eu-west-1"][0]["StackName"]
    assert {"ParameterKey": "Label", "ParameterValue": "soft"} in changed["Parameters"]
    assert holder.instances().keys() == {(ONE, "eu-west-1"), (ONE, "us-east-1")}

    holder.client.delete_stack(StackName="holder")
    assert waiting.until(lambda: not holder.stacks(ADMINISTERING, "us-east-1"))
    assert holder.stacks(ONE, "eu-west-1") == holder.stacks(ONE, "us-east-1") == []
    with pytest.raises(ClientError, match="StackSetNotFoundException"):
        holder.instances()


UNIT = {"OrganizationalUnitIds": ["ou-1"], "Accounts": [ONE], "AccountFilterType": "INTERSECTION"}


@pytest.mark.parametrize(
    ("groups", "more", "reason"),
    [
        ([group([ONE], ["eu-west-1"])], {}, "Parameter 'Name' has no Default"),
        ([group([ONE], ["eu-west-1"], Name="x" * 4_097)], {}, "longer than 4096 bytes"),
        ([group([ONE], ["eu-west-1"], Name="x")], IN_UNITS, "OrganizationalUnitIds are"),
        ([group([ONE], ["eu-west-1"], Name="x")] * 2, {}, "is duplicated"),
        ([group(UNIT, ["eu-west-1"], Name="x"), group(UNIT, ["us-east-1"], Name="x")], IN_UNITS, "more than one Param"),
        ([group({**UNIT, "AccountFilterType": "UNION"}, ["eu-west-1"])], IN_UNITS, "UNION is not a valid"),
        ([group({**UNIT, "AccountFilterType": "NONE"}, ["eu-west-1"])], IN_UNITS, "AccountFilterType is for"),
        ([], {"StackSetName": "1"}, "stackSetName"),
    ],
)
def test_requests_that_aws_refuses_fail_the_resource(holder, groups, more, reason):
    assert holder.deploy(*groups, **more) == "ROLLBACK_COMPLETE"
    assert re.search(reason, holder.reason()), holder.reason()
    assert holder.stacks(ONE, "eu-west-1") == []


def test_a_name_is_taken_once_in_an_account_and_region(holder):
    assert holder.deploy() == "CREATE_COMPLETE"
    properties = {"StackSetName": "fleet", "PermissionModel": "X", "TemplateBody": "{}"}
    other = {"Type": "AWS::CloudFormation::StackSet", "Properties": properties}
    holder.client.create_stack(StackName="second", TemplateBody=json.dumps({"Resources": {"StackSet": other}}))
    assert holder.settled("second") == "ROLLBACK_COMPLETE"


def test_a_unit_holds_the_accounts_that_are_in_it_except_the_management_account(holder):
    units = {ONE: "ou-1", TWO: "ou-2", ADMINISTERING: "ou-1"}
    holder.emulator.world({account: {"organizational_unit": unit} for account, unit in units.items()})
    whole = {"OrganizationalUnitIds": ["ou-1", "ou-2"]}
    assert holder.deploy(group(whole, ["us-east-1"], Name="findings"), **IN_UNITS) == "CREATE_COMPLETE"
    assert {target: item["OrganizationalUnitId"] for target, item in holder.instances().items()} == {
        (ONE, "us-east-1"): "ou-1",
        (TWO, "us-east-1"): "ou-2",
    }
    without = {**whole, "Accounts": [TWO], "AccountFilterType": "DIFFERENCE"}
    assert holder.deploy(group(without, ["us-east-1"], Name="findings"), **IN_UNITS) == "UPDATE_COMPLETE"
    assert holder.instances().keys() == {(ONE, "us-east-1")}
    assert holder.stacks(TWO, "us-east-1") == []


def test_the_template_is_updated_with_the_old_overrides_first(holder):
    holder.deploy(group([ONE], ["us-east-1"], Name="findings", Label="old"))
    changed = {**BODY, "Outputs": {"Version": {"Value": "2"}}}
    holder.deploy(group([ONE], ["us-east-1"], Name="findings", Label="new"), body=changed)
    (stack,) = holder.stacks(ONE, "us-east-1")
    assert {"ParameterKey": "Label", "ParameterValue": "new"} in stack["Parameters"]
    assert holder.updates(ONE, "us-east-1") == 2
    holder.deploy(group([ONE, TWO], ["us-east-1"], Name="findings", Label="new"), body=changed)
    assert holder.updates(ONE, "us-east-1") == 2, "the stack set has not changed"


def test_failures_that_are_tolerated_are_those_of_the_instances_only(holder):
    taken = holder.emulator.client("sns", "eu-west-1", ONE)
    taken.create_topic(Name="findings")
    groups = [group([ONE, TWO], ["eu-west-1"], Name="findings")]
    assert holder.deploy(*groups, **TOLERANT) == "CREATE_COMPLETE"
    failed = holder.instances()[ONE, "eu-west-1"]
    assert (failed["Status"], failed["StackInstanceStatus"]["DetailedStatus"]) == ("OUTDATED", "FAILED")
    assert re.search(r"ResourceLogicalId:Topic, .*already exists", failed["StatusReason"]), failed
    assert holder.stacks(ONE, "eu-west-1") == [], "a stack whose creation failed is deleted"
    assert holder.instances()[TWO, "eu-west-1"]["Status"] == "CURRENT"
    described = holder.client.describe_stack_instance(
        StackSetName="fleet", StackInstanceAccount=ONE, StackInstanceRegion="eu-west-1"
    )["StackInstance"]
    assert described["ParameterOverrides"] == [{"ParameterKey": "Name", "ParameterValue": "findings"}]
    assert {name: described[name] for name in failed} == failed

    taken.delete_topic(TopicArn=f"arn:aws:sns:eu-west-1:{ONE}:findings")
    again = {"StackSetName": "fleet", "UsePreviousTemplate": True}
    with pytest.raises(ClientError, match=r"Name.* must have values"):
        holder.client.update_stack_set(**again)
    holder.client.update_stack_set(**again, Parameters=[{"ParameterKey": "Name", "UsePreviousValue": True}])
    assert waiting.until(lambda: holder.instances()[ONE, "eu-west-1"]["Status"] == "CURRENT")


def test_instances_are_listed_in_pages_and_by_account_and_region(holder):
    holder.deploy(group([ONE, TWO], ["eu-west-1", "us-east-1"], Name="findings"))
    paginator = holder.client.get_paginator("list_stack_instances")
    pages = [page["Summaries"] for page in paginator.paginate(StackSetName="fleet", MaxResults=3)]
    assert [len(page) for page in pages] == [3, 1]
    assert holder.instances(StackInstanceAccount=TWO, StackInstanceRegion="us-east-1").keys() == {(TWO, "us-east-1")}
    with pytest.raises(ClientError, match="StackSetNotFoundException"):
        holder.instances(CallAs="DELEGATED_ADMIN")
    with pytest.raises(ClientError, match="StackInstanceNotFoundException"):
        holder.client.describe_stack_instance(
            StackSetName="fleet", StackInstanceAccount=ADMINISTERING, StackInstanceRegion="us-east-1"
        )


def test_mappings_are_looked_up_in_conditions(holder):
    where = {
        "Fn::FindInMap": ["Here", {"Ref": "AWS::Region"}, {"Fn::FindInMap": ["Who", {"Ref": "AWS::AccountId"}, "Is"]}]
    }
    body = {
        "Mappings": {
            "Who": {ONE: {"Is": "A"}, TWO: {"Is": "B"}},
            "Here": {"eu-west-1": {"A": "true", "B": "false"}, "us-east-1": {"A": "false", "B": "true"}},
        },
        "Conditions": {"IsHere": {"Fn::Equals": [where, "true"]}},
        "Resources": {
            "Topic": {"Type": "AWS::SNS::Topic", "Condition": "IsHere", "Properties": {"TopicName": "findings"}},
            "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        },
        "Outputs": {"Here": {"Value": where}},
    }
    holder.deploy(group([ONE, TWO], ["eu-west-1", "us-east-1"]), body=body)
    for account, region, there in (
        (ONE, "eu-west-1", True),
        (ONE, "us-east-1", False),
        (TWO, "us-east-1", True),
        (TWO, "eu-west-1", False),
    ):
        assert bool(holder.emulator.client("sns", region, account).list_topics()["Topics"]) is there
        (stack,) = holder.stacks(account, region)
        assert stack["Outputs"][0]["OutputValue"] == str(there).lower()
