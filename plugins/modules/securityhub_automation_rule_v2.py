#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_automation_rule_v2
version_added: 1.0.0
short_description: Manage an automation rule of the new AWS Security Hub
description:
  - Creates, updates and deletes an automation rule of AWS Security Hub (V2) in one region. It changes findings in OCSF
    that meet its criteria, for example suppresses them.
  - With cross-region aggregation, rules can only be created in the home region. They apply in all linked regions.
  - The new Security Hub must be enabled in the region.
options:
  description:
    description:
      - The description of the rule, 1 to 256 characters.
    type: str
  order:
    description:
      - Rules with a lower number are applied first, 1 to 1000. It may have decimals.
    type: float
  criteria:
    description:
      - Which findings or resources the rule applies to, as C(Criteria) of the API.
      - Account IDs need quotation marks.
      - All criteria of an existing rule are replaced. The order of the filters does not matter.
    type: dict
  action:
    description:
      - What the rule does, as an element of C(Actions) of the API.
      - C(StatusId) is 1 for new, 2 for in progress, 3 for suppressed, and 4 for resolved.
    type: dict
author:
  - secops.securityhub maintainers (@secops)
seealso:
  - module: secops.securityhub.securityhub_automation_rule_v2_info
  - module: secops.securityhub.securityhub_automation_rule
  - name: CreateAutomationRuleV2
    description: All criteria and actions.
    link: https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_CreateAutomationRuleV2.html
extends_documentation_fragment:
  - secops.securityhub._automation_rule
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
  - secops.securityhub._attributes
"""

EXAMPLES = r"""
- name: Suppress the findings of a control in two accounts
  secops.securityhub.securityhub_automation_rule_v2:
    name: Sandbox buckets
    description: Buckets in the sandboxes may be public
    order: 10
    criteria:
      OcsfFindingCriteria:
        CompositeOperator: AND
        CompositeFilters:
          - StringFilters:
              - FieldName: compliance.control
                Filter: {Comparison: EQUALS, Value: S3.8}
          - Operator: OR
            StringFilters:
              - FieldName: cloud.account.uid
                Filter: {Comparison: EQUALS, Value: "222222222222"}
              - FieldName: cloud.account.uid
                Filter: {Comparison: EQUALS, Value: "333333333333"}
    action:
      Type: FINDING_FIELDS_UPDATE
      FindingFieldsUpdate:
        StatusId: 3
        Comment: Buckets in the sandboxes may be public
    tags:
      team: security
    region: ap-northeast-1

- name: Disable the rule
  secops.securityhub.securityhub_automation_rule_v2:
    name: Sandbox buckets
    enabled: false
    region: ap-northeast-1

- name: Delete the rule
  secops.securityhub.securityhub_automation_rule_v2:
    name: Sandbox buckets
    state: absent
    region: ap-northeast-1

- name: List all automation rules of the region
  secops.securityhub.securityhub_automation_rule_v2_info:
    region: ap-northeast-1
"""

RETURN = r"""
automation_rule:
  description:
    - The rule as it is now, or as it would be in check mode.
    - Empty if there is none.
  returned: always
  type: dict
  contains:
    action:
      description: What the rule changes, in the notation of the API.
      returned: when there is a rule
      type: dict
      sample: {Type: FINDING_FIELDS_UPDATE, FindingFieldsUpdate: {StatusId: 3}}
    created_at:
      description: When the rule was created.
      returned: when there is a rule, in check mode only if it exists already
      type: str
      sample: "2026-11-23 09:00:00+00:00"
    criteria:
      description: Which findings the rule applies to, in the notation of the API.
      returned: when there is a rule
      type: dict
      sample:
        OcsfFindingCriteria:
          CompositeFilters:
            - StringFilters:
                - FieldName: compliance.control
                  Filter: {Comparison: EQUALS, Value: S3.8}
    description:
      description: The description of the rule.
      returned: when there is a rule
      type: str
      sample: Buckets in the sandboxes may be public
    rule_arn:
      description: The ARN of the rule.
      returned: when there is a rule, in check mode only if it exists already
      type: str
      sample: arn:aws:securityhub:ap-northeast-1:123456789012:automation-rulev2/123e4567-e89b-12d3-a456-426652340000
    rule_id:
      description: The ID of the rule, the last part of its ARN.
      returned: when there is a rule, in check mode only if it exists already
      type: str
      sample: 123e4567-e89b-12d3-a456-426652340000
    rule_name:
      description: The name of the rule.
      returned: when there is a rule
      type: str
      sample: Sandbox buckets
    rule_order:
      description: Rules with a lower number are applied first.
      returned: when there is a rule
      type: float
      sample: 10.0
    rule_status:
      description: V(ENABLED) or V(DISABLED).
      returned: when there is a rule
      type: str
      sample: ENABLED
    tags:
      description: The tags of the rule.
      returned: when there is a rule
      type: dict
      sample: {team: security}
    updated_at:
      description: When the rule was changed last.
      returned: when there is a rule, in check mode only if it exists already
      type: str
      sample: "2026-11-23 09:00:00+00:00"
"""

from ..module_utils._securityhub.automation_rule import V2
from ..module_utils._securityhub.automation_rule_module import run


def main() -> None:
    """Create, change or delete the rule."""
    run(V2)


if __name__ == "__main__":
    main()
