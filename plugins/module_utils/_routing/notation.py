# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alternatives in the notation of event patterns, short and always the same. PRIVATE to the collection."""

from __future__ import annotations

import json
from typing import Any

from .branches import MOST_COMBINATIONS
from .branches import Branch
from .branches import Choices
from .conditions import Condition
from .conditions import written
from .fields import Fields
from .fields import Path

SOURCE = "aws.securityhub"

# The default quota of an event pattern's size, in characters.
MAX_LENGTH = 2048


def fits(pattern: dict[str, Any]) -> bool:
    """Return whether *pattern* is within EventBridge's limits."""
    return length(pattern) <= MAX_LENGTH and combinations(pattern) <= MOST_COMBINATIONS


def length(pattern: Any) -> int:
    """Return how many characters of EventBridge's quota *pattern* takes."""
    return len(json.dumps(pattern, separators=(",", ":")))


def pattern_of(fields: Fields, choices: Choices) -> dict[str, Any]:
    """Return a short pattern that matches events whose finding is as *choices* say."""
    if len(choices.lists) < 2:
        branches = choices.multiplied()
        grouped = _event(fields, _grouped(branches))
        flat = _event(fields, _flat(branches))
        return flat if length(flat) <= length(grouped) or combinations(grouped) > MOST_COMBINATIONS else grouped
    # Conditions side by side have a $or each, on levels of their own: the longest list where it costs least to say it.
    inner, middle, *outer = sorted(choices.lists, key=len, reverse=True)
    pattern = _event(fields, {**_tree(choices.common), "$or": [_tree(branch) for branch in inner]})
    pattern["detail"]["$or"] = [{"findings": _tree(branch)} for branch in middle]
    for branches in outer:
        pattern["$or"] = [{"detail": {"findings": _tree(branch)}} for branch in branches]
    return pattern


def _event(fields: Fields, findings: dict[str, Any]) -> dict[str, Any]:
    return {"source": [SOURCE], "detail-type": [fields.detail_type], "detail": {"findings": findings}}


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


def _flat(branches: list[Branch]) -> dict[str, Any]:
    common, rests = _factored(branches)
    if len(branches) == 1:
        return _tree(common)
    return {**_tree(common), "$or": [_tree(rest) for rest in rests]}


def _grouped(branches: list[Branch]) -> dict[str, Any]:
    """Return the same as _flat, but with a condition that several branches share written once for them."""
    common, rests = _factored(branches)
    if len(branches) == 1:
        return _tree(common)
    members: list[dict[str, Any]] = []
    while rests:
        shared = _dearest(rests)
        group = [rest for rest in rests if shared and rest.get(shared[0]) == shared[1]] or rests[:1]
        rests = [rest for rest in rests if rest not in group]
        members.append(_grouped(group))
    if len(members) == 1:
        return _flat(branches)
    return {**_tree(common), "$or": members}


def _factored(branches: list[Branch]) -> tuple[Branch, list[Branch]]:
    """Return the conditions that all branches share, and the rest of each."""
    common = {
        path: condition
        for path, condition in branches[0].items()
        if all(branch.get(path) == condition for branch in branches)
    }
    rests = [{path: condition for path, condition in branch.items() if path not in common} for branch in branches]
    return (branches[0], []) if len(branches) == 1 else (common, rests)


def _dearest(branches: list[Branch]) -> tuple[Path, Condition] | None:
    """Return the condition whose repetition in *branches* takes the most characters, None if none is repeated."""
    counts: dict[tuple[Path, Condition], int] = {}
    for branch in branches:
        for item in branch.items():
            counts[item] = counts.get(item, 0) + 1
    cost = {item: (count - 1) * length(written(item[1])) for item, count in counts.items()}
    dearest = max(sorted(cost, key=lambda item: item[0]), key=lambda item: cost[item], default=None)
    return dearest if dearest and cost[dearest] else None


def _tree(branch: Branch) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in sorted(branch):
        node = tree
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = written(branch[path])
    return tree
