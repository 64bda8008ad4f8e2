#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_organization
version_added: 1.0.0
short_description: Set up AWS Security Hub for an organization
description:
  - Takes up to four steps. It designates the delegated administrator, enables AWS Security Hub CSPM in that account,
    aggregates its regions, and enables Security Hub in accounts that join the organization.
  - Each step is off until its option is set.
  - If a step fails in a region, the others are taken, and then the task fails.
author:
  - secops.securityhub maintainers (@secops)
options:
  apply:
    description: Whether to write to AWS. By default, everything is only previewed, as in check mode.
    type: bool
    default: false
  regions:
    description: The regions for all steps but the aggregation.
    type: list
    elements: str
    default: []
  management_profile:
    description:
      - The AWS profile of the management account of the organization, which designates the administrator.
      - By default, the credentials of the environment are used.
    type: str
    default: ""
  administrator_profile:
    description:
      - The AWS profile of the account that administers Security Hub, for all other steps.
      - By default, the credentials of the environment are used.
    type: str
    default: ""
  admin_account_id:
    description: Designate this account as the delegated administrator. 12 digits, in quotes.
    type: str
    default: ""
  enable_hub:
    description: Enable Security Hub in the administrator account.
    type: bool
    default: false
  default_standards:
    description: Whether AWS enables its default standards together with Security Hub.
    type: bool
    default: true
  home_region:
    description: Aggregate the findings of other regions in this one.
    type: str
    default: ""
  linking_mode:
    description: Which regions are aggregated. See M(secops.securityhub.securityhub_finding_aggregator).
    type: str
    choices: [ALL_REGIONS, ALL_REGIONS_EXCEPT_SPECIFIED, SPECIFIED_REGIONS, NO_REGIONS]
    default: ALL_REGIONS
  linked_regions:
    description: The regions that O(linking_mode) names.
    type: list
    elements: str
    default: []
  auto_enable:
    description: Enable Security Hub in accounts that join the organization.
    type: bool
    default: false
  auto_enable_standards:
    description: Whether the default standards are also enabled there.
    type: str
    choices: [NONE, DEFAULT]
    default: NONE
attributes:
  check_mode:
    support: full
    description: Reports what would change. Steps that depend on others which are only previewed are skipped.
  diff_mode:
    support: full
    description: Shows which values differ, before the report. Regions that change alike are listed together.
  idempotent:
    support: full
    description: A second run changes nothing.
extends_documentation_fragment:
  - secops.securityhub._attributes.batch
seealso:
  - module: secops.securityhub.securityhub_organization_admin_account
  - module: secops.securityhub.securityhub_hub
  - module: secops.securityhub.securityhub_finding_aggregator
  - module: secops.securityhub.securityhub_organization_configuration
"""

EXAMPLES = r"""
- name: Preview what would change
  secops.securityhub.securityhub_organization:
    regions: [eu-west-1, us-east-1]
    admin_account_id: "123456789012"
    management_profile: management
    administrator_profile: security
    enable_hub: true
    home_region: eu-west-1
    auto_enable: true
"""

RETURN = r"""
changed:
  description: Whether a step changed something, or would.
  returned: always
  type: bool
differences:
  description: For each change its C(name) (the step and its regions), and its C(before) and C(after).
  returned: in diff mode
  type: list
  elements: dict
preview:
  description: Whether nothing was written.
  returned: always
  type: bool
steps:
  description: Each step in each of its regions.
  returned: always
  type: list
  elements: dict
  contains:
    step:
      description: What the step does.
      type: str
      sample: Security Hub
    region:
      description: The region.
      type: str
      sample: eu-west-1
    changed:
      description: Whether it changed something, or would.
      type: bool
    failed:
      description: Whether it failed.
      type: bool
    msg:
      description: Why it failed or was skipped.
      type: str
"""
