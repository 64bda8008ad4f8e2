# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stacks that take time and fail on demand, states that are hard to reach, and refusals as by AWS."""

from __future__ import annotations

import asyncio
import contextvars
import uuid
from collections import Counter
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from typing import Callable

import event_bus
import resource_types
from ministack.core.responses import get_account_id
from ministack.core.responses import get_region
from ministack.core.responses import now_iso
from ministack.core.responses import request_scope
from ministack.services import cloudformation
from ministack.services import eventbridge
from ministack.services.cloudformation import changesets
from ministack.services.cloudformation import engine as template_engine
from ministack.services.cloudformation import handlers
from ministack.services.cloudformation import helpers
from ministack.services.cloudformation import provisioners
from ministack.services.cloudformation import stacks as engine
from switches import Switches

STATES = frozenset(
    f"{operation}{state}"
    for operation, states in {
        "CREATE": ("_IN_PROGRESS", "_COMPLETE", "_FAILED"),
        "DELETE": ("_IN_PROGRESS", "_FAILED"),
        "ROLLBACK": ("_IN_PROGRESS", "_COMPLETE", "_FAILED"),
        "REVIEW": ("_IN_PROGRESS",),
        "UPDATE": ("_IN_PROGRESS", "_COMPLETE_CLEANUP_IN_PROGRESS", "_COMPLETE", "_FAILED"),
        "UPDATE_ROLLBACK": ("_IN_PROGRESS", "_COMPLETE_CLEANUP_IN_PROGRESS", "_COMPLETE", "_FAILED"),
        "IMPORT": ("_IN_PROGRESS", "_COMPLETE"),
        "IMPORT_ROLLBACK": ("_IN_PROGRESS", "_COMPLETE", "_FAILED"),
    }.items()
    for state in states
)
UPDATABLE = frozenset(
    {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}
)
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
LONGEST_TEMPLATE = 51_200
TOO_LONG = (
    "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "
    f"Member must have length less than or equal to {LONGEST_TEMPLATE}"
)
CLEAN_UP_SHARE = 0.2  # share of the time of an update that its cleanup takes
# CloudFormation creates change sets in the background, empty ones too: at first they are CREATE_IN_PROGRESS
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html).
CHANGE_SET_SECONDS = 1.0
MODES = ("STANDARD", "EXPRESS")
PART, SUFFIX = 24, 13  # characters of each part of a generated name that is too long, and of its end
OPERATIONS = ("create", "update", "delete", "rollback")
# The failure of a resource that is not deleted, because another one that depends on it could not be.
NEEDED = "needed"


class InvalidStack(ValueError):
    """The posted change of a stack is invalid."""


@dataclass(frozen=True)
class Failure:
    """A resource that fails in an operation on a stack. An empty field means any; without times, it always fails."""

    operation: str
    reason: str = 'Resource handler returned message: "Internal Failure" (HandlerErrorCode: InternalFailure)'
    account: str = ""
    region: str = ""
    stack: str = ""
    resource: str = ""
    times: int = 0

    @classmethod
    def of(cls, given: dict) -> Failure:
        """Return a failure from JSON."""
        if given.get("operation") not in OPERATIONS:
            raise InvalidStack(f"a failure has an operation: {', '.join(OPERATIONS)}; this is {given!r}")
        return cls(**given)

    def hits(self, operation: str, stack: str, resource: str) -> bool:
        """Return whether this resource fails."""
        return (
            self.operation == operation
            and self.account in ("", get_account_id())
            and self.region in ("", get_region())
            and resource != ""
            and self.stack in ("", stack)
            and self.resource in ("", resource)
        )


@dataclass
class Operation:
    """A running operation on a stack."""

    kind: str
    stack: dict
    express: bool = False  # does not wait until its resources are stable
    changed: int = 0  # resources that were created or updated
    failed: set[str] = field(default_factory=set)  # logical IDs of resources that could not be deleted


_current: contextvars.ContextVar[Operation | None] = contextvars.ContextVar("operation", default=None)


