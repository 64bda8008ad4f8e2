#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: chatbot_slack_channel_configuration
version_added: 1.0.0
short_description: Manage the AWS Chatbot configuration of a Slack channel
description:
  - Creates, adopts, updates and deletes the AWS Chatbot configuration of a Slack channel, which delivers the
    messages of SNS topics in any region to the channel.
  - Topics are merged. Topics that others added are kept, although AWS's API replaces the whole list.
  - An option that is not set leaves its setting unchanged.
options:
  slack_team_id:
    description:
      - The ID of the Slack workspace, which begins with C(T).
      - Required with O(state=present).
    type: str
    aliases: [slack_workspace_id]
  slack_channel_id:
    description:
      - The ID of the Slack channel, which begins with C(C), or C(G) for old private channels.
      - Required with O(state=present).
    type: str
  slack_channel_name:
    description: The name of the channel, sent when the configuration is created or moved to another channel.
    type: str
author:
  - secops.securityhub maintainers (@secops)
seealso:
  - module: secops.securityhub.chatbot_slack_channel_configuration_info
  - module: secops.securityhub.chatbot_slack_workspace_info
  - name: Amazon Q Developer in chat applications
    description: How to authorize a Slack workspace and invite the app to a private channel.
    link: https://docs.aws.amazon.com/chatbot/latest/adminguide/slack-setup.html
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
- name: Deliver the topics of two regions to a Slack channel
  secops.securityhub.chatbot_slack_channel_configuration:
    configuration_name: securityhub-slack
    slack_team_id: T012AB3CD
    slack_channel_id: C012AB3CD
    iam_role_arn: arn:aws:iam::123456789012:role/securityhub-slack-channel
    guardrail_policy_arns:
      - arn:aws:iam::123456789012:policy/securityhub-slack-channel-guardrail
    sns_topic_arns:
      - arn:aws:sns:ap-northeast-1:123456789012:securityhub-slack
      - arn:aws:sns:us-east-1:123456789012:securityhub-slack
    logging_level: ERROR

- name: Remove one topic and keep the others
  secops.securityhub.chatbot_slack_channel_configuration:
    configuration_name: securityhub-slack
    slack_team_id: T012AB3CD
    slack_channel_id: C012AB3CD
    remove_sns_topic_arns:
      - arn:aws:sns:us-east-1:123456789012:securityhub-slack

- name: Keep exactly one topic
  secops.securityhub.chatbot_slack_channel_configuration:
    configuration_name: securityhub-slack
    slack_team_id: T012AB3CD
    slack_channel_id: C012AB3CD
    sns_topic_arns:
      - arn:aws:sns:ap-northeast-1:123456789012:securityhub-slack
    purge_sns_topic_arns: true

- name: Delete the configuration
  secops.securityhub.chatbot_slack_channel_configuration:
    configuration_name: securityhub-slack
    state: absent

- name: List all Slack channel configurations of the account
  secops.securityhub.chatbot_slack_channel_configuration_info:
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
      sample: arn:aws:chatbot::123456789012:chat-configuration/slack-channel/securityhub-slack
    configuration_name:
      description: The name, which differs from O(configuration_name) for an adopted configuration.
      returned: when there is a configuration
      type: str
      sample: securityhub-slack
    guardrail_policy_arns:
      description: The guardrails, IAM policies that limit what the channel can do.
      returned: when there is a configuration
      type: list
      elements: str
      sample: [arn:aws:iam::123456789012:policy/securityhub-slack-channel-guardrail]
    iam_role_arn:
      description: The channel role.
      returned: when there is a configuration
      type: str
      sample: arn:aws:iam::123456789012:role/securityhub-slack-channel
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
      returned: when there is a configuration
      type: dict
      sample: {secops.securityhub/managed: "true"}
    user_authorization_required:
      description: Whether channel members need their own IAM role.
      returned: when there is a configuration
      type: bool
      sample: false
    slack_channel_id:
      description: The ID of the Slack channel.
      returned: when there is a configuration
      type: str
      sample: C012AB3CD
    slack_channel_name:
      description: The name of the Slack channel as Chatbot knows it.
      returned: when AWS returns it
      type: str
      sample: sec-findings
    slack_team_id:
      description: The ID of the Slack workspace.
      returned: when there is a configuration
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
    """Create, change or delete a Slack channel configuration."""
    module = Module(
        argument_spec={
            **channel_module.OPTIONS,
            "slack_team_id": {"type": "str", "aliases": ["slack_workspace_id"]},
            "slack_channel_id": {"type": "str"},
            "slack_channel_name": {"type": "str"},
        },
        required_if=[("state", "present", ["slack_team_id", "slack_channel_id"])],
        supports_check_mode=True,
    )
    identity = {name: module.params[f"slack_{name}"] for name in ("team_id", "channel_id", "channel_name")}
    channel_module.run(module, SLACK, identity)


if __name__ == "__main__":
    main()
