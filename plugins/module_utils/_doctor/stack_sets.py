# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What StackSets say about the stacks that they deploy: reads only. PRIVATE to the collection.

A StackSet tolerates failures, so the stack that contains it does not show them.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING

from .._aws import errors
from .._aws import parallel
from .._aws.errors import UserError
from .._services import cloudformation
from .._stack import live as stacks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Sequence

    from .._aws.clients import Clients
    from .._aws.credentials import CredentialSource
    from .._model.plan import AccountDesign
    from .._services.cloudformation import StackInstance
    from .._stack.live import StackSet

CURRENT = "CURRENT"


@dataclass(frozen=True)
class Instances:
    """The instances of a StackSet; *error*: why they are not known, '' if they are."""

    stack_set: StackSet
    summaries: tuple[StackInstance, ...] = field(default=(), hash=False)
    error: str = ""

    def at(self, account_id: str, region: str) -> StackInstance | None:
        """Return the instance in an account and region, None without one."""
        found = (item for item in self.summaries if (item["Account"], item["Region"]) == (account_id, region))
        return next(found, None)

    def like(self, instance: StackInstance) -> list[StackInstance]:
        """Return all instances of the StackSet in the state of this one."""
        return [item for item in self.summaries if detail(item) == detail(instance)]


def detail(instance: StackInstance) -> str:
    """Return how the last operation on an instance ended, or that it is running."""
    return str(instance.get("StackInstanceStatus", {}).get("DetailedStatus") or instance["Status"])


def read(aws: Clients, accounts: Sequence[AccountDesign]) -> list[Instances]:
    """Return the instances of the StackSets that created the stacks: one call for 100 of them, none without a StackSet.

    They are read in the account that administers the StackSet, if the inventory has it.
    """
    found = {
        stacks.stack_set_of(target.live.stack)
        for account in accounts
        for target in account.targets
        if target.settings.stack_set
    }
    sources = {account.account.id: account.settings.source for account in accounts}
    stack_sets = sorted((item for item in found if item), key=lambda item: item.name)
    return parallel.recovered(
        partial(_read, aws, sources),
        stack_sets,
        lambda stack_set, error: Instances(stack_set, error=errors.explain(error)),
    )


def _read(aws: Clients, sources: Mapping[str, CredentialSource], stack_set: StackSet) -> Instances:
    source = sources.get(stack_set.account_id)
    if source is None:
        raise UserError(f"account {stack_set.account_id}, which administers it, is not in the inventory.")
    call = partial(aws.call, source, stack_set.region, "cloudformation")
    listed = call(cloudformation.list_stack_instances, stack_set.name, stack_set.call_as)
    return Instances(stack_set, tuple(listed))
