# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a template with a StackSet and its template: pure.

PRIVATE to the collection. As the resource of a stack, one command updates a StackSet to match the file, whatever has
changed: new stacks, another template, stacks to delete
(https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stackset.html).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._aws.errors import UserError
from .._resource.tags import MANAGED_TAG
from .._resource.tags import boto3_tags
from . import receivers
from . import stack_set
from . import template
from .stack_set import NO_VALUE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._resource.shapes import Json
    from .resources import Template
    from .template import StackDesign

DESCRIPTION = "StackSet that forwards Security Hub findings to a chat channel (Ansible collection secops.securityhub)."
SERVICE_MANAGED = "IsServiceManaged"
# A region that fails must not delay the others.
PREFERENCES = {"RegionConcurrencyType": "PARALLEL", "MaxConcurrentPercentage": 100, "FailureTolerancePercentage": 100}
IN_UNITS = {
    "OrganizationalUnitIds": {"Fn::If": [SERVICE_MANAGED, {"Ref": "OrganizationalUnitIds"}, NO_VALUE]},
    "AccountFilterType": {"Fn::If": [SERVICE_MANAGED, "INTERSECTION", NO_VALUE]},
}
# An organizational unit may be in one group only, and a group means each of its accounts in each of its regions.
SELF_MANAGED_ONLY = {
    "Assertions": [
        {
            "Assert": {"Fn::EachMemberEquals": [{"Ref": "OrganizationalUnitIds"}, ""]},
            "AssertDescription": "With OrganizationalUnitIds, all accounts of a file must have the same regions. "
            "Export accounts with other regions from an inventory of their own, and set StackSetName.",
        }
    ]
}


@dataclass(frozen=True)
class Instance:
    """One stack of the StackSet: its account, region and design."""

    account_id: str
    region: str
    design: StackDesign


def deployment(name: str, tags: tuple[tuple[str, str], ...], instances: Sequence[Instance]) -> Template:
    """Return the template of a stack with the StackSet *name*, which creates the stacks of *instances*.

    The user sets its parameters when deploying it: StackSetName; OrganizationalUnitIds, for a StackSet with
    service-managed permissions; CallAs. Raise UserError if *instances* do not fit into one StackSet.
    """
    whole = stack_set.merge({(instance.account_id, instance.region): instance.design for instance in instances})
    body = json.dumps(whole, separators=(",", ":"))
    if len(body) > template.MAX_BYTES:
        raise UserError(
            f"the StackSet would need a template of {len(body):,} bytes, and CloudFormation allows "
            f"{template.MAX_BYTES:,}. Use fewer channels or suppressions, or give more targets the same variables."
        )
    groups = _groups(instances)
    secrets = _secrets(instances)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": DESCRIPTION,
        "Parameters": {**_parameters(name), **secrets},
        **({"Rules": {"SelfManaged": SELF_MANAGED_ONLY}} if len(groups) > 1 else {}),
        "Conditions": {
            SERVICE_MANAGED: {
                "Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": "OrganizationalUnitIds"}]}, ""]}],
            }
        },
        "Resources": {
            "StackSet": {
                "Type": "AWS::CloudFormation::StackSet",
                "Properties": _stack_set({**dict(tags), MANAGED_TAG: name}, body, groups, secrets),
            }
        },
    }


def _parameters(name: str) -> Json:
    return {
        "StackSetName": {
            "Type": "String",
            "Default": name,
            "Description": "Name of the StackSet, unique in the account and region that administer it.",
        },
        "OrganizationalUnitIds": {
            "Type": "CommaDelimitedList",
            "Default": "",
            "Description": "Organizational units (or the root) with the accounts, for service-managed "
            "permissions; empty for self-managed permissions.",
        },
        "CallAs": {
            "Type": "String",
            "Default": "SELF",
            "AllowedValues": ["SELF", "DELEGATED_ADMIN"],
            "Description": "DELEGATED_ADMIN in the account of a delegated administrator for StackSets.",
        },
    }


def _secrets(instances: Sequence[Instance]) -> Json:
    """Return the parameters for the URLs of receivers, which are the same in all stacks. Raise UserError."""
    values: dict[str, str] = {}
    for instance in instances:
        for name, value in receivers.parameters(instance.design.receivers).items():
            if values.setdefault(name, value) != value:
                raise UserError(
                    "the stacks of a StackSet have one value for each parameter, but the url of a receiver differs "
                    "between targets. Give all targets the same securityhub_slack_receivers."
                )
    return {
        name: {
            "Type": "String",
            "NoEcho": True,
            "Description": "The url of a receiver in securityhub_slack_receivers, which this file does not contain.",
        }
        for name in values
    }


def _stack_set(tags: dict[str, str], body: str, groups: list[Json], secrets: Json) -> Json:
    location = {"Fn::Sub": "${AWS::AccountId}/${AWS::Region}/${CallAs}/${StackSetName}"}
    return {
        "StackSetName": {"Ref": "StackSetName"},
        "Description": template.DESCRIPTION,
        "PermissionModel": {"Fn::If": [SERVICE_MANAGED, "SERVICE_MANAGED", "SELF_MANAGED"]},
        "AutoDeployment": {"Fn::If": [SERVICE_MANAGED, {"Enabled": False}, NO_VALUE]},
        "CallAs": {"Ref": "CallAs"},
        # For roles with names of their own; ignored if the template has none.
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "OperationPreferences": PREFERENCES,
        "TemplateBody": body,
        "Parameters": [
            {"ParameterKey": stack_set.LOCATION, "ParameterValue": location},
            *({"ParameterKey": name, "ParameterValue": {"Ref": name}} for name in secrets),
        ],
        "StackInstancesGroup": groups,
        "Tags": boto3_tags(tags),
    }


def _groups(instances: Sequence[Instance]) -> list[Json]:
    """Return the stacks as few groups of accounts and regions; a group means each account in each region."""
    by_region: dict[str, list[str]] = {}
    for instance in instances:
        by_region.setdefault(instance.region, []).append(instance.account_id)
    by_accounts: dict[tuple[str, ...], list[str]] = {}
    for region, accounts in sorted(by_region.items()):
        by_accounts.setdefault(tuple(sorted(accounts)), []).append(region)
    return [
        {"DeploymentTargets": {"Accounts": list(accounts), **IN_UNITS}, "Regions": regions}
        for accounts, regions in sorted(by_accounts.items())
    ]
