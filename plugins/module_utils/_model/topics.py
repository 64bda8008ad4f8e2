# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The topics of a target: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._channel import transformations
from .._resource.ownership import is_managed
from .._resource.ownership import is_named_like
from .._stack import live
from .._stack import template
from . import names
from .snapshot import healthy

if TYPE_CHECKING:
    from .account import Account
    from .plan import AccountDesign
    from .plan import TargetDesign
    from .snapshot import Target


def own_topics(target: Target, account: Account) -> list[str]:
    """Return the ARNs of the topics that the target's stack has, if it is ours: only these are provably ours."""
    stack = target.live.stack
    topics = template.topics_of(live.tags_of(stack)) if live.is_ours(stack) else ()
    return [names.topic_arn(target.settings, account, topic) for topic in sorted(topics)]


def live_topics(target: Target, account: Account) -> list[str]:
    """Return the ARNs of a target's topics: those that its stack has, and those that it would have by its settings."""
    topics = {*template.topics_of(live.tags_of(target.live.stack)), *(route.topic for route in target.settings.routes)}
    return [names.topic_arn(target.settings, account, topic) for topic in sorted(topics)]


def unknown_topics(design: AccountDesign) -> list[tuple[TargetDesign, str]]:
    """Return the listed topics, by their target, that are named like ours, and that no stack has or should have.

    A run that was interrupted after it removed a topic, and before it removed it from the channel, leaves one.
    """
    targets = healthy(design.targets)
    known = {arn for target in targets for arn in own_topics(target, design.account)}
    known |= {arn for target in targets if target.desired for _channel, arn in target.desired.topics}
    listed = {arn for found in design.snapshot.configurations for arn in found.get("SnsTopicArns", [])}
    own = [(target, names.topic_arn(target.settings, design.account, target.settings.name)) for target in targets]
    return [(target, arn) for target, ours in own for arn in sorted(listed - known) if is_named_like(arn, ours)]


def foreign_topics(design: AccountDesign) -> list[tuple[str, str]]:
    """Return the topics that stay in a channel although they are named like ours: (configuration, topic ARN).

    One that exists is foreign if no stack of ours has it, and one that does not exist may have been anyone's in a
    configuration that is not ours.
    """
    named = [(arn, names.topic_arns(target.settings, design.account)) for target, arn in unknown_topics(design)]
    stale = design.snapshot.stale
    suspects = {arn for arn, ours in named if arn in stale or arn in {topic for _channel, topic in ours}}
    return [
        (transformations.configuration_name(found), arn)
        for found in design.snapshot.configurations
        for arn in found.get("SnsTopicArns", [])
        if arn in suspects and not (arn in stale and is_managed(found))
    ]
