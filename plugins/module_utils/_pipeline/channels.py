# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An account's Slack channels: what each configuration shall carry, pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from typing import TYPE_CHECKING

from .._aws.errors import UserError
from .._channel import plans
from .._channel import transformations
from .._channel.platforms import SLACK
from . import identity as identities
from . import triage

if TYPE_CHECKING:
    from .._channel.custom_action import CustomAction
    from .._channel.transformations import Configuration
    from .identity import Identity
    from .identity import IdentityPlan
    from .identity import LiveIdentity
    from .settings import Channel
    from .settings import Settings


@dataclass(frozen=True)
class Topics:
    """What the targets of an account say of topics: *wanted* by channel, *leaving* for good.

    *channels*: those that shall stay, also where none of their topics is ready yet. *unheard*: those that Amazon Q is
    not subscribed to, as far as is known: their stack is made anew, or a deep survey has looked.
    """

    wanted: tuple[tuple[Channel, str], ...] = ()
    leaving: frozenset[str] = frozenset()
    channels: frozenset[Channel] = frozenset()
    unheard: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Merge:
    """One configuration on its way: what it shall be, and the plan that leads there.

    *resubscribed*: topics that it has and that go out and in again, since Amazon Q subscribes to a topic when it comes
    in, and only then.
    """

    desired: plans.Desired
    plan: plans.Plan
    resubscribed: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Tell whether anything has to be written."""
        return self.plan.changed or bool(self.resubscribed)

    @property
    def name(self) -> str:
        """Return the configuration's name, which is another one than desired where it was adopted."""
        return transformations.configuration_name(self.plan.after or self.plan.before or {})


@dataclass(frozen=True)
class ChannelsPlan:
    """What happens to an account's channels; *closing*, *parting* and *farewell* wait until the topics are gone.

    *buttons*: those that it shall have, or shall have no longer; *parting*: those that go with the last channel.
    """

    identity: IdentityPlan
    merges: tuple[Merge, ...]
    closing: tuple[plans.Removal, ...]
    farewell: IdentityPlan
    buttons: triage.ButtonsPlan
    parting: triage.ButtonsPlan

    @property
    def staying(self) -> tuple[Merge, ...]:
        """Return the merges of the configurations that are not deleted afterwards."""
        leaving = {removal.name for removal in self.closing}
        return tuple(merge for merge in self.merges if merge.name not in leaving)

    @property
    def changed(self) -> bool:
        """Tell whether anything has to be written."""
        return (
            self.identity.changed
            or any(merge.changed for merge in self.merges)
            or bool(self.closing)
            or self.farewell.changed
            or self.buttons.changed
            or self.parting.changed
        )

    @property
    def creates(self) -> bool:
        """Tell whether a configuration is made."""
        return any(merge.plan.operation == "create" for merge in self.merges)

    @property
    def takes_away(self) -> bool:
        """Tell whether topics leave, or what held them is to be cleared away."""
        leaving = any(merge.plan.changed and merge.desired.remove_topics for merge in self.merges)
        return leaving or bool(self.closing) or self.farewell.changed


def plan(
    configurations: list[Configuration],
    live: LiveIdentity,
    topics: Topics,
    wanted: Identity,
    settings: Settings,
    actions: list[CustomAction],
) -> ChannelsPlan:
    """Return the way from what is there to what the targets want. Raise UserError where there is none.

    *configurations*: all Slack channel configurations of the account, as boto3 shapes them. *settings*: those of any
    target of the account. *actions*: the custom actions behind its buttons.
    """
    merges = _merges(configurations, topics, wanted, settings)
    after = _projected(configurations, merges)
    closing = tuple(found for found in after if _is_ours(found) and _is_spent(found, topics))
    left = [found for found in after if found not in closing]
    own = [merge for merge in merges if merge.desired.role_arn]
    needed = bool(own)
    in_use = needed or topics.channels or any(found["IamRoleArn"] == wanted.role_arn for found in left)
    farewell = identities.IdentityPlan() if in_use else identities.plan_absent(wanted, live)
    return ChannelsPlan(
        identity=(
            identities.plan(wanted, live, own_guardrail=not settings.value("guardrail_policy_arns"))
            if needed
            else identities.IdentityPlan()
        ),
        merges=tuple(merges),
        closing=tuple(plans.Removal(transformations.configuration_name(found), remove_topics=()) for found in closing),
        farewell=farewell,
        buttons=_buttons(own, settings, actions) if needed else triage.ButtonsPlan(),
        parting=triage.plan_absent(actions) if farewell.changed else triage.ButtonsPlan(),
    )


