#!/usr/bin/python
# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: securityhub_finding_aggregator_info
version_added: 1.0.0
short_description: Read the cross-region aggregation of AWS Security Hub
description:
  - Reads the finding aggregator of AWS Security Hub CSPM of the account of the credentials.
  - It works in any region where Security Hub is enabled.
options: {}
author:
  - secops.securityhub maintainers (@secops)
seealso:
  - module: secops.securityhub.securityhub_finding_aggregator
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - secops.securityhub._attributes.info
"""

EXAMPLES = r"""
- name: Read which regions are aggregated
  secops.securityhub.securityhub_finding_aggregator_info:
    region: eu-west-1
  register: aggregation
"""

RETURN = r"""
finding_aggregators:
  description: The aggregator of the account; an empty list if there is none.
  returned: always
  type: list
  elements: dict
  contains:
    finding_aggregation_region:
      description: The home region, into which the findings of the linked regions are copied.
      returned: always
      type: str
      sample: eu-west-1
    finding_aggregator_arn:
      description: The ARN of the aggregator.
      returned: always
      type: str
      sample: arn:aws:securityhub:eu-west-1:123456789012:finding-aggregator/123e4567-e89b-12d3-a456-426652340000
    region_linking_mode:
      description: Which regions are linked.
      returned: always
      type: str
      sample: SPECIFIED_REGIONS
    regions:
      description: The regions that the mode names, sorted.
      returned: always
      type: list
      elements: str
      sample: [eu-central-1, eu-west-2]
"""

from ..module_utils._aws.modules import Module
from ..module_utils._securityhub import transformations
from ..module_utils._services import securityhub


def main() -> None:
    """Return the finding aggregator of the account, if there is one."""
    module = Module(argument_spec={}, supports_check_mode=True)
    aws = module.access()
    with module.explained(f"Security Hub finding aggregator in {aws.region}"):
        arns = aws.call("securityhub", securityhub.list_finding_aggregators)
        found = [aws.call("securityhub", securityhub.get_finding_aggregator, arn) for arn in arns]
    module.exit_json(changed=False, finding_aggregators=list(map(transformations.finding_aggregator_result, found)))


if __name__ == "__main__":
    main()
