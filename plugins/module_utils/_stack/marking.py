# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets forwarded findings to NOTIFIED (OCSF: In Progress), for a stack's template: pure. PRIVATE to the collection.

If their end is reported, it also writes the severity that they were sent with into a user-defined field named as the
stack, and OVER once the end is reported. Fields of others stay: the finding is read first, because AWS does not
document whether an event has all fields, and whether an update keeps those that it does not name. Findings of the new
Security Hub have a comment instead, see _securityhub/comment.py. A comment of others stays.

An event rule cannot call Security Hub, but an express state machine can
(https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html). The update causes another event,
which no automatic rule matches, since they require NEW (OCSF: New).
"""

from __future__ import annotations

import json
from typing import Any

from .._securityhub import comment
from .._securityhub import workflow
from .resources import ARN
from .resources import HERE
from .resources import STATE_MACHINE
from .resources import role
from .resources import rules_arn
from .resources import trust_statement
from .resources import with_tags

MACHINE = "NotifiedMachine"
ROLE = "NotifiedRole"

# Later, a person may have set another status, which must not be overwritten.
OLDEST_EVENT_SECONDS = 60

UNPROCESSED = "$.UnprocessedFindings[0]"
FINDING, READ = "$.detail.findings[0]", "$.read.fields[0]"
OVER = "OVER"


def machine_name(name: str) -> str:
    """Return the name of the state machine of the stack *name*."""
    return f"{name}-notified"


def role_name(name: str, region: str) -> str:
    """Return the name of its role in *region*.

    CloudFormation would shorten a generated name, and IAM policies name the role by a pattern. A role is global. With
    the longest name of a deployment and of a region, these are the 64 characters that IAM allows.
    """
    return f"{name}-Notified-{region}"


def target(resolved: bool) -> dict[str, Any]:
    """Return the target of a rule that marks the findings it forwards, or whose end it reports (*resolved*)."""
    timely = {} if resolved else {"RetryPolicy": {"MaximumEventAgeInSeconds": OLDEST_EVENT_SECONDS}}
    return {"Id": "notified", "Arn": {"Ref": MACHINE}, "RoleArn": {"Fn::GetAtt": [ROLE, "Arn"]}, **timely}


def resources(name: str, tags: list[dict[str, str]], boundary: str, *, resolved: bool, ocsf: bool) -> dict[str, Any]:
    """Return the state machine of the stack *name*, and the role of the machine and of the rules that start it.

    *resolved*: the end of findings is reported. *ocsf*: the findings are those of the new Security Hub.
    """
    mark = name if resolved else ""
    definition = _ocsf_definition(mark) if ocsf else _definition(mark)
    permissions = _permissions(resolved, ocsf)
    machine = machine_name(name)
    machine_arn = {"Fn::Sub": f"{ARN}:states:{HERE}:stateMachine:{machine}"}
    may_start = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": machine_arn}
    trust = [
        trust_statement("states.amazonaws.com", [machine_arn]),
        trust_statement("events.amazonaws.com", [rules_arn(name)]),
    ]
    named = role_name(name, "${AWS::Region}")
    return {
        ROLE: role(named, trust, "MarkFindingsNotified", [*permissions, may_start], tags, boundary),
        MACHINE: {"Type": STATE_MACHINE, "Properties": with_tags(_machine(machine, definition), tags)},
    }


def _machine(name: str, definition: dict[str, Any]) -> dict[str, Any]:
    return {
        "StateMachineName": name,
        "StateMachineType": "EXPRESS",
        "RoleArn": {"Fn::GetAtt": [ROLE, "Arn"]},
        "DefinitionString": {"Fn::Sub": json.dumps(definition, separators=(",", ":"))},
    }


def _definition(mark: str) -> dict[str, Any]:
    """Return the states: mark the finding of the event; fail, which a metric counts, if Security Hub refused.

    *mark*: the name of the user-defined field, '' for none.
    """
    notified = {"Workflow": {"Status": "NOTIFIED"}}
    states = {**(_of_field(mark, notified) if mark else {}), "Mark": _update(notified)}
    return {"StartAt": "IsOver" if mark else "Mark", "States": states | _end()}


def _ocsf_definition(mark: str) -> dict[str, Any]:
    """Return the same for findings (OCSF) of the new Security Hub; *mark*: the name that comments have, '' for none."""
    in_progress = {"StatusId": workflow.STATUS_IDS["NOTIFIED"]}
    states = {**(_of_comment(mark, in_progress) if mark else {}), "Mark": _ocsf_update(in_progress)}
    return {"StartAt": "IsOver" if mark else "Mark", "States": states | _end()}


def _end() -> dict[str, Any]:
    """Return the last states, after an update of either kind of finding."""
    refused = {"Variable": UNPROCESSED, "IsPresent": True, "Next": "NotMarked"}
    return {
        "IsMarked": {"Type": "Choice", "Choices": [refused], "Default": "Marked"},
        "NotMarked": {"Type": "Fail", "Error": "NotMarked", "CausePath": "States.JsonToString($)"},
        "Marked": {"Type": "Succeed"},
    }


def _of_field(mark: str, notified: dict[str, Any]) -> dict[str, Any]:
    """Return the states before those: what the field *mark* gets, for a finding that was sent or is over.

    Samples, such as the canary's, are only set to NOTIFIED.
    """
    fields = {"UserDefinedFields.$": "$.fields.all"}
    identifiers = {name: [{"Comparison": "EQUALS", "Value.$": f"{FINDING}.{name}"}] for name in ("Id", "ProductArn")}
    read = {"Filters": identifiers, "MaxResults": 1}

    def then(state: str, *conditions: dict[str, Any]) -> dict[str, Any]:
        return {"And": list(conditions), "Next": state}

    def all_fields(value: dict[str, Any]) -> dict[str, Any]:
        return {"Type": "Pass", "Parameters": value, "ResultPath": "$.fields", "Next": "Read"}

    is_open = (
        {"Variable": f"{FINDING}.RecordState", "StringEquals": "ACTIVE"},
        {"Variable": f"{FINDING}.Workflow.Status", "StringEquals": "NEW"},
    )
    sample = f"{FINDING}.Sample"
    is_test = ({"Variable": sample, "IsPresent": True}, {"Variable": sample, "BooleanEquals": True})
    # Two whole findings may be more than the 256 KiB that a state can pass on.
    only_fields = {"fields.$": "$.Findings[*].UserDefinedFields"}
    is_there = ({"Variable": READ, "IsPresent": True},)
    merged = {"all.$": f"States.JsonMerge({READ}, $.fields.all, false)"}
    return {
        "IsOver": {"Type": "Choice", "Choices": [then("Mark", *is_open, *is_test), then("Sent", *is_open)]}
        | {"Default": "Over"},
        "Sent": all_fields({"all": {f"{mark}.$": f"{FINDING}.Severity.Label"}}),
        "Over": all_fields({"all": {mark: OVER}}),
        "Read": _task("getFindings", read, "HasFields") | {"ResultSelector": only_fields, "ResultPath": "$.read"},
        "HasFields": {"Type": "Choice", "Choices": [then("Keep", *is_there)], "Default": "IsSent"},
        "Keep": all_fields(merged) | {"Next": "IsSent"},
        "IsSent": {"Type": "Choice", "Choices": [then("MarkSent", *is_open)], "Default": "MarkOver"},
        "MarkSent": _update(notified | fields),
        "MarkOver": _update(fields),
    }


def _of_comment(mark: str, in_progress: dict[str, Any]) -> dict[str, Any]:
    """Return the states before those: which comment a finding gets that was sent or is over."""

    def is_(variable: str, **test: str) -> list[dict[str, Any]]:
        return [{"Variable": variable, "IsPresent": True}, {"Variable": variable, **test}]

    over = [
        {"And": is_(f"{FINDING}.activity_name", StringEquals="Close")},
        {"And": is_(f"{FINDING}.compliance.status", StringEquals="Pass")},
        *({"And": is_(f"{FINDING}.status", StringEquals=status)} for status in ("Archived", "Resolved", "Suppressed")),
    ]
    uid = {"Value.$": f"{FINDING}.metadata.uid", "Comparison": "EQUALS"}
    composite = {"StringFilters": [{"FieldName": "metadata.uid", "Filter": uid}]}
    read = {"Filters": {"CompositeFilters": [composite]}, "MaxResults": 1}
    sent = {"Comment.$": f"States.Format('{comment.sent(mark, '{}')}', {FINDING}.severity)"}
    return {
        "IsOver": {"Type": "Choice", "Choices": [{"Or": over, "Next": "MarkOver"}], "Default": "Read"},
        "MarkOver": _ocsf_update({"Comment": comment.over(mark)}),
        "Read": _task("getFindingsV2", read, "HasComment")
        | {"ResultSelector": {"fields.$": "$.Findings[*].comment"}, "ResultPath": "$.read"},
        "HasComment": {
            "Type": "Choice",
            "Choices": [
                {"And": is_(READ, StringMatches=comment.sent(mark, "*")), "Next": "MarkSent"},
                {"And": is_(READ, StringEquals=comment.over(mark)), "Next": "MarkSent"},
                {"Variable": READ, "IsPresent": True, "Next": "Mark"},
            ],
            "Default": "MarkSent",
        },
        "MarkSent": _ocsf_update(in_progress | sent),
    }


def _ocsf_update(changes: dict[str, Any]) -> dict[str, Any]:
    uids = {"MetadataUids.$": f"States.Array({FINDING}.metadata.uid)"}
    return _task("batchUpdateFindingsV2", uids | changes, "IsMarked")


def _update(changes: dict[str, Any]) -> dict[str, Any]:
    finding = {f"{name}.$": f"{FINDING}.{name}" for name in ("Id", "ProductArn")}
    return _task("batchUpdateFindings", {"FindingIdentifiers": [finding], **changes}, "IsMarked")


def _task(action: str, given: dict[str, Any], then: str) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": f"{ARN}:states:::aws-sdk:securityhub:{action}",
        "Parameters": given,
        "Retry": [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 2, "MaxAttempts": 4, "BackoffRate": 2}],
        "Next": then,
    }


def _permissions(resolved: bool, ocsf: bool) -> list[dict[str, Any]]:
    """Return the statements that allow the tasks of the state machine."""
    hub = {"Fn::Sub": f"{ARN}:securityhub:{HERE}:{'hubv2' if ocsf else 'hub'}/default"}
    may_read = {"Effect": "Allow", "Action": "securityhub:GetFindings", "Resource": hub}
    may_mark = (
        workflow.ocsf_permission(hub, ["NOTIFIED"], comment=resolved)
        if ocsf
        else workflow.permission(hub, "NOTIFIED", user_defined=resolved)
    )
    return [may_mark, *([may_read] if resolved else [])]
