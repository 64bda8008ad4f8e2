# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets and accounts on their way through a run. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .identity import LiveIdentity
from .plan import TargetPlan
from .survey import Facts
from .survey import LiveTarget

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Sequence

    from .._aws.parallel import Outcome
    from .._channel.custom_action import CustomAction
    from .._channel.transformations import Configuration
    from .._inventory.discovery import AccountFacts
    from .._routing.clauses import Scope
    from .channels import ChannelsPlan
    from .desired import Account
    from .desired import Pipeline
    from .settings import Settings


@dataclass
class Target:
    """What a run knows of one target so far; *problems* (each with cause and remedy) end its way, and only its way.

    *wanted* None: nothing of it shall be left. *sends*: in words, what its pipeline lets through. *scopes*: what the
    patterns of its routes were made from, beside the routes' policies. *superseded*: ARNs of topics of others, which
    leave the channel in the same write in which its own come in. *left*: in words, what of its stack could not be
    deleted. *elsewhere*: another slice of the inventory has it; nothing but its region is known.
    """

    settings: Settings
    account: Account | None = None
    live: LiveTarget = field(default_factory=LiveTarget)
    wanted: Pipeline | None = None
    sends: str = ""
    scopes: tuple[Scope, ...] = ()
    superseded: frozenset[str] = frozenset()
    plan: TargetPlan = field(default_factory=TargetPlan)
    left: tuple[str, ...] = ()
    elsewhere: bool = False
    problems: list[str] = field(default_factory=list)

    @property
    def error(self) -> str:
        """Return all problems as one text, '' without any."""
        return errors.joined(self.problems)

    @property
    def account_id(self) -> str:
        """Return the AWS account, '' if it could not be found out."""
        return self.account.id if self.account else ""

    @property
    def host(self) -> str:
        """Return the name of the inventory host."""
        return self.settings.host

    def fail(self, error: BaseException) -> None:
        """End the target's way, if it has not ended yet: what fails after the first failure follows from it."""
        if not self.problems:
            self.refuse(*errors.sentences(error))

    def unread(self, error: BaseException) -> None:
        """Note why something could not be read: all permissions that are missing, or else the first failure."""
        if errors.is_denied(error) or isinstance(error, errors.MultipleErrors):
            self.refuse(*errors.sentences(error))
        else:
            self.fail(error)

    def refuse(self, *sentences: str) -> None:
        """Add to what keeps the target from being built; a person wants to know all of it at once."""
        self.problems += [sentence for sentence in dict.fromkeys(sentences) if sentence not in self.problems]


@dataclass
class AccountRun:
    """What a run knows of one account: its targets, its channels, and what is worth saying about it.

    *neighbours*: targets that shall be present and that this run leaves out (--limit). *unclear*: targets that shall be
    present and whose variables are wrong. *home*: the target that sends for the regions that feed it. *owner*: the one
    that sends the findings about global resources. *linked*: those whose findings an aggregator copies. *lost*: topics
    that the channel carries and that are no more. *regions*: all that the inventory has of the account. *beyond*: the
    account's other regions, None if nobody has asked for them. *actions*: the custom actions behind its buttons.
    *without_pipeline*: those of them where Security Hub is on and nobody sends the findings. *is_read*: all of it could
    be read. *authorised*: the workspaces that are, where that was asked. *wants_service_role*: the role by which Amazon
    Q subscribes to topics is missing.
    """

    account: Account
    targets: list[Target]
    neighbours: list[Target] = field(default_factory=list)
    unclear: list[Target] = field(default_factory=list)
    home: Target | None = None
    owner: Target | None = None
    linked: list[Target] = field(default_factory=list)
    lost: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    beyond: AccountFacts | None = None
    without_pipeline: tuple[str, ...] = ()
    facts: Facts = field(default_factory=Facts)
    configurations: list[Configuration] = field(default_factory=list)
    identity: LiveIdentity = field(default_factory=LiveIdentity)
    actions: list[CustomAction] = field(default_factory=list)
    is_read: bool = False
    authorised: frozenset[str] = frozenset()
    wants_service_role: bool = False
    plan: ChannelsPlan | None = None
    notices: list[str] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        """Return the settings of any target: what an account has once, they agree on."""
        return self.targets[0].settings

    @property
    def makes_service_role(self) -> bool:
        """Tell whether a channel is to be made, and before it the role that is missing."""
        return self.wants_service_role and self.plan is not None and self.plan.creates

    @property
    def sliced(self) -> bool:
        """Tell whether the account may have targets that this run's inventory does not have."""
        return bool(self.settings.value("job_slices"))

    def fail(self, error: BaseException) -> None:
        """Let every target of the account fail."""
        for target in self.targets:
            target.fail(error)

    def unread(self, error: BaseException) -> None:
        """Note why something of the account could not be read, without which none of its targets can go on."""
        self.is_read = False
        for target in self.targets:
            target.unread(error)

    def refuse(self, *sentences: str) -> None:
        """Add to what keeps every target of the account from being built or removed."""
        for target in self.targets:
            target.refuse(*sentences)


def owner_elsewhere(known: Sequence[Target]) -> list[Target]:
    """Return a stand-in for the owner region of an account if a slice does not have it, given the targets it has."""
    settings = known[0].settings
    owner = settings.value("global_findings_region")
    if not settings.value("job_slices") or not owner or owner in {item.settings.region for item in known}:
        return []
    return [Target(replace(settings, host=owner, region=owner), elsewhere=True)]


def healthy(targets: Iterable[Target]) -> list[Target]:
    """Return the targets that have not failed."""
    return [target for target in targets if not target.error]


def note_failures(outcomes: Iterable[Outcome[Any, Any]]) -> None:
    """Let the targets, or accounts, fail whose work has raised."""
    for outcome in outcomes:
        if outcome.error is not None:
            outcome.item.fail(outcome.error)
