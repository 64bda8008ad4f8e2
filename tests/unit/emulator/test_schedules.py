# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EventBridge Scheduler and Step Functions: schedules that AWS refuses, and roles that do not allow enough."""

from __future__ import annotations

import json
import urllib.error

import pytest
from ansible_collections.secops.securityhub.tests.unit import waiting
from botocore.exceptions import ClientError

from .conftest import ACCOUNT
from .conftest import REGION

MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:machine"
GROUP = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/default"
HUB = f"arn:aws:securityhub:{REGION}:{ACCOUNT}:hub/default"
READ = {"Effect": "Allow", "Action": "securityhub:GetFindings", "Resource": HUB}
START = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": MACHINE}
GET = "arn:aws:states:::aws-sdk:securityhub:getFindings"


def trust(service, source):
    condition = {"ArnEquals": {"aws:SourceArn": source}, "StringEquals": {"aws:SourceAccount": ACCOUNT}}
    return {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": condition,
    }


TRUSTS = (trust("scheduler.amazonaws.com", GROUP), trust("states.amazonaws.com", MACHINE))


def document(statements):
    return {"Version": "2012-10-17", "Statement": statements}


def stack(statements=(READ, START), trusts=TRUSTS, task=None, **changed):
    """Return a template with a schedule, a machine that reads findings, and their role."""
    states = {"Read": {"Type": "Task", "Resource": GET, "Parameters": {}, "End": True, **(task or {})}}
    if "Catch" in states["Read"]:
        states["Smaller"] = {"Type": "Succeed"}
    role = {"Fn::GetAtt": ["Role", "Arn"]}
    schedule = {
        "Name": "daily",
        "ScheduleExpression": "cron(0 8 * * ? *)",
        "ScheduleExpressionTimezone": "Asia/Tokyo",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": {"Ref": "Machine"}, "RoleArn": role},
        **changed,
    }
    machine = {
        "StateMachineName": "machine",
        "RoleArn": role,
        "DefinitionString": json.dumps({"StartAt": "Read", "States": states}),
    }
    policies = [{"PolicyName": "policy", "PolicyDocument": document(list(statements))}]
    return {
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"RoleName": "role", "AssumeRolePolicyDocument": document([*trusts]), "Policies": policies},
        },
        "Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": machine},
        "Daily": {"Type": "AWS::Scheduler::Schedule", "Properties": schedule},
    }


def created(aws, resources):
    """Create a stack, and return its status and the reasons of what failed."""
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(StackName="stack", TemplateBody=json.dumps({"Resources": resources}))
    status = waiting.ended_stack(cloudformation, "stack")
    events = cloudformation.describe_stack_events(StackName="stack")["StackEvents"]
    return status, " ".join(event.get("ResourceStatusReason", "") for event in events)


def run(aws, at=""):
    """Let the schedule start the machine, and return how the execution ends."""
    given = {"account": ACCOUNT, "region": REGION, "name": "daily", "at": at}
    arn = aws.emulator.ask("POST", "schedule", given)["execution"]
    return waiting.ended_execution(aws.client("stepfunctions"), arn)


def test_a_schedule_starts_its_machine_when_told(aws):
    assert created(aws, stack())[0] == "CREATE_COMPLETE"
    schedule = aws.client("scheduler").get_schedule(Name="daily")
    assert (schedule["ScheduleExpressionTimezone"], schedule["State"]) == ("Asia/Tokyo", "ENABLED")
    aws.import_findings(aws.finding())
    done = run(aws)
    assert done["status"] == "SUCCEEDED"
    assert len(json.loads(done["output"])["Findings"]) == 1


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"ScheduleExpression": "cron(0 8 * * * *)"}, "Invalid Schedule Expression"),
        ({"ScheduleExpression": "weekly"}, "Invalid Schedule Expression"),
        ({"ScheduleExpressionTimezone": "Mars/Base"}, "Invalid Schedule Expression Timezone"),
        ({"Name": "every day"}, "regular expression pattern"),
        ({"trusts": [trust("scheduler.amazonaws.com", f"{GROUP}/daily"), TRUSTS[1]]}, "must allow AWS EventBridge"),
    ],
)
def test_what_scheduler_refuses_fails_the_stack(aws, changed, reason):
    status, reasons = created(aws, stack(**changed))
    assert status == "ROLLBACK_COMPLETE"
    assert reason in reasons


