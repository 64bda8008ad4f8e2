# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clauses as alternatives that an event pattern can hold: pure boolean algebra. PRIVATE to the collection."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from .clauses import Clause
from .conditions import PRESENT
from .conditions import Condition
from .conditions import Matcher
from .conditions import implies
from .conditions import meet
from .conditions import none_of
from .fields import Fields
from .fields import Path

# What each field must be, all at once.
Branch = dict[Path, Condition]

# More than 2,048 characters can hold.
MOST_BRANCHES = 100
# EventBridge multiplies the alternatives of a pattern out, and takes this many.
MOST_COMBINATIONS = 1000
# An object holds one $or: one for the finding, one for detail, one for the event.
MOST_LISTS = 3


class TooMany(Exception):
    """The clauses have more alternatives than any pattern holds."""


def settled(branch: Branch, clauses: list[Clause]) -> tuple[Branch, list[Clause]] | None:
    """Return *branch* with all clauses merged into it that leave no choice, and the others; None if one cannot hold."""
    changed = True
    while changed:
        changed = False
        left: list[Clause] = []
        for clause in clauses:
            open_literals = _open(branch, clause)
            if open_literals is None:
                continue
            if not open_literals:
                return None
            if len(open_literals) > 1:
                left.append(open_literals)
                continue
            merged = _with(branch, *open_literals[0])
            if merged is None:
                return None
            branch, changed = merged, True
        clauses = left
    return branch, clauses


def _open(branch: Branch, clause: Clause) -> Clause | None:
    """Return the literals of *clause* that may still hold in *branch*, None if one does anyway."""
    if any(path in branch and implies(branch[path], condition) for path, condition in clause):
        return None
    return tuple((path, condition) for path, condition in clause if path not in branch or meet(branch[path], condition))


def _with(branch: Branch, path: Path, condition: Condition) -> Branch | None:
    both = meet(branch[path], condition) if path in branch else condition
    return None if both is None else {**branch, path: both}


@dataclass(frozen=True)
class Choices:
    """Conditions that hold in any case, and lists of branches of each of which one holds; no field is in two."""

    common: Branch
    lists: tuple[list[Branch], ...] = ()

    def multiplied(self) -> list[Branch]:
        """Return the same as one list of branches."""
        found = [self.common]
        for branches in self.lists:
            found = [{**one, **other} for one in found for other in branches]
        return found


def choices_of(branch: Branch, clauses: list[Clause], fields: Fields) -> Choices | None:
    """Return choices that hold exactly where *branch* and all *clauses* do, None if they never do.

    Raises TooMany.
    """
    rest = settled(branch, clauses)
    if rest is None:
        return None
    common, clauses = dict(rest[0]), rest[1]
    lists: list[list[Branch]] = []
    for together in _independent(clauses, fields):
        touched = {fields.subject(path) for clause in together for path, condition in clause}
        own = {path: common.pop(path) for path in list(common) if fields.subject(path) in touched}
        lists.append([_settled_on_a_resource(found, fields) for found in alternatives(own, together, fields)])
    for single in [branches for branches in lists if len(branches) == 1]:
        common.update(single[0])
    lists = sorted((branches for branches in lists if len(branches) != 1), key=len)
    if not all(lists):
        return None
    while len(lists) > MOST_LISTS:
        one, other, *others = lists
        lists = sorted([[{**first, **second} for first in one for second in other], *others], key=len)
    if math.prod(map(len, lists)) > MOST_COMBINATIONS or sum(map(len, lists)) > MOST_BRANCHES:
        raise TooMany
    return Choices(_settled_on_a_resource(common, fields), tuple(lists))


def _settled_on_a_resource(branch: Branch, fields: Fields) -> Branch:
    # Event-ruler asks whether a tag is missing from the resource that a field before it (in the alphabet) has settled
    # on, and from all resources if there is none such. Every resource has an id.
    if any(fields.is_tag(path) for path in branch):
        return {fields.resource_id: PRESENT, **branch}
    return branch


