# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EventBridge Scheduler: refusals of what AWS refuses, and a way to let a schedule start its state machine now."""

from __future__ import annotations

import json
import re
import zoneinfo
from typing import Any

import service_roles
from ministack.core.responses import get_account_id
from ministack.core.responses import get_region
from ministack.core.responses import request_scope
from ministack.services import scheduler
from ministack.services import stepfunctions
from ministack.services.cloudformation import provisioners
from resource_types import HandlerError
from resource_types import already_exists

SCHEDULER = "scheduler.amazonaws.com"
NAME = re.compile(r"[0-9A-Za-z_.-]{1,64}")
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
RATE = re.compile(r"rate\([1-9]\d* (minute|hour|day)s?\)")
CRON = re.compile(r"cron\(((?:\S+ ){5}\S+)\)")
LONGEST = 256
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
TIME = "<aws.scheduler.scheduled-time>"


class DidNotRun(LookupError):
    """The schedule does not exist or is disabled, or Scheduler may not start its target."""


def install() -> None:
    """Replace the handler of CloudFormation. Nothing starts by itself: time on the emulator is that of the tests."""
    scheduler._tick_schedules = lambda: None
    handler = provisioners._RESOURCE_HANDLERS["AWS::Scheduler::Schedule"]
    create, update = handler["create"], handler["update"]

    def create_valid(logical_id: str, properties: dict, stack_name: str) -> tuple:
        _check(properties)
        if f"default/{properties['Name']}" in scheduler._schedules:
            raise already_exists("AWS::Scheduler::Schedule", properties["Name"])
        made: tuple = create(logical_id, properties, stack_name)
        scheduler._schedules[f"default/{made[0]}"]["ScheduleExpressionTimezone"] = _zone(properties)
        return made

    def update_valid(physical_id: str, old: dict, new: dict, *rest: Any) -> Any:
        _check(new)
        made = update(physical_id, old, new, *rest)
        scheduler._schedules[f"default/{made[0]}"]["ScheduleExpressionTimezone"] = _zone(new)
        return made

    handler.update(create=create_valid, update=update_valid)


def _zone(properties: dict[str, Any]) -> str:
    return str(properties.get("ScheduleExpressionTimezone", "UTC"))


def _check(properties: dict[str, Any]) -> None:
    """Raise HandlerError for what CreateSchedule refuses."""
    problem = problem_with(properties)
    if problem:
        raise HandlerError(problem, "InvalidRequest")


def problem_with(properties: dict[str, Any]) -> str:
    """Return why CreateSchedule refuses a schedule, or ''."""
    expression, target = properties["ScheduleExpression"], properties["Target"]
    if not NAME.fullmatch(properties["Name"]):
        return "Value at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern"
    if not _is_expression(expression) or len(expression) > LONGEST:
        return f"Invalid Schedule Expression {expression}."
    if _zone(properties) not in zoneinfo.available_timezones():
        return f"Invalid Schedule Expression Timezone {_zone(properties)}."
    if not service_roles.trusts(target["RoleArn"], SCHEDULER, _group()):
        return "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
    return ""


def _is_expression(expression: str) -> bool:
    found = CRON.fullmatch(expression)
    if not found:
        return RATE.fullmatch(expression) is not None
    fields = found[1].split()
    return (fields[2] == "?") != (fields[4] == "?")


def _group() -> str:
    return f"arn:aws:scheduler:{get_region()}:{get_account_id()}:schedule-group/default"


def run_now(account: str, region: str, name: str, at: str) -> str:
    """Let a schedule start its state machine as if it were due *at* a time, and return the ARN of the execution.

    Raise DidNotRun.
    """
    with request_scope(account, region):
        schedule = scheduler._schedules.get(f"default/{name}")
        if schedule is None or schedule["State"] != "ENABLED":
            raise DidNotRun(f"there is no enabled schedule {name} in {account} {region}")
        target = schedule["Target"]
        if not service_roles.trusts(target["RoleArn"], SCHEDULER, _group()):
            raise DidNotRun(f"{target['RoleArn']} does not let Scheduler in")
        if not service_roles.allows(target["RoleArn"], "states:StartExecution", target["Arn"], {}):
            raise DidNotRun(f"{target['RoleArn']} may not start {target['Arn']}")
        given = {"stateMachineArn": target["Arn"], "input": target.get("Input", "{}").replace(TIME, at)}
        status, _headers, body = stepfunctions._start_execution(given)
        if status != 200:
            raise DidNotRun(body.decode())
        return str(json.loads(body)["executionArn"])
