#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_organization_admin_account_info
version_added: 1.0.0
short_description: Read the delegated administrator of AWS Security Hub
description:
  - Reads which account of the AWS organisation is the delegated administrator of AWS Security Hub CSPM in one region.
  - It has to run with credentials of the management account of the organisation.
options: {}
author:
  - secops.securityhub maintainers (@secops)
seealso:
  - module: secops.securityhub.securityhub_organization_admin_account
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - secops.securityhub._attributes.info
"""

EXAMPLES = r"""
- name: Read who administers Security Hub
  secops.securityhub.securityhub_organization_admin_account_info:
    profile: management
    region: eu-west-1
  register: administrators
"""

RETURN = r"""
admin_accounts:
  description: The delegated administrator; an empty list when there is none.
  returned: always
  type: list
  elements: dict
  contains:
    account_id:
      description: The account id of the delegated administrator.
      returned: always
      type: str
      sample: "123456789012"
    status:
      description: V(ENABLED), or V(DISABLE_IN_PROGRESS) while AWS takes the designation back.
      returned: always
      type: str
      sample: ENABLED
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._aws import modules
from ..module_utils._securityhub import transformations
from ..module_utils._services import securityhub as api


def main() -> None:
    """Ask AWS, report."""
    module = AnsibleAWSModule(argument_spec={}, supports_check_mode=True)
    client = modules.client(module, "securityhub")
    with modules.explained(module, f"Security Hub delegated administrator in {client.meta.region_name}"):
        accounts = api.list_organization_admin_accounts(client)
    module.exit_json(
        changed=False, admin_accounts=[transformations.admin_account_result(account) for account in accounts]
    )


if __name__ == "__main__":
    main()
