# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each channel configuration of an account should list, and what changes: pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from typing import TYPE_CHECKING

from .._aws import errors
from .._aws.errors import UserError
from .._channel import plans
from .._channel import transformations
from .._channel.platforms import platform_of
from .._model import names
from .._model import topics as model_topics
from .._model.drift import LISTENER
from .._model.drift import TOPIC
from .._model.plan import ButtonsPlan
from .._model.plan import ChannelPlan
from .._model.plan import IdentityPlan
from .._model.plan import Merge
from .._model.snapshot import healthy
from .._resource.operation import Operation
from .._resource.ownership import is_managed
from .._resource.ownership import is_named_like
from .._resource.ownership import not_managed
from .._resource.tags import MANAGED_TAG
from . import buttons
from . import drift
from . import identity as identities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._channel.custom_action import CustomAction
    from .._model.account import Account
    from .._model.identity import Identity
    from .._model.identity import LiveIdentity
    from .._model.plan import TargetPlan
    from .._model.settings import Channel
    from .._model.settings import Settings
    from .._model.snapshot import AccountSnapshot
    from .._services.chatbot import Configuration


@dataclass(frozen=True)
class Topics:
    """The topics of an account's targets.

    *desired*: by channel. *leaving*: those of ours that leave the channels for good. *channels*: those that stay, even
    if none of their topics is ready yet. *unsubscribed*: those that Amazon Q does not subscribe to, as far as is known:
    their stack is created again, or a run that repairs drift has looked. *stale*: those named like ours that do not
    exist, and leave only our configurations.
    """

    desired: tuple[tuple[Channel, str], ...] = ()
    leaving: frozenset[str] = frozenset()
    channels: frozenset[Channel] = frozenset()
    unsubscribed: frozenset[str] = frozenset()
    stale: frozenset[str] = frozenset()


def of_account(snapshot: AccountSnapshot, targets: Sequence[TargetPlan]) -> ChannelPlan:
    """Return what an account's channels need for its *targets* without problems. Raise UserError."""
    return plan(
        snapshot.configurations,
        snapshot.identity,
        topics_of(snapshot, targets),
        names.identity(snapshot.settings, snapshot.account),
        snapshot.settings,
        snapshot.buttons,
    )


def topics_of(snapshot: AccountSnapshot, targets: Sequence[TargetPlan]) -> Topics:
    """Return what the targets need of the channels; those with problems keep what they have."""
    going_on = healthy(targets)
    desired = [topic for target in going_on if target.desired for topic in target.desired.topics]
    leaving = {
        arn
        for target in going_on
        for arn in (*model_topics.own_topics(target, snapshot.account), *target.design.replaced)
    }
    return Topics(
        desired=tuple(desired),
        leaving=frozenset(leaving) - {arn for _channel, arn in desired},
        stale=snapshot.stale - {arn for _channel, arn in desired},
        channels=frozenset(
            route.channel for target in targets if target.settings.present for route in target.settings.routes
        ),
        unsubscribed=frozenset(arn for target in going_on for arn in _unsubscribed(target, snapshot.account)),
    )


def _unsubscribed(target: TargetPlan, account: Account) -> list[str]:
    """Return the topics that Amazon Q does not subscribe to: a topic that is created again has no subscriptions."""
    live = target.live
    if target.desired is None:
        return []
    if Operation.CREATE in target.stack:
        return model_topics.live_topics(target, account)
    if live.path is None:
        return []
    missing = [item for item in drift.drifts(live.path) if item.part in (LISTENER, TOPIC)]
    return [live.path.resources.location.arn("sns", item.name) for item in missing]


