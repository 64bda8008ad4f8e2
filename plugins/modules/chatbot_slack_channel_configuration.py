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
  - Creates, adopts, changes and deletes the AWS Chatbot configuration of a Slack channel, which brings the messages of
    SNS topics of all regions into the channel.
  - Topics are merged. Those that others put there stay, although AWS replaces the list as a whole.
  - An option that is not set leaves its setting alone.
options:
  slack_team_id:
    description:
      - The id of the Slack workspace, which begins with C(T).
      - Needed with O(state=present).
    type: str
    aliases: [slack_workspace_id]
  slack_channel_id:
    description:
      - The id of the Slack channel, which begins with C(C), for an old private channel with C(G).
      - Needed with O(state=present).
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
    description: How to authorise a Slack workspace and to invite the app into a private channel.
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
- name: Bring the topics of two regions into a Slack channel
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

- name: Take one topic out and keep the others
  secops.securityhub.chatbot_slack_channel_configuration:
    configuration_name: securityhub-slack
    slack_team_id: T012AB3CD
    slack_channel_id: C012AB3CD
    remove_sns_topic_arns:
      - arn:aws:sns:us-east-1:123456789012:securityhub-slack

- name: Have exactly one topic
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

- name: Look at all Slack channel configurations of the account
  secops.securityhub.chatbot_slack_channel_configuration_info:
"""

RETURN = r"""
channel_configuration:
  description:
    - The configuration as it is now, or as it would be in check mode.
    - Empty when there is none.
  returned: always
  type: dict
  contains:
    chat_configuration_arn:
      description: The ARN of the configuration.
      returned: when there is a configuration
      type: str
      sample: arn:aws:chatbot::123456789012:chat-configuration/slack-channel/securityhub-slack
    configuration_name:
      description: Its name, which for an adopted configuration is not the one asked for.
      returned: when there is a configuration
      type: str
      sample: securityhub-slack
    guardrail_policy_arns:
      description: The IAM policies that bound what the channel may do.
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
      description: All topics of the configuration, foreign ones too, sorted.
      returned: when there is a configuration
      type: list
      elements: str
      sample: [arn:aws:sns:ap-northeast-1:123456789012:securityhub-slack]
    state:
      description: V(ENABLED), or V(DISABLED) by a policy of the AWS organisation.
      returned: when AWS gives it
      type: str
      sample: ENABLED
    state_reason:
      description: Why the configuration is disabled.
      returned: when it is disabled
      type: str
      sample: Denied by the chat applications policy of the organisation
    tags:
      description: The tags of the configuration.
      returned: when there is a configuration
      type: dict
      sample: {secops.securityhub/managed: "true"}
    user_authorization_required:
      description: Whether members of the channel need a role of their own.
      returned: when there is a configuration
      type: bool
      sample: false
    slack_channel_id:
      description: The id of the Slack channel.
      returned: when there is a configuration
      type: str
      sample: C012AB3CD
    slack_channel_name:
      description: The name of the Slack channel as Chatbot knows it.
      returned: when AWS gives it
      type: str
      sample: sec-findings
    slack_team_id:
      description: The id of the Slack workspace.
      returned: when there is a configuration
      type: str
      sample: T012AB3CD
    slack_team_name:
      description: The name of the Slack workspace.
      returned: when AWS gives it
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
