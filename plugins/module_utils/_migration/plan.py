# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a migration does with each target and each channel: pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any

from .._channel import plans
from .._channel.transformations import configuration_name
from .._pipeline.target import healthy
from . import leftovers
from . import signature
from .leftovers import Leftovers

if TYPE_CHECKING:
    from .._pipeline.target import AccountRun
    from .._pipeline.target import Target
    from .leftovers import Stack

Configuration = dict[str, Any]


@dataclass
class Migration:
    """One target, what it has of the template, and what becomes of the account's channels (*fates*, by ARN)."""

    target: Target
    found: Leftovers = field(default_factory=Leftovers)
    fates: dict[str, str] = field(default_factory=dict)

    def stays(self, stack: Stack) -> frozenset[str]:
        """Return the logical ids of what outlives one of the stacks."""
        return leftovers.staying(stack, self.fates)

    def loses_channel(self, stack: Stack) -> bool:
        """Tell whether a channel that shall stay goes with the stack: AWS leaves no other way out of its state."""
        return stack.status in leftovers.DOOMED and signature.CHANNEL in self.stays(stack)


@dataclass(frozen=True)
class Channels:
    """The channels of an account that come from the template. *fates*: by ARN, '' for what is this collection's."""

    account: AccountRun
    fates: dict[str, str] = field(hash=False, default_factory=dict)

    def with_fate(self, decided: str) -> list[Configuration]:
        """Return the configurations that this becomes of."""
        return [item for item in self.account.configurations if self.fates.get(item["ChatConfigurationArn"]) == decided]


def channels(account: AccountRun, migrations: list[Migration]) -> Channels:
    """Decide what becomes of the channels of the template."""
    alive = [item for item in migrations if healthy([item.target])]
    held = {stack.configuration for item in alive for stack in item.found.stacks}
    foreign = {arn for item in migrations for arn in item.found.foreign}
    topics = frozenset(arn for item in alive for arn in item.found.topics)
    wanted = frozenset(
        (route.channel.workspace_id, route.channel.channel_id)
        for item in migrations
        if item.target.settings.present
        for route in item.target.settings.routes
    )
    # With a stack that must not be touched the channel would still go, whenever somebody deletes it.
    stuck = {stack.configuration for item in migrations if item.target.error for stack in item.found.stacks}
    return Channels(
        account,
        {
            found["ChatConfigurationArn"]: leftovers.fate(found, wanted, topics)
            for found in account.configurations
            if found["ChatConfigurationArn"] not in foreign | stuck
            and (found["ChatConfigurationArn"] in held or configuration_name(found) == signature.CONFIGURATION)
        },
    )


def adopt(found: Channels) -> None:
    """Let the account see as its own what is taken over, as it will be when that is written."""
    taken = {item["ChatConfigurationArn"] for item in found.with_fate(leftovers.TAKE_OVER)}
    mark = {"TagKey": plans.MANAGED_TAG, "TagValue": found.account.settings.name}
    found.account.configurations = [
        {**item, "Tags": [*item.get("Tags", []), mark]} if item["ChatConfigurationArn"] in taken else item
        for item in found.account.configurations
    ]


def unheld_roles(roles: list[dict[str, Any]], account: AccountRun, migrations: list[Migration]) -> list[str]:
    """Return the names of roles of the template that no stack found holds, and no channel uses.

    A stack in a region that was not looked at may hold them, so that they are nobody's to delete here.
    """
    held = {part for item in migrations for stack in item.found.stacks for part in stack.parts.values()}
    used = {found["IamRoleArn"] for found in account.configurations}
    return sorted(role["RoleName"] for role in roles if role["RoleName"] not in held and role["Arn"] not in used)
