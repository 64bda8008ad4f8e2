#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_organization_configuration
version_added: 1.0.0
short_description: Configure how AWS Security Hub treats accounts that join the organisation
description:
  - Configures whether AWS Security Hub CSPM is enabled by itself in accounts that join the AWS organisation, in one
    region, or whether configuration policies govern that centrally.
  - It has to run with credentials of the delegated administrator, for central configuration in the home region.
  - An option that is not set leaves its setting alone. There is no state, because the configuration is always there.
options:
  auto_enable:
    description: Whether Security Hub is enabled in accounts that join the organisation.
    type: bool
  auto_enable_standards:
    description: Whether AWS's default standards are enabled there too.
    type: str
    choices: [NONE, DEFAULT]
  configuration_type:
    description:
      - V(LOCAL) configures every region for itself. V(CENTRAL) leaves it to configuration policies, needs a finding
        aggregator, and switches O(auto_enable) and O(auto_enable_standards) off.
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
- name: Enable Security Hub in every account that joins, but none of its standards
  secops.securityhub.securityhub_organization_configuration:
    auto_enable: true
    auto_enable_standards: NONE
    region: eu-west-1

- name: Leave it to configuration policies
  secops.securityhub.securityhub_organization_configuration:
    configuration_type: CENTRAL
    region: eu-west-1

- name: See how it is configured
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
      description: Whether Security Hub is enabled in accounts that join the organisation.
      returned: always
      type: bool
      sample: true
    auto_enable_standards:
      description: V(DEFAULT) when AWS's default standards are enabled there too, otherwise V(NONE).
      returned: always
      type: str
      sample: NONE
    configuration_type:
      description: V(LOCAL), or V(CENTRAL) when configuration policies govern accounts and regions.
      returned: when AWS gives it
      type: str
      sample: LOCAL
    member_account_limit_reached:
      description: Whether the administrator has as many members as AWS allows.
      returned: always
      type: bool
      sample: false
    status:
      description: How far AWS is with central configuration, V(PENDING), V(ENABLED), V(FAILED) or V(DISABLED).
      returned: when AWS gives it
      type: str
      sample: ENABLED
    status_message:
      description: Why central configuration could not be enabled.
      returned: when it failed
      type: str
      sample: The finding aggregator is missing
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils._aws import modules
from ..module_utils._aws import polling as waiting
from ..module_utils._aws.errors import UserError
from ..module_utils._securityhub import transformations
from ..module_utils._services import securityhub as api

Configuration = dict[str, Any]

# What AWS sets, and lets nobody change, under central configuration.
UNDER_CENTRAL = {"AutoEnable": False, "AutoEnableStandards": "NONE"}
SECONDS_TO_SETTLE = 180


def configuration_type(current: Configuration) -> str:
    """Return LOCAL or CENTRAL."""
    return str((current.get("OrganizationConfiguration") or {}).get("ConfigurationType", "LOCAL"))


def asked(options: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that the options ask for, under their names in the API."""
    wanted = {"AutoEnable": options["auto_enable"], "AutoEnableStandards": options["auto_enable_standards"]}
    return {key: value for key, value in wanted.items() if value is not None}


def problems(options: dict[str, Any]) -> list[str]:
    """Return what AWS would refuse, as far as the options alone tell."""
    if options["configuration_type"] != "CENTRAL":
        return []
    return [_contradiction(key) for key, value in asked(options).items() if value != UNDER_CENTRAL[key]]


def _contradiction(member: str) -> str:
    return f"central configuration rules out {member}: leave it out, and use a configuration policy instead"


def wanted_of(current: Configuration, options: dict[str, Any]) -> dict[str, Any]:
    """Return all three settings as they shall be. Raise UserError where central configuration rules them out."""
    wanted_type = options["configuration_type"] or configuration_type(current)
    settings = {key: current[key] for key in UNDER_CENTRAL}
    if wanted_type == "CENTRAL":
        ruled_out = [key for key, value in asked(options).items() if value != UNDER_CENTRAL[key]]
        if ruled_out:
            raise UserError(f"{_contradiction(' and '.join(ruled_out))}.")
        return {**UNDER_CENTRAL, "ConfigurationType": wanted_type}
    return {**settings, **asked(options), "ConfigurationType": wanted_type}


def differs(current: Configuration, wanted: dict[str, Any]) -> bool:
    """Tell whether anything must be written."""
    return configuration_type(current) != wanted["ConfigurationType"] or any(
        current[key] != wanted[key] for key in UNDER_CENTRAL
    )


def projected(current: Configuration, wanted: dict[str, Any]) -> Configuration:
    """Return the configuration as it will be."""
    nested = {"ConfigurationType": wanted["ConfigurationType"], "Status": "ENABLED"}
    return {**current, **{key: wanted[key] for key in UNDER_CENTRAL}, "OrganizationConfiguration": nested}


def update(client: Any, current: Configuration, wanted: dict[str, Any]) -> Configuration:
    """Write what is wanted, wait for central configuration to settle, and return what AWS shows then."""
    members = {key: wanted[key] for key in UNDER_CENTRAL}
    if configuration_type(current) != wanted["ConfigurationType"]:
        members["OrganizationConfiguration"] = {"ConfigurationType": wanted["ConfigurationType"]}
    api.update_organization_configuration(client, members)
    after = waiting.poll(
        lambda: api.describe_organization_configuration(client),
        lambda shown: (shown.get("OrganizationConfiguration") or {}).get("Status") != "PENDING",
        SECONDS_TO_SETTLE,
    )
    nested = after.get("OrganizationConfiguration") or {}
    if nested.get("Status") in ("FAILED", "PENDING"):
        raise UserError(
            f"AWS could not switch to {wanted['ConfigurationType']} configuration (status {nested['Status']}: "
            f"{nested.get('StatusMessage') or 'no reason given'}): check the finding aggregator and the home region."
        )
    return after


def main() -> None:
    """Read the options, compare, change, report."""
    module = AnsibleAWSModule(
        argument_spec={
            "auto_enable": {"type": "bool"},
            "auto_enable_standards": {"type": "str", "choices": ["NONE", "DEFAULT"]},
            "configuration_type": {"type": "str", "choices": ["LOCAL", "CENTRAL"]},
        },
        required_one_of=[("auto_enable", "auto_enable_standards", "configuration_type")],
        supports_check_mode=True,
    )
    modules.refuse(module, problems(module.params))
    client = modules.client(module, "securityhub")
    with modules.explained(module, f"Security Hub organisation configuration in {client.meta.region_name}"):
        current = after = api.describe_organization_configuration(client)
        wanted = wanted_of(current, module.params)
        changed = differs(current, wanted)
        if changed:
            after = projected(current, wanted) if module.check_mode else update(client, current, wanted)

    before = transformations.organization_configuration_result(current)
    result = transformations.organization_configuration_result(after)
    module.exit_json(changed=changed, organization_configuration=result, diff=modules.difference(before, result))


if __name__ == "__main__":
    main()
