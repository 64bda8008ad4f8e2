# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slack and Microsoft Teams in the API of AWS Chatbot, which names the same things differently. PRIVATE."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from .._services import chatbot as api

if TYPE_CHECKING:
    from .._resource.shapes import Json


REGIONS = ("us-east-2", "us-west-2", "eu-west-1", "ap-southeast-1")
DEFAULT_REGION = "us-east-2"
CONSOLE = "https://us-east-2.console.aws.amazon.com/chatbot/home"


@dataclass(frozen=True)
class Platform:
    """A chat platform: the names of its parts in AWS, and the calls for its channel configurations.

    *team_id*, *team_name*, *channel_id* and *channel_name* are member names of the API, *arn_part* is the part of the
    ARN that names the platform, *policy_key* that of chat applications policies, *name* and *team* are words of the
    console. *team_variable*: the role's variable for the ID of a team, without its prefix. *invite*: how the app gets
    into a channel, *check* the same as a first step, with a placeholder for channels.
    """

    name: str
    team: str
    arn_part: str
    policy_key: str
    team_variable: str
    invite: str
    check: str
    team_id: str
    team_name: str
    channel_id: str
    channel_name: str
    team_id_pattern: re.Pattern[str]
    team_id_hint: str
    channel_id_pattern: re.Pattern[str]
    channel_id_hint: str
    list_configurations: Callable[[Any], list[api.Configuration]]
    list_teams: Callable[[Any], list[api.Team]]
    create: Callable[[Any, Json], None]
    update: Callable[[Any, Json], None]
    delete: Callable[[Any, str], bool]

    def arn(self, account: str, configuration_name: str) -> str:
        """Return the ARN of a channel configuration; Chatbot is only available in the partition aws."""
        return f"arn:aws:chatbot::{account}:chat-configuration/{self.arn_part}/{configuration_name}"


SLACK = Platform(
    name="Slack",
    team="workspace",
    arn_part="slack-channel",
    policy_key="slack",
    team_variable="workspace_id",
    invite="type /invite @Amazon Q in it",
    check="if {channels} is private, type /invite @Amazon Q in it",
    team_id="SlackTeamId",
    team_name="SlackTeamName",
    channel_id="SlackChannelId",
    channel_name="SlackChannelName",
    team_id_pattern=re.compile(r"^T[0-9A-Z]{7,}\Z"),
    team_id_hint="the workspace ID (T...) from the channel's URL, https://app.slack.com/client/<workspace>/<channel>",
    channel_id_pattern=re.compile(r"^[CG][0-9A-Z]{7,}\Z"),
    channel_id_hint=(
        "the channel ID (C... or G...) from the channel's URL, https://app.slack.com/client/<workspace>/<channel>"
    ),
    list_configurations=api.describe_slack_channel_configurations,
    list_teams=api.describe_slack_workspaces,
    create=api.create_slack_channel_configuration,
    update=api.update_slack_channel_configuration,
    delete=api.delete_slack_channel_configuration,
)

UUID = re.compile(r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z")

TEAMS = Platform(
    name="Microsoft Teams",
    team="team",
    arn_part="microsoft-teams-channel",
    policy_key="microsoft_teams",
    team_variable="team_id",
    invite="add the app Amazon Q Developer to its team",
    check="check that the team of {channels} has the app Amazon Q Developer",
    team_id="TeamId",
    team_name="TeamName",
    channel_id="ChannelId",
    channel_name="ChannelName",
    team_id_pattern=UUID,
    team_id_hint="the UUID after groupId= in the link to the channel",
    channel_id_pattern=re.compile(r"^[a-zA-Z0-9-_=+/.,]*%3[aA][a-zA-Z0-9-_=+/.,]*%40[a-zA-Z0-9-_=+/.,]*\Z"),
    channel_id_hint="the URL-encoded part of the link to the channel that begins with 19%3a and contains %40",
    list_configurations=api.list_microsoft_teams_channel_configurations,
    list_teams=api.list_microsoft_teams_configured_teams,
    create=api.create_microsoft_teams_channel_configuration,
    update=api.update_microsoft_teams_channel_configuration,
    delete=api.delete_microsoft_teams_channel_configuration,
)

PLATFORMS = (SLACK, TEAMS)
TENANT_ID_HINT = "the UUID after tenantId= in the link to the channel"


def platform_of(configuration: api.Configuration) -> Platform:
    """Return the platform of a channel configuration."""
    return SLACK if SLACK.team_id in configuration else TEAMS