class Stacks:
    """How long operations on stacks take, and which fail."""

    def __init__(self, switches: Switches) -> None:
        self.switches = switches
        self.clear()

    def clear(self) -> None:
        """Let operations end immediately and succeed."""
        self.seconds = 0.0
        self.failures: list[Failure] = []
        self.hits: Counter[Failure] = Counter()

    def replace(self, given: dict) -> None:
        """Replace the settings by {"seconds", "fail": [...]}."""
        if set(given) - {"seconds", "fail"}:
            raise InvalidStack("there are seconds, and fail: a list")
        failures = [Failure.of(failure) for failure in given.get("fail", [])]
        self.seconds, self.failures = float(given.get("seconds", 0)), failures
        self.hits.clear()

    def shown(self) -> dict:
        """Return the answer to GET /_emulator/stacks."""
        return {"seconds": self.seconds, "fail": [vars(failure) for failure in self.failures]}

    # The engine, wrapped

    def install(self) -> None:
        """Wrap ministack's engine: operations take time and fail as configured."""
        deploy, delete, roll_back = engine._deploy_stack_async, engine._delete_stack_async, engine._roll_back_operation

        async def deploy_slowly(stack_name: str, *rest: Any, **more: Any) -> None:
            stack = cloudformation._stacks[stack_name]
            operation = _begin("update" if more.get("is_update") else "create", stack)
            before = set(eventbridge._rules)
            await deploy(stack_name, *rest, **more)
            self._hide_rules(operation, before)
            if stack["StackStatus"] == "UPDATE_COMPLETE":
                await self._clean_up(stack)

        async def delete_slowly(stack_name: str, *rest: Any, **more: Any) -> None:
            stack = cloudformation._stacks.get(stack_name)
            if stack is not None:
                _begin("delete", stack)
                await delete(stack_name, *rest, **more)
                _keep_needed(stack)

        async def roll_back_slowly(
            stack_name: str, stack_id: str, stack: dict, operation: dict, *rest: Any, **more: Any
        ) -> None:
            _begin("rollback", stack)
            is_update = operation.get("is_update")
            stack["StackStatus"] = "UPDATE_ROLLBACK_IN_PROGRESS" if is_update else "ROLLBACK_IN_PROGRESS"
            await self._take_time()
            await roll_back(stack_name, stack_id, stack, operation, *rest, **more)
            if stack["StackStatus"].endswith("_FAILED"):
                _record_failed_resources(stack)

        for module in (engine, handlers, changesets):
            for name, function in (
                ("_deploy_stack_async", deploy_slowly),
                ("_delete_stack_async", delete_slowly),
                ("_roll_back_operation", roll_back_slowly),
            ):
                if hasattr(module, name):
                    setattr(module, name, function)
        _add_reasons_to_lists()
        engine.asyncio = _AsyncioWith(self._take_time)
        engine._provision_resource = self._failing(engine._provision_resource, "create update", _provisioned)
        engine._update_resource = self._failing(engine._update_resource, "update rollback", _updated)
        failing = self._failing(engine._delete_resource, "delete rollback", _deleted)
        engine._delete_resource = _unless_needed(failing)

    async def _clean_up(self, stack: dict) -> None:
        """Insert the state in which CloudFormation deletes replaced resources, before UPDATE_COMPLETE."""
        complete = cloudformation._stack_events[stack["StackId"]].pop()
        _put(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "")
        await self._take_time(CLEAN_UP_SHARE)
        _put(stack, "UPDATE_COMPLETE", complete["ResourceStatusReason"])

    async def _take_time(self, share: float = 1) -> None:
        """Wait a share of the time of an operation. Cancel it when another one has started on its stack."""
        operation = _current.get()
        waits = operation is not None and not operation.express and share == 1
        await asyncio.sleep(self.seconds * share + (self._unstable(operation) if waits else 0))
        if operation is not None and operation.stack.get("_operation") is not operation:
            raise asyncio.CancelledError

    def _hide_rules(self, operation: Operation, before: set[Any]) -> None:
        """Let the rules that an operation in express mode has created be unknown until they are stable."""
        if operation.express:
            seconds = float(self.switches["cloudformation_stabilization"])  # they become stable at the same time
            event_bus.show_later(set(eventbridge._rules) - before, seconds)

    def _unstable(self, operation: Operation) -> float:
        """Return how many seconds the resources of an operation take to become stable."""
        return operation.changed * float(self.switches["cloudformation_stabilization"])

    def _failing(self, function: Callable, operations: str, names: Callable) -> Callable:
        """Return the function with failures as configured. names: returns stack and resource from its arguments."""

        def fail_or_call(*args: Any) -> Any:
            operation = _current.get()
            if operation is not None and operations != "delete rollback" and any(names(*args)):
                operation.changed += 1
            if operation is not None and operation.kind in operations:
                for failure in self.failures:
                    spent = failure.times and self.hits[failure] >= failure.times
                    if not spent and failure.hits(operation.kind, *names(*args)):
                        self.hits[failure] += 1
                        raise ValueError(failure.reason)
            return function(*args)

        return fail_or_call


