# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clauses as pieces that do not overlap, and as the alternatives of an event pattern: pure. PRIVATE to the collection.

A piece is split by the values of one field, so its parts never overlap. The page routing_internals.rst of the
documentation has a picture.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from .clauses import Clause
from .conditions import ANYTHING
from .conditions import EXACT
from .conditions import NEVER
from .conditions import PRESENT
from .conditions import Condition
from .conditions import Matcher
from .conditions import excludes
from .conditions import implies
from .conditions import meet
from .conditions import size
from .conditions import written
from .fields import Fields
from .fields import Path

# The condition of each field; all of them must hold.
Conditions = Mapping[Path, Condition]

# The default quota of an event pattern's size, in characters.
MAX_LENGTH = 2048
# More alternatives than fit into it.
MAX_ALTERNATIVES = 60
# EventBridge multiplies the $or of a pattern out, and accepts this many combinations.
MAX_COMBINATIONS = 1000
# An object can have one $or: one for the finding, one for detail, one for the event.
MAX_LISTS = 3


Name = TypeVar("Name", str, Path)


class TooManyError(Exception):
    """There are more alternatives than any pattern can hold."""


@dataclass(frozen=True)
class Piece:
    """Findings for which all *conditions* and all *clauses* hold."""

    conditions: Conditions
    clauses: tuple[Clause, ...]


@dataclass(frozen=True)
class Choices:
    """Alternatives: what is *common* to all of them, and lists of which one entry each must hold.

    Lists have no field in common.
    """

    common: Conditions
    lists: tuple[tuple[Conditions, ...], ...] = ()

    def alternatives(self) -> list[Conditions]:
        """Return the alternatives, with the lists multiplied out."""
        multiplied = [self.common]
        for entries in self.lists:
            multiplied = [{**one, **other} for one in multiplied for other in entries]
        return multiplied


def resolved(clauses: tuple[Clause, ...]) -> Piece | None:
    """Return the piece of the findings for which *clauses* hold, None if there are none."""
    return _resolved({}, dict.fromkeys(clauses), {path for clause in clauses for path, _condition in clause})


def _resolved(known: Conditions, clauses: Iterable[Clause], changed: set[Path]) -> Piece | None:
    """Return the piece of *known* conditions and *clauses*, None if no finding is in it.

    Each clause that leaves one possibility is made a condition. *changed*: the fields whose conditions *clauses* have
    not been compared with.
    """
    conditions, remaining = dict(known), list(clauses)
    first, reduced = True, False
    while changed or first:
        compared, changed, clauses, remaining = changed, set(), remaining, []
        for clause in clauses:
            if clause and compared.isdisjoint(path for path, _condition in clause):
                remaining.append(clause)
                continue
            possible = _possible(conditions, clause)
            if possible is None:
                continue
            if not possible:
                return None
            if len(possible) > 1:
                remaining.append(possible)
                reduced = reduced or len(possible) < len(clause)
                continue
            ((path, condition),) = possible
            conditions[path] = meet(conditions[path], condition) if path in conditions else condition
            changed.add(path)
        first = False
    return Piece(conditions, tuple(dict.fromkeys(remaining) if reduced else remaining))


def _possible(conditions: Conditions, clause: Clause) -> Clause | None:
    """Return the part of *clause* that *conditions* leave open, None if they imply it."""
    possible = []
    for path, condition in clause:
        known = conditions.get(path)
        if known is not None and implies(known, condition):
            return None
        if known is None or not excludes(known, condition):
            possible.append((path, condition))
    return tuple(possible)


def values_of(piece: Piece, path: Path) -> list[list[Matcher]]:
    """Return groups of values by which *piece* can be split: those that its clauses name for the field *path*.

    Values that all clauses treat alike are in one group. A value that overlaps with another one without lying in it,
    or that has another one within it, is left out: what remains of it could not be written as one condition.
    """
    literals = [condition for clause in piece.clauses for at, condition in clause if at == path]
    known = piece.conditions.get(path)
    everything = frozenset[Matcher]().union(*(literal.matchers for literal in literals))
    covering, divisible = _relations(everything | (known.matchers if known else frozenset()))
    treatments: dict[Matcher, list[int]] = {}
    for index, literal in enumerate(literals):
        for matcher in everything if literal.open_ended else literal.matchers:
            if not literal.matchers.isdisjoint(covering[matcher]):
                treatments.setdefault(matcher, []).append(index)
    groups: dict[tuple[int, ...], list[Matcher]] = {}
    for matcher in sorted(treatments):
        if matcher in divisible and not (known and excludes(known, Condition(frozenset((matcher,))))):
            groups.setdefault(tuple(treatments[matcher]), []).append(matcher)
    return list(groups.values())


