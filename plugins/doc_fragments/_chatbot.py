# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that the modules for AWS Chatbot share. PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    """The region of the endpoint, and the settings of a channel configuration."""

    DOCUMENTATION = r"""
options:
  chatbot_region:
    description:
      - The region whose Chatbot endpoint is called. Chatbot has endpoints in four regions, which share their data.
      - O(region) is not used, because it usually names a region without such an endpoint.
    type: str
    choices: [us-east-2, us-west-2, eu-west-1, ap-southeast-1]
    default: us-east-2
notes:
  - AWS Chatbot is now called Amazon Q Developer in chat applications. Its API has kept the name C(chatbot).
  - Chatbot exists in the partition C(aws) only, neither in AWS GovCloud nor in the China regions.
"""

    CHANNEL = r"""
options:
  state:
    description:
      - V(present) creates the configuration, or adopts the one that the chat channel already has, whatever its name,
        because AWS allows one for a channel in an account.
      - V(absent) deletes the configuration named O(configuration_name), with all its topics. One that had been adopted
        under another name stays. To take out only some topics, use O(remove_sns_topic_arns).
    type: str
    choices: [present, absent]
    default: present
  configuration_name:
    description:
      - The name of the configuration, 1 to 128 letters, digits, hyphens and underscores.
      - AWS cannot change it. A configuration that is adopted keeps its own.
      - A configuration of this name for another channel of the same workspace (team) is moved to the given channel.
    type: str
    required: true
    aliases: [name]
  iam_role_arn:
    description:
      - The ARN of the IAM role that Chatbot assumes for commands typed into the channel, the channel role.
      - It is needed to create a configuration. Not set, an existing configuration keeps its role.
    type: str
  sns_topic_arns:
    description:
      - The ARNs of SNS topics, of any region, whose messages shall appear in the channel.
      - They are added to the topics that are there, unless O(purge_sns_topic_arns=true).
    type: list
    elements: str
  purge_sns_topic_arns:
    description:
      - Whether topics that are not in O(sns_topic_arns) are removed from the configuration.
      - If O(sns_topic_arns) is not set, topics are not removed.
    type: bool
    default: false
  remove_sns_topic_arns:
    description: The ARNs of SNS topics that shall not be in the configuration; all others stay.
    type: list
    elements: str
  guardrail_policy_arns:
    description:
      - The ARNs of the IAM policies that bound what the channel may do, whatever its roles allow.
      - Not set, an existing configuration keeps its guardrails, and a new one gets AWS's default, AdministratorAccess.
    type: list
    elements: str
  logging_level:
    description:
      - What Chatbot logs to CloudWatch Logs in us-east-1.
      - Not set, an existing configuration keeps its level, and a new one gets AWS's default, V(NONE).
    type: str
    choices: [ERROR, INFO, NONE]
  user_authorization_required:
    description:
      - Whether members of the channel need an IAM role of their own to run commands.
      - Not set, an existing configuration keeps its setting, and a new one gets AWS's default, V(false).
    type: bool
notes:
  - What is written is read back until it holds, so two runs at once do not lose each other's topics.
  - A workspace (team) has to be authorised once in the console, at
    U(https://us-east-2.console.aws.amazon.com/chatbot/home), which AWS lets nobody automate.
"""
