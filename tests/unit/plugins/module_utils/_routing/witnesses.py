# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events to test a deployed pattern with, by events:TestEventPattern or a matcher of the tests."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from itertools import islice
from typing import Any

from ansible_collections.secops.securityhub.plugins.module_utils._routing.fields import BY_FORMAT
from ansible_collections.secops.securityhub.plugins.module_utils._routing.fields import OCSF
from ansible_collections.secops.securityhub.plugins.module_utils._routing.fields import Fields
from ansible_collections.secops.securityhub.plugins.module_utils._routing.fields import Path
from ansible_collections.secops.securityhub.plugins.module_utils._routing.matcher import Alternative
from ansible_collections.secops.securityhub.plugins.module_utils._routing.matcher import alternatives_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.matcher import fits
from ansible_collections.secops.securityhub.plugins.module_utils._routing.matcher import leaves_of
from ansible_collections.secops.securityhub.plugins.module_utils._routing.operators import fits_value
from ansible_collections.secops.securityhub.plugins.module_utils._routing.operators import is_missing
from ansible_collections.secops.securityhub.plugins.module_utils._routing.patterns import Pattern
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Policy
from ansible_collections.secops.securityhub.plugins.module_utils._routing.policy import Scope
from ansible_collections.secops.securityhub.plugins.module_utils._routing.reference import why_not_forwarded
from ansible_collections.secops.securityhub.plugins.module_utils._routing.simulation import event_of

ACCOUNT = "123456789012"
FINDINGS = "detail.findings."
MAX_OPTIONS = 30
TIME = "2026-01-01T00:00:00.000Z"


@dataclass(frozen=True)
class Witness:
    """An event, and whether a pattern must match it. about: the condition that a near miss does not meet."""

    event: dict[str, Any] = field(hash=False)
    must_match: bool
    about: str = ""


def witnesses(pattern: Pattern, policy: Policy, scope: Scope) -> tuple[Witness, ...]:
    """Return events that *pattern*, compiled from *policy* and *scope*, must match, and near misses that it must not.

    For each entry of its $or lists there is one event, if possible one that no other entry matches. For each condition
    there is one near miss, unless the policy forwards that event by another alternative. Whether an event must match
    is what the documented policy says (reference.py).
    """
    fields = BY_FORMAT[policy.finding_format]
    found: list[Witness] = []
    covered: set[str] = set()
    alternatives = alternatives_of(pattern)
    for alternative in alternatives:
        conditions = {_path(name, fields): values for name, values in alternative.items() if name.startswith(FINDINGS)}
        new = {path: values for path, values in conditions.items() if f"{path} {values}" not in covered}
        if not new:
            continue
        covered |= {f"{path} {values}" for path, values in new.items()}
        others = [other for other in alternatives if other != alternative]
        finding = _own_finding(_finding(fields, scope.region), conditions, others, scope)
        is_forwarded = why_not_forwarded(policy, scope, finding) == ""
        found.append(Witness(event_of(finding, ACCOUNT, scope.region), is_forwarded))
        for path, values in new.items():
            near_misses = (_with(finding, path, value) for value in _others(values))
            miss = next((item for item in near_misses if why_not_forwarded(policy, scope, item)), None)
            if miss is not None:
                found.append(Witness(event_of(miss, ACCOUNT, scope.region), False, ".".join(path)))
    return tuple(found)


def _path(name: str, fields: Fields) -> Path:
    """Return the path of a field from its dotted *name*; a tag's key may have dots."""
    path = tuple(name[len(FINDINGS) :].split("."))
    tags = fields.resource_tags
    return (*tags, ".".join(path[len(tags) :])) if tags and fields.is_tag(path) else path


def _own_finding(
    finding: dict[str, Any], conditions: dict[Path, list[Any]], others: list[Alternative], scope: Scope
) -> dict[str, Any]:
    """Return *finding* changed to meet all *conditions*, and none of the *others* if one field can bring that about."""
    for path, values in conditions.items():
        finding = _with(finding, path, next(_accepted(values, _at(finding, path))))
    options = (
        _with(finding, path, text)
        for path, values in conditions.items()
        for text in islice(_accepted(values, None), MAX_OPTIONS)
    )
    own = (option for option in options if not _matches_any(others, event_of(option, ACCOUNT, scope.region)))
    return finding if not _matches_any(others, event_of(finding, ACCOUNT, scope.region)) else next(own, finding)


