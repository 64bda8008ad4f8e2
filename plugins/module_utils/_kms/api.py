# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""KMS: one function a call. PRIVATE to the collection.

Every function takes a botocore client of the service ``kms`` and lets botocore's errors through.
"""

from __future__ import annotations

import json
from typing import Any


def describe_key(client: Any, key: str) -> dict[str, Any] | None:
    """Return the metadata (Arn, KeyState, KeyManager, ...) of a key id, key ARN, alias name or alias ARN, or None."""
    try:
        metadata: dict[str, Any] = client.describe_key(KeyId=key)["KeyMetadata"]
    except client.exceptions.NotFoundException:
        return None
    return metadata


def get_key_policy(client: Any, key_arn: str) -> dict[str, Any]:
    """Return the key's policy; the call takes no alias."""
    policy: dict[str, Any] = json.loads(client.get_key_policy(KeyId=key_arn, PolicyName="default")["Policy"])
    return policy
