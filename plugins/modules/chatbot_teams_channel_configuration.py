#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: chatbot_teams_channel_configuration
version_added: 1.0.0
short_description: Manage the AWS Chatbot configuration of a Microsoft Teams channel
description:
  - Creates, adopts, updates and deletes the AWS Chatbot configuration of a Microsoft Teams channel, which delivers the
    messages of SNS topics in any region to the channel.
  - Topics are merged. Topics that others added are kept, although AWS's API replaces the whole list.
  - An option that is not set leaves its setting unchanged.
options:
  team_id:
    description:
      - The ID of the team, a UUID.
      - Required with O(state=present).
    type: str
  tenant_id:
    description:
      - The ID of the Microsoft Entra tenant of the team, a UUID.
      - Required with O(state=present).
    type: str
  channel_id:
    description:
      - The ID of the channel, URL-encoded as in the link to the channel. Private channels are not supported.
      - Required with O(state=present).
    type: str
  channel_name:
    description: The name of the channel, sent when the configuration is created or moved to another channel.
    type: str
  team_name:
    description: The name of the team, sent when the configuration is created.
    type: str
author:
  - secops.securityhub maintainers (@secops)
seealso:
  - module: secops.securityhub.chatbot_teams_channel_configuration_info
  - name: Amazon Q Developer in chat applications
    description: How to authorize a team and find the IDs.
    link: https://docs.aws.amazon.com/chatbot/latest/adminguide/teams-setup.html
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
  - secops.securityhub._attributes
  - secops.securityhub._chatbot
  - secops.securityhub._chatbot.channel
"""

EXAMPLES = r"""
- name: Deliver a topic to a Teams channel
  secops.securityhub.chatbot_teams_channel_configuration:
    configuration_name: securityhub-teams
    team_id: 0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0
    tenant_id: 1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f809
    channel_id: 19%3aabcdef0123456789abcdef0123456789%40thread.tacv2
    iam_role_arn: arn:aws:iam::123456789012:role/securityhub-teams-channel
    guardrail_policy_arns:
      - arn:aws:iam::123456789012:policy/securityhub-teams-channel-guardrail
    sns_topic_arns:
      - arn:aws:sns:eu-west-1:123456789012:securityhub-slack

- name: Delete the configuration
  secops.securityhub.chatbot_teams_channel_configuration:
    configuration_name: securityhub-teams
    state: absent

- name: List all Teams channel configurations of the account
  secops.securityhub.chatbot_teams_channel_configuration_info:
"""

RETURN = r"""
channel_configuration:
  description:
    - The configuration as it is now, or as it would be in check mode.
    - Empty if there is none.
  returned: always
  type: dict
  contains:
    chat_configuration_arn:
      description: The ARN of the configuration.
      returned: when there is a configuration
      type: str
      sample: arn:aws:chatbot::123456789012:chat-configuration/microsoft-teams-channel/securityhub-teams
    configuration_name:
      description: The name, which differs from O(configuration_name) for an adopted configuration.
      returned: when there is a configuration
      type: str
      sample: securityhub-teams
    guardrail_policy_arns:
      description: The guardrails, IAM policies that limit what the channel can do.
      returned: when there is a configuration
      type: list
      elements: str
      sample: [arn:aws:iam::123456789012:policy/securityhub-teams-channel-guardrail]
    iam_role_arn:
      description: The channel role.
      returned: when there is a configuration
      type: str
      sample: arn:aws:iam::123456789012:role/securityhub-teams-channel
    logging_level:
      description: What Chatbot logs.
      returned: when there is a configuration
      type: str
      sample: ERROR
    sns_topic_arns:
      description: All topics of the configuration, including those that others added, sorted.
      returned: when there is a configuration
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
      returned: when there is a configuration
      type: dict
      sample: {secops.securityhub/managed: "true"}
    user_authorization_required:
      description: Whether channel members need their own IAM role.
      returned: when there is a configuration
      type: bool
      sample: false
    channel_id:
      description: The ID of the Teams channel.
      returned: when there is a configuration
      type: str
      sample: 19%3aabcdef0123456789abcdef0123456789%40thread.tacv2
    channel_name:
      description: The name of the Teams channel.
      returned: when AWS returns it
      type: str
      sample: Findings
    team_id:
      description: The ID of the team.
      returned: when there is a configuration
      type: str
      sample: 0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0
    team_name:
      description: The name of the team.
      returned: when AWS returns it
      type: str
      sample: Security
    tenant_id:
      description: The ID of the Microsoft Entra tenant.
      returned: when there is a configuration
      type: str
      sample: 1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f809
"""

from ..module_utils._aws.modules import Module
from ..module_utils._channel import channel_module
from ..module_utils._channel.platforms import TEAMS

IDENTITY = ("team_id", "tenant_id", "channel_id", "channel_name", "team_name")


def main() -> None:
    """Create, change or delete a Microsoft Teams channel configuration."""
    module = Module(
        argument_spec={**channel_module.OPTIONS, **{name: {"type": "str"} for name in IDENTITY}},
        required_if=[("state", "present", ["team_id", "tenant_id", "channel_id"])],
        supports_check_mode=True,
    )
    channel_module.run(module, TEAMS, {name: module.params[name] for name in IDENTITY})


if __name__ == "__main__":
    main()
