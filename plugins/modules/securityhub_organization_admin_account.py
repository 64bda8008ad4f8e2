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
  - Designates an account of the AWS organisation as the delegated administrator of AWS Security Hub CSPM in one region,
    or takes that back.
  - AWS enables Security Hub in the designated account.
  - It has to run with credentials of the management account of the organisation.
options:
  state:
    description:
      - V(present) designates the account. Another account that is designated already is not replaced, but refused.
      - V(absent) takes the designation of this account back; members lose their administrator.
    type: str
    choices: [present, absent]
    default: present
  admin_account_id:
    description: The id of the account, 12 digits. Put it in quotes.
    type: str
    required: true
notes:
  - With local configuration, the default, the designation holds for one region. AWS wants the same account in all.
author:
  - secops.securityhub maintainers (@secops)
seealso:
  - module: secops.securityhub.securityhub_organization_admin_account_info
  - module: secops.securityhub.securityhub_organization_configuration
  - name: Designating a delegated administrator
    description: What AWS does with it.
    link: https://docs.aws.amazon.com/securityhub/latest/userguide/designate-orgs-admin-account.html
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - secops.securityhub._attributes
"""

EXAMPLES = r"""
- name: Let the security account administer Security Hub
  secops.securityhub.securityhub_organization_admin_account:
    admin_account_id: "123456789012"
    profile: management
    region: eu-west-1

- name: Take that back
  secops.securityhub.securityhub_organization_admin_account:
    admin_account_id: "123456789012"
    state: absent
    profile: management
    region: eu-west-1

- name: See who administers
  secops.securityhub.securityhub_organization_admin_account_info:
    profile: management
    region: eu-west-1
"""

RETURN = r"""
admin_account:
  description:
    - The delegated administrator as it is now, or as it would be in check mode.
    - Empty when there is none.
  returned: always
  type: dict
  contains:
    account_id:
      description: The account id of the delegated administrator.
      returned: when there is one
      type: str
      sample: "123456789012"
    status:
      description: V(ENABLED), or V(DISABLE_IN_PROGRESS) while AWS takes the designation back.
      returned: when there is one
      type: str
      sample: ENABLED
"""

import re
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._aws import errors
from ..module_utils._aws import modules
from ..module_utils._aws import polling as waiting
from ..module_utils._securityhub import transformations
from ..module_utils._services import securityhub as api

Account = dict[str, Any]

ACCOUNT_ID = re.compile(r"^\d{12}\Z")
SECONDS_TO_APPEAR = 120
# AWS Organizations refuses two changes at once, as when several regions are designated together.
SECONDS_OF_CONFLICT = 60


def read_admin(client: Any) -> Account | None:
    """Return the delegated administrator, or None."""
    accounts = api.list_organization_admin_accounts(client)
    return accounts[0] if accounts else None


def refuse_another(current: Account, wanted: str) -> None:
    """Raise UserError where the designation is not free."""
    if current["Status"] == "DISABLE_IN_PROGRESS":
        raise errors.UserError(
            f"AWS is still taking the designation of {current['AccountId']} back: try again in some minutes."
        )
    if current["AccountId"] != wanted:
        raise errors.UserError(
            f"{current['AccountId']} is the delegated administrator, and replacing it would cut off its members: take "
            f"its designation back first (state: absent), if that is meant."
        )


def enable(client: Any, account: str) -> Account:
    """Designate the account, waiting for other changes of the organisation to end, and until AWS shows it."""

    def attempt() -> Exception | None:
        try:
            api.enable_organization_admin_account(client, account)
        except client.exceptions.ClientError as error:
            if errors.code(error) != "ResourceConflictException":
                raise
            return error
        return None

    conflict = waiting.poll(attempt, lambda error: error is None, SECONDS_OF_CONFLICT)
    if conflict is not None:
        raise conflict
    shown = waiting.poll(lambda: read_admin(client), lambda admin: admin is not None, SECONDS_TO_APPEAR)
    if shown is None:
        raise errors.UserError(
            f"AWS does not show the designation after {SECONDS_TO_APPEAR} seconds: look at it later."
        )
    return shown


def disable(client: Any, account: str) -> Account | None:
    """Take the designation back, and return what AWS still shows of it after a while."""
    api.disable_organization_admin_account(client, account)
    return waiting.poll(lambda: read_admin(client), lambda admin: admin is None, SECONDS_TO_APPEAR)


def ensure_present(client: Any, current: Account | None, account: str, check_mode: bool) -> Account:
    """Return the delegated administrator as it is (or would be) then."""
    if current is not None:
        refuse_another(current, account)
        return current
    return {"AccountId": account, "Status": "ENABLED"} if check_mode else enable(client, account)


def ensure_absent(client: Any, current: Account | None, account: str, check_mode: bool) -> Account | None:
    """Return the delegated administrator as it is (or would be) then; another one stays."""
    if current is None or current["AccountId"] != account or current["Status"] != "ENABLED":
        return current
    return None if check_mode else disable(client, account)


def main() -> None:
    """Read the options, compare, change, report."""
    module = AnsibleAWSModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "admin_account_id": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    account = module.params["admin_account_id"]
    if not ACCOUNT_ID.match(account):
        modules.refuse(module, [f"admin_account_id is {account!r}: give the 12 digits of an account id, in quotes"])

    client = modules.client(module, "securityhub")
    ensure = ensure_present if module.params["state"] == "present" else ensure_absent
    with modules.explained(module, f"Security Hub delegated administrator in {client.meta.region_name}"):
        current = read_admin(client)
        after = ensure(client, current, account, module.check_mode)

    before = transformations.admin_account_result(current)
    result = transformations.admin_account_result(after)
    module.exit_json(changed=before != result, admin_account=result, diff=modules.difference(before, result))


if __name__ == "__main__":
    main()
