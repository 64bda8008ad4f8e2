# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks EventBridge whether it evaluates event patterns as intended. PRIVATE to the collection.

TestEventPattern is free, and needs no rule. Each Region is asked, since AWS does not update all of them at the same
time; accounts that would ask a Region the same ask it once. For that, a custom action has the account of the
documentation.
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
from .._model import names
from .._model.account import Account
from .._routing import witnesses
from .._routing.patterns import comparable
from .._routing.policy import Policy
from .._routing.policy import Scope
from .._routing.policy import left_to_patterns
from .._routing.policy import of_ended
from .._routing.witnesses import Witness
from .._services import events
from .._stack import resources
from . import blockers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Mapping
    from collections.abc import Sequence
    from typing import Any

    from .._aws.clients import Clients
    from .._model.plan import TargetDesign
    from .._model.settings import Settings
    from .._resource.shapes import Json
    from .._stack.template import Rule

# Calls to a Region at the same time: EventBridge's quota is 50 a second
# (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html).
LANES = 4


@dataclass(frozen=True)
class Disagreement:
    """What EventBridge does not evaluate as intended: *cause*, as a clause; *evidence*, to report.

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
    """What to ask one Region about one event pattern. *meaning*: what it is compiled from, to report."""

    region: str
    pattern: str
    meaning: str
    witnesses: tuple[Witness, ...] = field(hash=False, compare=False)


@dataclass(frozen=True)
class _Answer:
    """Whether EventBridge matches the event of a witness, None if it did not answer: *error*."""

    question: _Question
    witness: Witness
    matched: bool | None = None
    error: BaseException | None = None


def rules(target: TargetDesign, live: Mapping[str, Any], *, deployed: bool) -> list[tuple[TargetDesign, Rule]]:
    """Return the rules of *target* to test: those that are *deployed* as they should be, or the others.

    *live*: the rules that exist, by name, as ListRules shapes them.
    """
    settings, account = target.settings, target.account
    if target.desired is None or account is None or target.problems or not settings.value("test_event_patterns"):
        return []
    return [
        (target, rule)
        for rule in target.desired.stack.rules
        if (_live_pattern(live.get(rule.name)) == _pattern(rule, settings.region, account)) is deployed
    ]


def _live_pattern(rule: Mapping[str, Any] | None) -> Any:
    return json.loads((rule or {}).get("EventPattern") or "null")


def _pattern(rule: Rule, region: str, account: Account) -> Any:
    """Return the event pattern of *rule* as CloudFormation passes it on."""
    return resources.located(rule.pattern, resources.Location(account.partition, account.id, region))


def test(aws: Clients, rules: Iterable[tuple[TargetDesign, Rule]]) -> dict[str, Tested]:
    """Return by host what EventBridge answers about *rules*. Nothing is raised."""
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


def problems(tested: Tested) -> tuple[str, ...]:
    """Return what keeps a target from being deployed."""
    return tuple(blockers.of_pattern(item.cause, item.evidence) for item in tested.disagreements)


def notices(tested: Mapping[str, Tested]) -> list[str]:
    """Return what to report if EventBridge did not answer about some rules."""
    about = "whether EventBridge evaluates the event patterns as intended"
    return [f"not checked: {about}; {item.unknown}" for item in tested.values() if item.unknown][:1]


def _question(target: TargetDesign, rule: Rule) -> _Question:
    region = target.settings.region
    if rule.automatic or rule.resolved:
        channel = next(item for item in target.channels if item.topic == rule.topic)
        policy, scope = channel.policy, channel.scope
        if rule.resolved:
            policy, scope = of_ended(policy, scope, target.settings.name)
        policy, scope = left_to_patterns(policy, scope)
        pattern = _text(rule.pattern)
        meaning, events_to_test = _of_policy(pattern, policy, comparable(scope), rule.trusted)
        return _Question(region, pattern, meaning, events_to_test)
    account = Account(witnesses.ACCOUNT, target.account.partition if target.account else "aws")
    pattern, arn = _text(_pattern(rule, region, account)), names.action_arn(target.settings, account)
    return _Question(region, pattern, f"Custom action: {arn}", _of_action(pattern, arn, rule.trusted))


def _text(pattern: Any) -> str:
    return json.dumps(pattern, separators=(",", ":"))


@functools.lru_cache(maxsize=512)
def _of_policy(pattern: str, policy: Policy, scope: Scope, trusted: bool | None) -> tuple[str, tuple[Witness, ...]]:
    meaning = f"Policy: {json.dumps({**_given(policy), **_given(scope)})}"
    return meaning, witnesses.of_policy(json.loads(pattern), policy, scope, trusted)


@functools.lru_cache(maxsize=512)
def _of_action(pattern: str, arn: str, trusted: bool | None) -> tuple[Witness, ...]:
    return witnesses.of_action(json.loads(pattern), arn, trusted)


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


def _given(value: Policy | Scope) -> Json:
    """Return the fields that are not empty, as JSON has them."""
    return asdict(value, dict_factory=lambda fields: {name: given for name, given in fields if given})


def _disagreement(rule: Rule, question: _Question, answers: Sequence[_Answer]) -> Disagreement | None:
    # With spaces, where a line can be broken.
    pattern = f"Event pattern: {json.dumps(json.loads(question.pattern))}"
    for answer in answers:
        if answer.error and errors.code(answer.error) == "InvalidEventPatternException":
            cause = f"EventBridge rejects the event pattern of the rule {rule.name} ({errors.message(answer.error)})"
            return Disagreement(cause, f"{pattern} {question.meaning}", loses=True)
    differing = [item.witness for item in answers if item.error is None and item.matched is not item.witness.must_match]
    if not differing:
        return None
    # The Region was asked in parallel; a lost finding is worse than one too many.
    witness = min(differing, key=question.witnesses.index)
    verdict = "does not match an event that must be sent"
    if not witness.must_match:
        verdict = f"matches an event that must not be sent, because of its field {witness.about}"
    says = "the policy says" if rule.automatic or rule.resolved else "it should"
    cause = f"EventBridge does not evaluate the rule {rule.name} as {says}: it {verdict}"
    event = f"Event: {json.dumps(witness.event)}"
    return Disagreement(cause, f"{pattern} {event} {question.meaning}", loses=witness.must_match)
