#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_automation_rule_info
version_added: 1.0.0
short_description: Read the automation rules of AWS Security Hub CSPM
description:
  - Reads the automation rules of AWS Security Hub CSPM in one region.
options:
  name:
    description:
      - Only the rules of this name.
    type: str
  arn:
    description:
      - Only the rule with this ARN.
    type: str
author:
  - secops.securityhub maintainers (@secops)
seealso:
  - module: secops.securityhub.securityhub_automation_rule
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - secops.securityhub._attributes.info
"""

EXAMPLES = r"""
- name: Read all automation rules of the region
  secops.securityhub.securityhub_automation_rule_info:
    region: ap-northeast-1
  register: rules

- name: Read one of them
  secops.securityhub.securityhub_automation_rule_info:
    name: Sandbox buckets
    region: ap-northeast-1
"""

RETURN = r"""
automation_rules:
  description: The rules, in the order in which they are applied; an empty list if there is none.
  returned: always
  type: list
  elements: dict
  contains:
    action:
      description: What the rule changes, in the notation of the API.
      returned: always
      type: dict
      sample: {Type: FINDING_FIELDS_UPDATE, FindingFieldsUpdate: {Workflow: {Status: SUPPRESSED}}}
    created_at:
      description: When the rule was created.
      returned: always
      type: str
      sample: "2026-11-23 09:00:00+00:00"
    created_by:
      description: Who created the rule.
      returned: when AWS returns it
      type: str
      sample: "123456789012"
    criteria:
      description: Which findings the rule applies to, in the notation of the API.
      returned: always
      type: dict
      sample: {ComplianceSecurityControlId: [{Comparison: EQUALS, Value: S3.8}]}
    description:
      description: The description of the rule.
      returned: always
      type: str
      sample: Buckets in the sandboxes may be public
    is_terminal:
      description: Whether no further rule is applied to a finding that meets the criteria.
      returned: always
      type: bool
      sample: false
    rule_arn:
      description: The ARN of the rule.
      returned: always
      type: str
      sample: arn:aws:securityhub:ap-northeast-1:123456789012:automation-rule/123e4567-e89b-12d3-a456-426652340000
    rule_name:
      description: The name of the rule.
      returned: always
      type: str
      sample: Sandbox buckets
    rule_order:
      description: Rules with a lower number are applied first.
      returned: always
      type: int
      sample: 10
    rule_status:
      description: V(ENABLED) or V(DISABLED).
      returned: always
      type: str
      sample: ENABLED
    tags:
      description: The tags of the rule.
      returned: always
      type: dict
      sample: {team: security}
    updated_at:
      description: When the rule was changed last.
      returned: always
      type: str
      sample: "2026-11-23 09:00:00+00:00"
"""

from ..module_utils._securityhub.automation_rule import CSPM
from ..module_utils._securityhub.automation_rule_module import run_info


def main() -> None:
    """Return the rules of the region."""
    run_info(CSPM)


if __name__ == "__main__":
    main()