def _buttons(own: list[Merge], settings: Settings, actions: list[CustomAction]) -> triage.ButtonsPlan:
    """Return what happens to the buttons of our configurations; those of others keep the commands they have."""
    if not settings.value("buttons"):
        return triage.plan_absent(actions)
    arns = tuple(str((merge.plan.after or {})["ChatConfigurationArn"]) for merge in own)
    return triage.plan(actions, settings.name, settings.tags, arns)


def problems(
    configurations: list[Configuration],
    live: LiveIdentity,
    channels: list[Channel],
    wanted: Identity,
    settings: Settings,
) -> list[str]:
    """Return all that keeps these channels from being configured, each as a sentence with its remedy."""
    foreign: list[bool] = []
    found: list[str] = []
    for channel in channels:
        configuration, problem = _configuration_or_problem(configurations, channel, wanted, settings)
        found += filter(None, [problem])
        foreign.append(configuration is not None and not _is_ours(configuration))
    return found + ([] if all(foreign) else identities.problems(wanted, live))


def _configuration_or_problem(
    configurations: list[Configuration], channel: Channel, wanted: Identity, settings: Settings
) -> tuple[Configuration | None, str]:
    try:
        found = configuration_of(configurations, channel, wanted, settings)
        if found is not None and not _is_ours(found):
            _refuse_foreign_name(found, channel)
    except UserError as error:
        return None, str(error)
    return found, ""


def configuration_of(
    configurations: list[Configuration], channel: Channel, wanted: Identity, settings: Settings
) -> Configuration | None:
    """Return the configuration that the channel has, or that becomes its own, or None. Raise UserError."""
    return plans.adopted(configurations, _ours(channel, wanted, settings))


def deafness(configurations: list[Configuration], channel: Channel, topic_arn: str) -> str:
    """Return why a channel's configuration does not take what comes through a topic, with the remedy; '' if it does."""
    wanted = (channel.workspace_id, channel.channel_id)
    found = next((item for item in configurations if (item[SLACK.team_id], item[SLACK.channel_id]) == wanted), {})
    if topic_arn not in (found.get("SnsTopicArns") or []):
        return (
            f"the Slack channel {channel.channel_id} is not connected to the topic {topic_arn.rpartition(':')[2]}: run "
            f"the playbook securityhub_slack.yml."
        )
    if found.get("State") == "DISABLED":
        reason = str(found.get("StateReason") or "no reason given").rstrip(".")
        return (
            f"the Slack channel {channel.channel_id} is disabled ({reason}): let the organization's administrator "
            f"allow it in the policy for chat applications."
        )
    return ""


def without_resubscribed(merge: Merge) -> plans.Desired:
    """Return what the configuration shall be before the topics come in again that have to be subscribed to anew."""
    return _topics_only(merge.plan.before or {}, remove=merge.resubscribed)


def foreign(merge: Merge) -> bool:
    """Tell whether the configuration was there before this collection, which then leaves all but its topics alone."""
    return merge.plan.before is not None and not _is_ours(merge.plan.before)


