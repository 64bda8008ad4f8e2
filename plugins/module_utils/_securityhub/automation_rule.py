# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The automation rules of Security Hub CSPM, and of the new Security Hub (V2). PRIVATE to the collection."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any

from .._services import securityhub

if TYPE_CHECKING:
    from .._resource.shapes import Json
    from .._services.securityhub import AutomationRule


# Of an administrator account in a region, for both kinds:
# https://docs.aws.amazon.com/securityhub/latest/userguide/automation-rules.html
LIMIT = 100


@dataclass(frozen=True)
class Kind:
    """One of the two kinds of rules: its functions of _services, and its limits.

    *values_at_most*: of a criterion; 0 for any number.
    """

    operation: str
    subject: str
    description_length: int
    values_at_most: int
    read_all: Callable[[Any], list[AutomationRule]]
    read: Callable[[Any, list[str]], list[AutomationRule]]
    create: Callable[[Any, Json], str]
    update: Callable[[Any, str, Json], None]
    delete: Callable[[Any, str], None]
    argument_spec: dict[str, Any] = field(default_factory=dict, hash=False)


CSPM = Kind(
    operation="CreateAutomationRule",
    subject="Security Hub automation rule",
    description_length=1024,
    values_at_most=20,
    read_all=securityhub.list_automation_rules,
    read=securityhub.get_automation_rules,
    create=securityhub.create_automation_rule,
    update=securityhub.update_automation_rule,
    delete=securityhub.delete_automation_rule,
    argument_spec={"order": {"type": "int"}, "terminal": {"type": "bool"}},
)
V2 = Kind(
    operation="CreateAutomationRuleV2",
    subject="Security Hub V2 automation rule",
    description_length=256,
    values_at_most=0,
    read_all=securityhub.list_automation_rules_v2,
    read=securityhub.get_automation_rules_v2,
    create=securityhub.create_automation_rule_v2,
    update=securityhub.update_automation_rule_v2,
    delete=securityhub.delete_automation_rule_v2,
    argument_spec={"order": {"type": "float"}},
)


def of_format(finding_format: str) -> Kind:
    """Return the kind of rules for findings of a format, asff or ocsf."""
    return V2 if finding_format == "ocsf" else CSPM


def of_arn(arn: str) -> Kind:
    """Return the kind of the rule with this ARN."""
    return V2 if ":automation-rulev2/" in arn else CSPM


def comparable(value: Any) -> Any:
    """Return a value without what does not matter: the order of lists, and empty members, which AWS may add."""
    if isinstance(value, list):
        return sorted(map(comparable, value), key=lambda item: json.dumps(item, sort_keys=True, default=str))
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in value.items() if item not in (None, [], {})}
    return value
