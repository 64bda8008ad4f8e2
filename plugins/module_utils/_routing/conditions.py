# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of texts that one field of a finding may have, as an event pattern can express them. PRIVATE to the collection.

An event pattern holds a field once: a second condition on it replaces the first
(https://github.com/aws/event-ruler, JsonRuleCompiler). Conditions on one field are therefore intersected here.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from typing import NamedTuple

from .operators import fits_value

EXACT = "exactly"
PREFIX = "prefix"
SUFFIX = "suffix"
WILDCARD = "wildcard"
# Not of texts: the number in the text or a higher one, and the boolean true.
AT_LEAST = "at least"
TRUE = "true"


class Matcher(NamedTuple):
    """A text, prefix, suffix or wildcard (in a wildcard, * stands for any text and a backslash escapes).

    A field that has numbers or booleans has matchers of that kind only, which are never negated.
    """

    kind: str
    text: str

    def covers(self, other: Matcher) -> bool:
        """Return whether this matcher is known to match every text of *other*."""
        if self.kind in (EXACT, TRUE):
            return self == other
        if self.kind == AT_LEAST:
            return float(other.text) >= float(self.text)
        if self.kind == PREFIX:
            return other.kind in (EXACT, PREFIX) and other.text.startswith(self.text)
        if self.kind == SUFFIX:
            return other.kind in (EXACT, SUFFIX) and other.text.endswith(self.text)
        return self == other or (other.kind == EXACT and fits_value({WILDCARD: self.text}, other.text))

    def is_apart(self, other: Matcher) -> bool:
        """Return whether this matcher and *other* are known to have no text in common."""
        if EXACT in (self.kind, other.kind) or (self.kind == other.kind and self.kind in (PREFIX, SUFFIX)):
            return not self.covers(other) and not other.covers(self)
        return False


@dataclass(frozen=True)
class Condition:
    """The texts that a field may have (negated: must not have), and whether the field may be missing."""

    matchers: frozenset[Matcher]
    negated: bool = False
    absent: bool = False

    @functools.cached_property
    def open_ended(self) -> tuple[Matcher, ...]:
        """Return the matchers that match more than one text."""
        return tuple(matcher for matcher in self.matchers if matcher.kind != EXACT)

    @functools.cached_property
    def length(self) -> int:
        """Return about how many characters the texts take in a pattern."""
        return sum(len(matcher.text) + 3 for matcher in self.matchers)

    def covers(self, matcher: Matcher) -> bool:
        """Return whether one of the matchers covers *matcher*, whether the condition is negated or not."""
        if matcher in self.matchers:
            return True
        return bool(self.open_ended) and any(other.covers(matcher) for other in self.open_ended)

    def covers_all(self, other: Condition) -> bool:
        """Return whether the matchers cover all matchers of *other*, whether the conditions are negated or not."""
        return self.matchers >= other.matchers or (
            bool(self.open_ended) and all(self.covers(matcher) for matcher in other.matchers)
        )

    def is_apart(self, other: Condition) -> bool:
        """Return whether all matchers are apart from all of *other*, whether the conditions are negated or not."""
        if not self.open_ended and not other.open_ended:
            return self.matchers.isdisjoint(other.matchers)
        return all(one.is_apart(matcher) for one in self.matchers for matcher in other.matchers)


NEVER = Condition(frozenset())
PRESENT = Condition(frozenset(), negated=True)
# Written down although it always holds, to make event-ruler choose an element of an array.
ANYTHING = Condition(frozenset(), negated=True, absent=True)


def any_of(texts: Iterable[str], kind: str = EXACT, absent: bool = False) -> Condition:
    """Return the condition that a field is one of *texts*."""
    return Condition(frozenset(Matcher(kind, text) for text in texts), False, absent)


def none_of(texts: Iterable[str], kind: str = EXACT, absent: bool = False) -> Condition:
    """Return the condition that a field is none of *texts*."""
    return Condition(frozenset(Matcher(kind, text) for text in texts), True, absent)


def meet(one: Condition, other: Condition) -> Condition:
    """Return the condition that holds where both do.

    Raises ValueError if no event pattern can express it: a prefix, for instance, without one of its longer prefixes.
    """
    absent = one.absent and other.absent
    if one.negated and other.negated:
        return Condition(one.matchers | other.matchers, True, absent)
    if one.negated:
        one, other = other, one
    inside = frozenset(item for item in one.matchers if other.covers(item))
    for item in one.matchers - inside if one.open_ended or other.open_ended else ():
        # In another list of allowed texts, parts of *item* may be listed.
        parts = () if other.negated else [part for part in other.matchers if item.covers(part)]
        if not all(item.is_apart(rest) for rest in other.matchers if rest not in parts):
            raise ValueError(f"{one} and {other}")
    if other.negated:
        return Condition(one.matchers - inside, False, absent)
    return Condition(inside | frozenset(item for item in other.matchers if one.covers(item)), False, absent)


def join(one: Condition, other: Condition) -> Condition:
    """Return the condition that holds where at least one does, for lists of plain texts."""
    absent = one.absent or other.absent
    if one.negated and other.negated:
        return Condition(one.matchers & other.matchers, True, absent)
    if one.negated or other.negated:
        negated, positive = (one, other) if one.negated else (other, one)
        return Condition(negated.matchers - positive.matchers, True, absent)
    return Condition(one.matchers | other.matchers, False, absent)


def implies(one: Condition, other: Condition) -> bool:
    """Return whether *other* is known to hold wherever *one* does."""
    if (one.absent and not other.absent) or (one.negated and not other.negated):
        return False
    if one.negated:
        return one.covers_all(other)
    return one.is_apart(other) if other.negated else other.covers_all(one)


def excludes(one: Condition, other: Condition) -> bool:
    """Return whether *one* and *other* are known never to hold together."""
    if (one.absent and other.absent) or (one.negated and other.negated):
        return False
    if one.negated:
        return one.covers_all(other)
    return other.covers_all(one) if other.negated else one.is_apart(other)


@functools.lru_cache(maxsize=4096)
def _natural(matcher: Matcher) -> tuple[str, list[Any]]:
    pieces = re.split(r"([0-9]+)", matcher.text)
    return matcher.kind, [int(piece) if index % 2 else piece for index, piece in enumerate(pieces)] + [matcher.text]


@functools.lru_cache(maxsize=4096)
def written(condition: Condition) -> tuple[Any, ...]:
    """Return the condition as the value list of an event pattern's field."""
    values: list[Any] = []
    if condition.negated:
        values.append({"anything-but": _negated(condition)} if condition.matchers else {"exists": True})
    else:
        values += [_value(matcher) for matcher in sorted(condition.matchers, key=_natural)]
    return (*values, {"exists": False}) if condition.absent else tuple(values)


def _value(matcher: Matcher) -> Any:
    if matcher.kind == AT_LEAST:
        return {"numeric": [">=", float(matcher.text)]}
    return {EXACT: matcher.text, TRUE: True}.get(matcher.kind) or {matcher.kind: matcher.text}


@functools.lru_cache(maxsize=4096)
def size(condition: Condition) -> int:
    """Return the number of characters of the condition in an event pattern."""
    return len(json.dumps(written(condition), separators=(",", ":")))


def _negated(condition: Condition) -> Any:
    # A matcher that another one covers says nothing more.
    needed = [
        matcher
        for matcher in sorted(condition.matchers, key=_natural)
        if not any(other != matcher and other.covers(matcher) for other in condition.open_ended)
    ]
    kinds = {matcher.kind for matcher in needed}
    if kinds == {EXACT}:
        return [matcher.text for matcher in needed]
    if len(kinds) == 1 and WILDCARD not in kinds:
        return {kinds.pop(): [matcher.text for matcher in needed]}
    # anything-but takes one operator, and wildcards can express the others.
    return {WILDCARD: sorted(_as_wildcard(matcher) for matcher in needed)}


def _as_wildcard(matcher: Matcher) -> str:
    if matcher.kind == WILDCARD:
        return matcher.text
    escaped = matcher.text.replace("\\", "\\\\").replace("*", "\\*")
    return {EXACT: escaped, PREFIX: escaped + "*", SUFFIX: "*" + escaped}[matcher.kind]
