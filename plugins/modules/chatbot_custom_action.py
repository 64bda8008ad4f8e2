#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: chatbot_custom_action
version_added: 1.0.0
short_description: Manage a custom action of AWS Chatbot, such as a button under a message
description:
  - Creates, adopts, updates and deletes a custom action of AWS Chatbot, which runs an AWS command from a chat channel
    with a button under a notification, or with an alias.
  - A channel offers the custom actions that are associated with its configuration.
  - An option that is not set leaves its setting unchanged.
options:
  state:
    description:
      - V(present) creates the custom action, or adopts the one with the same name, and updates it.
      - V(absent) removes it from all channels and deletes it.
    type: str
    choices: [present, absent]
    default: present
  action_name:
    description:
      - The name, 1 to 64 letters, digits, hyphens and underscores.
      - AWS cannot change it. Another name means another custom action.
    type: str
    required: true
    aliases: [name]
  command_text:
    description:
      - The AWS command to run, without the leading C(aws). Write variables of the attachments as C($name).
      - Required to create a custom action.
      - AWS documents a limit of 100 characters for its API and of 5,000 for CloudFormation. The module does not check
        the length.
    type: str
  alias_name:
    description:
      - The name that runs the command in the channel, 1 to 30 letters, digits, hyphens and underscores.
      - An empty string removes it.
    type: str
  attachments:
    description:
      - The notifications under which a button appears. The list is authoritative; an empty list removes all buttons.
    type: list
    elements: dict
    suboptions:
      notification_type:
        description: The type of notification, for example V(Custom) for custom notifications.
        type: str
      button_text:
        description: The text on the button, 1 to 50 characters.
        type: str
      variables:
        description:
          - The path of each variable in the notification, such as C(event.metadata.additionalContext.name), at most 5.
        type: dict
      criteria:
        description: Conditions on the variables for the button to appear, at most 5.
        type: list
        elements: dict
        suboptions:
          variable_name:
            description: The variable.
            type: str
            required: true
          operator:
            description: V(HAS_VALUE) if the variable must be set, V(EQUALS) if it must equal the value.
            type: str
            choices: [HAS_VALUE, EQUALS]
            required: true
          value:
            description: The value to compare with.
            type: str
  chat_configuration_arns:
    description:
      - The ARNs of the channel configurations, of Slack and of Microsoft Teams, that offer the custom action.
      - Others that offer it already continue to, unless O(purge_chat_configuration_arns=true).
    type: list
    elements: str
  purge_chat_configuration_arns:
    description:
      - Whether channel configurations that are not in O(chat_configuration_arns) stop offering the custom action.
      - If O(chat_configuration_arns) is not set, nothing changes.
    type: bool
    default: false
notes:
  - The command runs with the channel role or the role of the channel member, within the guardrails of the channel.
  - A custom notification shows buttons only if its C(metadata.enableCustomActions) is C(true).
author:
  - secops.securityhub maintainers (@secops)
seealso:
  - module: secops.securityhub.chatbot_custom_action_info
  - module: secops.securityhub.chatbot_slack_channel_configuration
  - module: secops.securityhub.chatbot_teams_channel_configuration
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
  - secops.securityhub._attributes
  - secops.securityhub._chatbot
"""

EXAMPLES = r"""
- name: Show a button under custom notifications of findings in one channel
  secops.securityhub.chatbot_custom_action:
    action_name: securityhub-notified
    command_text: securityhub batch-update-findings --finding-identifiers $f --workflow Status=NOTIFIED --region $r
    attachments:
      - notification_type: Custom
        button_text: Mark as notified
        variables:
          f: event.metadata.additionalContext.finding
          r: event.metadata.additionalContext.region
        criteria:
          - variable_name: f
            operator: HAS_VALUE
    chat_configuration_arns:
      - arn:aws:chatbot::123456789012:chat-configuration/slack-channel/securityhub-slack

- name: Delete it
  secops.securityhub.chatbot_custom_action:
    action_name: securityhub-notified
    state: absent

- name: List all custom actions of the account
  secops.securityhub.chatbot_custom_action_info:
"""

RETURN = r"""
custom_action:
  description:
    - The custom action as it is now, or as it would be in check mode.
    - Empty if there is none.
  returned: always
  type: dict
  contains:
    action_name:
      description: The name of the custom action.
      returned: when there is one
      type: str
      sample: securityhub-notified
    alias_name:
      description: The name that runs it in the channel; empty if it has none.
      returned: when there is one
      type: str
      sample: notified
    attachments:
      description: The notifications under which a button appears.
      returned: when there is one
      type: list
      elements: dict
      contains:
        button_text:
          description: The text on the button.
          returned: when it is set
          type: str
          sample: Mark as notified
        criteria:
          description: Conditions on the variables for the button to appear.
          returned: when it is set
          type: list
          elements: dict
          sample: [{operator: HAS_VALUE, variable_name: f}]
        notification_type:
          description: The type of notification.
          returned: when it is set
          type: str
          sample: Custom
        variables:
          description: The path of each variable in the notification.
          returned: when it is set
          type: dict
          sample: {f: event.metadata.additionalContext.finding}
    chat_configuration_arns:
      description: The channel configurations, of Slack and of Microsoft Teams, that offer the custom action, sorted.
      returned: when there is one
      type: list
      elements: str
      sample: [arn:aws:chatbot::123456789012:chat-configuration/slack-channel/securityhub-slack]
    command_text:
      description: The command.
      returned: when there is one
      type: str
      sample: securityhub batch-update-findings --finding-identifiers $f --workflow Status=NOTIFIED --region $r
    custom_action_arn:
      description: The ARN of the custom action.
      returned: when there is one
      type: str
      sample: arn:aws:chatbot::123456789012:custom-action/securityhub-notified
    tags:
      description: The tags of the custom action.
      returned: when there is one
      type: dict
      sample: {team: security}
