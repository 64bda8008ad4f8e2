# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS::CloudFormation::StackSet, which ministack lacks: creates the stacks of a set in their accounts and regions.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stackset.html. The
roles or trusted access of a stack set are assumed to exist; the resource does not wait for its stacks.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import uuid
from dataclasses import dataclass
from dataclasses import field
from xml.etree import ElementTree

from account_state import AccountState
from ministack.core.responses import get_account_id
from ministack.core.responses import get_region
from ministack.core.responses import request_scope
from ministack.services import cloudformation
from ministack.services.cloudformation import handlers
from ministack.services.cloudformation import provisioners
from resource_types import HandlerError
from resource_types import already_exists
from switches import Switches

TYPE = "AWS::CloudFormation::StackSet"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Parameter.html and the quotas of CloudFormation.
LONGEST_VALUE = 4_096

Target = tuple[str, str]  # account, region


@dataclass
class StackSet:
    """A stack set: its stacks by name, and the parameters that each overrides."""

    name: str
    stacks: dict[Target, str] = field(default_factory=dict)
    overrides: dict[Target, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A call of CloudFormation in an account and region."""

    target: Target
    action: str
    request: dict[str, str] = field(hash=False)


class StackSets:
    """All stack sets, by their ids."""

    def __init__(self, switches: Switches, account_state: AccountState) -> None:
        self._switches = switches
        self._account_state = account_state
        self._sets: dict[str, StackSet] = {}
        self._operation: asyncio.Task | None = None

    def install(self) -> None:
        """Add the type."""
        provisioners._RESOURCE_HANDLERS[TYPE] = {"create": self._create, "update": self._update, "delete": self._delete}

    def clear(self) -> None:
        """Forget all stack sets."""
        self._sets.clear()
        if self._operation is not None:
            self._operation.cancel()
            self._operation = None

    def _create(self, _logical_id: str, properties: dict, _stack_name: str) -> tuple[str, dict]:
        name = properties["StackSetName"]
        if not NAME.fullmatch(name):
            raise HandlerError("1 validation error detected: Value at 'stackSetName' failed", "InvalidRequest")
        where = f"arn:aws:cloudformation:{get_region()}:{get_account_id()}:stackset/{name}:"
        if any(known.startswith(where) for known in self._sets):
            raise already_exists(TYPE, name)
        number = where + str(uuid.uuid4())
        self._sets[number] = StackSet(name)
        self._deploy(self._sets[number], properties)
        return number.rpartition("/")[2], {"StackSetId": number.rpartition("/")[2]}

    def _update(
        self, physical_id: str, _old: dict, new: dict, _stack_name: str, _logical_id: str | None = None
    ) -> tuple[str, dict]:
        self._deploy(self._known(physical_id), new)
        return physical_id, {"StackSetId": physical_id}

    def _delete(self, physical_id: str, _properties: dict) -> None:
        found = self._known(physical_id)
        for target, stack in found.stacks.items():
            _call(Call(target, "DeleteStack", {"StackName": stack}))
        self._sets = {number: known for number, known in self._sets.items() if known is not found}

    def _known(self, physical_id: str) -> StackSet:
        return next(found for number, found in self._sets.items() if number.endswith(f"/{physical_id}"))

    def _deploy(self, found: StackSet, properties: dict) -> None:
        """Create, update and delete stacks until they are those of the groups."""
        desired = self._instances(properties)
        phases = self._phases(found, properties, desired)
        found.overrides = desired
        if self._switches["stack_set_updates"] == "phases":
            self._operation = asyncio.get_running_loop().create_task(_run(phases, self._operation))
            return
        tolerated = (HandlerError,) if self._switches["stack_set_failures"] == "tolerated" else ()
        for call in [call for calls in phases for call in calls]:
            with contextlib.suppress(*tolerated):
                _call(call)

    def _phases(self, found: StackSet, properties: dict, desired: dict[Target, dict[str, str]]) -> list[list[Call]]:
        """Return the calls in the order of the handler: delete, update the stack set, create, update overrides."""
        common = {item["ParameterKey"]: item["ParameterValue"] for item in properties.get("Parameters", [])}
        kept = [target for target in found.stacks if target in desired]
        removed = [target for target in found.stacks if target not in desired]
        deletes = [Call(target, "DeleteStack", {"StackName": found.stacks.pop(target)}) for target in removed]
        creates, updates, overrides = [], [], []
        for target, given in desired.items():
            whole = _request(properties, {**common, **given})
            if target not in kept:
                found.stacks[target] = f"StackSet-{found.name}-{uuid.uuid4()}"
                creates.append(Call(target, "CreateStack", {"StackName": found.stacks[target], **whole}))
                continue
            overrides.append(Call(target, "UpdateStack", {"StackName": found.stacks[target], **whole}))
            before = _request(properties, {**common, **found.overrides.get(target, {})})
            updates.append(Call(target, "UpdateStack", {"StackName": found.stacks[target], **before}))
        direct = self._switches["stack_set_updates"] == "direct"
        return [deletes, [] if direct else updates, creates, overrides]

    def _instances(self, properties: dict) -> dict[Target, dict[str, str]]:
        """Return the parameters that the group of each stack overrides."""
        found: dict[Target, dict[str, str]] = {}
        units: set[str] = set()
        for group in properties.get("StackInstancesGroup", []):
            targets = group["DeploymentTargets"]
            of_group = targets.get("OrganizationalUnitIds") or []
            managed = properties["PermissionModel"] == "SERVICE_MANAGED"
            if managed != bool(of_group):
                raise HandlerError("OrganizationalUnitIds are for service-managed permissions", "InvalidRequest")
            if self._switches["stack_set_units"] == "once" and units & set(of_group):
                unit = sorted(units & set(of_group))[0]
                message = f"OrganizationalUnitId {unit} cannot be associated with more than one Parameters set"
                raise HandlerError(message, "InvalidRequest")
            units |= set(of_group)
            given = {item["ParameterKey"]: item["ParameterValue"] for item in group.get("ParameterOverrides", [])}
            for target in [(account, region) for account in self._accounts(targets) for region in group["Regions"]]:
                if target in found:
                    raise HandlerError(f"{target} is in two groups", "InvalidRequest")
                found[target] = given
        return found

    def _accounts(self, targets: dict) -> list[str]:
        """Return the accounts of a group.

        Accounts of the account state have an organizational_unit; where none has, those that are listed are in it.
        """
        listed = targets.get("Accounts") or []
        units = targets.get("OrganizationalUnitIds") or []
        known = {name: facts["organizational_unit"] for name, facts in self._account_state.accounts.items()}
        if not units or not any(known.values()):
            return listed
        members = sorted(name for name, unit in known.items() if unit in units)
        kind = targets.get("AccountFilterType") or "NONE"
        return {
            "NONE": members,
            "INTERSECTION": [name for name in members if name in listed],
            "DIFFERENCE": [name for name in members if name not in listed],
            "UNION": sorted({*members, *listed}),
        }[kind]


async def _run(phases: list[list[Call]], before: asyncio.Task | None) -> None:
    """Run the calls of an operation, each phase when the stacks of the one before are settled."""
    if before is not None:
        await asyncio.wait([before])
    for calls in phases:
        for call in calls:
            with contextlib.suppress(HandlerError):  # FailureTolerancePercentage 100
                _call(call)
        while any(_is_in_progress(call) for call in calls):
            await asyncio.sleep(0.01)


def _is_in_progress(call: Call) -> bool:
    with request_scope(*call.target):
        stack = cloudformation._stacks.get(call.request["StackName"])
    return stack is not None and stack["StackStatus"].endswith("_IN_PROGRESS")


def _request(properties: dict, parameters: dict[str, str]) -> dict[str, str]:
    too_long = [name for name, value in parameters.items() if len(value.encode()) > LONGEST_VALUE]
    if too_long:
        raise HandlerError(f"The value of {too_long[0]} is longer than {LONGEST_VALUE} bytes", "InvalidRequest")
    request = {"TemplateBody": properties["TemplateBody"]}
    for number, capability in enumerate(properties.get("Capabilities", []), start=1):
        request[f"Capabilities.member.{number}"] = capability
    for number, (name, value) in enumerate(parameters.items(), start=1):
        request |= {
            f"Parameters.member.{number}.ParameterKey": name,
            f"Parameters.member.{number}.ParameterValue": value,
        }
    for number, tag in enumerate(properties.get("Tags", []), start=1):
        request |= {f"Tags.member.{number}.Key": tag["Key"], f"Tags.member.{number}.Value": tag["Value"]}
    return request


def _call(call: Call) -> None:
    given = {name: [value] for name, value in call.request.items()}
    with request_scope(*call.target):
        status, _headers, body = handlers._ACTION_HANDLERS[call.action](given)
    if status < 300 or b"No updates are to be performed" in body:
        return
    texts = [item.text or "" for item in ElementTree.fromstring(body).iter() if item.tag.endswith("Message")]
    raise HandlerError(" ".join(texts), "GeneralServiceException")
