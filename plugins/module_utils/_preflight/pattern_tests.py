# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks EventBridge whether it evaluates event patterns as the policy says. PRIVATE to the collection.

TestEventPattern is free, and needs no rule. Each Region is asked, since AWS does not update all of them at the same
time; accounts that would ask a Region the same ask it once.
"""

from __future__ import annotations

import functools
import json
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from functools import partial
from typing import TYPE_CHECKING

from .._aws import errors
from .._aws import parallel
from .._routing import witnesses
from .._routing.patterns import comparable
from .._routing.policy import Policy
from .._routing.policy import Scope
from .._routing.witnesses import Witness
from .._services import events

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Mapping
    from collections.abc import Sequence
    from typing import Any

    from .._aws.clients import Clients
    from .._model.plan import TargetDesign
    from .._model.settings import Settings
    from .._stack.template import Rule

# Calls to a Region at the same time: EventBridge's quota is 50 a second
# (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html).
LANES = 4


@dataclass(frozen=True)
class Disagreement:
    """What EventBridge evaluates differently from the policy: *cause*, as a clause; *evidence*, to report.

    *loses*: findings are lost, not sent against the policy.
    """

    cause: str
    evidence: str
    loses: bool


@dataclass(frozen=True)
class Tested:
    """What EventBridge answered about the rules of one target. *unknown*: why it did not answer; '' if it did."""

    disagreements: tuple[Disagreement, ...] = ()
    unknown: str = ""


@dataclass(frozen=True)
class _Question:
    """What to ask one Region about one event pattern."""

    region: str
    pattern: str
    policy: Policy
    scope: Scope
    witnesses: tuple[Witness, ...] = field(hash=False, compare=False)


@dataclass(frozen=True)
class _Answer:
    """Whether EventBridge matches the event of a witness, None if it did not answer: *error*."""

    question: _Question
    witness: Witness
    matched: bool | None = None
    error: BaseException | None = None


def rules(target: TargetDesign, live: Mapping[str, Any], *, deployed: bool) -> list[tuple[TargetDesign, Rule]]:
    """Return the rules of automatic forwarding to test: those that are *deployed* as they should be, or the others.

    *live*: the rules that exist, by name, as ListRules shapes them.
    """
    if target.desired is None or target.problems or not target.settings.value("test_event_patterns"):
        return []
    automatic = [rule for rule in target.desired.stack.rules if rule.automatic]
    return [(target, rule) for rule in automatic if (_pattern(live.get(rule.name)) == rule.pattern) is deployed]


def _pattern(rule: Mapping[str, Any] | None) -> Any:
    return json.loads((rule or {}).get("EventPattern") or "null")


def test(aws: Clients, rules: Iterable[tuple[TargetDesign, Rule]]) -> dict[str, Tested]:
    """Return by host what EventBridge answers about *rules* of automatic forwarding. Nothing is raised."""
    asked = [(target, rule, _question(target, rule)) for target, rule in rules]
    settings: dict[_Question, Settings] = {}
    for target, _rule, question in asked:
        settings.setdefault(question, target.settings)
    answers = _answers(aws, settings)
    found: dict[str, Tested] = {}
    for target, rule, question in asked:
        known = found.get(target.host, Tested())
        disagreement = _disagreement(rule, question, answers[question])
        found[target.host] = Tested(
            (*known.disagreements, disagreement) if disagreement else known.disagreements,
            known.unknown or ("" if disagreement else _unknown(answers[question])),
        )
    return found


def _question(target: TargetDesign, rule: Rule) -> _Question:
    channel = next(item for item in target.channels if item.topic == rule.topic)
    pattern, scope = json.dumps(rule.pattern, separators=(",", ":")), comparable(channel.scope)
    events_to_test = _witnesses(pattern, channel.policy, scope)
    return _Question(target.settings.region, pattern, channel.policy, scope, events_to_test)


@functools.lru_cache(maxsize=512)
def _witnesses(pattern: str, policy: Policy, scope: Scope) -> tuple[Witness, ...]:
    return witnesses.witnesses(json.loads(pattern), policy, scope)


def _answers(aws: Clients, settings: Mapping[_Question, Settings]) -> dict[_Question, list[_Answer]]:
    """Return the answers to each question, with the *settings* of a target that may ask it.

    The first event is tested alone: where that fails, the others would fail too.
    """
    answers: dict[_Question, list[_Answer]] = {question: [] for question in settings}
    for part in (slice(1), slice(1, None)):
        by_region: dict[str, list[tuple[_Question, Witness]]] = {}
        for question, known in answers.items():
            if not any(answer.error for answer in known):
                calls = by_region.setdefault(question.region, [])
                calls += [(question, witness) for witness in question.witnesses[part]]
        lanes = [calls[lane::LANES] for calls in by_region.values() for lane in range(LANES)]
        for outcome in parallel.each(partial(_ask, aws, settings), filter(None, lanes)):
            for answer in outcome.value or ():
                answers[answer.question].append(answer)
    return answers


def _ask(
    aws: Clients, settings: Mapping[_Question, Settings], calls: Iterable[tuple[_Question, Witness]]
) -> list[_Answer]:
    answers: list[_Answer] = []
    for question, witness in calls:
        source = settings[question].source
        try:
            matched = aws.call(source, question.region, "events", events.matches, question.pattern, witness.event)
        except errors.failures() as error:
            return [*answers, _Answer(question, witness, error=error)]
        answers.append(_Answer(question, witness, matched))
    return answers


def _unknown(answers: Sequence[_Answer]) -> str:
    return next((errors.explain(answer.error) for answer in answers if answer.error), "")


def _given(value: Policy | Scope) -> dict[str, Any]:
    """Return the fields that are not empty, as JSON has them."""
    return asdict(value, dict_factory=lambda fields: {name: given for name, given in fields if given})


def _disagreement(rule: Rule, question: _Question, answers: Sequence[_Answer]) -> Disagreement | None:
    # With spaces, where a line can be broken.
    pattern = f"Event pattern: {json.dumps(json.loads(question.pattern))}"
    policy = f"Policy: {json.dumps({**_given(question.policy), **_given(question.scope)})}"
    for answer in answers:
        must_match = answer.witness.must_match
        if answer.error and errors.code(answer.error) == "InvalidEventPatternException":
            cause = f"EventBridge rejects the event pattern of the rule {rule.name} ({errors.message(answer.error)})"
            return Disagreement(cause, f"{pattern} {policy}", loses=True)
        if answer.error or answer.matched is must_match:
            continue
        verdict = "does not match an event that must be sent"
        if not must_match:
            verdict = f"matches an event that must not be sent, because of its field {answer.witness.about}"
        cause = f"EventBridge does not evaluate the rule {rule.name} as the policy says: it {verdict}"
        return Disagreement(cause, f"{pattern} Event: {json.dumps(answer.witness.event)} {policy}", loses=must_match)
    return None
