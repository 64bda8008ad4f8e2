# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one field of a finding must be, as a set that can be intersected and written down. PRIVATE to the collection.

An event pattern holds a field once: two conditions on it do not add up, the later one wins
(https://github.com/aws/event-ruler, JsonRuleCompiler). So they are intersected here, before they are written.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from typing import NamedTuple

from .operators import OPERATORS

EXACT = "exactly"
PREFIX = "prefix"
SUFFIX = "suffix"
WILDCARD = "wildcard"


class Matcher(NamedTuple):
    """One value, prefix, suffix or wildcard (in a wildcard, * stands for any text and a backslash escapes)."""

    kind: str
    text: str

    @property
    def wildcard(self) -> str:
        """Return the same set of texts as a wildcard."""
        if self.kind == WILDCARD:
            return self.text
        escaped = self.text.replace("\\", "\\\\").replace("*", "\\*")
        return {EXACT: escaped, PREFIX: escaped + "*", SUFFIX: "*" + escaped}[self.kind]

    def matches(self, text: str) -> bool:
        """Return whether *text* is one of this matcher's."""
        return OPERATORS[self.kind](self.text, text)

    def covers(self, other: Matcher) -> bool:
        """Return whether every text of *other* is one of this matcher's; False too where that is not decided."""
        if self == other:
            return True
        if self.kind == PREFIX:
            return other.kind in (EXACT, PREFIX) and other.text.startswith(self.text)
        return self.kind == SUFFIX and other.kind in (EXACT, SUFFIX) and other.text.endswith(self.text)


@dataclass(frozen=True)
class Condition:
    """The texts that a field may (negated: must not) have, and whether the field may be missing."""

    matchers: tuple[Matcher, ...]
    negated: bool = False
    absent: bool = False


def holds(condition: Condition, values: list[Any]) -> bool:
    """Return whether a field with *values* (none: it is missing) is as *condition* says."""
    if not values:
        return condition.absent
    return any(_is_one(value, condition.matchers) is not condition.negated for value in values)


def _is_one(value: Any, matchers: tuple[Matcher, ...]) -> bool:
    return isinstance(value, str) and any(matcher.matches(value) for matcher in matchers)


PRESENT = Condition((), negated=True)


def any_of(texts: Iterable[str], kind: str = EXACT, absent: bool = False) -> Condition:
    """Return the condition that a field is one of *texts*."""
    return Condition(_sorted(Matcher(kind, text) for text in texts), False, absent)


def none_of(matchers: Iterable[Matcher], absent: bool = False) -> Condition:
    """Return the condition that a field is none of *matchers*."""
    return Condition(_sorted(matchers), True, absent)


def exactly(texts: Iterable[str], kind: str = EXACT) -> tuple[Matcher, ...]:
    """Return matchers of one *kind* for *texts*."""
    return tuple(Matcher(kind, text) for text in texts)


def _sorted(matchers: Iterable[Matcher]) -> tuple[Matcher, ...]:
    return tuple(sorted(set(matchers), key=_natural))


@functools.lru_cache(maxsize=4096)
def _natural(matcher: Matcher) -> tuple[str, list[Any]]:
    pieces = re.split(r"([0-9]+)", matcher.text)
    return matcher.kind, [int(piece) if index % 2 else piece for index, piece in enumerate(pieces)] + [matcher.text]


def _covered(matcher: Matcher, by: tuple[Matcher, ...]) -> bool:
    return matcher in by or any(other.kind in (PREFIX, SUFFIX) and other.covers(matcher) for other in by)


def meet(one: Condition, other: Condition) -> Condition | None:
    """Return the condition that holds where both do, None where that is nowhere.

    Matchers of a positive condition must either lie within those of a negated one or be apart from them.
    """
    absent = one.absent and other.absent
    if one.negated and other.negated:
        return Condition(_sorted((*one.matchers, *other.matchers)), True, absent)
    if one.negated:
        one, other = other, one
    if other.negated:
        kept = [matcher for matcher in one.matchers if not _covered(matcher, other.matchers)]
    else:
        kept = [matcher for matcher in one.matchers if _covered(matcher, other.matchers)]
        kept += [matcher for matcher in other.matchers if _covered(matcher, one.matchers)]
    return Condition(_sorted(kept), False, absent) if kept or absent else None


def implies(one: Condition, other: Condition) -> bool:
    """Return whether *other* holds wherever *one* does."""
    if one.absent and not other.absent:
        return False
    if one.negated:
        return other.negated and all(_covered(matcher, one.matchers) for matcher in other.matchers)
    if other.negated:
        return not any(_covered(matcher, other.matchers) for matcher in one.matchers)
    return all(_covered(matcher, other.matchers) for matcher in one.matchers)


def written(condition: Condition) -> list[Any]:
    """Return the condition as the value list of an event pattern's field."""
    if condition == PRESENT:
        return [{"exists": True}]
    if condition.negated:
        values: list[Any] = [{"anything-but": _negated(condition.matchers)}]
    else:
        values = [
            matcher.text if matcher.kind == EXACT else {matcher.kind: matcher.text} for matcher in condition.matchers
        ]
    return [*values, {"exists": False}] if condition.absent else values


def _negated(matchers: tuple[Matcher, ...]) -> Any:
    kinds = {matcher.kind for matcher in matchers}
    if kinds == {EXACT}:
        return [matcher.text for matcher in matchers]
    if len(kinds) == 1 and WILDCARD not in kinds:
        return {kinds.pop(): [matcher.text for matcher in matchers]}
    # anything-but takes one operator; a wildcard says what the others say.
    return {WILDCARD: sorted(matcher.wildcard for matcher in matchers)}