def plan(
    configurations: Sequence[Configuration],
    live: LiveIdentity,
    topics: Topics,
    desired: Identity,
    settings: Settings,
    actions: Sequence[CustomAction],
) -> ChannelPlan:
    """Return what leads from the live channels to what the targets need. Raise UserError where nothing does.

    *configurations*: all channel configurations of the account, as boto3 shapes them. *settings*: those of any
    target of the account. *actions*: the custom actions behind its buttons.
    """
    merges = _merges(configurations, topics, desired, settings)
    after = _projected(configurations, merges)
    deletions = tuple(found for found in after if is_managed(found) and _is_unused(found, topics))
    kept = [found for found in after if found not in deletions]
    own = [merge for merge in merges if merge.desired.role_arn]
    with_role = [found for found in kept if found["IamRoleArn"] == desired.role_arn]
    # Other runs may deploy to other regions of the account. Their topics show that the channel is still needed.
    ends = not own and not topics.channels and not any(_lists_ours(found, settings.name) for found in with_role)
    return ChannelPlan(
        identity=_identity(desired, live, settings) if own else IdentityPlan(),
        merges=tuple(merges),
        buttons=_buttons(own, settings, actions) if own else ButtonsPlan(),
        deletions=tuple(
            plans.Removal(transformations.configuration_name(item), remove_topics=(), platform=platform_of(item))
            for item in deletions
        ),
        deleted_identity=identities.plan_absent(desired, live, stays=bool(with_role)) if ends else IdentityPlan(),
        deleted_buttons=buttons.plan_absent(actions) if ends else ButtonsPlan(),
    )


def _identity(desired: Identity, live: LiveIdentity, settings: Settings) -> IdentityPlan:
    problems = identities.problems(desired, live)
    if problems:
        raise UserError(errors.joined(problems))
    return identities.plan(desired, live, own_guardrail=not settings.value("guardrail_policy_arns"))


def _buttons(own: list[Merge], settings: Settings, actions: Sequence[CustomAction]) -> ButtonsPlan:
    """Return what happens to the buttons of our configurations; foreign ones keep their commands."""
    if not settings.value("buttons"):
        return buttons.plan_absent(actions)
    problems = buttons.problems(actions)
    if problems:
        raise UserError(errors.joined(problems))
    arns = tuple(str((merge.plan.after or {})["ChatConfigurationArn"]) for merge in own)
    return buttons.plan(actions, settings.name, settings.tags, arns, ocsf=settings.ocsf)


def look_up(
    configurations: Sequence[Configuration],
    live: LiveIdentity,
    channels: list[Channel],
    desired: Identity,
    settings: Settings,
) -> tuple[dict[Channel, Configuration | None], list[str]]:
    """Return the configuration of each channel, its own or one to adopt, or None; and everything that is in the way.

    Each problem is a sentence with its remedy. A channel whose configuration is ambiguous is left out.
    """
    looked_up = {channel: _looked_up(configurations, channel, desired, settings) for channel in channels}
    problems = [problem for _found, problem in looked_up.values() if problem]
    if problems or any(found is None or is_managed(found) for found, _problem in looked_up.values()):
        problems += identities.problems(desired, live)
    return {channel: found for channel, (found, problem) in looked_up.items() if found or not problem}, problems


def _looked_up(
    configurations: Sequence[Configuration], channel: Channel, desired: Identity, settings: Settings
) -> tuple[Configuration | None, str]:
    try:
        found = plans.adopted(configurations, _ours(channel, desired, settings))
    except UserError as error:
        return None, str(error)
    return found, "" if found is None or is_managed(found) else _foreign_name(found, channel)


def why_not_connected(configurations: Sequence[Configuration], channel: Channel, topic_arn: str) -> str:
    """Return why a channel does not receive what is published to a topic, with the remedy; '' if it does."""
    found = next((item for item in configurations if plans.same_channel(item, channel)), {})
    if topic_arn not in (found.get("SnsTopicArns") or []):
        return (
            f"the {channel.words} is not connected to the topic {topic_arn.rpartition(':')[2]}. Run the playbook "
            f"secops.securityhub.securityhub_slack."
        )
    if found.get("State") == "DISABLED":
        reason = str(found.get("StateReason") or "no reason given").rstrip(".")
        return (
            f"the {channel.words} is disabled ({reason}). Ask the administrator of the organization to allow it in the "
            f"chat applications policy."
        )
    return ""


def without_resubscribed(merge: Merge) -> plans.Desired:
    """Return the configuration without the topics that Amazon Q has to subscribe to again."""
    return _topics_only(merge.plan.before or {}, remove=merge.resubscribed)


def is_foreign(merge: Merge) -> bool:
    """Return whether the configuration is someone else's, of which only our topics are changed."""
    return merge.plan.before is not None and not is_managed(merge.plan.before)


