# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alternatives in the notation of event patterns, short and always the same. PRIVATE to the collection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

from .._resource.shapes import Json
from .conditions import Condition
from .conditions import size
from .conditions import written
from .fields import Fields
from .fields import Path
from .pieces import MAX_COMBINATIONS
from .pieces import MAX_LENGTH
from .pieces import Choices
from .pieces import Conditions

Pattern = Json

SOURCE = "aws.securityhub"

# Event-ruler takes these names inside $or for operators, not for fields (its Constants.java).
RESERVED_NAMES = frozenset(
    {
        *("exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr"),
        *("html", "=", "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case", "date-after"),
        *("date-on-or-after", "date-before", "date-on-or-before", "in-date-range", "ip-address-in-range"),
        *("ip-address-not-in-range", "$or"),
    }
)


def fits(pattern: Pattern) -> bool:
    """Return whether *pattern* is within EventBridge's limits."""
    return length(pattern) <= MAX_LENGTH and combinations(pattern) <= MAX_COMBINATIONS


def length(pattern: Any) -> int:
    """Return the number of characters of *pattern*, as EventBridge's quota counts them."""
    return len(json.dumps(pattern, separators=(",", ":")))


def combinations(pattern: Any) -> int:
    """Return what EventBridge counts against its limit of 1,000: the lengths of all $or, multiplied."""
    if not isinstance(pattern, dict):
        return 1
    product = 1
    for key, value in pattern.items():
        inner = value if key == "$or" else [value]
        product *= len(inner)
        for item in inner:
            product *= combinations(item)
    return product


def conditions_in(node: Pattern, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the dotted name of each field that a pattern names, with its value list, as far as the pattern is valid."""
    for key, value in node.items():
        if key == "$or":
            for member in value if isinstance(value, list) else []:
                yield from conditions_in(member, prefix) if isinstance(member, dict) else ()
        elif isinstance(value, dict):
            yield from conditions_in(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def pattern_of(fields: Fields, choices: Choices) -> Pattern:
    """Return a short pattern that matches events whose finding is as *choices* say."""
    if len(choices.lists) < 2:
        alternatives = choices.alternatives()
        grouped = _event(fields, _grouped(alternatives))
        flat = _event(fields, _flat(alternatives))
        return flat if length(flat) <= length(grouped) or combinations(grouped) > MAX_COMBINATIONS else grouped
    # Each list has a $or on a level of its own: the longest list where an entry takes the fewest characters.
    inner, middle, *outer = sorted(choices.lists, key=len, reverse=True)
    pattern = _event(fields, {**_tree(choices.common), "$or": [_tree(entry) for entry in inner]})
    pattern["detail"]["$or"] = [{"findings": _tree(entry)} for entry in middle]
    for entries in outer:
        pattern["$or"] = [{"detail": {"findings": _tree(entry)}} for entry in entries]
    return pattern


def _event(fields: Fields, findings: Pattern) -> Pattern:
    return {"source": [SOURCE], "detail-type": [fields.detail_type], "detail": {"findings": findings}}


def _flat(alternatives: Sequence[Conditions]) -> Pattern:
    common, rests = _factored(alternatives)
    return {**_tree(common), "$or": [_tree(rest) for rest in rests]} if rests else _tree(common)


def _grouped(alternatives: Sequence[Conditions]) -> Pattern:
    """Return the same as _flat(), but with a condition that several alternatives share written once for them."""
    common, rests = _factored(alternatives)
    if not rests:
        return _tree(common)
    members: list[Pattern] = []
    while rests:
        shared = _most_costly(rests)
        group = [rest for rest in rests if shared and rest.get(shared[0]) == shared[1]] or rests[:1]
        rests = [rest for rest in rests if rest not in group]
        members.append(_grouped(group))
    if len(members) == 1:
        return _flat(alternatives)
    return {**_tree(common), "$or": members}


def _factored(alternatives: Sequence[Conditions]) -> tuple[Conditions, list[Conditions]]:
    """Return the conditions that all alternatives share, and the others of each; no others if there is only one."""
    first, *others = alternatives
    if not others:
        return first, []
    common = {
        path: condition for path, condition in first.items() if all(other.get(path) == condition for other in others)
    }
    return common, [{path: item for path, item in one.items() if path not in common} for one in alternatives]


def _most_costly(alternatives: Sequence[Conditions]) -> tuple[Path, Condition] | None:
    """Return the condition whose repetition in *alternatives* takes the most characters, None if none is repeated."""
    counts: dict[tuple[Path, Condition], int] = {}
    for alternative in alternatives:
        for item in alternative.items():
            counts[item] = counts.get(item, 0) + 1
    costs = {item: (count - 1) * size(item[1]) for item, count in counts.items() if count > 1}
    return max(sorted(costs, key=lambda item: item[0]), key=lambda item: costs[item], default=None)


def _tree(conditions: Conditions) -> Pattern:
    tree: Pattern = {}
    for path in sorted(conditions):
        node = tree
        *parents, name = _names(path)
        for key in parents:
            node = node.setdefault(key, {})
        node[name] = list(written(conditions[path]))
    return tree


def _names(path: Path) -> Path:
    """Return *path* with a last name that neither event-ruler nor CloudFormation takes for one of its own words.

    A dot in a name is the same to event-ruler as a level. CloudFormation reads {"Ref": ...} and {"Fn::...": ...} in a
    template as functions.
    """
    name = path[-1]
    if name in RESERVED_NAMES or name in ("Ref", "Condition") or name.startswith("Fn::"):
        return (*path[:-2], f"{path[-2]}.{name}")
    return path
