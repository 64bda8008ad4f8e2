# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: severities
version_added: 1.0.0
short_description: A severity of Security Hub and the graver ones
description:
  - Returns the severity labels from the one given upwards, as event patterns and the filters of Security Hub list them.
positional: _input
options:
  _input:
    description: The lowest severity.
    type: str
    choices: [INFORMATIONAL, LOW, MEDIUM, HIGH, CRITICAL]
    required: true
author:
  - secops.securityhub maintainers (@secops)
seealso:
  - plugin: secops.securityhub.event_patterns
    plugin_type: filter
"""

EXAMPLES = r"""
- name: List the labels of a threshold
  ansible.builtin.debug:
    msg: "{{ 'HIGH' | secops.securityhub.severities }}"
  # ["CRITICAL", "HIGH"]
"""

RETURN = r"""
_value:
  description: The labels, the gravest first.
  type: list
  elements: str
"""

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.secops.securityhub.plugins.module_utils._routing.fields import SEVERITIES
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import at_least


def severities(lowest: Any) -> list[str]:
    """Return *lowest* and the graver labels."""
    if lowest not in SEVERITIES:
        raise AnsibleFilterError(f"{lowest!r} is no severity: use {', '.join(reversed(SEVERITIES))}")
    return at_least(lowest)


class FilterModule:
    """The filter, under its name."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by its name."""
        return {"severities": severities}
