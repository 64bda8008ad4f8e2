# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets forwarded findings to NOTIFIED, for the template of a stack: pure. PRIVATE to the collection.

An event rule cannot call Security Hub, but an express state machine can
(https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html). The update causes another event,
which no automatic rule matches, since they require NEW.
"""

from __future__ import annotations

import json
from typing import Any

from .._securityhub import workflow
from .resources import ARN
from .resources import HERE

MACHINE = "NotifiedMachine"
ROLE = "NotifiedRole"

# Later, a person may have set another status, which must not be overwritten.
OLDEST_EVENT_SECONDS = 60

UNPROCESSED = "$.UnprocessedFindings[0]"


def target() -> dict[str, Any]:
    """Return the target of a rule that marks the findings it forwards."""
    return {
        "Id": "notified",
        "Arn": {"Ref": MACHINE},
        "RoleArn": {"Fn::GetAtt": [ROLE, "Arn"]},
        "RetryPolicy": {"MaximumEventAgeInSeconds": OLDEST_EVENT_SECONDS},
    }


def resources(name: str, rules: list[str], tags: list[dict[str, str]], boundary: str) -> dict[str, Any]:
    """Return the state machine of the stack *name*, and the role of the machine and of the *rules* that start it."""
    machine = f"{name}-notified"
    machine_arn = {"Fn::Sub": f"{ARN}:states:{HERE}:stateMachine:{machine}"}
    rule_arns = [{"Fn::Sub": f"{ARN}:events:{HERE}:rule/{rule}"} for rule in rules]
    found: dict[str, Any] = {
        ROLE: {"Type": "AWS::IAM::Role", "Properties": _role(name, machine_arn, rule_arns)},
        MACHINE: {"Type": "AWS::StepFunctions::StateMachine", "Properties": _machine(machine)},
    }
    if boundary:
        found[ROLE]["Properties"]["PermissionsBoundary"] = _of_account(boundary)
    if tags:
        for resource in found.values():
            resource["Properties"]["Tags"] = tags
    return found


def _machine(name: str) -> dict[str, Any]:
    return {
        "StateMachineName": name,
        "StateMachineType": "EXPRESS",
        "RoleArn": {"Fn::GetAtt": [ROLE, "Arn"]},
        "DefinitionString": {"Fn::Sub": json.dumps(_definition(), separators=(",", ":"))},
    }


def _definition() -> dict[str, Any]:
    """Return the states: mark the finding of the event; fail, which a metric counts, if Security Hub refused."""
    finding = {"Id.$": "$.detail.findings[0].Id", "ProductArn.$": "$.detail.findings[0].ProductArn"}
    mark = {
        "Type": "Task",
        "Resource": f"{ARN}:states:::aws-sdk:securityhub:batchUpdateFindings",
        "Parameters": {"FindingIdentifiers": [finding], "Workflow": {"Status": "NOTIFIED"}},
        "Retry": [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 2, "MaxAttempts": 4, "BackoffRate": 2}],
        "Next": "IsMarked",
    }
    refused = {"Variable": UNPROCESSED, "IsPresent": True, "Next": "NotMarked"}
    return {
        "StartAt": "Mark",
        "States": {
            "Mark": mark,
            "IsMarked": {"Type": "Choice", "Choices": [refused], "Default": "Marked"},
            "NotMarked": {"Type": "Fail", "Error": "NotMarked", "CausePath": "States.JsonToString($)"},
            "Marked": {"Type": "Succeed"},
        },
    }


def _role(name: str, machine: dict[str, Any], rules: list[dict[str, Any]]) -> dict[str, Any]:
    may_mark = workflow.permission({"Fn::Sub": f"{ARN}:securityhub:{HERE}:hub/default"}, "NOTIFIED")
    may_start = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": machine}
    return {
        # CloudFormation would shorten a generated name, and IAM policies name the role by a pattern. A role is global.
        # With the longest name of a deployment and of a region, these are the 64 characters that IAM allows.
        "RoleName": {"Fn::Sub": f"{name}-Notified-${{AWS::Region}}"},
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [_trust("states.amazonaws.com", [machine]), _trust("events.amazonaws.com", rules)],
        },
        "Policies": [
            {
                "PolicyName": "MarkFindingsNotified",
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [may_mark, may_start]},
            }
        ],
    }


def _trust(service: str, callers: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {
            "ArnEquals": {"aws:SourceArn": callers},
            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        },
    }


def _of_account(boundary: str) -> Any:
    """Return the ARN of a policy for any account, so that the stacks of a StackSet have the same template."""
    account, path = boundary.split(":", 5)[4:]
    return {"Fn::Sub": f"{ARN}:iam::${{AWS::AccountId}}:{path}"} if account.isdigit() else boundary
