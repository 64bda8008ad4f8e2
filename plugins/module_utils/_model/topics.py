# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The topics of a target: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any

from .._stack import live
from .._stack import template
from . import names
from .snapshot import healthy

if TYPE_CHECKING:
    from .account import Account
    from .plan import AccountDesign
    from .plan import TargetDesign


def live_topics(target: Any, account: Account) -> list[str]:
    """Return the ARNs of a target's topics: those that its stack has, and those that it would have by its settings.

    *target*: of any stage.
    """
    topics = {*template.topics_of(live.tags_of(target.live.stack)), *(route.topic for route in target.settings.routes)}
    return [names.topic_arn(target.settings, account, topic) for topic in sorted(topics)]


def unknown_topics(design: AccountDesign) -> list[tuple[TargetDesign, str]]:
    """Return the listed topics, by their target, that are named like ours and that no stack or setting knows.

    A run that was interrupted after it removed a topic, and before it removed it from the channel, leaves one.
    """
    targets: list[TargetDesign] = healthy(design.targets)
    known = {arn for target in targets for arn in live_topics(target, design.account)}
    known |= {arn for target in targets if target.desired for _channel, arn in target.desired.topics}
    listed = {arn for found in design.snapshot.configurations for arn in found.get("SnsTopicArns", [])}
    own = [(target, names.topic_arn(target.settings, design.account, target.settings.name)) for target in targets]
    return [(target, arn) for target, ours in own for arn in sorted(listed - known) if f"{arn}-".startswith(f"{ours}-")]
