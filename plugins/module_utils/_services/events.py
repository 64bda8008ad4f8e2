# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""EventBridge, the default bus: one function a call. PRIVATE to the collection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from typing import Any
from typing import TypedDict

from .._aws import errors
from .refusals import accepted

if TYPE_CHECKING:
    from .._resource.shapes import Json


class Rule(TypedDict, total=False):
    """A rule, with the keys that are used here; EventPattern is a text, and missing in a rule on a schedule."""

    Name: str
    Description: str
    State: str
    EventPattern: str


class Target(TypedDict, total=False):
    """A target of a rule, with the keys that are used here; Id and Arn are always present."""

    Id: str
    Arn: str
    DeadLetterConfig: dict[str, str]


class FailedEntry(TypedDict, total=False):
    """A target that AWS refused to add or to remove; TargetId is always present."""

    TargetId: str
    ErrorMessage: str


def list_rules(client: Any, prefix: str = "") -> dict[str, Rule]:
    """Return the rules whose names begin with *prefix*, by name."""
    arguments = {"NamePrefix": prefix} if prefix else {}
    pages = client.get_paginator("list_rules").paginate(**arguments)
    return {rule["Name"]: rule for page in pages for rule in page["Rules"]}


def list_targets(client: Any, rule: str) -> list[Target]:
    """Return the targets of the rule (five at most by default); [] without such a rule."""
    try:
        pages = client.get_paginator("list_targets_by_rule").paginate(Rule=rule)
        return [target for page in pages for target in page["Targets"]]
    except client.exceptions.ResourceNotFoundException:
        return []


def rules_of_target(client: Any, arn: str) -> list[str]:
    """Return the names of the rules that send to the target."""
    pages = client.get_paginator("list_rule_names_by_target").paginate(TargetArn=arn)
    return [name for page in pages for name in page["RuleNames"]]


def bus_exists(client: Any, name: str) -> bool:
    """Tell whether there is an event bus of this name."""
    return accepted(client.describe_event_bus, client.exceptions.ResourceNotFoundException, Name=name)


def delete_rule(client: Any, name: str) -> None:
    """Delete the rule, which must have no target; succeed if it does not exist."""
    client.delete_rule(Name=name)


def matches(client: Any, pattern: str, event: Json) -> bool:
    """Tell whether EventBridge matches the event to the pattern; costs nothing and sends nothing."""
    return bool(client.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"])


def put_rule(client: Any, members: Json) -> None:
    """Create or replace the rule from the members of PutRule; keep its targets."""
    client.put_rule(**members)


def put_targets(client: Any, rule: str, targets: list[Target]) -> None:
    """Add targets to the rule, or replace those of the same Id. Raise UserError if AWS refuses one."""
    _refuse(rule, client.put_targets(Rule=rule, Targets=targets).get("FailedEntries", []))


def remove_targets(client: Any, rule: str, ids: list[str]) -> None:
    """Remove targets from the rule by Id; ignore missing ones. Raise UserError if AWS keeps one."""
    _refuse(rule, client.remove_targets(Rule=rule, Ids=ids).get("FailedEntries", []))


def _refuse(rule: str, entries: list[FailedEntry]) -> None:
    for failed in entries:
        raise errors.UserError(
            f"EventBridge refused the target {failed['TargetId']} of the rule {rule} "
            f"({failed.get('ErrorMessage', 'no reason given')}). Check the rule in the console, and run this again."
        )
