# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy as clauses: each lists conditions on fields, of which one must hold. PRIVATE to the collection.

A suppression is a conjunction (this account, and this control), so its negation is a clause: not this account, or not
this control. A finding is forwarded if all clauses hold.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from collections.abc import Iterator

from . import controls
from .conditions import AT_LEAST
from .conditions import EXACT
from .conditions import NEVER
from .conditions import PREFIX
from .conditions import SUFFIX
from .conditions import WILDCARD
from .conditions import Condition
from .conditions import Matcher
from .conditions import any_of
from .conditions import join
from .conditions import none_of
from .fields import ACCESS_ANALYZER_ARN
from .fields import GUARDDUTY_ARN
from .fields import INSPECTOR_ARN
from .fields import Fields
from .fields import Path
from .policy import ACCESS_ANALYZER
from .policy import CONTROLS
from .policy import GUARDDUTY
from .policy import Policy
from .policy import Scope
from .policy import Suppression

# Fields and their conditions, of which one must hold. A field occurs once.
Clause = tuple[tuple[Path, Condition], ...]


def clauses_of(policy: Policy, scope: Scope) -> tuple[Clause, ...]:
    """Return the clauses of a target's *policy* on the findings of its bus."""
    fields = policy.fields
    if not scope.forwards_linked:
        own: Iterable[Clause] = [((fields.region, any_of([scope.region])),)] if scope.only_own else []
        return (*own, *_clauses(policy, scope.region == scope.global_findings_region))
    policies = {region: linked for region, linked in sorted(scope.linked) if region != scope.region}
    owner = scope.global_findings_region
    by_region = {region: _clauses(other, region == owner) for region, other in {owner: policy, **policies}.items()}
    default = _clauses(policy, False)
    additional = dict.fromkeys(clause for clauses in by_region.values() for clause in clauses if clause not in default)
    found = []
    for clause in default:
        lacking = [region for region, clauses in by_region.items() if clause not in clauses]
        found.append(_with(clause, fields.region, any_of(lacking)) if lacking else clause)
    for clause in additional:
        having = [region for region, clauses in by_region.items() if clause in clauses]
        found.append(_with(clause, fields.region, none_of(having)))
    return tuple(found)


def _with(clause: Clause, path: Path, condition: Condition) -> Clause:
    """Return *clause* or the condition on the field *path*."""
    by_path = dict(clause)
    return tuple({**by_path, path: join(by_path.get(path, NEVER), condition)}.items())


@functools.lru_cache(maxsize=512)
def _clauses(policy: Policy, in_global_findings_region: bool) -> tuple[Clause, ...]:
    """Return the clauses of *policy* for findings of one Region."""
    return tuple(dict.fromkeys(_each_clause(policy, policy.fields, in_global_findings_region)))


def _each_clause(policy: Policy, fields: Fields, in_global_findings_region: bool) -> Iterator[Clause]:
    """Yield the clauses of *policy* for findings of one Region; an empty clause never holds."""
    yield from fields.states
    labels = any_of((text for label in policy.severities for text in fields.labels[label]), fields.labels_are)
    yield ((fields.severity, labels),) if policy.severities else ()
    if policy.account_ids:
        yield ((fields.account, any_of(policy.account_ids)),)
    if policy.other_channels_account_ids:
        yield ((fields.account, none_of(policy.other_channels_account_ids)),)
    for suppression in policy.suppressions:
        yield _not_suppressed(suppression, fields)
    for path, condition in _of_vulnerabilities(policy, fields):
        yield ((fields.product, _none_of(fields, fields.product, [Matcher(SUFFIX, INSPECTOR_ARN)])), (path, condition))
    if not in_global_findings_region:
        yield from _not_global(policy, fields)


def _of_vulnerabilities(policy: Policy, fields: Fields) -> Iterator[tuple[Path, Condition]]:
    """Yield what a vulnerability must not deny."""
    if policy.minimum_epss:
        at_least = Condition(frozenset((Matcher(AT_LEAST, f"{policy.minimum_epss:g}"),)), absent=True)
        # OCSF has the score as text.
        below = Condition(frozenset(_below(policy.minimum_epss)), negated=True, absent=True)
        yield fields.epss_score, below if fields.is_ocsf else at_least
    if policy.exploit_available:
        yield fields.exploit_available
    if policy.fix_available:
        yield fields.fix_available


def _below(minimum: float) -> Iterator[Matcher]:
    """Yield how texts of decimals between 0 and *minimum*, which has two digits at most, begin."""
    tenths, hundredths = divmod(round(100 * minimum), 10)
    yield from (Matcher(PREFIX, f"0.{digit}") for digit in range(tenths))
    yield from (Matcher(PREFIX, f"0.{tenths}{digit}") for digit in range(hundredths))
    if hundredths:
        yield Matcher(EXACT, f"0.{tenths}")


def _not_global(policy: Policy, fields: Fields) -> Iterator[Clause]:
    if CONTROLS in policy.deduplicate_global:
        yield ((fields.control, none_of(controls.REPEATING, absent=True)),)
    if GUARDDUTY in policy.deduplicate_global:
        yield (
            (fields.product, _none_of(fields, fields.product, [Matcher(SUFFIX, GUARDDUTY_ARN)])),
            (fields.called_service, none_of(controls.GLOBAL_SERVICES, absent=True)),
        )
    if ACCESS_ANALYZER in policy.deduplicate_global:
        types = [Matcher(EXACT, text) for text in fields.global_resource_types]
        yield (
            (fields.product, _none_of(fields, fields.product, [Matcher(SUFFIX, ACCESS_ANALYZER_ARN)])),
            (fields.resource_type, _none_of(fields, fields.resource_type, types)),
        )


def _not_suppressed(suppression: Suppression, fields: Fields) -> Clause:
    criteria: list[tuple[Path, list[Matcher]]] = [
        (fields.control, _exactly(suppression.control_ids)),
        (fields.account, _exactly(suppression.account_ids)),
        (fields.region, _exactly(suppression.regions)),
        (fields.product, [_product(text) for text in suppression.product_arns]),
        (fields.resource_type, _exactly(suppression.resource_types)),
        (fields.resource_id, [_resource(text) for text in suppression.resource_ids]),
        (fields.title, [Matcher(PREFIX, text) for text in suppression.title_prefixes]),
    ]
    criteria += [((*(fields.resource_tags or ()), key), _exactly(texts)) for key, texts in suppression.resource_tags]
    return tuple((path, _none_of(fields, path, matchers)) for path, matchers in criteria if matchers)


def _none_of(fields: Fields, path: Path, matchers: Iterable[Matcher]) -> Condition:
    """Return the condition that the field is none of *matchers*, or missing if a finding may lack it."""
    return Condition(frozenset(matchers), True, fields.is_optional(path))


def _exactly(texts: Iterable[str]) -> list[Matcher]:
    return [Matcher(EXACT, text) for text in texts]


def _product(text: str) -> Matcher:
    """Return the matcher of a whole product ARN, or of the end of every ARN of a product."""
    return Matcher(EXACT, text) if text.startswith("arn:") else Matcher(SUFFIX, "/" + "/".join(text.split("/")[-2:]))


def _resource(text: str) -> Matcher:
    if "*" not in text:
        return Matcher(EXACT, text)
    if text.endswith("*") and "*" not in text[:-1]:
        return Matcher(PREFIX, text[:-1])
    return Matcher(WILDCARD, text.replace("\\", "\\\\"))