def _matches_any(alternatives: list[Alternative], event: dict[str, Any]) -> bool:
    leaves = leaves_of(event)
    return any(fits(alternative, leaves) for alternative in alternatives)


def _accepted(values: list[Any], present: str | None) -> Iterator[str | None]:
    """Yield texts that one of *values* accepts, *present* first if it does; None if the field may be missing."""
    options = [*([] if present is None else [present]), *_named(values), *(f"other-{number}" for number in range(9))]
    yield from (text for text in options if any(fits_value(value, text) for value in values))
    if any(map(is_missing, values)):
        yield None


def _others(values: list[Any]) -> Iterator[str | None]:
    """Yield texts that none of *values* accepts, near ones first, and None for a missing field if it must not be."""
    for text in [*_named(values), *(f"{text}-x" for text in _named(values)), *(f"x-{text}" for text in _named(values))]:
        if not any(fits_value(value, text) for value in values):
            yield text
    if not any(map(is_missing, values)):
        yield None


def _named(values: list[Any]) -> Iterator[str]:
    """Yield a text for each value, prefix, suffix and wildcard in *values*, negated or not."""
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            ((operator, operand),) = value.items()
            for item in operand if isinstance(operand, list) else [operand]:
                if operator == "wildcard":
                    yield _unescaped(item)
                elif isinstance(item, (str, dict)):
                    yield from _named([item])


def _unescaped(wildcard: str) -> str:
    """Return a text that *wildcard* matches."""
    pieces = wildcard.replace("\\\\", "\0").replace("\\*", "\1").replace("*", "x")
    return pieces.replace("\1", "*").replace("\0", "\\")


def _at(finding: dict[str, Any], path: Path) -> str | None:
    node: Any = finding
    for key in path:
        node = node[0] if isinstance(node, list) else node
        if key not in node:
            return None
        node = node[key]
    return str(node)


def _with(finding: dict[str, Any], path: Path, value: str | None) -> dict[str, Any]:
    """Return a copy of *finding* with *value* at *path*, in the first element of an array; without it for None."""
    made = copy.deepcopy(finding)
    node: Any = made
    for key in path[:-1]:
        node = node.setdefault(key, {})
        node = node[0] if isinstance(node, list) else node
    if value is None:
        node.pop(path[-1], None)
    else:
        node[path[-1]] = value
    return made


def _finding(fields: Fields, region: str) -> dict[str, Any]:
    """Return a finding that the conditions of a pattern complete."""
    if fields is OCSF:
        return {
            "activity_name": "Create",
            "category_uid": 2,
            "class_uid": 2004,
            "cloud": {"account": {"uid": ACCOUNT}, "region": region},
            "evidences": [{}],
            "finding_info": {"title": "Example", "uid": "example", "modified_time_dt": TIME},
            "metadata": {"product": {"uid": f"arn:aws:securityhub:{region}::productv2/aws/example"}, "uid": "example"},
            "resources": [{"type": "Example", "uid": "example"}],
            "severity": "Critical",
            "severity_id": 5,
            "status": "New",
            "type_uid": 200401,
        }
    return {
        "AwsAccountId": ACCOUNT,
        "CreatedAt": TIME,
        "Description": "Example",
        "GeneratorId": "example",
        "Id": "example",
        "ProductArn": f"arn:aws:securityhub:{region}::product/aws/example",
        "RecordState": "ACTIVE",
        "Region": region,
        "Resources": [{"Id": "example", "Type": "Example"}],
        "SchemaVersion": "2018-10-08",
        "Severity": {"Label": "CRITICAL"},
        "Title": "Example",
        "UpdatedAt": TIME,
        "Workflow": {"Status": "NEW"},
    }
