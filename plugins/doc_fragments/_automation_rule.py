# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules for both kinds of automation rules have in common. PRIVATE to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    """Options and notes of the modules that change a rule."""

    DOCUMENTATION = r"""
options:
  state:
    description:
      - V(present) creates the rule, or updates the one that O(name) or O(arn) names.
      - V(absent) deletes it. A missing rule is not an error.
    type: str
    choices: [present, absent]
    default: present
  name:
    description:
      - The name of the rule, 1 to 256 characters. Names need not be unique. If several rules have this name, set
        O(arn).
      - Either O(name) or O(arn) is required. With both, the rule with this ARN gets this name.
    type: str
  arn:
    description:
      - The ARN of an existing rule.
    type: str
  enabled:
    description:
      - Whether the rule is applied. A new rule is, unless this is V(false).
    type: bool
notes:
  - Only the Security Hub administrator account, or an account without an administrator, can have automation rules. They
    apply to the findings of its member accounts too.
  - An account can have 100 automation rules in a region.
  - A rule applies to findings that are created or updated after the rule was created or changed.
  - Automation rules change findings before EventBridge gets their events.
  - For a new rule, O(description), O(order), O(criteria), and O(action) are required. Options that are not set leave
    the settings of an existing rule unchanged.
"""