def test_a_schedule_that_may_not_start_the_machine_or_is_disabled_does_not_run(aws):
    created(aws, stack(statements=[READ], State="DISABLED"))
    with pytest.raises(urllib.error.HTTPError) as raised:
        run(aws)
    assert "no enabled schedule" in raised.value.read().decode()
    aws.emulator.reset()
    created(aws, stack(statements=[READ]))
    with pytest.raises(urllib.error.HTTPError) as raised:
        run(aws)
    assert "may not start" in raised.value.read().decode()


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"statements": [START]}, "SecurityHub.AccessDeniedException"),
        ({"trusts": TRUSTS[:1]}, "States.Runtime"),
    ],
)
def test_a_task_has_the_permissions_of_the_role_of_its_machine(aws, given, error):
    created(aws, stack(**given))
    done = run(aws)
    assert (done["status"], done["error"]) == ("FAILED", error)


JSONATA_TASK = {"QueryLanguage": "JSONata", "Arguments": {}, "Parameters": None}


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ({"Arguments": {}}, "Field Arguments is not supported for JSONPath at /States/Read"),
        ({"Output": "{% $states.input %}"}, "Field Output is not supported for JSONPath"),
        ({**JSONATA_TASK, "Parameters": {}}, "Field Parameters is not supported for JSONata"),
        ({**JSONATA_TASK, "ResultPath": "$.read"}, "Field ResultPath is not supported for JSONata"),
        ({**JSONATA_TASK, "Output": "{% $nothing( %}"}, "INVALID_JSONATA_EXPRESSION"),
        ({**JSONATA_TASK, "Output": "{% $states.result.Findings %}"}, ""),
    ],
)
def test_a_state_has_the_fields_of_its_query_language_only(aws, task, reason):
    resources = stack(task=task)
    properties = resources["Machine"]["Properties"]
    definition = json.loads(properties["DefinitionString"])
    (state,) = definition["States"].values()
    definition["States"] = {"Read": {name: value for name, value in state.items() if value is not None}}
    properties["DefinitionString"] = json.dumps(definition)
    status, reasons = created(aws, resources)
    assert status == ("ROLLBACK_COMPLETE" if reason else "CREATE_COMPLETE"), reasons
    assert reason in reasons
    if not reason:
        assert json.loads(run(aws)["output"]) == []
        whole = json.dumps({"QueryLanguage": "JSONata", **definition}).replace('"JSONata", "Arg', '"JSONPath", "Arg')
        with pytest.raises(ClientError, match="QueryLanguage can not be set to JSONPath"):
            aws.client("stepfunctions").update_state_machine(stateMachineArn=MACHINE, definition=whole)


def test_the_outcomes_of_executions_are_counted(aws):
    assert created(aws, stack())[0] == "CREATE_COMPLETE"
    run(aws)
    aws.client("iam").delete_role_policy(RoleName="role", PolicyName="policy")
    aws.client("iam").put_role_policy(
        RoleName="role", PolicyName="policy", PolicyDocument=json.dumps(document([START]))
    )
    assert run(aws)["status"] == "FAILED"
    counted = {
        name: aws.metric("AWS/States", f"Executions{name}", "StateMachineArn", MACHINE)
        for name in ("Started", "Succeeded", "Failed", "TimedOut")
    }
    assert counted == {"Started": 2, "Succeeded": 1, "Failed": 1, "TimedOut": 0}


