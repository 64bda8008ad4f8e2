# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must happen to a Chatbot channel configuration: merged, never overwritten. Pure. PRIVATE to the collection.

AWS allows one configuration for a chat channel in an account, and an update replaces its list of topics as a whole
(https://docs.aws.amazon.com/chatbot/latest/APIReference/API_UpdateSlackChannelConfiguration.html). Several runs, tools
and people share it all the same, so a plan adopts what is there, adds and removes own topics, and keeps foreign ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any
from typing import Protocol

from .._aws import errors
from .platforms import SLACK
from .platforms import Platform
from .transformations import Configuration
from .transformations import boto3_tags
from .transformations import configuration_name
from .transformations import normalized
from .transformations import tags_of

if TYPE_CHECKING:
    from collections.abc import Sequence

# Marks a configuration that this collection created, and so may delete.
MANAGED_TAG = "secops.securityhub/managed"
# What AWS sets where no guardrail is given.
DEFAULT_GUARDRAILS = ["arn:aws:iam::aws:policy/AdministratorAccess"]


@dataclass(frozen=True)
class Desired:
    """A channel configuration as it should be; None leaves a setting alone, anything else is authoritative.

    *tags_at_creation* are set only when the configuration is created here, never on one that is adopted, and never
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
    """What a removal takes back: own topics, and the configuration if it is ours and no topic is left.

    Without *team_id* and *channel_id* (both empty) the configuration is found by name, or by the topics.
    """

    name: str
    remove_topics: tuple[str, ...]
    team_id: str = ""
    channel_id: str = ""
    platform: Platform = SLACK


@dataclass(frozen=True)
class Plan:
    """What must happen to one configuration.

    *before* and *after* have boto3's shape (see transformations.normalized), None where there is no configuration.
    *kwargs* are the members to send; empty for an update that only concerns tags.
    """

    operation: str  # create, update, delete or none
    before: Configuration | None
    after: Configuration | None
    kwargs: dict[str, Any] = field(default_factory=dict)
    tags_to_set: dict[str, str] = field(default_factory=dict)
    tags_to_unset: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Tell whether anything must happen."""
        return self.operation != "none"


class Place(Protocol):
    """A channel, and the name of its configuration: what Desired and Removal have in common."""

    @property
    def name(self) -> str: ...
    @property
    def team_id(self) -> str: ...
    @property
    def channel_id(self) -> str: ...
    @property
    def platform(self) -> Platform: ...


def plan(configurations: Sequence[Configuration], desired: Desired) -> Plan:
    """Return the way from *configurations* (all of the account) to *desired*. Raise UserError where there is none."""
    current = adopted(configurations, desired)
    if current is not None:
        return _change(normalized(current), desired)
    # Of several runs that each take topics out, the last one deletes the configuration, perhaps before this one looks.
    only_out = desired.remove_topics and not (desired.add_topics or desired.role_arn)
    return Plan("none", None, None) if only_out else _creation(desired)


def plan_absent(configurations: Sequence[Configuration], removal: Removal) -> Plan:
    """Return the next step of taking back: each plan concerns one configuration, the last one is empty."""
    plans = [_detachment(normalized(found), removal) for found in _holders(configurations, removal)]
    needed = [step for step in plans if step.changed]
    return (needed or plans or [Plan("none", None, None)])[0]


def plan_deletion(configurations: list[Configuration], name: str) -> Plan:
    """Return the plan to delete the configuration of this name, whatever it holds."""
    for found in configurations:
        if configuration_name(found) == name:
            return Plan("delete", normalized(found), None)
    return Plan("none", None, None)


def same_channel(configuration: Configuration, place: Place) -> bool:
    """Tell whether this is the configuration of that channel."""
    platform = place.platform
    return bool(place.channel_id) and all(
        # Hexadecimal digits of a UUID and of %3a may stand in either case.
        configuration[member].casefold() == wanted.casefold()
        for member, wanted in ((platform.team_id, place.team_id), (platform.channel_id, place.channel_id))
    )


def adopted(configurations: Sequence[Configuration], desired: Desired) -> Configuration | None:
    """Return the configuration of the desired channel, whatever its name, else the one of the desired name."""
    platform = desired.platform
    named = next((found for found in configurations if configuration_name(found) == desired.name), None)
    for found in configurations:
        if not same_channel(found, desired):
            continue
        if named is not None and named is not found:
            raise errors.UserError(
                f"the configuration {desired.name} is that of {platform.name} channel {named[platform.channel_id]}, "
                f"and channel {desired.channel_id} already has the configuration {configuration_name(found)}; AWS "
                f"allows one for a channel: use the name {configuration_name(found)}, or delete one of the two."
            )
        return found
    if named is not None and named[platform.team_id].casefold() != desired.team_id.casefold():
        raise errors.UserError(
            f"the configuration {desired.name} belongs to {platform.name} {platform.team} {named[platform.team_id]}, "
            f"and AWS cannot move it to {desired.team_id}: use another name, or delete it first."
        )
    return named


def _creation(desired: Desired) -> Plan:
    platform = desired.platform
    if not desired.role_arn:
        raise errors.UserError(
            f"the configuration {desired.name} does not exist yet, and AWS creates none without an IAM role: set the "
            f"role's ARN."
        )
    optional = {
        "TenantId": desired.tenant_id,
        platform.channel_name: desired.channel_name,
        "TeamName": desired.team_name,
        "LoggingLevel": desired.logging_level,
        "UserAuthorizationRequired": desired.user_authorization_required,
        "GuardrailPolicyArns": _sorted(desired.guardrail_policy_arns),
        "Tags": boto3_tags({**desired.tags_at_creation, **(desired.tags or {})}) or None,
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
    return Plan("create", None, normalized(expected), kwargs)


def _change(current: Configuration, desired: Desired) -> Plan:
    platform = desired.platform
    wanted = {
        "IamRoleArn": desired.role_arn,
        "LoggingLevel": desired.logging_level,
        "UserAuthorizationRequired": desired.user_authorization_required,
        "GuardrailPolicyArns": _sorted(desired.guardrail_policy_arns),
        "SnsTopicArns": _merged_topics(current["SnsTopicArns"], desired),
    }
    changes = {key: value for key, value in wanted.items() if value is not None and value != current.get(key)}
    if not same_channel(current, desired):
        changes[platform.channel_id] = desired.channel_id
        if desired.channel_name is not None:
            changes[platform.channel_name] = desired.channel_name
    to_set, to_unset = _tag_changes(tags_of(current), desired)
    if not (changes or to_set or to_unset):
        return Plan("none", current, current)
    tags = {key: value for key, value in {**tags_of(current), **to_set}.items() if key not in to_unset}
    return Plan(
        "update",
        current,
        normalized({**current, **changes, "Tags": boto3_tags(tags)}),
        _update_members(current, changes, platform),
        to_set,
        to_unset,
    )


def _update_members(current: Configuration, changes: dict[str, Any], platform: Platform) -> dict[str, Any]:
    if not changes:
        return {}
    # An update must name the channel, even where that stays.
    identity = {member: current[member] for member in ("ChatConfigurationArn", platform.channel_id)}
    return {**identity, **changes}


def _merged_topics(current: list[str], desired: Desired) -> list[str]:
    kept = set() if desired.purge_topics else set(current)
    return sorted((kept | set(desired.add_topics)) - set(desired.remove_topics))


def _tag_changes(current: dict[str, str], desired: Desired) -> tuple[dict[str, str], tuple[str, ...]]:
    if desired.tags is None:
        return {}, ()
    to_set = {key: str(value) for key, value in desired.tags.items() if current.get(key) != str(value)}
    if not desired.purge_tags:
        return to_set, ()
    kept = {*desired.tags, *desired.tags_at_creation}
    return to_set, tuple(sorted(key for key in current if key not in kept and not key.startswith("aws:")))


def _holders(configurations: Sequence[Configuration], removal: Removal) -> list[Configuration]:
    mine = [
        found for found in configurations if same_channel(found, removal) or configuration_name(found) == removal.name
    ]
    own = set(removal.remove_topics)
    return mine or [found for found in configurations if own & set(found["SnsTopicArns"])]


def _detachment(current: Configuration, removal: Removal) -> Plan:
    left = [arn for arn in current["SnsTopicArns"] if arn not in removal.remove_topics]
    if not left and MANAGED_TAG in tags_of(current):
        return Plan("delete", current, None)
    if left == current["SnsTopicArns"]:
        return Plan("none", current, current)
    changes = {"SnsTopicArns": left}
    return Plan("update", current, {**current, **changes}, _update_members(current, changes, removal.platform))


def _sorted(arns: tuple[str, ...] | None) -> list[str] | None:
    return None if arns is None else sorted(set(arns))
