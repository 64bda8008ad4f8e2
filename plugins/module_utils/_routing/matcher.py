# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an event matches an event pattern, as EventBridge decides it: pure. PRIVATE to the collection.

The semantics are event-ruler's (https://github.com/aws/event-ruler), which EventBridge documents at
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html. Patterns are valid, and
none has an alternative that event-ruler may drop: safety.py makes sure of both.

* $or is multiplied out into alternatives; a field that occurs twice in one alternative keeps its last value list.
* Fields are compared in the order of their names, and all fields below one array must be in one element of it.
* exists applies to leaves only; a field is missing if no leaf is in the array elements chosen before.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from .._resource.shapes import Json
from .notation import Pattern
from .operators import fits_value
from .operators import is_missing

# As it is on the bus, with one finding.
Event = Json
# Array (numbered in the order of the event) -> the element of it.
Membership = dict[int, int]
# Dotted name -> the values it has in the event, each with the array elements it is in.
Leaves = dict[str, list[tuple[Any, Membership]]]
# Dotted name -> value list.
Alternative = dict[str, list[Any]]
# Dotted name and ID of a value list -> whether each leaf fits, with its array elements; whether it may be missing.
Fitting = dict[tuple[str, int], tuple[list[tuple[bool, Membership]], bool]]


def matches(pattern: Pattern, event: Event) -> bool:
    """Return whether *event* matches *pattern*."""
    return fit(parsed(pattern), leaves_of(event))


def parsed(pattern: Pattern) -> tuple[Alternative, ...]:
    """Return the alternatives of *pattern*."""
    return _parsed(json.dumps(pattern))


# Thousands of findings are compared with the same few patterns.
@functools.lru_cache(maxsize=512)
def _parsed(text: str) -> tuple[Alternative, ...]:
    return tuple(alternatives_of(json.loads(text)))


def fits(alternative: Alternative, leaves: Leaves) -> bool:
    """Return whether the leaves of an event match one alternative of a pattern."""
    return fit((alternative,), leaves)


def fit(alternatives: Iterable[Alternative], leaves: Leaves) -> bool:
    """Return whether the leaves of an event match one of the alternatives of a pattern."""
    # Alternatives have most value lists in common.
    fitting: Fitting = {}
    return any(_can_fit(item, leaves, fitting) and _fits(sorted(item), item, fitting, {}) for item in alternatives)


def _can_fit(alternative: Alternative, leaves: Leaves, fitting: Fitting) -> bool:
    """Return whether each field of an alternative fits alone, and note in *fitting* which leaves do."""
    for name, values in alternative.items():
        key = name, id(values)
        if key not in fitting:
            fits_one = [(any(fits_value(one, value) for one in values), inner) for value, inner in leaves.get(name, [])]
            fitting[key] = (fits_one, any(map(is_missing, values)))
        found, may_be_missing = fitting[key]
        if not may_be_missing and not any(is_fitting for is_fitting, _inner in found):
            return False
    return True


def alternatives_of(pattern: Pattern, prefix: str = "") -> list[Alternative]:
    """Return the alternatives of *pattern*, with $or multiplied out; *prefix*: of the names of its fields."""
    return _extended([{}], prefix, pattern)


def _extended(alternatives: list[Alternative], prefix: str, pattern: Pattern) -> list[Alternative]:
    for key, value in pattern.items():
        if key == "$or":
            alternatives = [alternative for member in value for alternative in _extended(alternatives, prefix, member)]
        elif isinstance(value, dict):
            alternatives = _extended(alternatives, f"{prefix}{key}.", value)
        else:
            alternatives = [{**alternative, prefix + key: value} for alternative in alternatives]
    return alternatives


def leaves_of(event: Event) -> Leaves:
    """Return the leaves of *event*; an empty array or object has none."""
    leaves: Leaves = {}
    arrays = [0]

    def descend(name: str, value: Any, membership: Membership) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                descend(f"{name}.{key}" if name else key, inner, membership)
        elif isinstance(value, list):
            array = arrays[0]
            arrays[0] += 1
            for index, inner in enumerate(value):
                # Plain values of one array are values of one field, not elements of their own.
                within = {**membership, array: index} if isinstance(inner, (dict, list)) else membership
                descend(name, inner, within)
        else:
            leaves.setdefault(name, []).append((value, membership))

    descend("", event, {})
    return leaves


def _fits(names: list[str], alternative: Alternative, fitting: Fitting, membership: Membership) -> bool:
    if not names:
        return True
    name, rest = names[0], names[1:]
    steps = _steps(*fitting[name, id(alternative[name])], membership)
    return any(_fits(rest, alternative, fitting, settled) for settled in steps)


def _steps(found: list[tuple[bool, Membership]], may_be_missing: bool, membership: Membership) -> Iterator[Membership]:
    """Yield the memberships with which a field fits. *found*: whether each leaf does, with its array elements."""
    consistent = [(is_fitting, inner) for is_fitting, inner in found if _consistent(membership, inner)]
    if not consistent and may_be_missing:
        yield membership
    for is_fitting, inner in consistent:
        if is_fitting:
            yield {**membership, **inner}


def _consistent(one: Membership, other: Membership) -> bool:
    return all(one.get(array, index) == index for array, index in other.items())