PUT = {
    "Effect": "Allow",
    "Action": "events:PutEvents",
    "Resource": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default",
}


def of_source(source):
    return {**PUT, "Condition": {"StringEquals": {"events:source": source}}}


@pytest.mark.parametrize(
    ("statement", "detail", "error"),
    [
        (READ, {}, "EventBridge.AccessDeniedException"),
        (of_source("other"), {}, "EventBridge.AccessDeniedException"),
        (of_source("ours"), {"text": "x" * 256 * 1024}, "EventBridge.EventBridgeException"),
        (of_source("ours"), {"text": "x"}, None),
    ],
)
def test_a_task_puts_events_that_are_allowed_and_not_too_large(aws, statement, detail, error):
    entry = {"Source": "ours", "DetailType": "numbers", "Detail": detail}
    task = {"Resource": "arn:aws:states:::events:putEvents", "Parameters": {"Entries": [entry]}}
    put = {"StartAt": "Put", "States": {"Put": {"Type": "Task", **task, "End": True}}}
    created(aws, stack(statements=[START, statement]))
    # It can be larger than a template.
    aws.client("stepfunctions").update_state_machine(stateMachineArn=MACHINE, definition=json.dumps(put))
    # A rule starts a machine with a role that lets it.
    arn, role = f"{MACHINE.rpartition(':')[0]}:receiver", aws.role("events.amazonaws.com", "starter")
    policy = json.dumps(document([{**START, "Resource": arn}]))
    states = {"Received": {"Type": "Pass", "Result": {}, "End": True}}
    client = aws.client("stepfunctions")
    client.create_state_machine(
        name="receiver", roleArn=role, definition=json.dumps({"StartAt": "Received", "States": states})
    )
    aws.rule({"source": ["ours"], "detail": {"text": ["x"]}}, Id="machine", Arn=arn, RoleArn=role)
    for started in (0, 0 if error else 1):
        done = run(aws)
        assert done.get("error") == error
        listed = client.list_executions(stateMachineArn=arn)["executions"]
        assert len(listed) == started
        aws.client("iam").put_role_policy(RoleName="starter", PolicyName="p", PolicyDocument=policy)
    if not error:
        event = json.loads(client.describe_execution(executionArn=listed[0]["executionArn"])["input"])
        assert (event["detail"], event["resources"]) == (detail, [done["executionArn"], MACHINE])


def test_a_wait_is_short_and_assignments_have_the_values_from_before(aws):
    states = {
        "Begin": {"Type": "Pass", "Assign": {"a": 1, "b": 2}, "Next": "Swap"},
        "Swap": {"Type": "Pass", "Assign": {"a": "{% $b %}", "b": "{% $a %}"}, "Next": "Wait"},
        "Wait": {"Type": "Wait", "Seconds": 3600, "Assign": {"a": "{% $a+10 %}"}, "Next": "End"},
        "End": {"Type": "Pass", "Output": "{% [$a,$b,$states.context.Execution.Input.at] %}", "End": True},
    }
    definition = {"QueryLanguage": "JSONata", "StartAt": "Begin", "States": states}
    resources = stack()
    resources["Machine"]["Properties"]["DefinitionString"] = json.dumps(definition)
    resources["Daily"]["Properties"]["Target"]["Input"] = '{"at":"<aws.scheduler.scheduled-time>"}'
    created(aws, resources)
    assert json.loads(run(aws, "2026-01-05T08:00:00Z")["output"]) == [12, 1, "2026-01-05T08:00:00Z"]
    # All variables that a state assigns are 256 KiB at most.
    states["Wait"]["Assign"] = {"a": "{% $pad('',200000,'x') %}", "b": "{% $pad('',100000,'x') %}"}
    aws.client("stepfunctions").update_state_machine(stateMachineArn=MACHINE, definition=json.dumps(definition))
    assert run(aws)["error"] == "States.DataLimitExceeded"
