# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""IAM: one function a call. PRIVATE to the collection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from typing import Any
from typing import TypedDict

from .._resource.tags import boto3_tags
from .refusals import accepted
from .refusals import existing

if TYPE_CHECKING:
    import datetime

    from .._resource.shapes import Json
    from .._resource.shapes import Tag


class Role(TypedDict, total=False):
    """A role, with the keys that are used here; listings have no Tags."""

    RoleName: str
    Arn: str
    Description: str
    AssumeRolePolicyDocument: Json
    Tags: list[Tag]
    PermissionsBoundary: dict[str, str]


class ManagedPolicy(TypedDict, total=False):
    """A managed policy with the document of its default version, with the keys that are used here."""

    PolicyName: str
    Arn: str
    DefaultVersionId: str
    Document: Json
    Tags: list[Tag]


class PolicyVersion(TypedDict):
    """A version of a managed policy, with the keys that are used here."""

    VersionId: str
    IsDefaultVersion: bool
    CreateDate: datetime.datetime


def get_role(client: Any, name: str) -> Role | None:
    """Return the role with its tags, or None."""
    return existing(lambda: client.get_role(RoleName=name)["Role"], client.exceptions.NoSuchEntityException)


def list_roles(client: Any) -> list[Role]:
    """Return all roles, without tags: one call per 100 roles."""
    pages = client.get_paginator("list_roles").paginate()
    return [role for page in pages for role in page["Roles"]]


def create_role(client: Any, name: str, description: str, trust: Json, tags: dict[str, str], boundary: str) -> bool:
    """Create the role; return False if it exists. *boundary*: the ARN of its permissions boundary, or ''."""
    bounded = {"PermissionsBoundary": boundary} if boundary else {}
    return accepted(
        client.create_role,
        client.exceptions.EntityAlreadyExistsException,
        RoleName=name,
        Description=description,
        AssumeRolePolicyDocument=json.dumps(trust),
        Tags=boto3_tags(tags),
        **bounded,
    )


def list_service_linked_roles(client: Any, service: str) -> list[Role]:
    """Return the service-linked roles of a service, such as management.chatbot.amazonaws.com, in the account."""
    pages = client.get_paginator("list_roles").paginate(PathPrefix=f"/aws-service-role/{service}/")
    return [role for page in pages for role in page["Roles"]]


def create_service_linked_role(client: Any, service: str) -> bool:
    """Create the service-linked role of a service; return False if it exists, or cannot be created by a user."""
    return accepted(client.create_service_linked_role, client.exceptions.InvalidInputException, AWSServiceName=service)


def denies(client: Any, principal: str, action: str, resource: str, context: dict[str, str]) -> bool:
    """Tell whether IAM's simulation denies the action to a user or role with certainty.

    *context*: condition keys with their values. A policy with other condition keys counts as allowing.
    """
    entries = [
        {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
        for key, value in context.items()
    ]
    results = client.simulate_principal_policy(
        PolicySourceArn=principal, ActionNames=[action], ResourceArns=[resource], ContextEntries=entries
    )["EvaluationResults"]
    return any(item["EvalDecision"] != "allowed" and not item.get("MissingContextValues") for item in results)


def get_account_summary(client: Any) -> dict[str, int]:
    """Return how many entities of each kind the account has, and its quotas: Roles, RolesQuota, Policies, ..."""
    summary: dict[str, int] = client.get_account_summary()["SummaryMap"]
    return summary


def update_trust(client: Any, name: str, trust: Json) -> None:
    """Replace the trust policy of the role."""
    client.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))


def put_role_permissions_boundary(client: Any, name: str, boundary: str) -> None:
    """Set or replace the permissions boundary of the role."""
    client.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)


def tag_role(client: Any, name: str, tags: dict[str, str]) -> None:
    """Add or overwrite tags of the role."""
    client.tag_role(RoleName=name, Tags=boto3_tags(tags))


def untag_role(client: Any, name: str, keys: list[str]) -> bool:
    """Remove tags of the role by key; return False if there is no role."""
    return accepted(client.untag_role, client.exceptions.NoSuchEntityException, RoleName=name, TagKeys=keys)


def inline_policies(client: Any, role: str) -> dict[str, Json]:
    """Return the documents of the role's inline policies by name: a call, and one for each; {} without the role."""
    try:
        pages = client.get_paginator("list_role_policies").paginate(RoleName=role)
        names = [name for page in pages for name in page["PolicyNames"]]
        return {name: client.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names}
    except client.exceptions.NoSuchEntityException:
        return {}


def attached_policies(client: Any, role: str) -> list[str]:
    """Return the ARNs of the managed policies attached to the role; [] without the role."""
    try:
        pages = client.get_paginator("list_attached_role_policies").paginate(RoleName=role)
        return [policy["PolicyArn"] for page in pages for policy in page["AttachedPolicies"]]
    except client.exceptions.NoSuchEntityException:
        return []


def put_role_policy(client: Any, name: str, policy: str, document: Json) -> None:
    """Create or replace an inline policy of the role."""
    client.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))


def delete_role_policy(client: Any, name: str, policy: str) -> bool:
    """Delete an inline policy of the role; return False if there was none."""
    return accepted(
        client.delete_role_policy, client.exceptions.NoSuchEntityException, RoleName=name, PolicyName=policy
    )


def delete_role(client: Any, name: str) -> bool:
    """Delete the role; return False if there was none."""
    return accepted(client.delete_role, client.exceptions.NoSuchEntityException, RoleName=name)


def get_policy(client: Any, arn: str) -> ManagedPolicy | None:
    """Return the managed policy with its default version's document as ``Document``, or None."""
    policy: ManagedPolicy | None = existing(
        lambda: client.get_policy(PolicyArn=arn)["Policy"], client.exceptions.NoSuchEntityException
    )
    if policy is None:
        return None
    version = client.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    return {**policy, "Document": version["Document"]}


def create_policy(client: Any, name: str, description: str, document: Json, tags: dict[str, str]) -> bool:
    """Create a managed policy; return False if it exists."""
    return accepted(
        client.create_policy,
        client.exceptions.EntityAlreadyExistsException,
        PolicyName=name,
        Description=description,
        PolicyDocument=json.dumps(document),
        Tags=boto3_tags(tags),
    )


def list_policy_versions(client: Any, arn: str) -> list[PolicyVersion]:
    """Return the versions of the policy (five at most, AWS's limit); [] if the policy does not exist."""
    missing = client.exceptions.NoSuchEntityException
    return existing(lambda: client.list_policy_versions(PolicyArn=arn)["Versions"], missing) or []


def create_policy_version(client: Any, arn: str, document: Json) -> None:
    """Add a version with this document and make it the default."""
    client.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(document), SetAsDefault=True)


def delete_policy_version(client: Any, arn: str, version: str) -> bool:
    """Delete one version that is not the default; return False if there was none."""
    return accepted(
        client.delete_policy_version, client.exceptions.NoSuchEntityException, PolicyArn=arn, VersionId=version
    )


def delete_policy(client: Any, arn: str) -> bool:
    """Delete the managed policy, which must have no version but the default; return False if there was none."""
    return accepted(client.delete_policy, client.exceptions.NoSuchEntityException, PolicyArn=arn)