def _unless_needed(delete: Callable) -> Callable:
    """Return the function that leaves what the resources that could not be deleted depend on."""

    def delete_unless_needed(*args: Any) -> Any:
        operation, logical_id = _current.get(), args[4]
        if operation is None or operation.kind != "delete":
            return delete(*args)
        definitions = operation.stack["_template"].get("Resources", {})
        needed = engine._with_dependencies(operation.failed, definitions, set(operation.stack["_resources"]))
        if logical_id in needed:
            raise ValueError(NEEDED)
        try:
            return delete(*args)
        except Exception:
            operation.failed.add(logical_id)
            raise

    return delete_unless_needed


def _keep_needed(stack: dict) -> None:
    """Let the resources that were left for others be as before: CloudFormation does not try to delete them."""
    resources = stack["_resources"]
    needed = [name for name, held in resources.items() if held.get("ResourceStatusReason") == NEEDED]
    if not needed:
        return
    for logical_id in needed:
        resources[logical_id].update(ResourceStatus="CREATE_COMPLETE", ResourceStatusReason="")
    events = cloudformation._stack_events[stack["StackId"]]
    begun = max((number for number, event in enumerate(events) if _begins_deletion(event)), default=0)
    events[begun:] = [event for event in events[begun:] if event["LogicalResourceId"] not in needed]
    failed = sorted(name for name, held in resources.items() if held["ResourceStatus"] == "DELETE_FAILED")
    reason = f"The following resource(s) failed to delete: [{', '.join(failed)}]."
    stack["StackStatusReason"] = events[-1]["ResourceStatusReason"] = reason


def _begins_deletion(event: dict) -> bool:
    is_stack = event["ResourceType"] == "AWS::CloudFormation::Stack"
    return is_stack and event["ResourceStatus"] == "DELETE_IN_PROGRESS"


def _add_reasons_to_lists() -> None:
    """Let ListStackResources return the reason of a state, as AWS and DescribeStackResources do."""
    reason, drift = handlers._resource_status_reason_xml, handlers._resource_drift_information_xml
    # ministack calls the second function for both answers, the first one where the reason is already written.
    handlers._resource_status_reason_xml = lambda resource: ""
    handlers._resource_drift_information_xml = lambda resource: reason(resource) + drift(resource)


# The arguments of ministack's functions -> the names of stack and resource.


def _provisioned(_type: str, resource: str, _properties: dict, stack: str) -> tuple[str, str]:
    return stack, resource


def _updated(_type: str, _id: str, old: dict, new: dict, stack: str, resource: str, *_rest: Any) -> tuple[str, str]:
    # An update does not touch a resource whose properties are unchanged.
    return (stack, resource) if old != new else ("", "")


def _deleted(_type: str, _id: str, _properties: dict, stack: str, resource: str) -> tuple[str, str]:
    return stack, resource


def _begin(kind: str, stack: dict) -> Operation:
    operation = Operation(kind, stack, stack.pop("_express", False))
    stack["_operation"] = operation
    _current.set(operation)
    return operation


class _AsyncioWith:
    """asyncio for ministack's engine, in which sleep(0), its last step in an operation, takes the configured time."""

    def __init__(self, take_time: Callable[[], Any]) -> None:
        self._take_time = take_time

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, _seconds: float) -> None:
        await self._take_time()


