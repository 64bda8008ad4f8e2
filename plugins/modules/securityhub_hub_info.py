#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_hub_info
version_added: 1.0.0
short_description: Read whether and how AWS Security Hub is enabled in a region
description:
  - Reads the hub of AWS Security Hub CSPM of the account of the credentials in one region.
options: {}
author:
  - secops.securityhub maintainers (@secops)
seealso:
  - module: secops.securityhub.securityhub_hub
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - secops.securityhub._attributes.info
"""

EXAMPLES = r"""
- name: Read the hub of the region
  secops.securityhub.securityhub_hub_info:
    region: ap-northeast-1
  register: security_hub

- name: Stop if Security Hub is off
  ansible.builtin.assert:
    that: security_hub.hubs | length == 1
"""

RETURN = r"""
hubs:
  description: The hub of the region; an empty list if Security Hub is off.
  returned: always
  type: list
  elements: dict
  contains:
    auto_enable_controls:
      description: Whether new controls of enabled standards are enabled automatically.
      returned: always
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
      returned: always
      type: str
      sample: arn:aws:securityhub:ap-northeast-1:123456789012:hub/default
    subscribed_at:
      description: When Security Hub was enabled.
      returned: always
      type: str
      sample: "2026-11-23T09:00:00.000Z"
    tags:
      description: The tags of the hub.
      returned: always
      type: dict
      sample: {team: security}
"""

from ..module_utils._aws.modules import Module
from ..module_utils._securityhub import hub
from ..module_utils._securityhub import transformations


def main() -> None:
    """Return the hub of the region, if there is one."""
    module = Module(argument_spec={}, supports_check_mode=True)
    aws = module.access()
    with module.explained(f"Security Hub in {aws.region}"):
        found = hub.read_hub(aws)
    module.exit_json(changed=False, hubs=[transformations.result(found)] if found else [])


if __name__ == "__main__":
    main()
