# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiles a policy into event patterns, one for each EventBridge rule. PRIVATE to the collection.

    policy + scope      which findings this bus forwards to one channel
         |  clauses.py      one clause for each condition: "not account 3, or not control S3.8"
         v
      clauses           all of them must hold
         |  pieces.py       split by the values of one field: account 3 | all others. Parts never overlap
         v
      pieces            one piece for each rule, as many as are needed for 2,048 characters
         |  pieces.py       split on, until no clause is left
         v
      alternatives      {account: 3, control: not S3.8} | {account: not 3}
         |  notation.py     what alternatives share is written once, $or for the others
         v
      event patterns
         |  safety.py       what event-ruler would treat differently is refused
         v
      rules

Pieces are split by a field that a finding has once (account, Region, control, product, title), so no finding matches
two rules. Alternatives within a rule may be split by any field; by the fields of a resource too, of which a finding may
have several.
"""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import replace

from .._aws.errors import UserError
from . import trust
from .clauses import clauses_of
from .conditions import EXACT
from .conditions import Condition
from .conditions import Matcher
from .fields import ASFF
from .fields import Fields
from .fields import Path
from .notation import SOURCE
from .notation import Pattern
from .notation import fits
from .notation import length
from .notation import pattern_of
from .pieces import MAX_LENGTH
from .pieces import Piece
from .pieces import TooManyError
from .pieces import choices_of
from .pieces import joined
from .pieces import ranked
from .pieces import resolved
from .pieces import within
from .pieces import without
from .policy import Policy
from .policy import Scope
from .policy import left_to_patterns
from .safety import hazards

CUSTOM_ACTION = "Security Hub Findings - Custom Action"

# Of the 300 rules of an event bus (100 in some Regions), which other applications use too.
MAX_RULES = 20
# Patterns that are tried before a policy is refused, in at most a second. Policies with MAX_RULES rules take 160.
MAX_PATTERNS_TRIED = 180
# The number of rules that a part which has to be divided further is likely to take.
COST_OF_PART = 4
# Of a division that may turn out to need fewer rules; anything above is refused.
MAX_COST = 2 * MAX_RULES

REMEDY = (
    "shorten securityhub_slack_suppressions or the lists of account_ids, or set suppress_in: security_hub for long "
    "suppressions, so that an automation rule of Security Hub suppresses the findings"
)


class _TooLongError(Exception):
    """A pattern that cannot be divided into shorter ones. *size*: its characters, None if they were not counted."""

    def __init__(self, size: int | None) -> None:
        super().__init__(size)
        self.size = size


class _TooManyRulesError(Exception):
    """A policy that takes more than MAX_RULES rules, as far as they were compiled."""


def action_pattern(action_arn: str | dict[str, str], trusted: bool | None = None) -> Pattern:
    """Return the pattern of the rule for findings that a user sends with the custom action of this ARN (or Fn::Sub).

    *trusted*: only of findings whose texts are trusted (see trust.py), or only of the others. An event has one finding:
    https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-cwe-integration-types.html
    """
    return {**json.loads(_sent_by_hand(trusted)), "resources": [action_arn]}


@functools.cache
def _sent_by_hand(trusted: bool | None) -> str:
    """Return the text of the pattern of all custom actions."""
    pattern = {"source": [SOURCE], "detail-type": [CUSTOM_ACTION]}
    piece = None if trusted is None else resolved(trust.clauses(Policy(()), Scope("", ""), trusted=trusted))
    choices = choices_of(piece, ASFF) if piece else None
    return json.dumps({**pattern_of(ASFF, choices), **pattern} if choices else pattern)


def automatic_patterns(policy: Policy, scope: Scope, trusted: bool | None = None) -> tuple[Pattern, ...]:
    """Return the patterns of the rules that forward findings automatically; none if *policy* forwards none.

    *trusted*: only findings whose texts are trusted (see trust.py), or only the others.
    No finding matches two of them, so none arrives twice. Equal arguments always give equal patterns.
    Raises UserError if a pattern exceeds EventBridge's quota and cannot be split into at most MAX_RULES patterns, or if
    it is not safe (see safety.py).
    """
    left, own_scope = left_to_patterns(policy, scope)
    texts, reason = _compiled(left, comparable(own_scope), trusted)
    if reason:
        remedy = REMEDY if trusted is None else f"set securityhub_slack_message_format to aws, {REMEDY}"
        raise UserError(f"the policy of {scope.region} {reason}: {remedy}")
    return tuple(json.loads(text) for text in texts)


def comparable(scope: Scope) -> Scope:
    """Return *scope* without what its patterns do not depend on, so that Regions with the same patterns share them."""
    if scope.forwards_linked or scope.only_own:
        return scope
    return Scope("", "" if scope.region == scope.global_findings_region else "another")


@functools.lru_cache(maxsize=512)
def _compiled(policy: Policy, scope: Scope, trusted: bool | None) -> tuple[tuple[str, ...], str]:
    """Return the patterns as texts, or none and the reason why the policy cannot be compiled."""
    try:
        patterns = _all_rules(policy, scope, trusted)
    except _TooLongError as error:
        needed = f"{error.size:,} characters" if error.size else "more alternatives than it accepts"
        return (), f"needs an event pattern of {needed}, and EventBridge's quota is {MAX_LENGTH:,} characters"
    except _TooManyRulesError:
        return (), f"needs more than {MAX_RULES} event rules of at most {MAX_LENGTH:,} characters for one channel"
    unsafe = next((hazard for pattern in patterns for hazard in hazards(pattern)), "")
    if unsafe:
        return (), f"needs an event pattern that is not safe ({unsafe})"
    return tuple(json.dumps(pattern) for pattern in patterns), ""


def _all_rules(policy: Policy, scope: Scope, trusted: bool | None) -> list[Pattern]:
    fields = policy.fields
    about_texts = () if trusted is None else trust.clauses(policy, scope, trusted=trusted)
    whole = resolved((*clauses_of(policy, scope), *about_texts))
    if whole is None:
        return []
    patterns = _rules_by_policy(whole, policy, scope, fields, iter(range(MAX_PATTERNS_TRIED)))
    if len(patterns) > MAX_RULES:
        raise _TooManyRulesError
    return patterns


def _rules_by_policy(
    piece: Piece, policy: Policy, scope: Scope, fields: Fields, budget: Iterator[int]
) -> list[Pattern]:
    """Return patterns for *piece*, with rules of their own for the Regions of other policies if it does not fit.

    In a home Region, the clauses of Regions with different policies have little in common. The global findings region
    is the one with the most difference.
    """
    owner = scope.global_findings_region
    groups: dict[Policy, list[str]] = {}
    for region, linked in scope.linked:
        if region not in (owner, scope.region):
            groups.setdefault(replace(linked, severities=()), []).append(region)
    others = [regions for linked, regions in groups.items() if linked != replace(policy, severities=())]
    patterns: list[Pattern] = []
    for regions in [[owner], *others] if scope.forwards_linked else []:
        pattern = _pattern(piece, fields, budget)
        if pattern is not None and fits(pattern):
            return [*patterns, pattern] if pattern else patterns
        matchers = [Matcher(EXACT, region) for region in regions]
        part = within(piece, fields.region, matchers)
        patterns += _rules(part, fields, budget) if part else []
        rest = without(piece, fields.region, matchers, fields)
        if rest is None:
            return patterns
        piece = rest
    return [*patterns, *_rules(piece, fields, budget)]


def _rules(piece: Piece, fields: Fields, budget: Iterator[int]) -> list[Pattern]:
    """Return patterns that together match the findings in *piece*, each of them once."""
    pattern = _pattern(piece, fields, budget)
    if pattern is not None and fits(pattern):
        return [pattern] if pattern else []
    size = length(pattern) if pattern else None
    best: _Division | None = None
    divisions = _fields_to_divide_by(piece, fields)
    for path, groups in divisions:
        best = _divided(piece, path, groups, fields, budget, best.cost if best else MAX_COST) or best
    if best is None:
        raise _TooManyRulesError if divisions else _TooLongError(size)
    return [*best.patterns, *(rule for part in best.parts for rule in _rules(part, fields, budget))]


def _pattern(piece: Piece, fields: Fields, budget: Iterator[int]) -> Pattern | None:
    """Return one pattern for *piece*: an empty one for no findings, None if it has more alternatives than any holds."""
    if next(budget, None) is None:
        raise _TooManyRulesError
    try:
        choices = choices_of(piece, fields)
    except TooManyError:
        return None
    return pattern_of(fields, choices) if choices else {}


def _fields_to_divide_by(piece: Piece, fields: Fields) -> list[tuple[Path, list[list[Matcher]]]]:
    """Return the fields by which *piece* can be divided into rules, each with groups of its values.

    They are the fields that its clauses name, and those that must have one of several values.
    """
    named = {path for clause in piece.clauses for path, _condition in clause if fields.is_single(path)}
    lists = [
        (path, [[matcher] for matcher in sorted(condition.matchers)])
        for path, condition in sorted(piece.conditions.items())
        if fields.is_single(path) and _is_list(condition)
    ]
    return [*lists, *ranked(piece, named)]


def _is_list(condition: Condition) -> bool:
    """Return whether a field must have one of several values, of which no two overlap, as two wildcards may."""
    if condition.negated or condition.absent or len(condition.matchers) < 2:
        return False
    pairs = itertools.combinations(condition.matchers, 2) if condition.open_ended else ()
    return all(one.is_apart(other) for one, other in pairs)


@dataclass(frozen=True)
class _Division:
    """A piece divided by one field into patterns, and into parts that have to be divided further."""

    patterns: tuple[Pattern, ...]
    parts: tuple[Piece, ...]
    cost: int


def _divided(
    piece: Piece, path: Path, groups: list[list[Matcher]], fields: Fields, budget: Iterator[int], limit: int
) -> _Division | None:
    """Return the division of *piece*, each pattern for as many of *groups* of values of the field *path* as fit.

    None if it costs *limit* or more.
    """
    patterns: list[Pattern] = []
    parts: list[Piece] = []
    # The rule for all other values may have room for some of the groups.
    kept = _most(groups, lambda some: without(piece, path, joined(groups[len(some) :]), fields), fields, budget)
    if kept is None:
        rest = without(piece, path, joined(groups), fields)
        parts += [rest] if rest else []
    else:
        patterns += kept[1]
        groups = groups[kept[0] :]
    while groups and len(patterns) + COST_OF_PART * len(parts) < limit:
        taken = _most(groups, lambda some: within(piece, path, joined(some)), fields, budget)
        if taken is None:
            part = within(piece, path, groups[0])
            parts += [part] if part else []
            groups = groups[1:]
        else:
            patterns += taken[1]
            groups = groups[taken[0] :]
    cost = len(patterns) + COST_OF_PART * len(parts)
    return _Division(tuple(patterns), tuple(parts), cost) if cost < limit else None


def _most(
    groups: list[list[Matcher]],
    part_with: Callable[[list[list[Matcher]]], Piece | None],
    fields: Fields,
    budget: Iterator[int],
) -> tuple[int, list[Pattern]] | None:
    """Return how many of the first *groups* fit into one pattern, and that pattern; None if not even one does."""
    best: tuple[int, list[Pattern]] | None = None
    low, high, count = 1, len(groups), 1
    while low <= high:
        part = part_with(groups[:count])
        pattern = _pattern(part, fields, budget) if part else {}
        if pattern is not None and fits(pattern):
            best, low = (count, [pattern] if pattern else []), count + 1
            count = min(2 * count, high) if high == len(groups) else (low + high) // 2
        else:
            high = count - 1
            count = (low + high) // 2
    return best
