# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to change in one account: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._aws.errors import UserError
from .._channel import transformations
from .._model import layout
from .._model import names
from .._model import topics
from .._model.plan import DEPLOY_EXPORT
from .._model.plan import AccountPlan
from .._model.plan import TargetPlan
from .._model.snapshot import healthy
from .._resource.ownership import is_managed
from .._stack import live
from . import channel
from . import duplicates
from . import target as of_target
from . import transfer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Sequence

    from .._model.plan import AccountDesign
    from .._model.plan import Blockers
    from .._model.plan import ChannelPlan
    from .._model.snapshot import AccountSnapshot


def plan(design: AccountDesign, blockers: Blockers) -> AccountPlan:
    """Return what leads an account from its live state to its design, as far as nothing blocks it."""
    targets = _targets(design, blockers)
    notices = [*design.notices, *blockers.notices]
    if blockers.unless_unchanged:
        present = [target for target in targets if target.settings.present]
        unblocked = healthy(present)
        if unblocked and not any(target.changed for target in unblocked):
            # Those that have other problems would change without them.
            present = [target for target in present if target.problems]
            notices += [] if present else [sentence.rstrip(".") for sentence in blockers.unless_unchanged]
        hosts = {target.host for target in present}
        targets = tuple(
            refused(target, *blockers.unless_unchanged) if target.host in hosts else target for target in targets
        )
    targets = transfer.held(design, targets, [*targets, *design.others])
    notices += transfer.notices(design, targets)
    channels: ChannelPlan | None = None
    if healthy(targets):
        try:
            channels = channel.of_account(design.snapshot, targets)
        except UserError as error:
            targets = tuple(
                target if target.problems else refused(target, *errors.sentences(error)) for target in targets
            )
    notices += [*_without_buttons(design, channels), *_removable_from_stack_set(targets), *_foreign_actions(targets)]
    notices += [*_foreign_topics(design), *_foreign_of_account(design.snapshot)]
    notices += [*duplicates.of_template(design), *duplicates.adopted(channels)]
    return AccountPlan(design, targets, channels, blockers, tuple(dict.fromkeys(notices)))


def refused(target: TargetPlan, *sentences: str) -> TargetPlan:
    """Return the plan of a target that must not be changed, with the reasons."""
    return TargetPlan(target.design, problems=tuple(dict.fromkeys((*target.problems, *sentences))))


def _targets(design: AccountDesign, blockers: Blockers) -> tuple[TargetPlan, ...]:
    is_member = layout.is_member(design.snapshot)
    return tuple(
        of_target.plan(
            target,
            blockers.problems.get(target.host, ()),
            was_read=not target.problems or (target.live.hub is not None and not is_member),
        )
        for target in design.targets
    )


def _without_buttons(design: AccountDesign, channels: ChannelPlan | None) -> list[str]:
    """Return what to report about channels that get no buttons although the account should have some."""
    merges = channels.merges if channels and design.settings.value("buttons") else ()
    return [
        f"the channel configuration {merge.name} is not managed by this collection and has its own role, so its "
        f"messages get no buttons"
        for merge in merges
        if channel.is_foreign(merge) and merge.desired.add_topics
    ]


def _foreign_actions(targets: Sequence[TargetPlan]) -> list[str]:
    """Return what to report about custom actions that a removal leaves, because they are not ours."""
    hosts: dict[str, list[str]] = {}
    for target in healthy(targets):
        foreign = of_target.foreign_action(target)
        if target.desired is None and foreign:
            hosts.setdefault(foreign, []).append(target.host)
    return [
        f"the custom action {identifier} is not managed by the deployment {targets[0].settings.name}, and stays in "
        f"{', '.join(found)}"
        for identifier, found in hosts.items()
    ]


def _foreign_of_account(snapshot: AccountSnapshot) -> list[str]:
    """Return what to report about resources of the account that a complete removal leaves, because they are not ours.

    They have the names of ours.
    """
    if any(target.settings.present for target in snapshot.everyone):
        return []
    settings, live = snapshot.settings, snapshot.identity
    identity = names.identity(settings, snapshot.account)
    wanted = {route.channel.configuration for route in settings.routes}
    configurations = [(transformations.configuration_name(found), found) for found in snapshot.configurations]
    found: list[tuple[str, str, Mapping[str, Any] | None]] = [
        ("IAM role", identity.role_name, live.role),
        ("IAM policy", identity.guardrail_name, live.guardrail),
        *(("channel configuration", name, item) for name, item in configurations if name in wanted),
        *(("custom action of Amazon Q", item["ActionName"], item) for item in snapshot.buttons),
    ]
    return [
        f"the {kind} {name} is not managed by this collection, and stays"
        for kind, name, resource in found
        if resource is not None and not is_managed(resource)
    ]


def _foreign_topics(design: AccountDesign) -> list[str]:
    """Return what to report about topics that are named like ours, and stay in a channel as they may not be ours."""
    return [
        f"the channel configuration {configuration} lists the topic {arn}, which no stack of this collection has. It "
        f"stays; remove it by hand if nothing needs it"
        for configuration, arn in topics.foreign_topics(design)
    ]


def _removable_from_stack_set(targets: Sequence[TargetPlan]) -> list[str]:
    """Return what to report about stacks of a StackSet that should not exist, which are not ours to delete."""
    hosts = [
        target.host
        for target in healthy(targets)
        if target.settings.stack_set and target.desired is None and live.is_ours(target.live.stack)
    ]
    if not hosts:
        return []
    return [
        f"the StackSet has stacks that no channel subscribes to any more, for {', '.join(hosts)}: "
        f"{DEPLOY_EXPORT}, or delete the StackSet if all of them should be removed"
    ]
