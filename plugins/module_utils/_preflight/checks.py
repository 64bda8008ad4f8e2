# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that would keep a deployment from being created or updated, before anything is written.

PRIVATE to the collection. A run that changes nothing asks nothing: only new channels and changed stacks are checked.
All problems are found together, so that a person can fix them together.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING
from typing import Any
from typing import Callable

from .._aws import errors
from .._aws import parallel
from .._model import layout
from .._model import names
from .._model.plan import Blockers
from .._plan import channel as channels
from .._resource.operation import Operation
from .._securityhub import action_target
from .._stack import live
from . import blockers
from . import keys
from . import namesakes
from . import pattern_tests
from . import questions
from . import receivers
from .questions import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Sequence

    from .._aws.clients import Clients
    from .._channel.platforms import Platform
    from .._model.account import Account
    from .._model.plan import AccountDesign
    from .._model.plan import TargetDesign
    from .._model.settings import Channel
    from .._model.settings import Settings
    from .._stack.template import Rule
    from .._stack.template import StackDesign
    from .pattern_tests import Tested


@dataclass(frozen=True)
class _Question:
    """Something to ask AWS, which blocks *hosts*; *ask* returns the answer.

    *about*: reported if AWS does not answer, which blocks nothing unless the answer is *required*.
    """

    hosts: tuple[str, ...]
    about: str
    ask: Callable[[], Answer]
    required: bool = False


def check(aws: Clients, designs: Sequence[AccountDesign]) -> list[Blockers]:
    """Return for each account what blocks its targets. Nothing is raised."""
    asked = [_account(aws, design) for design in designs]
    found = iter(parallel.recovered(lambda question: question.ask(), [*chain.from_iterable(asked)], _unanswered))
    answered = [[(question.hosts, next(found)) for question in of_account] for of_account in asked]
    blocked = [_blockers(answers) for answers in answered]
    live_rules = {hosts[0]: answer.rules for answers in answered for hosts, answer in answers if answer.rules}
    # EventBridge is asked about the rules of the targets that nothing else blocks.
    changed = [
        rule
        for design, found in zip(designs, blocked)
        for target in design.targets
        if not found.problems.get(target.host)
        for rule in _changed_rules(target, live_rules.get(target.host, {}))
    ]
    tested = pattern_tests.test(aws, changed)
    return [
        _with_tests(found, {target.host: tested[target.host] for target in design.targets if target.host in tested})
        for design, found in zip(designs, blocked)
    ]


def _unanswered(question: _Question, error: BaseException) -> Answer:
    if question.required:
        return Answer(tuple(errors.sentences(error)))
    return Answer(notices=(f"not checked: {question.about}; {errors.explain(error)}",))


def _with_tests(blocked: Blockers, tested: Mapping[str, Tested]) -> Blockers:
    problems = {host: pattern_tests.problems(of_target) for host, of_target in tested.items()}
    notices = (*blocked.notices, *pattern_tests.notices(tested))
    return replace(blocked, problems={**blocked.problems, **problems}, notices=notices)


def _changed_rules(target: TargetDesign, live_rules: Mapping[str, Any]) -> list[tuple[TargetDesign, Rule]]:
    """Return the rules that the run would create or change."""
    if target.live.path is not None:  # read to repair drift
        return pattern_tests.rules(target, target.live.path.rules, deployed=False)
    return pattern_tests.rules(target, live_rules, deployed=False) if _changes_stack(target) else []


def _blockers(answered: Sequence[tuple[tuple[str, ...], Answer]]) -> Blockers:
    problems: dict[str, list[str]] = {}
    for hosts, answer in answered:
        for host in hosts:
            problems.setdefault(host, []).extend(answer.problems)
    answers = [answer for _hosts, answer in answered]
    return Blockers(
        problems={host: tuple(dict.fromkeys(sentences)) for host, sentences in problems.items()},
        unless_unchanged=tuple(sentence for answer in answers for sentence in answer.unless_unchanged),
        notices=tuple(dict.fromkeys(notice for answer in answers for notice in answer.notices)),
        authorized=frozenset().union(*(answer.authorized for answer in answers)),
        needs_service_role=any(answer.needs_service_role for answer in answers),
    )


def _account(aws: Clients, design: AccountDesign) -> list[_Question]:
    present = [target for target in design.targets if target.settings.present]
    asked = []
    if present and design.snapshot.is_complete and not layout.is_member(design.snapshot):
        asked += _channels(aws, design, present)
        for target in present:
            asked += _target(aws, target, target.desired.stack) if target.desired else []
    for target in design.targets:
        asked += _namesakes(aws, design.account, target)
    # What is known without a call is reported first.
    return sorted(asked, key=lambda question: bool(question.about))


