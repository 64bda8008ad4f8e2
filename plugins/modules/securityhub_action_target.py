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
  - Creates, adopts, changes and deletes a custom action (action target) of AWS Security Hub CSPM in one region.
  - A custom action is an entry in the menu that the console shows for chosen findings. It sends them to EventBridge,
    as events of the type C(Security Hub Findings - Custom Action).
  - Security Hub has to be enabled in the region.
options:
  state:
    description:
      - V(present) creates the custom action, adopts one that has the same O(id), and keeps its name and description so.
      - V(absent) deletes it. Neither an action that is not there nor a region with Security Hub off is an error.
    type: str
    choices: [present, absent]
    default: present
  id:
    description:
      - The Id, which ends the ARN of the custom action, 1 to 20 letters and digits.
      - AWS cannot change it, so another Id is another custom action.
    type: str
    required: true
  name:
    description:
      - The name shown in the console, 1 to 20 characters.
      - Needed with O(state=present).
    type: str
  description:
    description:
      - The description shown in the console.
      - Needed with O(state=present).
    type: str
author:
  - secops.securityhub maintainers (@secops)
seealso:
  - module: secops.securityhub.securityhub_action_target_info
  - name: Security Hub custom actions
    description: How Security Hub sends chosen findings to EventBridge.
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
    description: Sends the chosen findings to the Slack channel of the security team
    region: ap-northeast-1

- name: Take it away again
  secops.securityhub.securityhub_action_target:
    id: SendToSlack
    state: absent
    region: ap-northeast-1

- name: Look at all custom actions of the region
  secops.securityhub.securityhub_action_target_info:
    region: ap-northeast-1
"""

RETURN = r"""
action_target:
  description:
    - The custom action as it is now, or as it would be in check mode.
    - Empty when there is none.
  returned: always
  type: dict
  contains:
    action_target_arn:
      description: The ARN, which EventBridge events carry in C(resources).
      returned: when there is a custom action
      type: str
      sample: arn:aws:securityhub:ap-northeast-1:123456789012:action/custom/SendToSlack
    description:
      description: The description shown in the console.
      returned: when there is a custom action
      type: str
      sample: Sends the chosen findings to the Slack channel of the security team
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

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._aws import modules
from ..module_utils._securityhub import action_target
from ..module_utils._securityhub import transformations
from ..module_utils._services import securityhub as api

ActionTarget = dict[str, Any]


def ensure_present(
    client: Any, targets: list[ActionTarget], desired: action_target.Desired, check_mode: bool
) -> tuple[bool, ActionTarget]:
    """Return whether something changes, and the custom action as it is (or would be) then."""
    current = action_target.find(targets, desired.id)
    named = {"Name": desired.name, "Description": desired.description}
    if current is None:
        action_target.require_room(targets)
        if check_mode:
            arn = transformations.action_target_arn(api.describe_hub(client)["HubArn"], desired.id)
        else:
            arn = action_target.create_or_adopt(client, desired)
        return True, {"ActionTargetArn": arn, **named}
    if not action_target.changes(current, desired):
        return False, current
    if not check_mode:
        action_target.update(client, current, desired)
    return True, {**current, **named}


def ensure_absent(client: Any, current: ActionTarget | None, check_mode: bool) -> bool:
    """Return whether something changes."""
    if current is None:
        return False
    return check_mode or api.delete_action_target(client, current["ActionTargetArn"])


def current_targets(client: Any, hub_needed: bool) -> list[ActionTarget]:
    """Return all custom actions; a hub that is off holds none."""
    try:
        return api.describe_action_targets(client)
    except api.HubNotEnabled:
        if hub_needed:
            raise
        return []


def main() -> None:
    """Read the options, compare, change, report."""
    module = AnsibleAWSModule(
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
    modules.refuse(module, action_target.problems(desired.id, desired.name, desired.description))

    client = modules.client(module, "securityhub")
    with modules.explained(module, f"Security Hub custom action {desired.id} in {client.meta.region_name}"):
        targets = current_targets(client, hub_needed=present)
        current = action_target.find(targets, desired.id)
        after: ActionTarget | None = None
        if present:
            changed, after = ensure_present(client, targets, desired, module.check_mode)
        else:
            changed = ensure_absent(client, current, module.check_mode)

    result = transformations.action_target_result(after)
    module.exit_json(
        changed=changed,
        action_target=result,
        diff=modules.difference(transformations.action_target_result(current), result),
    )


if __name__ == "__main__":
    main()
