# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a target and a channel shall be: pure, from settings and topology. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import TYPE_CHECKING
from typing import Any

from .._channel import message
from .._channel import metrics
from .._routing import patterns
from .._securityhub import action_target
from .._stack.alarms import Alarms
from .._stack.pseudo import ARN
from .._stack.pseudo import HERE
from .._stack.template import Rule
from .._stack.template import StackDesign
from . import identity as identities
from . import triage

if TYPE_CHECKING:
    from .settings import Channel
    from .settings import Settings


ACTION_DESCRIPTION = "Send this finding to the Slack channel"


@dataclass(frozen=True)
class Account:
    """An AWS account, as its credentials name it. *caller*: the ARN that they are for; several may lead into one."""

    id: str
    partition: str
    caller: str = field(default="", compare=False)


@dataclass(frozen=True)
class Pipeline:
    """What one target gets, and the topic that each channel configuration has to carry for it."""

    action: action_target.Desired
    stack: StackDesign
    topics: tuple[tuple[Channel, str], ...]


def action_arn(settings: Settings, account: Account) -> str:
    """Return the ARN of the target's custom action."""
    where = f"arn:{account.partition}:securityhub:{settings.region}:{account.id}"
    return f"{where}:action/custom/{settings.value('action_id')}"


def identity(settings: Settings, account: Account) -> identities.Identity:
    """Return the names of the account's channel role and guardrail."""
    permissions = triage.permissions(account) if settings.value("buttons") else None
    return identities.identity(account, settings.name, settings.tags, permissions)


def topic_arn(settings: Settings, account: Account, topic: str) -> str:
    """Return the ARN of a topic of the target. It is derived, never read, so that every run sees the same plan."""
    return f"arn:{account.partition}:sns:{settings.region}:{account.id}:{topic}"


def topic_arns(settings: Settings, account: Account) -> tuple[tuple[Channel, str], ...]:
    """Return each route's channel with the ARN of its topic."""
    return tuple((route.channel, topic_arn(settings, account, route.topic)) for route in settings.routes)


def pipeline(
    settings: Settings,
    account: Account,
    automatic: tuple[tuple[dict[str, Any], ...], ...],
    duties: tuple[str, ...],
    configurations: tuple[str, ...] = (),
) -> Pipeline:
    """Return the pipeline of one target.

    *automatic*: for each of its routes, the patterns of automatic forwarding. *duties*: see StackDesign.
    *configurations*: the names of the account's channel configurations.
    """
    return Pipeline(
        action=action_target.Desired(settings.value("action_id"), settings.value("action_name"), ACTION_DESCRIPTION),
        stack=replace(_stack(settings, automatic), duties=duties, alarms=_alarms(settings, configurations)),
        topics=topic_arns(settings, account),
    )


def _alarms(settings: Settings, configurations: tuple[str, ...]) -> Alarms | None:
    if not settings.value("alarms"):
        return None
    counted_here = settings.region == metrics.REGION
    return Alarms(str(settings.value("alarm_topic_arn") or ""), configurations if counted_here else ())


def _stack(settings: Settings, automatic: tuple[tuple[dict[str, Any], ...], ...]) -> StackDesign:
    # One text for all accounts and regions: CloudFormation fills in which.
    action = {"Fn::Sub": f"{ARN}:securityhub:{HERE}:action/custom/{settings.value('action_id')}"}
    by_hand = Rule(
        name=f"{settings.name}-action",
        description="Findings that somebody sends with the Security Hub custom action",
        pattern=patterns.action_pattern(action),
        topic=settings.routes[0].topic,
        # A custom action is one of Security Hub CSPM, whatever is sent automatically.
        transformer=_transformer(settings, "asff"),
    )
    rules = [
        Rule(
            name=f"{route.topic}-findings" + ("" if number == 1 else f"-{number}"),
            description="New findings that are important enough to be sent automatically",
            pattern=pattern,
            topic=route.topic,
            automatic=True,
            transformer=_transformer(settings, settings.value("finding_format")),
        )
        for route, of_route in zip(settings.routes, automatic)
        for number, pattern in enumerate(of_route, start=1)
    ]
    return StackDesign(
        name=settings.name,
        topics=tuple(route.topic for route in settings.routes),
        rules=(*rules, by_hand),
        tags=settings.tags,
        mark_notified=settings.value("mark_notified"),
        key=settings.key,
    )


def _transformer(settings: Settings, schema: str) -> dict[str, Any] | None:
    if settings.value("message_format") != "custom":
        return None
    return message.transformer(schema, buttons=settings.value("buttons"))
