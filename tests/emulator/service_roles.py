# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles that services assume: whether a role trusts a service, and what its inline policies allow."""

from __future__ import annotations

import json
from typing import Any

from ministack.core import iam_evaluator as evaluator
from ministack.core.responses import get_account_id
from ministack.core.responses import get_region
from ministack.services import iam


def trusts(role_arn: str, service: str, source_arn: str) -> bool:
    """Return whether a role exists and lets a service assume it for a source of the current account."""
    role = _role(role_arn)
    document = _document((role or {}).get("AssumeRolePolicyDocument") or '{"Statement": []}')
    about = _about("sts:AssumeRole", role_arn, {"aws:sourcearn": source_arn, "aws:sourceaccount": get_account_id()})
    trusting = [
        {**{name: statement[name] for name in statement if name != "Principal"}, "Resource": "*"}
        for statement in document["Statement"]
        if service in _listed(statement["Principal"].get("Service", []))
    ]
    return _is_allowed(about, {"Version": "2012-10-17", "Statement": trusting})


def allows(role_arn: str, action: str, resource: str, context: dict[str, Any]) -> bool:
    """Return whether a role's inline policies, and its boundary, allow an action. context: keys in lower case."""
    role, about = _role(role_arn) or {}, _about(action, resource, context)
    boundary = iam._lookup_policy(role["PermissionsBoundary"]) if role.get("PermissionsBoundary") else None
    if boundary and not _is_allowed(about, _document(_default_version(boundary))):
        return False
    return any(_is_allowed(about, _document(policy)) for policy in role.get("InlinePolicies", {}).values())


def _default_version(policy: dict[str, Any]) -> str:
    return str(policy["Versions"][policy["DefaultVersionId"]]["Document"])


def _role(arn: str) -> dict[str, Any] | None:
    return iam._roles.get_scoped(arn.split(":")[4], "", arn.rpartition("/")[2])


def _document(policy: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(policy) if isinstance(policy, str) else policy
    return found


def _about(action: str, resource: str, context: dict[str, Any]) -> evaluator.EvalContext:
    return evaluator.EvalContext(
        principal_arn="*",
        principal_type="AssumedRole",
        principal_account=get_account_id(),
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context=context,
    )


def _is_allowed(about: evaluator.EvalContext, document: dict[str, Any]) -> bool:
    statements = evaluator.parse_policy_document(json.dumps(document)) if document["Statement"] else []
    return bool(evaluator.evaluate(about, [statements]).decision == "Allow")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
