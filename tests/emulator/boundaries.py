# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Permissions boundaries of roles, which CloudFormation sets too and which have to exist; sizes of trust policies."""

from __future__ import annotations

import json
from typing import Any

from ministack.services import iam
from ministack.services.cloudformation import provisioners
from resource_types import HandlerError

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, without spaces
TRUST_QUOTA = 2048


def install() -> None:
    """Replace the functions of ministack that ignore boundaries."""
    iam._boundary_policy_error = _error_of
    handler = provisioners._RESOURCE_HANDLERS["AWS::IAM::Role"]
    create, update = handler["create"], handler["update"]

    def create_with_boundary(logical_id: str, properties: dict, stack_name: str) -> tuple:
        _check(properties)
        made = create(logical_id, properties, stack_name)
        iam._roles[made[0]]["PermissionsBoundary"] = properties.get("PermissionsBoundary")
        return made

    def update_with_boundary(physical_id: str, old: dict, new: dict, *rest: Any, **more: Any) -> Any:
        _check(new)
        made = update(physical_id, old, new, *rest, **more)
        iam._roles[made[0]]["PermissionsBoundary"] = new.get("PermissionsBoundary")
        return made

    handler["create"], handler["update"] = create_with_boundary, update_with_boundary


def _error_of(arn: str) -> Any:
    if iam._policy_exists(arn):
        return None
    return iam._error(404, "NoSuchEntity", f"Scope ARN: {arn} does not exist or is not attachable.", ns="iam")


def _check(properties: dict[str, Any]) -> None:
    boundary = properties.get("PermissionsBoundary")
    if boundary and not iam._policy_exists(boundary):
        raise HandlerError(f"Scope ARN: {boundary} does not exist or is not attachable.", "NotFound")
    trust = properties.get("AssumeRolePolicyDocument")
    text = trust if isinstance(trust, str) else json.dumps(trust)
    if len("".join(text.split())) > TRUST_QUOTA:
        raise HandlerError(f"Cannot exceed quota for ACLSizePerRole: {TRUST_QUOTA}", "ServiceLimitExceeded")
