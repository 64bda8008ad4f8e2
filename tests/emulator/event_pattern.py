# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Match events with compiled patterns as EventBridge does, where ministack differs.

As documented in AWS's event-ruler: the event is flattened to fields, a field's name being its path;
the pattern's fields are met in alphabetical order; every field met narrows the elements of arrays that further fields
may come from; `exists: false` holds when no field of that name is left.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from typing import Callable

# Which element of which array of the event: array number -> index.
Membership = dict[int, int]


@dataclass(frozen=True)
class Field:
    """One leaf of an event, with the array elements that it is in."""

    value: Any
    membership: Membership


def fields_of(event: dict) -> dict[str, list[Field]]:
    """Return the leaves of an event by path. A key with dots is the same as nested keys."""
    found: dict[str, list[Field]] = {}
    arrays = [0]

    def walk(node: Any, path: str, membership: Membership) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                walk(value, f"{path}.{key}" if path else key, membership)
        elif isinstance(node, list):
            array, arrays[0] = arrays[0], arrays[0] + 1
            for index, item in enumerate(node):
                inside = {**membership, array: index} if isinstance(item, (dict, list)) else membership
                walk(item, path, inside)
        else:
            found.setdefault(path, []).append(Field(node, membership))

    walk(event, "", {})
    return found


def conditions_of(alternative: dict) -> list[tuple[str, list]]:
    """Return the paths of a compiled pattern without $or, each with its allowed values, in alphabetical order."""
    found: list[tuple[str, list]] = []

    def walk(node: dict, path: str) -> None:
        for key, value in node.items():
            inner = f"{path}.{key}" if path else key
            if isinstance(value, dict):
                walk(value, inner)
            else:
                found.append((inner, value))

    walk(alternative, "")
    return sorted(found, key=lambda condition: condition[0])


def matches(
    fields: dict[str, list[Field]], conditions: list[tuple[str, list]], is_met: Callable[[Any, list], bool]
) -> bool:
    """Whether fields meet all conditions. is_met: whether a value is one of those allowed, apart from `exists`."""
    return _match(fields, conditions, 0, {}, is_met)


def _match(fields: dict, conditions: list, at: int, so_far: Membership, is_met: Callable[[Any, list], bool]) -> bool:
    if at == len(conditions):
        return True
    path, allowed = conditions[at]
    left = [field for field in fields.get(path, ()) if _consistent(so_far, field.membership)]
    existence = [item["exists"] for item in allowed if isinstance(item, dict) and "exists" in item]
    if not left:
        return False in existence and _match(fields, conditions, at + 1, so_far, is_met)
    return any(
        _match(fields, conditions, at + 1, {**so_far, **field.membership}, is_met)
        for field in left
        if True in existence or is_met(field.value, allowed)
    )


def _consistent(so_far: Membership, membership: Membership) -> bool:
    return all(so_far.get(array, index) == index for array, index in membership.items())


def registered(alternatives: list[dict], *, values_count: bool = True) -> list[dict]:
    """Return the alternatives of a rule that event-ruler registers.

    Since its version 1.7.1 it takes an alternative for one that is there when an earlier one of the rule has the same
    fields, and each field has a value in common. values_count: false for a matcher that compares the fields only.
    """
    kept: list[tuple[dict, dict[str, set[str]]]] = []
    for alternative in alternatives:
        values = {
            path: {json.dumps(value, sort_keys=True) for value in allowed}
            for path, allowed in conditions_of({key: alternative[key] for key in alternative if isinstance(key, str)})
        }
        alike = _overlap if values_count else _same_fields
        if not any(alike(known, values) for _alternative, known in kept):
            kept.append((alternative, values))
    return [alternative for alternative, _values in kept]


def _same_fields(one: dict[str, set[str]], other: dict[str, set[str]]) -> bool:
    return one.keys() == other.keys()


def _overlap(one: dict[str, set[str]], other: dict[str, set[str]]) -> bool:
    return one.keys() == other.keys() and all(one[path] & other[path] for path in one)


# EventBridge does not publish its limit.
OPEN_STATES = 24
TOO_COMPLEX = (
    "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a "
    "wildcard character"
)


def complexity_problem(pattern: dict) -> str | None:
    """Return why EventBridge refuses a pattern as too complex: the wildcards of a field keep too many states open."""
    open_states: dict[str, int] = {}
    for path, wildcard in _wildcards(pattern, ""):
        open_states[path] = open_states.get(path, 0) + _open_states(wildcard)
    if max(open_states.values(), default=0) > OPEN_STATES:
        return TOO_COMPLEX
    return None


def _wildcards(node: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the wildcard values of a pattern with the path of their field."""
    if isinstance(node, list):
        for item in node:
            yield from _wildcards(item, path)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key == "wildcard" and isinstance(value, (str, list)):
                yield from ((path, text) for text in ([value] if isinstance(value, str) else value))
            else:
                inner = path if key in ("$or", "anything-but") else f"{path}.{key}"
                yield from _wildcards(value, inner)


def _open_states(wildcard: str) -> int:
    """Return how many positions in a wildcard value can be open at a time.

    After an asterisk a match may begin at each character: an asterisk counts 1, and a segment that follows it as many
    times as it can overlap itself.
    """
    segments = wildcard.replace("\\*", "?").split("*")[1:]
    return sum(1 + sum(1 for at in range(1, len(text)) if text.startswith(text[at:])) for text in segments)