def _independent(clauses: list[Clause], fields: Fields) -> list[list[Clause]]:
    """Return *clauses* in groups that share no field."""
    groups: list[tuple[set[Path], list[Clause]]] = []
    for clause in clauses:
        subjects = {fields.subject(path) for path, condition in clause}
        joined = [group for group in groups if group[0] & subjects]
        groups = [group for group in groups if group not in joined]
        groups.append(
            (
                subjects.union(*(group[0] for group in joined)),
                [*(item for group in joined for item in group[1]), clause],
            )
        )
    return [group[1] for group in groups]


def alternatives(branch: Branch, clauses: list[Clause], fields: Fields) -> list[Branch]:
    """Return branches that together hold exactly where *branch* and all *clauses* do."""
    found: list[Branch] = []
    for alternative in _alternatives(branch, clauses, fields):
        found.append(alternative)
        if len(found) > MOST_BRANCHES:
            raise TooMany
    return _without_covered(found)


def _alternatives(branch: Branch, clauses: list[Clause], fields: Fields) -> Iterator[Branch]:
    rest = settled(branch, clauses)
    if rest is None:
        return
    branch, clauses = rest
    if not clauses:
        yield branch
        return
    path = _most_shared(clauses, fields)
    # A field that several clauses share is told apart once, instead of multiplying the clauses out.
    if path:
        cases = cases_of(path, branch, groups_of(path, clauses), fields)
    else:
        cases = [case for literal in clauses[0] if (case := _with(branch, *literal)) is not None]
    for case in cases:
        yield from _alternatives(case, clauses, fields)


def _most_shared(clauses: list[Clause], fields: Fields) -> Path | None:
    counts: dict[Path, int] = {}
    for clause in clauses:
        for path in {path for path, condition in clause if fields.single(path)}:
            counts[path] = counts.get(path, 0) + 1
    shared = [
        path for path, count in counts.items() if count > 1 and divisible(path, clauses, groups_of(path, clauses))
    ]
    return min(shared, key=lambda path: (-counts[path], path), default=None)


def divisible(path: Path, clauses: list[Clause], groups: list[list[Matcher]]) -> bool:
    """Return whether the values of *groups* do not overlap with any that *clauses* name for *path*."""
    named = _named(path, clauses)
    return not any(one != other and one.covers(other) for group in groups for one in group for other in named)


def _named(path: Path, clauses: list[Clause]) -> list[Matcher]:
    named = {matcher for clause in clauses for at, condition in clause if at == path for matcher in condition.matchers}
    return sorted(named)


def groups_of(path: Path, clauses: list[Clause]) -> list[list[Matcher]]:
    """Return the values that *clauses* name for *path*, those together that every clause treats alike."""
    conditions = [condition for clause in clauses for at, condition in clause if at == path]
    groups: dict[tuple[bool, ...], list[Matcher]] = {}
    for matcher in _named(path, clauses):
        value = Condition((matcher,))
        groups.setdefault(tuple(implies(value, condition) for condition in conditions), []).append(matcher)
    return list(groups.values())


def cases_of(path: Path, branch: Branch, groups: list[list[Matcher]], fields: Fields) -> list[Branch]:
    """Return *branch* for each of *groups* of values of *path*, and for all other values; no two overlap."""
    cases = [_with(branch, path, Condition(tuple(group))) for group in groups]
    rest = none_of((matcher for group in groups for matcher in group), absent=fields.optional(path))
    return [case for case in (*cases, _with(branch, path, rest)) if case is not None]


def _without_covered(branches: list[Branch]) -> list[Branch]:
    kept: list[Branch] = []
    for index, branch in enumerate(branches):
        others = [*kept, *branches[index + 1 :]]
        if not any(_covers(other, branch) for other in others):
            kept.append(branch)
    return kept


def _covers(weak: Branch, strong: Branch) -> bool:
    return all(path in strong and implies(strong[path], condition) for path, condition in weak.items())
