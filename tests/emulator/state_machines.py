# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Step Functions: the SDK integration with our Security Hub, permissions, limits, metrics, and refused definitions."""

from __future__ import annotations

import contextvars
import json
import time
from types import SimpleNamespace
from typing import Any
from typing import Callable

import callers
import metrics
import service_roles
from hub_arns import hub_of
from ministack import app as ministack
from ministack.core.responses import get_account_id
from ministack.core.responses import get_region
from ministack.services import eventbridge
from ministack.services import kms
from ministack.services import sns
from ministack.services import stepfunctions
from ministack.services.cloudformation import provisioners
from resource_types import HandlerError
from rest_json import RestJson
from switches import Switches

STATES = "states.amazonaws.com"
PREFIX = "arn:aws:states:::aws-sdk:securityhub:"
STEP_FUNCTIONS = "arn:aws:states:::aws-sdk:sfn:"
PUBLISH = "arn:aws:states:::sns:publish"
PUT_EVENTS = "arn:aws:states:::events:putEvents"
# https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
ENTRIES_LIMIT = 10
ENTRY_LIMIT_BYTES = 256 * 1024
# Time on the emulator is that of the tests.
LONGEST_WAIT_SECONDS = 0.1
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
RESULT_LIMIT_BYTES = 256 * 1024
EVENTS_LIMIT = 25_000
TOO_LARGE = "States.DataLimitExceeded"

# https://docs.aws.amazon.com/step-functions/latest/dg/monitoring-using-cloudwatch.html
OUTCOMES = {"RUNNING": "ExecutionsStarted", "SUCCEEDED": "ExecutionsSucceeded", "FAILED": "ExecutionsFailed"}
JSONATA = "JSONata"
# The fields of states that the other query language does not have
# (https://states-language.net/spec.html#states-fields). Choice rules of JSONata have a Condition.
OF_JSONPATH = frozenset({"InputPath", "OutputPath", "Parameters", "ResultPath", "ResultSelector", "ItemsPath"})
OF_JSONATA = frozenset({"Arguments", "Output", "Items"})

_role: contextvars.ContextVar[str] = contextvars.ContextVar("role", default="")
_execution: contextvars.ContextVar[str] = contextvars.ContextVar("execution", default="")
_machine: contextvars.ContextVar[str] = contextvars.ContextVar("machine", default="")


def install(security_hub: RestJson, switches: Switches) -> None:
    """Allow tasks to call arn:aws:states:::aws-sdk:securityhub:<action>, with the permissions of their role."""
    _install_roles()
    _install_limits(switches)
    _install_metrics()
    _install_refusals(switches)
    _install_short_waits()
    _install_assignments()
    integrate = stepfunctions._invoke_aws_sdk_integration
    publish = stepfunctions._SERVICE_DISPATCH[PUBLISH]

    async def serve(method: str, path: str, _headers: dict, body: bytes, _query: dict) -> Any:
        return security_hub.answer(method, path, "", body)

    def integrate_security_hub_too(resource: str, given: Any) -> Any:
        if resource.startswith(STEP_FUNCTIONS):
            return _read_executions(resource[len(STEP_FUNCTIONS) :], given)
        if not resource.startswith(PREFIX):
            return integrate(resource, given)
        action = resource[len(PREFIX) :]
        name = _capitalized(action)
        if name not in security_hub.operations:
            raise stepfunctions._ExecutionError("States.Runtime", f"Invalid AWS SDK action: {action}")
        _check_security_hub(name, given or {})
        http = security_hub.model.operation_model(name).http
        body = json.dumps(given or {}).encode()
        status, headers, answer = ministack.call_service_handler_sync(
            serve, http["method"], http["requestUri"], {}, body, {}
        )
        result = json.loads(answer)
        if status >= 400:
            raise stepfunctions._ExecutionError(f"SecurityHub.{headers['x-amzn-ErrorType']}", result["Message"])
        return result

    def publish_if_allowed(resource: str, given: Any) -> Any:
        _check_publish(given["TopicArn"])
        return publish(resource, given)

    stepfunctions._invoke_aws_sdk_integration = integrate_security_hub_too
    stepfunctions._SERVICE_DISPATCH[PUBLISH] = publish_if_allowed
    stepfunctions._SERVICE_DISPATCH[PUT_EVENTS] = _put_events


def _put_events(_resource: str, given: Any) -> Any:
    """Put events, and add to their resources what put them.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-eventbridge.html
    """
    entries = given["Entries"]
    if not 0 < len(entries) <= ENTRIES_LIMIT:
        raise stepfunctions._ExecutionError("EventBridge.EventBridgeException", "1 validation error detected: entries")
    sent = []
    for entry in entries:
        bus = f"arn:aws:events:{get_region()}:{get_account_id()}:event-bus/{entry.get('EventBusName', 'default')}"
        context = {"events:source": entry["Source"], "events:detail-type": entry["DetailType"]}
        _check("EventBridge", "events:PutEvents", bus, context)
        detail = entry["Detail"] if isinstance(entry["Detail"], str) else json.dumps(entry["Detail"])
        if len(detail.encode()) + len(entry["Source"]) + len(entry["DetailType"]) > ENTRY_LIMIT_BYTES:
            message = "Total size of the entries in the request is over the limit."
            raise stepfunctions._ExecutionError("EventBridge.EventBridgeException", message)
        resources = [*entry.get("Resources", []), _execution.get(), _machine.get()]
        sent.append({**entry, "Detail": detail, "Resources": resources})
    _status, _headers, body = eventbridge._put_events({"Entries": sent})
    result = json.loads(body)
    if result["FailedEntryCount"]:
        raise stepfunctions._ExecutionError("EventBridge.FailedEntry", body.decode())
    return result


