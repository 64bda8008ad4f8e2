#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_organization_configuration_info
version_added: 1.0.0
short_description: Read how AWS Security Hub treats accounts that join the organization
description:
  - Reads whether AWS Security Hub CSPM is enabled automatically in accounts that join the AWS organization, in one
    region, and whether configuration policies control that centrally.
  - It must run with credentials of the delegated administrator.
options: {}
author:
  - secops.securityhub maintainers (@secops)
seealso:
  - module: secops.securityhub.securityhub_organization_configuration
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - secops.securityhub._attributes.info
"""

EXAMPLES = r"""
- name: Read the configuration
  secops.securityhub.securityhub_organization_configuration_info:
    region: eu-west-1
  register: organization
"""

RETURN = r"""
organization_configuration:
  description: The configuration.
  returned: always
  type: dict
  contains:
    auto_enable:
      description: Whether Security Hub is enabled in accounts that join the organization.
      returned: always
      type: bool
      sample: true
    auto_enable_standards:
      description: V(DEFAULT) if the default standards are also enabled there, otherwise V(NONE).
      returned: always
      type: str
      sample: NONE
    configuration_type:
      description: V(LOCAL), or V(CENTRAL) if configuration policies control accounts and regions.
      returned: when AWS returns it
      type: str
      sample: LOCAL
    member_account_limit_reached:
      description: Whether the administrator has reached the maximum number of members.
      returned: always
      type: bool
      sample: false
    status:
      description: The status of central configuration, V(PENDING), V(ENABLED), V(FAILED) or V(DISABLED).
      returned: when AWS returns it
      type: str
      sample: ENABLED
    status_message:
      description: Why AWS could not enable central configuration.
      returned: when it failed
      type: str
      sample: The finding aggregator is missing
"""

from ..module_utils._aws.modules import Module
from ..module_utils._securityhub import transformations
from ..module_utils._services import securityhub


def main() -> None:
    """Return how accounts that join the organization are treated."""
    module = Module(argument_spec={}, supports_check_mode=True)
    aws = module.access()
    with module.explained(f"Security Hub organization configuration in {aws.region}"):
        configuration = aws.call("securityhub", securityhub.describe_organization_configuration)
    module.exit_json(
        changed=False,
        organization_configuration=transformations.organization_configuration_result(configuration),
    )


if __name__ == "__main__":
    main()
