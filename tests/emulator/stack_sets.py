# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS::CloudFormation::StackSet, which ministack lacks, and the calls that read the instances of a stack set.

The resource does what its handler does, whose source is public: aws-cloudformation-stackset in
https://github.com/aws-cloudformation/aws-cloudformation-resource-providers-cloudformation. It deletes instances,
updates the stack set (all instances, with the overrides that they have), creates instances, and updates overrides, each
in an operation that it waits for. The roles or trusted access of a stack set are assumed to exist.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from concurrent.futures import Future
from dataclasses import dataclass
from dataclasses import field
from typing import Any
from xml.etree import ElementTree

from account_state import AccountState
from ministack.core.responses import get_account_id
from ministack.core.responses import get_region
from ministack.core.responses import request_scope
from ministack.services import cloudformation
from ministack.services.cloudformation import handlers
from ministack.services.cloudformation import helpers
from ministack.services.cloudformation import provisioners
from ministack.services.cloudformation import stacks as engine
from resource_types import HandlerError
from resource_types import already_exists

TYPE = "AWS::CloudFormation::StackSet"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Parameter.html and the quotas of CloudFormation.
LONGEST_VALUE = 4_096
FILTERS = ("NONE", "INTERSECTION", "DIFFERENCE")  # those that the handler knows; the API has UNION too
INSTANCES_OF_A_PAGE = 100

Target = tuple[str, str]  # account, region


@dataclass
class Instance:
    """A stack instance: its organizational unit, its overrides, its stack, and how its last operation ended."""

    target: Target
    unit: str
    overrides: dict[str, str]
    stack: str
    stack_id: str = ""
    status: str = "OUTDATED"
    detailed_status: str = "PENDING"
    reason: str = ""
    operation: str = ""

    def fail(self, reason: str) -> None:
        """Note that an operation on the instance failed."""
        self.detailed_status, self.reason = "FAILED", reason

    def found(self) -> dict | None:
        """Return its stack, None without one."""
        with request_scope(*self.target):
            stack = cloudformation._stacks.get(self.stack)
        return None if stack is None or stack["StackStatus"] == "DELETE_COMPLETE" else stack


