# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event patterns that forward a policy's findings, one for each EventBridge rule. PRIVATE to the collection.

What a pattern means: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html and
https://github.com/aws/event-ruler.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import Any

from .._aws.errors import UserError
from .branches import MOST_BRANCHES
from .branches import Branch
from .branches import Choices
from .branches import TooMany
from .branches import cases_of
from .branches import choices_of
from .branches import divisible
from .branches import groups_of
from .branches import settled
from .clauses import Clause
from .clauses import Scope
from .clauses import clauses_of
from .clauses import parts_of
from .conditions import EXACT
from .conditions import Condition
from .conditions import Matcher
from .fields import BY_SCHEMA
from .fields import Fields
from .fields import Path
from .notation import MAX_LENGTH
from .notation import SOURCE
from .notation import fits
from .notation import length
from .notation import pattern_of
from .policy import Policy

Pattern = dict[str, Any]

__all__ = ["MAX_LENGTH", "MAX_RULES", "Pattern", "Scope", "action_pattern", "automatic_patterns", "length"]

CUSTOM_ACTION = "Security Hub Findings - Custom Action"

# Of the 300 rules that a bus has room for (100 in some Regions), which it shares with everybody else's.
MAX_RULES = 20

REMEDY = (
    "shorten securityhub_slack_suppressions or the lists of account_ids, or let an automation rule of Security Hub set "
    "such findings to SUPPRESSED, which are never sent"
)


# Ways to divide one policy that are tried before it is refused.
MOST_ATTEMPTS = 3
# Clauses whose values of a field are tried one by one; of more, all are told apart at once.
MOST_WAYS = 10
# The size of a pattern with more alternatives than it is worth counting.
BEYOND = 1_000_000


class _TooLong(Exception):
    """A pattern that no field divides into shorter ones, and its size."""


@dataclass(eq=False)
class _Piece:
    """Findings that one rule is to send, apart from those of every other piece."""

    branch: Branch
    clauses: list[Clause]
    fields: Fields

    @functools.cached_property
    def choices(self) -> Choices | None:
        """Return what such a finding may be; None if there is none. Raises TooMany."""
        return choices_of(self.branch, self.clauses, self.fields)

    @functools.cached_property
    def size(self) -> int:
        """Return how long the pattern would be: 0 if it matches nothing, BEYOND if its alternatives are too many."""
        try:
            return length(pattern_of(self.fields, self.choices)) if self.choices else 0
        except TooMany:
            return BEYOND


def action_pattern(action_arn: str | dict[str, str]) -> Pattern:
    """Return the pattern of the rule that sends what somebody picks with the custom action of this ARN (or Fn::Sub)."""
    return {"source": [SOURCE], "detail-type": [CUSTOM_ACTION], "resources": [action_arn]}


def automatic_patterns(policy: Policy, scope: Scope) -> tuple[Pattern, ...]:
    """Return the patterns that forward by themselves what *policy* sends from *scope*; none if it sends nothing.

    No finding fits two of them, so that none arrives twice. The same policy and scope always give the same patterns.
    Raises UserError where one does not fit EventBridge's quota and cannot be split into at most MAX_RULES that do.
    """
    try:
        texts = _compiled(policy, _comparable(scope))
    except _TooLong as error:
        size = error.args[0]
        needed = f"{size:,} characters" if size < BEYOND else "more alternatives than it takes"
        raise UserError(
            f"the policy of {scope.region} needs an event pattern of {needed}, and EventBridge's quota is "
            f"{MAX_LENGTH:,} characters: {REMEDY}"
        ) from None
    if len(texts) > MAX_RULES:
        raise UserError(
            f"the policy of {scope.region} takes {len(texts)} event rules of at most {MAX_LENGTH:,} characters, and "
            f"{MAX_RULES} are the most for one channel: {REMEDY}"
        )
    return tuple(json.loads(text) for text in texts)