def _merges(
    configurations: Sequence[Configuration], topics: Topics, identity: Identity, settings: Settings
) -> list[Merge]:
    desired = [
        _merge_desired(configurations, channel, topics, identity, settings)
        for channel in dict.fromkeys(channel for channel, _arn in topics.desired)
    ]
    taken = {(merge.plan.before or {}).get("ChatConfigurationArn") for merge in desired}
    others = [found for found in configurations if found["ChatConfigurationArn"] not in taken]
    # A topic that leaves for good leaves every configuration, or that would list a topic that does not exist. One that
    # stays leaves only configurations of ours that should not list it; foreign ones may.
    detached = [(found, _misplaced(found, topics)) for found in others]
    return desired + [_merge(configurations, _topics_only(found, remove=arns)) for found, arns in detached if arns]


def _misplaced(configuration: Configuration, topics: Topics, add: tuple[str, ...] = ()) -> tuple[str, ...]:
    of_ours = (_all(topics) - set(add)) | topics.stale if is_managed(configuration) else set()
    return tuple(arn for arn in configuration.get("SnsTopicArns", []) if arn in topics.leaving or arn in of_ours)


def _merge_desired(
    configurations: Sequence[Configuration], channel: Channel, topics: Topics, identity: Identity, settings: Settings
) -> Merge:
    add = tuple(arn for of, arn in topics.desired if of == channel)
    desired = replace(_ours(channel, identity, settings), add_topics=add)
    live = plans.adopted(configurations, desired)
    if live is None:
        return _merge(configurations, desired)
    remove = _misplaced(live, topics, add)
    renewed = tuple(arn for arn in live.get("SnsTopicArns", []) if arn in add and arn in topics.unsubscribed)
    if is_managed(live):
        return _merge(configurations, replace(desired, remove_topics=remove), renewed)
    problem = _foreign_name(live, channel)
    if problem:
        raise UserError(problem)
    return _merge(configurations, _topics_only(live, add=add, remove=remove), renewed)


def _merge(
    configurations: Sequence[Configuration], desired: plans.Desired, resubscribed: tuple[str, ...] = ()
) -> Merge:
    return Merge(desired, plans.plan(configurations, desired), resubscribed)


def _ours(channel: Channel, identity: Identity, settings: Settings) -> plans.Desired:
    given = settings.value("guardrail_policy_arns")
    return plans.Desired(
        name=channel.configuration,
        team_id=channel.team_id,
        channel_id=channel.channel_id,
        platform=channel.platform,
        tenant_id=channel.tenant_id or None,
        channel_name=channel.channel_name or None,
        role_arn=identity.role_arn,
        guardrail_policy_arns=tuple(given) or (identity.guardrail_arn,),
        logging_level=settings.value("logging_level"),
        user_authorization_required=settings.value("user_authorization_required"),
        tags=dict(settings.tags),
        purge_tags=False,
        tags_at_creation={MANAGED_TAG: settings.name},
    )


def _topics_only(live: Configuration, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> plans.Desired:
    platform = platform_of(live)
    return plans.Desired(
        name=transformations.configuration_name(live),
        platform=platform,
        team_id=live[platform.team_id],
        channel_id=live[platform.channel_id],
        role_arn=None,
        add_topics=add,
        remove_topics=remove,
    )


def _foreign_name(live: Configuration, channel: Channel) -> str:
    """Return why a foreign configuration that has the name of ours cannot be used, '' if it is of the same channel."""
    if plans.same_channel(live, channel):
        return ""
    platform = platform_of(live)
    return not_managed(
        f"the channel configuration {channel.configuration} of {platform.name} channel {live[platform.channel_id]}",
        "securityhub_slack_configuration_name",
    )


def _projected(configurations: Sequence[Configuration], merges: list[Merge]) -> Sequence[Configuration]:
    after = {found["ChatConfigurationArn"]: transformations.normalized(found) for found in configurations}
    for merge in merges:
        if merge.plan.after is not None:
            after[merge.plan.after["ChatConfigurationArn"]] = merge.plan.after
    return list(after.values())


def _is_unused(configuration: Configuration, topics: Topics) -> bool:
    return not configuration["SnsTopicArns"] and not any(
        plans.same_channel(configuration, channel) for channel in topics.channels
    )


def _lists_ours(configuration: Configuration, name: str) -> bool:
    """Return whether a configuration lists a topic that is named like those of the deployment *name*."""
    return any(is_named_like(arn.rpartition(":")[2], name) for arn in configuration["SnsTopicArns"])


def _all(topics: Topics) -> set[str]:
    return {arn for _channel, arn in topics.desired}
