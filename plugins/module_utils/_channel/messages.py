# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wording of errors and warnings about channels and custom actions: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._aws import errors
from .platforms import CONSOLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._services.chatbot import Team
    from .platforms import Platform


def unauthorized(platform: Platform, team_id: str, teams: list[Team]) -> str:
    """Return the steps that authorize a workspace or team; *teams*: those that are authorized."""
    known = ", ".join(f"{team[platform.team_id]} ({team.get(platform.team_name, 'no name')})" for team in teams)
    return (
        f"{platform.name} {platform.team} {team_id} is not authorized in this AWS account (authorized: "
        f"{known or 'none'}). AWS has no API for this. Do it once: open {CONSOLE} in this account. Under Configure a "
        f"chat client, choose {platform.name}, Configure client, sign in, select the {platform.team} and choose Allow. "
        f"Then run this again."
    )


def waiting(name: str, refusal: BaseException | None) -> str:
    """Return what is waited for: that AWS accepts a write that it has refused, or shows one that it has accepted."""
    if refusal is None:
        return f"Waiting until Amazon Q shows the channel configuration {name} as it was written"
    reason = errors.code(refusal) or type(refusal).__name__
    return f"Waiting until Amazon Q accepts the channel configuration {name} ({reason}: {errors.message(refusal)})"


def name_is_reserved(name: str) -> str:
    """Return why no configuration of this name can be created."""
    return (
        f"AWS says that a configuration {name} exists, but does not list it: after a creation that failed halfway, for "
        f"example before the workspace was authorized, the name stays taken. Use another name."
    )


def keeps_changing(name: str, fields: Iterable[str], rounds: int) -> str:
    """Return the error for a configuration whose *fields* differ again after each write."""
    return (
        f"the configuration {name} did not stay as written in {rounds} rounds ({', '.join(fields)} still differ): "
        f"another program or person keeps changing it. Let only one of them manage it, and run this again."
    )


def created_meanwhile(name: str) -> str:
    """Return the error for a configuration of others that did not exist when the plan was made."""
    return (
        f"others have created the channel configuration {name} meanwhile. Run this again: it then only adds the topics "
        f"of this collection."
    )


def channel_has_another(platform: Platform, name: str, other_channel: str, channel: str, other_name: str) -> str:
    """Return the error for a *name* that *other_channel* has, while *channel* has the configuration *other_name*."""
    return (
        f"the configuration {name} belongs to {platform.name} channel {other_channel}, and channel {channel} already "
        f"has the configuration {other_name}; AWS allows one per channel. Use the name {other_name}, or delete one of "
        f"the two."
    )


def belongs_to_another_team(owner: Platform, name: str, other_team: str, platform: Platform, team: str) -> str:
    """Return the error for a configuration of another workspace or team, *other_team*, of the platform *owner*."""
    return (
        f"the configuration {name} belongs to {owner.name} {owner.team} {other_team}, and AWS cannot move it to "
        f"{platform.name} {platform.team} {team}. Use another name, or delete it first."
    )


def needs_role(name: str) -> str:
    """Return the error for a configuration that is to be created without a role."""
    return (
        f"the configuration {name} does not exist yet, and cannot be created without an IAM role. Set iam_role_arn to "
        f"the ARN of the channel role."
    )


def is_disabled(name: str, reason: str) -> str:
    """Return the warning about a configuration that a policy of the organization has disabled."""
    return (
        f"The channel configuration {name} is DISABLED and delivers nothing: {reason or 'AWS gives no reason'}. Ask "
        f"the administrator of the AWS organization about its chat applications policy."
    )


def needs_command(name: str) -> str:
    """Return the error for a custom action that is to be created without a command."""
    return f"the custom action {name} does not exist yet. Set command_text to create it."


def action_is_not_listed(name: str) -> str:
    """Return the error for a custom action that AWS refuses to create, and does not list."""
    return f"Amazon Q says that a custom action {name} exists, but does not list it. Use another name."