"""

from typing import Any
from typing import cast

from ..module_utils._aws.clients import Caller
from ..module_utils._aws.errors import UserError
from ..module_utils._aws.modules import Module
from ..module_utils._channel import custom_action
from ..module_utils._channel.channel_module import REGION_OPTION
from ..module_utils._channel.platforms import PLATFORMS
from ..module_utils._services import sts
from ..module_utils._services.chatbot import Attachment

CRITERION = {
    "variable_name": {"type": "str", "required": True},
    "operator": {"type": "str", "required": True, "choices": ["HAS_VALUE", "EQUALS"]},
    "value": {"type": "str"},
}
ATTACHMENT = {
    "notification_type": {"type": "str"},
    "button_text": {"type": "str"},
    "variables": {"type": "dict"},
    "criteria": {"type": "list", "elements": "dict", "options": CRITERION},
}


def boto3_attachment(given: dict[str, Any]) -> Attachment:
    """Return an attachment in boto3's shape, without what is not set."""
    names = {"variable_name": "VariableName", "operator": "Operator", "value": "Value"}
    criteria = [
        {names[key]: value for key, value in criterion.items() if value is not None}
        for criterion in given["criteria"] or []
    ]
    members = {
        "NotificationType": given["notification_type"],
        "ButtonText": given["button_text"],
        "Variables": {key: str(value) for key, value in (given["variables"] or {}).items()} or None,
        "Criteria": criteria or None,
    }
    return cast("Attachment", {key: value for key, value in members.items() if value is not None})


def desired_of(options: dict[str, Any]) -> custom_action.Desired:
    """Return the custom action that the options describe; None for what is not set."""
    attachments, arns = options["attachments"], options["chat_configuration_arns"]
    return custom_action.Desired(
        name=options["action_name"],
        command_text=options["command_text"],
        alias_name=options["alias_name"],
        attachments=None if attachments is None else tuple(boto3_attachment(item) for item in attachments),
        configuration_arns=None if arns is None else tuple(arns),
        purge_configurations=options["purge_chat_configuration_arns"],
        tags=options["tags"],
        purge_tags=options["purge_tags"],
    )


def ensure_present(
    aws: Caller, current: custom_action.CustomAction | None, desired: custom_action.Desired, check_mode: bool
) -> custom_action.CustomAction | None:
    """Return the custom action as it is (or would be) afterwards."""
    now = custom_action.plan(current, desired)
    if not now.changed:
        return current
    if not check_mode:
        _refuse_missing(aws, now.associate)
        custom_action.write(aws, now, desired)
        return custom_action.read(aws, desired.name)
    if current is not None:
        return now.after
    account = aws.call("sts", sts.get_caller_identity)["Account"]
    return {**now.after, "CustomActionArn": f"arn:aws:chatbot::{account}:custom-action/{desired.name}"}


def _refuse_missing(aws: Caller, arns: tuple[str, ...]) -> None:
    """Raise UserError for a channel configuration that does not exist; in check mode, an earlier task may create it."""
    listed = {
        found["ChatConfigurationArn"]
        for platform in (PLATFORMS if arns else ())
        for found in aws.call("chatbot", platform.list_configurations)
    }
    missing = [arn for arn in arns if arn not in listed]
    if missing:
        raise UserError(
            f"the channel configuration {missing[0]} does not exist. Create it first, or correct "
            f"chat_configuration_arns."
        )


def main() -> None:
    """Create, change or delete the custom action."""
    module = Module(
        argument_spec={
            **REGION_OPTION,
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "action_name": {"type": "str", "required": True, "aliases": ["name"]},
            "command_text": {"type": "str"},
            "alias_name": {"type": "str"},
            "attachments": {"type": "list", "elements": "dict", "options": ATTACHMENT},
            "chat_configuration_arns": {"type": "list", "elements": "str"},
            "purge_chat_configuration_arns": {"type": "bool", "default": False},
            "tags": {"type": "dict", "aliases": ["resource_tags"]},
            "purge_tags": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    desired = desired_of(module.params)
    module.require(custom_action.problems(desired))
    aws = module.access(module.params["chatbot_region"])
    after: custom_action.CustomAction | None = None
    with module.explained(f"Chatbot custom action {desired.name}"):
        current = custom_action.read(aws, desired.name)
        if module.params["state"] == "present":
            after = ensure_present(aws, current, desired, module.check_mode)
        elif current is not None and not module.check_mode:
            custom_action.delete(aws, current)
    module.exit_with("custom_action", custom_action.action_result(current), custom_action.action_result(after))


if __name__ == "__main__":
    main()
