# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security Hub's answers as results of modules, and its ARNs: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._services.securityhub import ActionTarget
    from .._services.securityhub import FindingAggregator
    from .._services.securityhub import OrganizationConfiguration


def result(resource: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a resource as the modules show it, an empty dict for None; the keys of Tags, a dict, stay as they are."""
    snake: dict[str, Any] = camel_dict_to_snake_dict(resource or {}, ignore_list=["Tags"])
    return snake


def action_target_id(arn: str) -> str:
    """Return SendToSlack for arn:aws:securityhub:us-east-1:123456789012:action/custom/SendToSlack."""
    return arn.rpartition("/")[2]


def action_target_arn(hub_arn: str, identifier: str) -> str:
    """Return the ARN that a custom action of this Id has beside the hub with this ARN."""
    return f"{hub_arn.rpartition(':')[0]}:action/custom/{identifier}"


def action_target_result(target: ActionTarget | None) -> dict[str, Any]:
    """Return the custom action with action_target_arn, id, name and description, or an empty dict."""
    return {**result(target), "id": action_target_id(target["ActionTargetArn"])} if target else {}


def hub_arn(partition: str, region: str, account: str) -> str:
    """Return the ARN that the hub of an account has in a region."""
    return f"arn:{partition}:securityhub:{region}:{account}:hub/default"


def finding_aggregator_result(aggregator: FindingAggregator | None) -> dict[str, Any]:
    """Return the finding aggregator with its regions sorted, or an empty dict."""
    return {**result(aggregator), "regions": sorted(aggregator.get("Regions") or [])} if aggregator else {}


def organization_configuration_result(configuration: OrganizationConfiguration) -> dict[str, Any]:
    """Return the configuration of an organization, all settings on one level."""
    nested = configuration.get("OrganizationConfiguration") or {}
    flat = {key: value for key, value in configuration.items() if key != "OrganizationConfiguration"}
    return result({**flat, **nested})
