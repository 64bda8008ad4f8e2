# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudFormation: one function a call. PRIVATE to the collection."""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextlib import nullcontext
from typing import TYPE_CHECKING
from typing import Any
from typing import TypedDict

from .._aws import errors
from .._resource.tags import boto3_tags

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._resource.shapes import Tag


class Parameter(TypedDict):
    """A parameter of a stack."""

    ParameterKey: str
    ParameterValue: str


class Output(TypedDict):
    """An output of a stack."""

    OutputKey: str
    OutputValue: str


class Stack(TypedDict, total=False):
    """A stack, with the keys that are used here; StackId, StackName and StackStatus are always present."""

    StackId: str
    StackName: str
    StackStatus: str
    StackStatusReason: str
    Parameters: list[Parameter]
    Outputs: list[Output]
    Capabilities: list[str]
    RootId: str
    EnableTerminationProtection: bool
    Tags: list[Tag]


class StackResource(TypedDict, total=False):
    """A resource of a stack, with the keys that are used here."""

    LogicalResourceId: str
    PhysicalResourceId: str
    ResourceType: str
    ResourceStatus: str
    ResourceStatusReason: str


class StackEvent(StackResource, total=False):
    """An event of a stack or, with the last three keys, of an operation on one."""

    DetailedStatus: str
    EventType: str
    OperationId: str
    ValidationStatusReason: str


class StackInstance(TypedDict, total=False):
    """A stack of a StackSet, with the keys that are used here; Account, Region and Status are always present."""

    Account: str
    Region: str
    Status: str
    StatusReason: str
    StackInstanceStatus: dict[str, str]
    OrganizationalUnitId: str


# "Stack:arn... is in UPDATE_IN_PROGRESS state and can not be updated.", "... cannot be deleted while in status ..."
BUSY = r"\b[A-Z_]+_IN_PROGRESS\b"

# Only with the second member, CloudFormation rolls back an operation in this mode that fails.
EXPRESS = {"Mode": "EXPRESS", "DisableRollback": False}
MISSING = r"does not exist"
ABOUT_EXPRESS = r"(?i)deployment.?config|express"


class ExpressRefused(Exception):
    """CloudFormation does not offer express mode here."""


class Busy(Exception):
    """Another operation is running on the stack: of another run, or of a request whose answer was lost."""


def describe_stack(client: Any, name: str) -> Stack | None:
    """Return the stack as boto3 shapes it, or None. A stack that does not exist is a ValidationError in this API."""
    try:
        found = client.describe_stacks(StackName=name)["Stacks"]
    except client.exceptions.ClientError as error:
        if _says(error, MISSING):
            return None
        raise
    return found[0] if found else None


def describe_stacks(client: Any) -> list[Stack]:
    """Return all stacks of the account and region except deleted ones: one call per 100 stacks."""
    pages = client.get_paginator("describe_stacks").paginate()
    return [stack for page in pages for stack in page["Stacks"]]


def create_stack(
    client: Any, name: str, template: str, tags: dict[str, str], parameters: dict[str, str], *, express: bool
) -> bool:
    """Start creating the stack (a failure rolls back to ROLLBACK_COMPLETE); return False if it exists.

    *express*: do not wait until its resources are stable. Raise ExpressRefused.
    """
    mode = {"DeploymentConfig": EXPRESS} if express else {"OnFailure": "ROLLBACK"}
    try:
        with _unless(ABOUT_EXPRESS, ExpressRefused, client) if express else nullcontext():
            client.create_stack(**mode, **_members(name, template, tags, parameters))
    except client.exceptions.AlreadyExistsException:
        return False
    return True


def update_stack(
    client: Any, name: str, template: str, tags: dict[str, str], parameters: dict[str, str], *, express: bool
) -> bool:
    """Start updating the stack; return False if there is nothing to update. Raise Busy or ExpressRefused."""
    mode = {"DeploymentConfig": EXPRESS} if express else {}
    with _unless(ABOUT_EXPRESS, ExpressRefused, client) if express else nullcontext():
        return _updated(client, **mode, **_members(name, template, tags, parameters))


def replace_template(client: Any, name: str, template: str, parameters: tuple[str, ...]) -> None:
    """Start updating the stack to another template; keep its tags and the values of *parameters*. Raise Busy."""
    _updated(
        client,
        StackName=name,
        TemplateBody=template,
        Parameters=[{"ParameterKey": key, "UsePreviousValue": True} for key in parameters],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )


