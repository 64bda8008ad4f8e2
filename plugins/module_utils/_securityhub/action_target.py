# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans and applies a Security Hub custom action. PRIVATE to the collection."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from .._aws.errors import UserError
from .._resource import ownership
from .._services import securityhub
from .._services.securityhub import ActionTarget
from . import transformations

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Sequence

    from .._aws.clients import Caller

# https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_CreateActionTarget.html
ID = re.compile(r"[0-9A-Za-z]{1,20}")
NAME_LENGTH = 20
# Per account and region; cannot be raised: https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub_limits.html
LIMIT = 50
# Begins the sentence of a description that names the format of the findings that automation rules suppress.
RULES = "Automation rules:"
# Name and description in SecurityHub_to_AWSChatBot.yml, AWS's template of 2020, which uses our default Id.
TEMPLATE_TEXTS = ("Send_To_Slack", "Send Messages to ChatApplication via AWS ChatBot")


@dataclass(frozen=True)
class Desired:
    """The desired custom action."""

    id: str
    name: str
    description: str


def problems(identifier: str, name: str | None = None, description: str | None = None) -> list[str]:
    """Return what AWS would refuse, each with its remedy; None is not checked."""
    found = []
    if not ID.fullmatch(identifier):
        found.append(f"id is {identifier!r}. Use 1 to 20 letters and digits.")
    if name is not None and (not name.strip() or len(name) > NAME_LENGTH):
        found.append(f"name is {name!r}. Use 1 to {NAME_LENGTH} characters, not only blanks.")
    if description is not None and not description.strip():
        found.append("description is empty. AWS requires a description.")
    return found


def marked(text: str, deployment: str, suppressing: str = "") -> str:
    """Return *text* as the description of the custom action of a deployment, which is_ours() recognizes.

    *suppressing*: the format of the findings that automation rules of the deployment suppress, or '' without rules.
    """
    rules = f" {RULES} {suppressing}." if suppressing else ""
    return f"{text}{rules} {ownership.mark(deployment)}"


def suppressing(action: ActionTarget | None, deployment: str) -> str:
    """Return the format that the description of a deployment's custom action names for automation rules, or ''.

    The action is written before the first rule and after the last, so that no interruption leaves unknown rules behind.
    """
    if action is None or not is_ours(action, deployment):
        return ""
    text = action["Description"].removesuffix(ownership.mark(deployment))
    return text.partition(RULES)[2].strip(". ")


def is_ours(action: ActionTarget, deployment: str) -> bool:
    """Tell whether the description proves that the custom action belongs to the deployment of this name.

    A custom action has no tags, and its Id may be anyone's choice.
    """
    return ownership.is_marked(action["Description"], deployment)


def is_of_template(action: Mapping[str, Any]) -> bool:
    """Return whether a custom action is as the function of AWS's template of 2020 created it."""
    return (action.get("Name"), action.get("Description")) == TEMPLATE_TEXTS


def not_ours(identifier: str, action: Mapping[str, Any] | None = None) -> str:
    """Return why the custom action of this Id cannot be managed, and what to do. *action*: as it is, if it is known."""
    if action is not None and is_of_template(action):
        return (
            f"the custom action {identifier} was created by AWS's template of 2020. Run the playbook "
            f"secops.securityhub.securityhub_slack_migrate."
        )
    return ownership.not_managed(f"the custom action {identifier}", "securityhub_slack_action_id")


def find(actions: Sequence[ActionTarget], identifier: str) -> ActionTarget | None:
    """Return the custom action of this Id, or None."""
    for action in actions:
        if transformations.action_target_id(action["ActionTargetArn"]) == identifier:
            return action
    return None


def without_room(count: int) -> str:
    """Return why an account and region that has *count* custom actions can have no more, else ''.

    AWS would refuse with LimitExceededException, which botocore takes for throttling and retries.
    """
    if count < LIMIT:
        return ""
    return (
        f"this account and region has {count} custom actions, and AWS allows {LIMIT}. Delete one that is no longer "
        f"needed."
    )


def changes(current: ActionTarget, desired: Desired) -> dict[str, str]:
    """Return the members of UpdateActionTarget that differ; {} if nothing does."""
    live = {"Name": current["Name"], "Description": current["Description"]}
    members = {"Name": desired.name, "Description": desired.description}
    return {key: value for key, value in members.items() if live[key] != value}


def create_or_adopt(aws: Caller, desired: Desired, deployment: str = "") -> str:
    """Create the custom action, or update one that was created meanwhile. Return its ARN.

    *deployment*: adopt only what is_ours() of this name. Raise UserError for any other.
    """
    arn = aws.call("securityhub", securityhub.create_action_target, desired.id, desired.name, desired.description)
    if arn:
        return arn
    current = find(aws.call("securityhub", securityhub.describe_action_targets), desired.id)
    if current is None:
        raise UserError(
            f"Security Hub says that a custom action {desired.id} exists, but does not list it. Run this again."
        )
    if deployment and not is_ours(current, deployment):
        raise UserError(not_ours(desired.id))
    update(aws, current, desired)
    return current["ActionTargetArn"]


def update(aws: Caller, current: ActionTarget, desired: Desired) -> None:
    """Update the name and the description if they differ."""
    differing = changes(current, desired)
    if differing:
        aws.call("securityhub", securityhub.update_action_target, current["ActionTargetArn"], differing)
