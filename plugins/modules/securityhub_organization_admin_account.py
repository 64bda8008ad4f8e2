#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_organization_admin_account
version_added: 1.0.0
short_description: Designate the delegated administrator of AWS Security Hub
description:
  - Designates an account of the AWS organization as the delegated administrator of AWS Security Hub CSPM in one region,
    or removes the designation.
  - AWS enables Security Hub in the designated account.
  - It must run with credentials of the management account of the organization.
options:
  state:
    description:
      - V(present) designates the account. If another account is designated already, the module fails.
      - V(absent) removes the designation of this account. Its members lose their administrator.
    type: str
    choices: [present, absent]
    default: present
  admin_account_id:
    description: The ID of the account, 12 digits, in quotes.
    type: str
    required: true
notes:
  - With local configuration, the default, the designation applies to one region. AWS requires the same account in
    all regions.
author:
  - secops.securityhub maintainers (@secops)
seealso:
  - module: secops.securityhub.securityhub_organization_admin_account_info
  - module: secops.securityhub.securityhub_organization_configuration
  - name: Designating a delegated administrator
    description: What the designation means.
    link: https://docs.aws.amazon.com/securityhub/latest/userguide/designate-orgs-admin-account.html
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - secops.securityhub._attributes
"""

EXAMPLES = r"""
- name: Designate the security account
  secops.securityhub.securityhub_organization_admin_account:
    admin_account_id: "123456789012"
    profile: management
    region: eu-west-1

- name: Remove the designation
  secops.securityhub.securityhub_organization_admin_account:
    admin_account_id: "123456789012"
    state: absent
    profile: management
    region: eu-west-1

- name: Show the delegated administrator
  secops.securityhub.securityhub_organization_admin_account_info:
    profile: management
    region: eu-west-1
"""

RETURN = r"""
admin_account:
  description:
    - The delegated administrator as it is now, or as it would be in check mode.
    - Empty if there is none.
  returned: always
  type: dict
  contains:
    account_id:
      description: The account ID of the delegated administrator.
      returned: when there is one
      type: str
      sample: "123456789012"
    status:
      description: V(ENABLED), or V(DISABLE_IN_PROGRESS) while AWS removes the designation.
      returned: when there is one
      type: str
      sample: ENABLED
"""

from ..module_utils._aws.modules import Module
from ..module_utils._aws.names import ACCOUNT_ID
from ..module_utils._securityhub import administrator
from ..module_utils._securityhub import transformations


def main() -> None:
    """Designate the delegated administrator, or remove the designation."""
    module = Module(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "admin_account_id": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    account = module.params["admin_account_id"]
    if not ACCOUNT_ID.fullmatch(account):
        module.require([f"admin_account_id is {account!r}. Use the 12 digits of an account ID, in quotes."])

    aws = module.access()
    ensure = administrator.ensure_present if module.params["state"] == "present" else administrator.ensure_absent
    with module.explained(f"Security Hub delegated administrator in {aws.region}"):
        current = administrator.read_admin(aws)
        after = ensure(aws, current, account, module.check_mode)
    result = transformations.result
    module.exit_with("admin_account", result(current), result(after))


if __name__ == "__main__":
    main()
