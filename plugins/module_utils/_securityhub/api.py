# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security Hub: one function a call. PRIVATE to the collection.

Every function takes a botocore client of the service ``securityhub`` and lets botocore's errors through, but for one:
in an account and region where Security Hub is off, AWS answers anything with InvalidAccessException, and that becomes
*HubNotEnabled*.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from typing import Any

from ansible_collections.secops.securityhub.plugins.module_utils._aws import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

Resource = dict[str, Any]

# InvalidAccessException also means "not the administrator of this organization"; then the hub may well be on.
NOT_ABOUT_THE_HUB = ("administrator", "organization", "management account")


class HubNotEnabled(errors.Refused):
    """Security Hub is off in this account and region."""

    def __init__(self, region: str) -> None:
        super().__init__(
            f"Security Hub is not enabled in {region}: enable it there (console, or the module "
            f"secops.securityhub.securityhub_hub), or leave the region out."
        )
        self.region = region


@contextmanager
def _needing_hub(client: Any) -> Iterator[None]:
    try:
        yield
    except client.exceptions.ClientError as error:
        if not _says_hub_off(error):
            raise
        raise HubNotEnabled(client.meta.region_name) from error


def _says_hub_off(error: BaseException) -> bool:
    if errors.code(error) != "InvalidAccessException":
        return False
    text = errors.message(error).lower()
    return not any(words in text for words in NOT_ABOUT_THE_HUB)


def describe_hub(client: Any) -> Resource:
    """Return HubArn, SubscribedAt, AutoEnableControls and ControlFindingGenerator. Raise HubNotEnabled."""
    try:
        with _needing_hub(client):
            hub: Resource = client.describe_hub()
    except client.exceptions.ResourceNotFoundException as error:
        raise HubNotEnabled(client.meta.region_name) from error
    return {key: value for key, value in hub.items() if key != "ResponseMetadata"}


def describe_action_targets(client: Any) -> list[Resource]:
    """Return all custom actions (at most 50 in an account and region). Raise HubNotEnabled."""
    with _needing_hub(client):
        pages = client.get_paginator("describe_action_targets").paginate()
        return [target for page in pages for target in page["ActionTargets"]]


def describe_action_target(client: Any, arn: str) -> Resource | None:
    """Return ActionTargetArn, Name and Description of one custom action, or None. Raise HubNotEnabled."""
    try:
        with _needing_hub(client):
            found = client.describe_action_targets(ActionTargetArns=[arn])["ActionTargets"]
    except client.exceptions.ResourceNotFoundException:
        return None
    return found[0] if found else None


def create_action_target(client: Any, identifier: str, name: str, description: str) -> str:
    """Create the custom action and return its ARN. Raise ResourceConflictException where the Id exists."""
    with _needing_hub(client):
        created = client.create_action_target(Id=identifier, Name=name, Description=description)
    return str(created["ActionTargetArn"])


def update_action_target(client: Any, arn: str, changes: dict[str, str]) -> None:
    """Change Name, Description or both. Raise ResourceNotFoundException, HubNotEnabled."""
    with _needing_hub(client):
        client.update_action_target(ActionTargetArn=arn, **changes)


def delete_action_target(client: Any, arn: str) -> bool:
    """Delete the custom action; return False if there was none, or no hub to hold one."""
    try:
        with _needing_hub(client):
            client.delete_action_target(ActionTargetArn=arn)
    except (client.exceptions.ResourceNotFoundException, HubNotEnabled):
        return False
    return True


def list_finding_aggregators(client: Any) -> list[str]:
    """Return the ARNs of the account's finding aggregators: none or one; any region answers. Raise HubNotEnabled."""
    with _needing_hub(client):
        pages = client.get_paginator("list_finding_aggregators").paginate()
        return [found["FindingAggregatorArn"] for page in pages for found in page["FindingAggregators"]]


def get_finding_aggregator(client: Any, arn: str) -> Resource:
    """Return FindingAggregatorArn, FindingAggregationRegion, RegionLinkingMode and, for some modes, Regions."""
    with _needing_hub(client):
        aggregator: Resource = client.get_finding_aggregator(FindingAggregatorArn=arn)
    return {key: value for key, value in aggregator.items() if key != "ResponseMetadata"}


def get_administrator_account(client: Any) -> Resource | None:
    """Return AccountId and MemberStatus of the administrator that this account is a member of, or None."""
    with _needing_hub(client):
        administrator: Resource | None = client.get_administrator_account().get("Administrator")
    return administrator or None


def describe_security_hub_v2(client: Any) -> Resource | None:
    """Return HubV2Arn and SubscribedAt of the new Security Hub, or None where it is off or not to be had."""
    try:
        hub: Resource = client.describe_security_hub_v2()
    except (client.exceptions.ResourceNotFoundException, client.exceptions.InvalidAccessException):
        return None
    return hub


def list_members(client: Any) -> list[Resource]:
    """Return the associated member accounts (up to 11,000) of this administrator account. Raise HubNotEnabled."""
    with _needing_hub(client):
        pages = client.get_paginator("list_members").paginate(OnlyAssociated=True)
        return [member for page in pages for member in page["Members"]]


def list_organization_admin_accounts(client: Any) -> list[Resource]:
    """Return AccountId and Status of the organisation's delegated administrators of Security Hub CSPM: none or one.

    Only the organisation's management account may ask; elsewhere AWS raises InvalidAccessException or AccessDenied.
    """
    with _needing_hub(client):
        pages = client.get_paginator("list_organization_admin_accounts").paginate(Feature="SecurityHub")
        return [account for page in pages for account in page["AdminAccounts"]]
