#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: chatbot_slack_channel_configuration_info
version_added: 1.0.0
short_description: Read the AWS Chatbot configurations of Slack channels
description:
  - Reads the AWS Chatbot configurations of Slack channels of an account.
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
  - module: secops.securityhub.chatbot_slack_channel_configuration
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - secops.securityhub._attributes.info
  - secops.securityhub._chatbot
"""

EXAMPLES = r"""
- name: Read all Slack channel configurations of the account
  secops.securityhub.chatbot_slack_channel_configuration_info:
  register: slack_channels

- name: Read one of them
  secops.securityhub.chatbot_slack_channel_configuration_info:
    configuration_name: securityhub-slack
"""

RETURN = r"""
slack_channel_configurations:
  description: The configurations, sorted by name; an empty list if there is none.
  returned: always
  type: list
  elements: dict
  contains:
    chat_configuration_arn:
      description: The ARN of the configuration.
      returned: always
      type: str
      sample: arn:aws:chatbot::123456789012:chat-configuration/slack-channel/securityhub-slack
    configuration_name:
      description: Its name.
      returned: always
      type: str
      sample: securityhub-slack
    guardrail_policy_arns:
      description: The guardrails, IAM policies that limit what the channel can do.
      returned: always
      type: list
      elements: str
      sample: [arn:aws:iam::123456789012:policy/securityhub-slack-channel-guardrail]
    iam_role_arn:
      description: The channel role.
      returned: always
      type: str
      sample: arn:aws:iam::123456789012:role/securityhub-slack-channel
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
      sample: [arn:aws:sns:ap-northeast-1:123456789012:securityhub-slack]
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
    slack_channel_id:
      description: The ID of the Slack channel.
      returned: always
      type: str
      sample: C012AB3CD
    slack_channel_name:
      description: The name of the Slack channel as Chatbot knows it.
      returned: when AWS returns it
      type: str
      sample: sec-findings
    slack_team_id:
      description: The ID of the Slack workspace.
      returned: always
      type: str
      sample: T012AB3CD
    slack_team_name:
      description: The name of the Slack workspace.
      returned: when AWS returns it
      type: str
      sample: example
"""

from ..module_utils._aws.modules import Module
from ..module_utils._channel import channel_module
from ..module_utils._channel.platforms import SLACK


def main() -> None:
    """Return all channel configurations of the account, or one."""
    module = Module(argument_spec=channel_module.INFO_OPTIONS, supports_check_mode=True)
    channel_module.run_info(module, SLACK, "slack_channel_configurations")


if __name__ == "__main__":
    main()
