# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ARNs of hubs, which IAM policies name."""

from __future__ import annotations

import uuid


def hub_arn(account: str, region: str) -> str:
    """Return the ARN of the hub of Security Hub CSPM."""
    return f"arn:aws:securityhub:{region}:{account}:hub/default"


def hub_v2_arn(account: str, region: str) -> str:
    """Return the ARN of the hub of the new Security Hub, which AWS gives an ID.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_securityhub.html
    """
    return f"arn:aws:securityhub:{region}:{account}:hubv2/{uuid.uuid5(uuid.NAMESPACE_OID, f'{account} {region}')}"


def hub_of(operation: str, account: str, region: str) -> str:
    """Return the ARN of the hub that an operation of Security Hub is about."""
    return hub_v2_arn(account, region) if operation.endswith("V2") else hub_arn(account, region)