def put_into_status(given: dict) -> None:
    """Put a stack of {"account", "region", "stack"} into "status". Create a stub if the stack does not exist.

    "then" and "after": the status that follows after so many seconds. "resources": logical id -> {"type", "id"} of a
    stub. A status in which something failed keeps its "reason".
    """
    for name in ("status", "then"):
        if given.get(name, "CREATE_COMPLETE") not in STATES:
            raise InvalidStack(f"a stack is in one of {', '.join(sorted(STATES))}; not {given[name]}")
    with request_scope(given["account"], given["region"]):
        stack = cloudformation._stacks.get(given["stack"])
        if stack is None or stack["StackStatus"] == "DELETE_COMPLETE":
            stack = _stub(given["stack"], given.get("resources", {}))
        stack["_operation"] = None
        _put(stack, given["status"], given.get("reason", ""))
        if "then" in given:
            asyncio.get_running_loop().call_later(given.get("after", 1), _follow, given, stack)


def _follow(given: dict, stack: dict) -> None:
    if stack["StackStatus"] == given["status"]:
        with request_scope(given["account"], given["region"]):
            _put(stack, given["then"], "")


def _put(stack: dict, status: str, reason: str) -> None:
    stack["StackStatus"], stack["StackStatusReason"] = status, reason
    name, stack_id = stack["StackName"], stack["StackId"]
    engine._add_event(stack_id, name, name, "AWS::CloudFormation::Stack", status, reason, stack_id)


def _record_failed_resources(stack: dict) -> None:
    """Record which resources a failed rollback did not delete or restore, as AWS does."""
    status = "UPDATE_FAILED" if stack["StackStatus"].startswith("UPDATE") else "DELETE_FAILED"
    for logical_id, record in stack["_rollback_failed"].items():
        known = stack["_resources"].get(logical_id, {"Attributes": {}, "Timestamp": now_iso()})
        stack["_resources"][logical_id] = {**known, **record, "LogicalResourceId": logical_id, "ResourceStatus": status}


def _stub(name: str, resources: dict) -> dict:
    stack_id = f"arn:aws:cloudformation:{get_region()}:{get_account_id()}:stack/{name}/{uuid.uuid4()}"
    template = {"Resources": {logical_id: {"Type": found["type"]} for logical_id, found in resources.items()}}
    held = {
        logical_id: {
            "PhysicalResourceId": found.get("id", logical_id),
            "ResourceType": found["type"],
            "ResourceStatus": "CREATE_COMPLETE",
            "LogicalResourceId": logical_id,
            "Properties": {},
            "Attributes": {},
            "Timestamp": now_iso(),
        }
        for logical_id, found in resources.items()
    }
    stack = {
        "StackName": name,
        "StackId": stack_id,
        "CreationTime": now_iso(),
        "LastUpdatedTime": now_iso(),
        "Description": "",
        "Parameters": [],
        "Tags": [],
        "Capabilities": [],
        "Outputs": [],
        "DisableRollback": False,
        "EnableTerminationProtection": False,
        "_stack_policy": "",
        "_region": get_region(),
        "_resources": held,
        "_template": template,
        "_template_body": "{}",
        "_resolved_params": {},
        "_conditions": {},
    }
    cloudformation._stacks[name] = stack
    cloudformation._stack_events[stack_id] = []
    return stack


