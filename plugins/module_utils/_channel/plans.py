# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the changes to a Chatbot channel configuration, which is merged, never overwritten: pure.

PRIVATE to the collection. AWS allows one configuration for a chat channel in an account, and an update replaces its
list of topics as a whole
(https://docs.aws.amazon.com/chatbot/latest/APIReference/API_UpdateSlackChannelConfiguration.html). Several runs, tools
and people share it nevertheless, so a plan adopts what exists, adds and removes own topics, and keeps foreign ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Protocol

from .._aws import errors
from .._resource.operation import Operation
from .._resource.ownership import is_managed
from .._resource.tags import chatbot_tags
from .._resource.tags import tag_changes
from .._resource.tags import tags_of
from .._resource.tags import with_changes
from .._services.chatbot import Configuration
from . import messages
from .platforms import SLACK
from .platforms import Platform
from .platforms import platform_of
from .transformations import configuration_name
from .transformations import normalized

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._resource.shapes import Json

# AWS sets this if no guardrail is given.
DEFAULT_GUARDRAILS = ["arn:aws:iam::aws:policy/AdministratorAccess"]


@dataclass(frozen=True)
class Desired:
    """A channel configuration as it should be; None leaves a setting alone, anything else is authoritative.

    *tags_at_creation* are set only on a configuration that is created, never on one that is adopted, and are never
    purged. *role_arn* may be None for a configuration that exists.
    """

    name: str
    team_id: str
    channel_id: str
    role_arn: str | None
    channel_name: str | None = None
    add_topics: tuple[str, ...] = ()
    remove_topics: tuple[str, ...] = ()
    purge_topics: bool = False
    guardrail_policy_arns: tuple[str, ...] | None = None
    logging_level: str | None = None
    user_authorization_required: bool | None = None
    tags: dict[str, str] | None = None
    purge_tags: bool = True
    tags_at_creation: dict[str, str] = field(default_factory=dict)
    tenant_id: str | None = None
    team_name: str | None = None
    platform: Platform = SLACK


@dataclass(frozen=True)
class Removal:
    """A removal: of own topics, and of the configuration if it is ours and no topic is left.

    If *team_id* and *channel_id* are empty, the configuration is found by name, or by the topics.
    """

    name: str
    remove_topics: tuple[str, ...]
    team_id: str = ""
    channel_id: str = ""
    platform: Platform = SLACK


@dataclass(frozen=True)
class Plan:
    """The change of one configuration.

    *before* and *after* have boto3's shape (see transformations.normalized); None where no configuration exists.
    *kwargs* are the members to send; empty for an update that only concerns tags.
    """

    operation: Operation
    before: Configuration | None
    after: Configuration | None
    kwargs: Json = field(default_factory=dict)
    tags_to_set: dict[str, str] = field(default_factory=dict)
    tags_to_unset: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Tell whether there is anything to do."""
        return self.operation != Operation.NONE

    @property
    def new_topics(self) -> frozenset[str]:
        """Return the ARNs of the topics that the configuration does not list yet."""
        before, after = (frozenset((state or {}).get("SnsTopicArns", ())) for state in (self.before, self.after))
        return after - before


class ChatChannel(Protocol):
    """A channel of a chat platform."""

    @property
    def team_id(self) -> str: ...
    @property
    def channel_id(self) -> str: ...
    @property
    def platform(self) -> Platform: ...


def plan(configurations: Sequence[Configuration], desired: Desired) -> Plan:
    """Return the change from *configurations* (all of the account) to *desired*. Raise UserError if AWS allows none."""
    current = adopted(configurations, desired)
    if current is not None:
        return _change(normalized(current), desired)
    # Of several runs that remove topics, the last one deletes the configuration, perhaps before this one reads it.
    only_removes = desired.remove_topics and not (desired.add_topics or desired.role_arn)
    return Plan(Operation.NONE, None, None) if only_removes else _creation(desired)


def plan_absent(configurations: Sequence[Configuration], removal: Removal) -> Plan:
    """Return the next step of the removal: each plan concerns one configuration, the last one is empty."""
    named = [found for found in configurations if concerns(removal, found)]
    own = set(removal.remove_topics)
    holders = named or [found for found in configurations if own & set(found["SnsTopicArns"])]
    plans = [_detachment(normalized(found), removal) for found in holders]
    needed = [step for step in plans if step.changed]
    return (needed or plans or [Plan(Operation.NONE, None, None)])[0]


def plan_deletion(configurations: Sequence[Configuration], name: str) -> Plan:
    """Return the plan to delete the configuration of this name, whatever it holds."""
    for found in configurations:
        if configuration_name(found) == name:
            return Plan(Operation.DELETE, normalized(found), None)
    return Plan(Operation.NONE, None, None)


def same_channel(configuration: Configuration, channel: ChatChannel) -> bool:
    """Tell whether this is the configuration of that channel; the two may be of different platforms."""
    platform = channel.platform
    return bool(channel.channel_id) and all(
        # Hexadecimal digits of a UUID and of %3a may be in either case.
        configuration.get(member, "").casefold() == value.casefold()
        for member, value in ((platform.team_id, channel.team_id), (platform.channel_id, channel.channel_id))
    )


def concerns(channel: Desired | Removal, configuration: Configuration) -> bool:
    """Tell whether a configuration is that of the channel, or has the name of the one that is meant."""
    return configuration_name(configuration) == channel.name or same_channel(configuration, channel)


def adopted(configurations: Sequence[Configuration], desired: Desired) -> Configuration | None:
    """Return the configuration of the desired channel, whatever its name, else the one of the desired name."""
    named = next((found for found in configurations if configuration_name(found) == desired.name), None)
    for found in configurations:
        if not same_channel(found, desired):
            continue
        if named is not None and named is not found:
            owner = platform_of(named)
            raise errors.UserError(
                messages.channel_has_another(
                    owner, desired.name, named[owner.channel_id], desired.channel_id, configuration_name(found)
                )
            )
        return found
    if named is not None and named.get(desired.platform.team_id, "").casefold() != desired.team_id.casefold():
        owner = platform_of(named)
        raise errors.UserError(
            messages.belongs_to_another_team(
                owner, desired.name, named[owner.team_id], desired.platform, desired.team_id
            )
        )
    return named


def _creation(desired: Desired) -> Plan:
    platform = desired.platform
    if not desired.role_arn:
        raise errors.UserError(messages.needs_role(desired.name))
    optional = {
        "TenantId": desired.tenant_id,
        platform.channel_name: desired.channel_name,
        "TeamName": desired.team_name,
        "LoggingLevel": desired.logging_level,
        "UserAuthorizationRequired": desired.user_authorization_required,
        "GuardrailPolicyArns": _sorted(desired.guardrail_policy_arns),
        "Tags": chatbot_tags({**desired.tags_at_creation, **(desired.tags or {})}) or None,
    }
    kwargs = {
        "ConfigurationName": desired.name,
        platform.team_id: desired.team_id,
        platform.channel_id: desired.channel_id,
        "IamRoleArn": desired.role_arn,
        "SnsTopicArns": _merged_topics([], desired),
        **{member: value for member, value in optional.items() if value is not None},
    }
    account = desired.role_arn.split(":")[4]
    expected = {
        "GuardrailPolicyArns": DEFAULT_GUARDRAILS,
        "State": "ENABLED",
        **kwargs,
        "ChatConfigurationArn": platform.arn(account, desired.name),
    }
    return Plan(Operation.CREATE, None, normalized(expected), kwargs)


def _change(current: Configuration, desired: Desired) -> Plan:
    platform = desired.platform
    settings = {
        "IamRoleArn": desired.role_arn,
        "LoggingLevel": desired.logging_level,
        "UserAuthorizationRequired": desired.user_authorization_required,
        "GuardrailPolicyArns": _sorted(desired.guardrail_policy_arns),
        "SnsTopicArns": _merged_topics(current["SnsTopicArns"], desired),
    }
    changes = {key: value for key, value in settings.items() if value is not None and value != current.get(key)}
    if not same_channel(current, desired):
        changes[platform.channel_id] = desired.channel_id
        if desired.channel_name is not None:
            changes[platform.channel_name] = desired.channel_name
    to_set, to_unset = tag_changes(
        tags_of(current), desired.tags, purge=desired.purge_tags, keep=desired.tags_at_creation
    )
    if not (changes or to_set or to_unset):
        return Plan(Operation.NONE, current, current)
    tags = with_changes(tags_of(current), to_set, to_unset)
    return Plan(
        Operation.UPDATE,
        current,
        normalized({**current, **changes, "Tags": chatbot_tags(tags)}),
        _update_members(current, changes, platform),
        to_set,
        to_unset,
    )


def _update_members(current: Configuration, changes: Json, platform: Platform) -> Json:
    if not changes:
        return {}
    # An update must name the channel, even if that stays the same.
    identity = {member: current[member] for member in ("ChatConfigurationArn", platform.channel_id)}
    return {**identity, **changes}


def _merged_topics(current: list[str], desired: Desired) -> list[str]:
    kept = set() if desired.purge_topics else set(current)
    return sorted((kept | set(desired.add_topics)) - set(desired.remove_topics))


def _detachment(current: Configuration, removal: Removal) -> Plan:
    left = [arn for arn in current["SnsTopicArns"] if arn not in removal.remove_topics]
    if not left and is_managed(current):
        return Plan(Operation.DELETE, current, None)
    if left == current["SnsTopicArns"]:
        return Plan(Operation.NONE, current, current)
    changes = {"SnsTopicArns": left}
    return Plan(Operation.UPDATE, current, {**current, **changes}, _update_members(current, changes, removal.platform))


def _sorted(arns: tuple[str, ...] | None) -> list[str] | None:
    return None if arns is None else sorted(set(arns))
