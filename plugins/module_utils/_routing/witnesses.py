# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events that show whether EventBridge evaluates an event pattern as the policy says: pure. PRIVATE to the collection.

What must match is decided by the documented policy (reference.py); a pattern only names the values that matter.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from .fields import BY_FORMAT
from .fields import OCSF
from .fields import Fields
from .fields import Path
from .matcher import Alternative
from .matcher import alternatives_of
from .matcher import fits
from .matcher import leaves_of
from .operators import fits_value
from .operators import is_missing
from .patterns import Pattern
from .policy import Policy
from .policy import Scope
from .reference import Finding
from .reference import why_not_forwarded
from .simulation import event_of

# The account of the documentation.
ACCOUNT = "123456789012"
# Of findings that all Regions treat alike.
REGION = "us-east-1"
TIME = "2026-01-01T00:00:00Z"
FINDINGS = "detail.findings."
# TestEventPattern takes one event a call. The longest pattern that the tests draw takes 40.
MAX_WITNESSES = 50
# No value that a policy names, beside those that it does.
OTHERS = ("other", "~", "0")


@dataclass(frozen=True)
class Witness:
    """An event, and whether a pattern must match it. about: the field by which a near miss differs from a match."""

    event: dict[str, Any] = field(hash=False)
    must_match: bool
    about: str = ""


def witnesses(pattern: Pattern, policy: Policy, scope: Scope) -> tuple[Witness, ...]:
    """Return events that *pattern*, compiled from *policy* and *scope*, must match, and near misses that it must not.

    For each entry of its $or lists there is one event, if possible one that no other entry matches. For each condition
    there is one near miss, unless the policy forwards that event by another alternative.
    """
    fields = BY_FORMAT[policy.finding_format]
    matches: list[Witness] = []
    near_misses: list[Witness] = []
    covered: set[str] = set()
    alternatives = alternatives_of(pattern)
    for alternative in alternatives:
        conditions = {_path(name, fields): values for name, values in alternative.items() if name.startswith(FINDINGS)}
        new = {path: values for path, values in conditions.items() if f"{path} {values}" not in covered}
        if not new:
            continue
        covered |= {f"{path} {values}" for path, values in new.items()}
        others = [other for other in alternatives if other != alternative]
        finding = _own_finding(_finding(fields, scope.region or REGION), conditions, others)
        is_forwarded = why_not_forwarded(policy, scope, finding) == ""
        matches.append(Witness(_event(finding, fields), is_forwarded))
        for path, values in new.items():
            changed = (_with(finding, path, value) for value in _rejected(values))
            miss = next((item for item in changed if why_not_forwarded(policy, scope, item)), None)
            if miss is not None:
                near_misses.append(Witness(_event(miss, fields), False, ".".join(path)))
    # A lost finding is worse than one too many.
    return (*matches, *near_misses)[:MAX_WITNESSES]


def _finding(fields: Fields, region: str) -> Finding:
    """Return a finding that the conditions of a pattern complete."""
    finding: Finding = {"resources": [{}], "evidences": [{}]} if fields is OCSF else {"Resources": [{}]}
    for path in (*fields.always_present, fields.product, fields.title, fields.resource_id, fields.resource_type):
        finding = _with(finding, path, "example")
    return _with(_with(finding, fields.account, ACCOUNT), fields.region, region)


def _event(finding: Finding, fields: Fields) -> dict[str, Any]:
    return {**event_of(finding, ACCOUNT, str(_at(finding, fields.region))), "time": TIME}


def _path(name: str, fields: Fields) -> Path:
    """Return the path of a field from its dotted *name*; a tag's key may have dots."""
    path = tuple(name[len(FINDINGS) :].split("."))
    tags = fields.resource_tags
    return (*tags, ".".join(path[len(tags) :])) if tags and fields.is_tag(path) else path


def _own_finding(finding: Finding, conditions: dict[Path, list[Any]], others: list[Alternative]) -> Finding:
    """Return *finding* changed to meet all *conditions*, and none of the *others* if one field can bring that about."""
    for path, values in conditions.items():
        finding = _with(finding, path, next(_accepted(values, _at(finding, path))))
    options = (_with(finding, path, text) for path, values in conditions.items() for text in _accepted(values))
    return next((item for item in (finding, *options) if not _matches_any(others, item)), finding)


def _matches_any(alternatives: list[Alternative], finding: Finding) -> bool:
    leaves = leaves_of({"detail": {"findings": [finding]}})
    # All alternatives have the same source and detail type.
    return any(
        fits({name: alternative[name] for name in alternative if name.startswith(FINDINGS)}, leaves)
        for alternative in alternatives
    )


def _accepted(values: list[Any], present: str | None = None) -> Iterator[str | None]:
    """Yield texts that one of *values* accepts, *present* first if it does; None if the field may be missing."""
    options = (*([] if present is None else [present]), *_named(values), *OTHERS)
    yield from (text for text in options if any(fits_value(value, text) for value in values))
    if any(map(is_missing, values)):
        yield None


def _rejected(values: list[Any]) -> Iterator[str | None]:
    """Yield texts that none of *values* accepts, near ones first, and None for a missing field if it must not be."""
    named = list(_named(values))
    for text in (*named, *(f"{text}-x" for text in named), *(f"x-{text}" for text in named)):
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


def _at(finding: Finding, path: Path) -> str | None:
    node: Any = finding
    for key in path:
        node = node[0] if isinstance(node, list) else node
        if key not in node:
            return None
        node = node[key]
    return str(node)


def _with(finding: Finding, path: Path, value: str | None) -> Finding:
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
