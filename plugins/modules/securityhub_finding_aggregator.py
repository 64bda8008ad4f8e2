#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_finding_aggregator
version_added: 1.0.0
short_description: Manage the cross-region aggregation of AWS Security Hub
description:
  - Creates, updates and deletes the finding aggregator of AWS Security Hub CSPM, which copies the findings of linked
    regions into a home region.
  - An account has one aggregator. Its home region is O(region), and AWS cannot move it.
  - Findings then appear, and send events, in the linked region and in the home region.
options:
  state:
    description:
      - V(present) makes O(region) the home region and links the other regions as specified.
      - V(absent) deletes the aggregator of the account, whatever its home region. Findings that were copied remain.
    type: str
    choices: [present, absent]
    default: present
  region_linking_mode:
    description:
      - Which regions are linked. V(ALL_REGIONS) and V(ALL_REGIONS_EXCEPT_SPECIFIED) include regions that AWS
        adds later.
      - Required with O(state=present).
    type: str
    choices: [ALL_REGIONS, ALL_REGIONS_EXCEPT_SPECIFIED, SPECIFIED_REGIONS, NO_REGIONS]
  regions:
    description:
      - The regions that O(region_linking_mode=SPECIFIED_REGIONS) links, or that
        O(region_linking_mode=ALL_REGIONS_EXCEPT_SPECIFIED) leaves out. Do not set it for other modes.
      - The list is authoritative.
    type: list
    elements: str
notes:
  - An opt-in region cannot be the home region.
author:
  - secops.securityhub maintainers (@secops)
seealso:
  - module: secops.securityhub.securityhub_finding_aggregator_info
  - name: Cross-Region aggregation
    description: How Security Hub copies findings into a home region.
    link: https://docs.aws.amazon.com/securityhub/latest/userguide/finding-aggregation.html
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - secops.securityhub._attributes
"""

EXAMPLES = r"""
- name: Copy the findings of all regions, including those that AWS adds later, into Ireland
  secops.securityhub.securityhub_finding_aggregator:
    region_linking_mode: ALL_REGIONS
    region: eu-west-1

- name: Copy the findings of two regions only
  secops.securityhub.securityhub_finding_aggregator:
    region_linking_mode: SPECIFIED_REGIONS
    regions:
      - eu-central-1
      - eu-west-2
    region: eu-west-1

- name: Stop the aggregation
  secops.securityhub.securityhub_finding_aggregator:
    state: absent
    region: eu-west-1

- name: Show which regions are aggregated
  secops.securityhub.securityhub_finding_aggregator_info:
    region: eu-west-1
"""

RETURN = r"""
finding_aggregator:
  description:
    - The aggregator as it is now, or as it would be in check mode.
    - Empty if there is none.
  returned: always
  type: dict
  contains:
    finding_aggregation_region:
      description: The home region, into which the findings of the linked regions are copied.
      returned: when there is an aggregator
      type: str
      sample: eu-west-1
    finding_aggregator_arn:
      description: The ARN of the aggregator.
      returned: when there is an aggregator, in check mode only if it exists already
      type: str
      sample: arn:aws:securityhub:eu-west-1:123456789012:finding-aggregator/123e4567-e89b-12d3-a456-426652340000
    region_linking_mode:
      description: Which regions are linked.
      returned: when there is an aggregator
      type: str
      sample: SPECIFIED_REGIONS
    regions:
      description: The regions that the mode names, sorted.
      returned: when there is an aggregator
      type: list
      elements: str
      sample: [eu-central-1, eu-west-2]
"""

from ..module_utils._aws.modules import Module
from ..module_utils._securityhub import finding_aggregator
from ..module_utils._securityhub import transformations
from ..module_utils._services import securityhub
from ..module_utils._services.securityhub import FindingAggregator


def main() -> None:
    """Create, change or delete the finding aggregator."""
    module = Module(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "region_linking_mode": {"type": "str", "choices": list(finding_aggregator.MODES)},
            "regions": {"type": "list", "elements": "str"},
        },
        required_if=[("state", "present", ["region_linking_mode"])],
        supports_check_mode=True,
    )
    mode, regions = module.params["region_linking_mode"], module.params["regions"] or []
    present = module.params["state"] == "present"
    aws = module.access()
    module.require(finding_aggregator.problems(mode, regions, aws.region) if present else [])

    after: FindingAggregator | None = None
    with module.explained(f"Security Hub finding aggregator in {aws.region}"):
        current = finding_aggregator.read_aggregator(aws, hub_needed=present)
        if present:
            desired = finding_aggregator.desired_of(mode, regions)
            after = finding_aggregator.ensure_present(aws, current, desired, module.check_mode)
        elif current is not None and not module.check_mode:
            arn, home = current["FindingAggregatorArn"], current["FindingAggregationRegion"]
            aws.call("securityhub", securityhub.delete_finding_aggregator, arn, region=home)
    result = transformations.finding_aggregator_result
    module.exit_with("finding_aggregator", result(current), result(after))


if __name__ == "__main__":
    main()