@dataclass
class StackSet:
    """A stack set: the properties of its resource, and its instances."""

    number: str
    properties: dict[str, Any] = field(default_factory=dict)
    instances: dict[Target, Instance] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Return its name."""
        return self.number.rpartition("/")[2].partition(":")[0]


class StackSets:
    """All stack sets, by their ARNs."""

    def __init__(self, account_state: AccountState) -> None:
        self._account_state = account_state
        self._sets: dict[str, StackSet] = {}
        self._operations: set[Future] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def install(self) -> None:
        """Add the type and the calls."""
        provisioners._RESOURCE_HANDLERS[TYPE] = {"create": self._create, "update": self._update, "delete": self._delete}
        handlers._ACTION_HANDLERS.update(
            ListStackInstances=self._list_instances,
            DescribeStackInstance=self._describe_instance,
            UpdateStackSet=self._update_stack_set,
        )
        blocks = engine._runs_on_worker_thread

        def blocks_or_waits(kind: str) -> bool:
            self._loop = asyncio.get_running_loop()
            return kind == TYPE or blocks(kind)

        engine._runs_on_worker_thread = blocks_or_waits

    def clear(self) -> None:
        """Forget all stack sets."""
        self._sets.clear()
        for operation in self._operations:
            operation.cancel()
        self._operations.clear()

    # The handler of the resource, in a thread of its own

    def _create(self, _logical_id: str, properties: dict, _stack_name: str) -> tuple[str, dict]:
        name = properties["StackSetName"]
        if not NAME.fullmatch(name):
            raise HandlerError("1 validation error detected: Value at 'stackSetName' failed", "InvalidRequest")
        where = f"arn:aws:cloudformation:{get_region()}:{get_account_id()}:stackset/{name}:"
        if any(known.startswith(where) for known in self._sets):
            raise already_exists(TYPE, name)
        wanted = self._wanted(properties)
        found = StackSet(where + str(uuid.uuid4()), properties)
        self._sets[found.number] = found
        number = found.number.rpartition("/")[2]
        try:
            self._wait(_create_instances(found, list(wanted.values())))
        except HandlerError:
            self._delete(number)
            raise
        return number, {"StackSetId": number}

    def _update(self, physical_id: str, _old: dict, new: dict, *_rest: Any) -> tuple[str, dict]:
        found = self._known(physical_id)
        wanted = self._wanted(new)
        self._wait(_delete_instances(found, [item for key, item in found.instances.items() if key not in wanted]))
        before, found.properties = found.properties, new
        if _configuration(before) != _configuration(new):
            self._wait(_update_instances(found, list(found.instances.values())))
        self._wait(_create_instances(found, [item for key, item in wanted.items() if key not in found.instances]))
        # With account filters the handler updates all instances again, else those with other overrides.
        filtered = any(group["DeploymentTargets"].get("AccountFilterType") for group in new["StackInstancesGroup"])
        changed = [
            found.instances[key]
            for key, item in wanted.items()
            if filtered or found.instances[key].overrides != item.overrides
        ]
        for instance in changed:
            instance.overrides = wanted[instance.target].overrides
        self._wait(_update_instances(found, changed))
        return physical_id, {"StackSetId": physical_id}

    def _delete(self, physical_id: str, *_rest: Any) -> None:
        found = self._known(physical_id)
        self._wait(_delete_instances(found, list(found.instances.values())))
        del self._sets[found.number]

    def _known(self, physical_id: str) -> StackSet:
        return next(found for number, found in self._sets.items() if number.endswith(f"/{physical_id}"))

    def _wait(self, operation: Any) -> None:
        """Run an operation where stacks are deployed, and wait for it."""
        future = asyncio.run_coroutine_threadsafe(operation, self._loop)
        self._operations.add(future)
        try:
            future.result()
        finally:
            self._operations.discard(future)

    def _wanted(self, properties: dict) -> dict[Target, Instance]:
        """Return the instances of the groups."""
        if len(properties["TemplateBody"].encode()) > helpers.TEMPLATE_BODY_MAX_BYTES:
            raise HandlerError("1 validation error detected: Value at 'templateBody' failed", "InvalidRequest")
        found: dict[Target, Instance] = {}
        units: set[str] = set()
        for group in properties.get("StackInstancesGroup", []):
            overrides = {item["ParameterKey"]: item["ParameterValue"] for item in group.get("ParameterOverrides", [])}
            too_long = [name for name, value in overrides.items() if len(value.encode()) > LONGEST_VALUE]
            if too_long:
                raise HandlerError(f"The value of {too_long[0]} is longer than {LONGEST_VALUE} bytes", "InvalidRequest")
            accounts = self._accounts(properties, group["DeploymentTargets"])
            # The handler compares the sets of parameters by identity.
            if units & set(group["DeploymentTargets"].get("OrganizationalUnitIds") or []):
                message = "An OrganizationalUnitIds cannot be associated with more than one Parameters set"
                raise HandlerError(message, "InvalidRequest")
            units |= set(group["DeploymentTargets"].get("OrganizationalUnitIds") or [])
            for account, unit in accounts.items():
                for region in group["Regions"]:
                    if (account, region) in found and not unit:
                        raise HandlerError(f"Stack instance [{account},{region}] is duplicated", "InvalidRequest")
                    stack = f"StackSet-{properties['StackSetName']}-{uuid.uuid4()}"
                    found[account, region] = Instance((account, region), unit, overrides, stack)
        return found

    def _accounts(self, properties: dict, targets: dict) -> dict[str, str]:
        """Return the accounts of a group, with their organizational units.

        Accounts of the account state have an organizational_unit; where none has, those that are listed are in it.
        """
        listed = targets.get("Accounts") or []
        units = targets.get("OrganizationalUnitIds") or []
        managed = properties["PermissionModel"] == "SERVICE_MANAGED"
        if managed != bool(units):
            raise HandlerError("OrganizationalUnitIds are for service-managed permissions", "InvalidRequest")
        if not managed:
            return dict.fromkeys(listed, "")
        kind = targets.get("AccountFilterType") or "NONE"
        if kind not in FILTERS:
            raise HandlerError(f"{kind} is not a valid AccountFilterType", "InvalidRequest")
        if (kind == "NONE") == bool(listed):
            raise HandlerError("AccountFilterType is for OrganizationalUnitIds and Accounts together", "InvalidRequest")
        known = {name: facts["organizational_unit"] for name, facts in self._account_state.accounts.items()}
        members = {name: unit for name, unit in sorted(known.items()) if unit in units}
        if not any(known.values()):
            members = dict.fromkeys(listed, units[0])
        if properties.get("CallAs", "SELF") == "SELF":
            members.pop(get_account_id(), None)  # the management account, which service-managed stack sets leave out
        return {
            name: unit for name, unit in members.items() if kind == "NONE" or (name in listed) == (kind == FILTERS[1])
        }

    # The calls

    def _of_request(self, params: dict) -> StackSet | None:
        name, where = helpers._p(params, "StackSetName"), f":{get_region()}:{get_account_id()}:stackset/"
        call_as = helpers._p(params, "CallAs") or "SELF"
        for number, found in self._sets.items():
            own = where in number and found.properties.get("CallAs", "SELF") == call_as
            if own and name in (found.name, number.rpartition("/")[2], number):
                return found
        return None

    def _list_instances(self, params: dict) -> Any:
        found = self._of_request(params)
        if found is None:
            return _not_found(params)
        account, region = (helpers._p(params, f"StackInstance{part}") for part in ("Account", "Region"))
        shown = [
            item
            for item in found.instances.values()
            if account in ("", item.target[0]) and region in ("", item.target[1])
        ]
        start = int(helpers._p(params, "NextToken") or 0)
        end = start + int(helpers._p(params, "MaxResults") or INSTANCES_OF_A_PAGE)
        members = "".join(f"<member>{_shown(found, item)}</member>" for item in shown[start:end])
        token = f"<NextToken>{end}</NextToken>" if end < len(shown) else ""
        return _answer("ListStackInstances", f"<Summaries>{members}</Summaries>{token}")

    def _describe_instance(self, params: dict) -> Any:
        found = self._of_request(params)
        if found is None:
            return _not_found(params)
        target = (helpers._p(params, "StackInstanceAccount"), helpers._p(params, "StackInstanceRegion"))
        if target not in found.instances:
            message = f"Stack instance for stack set {found.name}, account {target[0]} and region {target[1]} not found"
            return helpers._error("StackInstanceNotFoundException", message, 404)
        instance = found.instances[target]
        overrides = "".join(
            f"<member><ParameterKey>{key}</ParameterKey><ParameterValue>{helpers._esc(value)}</ParameterValue></member>"
            for key, value in instance.overrides.items()
        )
        shown = f"{_shown(found, instance)}<ParameterOverrides>{overrides}</ParameterOverrides>"
        return _answer("DescribeStackInstance", f"<StackInstance>{shown}</StackInstance>")

    def _update_stack_set(self, params: dict) -> Any:
        """Start an operation that updates all instances with the template that they have."""
        found = self._of_request(params)
        if found is None:
            return _not_found(params)
        if helpers._p(params, "UsePreviousTemplate") != "true":
            return helpers._error("ValidationError", "The emulator only knows UsePreviousTemplate here")
        declared = json.loads(found.properties["TemplateBody"]).get("Parameters", {})
        given = {values[0] for name, values in params.items() if name.endswith(".ParameterKey")}
        missing = [name for name, parameter in declared.items() if "Default" not in parameter and name not in given]
        if missing:
            return helpers._error("ValidationError", f"Parameters: [{', '.join(missing)}] must have values")
        operation = _update_instances(found, list(found.instances.values()))
        self._operations.add(asyncio.run_coroutine_threadsafe(operation, asyncio.get_running_loop()))
        return _answer("UpdateStackSet", f"<OperationId>{uuid.uuid4()}</OperationId>")


# Operations on instances


async def _create_instances(found: StackSet, instances: list[Instance]) -> None:
    found.instances.update({instance.target: instance for instance in instances})
    await _operate(found, instances, _create_stack)


async def _update_instances(found: StackSet, instances: list[Instance]) -> None:
    await _operate(found, instances, _update_stack)


async def _delete_instances(found: StackSet, instances: list[Instance]) -> None:
    await _operate(found, instances, _delete_stack)
    for instance in instances:
        if instance.found() is None:
            del found.instances[instance.target]
        else:
            instance.status = instance.detailed_status = "INOPERABLE"


async def _operate(found: StackSet, instances: list[Instance], start: Any) -> None:
    """Start an operation on instances, and wait for it. Raise HandlerError if more fail than the set tolerates."""
    operation = str(uuid.uuid4())
    for instance in instances:
        instance.operation, instance.reason = operation, ""
        instance.status, instance.detailed_status = "OUTDATED", "RUNNING"
        try:
            start(found, instance)
        except HandlerError as error:
            instance.fail(error.args[0])
    await asyncio.sleep(0)  # an operation begins after the answer
    while any((i.found() or {"StackStatus": ""})["StackStatus"].endswith("_IN_PROGRESS") for i in instances):
        await asyncio.sleep(0.01)
    for instance in instances:
        if instance.detailed_status == "RUNNING":
            _settle(instance, removed=start is _delete_stack)
    tolerated = found.properties.get("OperationPreferences", {}).get("FailureTolerancePercentage", 0)
    for region in {instance.target[1] for instance in instances}:
        there = [instance.detailed_status for instance in instances if instance.target[1] == region]
        if there.count("FAILED") * 100 > len(there) * int(tolerated):
            reasons = "; ".join(instance.reason for instance in instances if instance.reason)
            raise HandlerError(
                f"StackSet operation [{operation}] was unexpectedly stopped or failed: {reasons}", "Failed"
            )


def _settle(instance: Instance, *, removed: bool) -> None:
    stack = instance.found()
    if removed and stack is None:
        return
    if not removed and stack is not None and stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        instance.status, instance.detailed_status = "CURRENT", "SUCCEEDED"
        return
    with request_scope(*instance.target):
        events = cloudformation._stack_events.get(instance.stack_id, [])
    failed = [
        event for event in events if event["ResourceStatus"].endswith("_FAILED") and event["ResourceStatusReason"]
    ]
    if not failed:
        instance.fail(stack["StackStatus"] if stack else "The stack does not exist")
        return
    cause = failed[0]
    instance.fail(
        f"ResourceLogicalId:{cause['LogicalResourceId']}, ResourceType:{cause['ResourceType']}, "
        f"ResourceStatusReason:{cause['ResourceStatusReason']}."
    )


def _create_stack(found: StackSet, instance: Instance) -> None:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacksets-troubleshooting.html: a stack whose
    # creation failed is deleted.
    _call(instance.target, "CreateStack", {"OnFailure": "DELETE", **_request(found, instance)})
    instance.stack_id = instance.found()["StackId"]


def _update_stack(found: StackSet, instance: Instance) -> None:
    if instance.found() is None:
        _create_stack(found, instance)
    else:
        _call(instance.target, "UpdateStack", _request(found, instance))


def _delete_stack(_found: StackSet, instance: Instance) -> None:
    if instance.found() is not None:
        _call(instance.target, "DeleteStack", {"StackName": instance.stack})


def _request(found: StackSet, instance: Instance) -> dict[str, str]:
    properties = found.properties
    common = {item["ParameterKey"]: item["ParameterValue"] for item in properties.get("Parameters", [])}
    request = {"StackName": instance.stack, "TemplateBody": properties["TemplateBody"]}
    for number, capability in enumerate(properties.get("Capabilities", []), start=1):
        request[f"Capabilities.member.{number}"] = capability
    for number, (name, value) in enumerate({**common, **instance.overrides}.items(), start=1):
        request |= {
            f"Parameters.member.{number}.ParameterKey": name,
            f"Parameters.member.{number}.ParameterValue": value,
        }
    for number, tag in enumerate(properties.get("Tags", []), start=1):
        request |= {f"Tags.member.{number}.Key": tag["Key"], f"Tags.member.{number}.Value": tag["Value"]}
    return request


def _configuration(properties: dict) -> list[Any]:
    """Return the properties for which the handler calls UpdateStackSet."""
    return [properties.get(name) for name in ("Description", "TemplateBody", "Parameters", "AutoDeployment", "Tags")]


def _call(target: Target, action: str, request: dict[str, str]) -> None:
    given = {name: [value] for name, value in request.items()}
    with request_scope(*target):
        status, _headers, body = handlers._ACTION_HANDLERS[action](given)
    if status < 300 or b"No updates are to be performed" in body:
        return
    texts = [item.text or "" for item in ElementTree.fromstring(body).iter() if item.tag.endswith("Message")]
    raise HandlerError(" ".join(texts), "GeneralServiceException")


# Answers


def _shown(found: StackSet, instance: Instance) -> str:
    account, region = instance.target
    values = {
        "StackSetId": found.number.rpartition("/")[2],
        "Region": region,
        "Account": account,
        "StackId": instance.stack_id,
        "Status": instance.status,
        "StatusReason": instance.reason,
        "OrganizationalUnitId": instance.unit,
        "DriftStatus": "NOT_CHECKED",
        "LastOperationId": instance.operation,
    }
    status = f"<StackInstanceStatus><DetailedStatus>{instance.detailed_status}</DetailedStatus></StackInstanceStatus>"
    return status + "".join(f"<{name}>{helpers._esc(value)}</{name}>" for name, value in values.items() if value)


def _answer(action: str, result: str) -> Any:
    return helpers._xml(200, f"{action}Response", f"<{action}Result>{result}</{action}Result>")


def _not_found(params: dict) -> Any:
    return helpers._error("StackSetNotFoundException", f"StackSet {helpers._p(params, 'StackSetName')} not found", 404)
