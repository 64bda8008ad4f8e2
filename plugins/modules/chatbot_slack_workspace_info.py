#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: chatbot_slack_workspace_info
version_added: 1.0.0
short_description: Read the Slack workspaces authorized for AWS Chatbot
description:
  - Reads the Slack workspaces that are authorized for AWS Chatbot in an account.
  - A person must authorize a workspace once in the console, at
    U(https://us-east-2.console.aws.amazon.com/chatbot/home). AWS has no API for this.
options: {}
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
- name: Read which Slack workspaces are authorized
  secops.securityhub.chatbot_slack_workspace_info:
  register: slack

- name: Stop if ours is not authorized
  ansible.builtin.assert:
    that: slack.slack_workspaces | selectattr('slack_team_id', 'eq', 'T012AB3CD') | length == 1
"""

RETURN = r"""
slack_workspaces:
  description: The authorized workspaces, sorted by ID; an empty list if there is none.
  returned: always
  type: list
  elements: dict
  contains:
    slack_team_id:
      description: The ID of the workspace.
      returned: always
      type: str
      sample: T012AB3CD
    slack_team_name:
      description: The name of the workspace.
      returned: always
      type: str
      sample: example
    state:
      description: V(ENABLED), or V(DISABLED) if a policy of the AWS organization forbids it.
      returned: when AWS returns it
      type: str
      sample: ENABLED
    state_reason:
      description: Why the workspace is disabled.
      returned: when it is disabled
      type: str
      sample: Denied by the chat applications policy of the organization
"""

from ..module_utils._aws.modules import Module
from ..module_utils._channel.channel_module import REGION_OPTION
from ..module_utils._channel.transformations import result
from ..module_utils._services import chatbot


def main() -> None:
    """Return the Slack workspaces that are authorized in the account."""
    module = Module(argument_spec=REGION_OPTION, supports_check_mode=True)
    aws = module.access(module.params["chatbot_region"])
    with module.explained("Slack workspaces"):
        workspaces = aws.call("chatbot", chatbot.describe_slack_workspaces)
    results = sorted(map(result, workspaces), key=lambda item: str(item["slack_team_id"]))
    module.exit_json(changed=False, slack_workspaces=results)


if __name__ == "__main__":
    main()
