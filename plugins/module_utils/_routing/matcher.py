# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an event fits an event pattern, as EventBridge decides it: pure. PRIVATE to the collection.

The semantics are event-ruler's (https://github.com/aws/event-ruler), which EventBridge documents at
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html:

* $or is multiplied out into alternatives; a field written twice in one alternative keeps its last value list.
* Fields are compared in the order of their names, and all that lie below one array must lie in one element of it.
* exists looks at leaves only, and a field is missing if none lies in the array elements settled on before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .operators import fits_value
from .operators import is_missing
from .validation import validate

# Array (numbered in the order of the event) -> the element of it.
Membership = dict[int, int]
# Dotted name -> the values it has in the event, each with the array elements it lies in.
Leaves = dict[str, list[tuple[Any, Membership]]]
# Dotted name -> value list.
Alternative = dict[str, list[Any]]


class InvalidPattern(ValueError):
    """EventBridge would refuse the pattern; the text says why."""


def matches(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    """Return whether *event* fits *pattern*. Raises InvalidPattern for one that EventBridge would refuse."""
    wrong = validate(pattern)
    if wrong:
        raise InvalidPattern("; ".join(wrong))
    leaves = leaves_of(event)
    return any(_fits(sorted(alternative), alternative, leaves, {}) for alternative in alternatives_of(pattern))


def alternatives_of(pattern: dict[str, Any]) -> list[Alternative]:
    """Return the alternatives of *pattern*, $or multiplied out."""
    return _extended([{}], "", pattern)


def _extended(alternatives: list[Alternative], prefix: str, pattern: dict[str, Any]) -> list[Alternative]:
    for key, value in pattern.items():
        if key == "$or":
            alternatives = [alternative for member in value for alternative in _extended(alternatives, prefix, member)]
        elif isinstance(value, dict):
            alternatives = _extended(alternatives, f"{prefix}{key}.", value)
        else:
            alternatives = [{**alternative, prefix + key: value} for alternative in alternatives]
    return alternatives


def leaves_of(event: dict[str, Any]) -> Leaves:
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
                # Plain values of one array are alternatives of one field, not elements to keep apart.
                within = {**membership, array: index} if isinstance(inner, (dict, list)) else membership
                descend(name, inner, within)
        else:
            leaves.setdefault(name, []).append((value, membership))

    descend("", event, {})
    return leaves


def _fits(names: list[str], alternative: Alternative, leaves: Leaves, membership: Membership) -> bool:
    if not names:
        return True
    name, rest = names[0], names[1:]
    return any(
        _fits(rest, alternative, leaves, settled) for settled in _steps(name, alternative[name], leaves, membership)
    )


def _steps(name: str, values: list[Any], leaves: Leaves, membership: Membership) -> Iterator[Membership]:
    """Yield the memberships with which field *name* fits *values*."""
    consistent = [
        (value, {**membership, **inner}) for value, inner in leaves.get(name, []) if _consistent(membership, inner)
    ]
    if not consistent and any(is_missing(wanted) for wanted in values):
        yield membership
    for value, settled in consistent:
        if any(fits_value(wanted, value) for wanted in values):
            yield settled


def _consistent(one: Membership, other: Membership) -> bool:
    return all(one.get(array, index) == index for array, index in other.items())


def why_not(pattern: dict[str, Any], event: dict[str, Any]) -> str | None:
    """Return the first condition of *pattern* that stops *event*, as a sentence; None if it fits."""
    if matches(pattern, event):
        return None
    leaves = leaves_of(event)
    stopping = [
        [name for name, values in alternative.items() if next(_steps(name, values, leaves, {}), None) is None]
        for alternative in alternatives_of(pattern)
    ]
    nearest = min(range(len(stopping)), key=lambda index: len(stopping[index]))
    if not stopping[nearest]:
        return "no single element of an array fits all that the pattern asks of it"
    everywhere = [name for name in stopping[nearest] if all(name in names for names in stopping)]
    name = (everywhere or stopping[nearest])[0]
    return _sentence(name, alternatives_of(pattern)[nearest][name], leaves)


def _sentence(name: str, values: list[Any], leaves: Leaves) -> str:
    found = [str(value) for value, elements in leaves.get(name, [])]
    return f"{name} is {' and '.join(found) if found else 'missing'}, and the pattern wants {_wanted(values)}"


def _wanted(values: list[Any]) -> str:
    return " or ".join("none" if is_missing(value) else _described(value) for value in values)


def _described(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    ((operator, operand),) = value.items()
    if isinstance(operand, dict):
        return f"{operator} {_described(operand)}"
    named = [str(item) for item in operand] if isinstance(operand, list) else [str(operand)]
    if operator == "numeric":
        return " ".join(named)
    shown = named if len(named) <= 5 else [*named[:4], f"{len(named) - 4} others"]
    return f"{operator} {', '.join(shown)}"
