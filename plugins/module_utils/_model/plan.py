# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each target and account should have, and what has to change: frozen values. PRIVATE to the collection.

Each value holds the one of the stage before it: TargetSnapshot -> TargetDesign -> TargetPlan -> TargetOutcome, and the
same for accounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING

from .._channel import transformations
from .._resource.operation import Operation
from .snapshot import Target
from .snapshot import in_order

if TYPE_CHECKING:
    from .._channel import custom_action
    from .._channel import plans
    from .._channel.custom_action import CustomAction
    from .._routing.automation import Rule as AutomationRule
    from .._routing.simulation import Channel as RoutedChannel
    from .._securityhub import action_target
    from .._stack.template import StackDesign
    from .account import Account
    from .drift import Drift
    from .settings import Channel
    from .settings import Settings
    from .snapshot import AccountSnapshot
    from .snapshot import Fleet
    from .snapshot import LiveTarget
    from .snapshot import TargetSnapshot

# What to do where the stack of a StackSet is not as it should be.
DEPLOY_EXPORT = "run the playbook secops.securityhub.securityhub_slack_export, and deploy the file that it writes"


class OfTarget(Target):
    """A later value of a target, which holds its snapshot."""

    if TYPE_CHECKING:

        @property
        def snapshot(self) -> TargetSnapshot: ...

    @property
    def settings(self) -> Settings:
        """Return the settings of the inventory host."""
        return self.snapshot.settings

    @property
    def account(self) -> Account | None:
        """Return the AWS account, None if it is unknown."""
        return self.snapshot.account

    @property
    def live(self) -> LiveTarget:
        """Return the live state."""
        return self.snapshot.live


# What each target and account should have


@dataclass(frozen=True)
class Deployment:
    """What one target should have.

    *topics*: each channel configuration with the topic ARN that it should list. *rules*: the automation rules that
    suppress findings in Security Hub.
    """

    action: action_target.Desired
    stack: StackDesign
    topics: tuple[tuple[Channel, str], ...]
    rules: tuple[AutomationRule, ...] = ()


@dataclass(frozen=True)
class TargetDesign(OfTarget):
    """A target with the deployment it should have; *desired* None: it should have none.

    *policy*: in words, what it forwards. *channels*: what the event patterns of its channels were compiled from.
    *replaced*: ARNs of foreign topics that leave the channel in the write that adds its own.
    """

    snapshot: TargetSnapshot
    desired: Deployment | None = None
    policy: str = ""
    channels: tuple[RoutedChannel, ...] = ()
    replaced: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()


class OfAccount:
    """A later value of an account, which holds its snapshot."""

    if TYPE_CHECKING:

        @property
        def snapshot(self) -> AccountSnapshot: ...

    @property
    def account(self) -> Account:
        """Return the AWS account."""
        return self.snapshot.account

    @property
    def settings(self) -> Settings:
        """Return the settings of any target: on what an account has once, they agree."""
        return self.snapshot.settings


@dataclass(frozen=True)
class AccountDesign(OfAccount):
    """An account with the deployments its targets should have.

    *others*: the targets that are not part of the run. *home*, *global_findings*: hosts of the targets that forward
    the findings of linked regions, and those about global resources; '' for none. *linked*: hosts of the targets whose
    findings an aggregator copies. *uncovered*: regions with Security Hub whose findings are not forwarded.
    *unlisted*: regions that the inventory lacks, and of which a topic is in a channel.
    """

    snapshot: AccountSnapshot
    targets: tuple[TargetDesign, ...]
    others: tuple[TargetDesign, ...] = ()
    home: str = ""
    global_findings: str = ""
    linked: tuple[str, ...] = ()
    uncovered: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class FleetDesign:
    """All accounts of a run with the deployments their targets should have."""

    fleet: Fleet
    accounts: tuple[AccountDesign, ...]

    @property
    def targets(self) -> tuple[TargetDesign, ...]:
        """Return all targets of the run, in inventory order; those whose account is unknown have problems."""
        unknown = [TargetDesign(target, problems=target.problems) for target in self.fleet.unknown]
        known = [target for account in self.accounts for target in account.targets]
        return in_order(self.fleet.hosts, [*unknown, *known])

    @property
    def notices(self) -> list[str]:
        """Return the notices of all accounts, each once."""
        return list(dict.fromkeys(notice for account in self.accounts for notice in account.notices))


# What keeps it from being applied


@dataclass(frozen=True)
class Blockers:
    """What preflight checks of one account have found.

    *problems*: by host. *unless_unchanged*: problems that are notices where nothing is to change. *authorized*: the
    workspaces and teams that are. *needs_service_role*: the role by which Amazon Q subscribes to topics is missing.
    """

    problems: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unless_unchanged: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    authorized: frozenset[str] = frozenset()
    needs_service_role: bool = False


# What has to change