def _updated(client: Any, **members: Any) -> bool:
    """Start updating a stack; return False if there is nothing to update, as after a lost answer. Raise Busy."""
    try:
        with _unless(BUSY, Busy, client):
            client.update_stack(**members)
    except client.exceptions.ClientError as error:
        if _says(error, r"No updates are to be performed"):
            return False
        raise
    return True


def delete_stack(client: Any, name: str, retain: tuple[str, ...] = ()) -> None:
    """Start deleting the stack; *retain* (logical IDs) is only allowed for a stack in DELETE_FAILED. Raise Busy."""
    arguments: dict[str, object] = {"StackName": name}
    if retain:
        arguments["RetainResources"] = list(retain)
    with _unless(BUSY, Busy, client):
        client.delete_stack(**arguments)


def continue_update_rollback(client: Any, name: str, skip: tuple[str, ...] = ()) -> None:
    """Continue the rollback of a stack in UPDATE_ROLLBACK_FAILED, except for the resources to *skip*. Raise Busy."""
    arguments: dict[str, object] = {"StackName": name}
    if skip:
        arguments["ResourcesToSkip"] = list(skip)
    with _unless(BUSY, Busy, client):
        client.continue_update_rollback(**arguments)


def rollback_stack(client: Any, name: str) -> None:
    """Start rolling back a stack that was left in UPDATE_FAILED. Raise Busy."""
    with _unless(BUSY, Busy, client):
        client.rollback_stack(StackName=name)


def stack_events(client: Any, name: str) -> list[StackEvent]:
    """Return the newest events of the stack (one page of up to 100), newest first."""
    events: list[StackEvent] = client.describe_stack_events(StackName=name)["StackEvents"]
    return events


def failed_events(client: Any, name: str) -> list[StackEvent]:
    """Return the newest failed events of operations on the stack (one page), newest first, with failed validations.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
    """
    answer = client.describe_events(StackName=name, Filters={"FailedEvents": True})
    events: list[StackEvent] = answer["OperationEvents"]
    return events


def stack_resources(client: Any, name: str) -> list[StackResource]:
    """Return all resource summaries of the stack."""
    pages = client.get_paginator("list_stack_resources").paginate(StackName=name)
    return [summary for page in pages for summary in page["StackResourceSummaries"]]


def stack_of(client: Any, physical_id: str) -> str:
    """Return the ID of the stack that has the resource, '' if none has. AWS also returns deleted stacks.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html
    """
    try:
        found = client.describe_stack_resources(PhysicalResourceId=physical_id)["StackResources"]
    except client.exceptions.ClientError as error:
        if _says(error, MISSING):
            return ""
        raise
    return next((str(item["StackId"]) for item in found if item["ResourceStatus"] != "DELETE_COMPLETE"), "")


def list_stack_instances(client: Any, stack_set: str, call_as: str) -> list[StackInstance]:
    """Return all instances of a StackSet; *call_as*: SELF or DELEGATED_ADMIN."""
    pages = client.get_paginator("list_stack_instances").paginate(StackSetName=stack_set, CallAs=call_as)
    return [summary for page in pages for summary in page["Summaries"]]


def _says(error: Exception, pattern: str) -> bool:
    """Tell whether CloudFormation, which has one code for many errors, means the one whose text has *pattern*."""
    return errors.code(error) == "ValidationError" and re.search(pattern, errors.message(error)) is not None


def stack_template(client: Any, name: str) -> Any:
    """Return the stack's template: a dict for JSON, a str for YAML."""
    return client.get_template(StackName=name)["TemplateBody"]


@contextmanager
def _unless(pattern: str, meaning: type[Exception], client: Any) -> Iterator[None]:
    """Raise *meaning* for an error whose text has *pattern*."""
    try:
        yield
    except client.exceptions.ClientError as error:
        if _says(error, pattern):
            raise meaning from error
        raise


def _members(name: str, template: str, tags: dict[str, str], parameters: dict[str, str]) -> dict[str, object]:
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    # The capability is for roles with names of their own; it is ignored if a template has none.
    return {
        "StackName": name,
        "TemplateBody": template,
        "Tags": boto3_tags(tags),
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        **({"Parameters": given} if given else {}),
    }
