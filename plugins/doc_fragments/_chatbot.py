# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of all modules for AWS Chatbot. PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    """The region of the endpoint, and the settings of a channel configuration."""

    DOCUMENTATION = r"""
options:
  chatbot_region:
    description:
      - The region of the Chatbot endpoint to call. Chatbot has endpoints in four regions, which share their data.
      - O(region) is not used, because most regions have no such endpoint.
    type: str
    choices: [us-east-2, us-west-2, eu-west-1, ap-southeast-1]
    default: us-east-2
notes:
  - AWS Chatbot is now called Amazon Q Developer in chat applications. Its API is still called C(chatbot).
  - Chatbot is available in the partition C(aws) only, not in AWS GovCloud or the China regions.
"""

    CHANNEL = r"""
options:
  state:
    description:
      - V(present) creates the configuration, or adopts the one that the chat channel already has, whatever its name,
        because AWS allows one per channel in an account.
      - V(absent) deletes the configuration named O(configuration_name), with all its topics. A configuration that was
        adopted under another name remains. To remove only some topics, use O(remove_sns_topic_arns).
    type: str
    choices: [present, absent]
    default: present
  configuration_name:
    description:
      - The name of the configuration, 1 to 128 letters, digits, hyphens and underscores.
      - AWS cannot change it. An adopted configuration keeps its name.
      - A configuration of this name for another channel of the same workspace (team) is moved to the given channel.
    type: str
    required: true
    aliases: [name]
  iam_role_arn:
    description:
      - The ARN of the IAM role that Chatbot assumes for commands typed into the channel, the channel role.
      - Required to create a configuration. If it is not set, an existing configuration keeps its role.
    type: str
  sns_topic_arns:
    description:
      - The ARNs of SNS topics, in any region, whose messages are delivered to the channel.
      - They are added to the existing topics, unless O(purge_sns_topic_arns=true).
    type: list
    elements: str
  purge_sns_topic_arns:
    description:
      - Whether topics that are not in O(sns_topic_arns) are removed from the configuration.
      - If O(sns_topic_arns) is not set, topics are not removed.
    type: bool
    default: false
  remove_sns_topic_arns:
    description: The ARNs of SNS topics to remove from the configuration; all others remain.
    type: list
    elements: str
  guardrail_policy_arns:
    description:
      - The ARNs of the guardrails, IAM policies that limit what the channel can do, whatever its roles allow.
      - If it is not set, an existing configuration keeps its guardrails, and a new one gets AWS's default,
        AdministratorAccess.
    type: list
    elements: str
  logging_level:
    description:
      - What Chatbot logs to CloudWatch Logs in us-east-1.
      - If it is not set, an existing configuration keeps its level, and a new one gets AWS's default, V(NONE).
    type: str
    choices: [ERROR, INFO, NONE]
  user_authorization_required:
    description:
      - Whether channel members need their own IAM role to run commands.
      - If it is not set, an existing configuration keeps its setting, and a new one gets AWS's default, V(false).
    type: bool
notes:
  - The module reads its changes back and repeats them until they hold, so concurrent runs do not lose each other's
    topics.
  - A person must authorize a workspace (team) once in the console, at
    U(https://us-east-2.console.aws.amazon.com/chatbot/home). AWS has no API for this.
"""
