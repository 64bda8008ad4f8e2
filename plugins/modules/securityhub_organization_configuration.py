#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_organization_configuration
version_added: 1.0.0
short_description: Configure how AWS Security Hub treats accounts that join the organization
description:
  - Configures whether AWS Security Hub CSPM is enabled automatically in accounts that join the AWS organization, in one
    region, or whether configuration policies control that centrally.
  - It must run with credentials of the delegated administrator. For central configuration, it must
    run in the home region.
  - An option that is not set leaves its setting unchanged. The configuration always exists, so it cannot be
    removed.
options:
  auto_enable:
    description: Whether Security Hub is enabled in accounts that join the organization.
    type: bool
  auto_enable_standards:
    description: Whether the default standards are also enabled there.
    type: str
    choices: [NONE, DEFAULT]
  configuration_type:
    description:
      - V(LOCAL) configures each region separately. V(CENTRAL) uses configuration policies, requires a finding
        aggregator, and turns O(auto_enable) and O(auto_enable_standards) off.
    type: str
    choices: [LOCAL, CENTRAL]
author:
  - secops.securityhub maintainers (@secops)
seealso:
  - module: secops.securityhub.securityhub_organization_configuration_info
  - module: secops.securityhub.securityhub_organization_admin_account
  - module: secops.securityhub.securityhub_finding_aggregator
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - secops.securityhub._attributes
"""

EXAMPLES = r"""
- name: Enable Security Hub in every account that joins, without standards
  secops.securityhub.securityhub_organization_configuration:
    auto_enable: true
    auto_enable_standards: NONE
    region: eu-west-1

- name: Use configuration policies
  secops.securityhub.securityhub_organization_configuration:
    configuration_type: CENTRAL
    region: eu-west-1

- name: Show the configuration
  secops.securityhub.securityhub_organization_configuration_info:
    region: eu-west-1
"""

RETURN = r"""
organization_configuration:
  description: The configuration as it is now, or as it would be in check mode.
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
from ..module_utils._securityhub import organization
from ..module_utils._securityhub import transformations
from ..module_utils._services import securityhub


def main() -> None:
    """Change how accounts that join the organization are treated."""
    module = Module(
        argument_spec={
            "auto_enable": {"type": "bool"},
            "auto_enable_standards": {"type": "str", "choices": ["NONE", "DEFAULT"]},
            "configuration_type": {"type": "str", "choices": ["LOCAL", "CENTRAL"]},
        },
        required_one_of=[("auto_enable", "auto_enable_standards", "configuration_type")],
        supports_check_mode=True,
    )
    options = module.params
    module.require(organization.contradictions(options) if options["configuration_type"] == "CENTRAL" else [])
    aws = module.access()
    with module.explained(f"Security Hub organization configuration in {aws.region}"):
        current = aws.call("securityhub", securityhub.describe_organization_configuration)
        after = organization.ensure(aws, current, options, module.check_mode)
    result = transformations.organization_configuration_result
    module.exit_with("organization_configuration", result(current), result(after))


if __name__ == "__main__":
    main()
