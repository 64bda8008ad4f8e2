# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The permissions of a channel: what its role, the role's boundary and all guardrails allow."""

from __future__ import annotations

from typing import Any

from hub_arns import hub_of
from ministack.core import iam_evaluator as evaluator
from ministack.services import iam


def allows(configuration: dict, operation: str, region: str, given: dict[str, Any]) -> bool:
    """Whether the channel's role may call an operation of Security Hub in a region.

    given: the request, for conditions on the fields of an update.
    """
    role_arn = configuration["IamRoleArn"]
    account, name = role_arn.split(":")[4], role_arn.rsplit("/", 1)[-1]
    new_hub = operation.endswith("V2")
    syntax = "ocsfsyntaxpath" if new_hub else "asffsyntaxpath"
    changes = {key: value for key, value in given.items() if key not in ("MetadataUids", "FindingIdentifiers")}
    context = evaluator.EvalContext(
        principal_arn=role_arn,
        principal_type="AssumedRole",
        principal_account=account,
        action=f"securityhub:{operation.removesuffix('V2')}",
        resource_arn=hub_of(operation, account, region),
        region=region,
        service_context={f"securityhub:{syntax}/{path.lower()}": value for path, value in _leaves(changes, "")},
    )
    guardrails = [
        evaluator.parse_policy_document(evaluator._resolve_managed_policy_document(arn, account) or {})
        for arn in configuration["GuardrailPolicyArns"]
    ]
    boundary = (iam._roles.get_scoped(account, None, name) or {}).get("PermissionsBoundary")
    limits = [guardrails]
    if boundary:
        limits.append([evaluator.parse_policy_document(evaluator._resolve_managed_policy_document(boundary, account))])
    permissions = evaluator._gather_role_policies(name, account)
    return evaluator.evaluate(context, permissions, *limits).decision == "Allow"


def _leaves(node: Any, path: str) -> list[tuple[str, Any]]:
    if isinstance(node, dict):
        return [leaf for key, value in node.items() for leaf in _leaves(value, f"{path}.{key}" if path else key)]
    return [(path, str(node))]