def _known(hosts: tuple[str, ...], answer: Answer) -> _Question:
    """Return a question whose answer needs no call."""
    return _Question(hosts, "", lambda: answer)


# What an account has once


def _channels(aws: Clients, design: AccountDesign, present: list[TargetDesign]) -> list[_Question]:
    snapshot, settings = design.snapshot, present[0].settings
    identity, hosts = names.identity(settings, design.account), tuple(target.host for target in present)
    needed = _needed_channels(design, present)
    found, problems = channels.look_up(snapshot.configurations, snapshot.identity, needed, identity, settings)
    new = [channel for channel, configuration in found.items() if configuration is None]
    disabled = [
        blockers.disabled(channel.words, configuration.get("StateReason", ""))
        for channel, configuration in found.items()
        if configuration and configuration.get("State") == "DISABLED"
    ]
    asked = [_known(hosts, Answer(tuple(problems), unless_unchanged=tuple(disabled)))]
    asked += _of_new_channels(aws, design, settings, hosts, new) if new else []
    if identity.boundary not in ("", snapshot.identity.boundary):
        ask = partial(questions.of_boundary, aws, settings, identity.boundary)
        asked.append(_Question(hosts, "whether the permissions boundary exists", ask))
    return asked


def _needed_channels(design: AccountDesign, present: list[TargetDesign]) -> list[Channel]:
    """Return the channels that the targets feed, or would feed without the problems they have already."""
    found: list[Channel] = []
    for target in present:
        topics = target.desired.topics if target.desired else ()
        if target.problems and not topics:
            topics = names.topic_arns(target.settings, design.account)
        found += [channel for channel, _arn in topics]
    return list(dict.fromkeys(found))


def _of_new_channels(
    aws: Clients, design: AccountDesign, settings: Settings, hosts: tuple[str, ...], new: list[Channel]
) -> list[_Question]:
    identity = design.snapshot.identity
    by_platform: dict[Platform, list[Channel]] = {}
    for channel in new:
        by_platform.setdefault(channel.platform, []).append(channel)
    # Required: a configuration that AWS refuses in an unauthorized workspace keeps its name forever.
    asked = [
        _Question(
            hosts,
            f"whether the {platform.name} {platform.team} is authorized",
            partial(questions.of_teams, aws, settings, platform, channels),
            required=True,
        )
        for platform, channels in by_platform.items()
    ]
    others: list[tuple[str, Callable[[], Answer]]] = [
        ("the organization's chat applications policy", partial(questions.of_policy, aws, settings, new)),
        (
            f"whether the role {blockers.SERVICE_ROLE} exists or can be created",
            partial(questions.of_service_role, aws, design, settings),
        ),
        (
            "the function of the account in its organization",
            partial(questions.of_organization, aws, design, settings),
        ),
    ]
    if identity.role is None or identity.guardrail is None:
        others.append(("the IAM quotas", partial(questions.of_iam, aws, design, settings)))
    return asked + [_Question(hosts, about, ask) for about, ask in others]


# What a target has


def _namesakes(aws: Clients, account: Account, target: TargetDesign) -> list[_Question]:
    """Return what to ask about a target that has no stack, and should get one or be removed."""
    settings = target.settings
    is_due = target.desired is not None if settings.present else not target.problems
    if settings.stack_set or target.live.stack is not None or not is_due:
        return []
    about = "whether resources of others have the names of the stack"
    return [_Question((target.host,), about, partial(namesakes.ask, aws, settings, account))]


def _target(aws: Clients, target: TargetDesign, stack: StackDesign) -> list[_Question]:
    settings, current, hosts = target.settings, target.live, (target.host,)
    problem = action_target.without_room(current.actions) if current.hub and current.action is None else ""
    asked = [_known(hosts, Answer((problem,)))] if problem else []
    if keys.is_due(target) and not target.problems:
        asked.append(_Question(hosts, "the KMS key", partial(keys.of_key, aws, target), required=True))
    if _changes_stack(target):
        ask = partial(questions.of_rules, aws, settings, stack, alone=current.stack is None)
        asked.append(_Question(hosts, "whether the event bus has room for the rules", ask))
    account = target.account
    if _changes_stack(target) and stack.receivers and account:
        about = "whether queues and event buses accept findings"
        asked.append(_Question(hosts, about, lambda: Answer(tuple(receivers.problems(aws, settings, account, stack)))))
    return asked


def _changes_stack(target: TargetDesign) -> bool:
    """Return whether the run would create or update the stack."""
    design = target.desired.stack if target.desired else None
    operations = set(live.path(design, target.live.stack))
    return not target.settings.stack_set and bool({Operation.CREATE, Operation.UPDATE} & operations)
