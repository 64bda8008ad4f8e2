# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""KMS: one function a call. PRIVATE to the collection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from typing import Any
from typing import TypedDict

from .refusals import existing

if TYPE_CHECKING:
    from .._resource.shapes import Json


class Key(TypedDict, total=False):
    """The metadata of a key, with the keys that are used here; KeyId and Arn are always present."""

    KeyId: str
    Arn: str
    KeyState: str
    KeyManager: str
    KeySpec: str


def describe_key(client: Any, key: str) -> Key | None:
    """Return the metadata of a key id, key ARN, alias name or alias ARN, or None."""
    return existing(lambda: client.describe_key(KeyId=key)["KeyMetadata"], client.exceptions.NotFoundException)


def get_key_policy(client: Any, key_arn: str) -> Json:
    """Return the key's policy; the call takes no alias."""
    policy: Json = json.loads(client.get_key_policy(KeyId=key_arn, PolicyName="default")["Policy"])
    return policy


def put_key_policy(client: Any, key_arn: str, policy: Json) -> None:
    """Replace the key's policy; KMS refuses a policy under which the caller could not change it again."""
    client.put_key_policy(KeyId=key_arn, PolicyName="default", Policy=json.dumps(policy))


def enable_key(client: Any, key_arn: str) -> None:
    """Enable the key, if it is not enabled."""
    client.enable_key(KeyId=key_arn)


def cancel_key_deletion(client: Any, key_arn: str) -> None:
    """Cancel the scheduled deletion of a key, which is disabled afterwards."""
    client.cancel_key_deletion(KeyId=key_arn)


def create_alias(client: Any, name: str, key_id: str) -> None:
    """Give the key an alias that does not exist yet."""
    client.create_alias(AliasName=name, TargetKeyId=key_id)


def update_alias(client: Any, name: str, key_id: str) -> None:
    """Point an existing alias to the key."""
    client.update_alias(AliasName=name, TargetKeyId=key_id)
