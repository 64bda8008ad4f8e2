# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWS has, as a run has read it: frozen values. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import TYPE_CHECKING
from typing import TypeVar

from .._aws import errors
from .identity import LiveIdentity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._channel.custom_action import CustomAction
    from .._inventory.discovery import AccountFacts
    from .._resource.shapes import Json
    from .._services.chatbot import Configuration
    from .._services.cloudformation import Stack
    from .._services.securityhub import ActionTarget
    from .._services.securityhub import AggregatorV2
    from .._services.securityhub import AutomationRule
    from .._services.securityhub import FindingAggregator
    from .account import Account
    from .delivery_path import LivePath
    from .settings import Settings


AnyTarget = TypeVar("AnyTarget", bound="Target")


@dataclass(frozen=True)
class LiveTarget:
    """The live state of one target: its hub, its custom action and its stack as boto3 shapes them, or None.

    *hub*: whether Security Hub is enabled, None if unread. *actions*: the number of custom actions in the region.
    *template*: that of the stack, read only to be shown. *path*: the live resources of the stack; read
    only to repair drift and by the doctor. *rules*: the automation rules of this deployment, as
    boto3 shapes them; None if unread. *rule_count*: how many automation rules the region has.
    """

    hub: bool | None = None
    action: ActionTarget | None = field(default=None, hash=False)
    stack: Stack | None = field(default=None, hash=False)
    template: Json | None = field(default=None, hash=False)
    path: LivePath | None = field(default=None, hash=False)
    actions: int = 0
    rules: tuple[AutomationRule, ...] | None = field(default=None, hash=False)
    rule_count: int = 0


@dataclass(frozen=True)
class Facts:
    """How Security Hub is set up in an account.

    *aggregator*: as GetFindingAggregator answers, for OCSF findings GetAggregatorV2; or None. *knows_aggregator*: False
    if AWS did not answer whether there is one. *administrator*: the account that sees this one's findings,
    '' for none. *per_standard*: a failed control makes one finding for each standard that includes it. *v2*:
    whether the new Security Hub is enabled, None if AWS did not answer. *unknown*: in words, what AWS did not answer,
    and why; nothing depends on it.
    """

    aggregator: FindingAggregator | AggregatorV2 | None = field(default=None, hash=False)
    knows_aggregator: bool = True
    administrator: str = ""
    per_standard: bool = False
    v2: bool | None = None
    unknown: tuple[str, ...] = ()


class Target:
    """One target at any stage of a run: what its snapshot answers, and the later values, which hold it."""

    if TYPE_CHECKING:

        @property
        def settings(self) -> Settings: ...
        @property
        def account(self) -> Account | None: ...
        @property
        def live(self) -> LiveTarget: ...
        @property
        def problems(self) -> tuple[str, ...]: ...

    @property
    def host(self) -> str:
        """Return the name of the inventory host."""
        return self.settings.host

    @property
    def account_id(self) -> str:
        """Return the ID of the AWS account, '' if it is unknown."""
        return self.account.id if self.account else ""

    @property
    def error(self) -> str:
        """Return all problems as one text, '' without any."""
        return errors.joined(list(self.problems))


@dataclass(frozen=True)
class TargetSnapshot(Target):
    """One target as a run has read it; *problems* (each with cause and remedy) keep it from being changed.

    *in_another_slice*: another run's inventory has it; only its region is known.
    """

    settings: Settings
    account: Account | None = None
    live: LiveTarget = field(default_factory=LiveTarget)
    problems: tuple[str, ...] = ()
    in_another_slice: bool = False

    def refused(self, *sentences: str) -> TargetSnapshot:
        """Return the snapshot with more problems: a person wants to know all of them at the same time."""
        return replace(self, problems=tuple(dict.fromkeys((*self.problems, *sentences))))

    def failed(self, error: BaseException) -> TargetSnapshot:
        """Return the snapshot with the problems of *error*, unless it has some: the first failure causes the others."""
        return self if self.problems else self.refused(*errors.sentences(error))

    def unread(self, error: BaseException) -> TargetSnapshot:
        """Return the snapshot of a target that could not be read, with all missing permissions or the first failure."""
        if errors.is_denied(error) or isinstance(error, errors.MultipleErrors):
            return self.refused(*errors.sentences(error))
        return self.failed(error)


@dataclass(frozen=True)
class AccountSnapshot:
    """One account as a run has read it.

    *targets*: those of the run. *unselected*: targets with state present that ``--limit`` leaves out, or that another
    slice has. *invalid*: targets with state present whose variables are wrong. *regions*: all regions of the account
    in the inventory. *unplaced*: regions of the inventory's targets that may be of the account, as theirs is unknown.
    *coverage*: the account's other regions, None if unread. *configurations*: all its channel configurations as boto3
    shapes them. *buttons*: the custom actions behind its buttons. *stale*: ARNs of topics of this deployment that a
    configuration lists and that no longer exist. *is_complete*: everything could be read.
    """

    account: Account
    targets: tuple[TargetSnapshot, ...]
    unselected: tuple[TargetSnapshot, ...] = ()
    invalid: tuple[TargetSnapshot, ...] = ()
    regions: frozenset[str] = frozenset()
    unplaced: frozenset[str] = frozenset()
    coverage: AccountFacts | None = None
    facts: Facts = field(default_factory=Facts)
    configurations: tuple[Configuration, ...] = field(default=(), hash=False)
    identity: LiveIdentity = field(default_factory=LiveIdentity)
    buttons: tuple[CustomAction, ...] = field(default=(), hash=False)
    stale: frozenset[str] = frozenset()
    is_complete: bool = False

    @property
    def settings(self) -> Settings:
        """Return the settings of any target: on what an account has once, they agree."""
        return self.targets[0].settings

    @property
    def job_slices(self) -> bool:
        """Return whether the account may have targets that this run's inventory does not have."""
        return bool(self.settings.value("job_slices"))

    @property
    def everyone(self) -> tuple[TargetSnapshot, ...]:
        """Return all targets of the account, whether or not they are part of the run."""
        return (*self.targets, *self.unselected, *self.invalid)

    def refused(self, *sentences: str) -> AccountSnapshot:
        """Return the snapshot with problems of the account, which keep every target from being changed."""
        return replace(self, targets=tuple(target.refused(*sentences) for target in self.targets))

    def unread(self, error: BaseException) -> AccountSnapshot:
        """Return the snapshot of an account of which something could not be read."""
        return replace(self, is_complete=False, targets=tuple(target.unread(error) for target in self.targets))


@dataclass(frozen=True)
class Fleet:
    """All targets of a run, by account. *unknown*: those whose account is unknown. *hosts*: in inventory order."""

    hosts: tuple[str, ...]
    accounts: tuple[AccountSnapshot, ...]
    unknown: tuple[TargetSnapshot, ...] = ()

    @property
    def targets(self) -> tuple[TargetSnapshot, ...]:
        """Return all targets of the run, in inventory order."""
        return in_order(self.hosts, [*self.unknown, *(item for account in self.accounts for item in account.targets)])


def in_order(hosts: Iterable[str], targets: Iterable[AnyTarget]) -> tuple[AnyTarget, ...]:
    """Return *targets* in the order of *hosts*."""
    by_host = {target.host: target for target in targets}
    return tuple(by_host[host] for host in hosts)


def healthy(targets: Iterable[AnyTarget]) -> list[AnyTarget]:
    """Return the targets that have no problems."""
    return [target for target in targets if not target.problems]