def install_refusals() -> None:
    """Refuse what AWS refuses, in its words."""
    create, update, delete = (handlers._ACTION_HANDLERS[name] for name in ("CreateStack", "UpdateStack", "DeleteStack"))

    def create_unless_exists(params: dict) -> Any:
        name = helpers._p(params, "StackName")
        stack = cloudformation._stacks.get(name)
        if stack is not None and stack["StackStatus"] == "ROLLBACK_COMPLETE":
            return helpers._error("AlreadyExistsException", f"Stack [{name}] already exists")
        return create(params)

    def update_if_updatable(params: dict) -> Any:
        stack = handlers._resolve_stack(helpers._p(params, "StackName"))
        if stack is not None and stack["StackStatus"] not in {*UPDATABLE, "DELETE_COMPLETE"}:
            message = f"Stack:{stack['StackId']} is in {stack['StackStatus']} state and can not be updated."
            return helpers._error("ValidationError", message)
        return update(params)

    def delete_if_deletable(params: dict) -> Any:
        stack = handlers._resolve_stack(helpers._p(params, "StackName"))
        status = stack["StackStatus"] if stack is not None else ""
        if status == "DELETE_IN_PROGRESS":
            return helpers._xml(200, "DeleteStackResponse", "")
        if status.startswith("UPDATE_") and status.endswith("_IN_PROGRESS"):
            message = f"Stack [{stack['StackId']}] cannot be deleted while in status {status}"
            return helpers._error("ValidationError", message)
        return delete(params)

    handlers._ACTION_HANDLERS.update(
        CreateStack=_unless_too_long(create_unless_exists),
        UpdateStack=_unless_too_long(update_if_updatable),
        DeleteStack=delete_if_deletable,
    )


def _unless_too_long(action: Callable[[dict], Any]) -> Callable[[dict], Any]:
    def unless_too_long(params: dict) -> Any:
        if len(helpers._p(params, "TemplateBody").encode()) > LONGEST_TEMPLATE:
            return helpers._error("ValidationError", TOO_LONG)
        return action(params)

    return unless_too_long


def install_modes(switches: Switches) -> None:
    """Read the mode of a stack operation, as DeploymentConfig gives it.

    Express mode does not roll back unless the request says so, its stacks have no RollbackStack, and CloudFormation
    refuses the older members beside DeploymentConfig (github.com/aws/aws-cdk-cli 1931 and 1970, aws/aws-sam-cli 9106).
    """
    for action in ("CreateStack", "UpdateStack", "DeleteStack"):
        handlers._ACTION_HANDLERS[action] = _with_mode(handlers._ACTION_HANDLERS[action], switches)
    roll_back = handlers._ACTION_HANDLERS["RollbackStack"]

    def roll_back_unless_express(params: dict) -> Any:
        stack = handlers._resolve_stack(helpers._p(params, "StackName"))
        if stack is not None and stack.get("_mode") == "EXPRESS":
            return helpers._error("ValidationError", "RollbackStack is not supported for stacks in express mode")
        return roll_back(params)

    handlers._ACTION_HANDLERS["RollbackStack"] = roll_back_unless_express


def _with_mode(function: Callable[[dict], Any], switches: Switches) -> Callable[[dict], Any]:
    def call_with_mode(params: dict) -> Any:
        config = [name for name in params if name.startswith("DeploymentConfig.")]
        mode = helpers._p(params, "DeploymentConfig.Mode") or "STANDARD"
        if config and {"OnFailure", "DisableRollback"} & set(params):
            message = "You can't specify OnFailure or DisableRollback together with DeploymentConfig."
            return helpers._error("ValidationError", message)
        if mode == "EXPRESS" and switches["cloudformation_express"] == "refused":
            return helpers._error("ValidationError", "DeploymentConfig mode EXPRESS is not supported")
        if mode not in MODES:
            message = (
                f"1 validation error detected: Value '{mode}' at 'deploymentConfig.mode' failed to satisfy constraint: "
                f"Member must satisfy enum value set: [{', '.join(MODES)}]"
            )
            return helpers._error("ValidationError", message)
        if config:
            off = "true" if mode == "EXPRESS" else "false"
            params = {**params, "DisableRollback": [helpers._p(params, "DeploymentConfig.DisableRollback") or off]}
        answer = function(params)
        stack = handlers._resolve_stack(helpers._p(params, "StackName"))
        if stack is not None:
            stack["_mode"], stack["_express"] = mode, mode == "EXPRESS"  # its operation begins after the answer
        return answer

    return call_with_mode


def install_names(switches: Switches) -> None:
    """Shorten generated names as the switch cloudformation_names says."""
    generate = provisioners._physical_name

    def generate_short(stack_name: str, logical_id: str, *, max_len: int = 128, **more: Any) -> str:
        whole = f"{stack_name}-{logical_id}-" + "x" * SUFFIX
        if switches["cloudformation_names"] == "both_cut" and len(whole) > max_len:
            stack_name, logical_id = stack_name[:PART], logical_id[:PART]
        return generate(stack_name, logical_id, max_len=max_len, **more)

    provisioners._physical_name = generate_short


