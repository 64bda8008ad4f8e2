# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluate the policy of a resource for an AWS service."""

from __future__ import annotations

from ministack.core.iam_evaluator import EvalContext
from ministack.core.iam_evaluator import evaluate_resource_policy
from ministack.services import kms

KEY_ACTIONS = ("kms:Decrypt", "kms:GenerateDataKey")


def allows(policy: str, action: str, resource_arn: str, service: str, known: dict[str, str]) -> bool:
    """Whether `policy` (JSON, or empty) allows a service principal an action; known: the context keys."""
    if not policy:
        return False
    context = EvalContext(
        principal_arn="*",
        principal_type="Service",
        principal_account="",
        action=action,
        resource_arn=resource_arn,
        region=resource_arn.split(":")[3],
        # Without aws:SourceOwner: the default policy of a topic requires it, and so allows no service.
        service_context=known,
    )
    return evaluate_resource_policy(policy, context, service=service).decision == "Allow"


def key_allows(key_id: str, service: str, context: dict[str, str]) -> bool:
    """Return whether a service may use a key; context: the encryption context of the topic or queue.

    No source: "Adding the aws:SourceAccount, aws:SourceArn, and aws:SourceOrgID to a AWS KMS policy is not supported
    for EventBridge-to-encrypted topics" (docs.aws.amazon.com/sns/latest/dg/sns-key-management.html). The policies of
    the keys that AWS manages, such as alias/aws/sns, allow no service.
    """
    record = kms._resolve_key(key_id)
    if record is None or record["KeyState"] != "Enabled":
        return False
    policy, arn = record.get("Policy", ""), record["Arn"]
    return all(allows(policy, action, arn, service, context) for action in KEY_ACTIONS)
