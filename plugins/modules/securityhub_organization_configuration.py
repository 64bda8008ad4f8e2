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

from typing import Any

from ..module_utils._aws.clients import Caller
from ..module_utils._aws.errors import UserError
from ..module_utils._aws.modules import Module
from ..module_utils._aws.polling import poll
from ..module_utils._securityhub import transformations
from ..module_utils._services import securityhub

Configuration = dict[str, Any]

# AWS sets these under central configuration, and refuses to change them.
UNDER_CENTRAL = {"AutoEnable": False, "AutoEnableStandards": "NONE"}
SECONDS_TO_SETTLE = 180


def central_of(configuration: Configuration) -> dict[str, Any]:
    """Return ConfigurationType, Status and StatusMessage; {} where AWS does not return them."""
    return configuration.get("OrganizationConfiguration") or {}


def configuration_type(configuration: Configuration) -> str:
    """Return LOCAL or CENTRAL."""
    return str(central_of(configuration).get("ConfigurationType", "LOCAL"))


def given(options: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that are set in the options, under their names in the API."""
    settings = {"AutoEnable": options["auto_enable"], "AutoEnableStandards": options["auto_enable_standards"]}
    return {key: value for key, value in settings.items() if value is not None}


def contradictions(options: dict[str, Any]) -> list[str]:
    """Return the options that central configuration does not allow, each with the remedy."""
    return [
        f"{key} is {value}, but central configuration sets it to {UNDER_CENTRAL[key]}. Remove it, and use a "
        f"configuration policy instead."
        for key, value in given(options).items()
        if value != UNDER_CENTRAL[key]
    ]


def desired_settings(current: Configuration, options: dict[str, Any]) -> dict[str, Any]:
    """Return the three desired settings. Raise UserError if the live configuration is central and contradicts them."""
    kind = options["configuration_type"] or configuration_type(current)
    if kind == "LOCAL":
        return {**{key: current[key] for key in UNDER_CENTRAL}, **given(options), "ConfigurationType": kind}
    problems = contradictions(options)
    if problems:
        raise UserError(" ".join(problems))
    return {**UNDER_CENTRAL, "ConfigurationType": kind}


def differs(current: Configuration, desired: dict[str, Any]) -> bool:
    """Tell whether anything must be changed."""
    return configuration_type(current) != desired["ConfigurationType"] or any(
        current[key] != desired[key] for key in UNDER_CENTRAL
    )


def projected(current: Configuration, desired: dict[str, Any]) -> Configuration:
    """Return the configuration as it will be."""
    central = {"ConfigurationType": desired["ConfigurationType"], "Status": "ENABLED"}
    return {**current, **{key: desired[key] for key in UNDER_CENTRAL}, "OrganizationConfiguration": central}


def update(aws: Caller, current: Configuration, desired: dict[str, Any]) -> Configuration:
    """Change the settings, wait until central configuration settles, and return the live configuration."""
    members = {key: desired[key] for key in UNDER_CENTRAL}
    if configuration_type(current) != desired["ConfigurationType"]:
        members["OrganizationConfiguration"] = {"ConfigurationType": desired["ConfigurationType"]}
    aws.call("securityhub", securityhub.update_organization_configuration, members)
    after = poll(
        lambda: aws.call("securityhub", securityhub.describe_organization_configuration),
        lambda shown: central_of(shown).get("Status") != "PENDING",
        SECONDS_TO_SETTLE,
    )
    central = central_of(after)
    if central.get("Status") in ("FAILED", "PENDING"):
        raise UserError(
            f"AWS did not switch to {desired['ConfigurationType']} configuration (status {central['Status']}: "
            f"{central.get('StatusMessage') or 'no reason given'}). Check the finding aggregator and the home region."
        )
    return after


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
    module.require(contradictions(options) if options["configuration_type"] == "CENTRAL" else [])
    aws = module.access()
    with module.explained(f"Security Hub organization configuration in {aws.region}"):
        current = after = aws.call("securityhub", securityhub.describe_organization_configuration)
        desired = desired_settings(current, options)
        if differs(current, desired):
            after = projected(current, desired) if module.check_mode else update(aws, current, desired)
    result = transformations.organization_configuration_result
    module.exit_with("organization_configuration", result(current), result(after))


if __name__ == "__main__":
    main()
