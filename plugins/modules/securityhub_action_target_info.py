#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_action_target_info
version_added: 1.0.0
short_description: Read the custom actions of AWS Security Hub
description:
  - Reads the custom actions (action targets) of AWS Security Hub CSPM in one region.
  - Security Hub must be enabled in the region.
options:
  id:
    description:
      - Only the custom action with this Id.
      - If it is not set, all of them.
    type: str
author:
  - secops.securityhub maintainers (@secops)
seealso:
  - module: secops.securityhub.securityhub_action_target
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - secops.securityhub._attributes.info
"""

EXAMPLES = r"""
- name: Read all custom actions of the region
  secops.securityhub.securityhub_action_target_info:
    region: ap-northeast-1
  register: custom_actions

- name: Read one of them
  secops.securityhub.securityhub_action_target_info:
    id: SendToSlack
    region: ap-northeast-1
"""

RETURN = r"""
action_targets:
  description: The custom actions, sorted by Id; an empty list if there is none.
  returned: always
  type: list
  elements: dict
  contains:
    action_target_arn:
      description: The ARN, which EventBridge events have in C(resources).
      returned: always
      type: str
      sample: arn:aws:securityhub:ap-northeast-1:123456789012:action/custom/SendToSlack
    description:
      description: The description shown in the console.
      returned: always
      type: str
      sample: Sends the selected findings to the Slack channel of the security team
    id:
      description: The Id, the last part of the ARN.
      returned: always
      type: str
      sample: SendToSlack
    name:
      description: The name shown in the console.
      returned: always
      type: str
      sample: Send to Slack
"""

from ..module_utils._aws.modules import Module
from ..module_utils._securityhub import action_target
from ..module_utils._securityhub import transformations
from ..module_utils._services import securityhub


def main() -> None:
    """Return all custom actions of the region, or one."""
    module = Module(argument_spec={"id": {"type": "str"}}, supports_check_mode=True)
    identifier = module.params["id"]
    if identifier is not None:
        module.require(action_target.problems(identifier))

    aws = module.access()
    with module.explained(f"Security Hub custom actions in {aws.region}"):
        targets = aws.call("securityhub", securityhub.describe_action_targets)

    results = sorted(map(transformations.action_target_result, targets), key=lambda item: str(item["id"]))
    module.exit_json(changed=False, action_targets=[item for item in results if identifier in (None, item["id"])])


if __name__ == "__main__":
    main()