def _install_assignments() -> None:
    """Let all expressions of an Assign have the values of variables from before it.

    https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
    """
    assign = stepfunctions._apply_state_assign

    def assign_together(state: dict, given: Any, context: dict | None, **more: Any) -> None:
        if context is None:
            return
        before = context.setdefault("variables", {})
        made = {}
        for name, template in (state.get("Assign") or {}).items():
            only = {**context, "variables": dict(before)}
            assign({**state, "Assign": {name: template}}, given, only, **more)
            made |= {name: only["variables"][name]} if name in only["variables"] else {}
        if len(json.dumps(made)) > RESULT_LIMIT_BYTES:
            raise stepfunctions._ExecutionError(TOO_LARGE, "The assigned variables exceed the maximum number of bytes")
        before.update(made)

    stepfunctions._apply_state_assign = assign_together


def _install_short_waits() -> None:
    wait = stepfunctions._execute_wait

    def wait_shortly(state: dict, given: Any, context: dict | None = None) -> Any:
        if "Seconds" not in state:
            return wait(state, given, context)
        seconds = stepfunctions._jsonata_wait_seconds(state, given, context)
        time.sleep(min(seconds, LONGEST_WAIT_SECONDS))
        return wait({**state, "Seconds": 0}, given, context)

    stepfunctions._execute_wait = wait_shortly


def _read_executions(action: str, given: dict[str, Any]) -> Any:
    """Return the answer of ListExecutions or DescribeExecution, with names as the SDK for Java has them."""
    call = {"listExecutions": stepfunctions._list_executions, "describeExecution": stepfunctions._describe_execution}
    resource = given.get("StateMachineArn") or given["ExecutionArn"]
    _check("Sfn", f"states:{_capitalized(action)}", resource, {})
    status, _headers, body = call[action]({f"{name[:1].lower()}{name[1:]}": value for name, value in given.items()})
    answer = json.loads(body)
    if status >= 400:
        raise stepfunctions._ExecutionError(f"Sfn.{answer['__type']}", answer.get("message", ""))
    return _renamed(answer)


def _capitalized(name: str) -> str:
    return name[:1].upper() + name[1:]


def _renamed(value: Any) -> Any:
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    if isinstance(value, dict):
        return {_capitalized(name): _renamed(item) for name, item in value.items()}
    return value


def _install_roles() -> None:
    """Run the tasks of an execution with the role of its state machine."""
    execute = stepfunctions._execute_task

    def execute_with_role(state: dict, given: Any, execution: dict, context: dict) -> Any:
        machine = execution["stateMachineArn"]
        role = stepfunctions._state_machines[machine]["roleArn"]
        if not service_roles.trusts(role, STATES, machine):
            raise stepfunctions._ExecutionError("States.Runtime", f"{role} does not let Step Functions in")
        token = _role.set(role)
        _execution.set(execution["executionArn"])
        _machine.set(machine)
        try:
            return execute(state, given, execution, context)
        finally:
            _role.reset(token)

    stepfunctions._execute_task = execute_with_role


def _check_security_hub(operation: str, given: dict[str, Any]) -> None:
    hub = hub_of(operation, get_account_id(), get_region())
    action = f"securityhub:{operation}"
    about = SimpleNamespace(service="securityhub", operation=operation)
    _check("SecurityHub", callers.ACTIONS.get(action, action), hub, callers._context(about, action, {}, given))


def _check_publish(topic_arn: str) -> None:
    _check("SNS", "sns:Publish", topic_arn, {})
    topic = sns._topics.get(topic_arn) or {"attributes": {}}
    key = kms._resolve_key(topic["attributes"].get("KmsMasterKeyId") or "")
    if key is None:
        return
    aliases = [arn.split(":", 5)[5] for arn, target in kms._aliases.items() if target == key["KeyId"]]
    context = {"kms:ViaService": f"sns.{get_region()}.amazonaws.com", "kms:ResourceAliases": aliases}
    for action in ("kms:GenerateDataKey", "kms:Decrypt"):
        _check("SNS.KMS", action, key["Arn"], context)


def _check(service: str, action: str, resource: str, context: dict[str, Any]) -> None:
    lower = {name.lower(): value for name, value in context.items()}
    if not service_roles.allows(_role.get(), action, resource, lower):
        message = f"{_role.get()} is not authorized to perform: {action} on resource: {resource}"
        raise stepfunctions._ExecutionError(f"{service}.AccessDeniedException", message)


