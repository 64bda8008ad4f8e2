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
  - Reads which account of the AWS organization is the delegated administrator of AWS Security Hub CSPM in one region.
  - It must run with credentials of the management account of the organization.
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
- name: Read the delegated administrator
  secops.securityhub.securityhub_organization_admin_account_info:
    profile: management
    region: eu-west-1
  register: administrators
"""

RETURN = r"""
admin_accounts:
  description: The delegated administrator; an empty list if there is none.
  returned: always
  type: list
  elements: dict
  contains:
    account_id:
      description: The account ID of the delegated administrator.
      returned: always
      type: str
      sample: "123456789012"
    status:
      description: V(ENABLED), or V(DISABLE_IN_PROGRESS) while AWS removes the designation.
      returned: always
      type: str
      sample: ENABLED
"""

from ..module_utils._aws.modules import Module
from ..module_utils._securityhub import transformations
from ..module_utils._services import securityhub


def main() -> None:
    """Return the delegated administrator of Security Hub, if there is one."""
    module = Module(argument_spec={}, supports_check_mode=True)
    aws = module.access()
    with module.explained(f"Security Hub delegated administrator in {aws.region}"):
        accounts = aws.call("securityhub", securityhub.list_organization_admin_accounts)
    module.exit_json(changed=False, admin_accounts=list(map(transformations.result, accounts)))


if __name__ == "__main__":
    main()
