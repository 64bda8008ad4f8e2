#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_hub
version_added: 1.0.0
short_description: Enable and disable AWS Security Hub in a region
description:
  - Enables, configures and disables AWS Security Hub CSPM for the account of the credentials in one region.
  - An option that is not set leaves its setting unchanged.
options:
  state:
    description:
      - V(present) enables Security Hub, or updates its settings if it is enabled already.
      - V(absent) disables it. AWS deletes findings, insights, custom actions and settings after 90 days.
      - AWS refuses this in an account that administers Security Hub for other accounts.
    type: str
    choices: [present, absent]
    default: present
  enable_default_standards:
    description:
      - Whether AWS enables its default standards together with Security Hub.
      - Only used when Security Hub is being enabled. If it is not set, AWS enables them.
    type: bool
  auto_enable_controls:
    description: Whether new controls of enabled standards are enabled automatically.
    type: bool
  control_finding_generator:
    description:
      - V(SECURITY_CONTROL) creates one finding per failed check, V(STANDARD_CONTROL) one for each standard.
      - In an organization only the administrator account can change it. A change archives all control findings and
        creates new ones.
    type: str
    choices: [SECURITY_CONTROL, STANDARD_CONTROL]
notes:
  - Most controls require AWS Config in the region. This module does not enable it.
author:
  - secops.securityhub maintainers (@secops)
seealso:
  - module: secops.securityhub.securityhub_hub_info
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
  - secops.securityhub._attributes
"""

EXAMPLES = r"""
- name: Enable Security Hub without any standard
  secops.securityhub.securityhub_hub:
    enable_default_standards: false
    control_finding_generator: SECURITY_CONTROL
    region: ap-northeast-1

- name: Disable it
  secops.securityhub.securityhub_hub:
    state: absent
    region: ap-northeast-1

- name: Check whether it is enabled
  secops.securityhub.securityhub_hub_info:
    region: ap-northeast-1
"""

RETURN = r"""
hub:
  description:
    - The hub as it is now, or as it would be in check mode.
    - Empty if Security Hub is off.
  returned: always
  type: dict
  contains:
    auto_enable_controls:
      description: Whether new controls of enabled standards are enabled automatically.
      returned: when Security Hub is enabled
      type: bool
      sample: true
    control_finding_generator:
      description:
        - V(SECURITY_CONTROL) for one finding per failed check, V(STANDARD_CONTROL) for one for each standard.
      returned: when AWS returns it
      type: str
      sample: SECURITY_CONTROL
    hub_arn:
      description: The ARN of the hub.
      returned: when Security Hub is enabled
      type: str
      sample: arn:aws:securityhub:ap-northeast-1:123456789012:hub/default
    subscribed_at:
      description: When Security Hub was enabled.
      returned: when Security Hub is enabled, outside check mode
      type: str
      sample: "2026-11-23T09:00:00.000Z"
    tags:
      description: The tags of the hub.
      returned: when Security Hub is enabled
      type: dict
      sample: {team: security}
"""

from ..module_utils._aws.modules import Module
from ..module_utils._securityhub import hub
from ..module_utils._securityhub import transformations
from ..module_utils._services import securityhub
from ..module_utils._services.securityhub import Hub


def main() -> None:
    """Enable, change or disable Security Hub."""
    module = Module(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "enable_default_standards": {"type": "bool"},
            "auto_enable_controls": {"type": "bool"},
            "control_finding_generator": {"type": "str", "choices": ["SECURITY_CONTROL", "STANDARD_CONTROL"]},
            "tags": {"type": "dict", "aliases": ["resource_tags"]},
            "purge_tags": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    aws = module.access()
    with module.explained(f"Security Hub in {aws.region}"):
        current = hub.read_hub(aws)
        after: Hub | None = None
        if module.params["state"] == "present":
            after = hub.ensure_present(aws, current, module.params, module.check_mode)
        elif current is not None and not module.check_mode:
            aws.call("securityhub", securityhub.disable_security_hub)
    module.exit_with("hub", transformations.result(current), transformations.result(after))


if __name__ == "__main__":
    main()
