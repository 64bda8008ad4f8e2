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
MACHINE_ROLE = "NotifiedMachineRole"
RULE_ROLE = "NotifiedRuleRole"

# Later, a person may have set another status, which must not be overwritten.
OLDEST_EVENT_SECONDS = 60

UNPROCESSED = "$.UnprocessedFindings[0]"


def target() -> dict[str, Any]:
    """Return the target of a rule that marks the findings it forwards."""
    return {
        "Id": "notified",
        "Arn": {"Ref": MACHINE},
        "RoleArn": {"Fn::GetAtt": [RULE_ROLE, "Arn"]},
        "RetryPolicy": {"MaximumEventAgeInSeconds": OLDEST_EVENT_SECONDS},
    }


def resources(name: str, rules: list[str], tags: list[dict[str, str]], boundary: str) -> dict[str, Any]:
    """Return the state machine of the stack *name*, its role, and the role of the *rules* that start it."""
    machine = f"{name}-notified"
    machine_arn = {"Fn::Sub": f"{ARN}:states:{HERE}:stateMachine:{machine}"}
    rule_arns = [{"Fn::Sub": f"{ARN}:events:{HERE}:rule/{rule}"} for rule in rules]
    may_mark = workflow.permission({"Fn::Sub": f"{ARN}:securityhub:{HERE}:hub/default"}, "NOTIFIED")
    found = {
        MACHINE_ROLE: _role("states.amazonaws.com", [machine_arn], "MarkFindingsNotified", may_mark),
        MACHINE: {"Type": "AWS::StepFunctions::StateMachine", "Properties": _machine(machine)},
        RULE_ROLE: _role("events.amazonaws.com", rule_arns, "StartStateMachine", _may_start()),
    }
    if boundary:
        for role in (MACHINE_ROLE, RULE_ROLE):
            found[role]["Properties"]["PermissionsBoundary"] = _of_account(boundary)
    if tags:
        for resource in found.values():
            resource["Properties"]["Tags"] = tags
    return found


def _machine(name: str) -> dict[str, Any]:
    return {
        "StateMachineName": name,
        "StateMachineType": "EXPRESS",
        "RoleArn": {"Fn::GetAtt": [MACHINE_ROLE, "Arn"]},
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


def _role(service: str, callers: list[dict[str, Any]], policy: str, statement: dict[str, Any]) -> dict[str, Any]:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {
            "ArnEquals": {"aws:SourceArn": callers},
            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        },
    }
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
            "Policies": [
                {"PolicyName": policy, "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}},
            ],
        },
    }


def _of_account(boundary: str) -> Any:
    """Return the ARN of a policy for any account, so that the stacks of a StackSet have the same template."""
    account, path = boundary.split(":", 5)[4:]
    return {"Fn::Sub": f"{ARN}:iam::${{AWS::AccountId}}:{path}"} if account.isdigit() else boundary


def _may_start() -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "states:StartExecution", "Resource": {"Ref": MACHINE}}