def _merges(configurations: list[Configuration], topics: Topics, identity: Identity, settings: Settings) -> list[Merge]:
    wanted = [
        _merge_wanted(configurations, channel, topics, identity, settings)
        for channel in dict.fromkeys(channel for channel, _arn in topics.wanted)
    ]
    taken = {(merge.plan.before or {}).get("ChatConfigurationArn") for merge in wanted}
    others = [found for found in configurations if found["ChatConfigurationArn"] not in taken]
    # A topic that leaves for good leaves every configuration, or that would carry what no longer exists. One that stays
    # leaves only configurations of ours that it has no business in; what others have made of it is theirs.
    detached = [(found, _misplaced(found, topics)) for found in others]
    return wanted + [_merge(configurations, _topics_only(found, remove=arns)) for found, arns in detached if arns]


def _misplaced(configuration: Configuration, topics: Topics, add: tuple[str, ...] = ()) -> tuple[str, ...]:
    strangers = _all(topics) - set(add) if _is_ours(configuration) else set()
    return tuple(arn for arn in configuration.get("SnsTopicArns", []) if arn in topics.leaving or arn in strangers)


def _merge_wanted(
    configurations: list[Configuration], channel: Channel, topics: Topics, identity: Identity, settings: Settings
) -> Merge:
    add = tuple(arn for of, arn in topics.wanted if of == channel)
    desired = replace(_ours(channel, identity, settings), add_topics=add)
    live = plans.adopted(configurations, desired)
    if live is None:
        return _merge(configurations, desired)
    remove = _misplaced(live, topics, add)
    renewed = tuple(arn for arn in live.get("SnsTopicArns", []) if arn in add and arn in topics.unheard)
    if _is_ours(live):
        return _merge(configurations, replace(desired, remove_topics=remove), renewed)
    _refuse_foreign_name(live, channel)
    return _merge(configurations, _topics_only(live, add=add, remove=remove), renewed)


def _merge(configurations: list[Configuration], desired: plans.Desired, resubscribed: tuple[str, ...] = ()) -> Merge:
    return Merge(desired, plans.plan(configurations, desired), resubscribed)


def _ours(channel: Channel, identity: Identity, settings: Settings) -> plans.Desired:
    given = settings.value("guardrail_policy_arns")
    return plans.Desired(
        name=channel.configuration,
        team_id=channel.workspace_id,
        channel_id=channel.channel_id,
        channel_name=channel.channel_name or None,
        role_arn=identity.role_arn,
        guardrail_policy_arns=tuple(given) or (identity.guardrail_arn,),
        logging_level=settings.value("logging_level"),
        user_authorization_required=settings.value("user_authorization_required"),
        tags=dict(settings.tags),
        purge_tags=False,
        tags_at_creation={plans.MANAGED_TAG: settings.name},
    )


def _topics_only(live: Configuration, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> plans.Desired:
    return plans.Desired(
        name=transformations.configuration_name(live),
        team_id=live[SLACK.team_id],
        channel_id=live[SLACK.channel_id],
        role_arn=None,
        add_topics=add,
        remove_topics=remove,
    )


def _refuse_foreign_name(live: Configuration, channel: Channel) -> None:
    if live[SLACK.channel_id] != channel.channel_id:
        raise UserError(
            f"the channel configuration {channel.configuration} is there for Slack channel {live[SLACK.channel_id]}, "
            f"and was not made by this collection: set securityhub_slack_configuration_name to a name of its own."
        )


def _projected(configurations: list[Configuration], merges: list[Merge]) -> list[Configuration]:
    after = {found["ChatConfigurationArn"]: transformations.normalized(found) for found in configurations}
    for merge in merges:
        if merge.plan.after is not None:
            after[merge.plan.after["ChatConfigurationArn"]] = merge.plan.after
    return list(after.values())


def _is_spent(configuration: Configuration, topics: Topics) -> bool:
    return not configuration["SnsTopicArns"] and not any(
        (configuration[SLACK.team_id], configuration[SLACK.channel_id]) == (channel.workspace_id, channel.channel_id)
        for channel in topics.channels
    )


def _is_ours(configuration: Configuration) -> bool:
    return plans.MANAGED_TAG in transformations.tags_of(configuration)


def _all(topics: Topics) -> set[str]:
    return {arn for _channel, arn in topics.wanted}