def install_validation(switches: Switches) -> None:
    """Find names that exist before anything is created, as the validation of CreateStack and UpdateStack does.

    ministack has the rest of it: the states, the events, and DescribeEvents.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
    """
    find = engine._validation_errors

    def find_names_too(definitions: dict, ordered: list, params: Any, conditions: dict, *rest: Any) -> list[tuple]:
        found = find(definitions, ordered, params, conditions, *rest)
        mappings, stack_name, stack_id = rest[:3]
        held = cloudformation._stacks[stack_name].get("_resources", {})
        for logical_id in ordered if switches["cloudformation_validation"] == "names" else ():
            definition = definitions[logical_id]
            kind, member = definition.get("Type", ""), resource_types.name_of(definition.get("Type", ""))
            raw = (definition.get("Properties") or {}).get(member)
            if raw is None or not conditions.get(definition.get("Condition"), True):
                continue
            name = engine._static_property(raw, definitions, params, conditions, mappings, stack_name, stack_id)
            if held.get(logical_id, {}).get("Properties", {}).get(member) == name:
                continue
            reason = resource_types.conflict(kind, name)
            if reason:
                found.append((logical_id, kind, "NAME_CONFLICT_VALIDATION", f"/Resources/{logical_id}", reason))
        return found

    engine._validation_errors = find_names_too


def install_conditions() -> None:
    """Resolve functions in conditions that ministack only resolves elsewhere."""
    evaluate = template_engine._evaluate_conditions

    def evaluate_resolved(template: dict, params: dict) -> dict:
        def resolved(node: Any) -> Any:
            if isinstance(node, dict) and node.keys() & {"Fn::FindInMap", "Fn::Join"}:
                mappings = template.get("Mappings") or {}
                return template_engine._resolve_refs(node, {}, params, {}, mappings, "", "")
            if isinstance(node, dict):
                return {key: resolved(item) for key, item in node.items()}
            return [resolved(item) for item in node] if isinstance(node, list) else node

        return evaluate({**template, "Conditions": resolved(template.get("Conditions") or {})}, params)

    for module in (template_engine, engine, handlers, changesets, provisioners):
        if hasattr(module, "_evaluate_conditions"):
            module._evaluate_conditions = evaluate_resolved


def install_change_sets() -> None:
    """Create change sets in the background, as CloudFormation does."""
    create = handlers._ACTION_HANDLERS["CreateChangeSet"]

    def create_in_the_background(params: dict) -> Any:
        before = set(cloudformation._change_sets)
        answer = create(params)
        for number in set(cloudformation._change_sets) - before:
            change_set = cloudformation._change_sets[number]
            made = {name: change_set[name] for name in ("Status", "ExecutionStatus")}
            change_set.update(Status="CREATE_IN_PROGRESS", ExecutionStatus="UNAVAILABLE")
            asyncio.get_running_loop().call_later(CHANGE_SET_SECONDS, change_set.update, made)
        return answer

    handlers._ACTION_HANDLERS["CreateChangeSet"] = create_in_the_background


def install_search() -> None:
    """Find the stack that holds a resource, as DescribeStackResources does for a PhysicalResourceId."""
    describe = handlers._ACTION_HANDLERS["DescribeStackResources"]

    def describe_or_find(params: dict) -> Any:
        physical_id = helpers._p(params, "PhysicalResourceId")
        if not physical_id:
            return describe(params)
        # Deleted stacks are found too, but only after live ones.
        by_life = sorted(cloudformation._stacks.items(), key=lambda item: item[1]["StackStatus"] == "DELETE_COMPLETE")
        for name, stack in by_life:
            if physical_id in [held["PhysicalResourceId"] for held in stack["_resources"].values()]:
                return describe({**params, "StackName": [name]})
        return helpers._error("ValidationError", f"Stack for {physical_id} does not exist")

    handlers._ACTION_HANDLERS["DescribeStackResources"] = describe_or_find