# The pieces of a policy name the same values again and again.
@functools.lru_cache(maxsize=1024)
def _relations(matchers: frozenset[Matcher]) -> tuple[dict[Matcher, tuple[Matcher, ...]], frozenset[Matcher]]:
    """Return for each of *matchers* those that cover it, and those that no other one overlaps without covering it."""
    open_ended = [matcher for matcher in matchers if matcher.kind != EXACT]
    covering = {
        matcher: (matcher, *(other for other in open_ended if other != matcher and other.covers(matcher)))
        for matcher in matchers
    }
    divisible = frozenset(
        matcher
        for matcher, known in covering.items()
        if matcher.kind == EXACT or all(other in known or other.is_apart(matcher) for other in matchers)
    )
    return covering, divisible


def within(piece: Piece, path: Path, values: Iterable[Matcher]) -> Piece | None:
    """Return the part of *piece* in which the field *path* has one of *values*, None if there is none."""
    return _narrowed(piece, path, Condition(frozenset(values)))


def without(piece: Piece, path: Path, values: Iterable[Matcher], fields: Fields) -> Piece | None:
    """Return the part of *piece* in which the field *path* has none of *values*, None if there is none."""
    return _narrowed(piece, path, Condition(frozenset(values), True, fields.is_optional(path)))


def joined(groups: list[list[Matcher]]) -> list[Matcher]:
    """Return the values of all *groups*."""
    return [value for group in groups for value in group]


def _narrowed(piece: Piece, path: Path, condition: Condition) -> Piece | None:
    known = piece.conditions.get(path)
    if known is not None:
        condition = meet(known, condition)
    if condition == NEVER:
        return None
    return _resolved({**piece.conditions, path: condition}, piece.clauses, {path})


def choices_of(piece: Piece, fields: Fields) -> Choices | None:
    """Return the choices that hold exactly for the findings in *piece*, None if there are none.

    Raises TooManyError.
    """
    groups = _independent(piece.clauses, fields)
    touched = {path for clause in piece.clauses for path, _condition in clause}
    common = {path: condition for path, condition in piece.conditions.items() if path not in touched}
    needed = _markers(common, fields)
    common = {**_conditions_of(needed - touched, fields), **common}
    lists: list[tuple[Conditions, ...]] = []
    for clauses in groups:
        paths = {path for clause in clauses for path, _condition in clause}
        own = {path: condition for path, condition in piece.conditions.items() if path in paths}
        entries = [
            {**_conditions_of(_markers(entry, fields) - common.keys() | (needed & paths), fields), **entry}
            for entry in _alternatives(Piece(own, clauses), fields)
        ]
        if not entries:
            return None
        lists.append(tuple(entries))
    for entries_of_one in (entries for entries in lists if len(entries) == 1):
        common.update(entries_of_one[0])
    return Choices(common, _few(lists, fields))


def _few(lists: list[tuple[Conditions, ...]], fields: Fields) -> tuple[tuple[Conditions, ...], ...]:
    """Return *lists*, each of several entries, multiplied out until there are at most MAX_LISTS."""
    kept = sorted((entries for entries in lists if len(entries) > 1), key=len)
    while len(kept) > MAX_LISTS:
        one, other, *others = kept
        kept = sorted([tuple({**first, **second} for first in one for second in other), *others], key=len)
    if math.prod(map(len, kept)) > MAX_COMBINATIONS or sum(map(len, kept)) > MAX_ALTERNATIVES:
        raise TooManyError
    markers = fields.always_present
    size = len(markers) // MAX_LISTS
    return tuple(_told_apart(entries, markers[index * size : (index + 1) * size]) for index, entries in enumerate(kept))


def _told_apart(entries: tuple[Conditions, ...], markers: tuple[Path, ...]) -> tuple[Conditions, ...]:
    """Return *entries*, those that event-ruler might drop beside another one with fields that every finding has."""
    kept: list[Conditions] = []
    values: dict[frozenset[Path], list[Mapping[Path, Sequence[object]]]] = {}
    for entry in entries:
        for count in range(2 ** len(markers)):
            added = {path: PRESENT for index, path in enumerate(markers) if count & 1 << index}
            marked = {**entry, **added}
            texts = {path: written(condition) for path, condition in marked.items()}
            alike = values.setdefault(frozenset(marked), [])
            if not any(clash(texts, other) for other in alike):
                alike.append(texts)
                kept.append(marked)
                break
        else:
            raise TooManyError
    return tuple(kept)


