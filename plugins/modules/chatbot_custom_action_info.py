#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: chatbot_custom_action_info
version_added: 1.0.0
short_description: Read the custom actions of AWS Chatbot
description:
  - Reads the custom actions of AWS Chatbot of an account, with the channels that offer them.
options:
  action_name:
    description:
      - Only the custom action with this name.
      - If it is not set, all of them.
    type: str
    aliases: [name]
author:
  - secops.securityhub maintainers (@secops)
seealso:
  - module: secops.securityhub.chatbot_custom_action
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - secops.securityhub._attributes.info
  - secops.securityhub._chatbot
"""

EXAMPLES = r"""
- name: Read all custom actions of the account
  secops.securityhub.chatbot_custom_action_info:
  register: buttons

- name: Read one of them
  secops.securityhub.chatbot_custom_action_info:
    action_name: securityhub-notified
"""

RETURN = r"""
custom_actions:
  description: The custom actions, sorted by name; an empty list if there is none.
  returned: always
  type: list
  elements: dict
  contains:
    action_name:
      description: The name of the custom action.
      returned: always
      type: str
      sample: securityhub-notified
    alias_name:
      description: The name that runs it in the channel; empty if it has none.
      returned: always
      type: str
      sample: notified
    attachments:
      description: The notifications under which a button appears.
      returned: always
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
      returned: always
      type: list
      elements: str
      sample: [arn:aws:chatbot::123456789012:chat-configuration/slack-channel/securityhub-slack]
    command_text:
      description: The command.
      returned: always
      type: str
      sample: securityhub batch-update-findings --finding-identifiers $f --workflow Status=NOTIFIED --region $r
    custom_action_arn:
      description: The ARN of the custom action.
      returned: always
      type: str
      sample: arn:aws:chatbot::123456789012:custom-action/securityhub-notified
    tags:
      description: The tags of the custom action.
      returned: always
      type: dict
      sample: {team: security}
"""

from ..module_utils._aws.modules import Module
from ..module_utils._channel import custom_action
from ..module_utils._channel.channel_module import REGION_OPTION
from ..module_utils._services import chatbot


def main() -> None:
    """Return all custom actions of the account, or one."""
    module = Module(
        argument_spec={**REGION_OPTION, "action_name": {"type": "str", "aliases": ["name"]}}, supports_check_mode=True
    )
    name = module.params["action_name"]
    aws = module.access(module.params["chatbot_region"])
    with module.explained("Chatbot custom actions"):
        arns = [
            arn
            for arn in sorted(aws.call("chatbot", chatbot.list_custom_actions))
            if name in (None, arn.rpartition("/")[2])
        ]
        associated = custom_action.associations(aws) if arns else {}
        found = [custom_action.complete(aws, arn, associated) for arn in arns]
    module.exit_json(changed=False, custom_actions=[custom_action.action_result(action) for action in found if action])


if __name__ == "__main__":
    main()
