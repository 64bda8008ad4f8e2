# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether EventBridge accepts an event pattern, and every version of AWS's event-ruler treats it alike: pure.

PRIVATE to the collection.

The rules are those of event-ruler's compiler (https://github.com/aws/event-ruler, JsonRuleCompiler) and the quotas of
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html. One thing is rejected here that EventBridge
accepts: a field that occurs twice in one alternative, where the later value list silently replaces the earlier one.
So are operators that no pattern of this collection uses.

Which version of event-ruler EventBridge runs is not public. A pattern that is safe has no two alternatives of which
event-ruler may drop one (see pieces.clash), and few wildcards in one list.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

from .matcher import Alternative
from .matcher import alternatives_of
from .notation import RESERVED_NAMES
from .notation import Pattern
from .notation import combinations
from .notation import conditions_in
from .notation import length
from .operators import operands
from .pieces import MAX_COMBINATIONS
from .pieces import MAX_LENGTH
from .pieces import clash

# EventBridge rejects patterns whose wildcards are too complex. The time of event-ruler's MachineComplexityEvaluator
# doubles with every wildcard whose asterisks are not all at one end: half a second for 12 asterisks, no end with 20
# (measured with version 2.0.1).
MAX_ASTERISKS = 12
LARGEST_NUMBER = 5_000_000_000


def hazards(pattern: Pattern) -> list[str]:
    """Return what is not safe about *pattern*, each as a sentence; nothing if it is safe."""
    problems = validate(pattern)
    if problems:
        return problems
    alternatives = alternatives_of(pattern)
    kept = registered(alternatives)
    dropped = [f"EventBridge may ignore the alternative {one}" for one in alternatives if one not in kept]
    return [*dropped, *dict.fromkeys(_wildcard_hazards(alternatives))]


def registered(alternatives: list[Alternative]) -> list[Alternative]:
    """Return *alternatives* without those that event-ruler may drop.

    Whether it drops one depends on the order of a hash set (GenericMachine.addStep), so any that it may drop is left
    out.
    """
    kept: list[Alternative] = []
    by_fields: dict[frozenset[str], list[Alternative]] = {}
    for alternative in alternatives:
        alike = by_fields.setdefault(frozenset(alternative), [])
        if not any(clash(alternative, other) for other in alike):
            alike.append(alternative)
            kept.append(alternative)
    return kept


def _wildcard_hazards(alternatives: list[Alternative]) -> Iterator[str]:
    for alternative in alternatives:
        for name, values in alternative.items():
            found = (pair for value in values for pair in operands(value))
            count = sum(_asterisks(text) for operator, text in found if operator == "wildcard")
            if count > MAX_ASTERISKS:
                yield (
                    f"the resource_ids that apply together contain {count} asterisks within the text, and EventBridge "
                    f"can evaluate about {MAX_ASTERISKS} in one list ({name})"
                )


def _asterisks(wildcard: str) -> int:
    """Return the number of asterisks in *wildcard*, none if there is only one and it is at the beginning or the end."""
    count = wildcard.replace("\\\\", "").replace("\\*", "").count("*")
    return 0 if count == 1 and (wildcard.startswith("*") or wildcard.endswith("*")) else count


def validate(pattern: Any) -> list[str]:
    """Return why EventBridge would reject *pattern*, each reason as a sentence; nothing if it is valid."""
    if not isinstance(pattern, dict):
        return ["a pattern is a JSON object"]
    problems = list(_object_problems(pattern, "", frozenset(), False))
    size = length(pattern)
    if size > MAX_LENGTH:
        problems.append(f"the pattern has {size:,} characters, and the quota is {MAX_LENGTH:,}")
    if not problems and combinations(pattern) > MAX_COMBINATIONS:
        problems.append(
            f"the $or lists of the pattern have {combinations(pattern):,} combinations; at most {MAX_COMBINATIONS:,} "
            f"are allowed"
        )
    return problems


