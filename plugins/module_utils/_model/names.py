# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and ARNs that follow from a target's settings: pure. PRIVATE to the collection.

They are derived, never read, so that every run sees the same plan, in check mode and with ``--limit`` too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import buttons
from .identity import identity_of

if TYPE_CHECKING:
    from .account import Account
    from .identity import Identity
    from .settings import Channel
    from .settings import Settings


def action_arn(settings: Settings, account: Account) -> str:
    """Return the ARN of the target's custom action."""
    hub = f"arn:{account.partition}:securityhub:{settings.region}:{account.id}"
    return f"{hub}:action/custom/{settings.value('action_id')}"


def topic_arn(settings: Settings, account: Account, topic: str) -> str:
    """Return the ARN of a topic of the target."""
    return f"arn:{account.partition}:sns:{settings.region}:{account.id}:{topic}"


def topic_arns(settings: Settings, account: Account) -> tuple[tuple[Channel, str], ...]:
    """Return each channel of the target with the ARN of the topic that feeds it."""
    return tuple((route.channel, topic_arn(settings, account, route.topic)) for route in settings.routes)


def receiver_topic_arns(settings: Settings, account: Account) -> tuple[str, ...]:
    """Return the ARNs of the topics of the target's receivers."""
    routes = (route for route in settings.receivers if route.receiver.has_topic)
    return tuple(topic_arn(settings, account, route.topic) for route in routes)


def identity(settings: Settings, account: Account) -> Identity:
    """Return the channel role and guardrail that the account should have."""
    permissions = buttons.permissions(account, ocsf=settings.ocsf) if settings.value("buttons") else None
    return identity_of(account, settings.name, settings.tags, permissions, settings.value("permissions_boundary"))