@dataclass(frozen=True)
class RulesPlan:
    """What happens to the automation rules of a target.

    *created*: those it lacks. *updated*: by ARN, those that differ, as they should be. *removed*: ARNs of those that it
    should not have, which are deleted after the stack was changed.
    """

    created: tuple[AutomationRule, ...] = ()
    updated: tuple[tuple[str, AutomationRule], ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Return whether anything has to be written."""
        return self != RulesPlan()


class Changes(OfTarget):
    """The operations on one target: on its custom action, drifted resources, stack and automation rules."""

    action: Operation
    repairs: tuple[Drift, ...]
    stack: tuple[Operation, ...]
    rules: RulesPlan

    @property
    def changed(self) -> bool:
        """Return whether anything has to be written, or was."""
        operations = [operation for operation in self.stack if operation != Operation.WAIT]
        return self.action != Operation.NONE or bool(self.repairs) or bool(operations) or self.rules.changed


@dataclass(frozen=True)
class TargetPlan(Changes):
    """What has to change on one target: its custom action, drifted resources, automation rules, then its stack.

    With *problems*, nothing.
    """

    design: TargetDesign
    action: Operation = Operation.NONE
    repairs: tuple[Drift, ...] = ()
    stack: tuple[Operation, ...] = ()
    problems: tuple[str, ...] = ()
    rules: RulesPlan = field(default_factory=RulesPlan)

    @property
    def snapshot(self) -> TargetSnapshot:
        """Return what was read of the target."""
        return self.design.snapshot

    @property
    def desired(self) -> Deployment | None:
        """Return the deployment it should have."""
        return self.design.desired


@dataclass(frozen=True)
class IdentityPlan:
    """The operations on the channel role and on its guardrail."""

    role: Operation = Operation.NONE
    guardrail: Operation = Operation.NONE

    @property
    def changed(self) -> bool:
        """Return whether anything has to be written."""
        return (self.role, self.guardrail) != (Operation.NONE, Operation.NONE)


@dataclass(frozen=True)
class ButtonsPlan:
    """What happens to an account's buttons: those it should have, each with its plan, and those that are removed."""

    desired: tuple[tuple[custom_action.Desired, custom_action.Plan], ...] = ()
    removed: tuple[CustomAction, ...] = field(default=(), hash=False)

    @property
    def changed(self) -> bool:
        """Return whether anything has to be written."""
        return any(planned.changed for _desired, planned in self.desired) or bool(self.removed)


@dataclass(frozen=True)
class Merge:
    """One channel configuration: what it should be, and the plan that leads there.

    *resubscribed*: topics that it lists and that are removed and added again, since Amazon Q subscribes to a topic only
    when it is added.
    """

    desired: plans.Desired
    plan: plans.Plan
    resubscribed: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Return whether anything has to be written."""
        return self.plan.changed or bool(self.resubscribed)

    @property
    def begins(self) -> bool:
        """Return whether the configuration begins to send to its channel: it is created, or moves from another one."""
        before, after = self.plan.before or {}, self.plan.after or {}
        parts = (self.desired.platform.team_id, self.desired.platform.channel_id)
        return any(part in after and before.get(part) != after[part] for part in parts)

    @property
    def added(self) -> frozenset[str]:
        """Return the ARNs of the topics whose messages this run brings into the channel."""
        if self.begins:
            return frozenset((self.plan.after or {}).get("SnsTopicArns", ()))
        return self.plan.new_topics.union(self.resubscribed)

    @property
    def name(self) -> str:
        """Return the name of the configuration, which differs from the desired one if it was adopted."""
        return transformations.configuration_name(self.plan.after or self.plan.before or {})


@dataclass(frozen=True)
class ChannelPlan:
    """What happens to an account's channel configurations, role, guardrail and buttons.

    *deletions*, *deleted_identity* and *deleted_buttons* wait until the topics are gone.
    """

    identity: IdentityPlan
    merges: tuple[Merge, ...]
    buttons: ButtonsPlan
    deletions: tuple[plans.Removal, ...]
    deleted_identity: IdentityPlan
    deleted_buttons: ButtonsPlan

    @property
    def kept(self) -> tuple[Merge, ...]:
        """Return the merges of the configurations that are not deleted afterwards."""
        deleted = {removal.name for removal in self.deletions}
        return tuple(merge for merge in self.merges if merge.name not in deleted)

    @property
    def changed(self) -> bool:
        """Return whether anything has to be written."""
        return (
            self.identity.changed
            or any(merge.changed for merge in self.merges)
            or bool(self.deletions)
            or self.deleted_identity.changed
            or self.buttons.changed
            or self.deleted_buttons.changed
        )

    @property
    def creates(self) -> bool:
        """Return whether a configuration is created."""
        return any(merge.plan.operation == Operation.CREATE for merge in self.merges)

    @property
    def removes(self) -> bool:
        """Return whether topics leave, or what held them is deleted."""
        leaving = any(merge.plan.changed and merge.desired.remove_topics for merge in self.merges)
        return leaving or bool(self.deletions) or self.deleted_identity.changed


@dataclass(frozen=True)
class AccountPlan(OfAccount):
    """What has to change in one account. *channel*: None if all its targets have problems."""

    design: AccountDesign
    targets: tuple[TargetPlan, ...]
    channel: ChannelPlan | None = None
    blockers: Blockers = field(default_factory=Blockers)
    notices: tuple[str, ...] = ()

    @property
    def snapshot(self) -> AccountSnapshot:
        """Return what was read of the account."""
        return self.design.snapshot

    @property
    def creates_service_role(self) -> bool:
        """Return whether a channel is created, and before it the missing role by which Amazon Q subscribes."""
        return self.blockers.needs_service_role and self.channel is not None and self.channel.creates
