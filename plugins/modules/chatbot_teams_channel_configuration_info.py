#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: chatbot_teams_channel_configuration_info
version_added: 1.0.0
short_description: Read the AWS Chatbot configurations of Microsoft Teams channels
description:
  - Reads the AWS Chatbot configurations of Microsoft Teams channels of an account.
  - The module warns about a configuration that a policy of the AWS organization has disabled.
options:
  configuration_name:
    description:
      - Only the configuration with this name.
      - If it is not set, all of them.
    type: str
    aliases: [name]
author:
  - secops.securityhub maintainers (@secops)
seealso:
  - module: secops.securityhub.chatbot_teams_channel_configuration
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - secops.securityhub._attributes.info
  - secops.securityhub._chatbot
"""

EXAMPLES = r"""
- name: Read all Teams channel configurations of the account
  secops.securityhub.chatbot_teams_channel_configuration_info:
  register: teams_channels

- name: Read one of them
  secops.securityhub.chatbot_teams_channel_configuration_info:
    configuration_name: securityhub-teams
"""

RETURN = r"""
team_channel_configurations:
  description: The configurations, sorted by name; an empty list if there is none.
  returned: always
  type: list
  elements: dict
  contains:
    chat_configuration_arn:
      description: The ARN of the configuration.
      returned: always
      type: str
      sample: arn:aws:chatbot::123456789012:chat-configuration/microsoft-teams-channel/securityhub-teams
    configuration_name:
      description: Its name.
      returned: always
      type: str
      sample: securityhub-teams
    guardrail_policy_arns:
      description: The guardrails, IAM policies that limit what the channel can do.
      returned: always
      type: list
      elements: str
      sample: [arn:aws:iam::123456789012:policy/securityhub-teams-channel-guardrail]
    iam_role_arn:
      description: The channel role.
      returned: always
      type: str
      sample: arn:aws:iam::123456789012:role/securityhub-teams-channel
    logging_level:
      description: What Chatbot logs.
      returned: always
      type: str
      sample: ERROR
    sns_topic_arns:
      description: All topics of the configuration, including those that others added, sorted.
      returned: always
      type: list
      elements: str
      sample: [arn:aws:sns:ap-northeast-1:123456789012:securityhub-teams]
    state:
      description: V(ENABLED), or V(DISABLED) if a policy of the AWS organization forbids it.
      returned: when AWS returns it
      type: str
      sample: ENABLED
    state_reason:
      description: Why the configuration is disabled.
      returned: when it is disabled
      type: str
      sample: Denied by the chat applications policy of the organization
    tags:
      description: The tags of the configuration.
      returned: always
      type: dict
      sample: {secops.securityhub/managed: "true"}
    user_authorization_required:
      description: Whether channel members need their own IAM role.
      returned: always
      type: bool
      sample: false
    channel_id:
      description: The ID of the Teams channel.
      returned: always
      type: str
      sample: 19%3aabcdef0123456789abcdef0123456789%40thread.tacv2
    channel_name:
      description: The name of the Teams channel.
      returned: when AWS returns it
      type: str
      sample: Findings
    team_id:
      description: The ID of the team.
      returned: always
      type: str
      sample: 0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0
    team_name:
      description: The name of the team.
      returned: when AWS returns it
      type: str
      sample: Security
    tenant_id:
      description: The ID of the Microsoft Entra tenant.
      returned: always
      type: str
      sample: 1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f809
"""

from ..module_utils._aws.modules import Module
from ..module_utils._channel import channel_module
from ..module_utils._channel.platforms import TEAMS


def main() -> None:
    """Return all channel configurations of the account, or one."""
    module = Module(argument_spec=channel_module.INFO_OPTIONS, supports_check_mode=True)
    channel_module.run_info(module, TEAMS, "team_channel_configurations")


if __name__ == "__main__":
    main()