def _object_problems(node: Pattern, prefix: str, taken: frozenset[str], in_or: bool) -> Iterator[str]:
    """Yield the problems of *node*, whose fields must not be among those *taken* before it."""
    if not node:
        yield f"{prefix.rstrip('.') or 'the pattern'} is an empty object"
    for key, value in node.items():
        name = prefix + key
        if key == "$or":
            others = {other for other, _values in conditions_in({**node, "$or": []}, prefix)}
            yield from _or_problems(value, prefix, taken | others)
        elif in_or and key in RESERVED_NAMES:
            yield f"{name} is the name of an operator and cannot be a field inside $or"
        elif isinstance(value, dict):
            yield from _object_problems(value, f"{name}.", taken, in_or)
        elif isinstance(value, list):
            if name in taken:
                yield f"{name} occurs twice in one alternative, and only the last one counts"
            yield from (f"{name}: {problem}" for problem in _list_problems(value))
        else:
            yield f"{name} must be an object or an array"


def _or_problems(members: Any, prefix: str, taken: frozenset[str]) -> Iterator[str]:
    if not isinstance(members, list) or len(members) < 2 or not all(isinstance(item, dict) for item in members):
        yield f"{prefix}$or must be an array of at least two objects"
        return
    for member in members:
        yield from _object_problems(member, prefix, taken, True)


def _list_problems(values: list[Any]) -> Iterator[str]:
    if not values:
        yield "an empty array matches nothing"
    for value in values:
        if isinstance(value, list):
            yield "an array within an array is not a value"
        elif isinstance(value, dict):
            yield from _expression_problems(value)
        elif isinstance(value, (int, float)) and abs(value) > LARGEST_NUMBER:
            yield f"the number {value} is not within {LARGEST_NUMBER:,} of zero"


def _expression_problems(expression: Pattern) -> Iterator[str]:
    if len(expression) != 1:
        yield f"{expression} must have exactly one operator"
        return
    ((operator, operand),) = expression.items()
    check = CHECKS.get(operator)
    if check is None:
        yield f"{operator} is not an operator that this collection uses"
    elif not check(operand):
        yield f"{operator} does not accept {operand!r}"


def _is_text(operand: Any) -> bool:
    return isinstance(operand, str)


def _is_wildcard(operand: Any) -> bool:
    # A backslash escapes an asterisk or a backslash and nothing else. Two bare asterisks must not be adjacent.
    return isinstance(operand, str) and re.fullmatch(r"(?:\\[*\\]|[^\\*]|\*(?!\*))*", operand, re.DOTALL) is not None


def _is_number(operand: Any) -> bool:
    return isinstance(operand, (int, float)) and not isinstance(operand, bool) and abs(operand) <= LARGEST_NUMBER


def _is_at_least(operand: Any) -> bool:
    return isinstance(operand, list) and len(operand) == 2 and operand[0] == ">=" and _is_number(operand[1])


def _is_anything_but(operand: Any) -> bool:
    if not isinstance(operand, dict):
        items = operand if isinstance(operand, list) else [operand]
        return bool(items) and (all(isinstance(item, str) for item in items) or all(_is_number(item) for item in items))
    if len(operand) != 1:
        return False
    ((operator, excluded),) = operand.items()
    check = NEGATABLE.get(operator)
    items = excluded if isinstance(excluded, list) else [excluded]
    return check is not None and bool(items) and all(check(item) for item in items)


def _is_filled_text(operand: Any) -> bool:
    return isinstance(operand, str) and bool(operand)


NEGATABLE: dict[str, Callable[[Any], bool]] = {
    "prefix": _is_filled_text,
    "suffix": _is_filled_text,
    "wildcard": _is_wildcard,
}
CHECKS: dict[str, Callable[[Any], bool]] = {
    "exactly": _is_text,
    "prefix": _is_text,
    "suffix": _is_text,
    "wildcard": _is_wildcard,
    "exists": lambda operand: isinstance(operand, bool),
    "numeric": _is_at_least,
    "anything-but": _is_anything_but,
}
