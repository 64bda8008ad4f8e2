# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""KMS where ministack accepts more than AWS: AWS managed keys, and aliases that exist."""

from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import get_account_id
from ministack.core.responses import get_region
from ministack.services import kms
from ministack.services.cloudformation import provisioners
from resource_types import already_exists

OF_AWS = "alias/aws/"


def install() -> None:
    """Replace these parts of ministack."""
    _install_keys_of_aws()
    _wrap_alias(provisioners._RESOURCE_HANDLERS["AWS::KMS::Alias"])


def _install_keys_of_aws() -> None:
    resolve, metadata = kms._resolve_key, kms._key_metadata

    def resolve_or_create(name: str) -> dict | None:
        alias = name.rpartition(":")[2] if name else ""
        found = resolve(name)
        return _create(alias) if found is None and alias.startswith(OF_AWS) else found

    def metadata_with_manager(record: dict) -> dict:
        return {**metadata(record), "KeyManager": record.get("KeyManager", "CUSTOMER")}

    kms._resolve_key, kms._key_metadata = resolve_or_create, metadata_with_manager


def _create(alias: str) -> dict:
    """Create the AWS managed key of a service, as its first use does; its policy cannot be changed."""
    service = alias.removeprefix(OF_AWS)
    condition = {
        "kms:CallerAccount": get_account_id(),
        "kms:ViaService": f"{service}.{get_region()}.amazonaws.com",
    }
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{get_account_id()}:root"},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*", "kms:DescribeKey"],
        "Resource": "*",
        "Condition": {"StringEquals": condition},
    }
    _status, _headers, body = kms._create_key({"Policy": json.dumps({"Statement": [statement]})})
    record = kms._keys[json.loads(body)["KeyMetadata"]["KeyId"]]
    record["KeyManager"] = "AWS"
    kms._aliases[kms._alias_arn(alias)] = record["KeyId"]
    return record


def _wrap_alias(handler: dict[str, Any]) -> None:
    create = handler["create"]

    def create_new(logical_id: str, properties: dict, stack_name: str) -> tuple:
        name = properties.get("AliasName", "")
        if kms._alias_arn(name) in kms._aliases:
            raise already_exists("AWS::KMS::Alias", name)
        return create(logical_id, properties, stack_name)

    handler.update(create=create_new)
