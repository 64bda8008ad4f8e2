# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: event_patterns
version_added: 1.0.0
short_description: The EventBridge event patterns of a routing policy
description:
  - Returns the event patterns that the role C(securityhub_slack) deploys for a policy, for those who put them into
    rules of their own, look at them, or hand them to other tools.
  - No finding fits two of the patterns of one policy.
positional: _input
options:
  _input:
    description:
      - The policy. Its keys are variables of the role C(securityhub_slack) without their prefix, with the same
        defaults - C(minimum_severity), C(severities), C(automatic), C(account_ids), C(suppressions),
        C(global_controls_once), C(global_guardduty_once), C(global_access_analyzer_once) and C(schema).
    type: dict
    required: true
  region:
    description: The Region whose event bus the patterns are for.
    type: str
    required: true
  owner_region:
    description:
      - The Region that sends findings about global resources.
      - If not set, it is O(region).
    type: str
author:
  - secops.securityhub maintainers (@secops)
seealso:
  - plugin: secops.securityhub.severities
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Show what would be deployed in Ireland
  ansible.builtin.debug:
    msg: "{{ policy | secops.securityhub.event_patterns(region='eu-west-1', owner_region='us-east-1') }}"
  vars:
    policy:
      minimum_severity: HIGH
      suppressions:
        - control_ids: [S3.8]
          resource_ids: ["arn:aws:s3:::example-website"]
          reason: a public website
          expires: "2027-06-30"
"""

RETURN = r"""
_value:
  description:
    - One pattern for each rule, as EventBridge takes it in JSON. None if the policy forwards nothing automatically.
    - A suppression that has expired is left out.
  type: list
  elements: dict
"""

import datetime
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.secops.securityhub.plugins.module_utils._aws.errors import Refused
from ansible_collections.secops.securityhub.plugins.module_utils._routing import policy as policies
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import automatic_patterns


def event_patterns(policy: Any, region: str, owner_region: str = "") -> list[dict[str, Any]]:
    """Return the event patterns of *policy* for the bus of *region*."""
    if not isinstance(policy, Mapping):
        raise AnsibleFilterError("event_patterns takes a policy, a mapping such as {'minimum_severity': 'HIGH'}")
    unknown = sorted(set(policy) - set(policies.DEFAULTS))
    if unknown:
        raise AnsibleFilterError(
            f"event_patterns does not know {', '.join(unknown)}: use {', '.join(sorted(policies.DEFAULTS))}"
        )
    variables = {policies.PREFIX + name: value for name, value in {**policies.DEFAULTS, **policy}.items()}
    wrong = policies.problems(variables)
    if wrong:
        raise AnsibleFilterError("; ".join(wrong))
    today = datetime.datetime.now(datetime.timezone.utc).date()
    try:
        return list(automatic_patterns(policies.policy_of(variables, today), Scope(region, owner_region or region)))
    except Refused as error:
        raise AnsibleFilterError(str(error)) from error


class FilterModule:
    """The filter, under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"event_patterns": event_patterns}