def _markers(paths: Iterable[Path], fields: Fields) -> set[Path]:
    return {marker for path in paths if (marker := fields.element_marker(path)) is not None}


def _conditions_of(markers: Iterable[Path], fields: Fields) -> Conditions:
    return {path: ANYTHING if fields.is_optional(path) else PRESENT for path in markers}


def _independent(clauses: tuple[Clause, ...], fields: Fields) -> list[tuple[Clause, ...]]:
    """Return *clauses* in groups that have no field in common."""
    groups: list[tuple[set[Path], list[Clause]]] = []
    for clause in clauses:
        literals = {path for path, _condition in clause}
        paths = literals | _markers(literals, fields)
        joined = [group for group in groups if group[0] & paths]
        groups = [group for group in groups if not group[0] & paths]
        members = [member for group in joined for member in group[1]]
        groups.append((paths.union(*(group[0] for group in joined)), [*members, clause]))
    return [tuple(group[1]) for group in groups]


def _alternatives(piece: Piece, fields: Fields) -> list[Conditions]:
    alternatives: list[Conditions] = []
    known: set[tuple[Path, Condition]] = set()
    least = 0
    for alternative in _leaves(piece, fields):
        alternatives.append(alternative)
        # A pattern has braces for each of them, and each of their conditions at least once.
        new = alternative.items() - known
        known |= new
        least += len("{},") + sum(len(path[-1]) + len('"":') + size(condition) for path, condition in new)
        if len(alternatives) > MAX_ALTERNATIVES or (len(alternatives) > 1 and least > MAX_LENGTH):
            raise TooManyError
    # Where values overlap, an alternative may have all conditions of another one, and then matches nothing more.
    return [one for one in alternatives if not any(other.items() < one.items() for other in alternatives)]


def _leaves(piece: Piece, fields: Fields) -> Iterator[Conditions]:
    """Yield conditions without clauses that together hold exactly for the findings in *piece*."""
    if not piece.clauses:
        yield piece.conditions
        return
    for part in filter(None, _parts(piece, fields)):
        yield from _leaves(part, fields)


def _parts(piece: Piece, fields: Fields) -> Iterator[Piece | None]:
    """Yield the parts of *piece*, None for one without findings."""
    # Event-ruler looks for a vulnerability's missing field in the one that the fields before it have chosen. So no
    # alternative has a condition on vulnerabilities that the policy does not have.
    named = {path for clause in piece.clauses for path, _condition in clause if not fields.is_of_vulnerability(path)}
    option = next(ranked(piece, named), None)
    if option is not None:
        path, groups = option
        yield from (within(piece, path, group) for group in groups)
        yield without(piece, path, joined(groups), fields)
        return
    # Values that overlap, such as two wildcards, cannot be told apart. The parts overlap too, within one pattern.
    for path, condition in piece.clauses[0]:
        yield _narrowed(piece, path, condition)


def ranked(piece: Piece, paths: Iterable[Path]) -> Iterator[tuple[Path, list[list[Matcher]]]]:
    """Yield the fields among *paths* by which *piece* can be split, with their groups of values, the best one first.

    The best one occurs in the most clauses, and then leads to the shortest text.
    """
    counts = Counter(path for clause in piece.clauses for path, _condition in clause)
    everything = sum(condition.length for condition in piece.conditions.values())

    def cost(option: tuple[Path, list[list[Matcher]]]) -> tuple[int, Path]:
        path, groups = option
        # Each part repeats the conditions on the other fields.
        repeated = everything - (piece.conditions[path].length if path in piece.conditions else 0)
        return len(groups) * repeated + 2 * sum(len(item.text) + 3 for group in groups for item in group), path

    for _count, alike in itertools.groupby(
        sorted(paths, key=lambda path: -counts[path]), key=lambda path: counts[path]
    ):
        yield from sorted(((path, groups) for path in alike if (groups := values_of(piece, path))), key=cost)


def clash(one: Mapping[Name, Sequence[object]], other: Mapping[Name, Sequence[object]]) -> bool:
    """Return whether event-ruler may drop one of two alternatives, written as value lists by field.

    It does (GenericMachine.addStep, version 1.7.1 and later) if they have the same fields and, in each field, a value
    in common. Values of operators count as common only if they are equal.
    """
    return one.keys() == other.keys() and all(any(item in other[name] for item in one[name]) for name in one)