def _install_limits(switches: Switches) -> None:
    """Refuse results and histories that are too large."""
    invoke, catcher, add = (
        stepfunctions._invoke_resource,
        stepfunctions._find_matching_catcher,
        stepfunctions._add_event,
    )

    def invoke_within_limit(resource: str, given: Any) -> Any:
        result = invoke(resource, given)
        if len(json.dumps(result)) > RESULT_LIMIT_BYTES:
            message = f"The state/task '{resource}' returned a result with a size exceeding the maximum number of bytes"
            raise stepfunctions._ExecutionError(TOO_LARGE, f"{message} service limit.")
        return result

    def catcher_of(catchers: list[dict], error: str) -> Any:
        if error == TOO_LARGE:
            by_name = [item for item in catchers if TOO_LARGE in item["ErrorEquals"]]
            catchers = by_name if switches["step_functions_data_limit"] == "caught" else []
        return catcher(catchers, error)

    def retrier_of(find: Callable) -> Callable:
        def find_other(retriers: list[dict], error: str, counts: dict) -> Any:
            return (None, -1) if error == TOO_LARGE else find(retriers, error, counts)

        return find_other

    def add_within_limit(execution: dict, *rest: Any, **more: Any) -> Any:
        if len(execution["events"]) >= EVENTS_LIMIT:
            raise stepfunctions._ExecutionError(
                "States.Runtime", "The execution reached the maximum number of history events"
            )
        return add(execution, *rest, **more)

    stepfunctions._invoke_resource = invoke_within_limit
    stepfunctions._find_matching_catcher = catcher_of
    stepfunctions._find_matching_retrier = retrier_of(stepfunctions._find_matching_retrier)
    stepfunctions._add_event = add_within_limit


def _install_metrics() -> None:
    emit = stepfunctions._emit_execution_status_event

    def emit_and_count(execution: dict) -> None:
        emit(execution)
        if execution["status"] in OUTCOMES:
            metrics.of_machine(execution["stateMachineArn"], OUTCOMES[execution["status"]])

    stepfunctions._emit_execution_status_event = emit_and_count


def _install_refusals(switches: Switches) -> None:
    """Refuse definitions, from requests and templates, whose states mix query languages or have unknown calls."""
    validate = stepfunctions._validate_definition_jsonata
    handler = provisioners._RESOURCE_HANDLERS["AWS::StepFunctions::StateMachine"]
    create, update = handler["create"], handler["update"]

    def problem_with(definition: Any) -> str | None:
        found: str | None = validate(definition)
        machine = json.loads(definition or "{}")
        unknown = _unknown_call(machine) if switches["step_functions_security_hub_v2"] == "unknown" else None
        return found or problem_with_languages(machine) or unknown

    def check(properties: dict) -> None:
        problem = problem_with(provisioners._sfn_definition(properties))
        if problem:
            raise HandlerError(f"Invalid State Machine Definition: '{problem}'", "InvalidRequest")

    def create_valid(logical_id: str, properties: dict, stack_name: str) -> Any:
        check(properties)
        return create(logical_id, properties, stack_name)

    def update_valid(physical_id: str, old: dict, new: dict, *rest: Any, **more: Any) -> Any:
        check(new)
        return update(physical_id, old, new, *rest, **more)

    stepfunctions._validate_definition_jsonata = problem_with
    handler.update(create=create_valid, update=update_valid)


def _unknown_call(machine: dict, path: str = "") -> str | None:
    """Return how AWS refuses the first call of the new Security Hub in a state machine or within one of its states."""
    for name, state in machine.get("States", {}).items():
        here = f"{path}/States/{name}"
        resource = state.get("Resource", "")
        if resource.startswith(PREFIX) and resource.endswith("V2"):
            return (
                f"SCHEMA_VALIDATION_FAILED: The resource provided {resource} is not recognized. The value is not a "
                f"valid resource ARN, or the resource is not available in this region. at {here}/Resource"
            )
        problem = _unknown_call(state.get("ItemProcessor") or {}, f"{here}/ItemProcessor")
        if problem:
            return problem
    return None


def problem_with_languages(machine: dict, of_parent: str = "JSONPath") -> str | None:
    """Return why AWS refuses the query languages of a state machine or of the states within one of its states.

    https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html: in a machine of JSONPath, single states
    may use JSONata, but not the other way round.
    """
    language = machine.get("QueryLanguage", of_parent)
    for name, state in machine.get("States", {}).items():
        own = state.get("QueryLanguage", language)
        if language == JSONATA and own != JSONATA:
            return f"SCHEMA_VALIDATION_FAILED: QueryLanguage can not be set to JSONPath at /States/{name}"
        of_other = OF_JSONPATH if own == JSONATA else OF_JSONATA
        wrong = sorted(of_other & state.keys())
        tests = [*state.get("Choices", ())]
        wrong += ["Choices"] if any(("Condition" in test) != (own == JSONATA) for test in tests) else []
        if wrong:
            return f"SCHEMA_VALIDATION_FAILED: Field {wrong[0]} is not supported for {own} at /States/{name}"
        inner = state.get("ItemProcessor") or {}
        problem = problem_with_languages(inner, own)
        if problem:
            return problem
    return None
