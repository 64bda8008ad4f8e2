# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS::CloudFormation::StackSet, which ministack lacks: the stacks of a set, made in their accounts and regions.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stackset.html. The
roles or trusted access of a stack set are taken to be there; the resource does not wait for its stacks.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from dataclasses import field
from xml.etree import ElementTree

from ministack.core.responses import get_account_id
from ministack.core.responses import get_region
from ministack.core.responses import request_scope
from ministack.services.cloudformation import handlers
from ministack.services.cloudformation import provisioners
from resource_types import HandlerError
from resource_types import already_there

TYPE = "AWS::CloudFormation::StackSet"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Parameter.html and the quotas of CloudFormation.
LONGEST_VALUE = 4_096

Place = tuple[str, str]  # account, region


@dataclass
class StackSet:
    """A stack set: who administers it, and the names of its stacks."""

    name: str
    stacks: dict[Place, str] = field(default_factory=dict)


class StackSets:
    """All stack sets, by their ids."""

    def __init__(self) -> None:
        self._sets: dict[str, StackSet] = {}

    def install(self) -> None:
        """Adds the type."""
        provisioners._RESOURCE_HANDLERS[TYPE] = {"create": self._create, "update": self._update, "delete": self._delete}

    def clear(self) -> None:
        """No stack set is there."""
        self._sets.clear()

    def _create(self, _logical_id: str, properties: dict, _stack_name: str) -> tuple[str, dict]:
        name = properties["StackSetName"]
        if not NAME.fullmatch(name):
            raise HandlerError("1 validation error detected: Value at 'stackSetName' failed", "InvalidRequest")
        where = f"arn:aws:cloudformation:{get_region()}:{get_account_id()}:stackset/{name}:"
        if any(known.startswith(where) for known in self._sets):
            raise already_there(TYPE, name)
        number = where + str(uuid.uuid4())
        self._sets[number] = StackSet(name)
        self._bring(self._sets[number], properties)
        return number.rpartition("/")[2], {"StackSetId": number.rpartition("/")[2]}

    def _update(
        self, physical_id: str, _old: dict, new: dict, _stack_name: str, _logical_id: str | None = None
    ) -> tuple[str, dict]:
        self._bring(self._known(physical_id), new)
        return physical_id, {"StackSetId": physical_id}

    def _delete(self, physical_id: str, _properties: dict) -> None:
        found = self._known(physical_id)
        for place, stack in found.stacks.items():
            _call(place, "DeleteStack", {"StackName": stack})
        self._sets = {number: known for number, known in self._sets.items() if known is not found}

    def _known(self, physical_id: str) -> StackSet:
        return next(found for number, found in self._sets.items() if number.endswith(f"/{physical_id}"))

    def _bring(self, found: StackSet, properties: dict) -> None:
        """Makes, updates and deletes stacks until they are those of the groups."""
        wanted = _instances(properties)
        for place in [known for known in found.stacks if known not in wanted]:
            _call(place, "DeleteStack", {"StackName": found.stacks.pop(place)})
        for place, parameters in wanted.items():
            given = _request(properties, parameters)
            if place in found.stacks:
                _call(place, "UpdateStack", {"StackName": found.stacks[place], **given})
            else:
                stack = f"StackSet-{found.name}-{uuid.uuid4()}"
                _call(place, "CreateStack", {"StackName": stack, **given})
                found.stacks[place] = stack


def _instances(properties: dict) -> dict[Place, dict[str, str]]:
    """The parameters of each stack: those of the set, and those that its group overrides."""
    common = {item["ParameterKey"]: item["ParameterValue"] for item in properties.get("Parameters", [])}
    found: dict[Place, dict[str, str]] = {}
    for group in properties.get("StackInstancesGroup", []):
        targets = group["DeploymentTargets"]
        managed = properties["PermissionModel"] == "SERVICE_MANAGED"
        if managed != bool(targets.get("OrganizationalUnitIds")):
            raise HandlerError("OrganizationalUnitIds are for service-managed permissions", "InvalidRequest")
        given = {item["ParameterKey"]: item["ParameterValue"] for item in group.get("ParameterOverrides", [])}
        for place in [(account, region) for account in targets["Accounts"] for region in group["Regions"]]:
            if place in found:
                raise HandlerError(f"{place} is in two groups", "InvalidRequest")
            found[place] = {**common, **given}
    return found


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


def _call(place: Place, action: str, request: dict[str, str]) -> None:
    with request_scope(*place):
        status, _headers, body = handlers._ACTION_HANDLERS[action]({name: [value] for name, value in request.items()})
    if status < 300 or b"No updates are to be performed" in body:
        return
    texts = [item.text or "" for item in ElementTree.fromstring(body).iter() if item.tag.endswith("Message")]
    raise HandlerError(" ".join(texts), "GeneralServiceException")
