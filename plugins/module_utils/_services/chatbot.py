# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS Chatbot (Amazon Q Developer in chat applications): one function a call. PRIVATE to the collection.

Every function takes a botocore client of the service ``chatbot``, made for one of the four regions that have an
endpoint (https://docs.aws.amazon.com/general/latest/gr/chatbot.html), and raises botocore's errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any
from typing import TypedDict

from .._resource.tags import chatbot_tags
from .refusals import accepted
from .refusals import existing

if TYPE_CHECKING:
    from .._resource.shapes import ChatbotTag
    from .._resource.shapes import Json


# A channel configuration, and a workspace or team that is authorized. The names of some of their keys depend on the
# platform, and are in _channel/platforms.py.
Configuration = dict[str, Any]
Team = dict[str, Any]


class Criterion(TypedDict, total=False):
    """A condition on a variable of a message; Value is missing where any value will do."""

    VariableName: str
    Operator: str
    Value: str


class Attachment(TypedDict, total=False):
    """Under which messages a custom action is a button, and what it takes from them."""

    NotificationType: str
    ButtonText: str
    Criteria: list[Criterion]
    Variables: dict[str, str]


class CustomAction(TypedDict, total=False):
    """A custom action; AWS may leave out AliasName and Attachments."""

    CustomActionArn: str
    ActionName: str
    AliasName: str
    Definition: dict[str, str]
    Attachments: list[Attachment]


def describe_slack_channel_configurations(client: Any) -> list[Configuration]:
    """Return all Slack channel configurations of the account."""
    pages = client.get_paginator("describe_slack_channel_configurations").paginate()
    return [found for page in pages for found in page.get("SlackChannelConfigurations", [])]


def create_slack_channel_configuration(client: Any, members: Json) -> None:
    """Create a Slack channel configuration from the members of CreateSlackChannelConfiguration."""
    client.create_slack_channel_configuration(**members)


def update_slack_channel_configuration(client: Any, members: Json) -> None:
    """Update a Slack channel configuration: ChatConfigurationArn and SlackChannelId are required, lists replaced."""
    client.update_slack_channel_configuration(**members)


def delete_slack_channel_configuration(client: Any, arn: str) -> bool:
    """Delete the Slack channel configuration; return False if there was none."""
    return accepted(
        client.delete_slack_channel_configuration, client.exceptions.ResourceNotFoundException, ChatConfigurationArn=arn
    )


def describe_slack_workspaces(client: Any) -> list[Team]:
    """Return the Slack workspaces authorized in the account: SlackTeamId, SlackTeamName, State, StateReason."""
    pages = client.get_paginator("describe_slack_workspaces").paginate()
    return [found for page in pages for found in page.get("SlackWorkspaces", [])]


def list_microsoft_teams_channel_configurations(client: Any) -> list[Configuration]:
    """Return all Microsoft Teams channel configurations of the account."""
    pages = client.get_paginator("list_microsoft_teams_channel_configurations").paginate()
    return [found for page in pages for found in page.get("TeamChannelConfigurations", [])]


def create_microsoft_teams_channel_configuration(client: Any, members: Json) -> None:
    """Create a Teams channel configuration from the members of CreateMicrosoftTeamsChannelConfiguration."""
    client.create_microsoft_teams_channel_configuration(**members)


def update_microsoft_teams_channel_configuration(client: Any, members: Json) -> None:
    """Update a Teams channel configuration: ChatConfigurationArn and ChannelId are required, lists replaced."""
    client.update_microsoft_teams_channel_configuration(**members)


def delete_microsoft_teams_channel_configuration(client: Any, arn: str) -> bool:
    """Delete the Teams channel configuration; return False if there was none."""
    return accepted(
        client.delete_microsoft_teams_channel_configuration,
        client.exceptions.ResourceNotFoundException,
        ChatConfigurationArn=arn,
    )


def list_microsoft_teams_configured_teams(client: Any) -> list[Team]:
    """Return the Teams authorized in the account: TenantId, TeamId, TeamName, State, StateReason."""
    pages = client.get_paginator("list_microsoft_teams_configured_teams").paginate()
    return [found for page in pages for found in page.get("ConfiguredTeams", [])]


def list_custom_actions(client: Any) -> list[str]:
    """Return the ARNs of all custom actions of the account."""
    pages = client.get_paginator("list_custom_actions").paginate()
    return [arn for page in pages for arn in page.get("CustomActions", [])]


def get_custom_action(client: Any, arn: str) -> CustomAction | None:
    """Return the custom action, or None."""
    return existing(
        lambda: client.get_custom_action(CustomActionArn=arn)["CustomAction"],
        client.exceptions.ResourceNotFoundException,
    )


def create_custom_action(client: Any, members: Json) -> str:
    """Create a custom action from the members of CreateCustomAction; return its ARN, or '' if the name is taken."""
    try:
        return str(client.create_custom_action(**members)["CustomActionArn"])
    except client.exceptions.ConflictException:
        return ""


def update_custom_action(client: Any, members: Json) -> None:
    """Update a custom action; CustomActionArn and Definition are required."""
    client.update_custom_action(**members)


def delete_custom_action(client: Any, arn: str) -> bool:
    """Delete the custom action; return False if there was none."""
    return accepted(client.delete_custom_action, client.exceptions.ResourceNotFoundException, CustomActionArn=arn)


def list_associations(client: Any, configuration_arn: str) -> list[str]:
    """Return the ARNs of all resources that are associated with a channel configuration, such as custom actions."""
    pages = client.get_paginator("list_associations").paginate(ChatConfiguration=configuration_arn)
    return [found["Resource"] for page in pages for found in page.get("Associations", [])]


def associate_to_configuration(client: Any, configuration_arn: str, arn: str) -> None:
    """Offer a custom action in a channel."""
    client.associate_to_configuration(ChatConfiguration=configuration_arn, Resource=arn)


def disassociate_from_configuration(client: Any, configuration_arn: str, arn: str) -> None:
    """Stop offering a custom action in a channel."""
    client.disassociate_from_configuration(ChatConfiguration=configuration_arn, Resource=arn)


def list_tags_for_resource(client: Any, arn: str) -> list[ChatbotTag]:
    """Return the tags of a Chatbot resource as TagKey and TagValue."""
    tags: list[ChatbotTag] = client.list_tags_for_resource(ResourceARN=arn).get("Tags", [])
    return tags


def change_tags(client: Any, arn: str, to_set: dict[str, str], to_unset: tuple[str, ...] = ()) -> None:
    """Add or overwrite tags, and remove others by key: up to two calls."""
    if to_set:
        client.tag_resource(ResourceARN=arn, Tags=chatbot_tags(to_set))
    if to_unset:
        client.untag_resource(ResourceARN=arn, TagKeys=list(to_unset))
