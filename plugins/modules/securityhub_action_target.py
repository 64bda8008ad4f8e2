#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_action_target
version_added: 1.0.0
short_description: Manage a custom action of AWS Security Hub
description:
  - Creates, adopts, updates and deletes a custom action (action target) of AWS Security Hub CSPM in one region.
  - A custom action is an entry in the menu that the console shows for selected findings. It sends them to EventBridge
    as events of the type C(Security Hub Findings - Custom Action).
  - Security Hub must be enabled in the region.
options:
  state:
    description:
      - V(present) creates the custom action, or adopts the one with the same O(id), and updates its texts.
      - V(absent) deletes it. A missing action is not an error, nor is a region where Security Hub is off.
    type: str
    choices: [present, absent]
    default: present
  id:
    description:
      - The Id, 1 to 20 letters and digits. It is the last part of the ARN of the custom action.
      - AWS cannot change it. Another Id means another custom action.
    type: str
    required: true
  name:
    description:
      - The name shown in the console, 1 to 20 characters.
      - Required with O(state=present).
    type: str
  description:
    description:
      - The description shown in the console.
      - Required with O(state=present).
    type: str
author:
  - secops.securityhub maintainers (@secops)
seealso:
  - module: secops.securityhub.securityhub_action_target_info
  - name: Security Hub custom actions
    description: How Security Hub sends selected findings to EventBridge.
    link: https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-cwe-custom-actions.html
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - secops.securityhub._attributes
"""

EXAMPLES = r"""
- name: Offer "Send to Slack" in the console of Security Hub
  secops.securityhub.securityhub_action_target:
    id: SendToSlack
    name: Send to Slack
    description: Sends the selected findings to the Slack channel of the security team
    region: ap-northeast-1

- name: Delete it
  secops.securityhub.securityhub_action_target:
    id: SendToSlack
    state: absent
    region: ap-northeast-1

- name: List all custom actions of the region
  secops.securityhub.securityhub_action_target_info:
    region: ap-northeast-1
"""

RETURN = r"""
action_target:
  description:
    - The custom action as it is now, or as it would be in check mode.
    - Empty if there is none.
  returned: always
  type: dict
  contains:
    action_target_arn:
      description: The ARN, which EventBridge events have in C(resources).
      returned: when there is a custom action
      type: str
      sample: arn:aws:securityhub:ap-northeast-1:123456789012:action/custom/SendToSlack
    description:
      description: The description shown in the console.
      returned: when there is a custom action
      type: str
      sample: Sends the selected findings to the Slack channel of the security team
    id:
      description: The Id, the last part of the ARN.
      returned: when there is a custom action
      type: str
      sample: SendToSlack
    name:
      description: The name shown in the console.
      returned: when there is a custom action
      type: str
      sample: Send to Slack
"""

from functools import partial

from ..module_utils._aws.clients import Caller
from ..module_utils._aws.errors import UserError
from ..module_utils._aws.modules import Module
from ..module_utils._securityhub import action_target
from ..module_utils._securityhub import transformations
from ..module_utils._securityhub.hub import where_enabled
from ..module_utils._services import securityhub
from ..module_utils._services.securityhub import ActionTarget


def ensure_present(
    aws: Caller, targets: list[ActionTarget], desired: action_target.Desired, check_mode: bool
) -> ActionTarget:
    """Return the custom action as it is (or would be) afterwards."""
    current = action_target.find(targets, desired.id)
    if current is not None:
        if not check_mode:
            action_target.update(aws, current, desired)
        arn = current["ActionTargetArn"]
    else:
        full = action_target.without_room(len(targets))
        if full:
            raise UserError(full)
        if check_mode:
            hub = aws.call("securityhub", securityhub.describe_hub)
            arn = transformations.action_target_arn(hub["HubArn"], desired.id)
        else:
            arn = action_target.create_or_adopt(aws, desired)
    return {"ActionTargetArn": arn, "Name": desired.name, "Description": desired.description}


def main() -> None:
    """Create, change or delete the custom action."""
    module = Module(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "id": {"type": "str", "required": True},
            "name": {"type": "str"},
            "description": {"type": "str"},
        },
        required_if=[("state", "present", ["name", "description"])],
        supports_check_mode=True,
    )
    options = module.params
    present = options["state"] == "present"
    desired = action_target.Desired(options["id"], options["name"], options["description"])
    module.require(action_target.problems(desired.id, desired.name, desired.description))

    aws = module.access()
    after: ActionTarget | None = None
    with module.explained(f"Security Hub custom action {desired.id} in {aws.region}"):
        read = partial(aws.call, "securityhub", securityhub.describe_action_targets)
        targets = where_enabled(read, hub_needed=present) or []
        current = action_target.find(targets, desired.id)
        if present:
            after = ensure_present(aws, targets, desired, module.check_mode)
        elif current is not None and not module.check_mode:
            aws.call("securityhub", securityhub.delete_action_target, current["ActionTargetArn"])
    result = transformations.action_target_result
    module.exit_with("action_target", result(current), result(after))


if __name__ == "__main__":
    main()
