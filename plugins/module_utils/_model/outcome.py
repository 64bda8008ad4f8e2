# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did: frozen values. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING

from .._resource.operation import Operation
from .plan import Changes
from .plan import RulesPlan
from .snapshot import in_order

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .account import Account
    from .drift import Drift
    from .plan import AccountPlan
    from .plan import ChannelPlan
    from .plan import Deployment
    from .plan import TargetPlan
    from .snapshot import Fleet
    from .snapshot import TargetSnapshot


@dataclass(frozen=True)
class TargetOutcome(Changes):
    """What happened to one target, or in check mode would happen.

    *action*, *repairs*, *stack*, *rules*: the operations, see TargetPlan. *left_behind*: in words, resources of its
    stack that could not be deleted. *express_refused*: its stack was deployed in standard mode, unlike the inventory
    says.
    """

    plan: TargetPlan | None
    known: TargetSnapshot
    action: Operation = Operation.NONE
    repairs: tuple[Drift, ...] = ()
    stack: tuple[Operation, ...] = ()
    left_behind: tuple[str, ...] = ()
    express_refused: bool = False
    problems: tuple[str, ...] = ()
    rules: RulesPlan = field(default_factory=RulesPlan)

    @property
    def snapshot(self) -> TargetSnapshot:
        """Return what was read of the target."""
        return self.known

    @property
    def desired(self) -> Deployment | None:
        """Return the deployment it should have."""
        return self.plan.desired if self.plan else None

    @property
    def policy(self) -> str:
        """Return in words what it forwards."""
        return self.plan.design.policy if self.plan else ""


@dataclass(frozen=True)
class AccountOutcome:
    """What happened in one account, or in check mode would happen.

    *channel*: None if nothing of it was written. *unfinished*: writing it has begun and failed.
    """

    plan: AccountPlan
    targets: tuple[TargetOutcome, ...]
    channel: ChannelPlan | None
    notices: tuple[str, ...] = ()
    unfinished: bool = False

    @property
    def account(self) -> Account:
        """Return the AWS account."""
        return self.plan.account

    @property
    def connected(self) -> tuple[TargetOutcome, ...]:
        """Return the targets that this run connected to a channel or moved, without those that have failed."""
        added = {arn for merge in (self.channel.merges if self.channel else ()) for arn in merge.added}
        return tuple(
            target
            for target in self.targets
            if target.desired and not target.problems and any(arn in added for _channel, arn in target.desired.topics)
        )


def unapplied_target(plan: TargetPlan) -> TargetOutcome:
    """Return the outcome of a target whose plan is not carried out, or not yet."""
    return TargetOutcome(
        plan, plan.snapshot, plan.action, plan.repairs, plan.stack, problems=plan.problems, rules=plan.rules
    )


def unapplied(plan: AccountPlan) -> AccountOutcome:
    """Return the outcome of check mode: everything as planned, and nothing written."""
    return AccountOutcome(plan, tuple(map(unapplied_target, plan.targets)), plan.channel, plan.notices)


def targets_of(fleet: Fleet, accounts: Iterable[AccountOutcome]) -> tuple[TargetOutcome, ...]:
    """Return the outcomes of all targets of a run, in inventory order, those without a known account included."""
    unknown = [TargetOutcome(None, target, problems=target.problems) for target in fleet.unknown]
    return in_order(fleet.hosts, [*unknown, *(target for account in accounts for target in account.targets)])