def _comparable(scope: Scope) -> Scope:
    """Return *scope* without what its patterns do not depend on, so that Regions with the same ones share the work."""
    if scope.sends_linked or scope.only_own:
        return scope
    return Scope("", "" if scope.region == scope.owner_region else "another")


@functools.lru_cache(maxsize=512)
def _compiled(policy: Policy, scope: Scope) -> tuple[str, ...]:
    fields = BY_SCHEMA[policy.schema]
    pieces = [piece for part in parts_of(policy, scope) for piece in _fitting(_Piece({}, clauses_of(part), fields))]
    return tuple(json.dumps(pattern) for pattern in _packed(fields, [piece.choices for piece in pieces]))


def _packed(fields: Fields, pieces: list[Choices | None]) -> list[Pattern]:
    """Return few patterns for *pieces*: as many after one another in one as fit."""
    packed: list[Pattern] = []
    gathered: list[Branch] = []
    for choices in pieces:
        if choices is None:
            continue
        more = [*gathered, *choices.multiplied()]
        together = pattern_of(fields, Choices({}, (more,))) if gathered and len(more) <= MOST_BRANCHES else None
        if together is not None and fits(together):
            packed[-1], gathered = together, more
        else:
            packed.append(pattern_of(fields, choices))
            gathered = choices.multiplied()
    return packed


def _fitting(piece: _Piece) -> list[_Piece]:
    """Return *piece*, or disjoint pieces in its place that each fit one pattern."""
    if piece.size <= MAX_LENGTH:
        return [piece]
    attempts = sorted(_divisions(piece), key=_cost)[:MOST_ATTEMPTS]
    found = next((pieces for pieces in map(_all_fitting, attempts) if pieces), None)
    if found is None:
        raise _TooLong(piece.size)
    return found


def _all_fitting(pieces: list[_Piece]) -> list[_Piece] | None:
    try:
        return [fitting for piece in pieces for fitting in _fitting(piece)]
    except _TooLong:
        return None


def _divisions(piece: _Piece) -> list[list[_Piece]]:
    """Return the ways in which *piece* can be told apart by the values of one field.

    Those are values that its clauses name, or the halves of a list of which the field must be one (accounts, Regions).
    """
    rest = settled(piece.branch, piece.clauses)
    if rest is None:
        return []
    branch, clauses = rest
    paths = {path for clause in clauses for path, condition in clause if piece.fields.single(path)}
    by_clauses = [
        [_Piece(case, clauses, piece.fields) for case in cases_of(path, branch, groups, piece.fields)]
        for path in sorted(paths)
        for groups in _ways(path, clauses)
        if divisible(path, clauses, groups)
    ]
    by_halves = [
        [_Piece({**branch, path: half}, clauses, piece.fields) for half in _halves(condition)]
        for path, condition in sorted(branch.items())
        if piece.fields.single(path) and _is_list(condition)
    ]
    return [*by_clauses, *by_halves]


def _is_list(condition: Condition) -> bool:
    several = len(condition.matchers) > 1 and all(matcher.kind == EXACT for matcher in condition.matchers)
    return several and not condition.negated and not condition.absent


def _halves(condition: Condition) -> tuple[Condition, Condition]:
    middle = len(condition.matchers) // 2
    return Condition(condition.matchers[:middle]), Condition(condition.matchers[middle:])


def _ways(path: Path, clauses: list[Clause]) -> list[list[list[Matcher]]]:
    """Return groupings of the values of *path*: each clause's values by themselves, and all values told apart."""
    by_clause = sorted({condition.matchers for clause in clauses for at, condition in clause if at == path})
    apart = groups_of(path, clauses)
    return [apart] if len(by_clause) > MOST_WAYS else [*([list(matchers)] for matchers in by_clause), apart]


def _cost(pieces: list[_Piece]) -> tuple[int, int]:
    """Return how many patterns are likely to come of *pieces*, and how long the longest is now."""
    return sum(-(-piece.size // MAX_LENGTH) for piece in pieces), max(piece.size for piece in pieces)
