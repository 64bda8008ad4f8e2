# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which findings event patterns and policies cannot tell apart: pure. PRIVATE to the collection.

Of a million findings, a few thousand differ in what is asked about them: their accounts, controls and resources have
other names, but no suppression names them. So each finding is read once, along the paths that are asked about, and of
a text only the answers count. What patterns and policies say is left to matcher.py and reference.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Hashable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from functools import partial
from operator import methodcaller
from typing import Any

from . import controls
from .fields import BY_FORMAT
from .fields import Fields
from .fields import Path
from .notation import Pattern
from .notation import conditions_in
from .operators import fits_value
from .operators import operands
from .operators import wildcard_expression
from .policy import Policy
from .reference import expression
from .reference import is_like
from .reference import is_product

Reader = Callable[[Any], Hashable]

FINDING = "detail.findings."
LIST = "[]"  # no other sequence begins with it
PRODUCTS = ("product/aws/guardduty", "product/aws/access-analyzer", "product/aws/inspector")  # in reference.py
MOST = ""  # the answers about most texts
MOST_TEXTS = 5_000


@dataclass
class _Questions:
    """What is asked about the text of a field: whether it is one of *named*, and *others*, by what identifies them.

    expressions: match each text about which the answers to the others are not those about most texts. is_shown: reasons
    have the text itself.
    """

    named: set[str] = field(default_factory=lambda: {""})
    others: dict[str, Callable[[str], bool]] = field(default_factory=dict)
    expressions: set[str] = field(default_factory=set)
    is_shown: bool = False


def reader(patterns: Iterable[Pattern], policies: Iterable[Policy], accounts: Iterable[str]) -> Reader:
    """Return a function that returns the same for findings that *patterns* and *policies* cannot tell apart.

    *accounts*: further accounts that must be told apart. Patterns ask about nothing else of an event that differs
    between the findings of one format.
    """
    asked: dict[str, _Questions] = {}
    for pattern in patterns:
        for name, values in conditions_in(pattern):
            if name.startswith(FINDING):
                _add_values(asked.setdefault(name.removeprefix(FINDING), _Questions()), values)
    distinct, accounts = tuple(dict.fromkeys(policies)), tuple(accounts)
    for fields in BY_FORMAT.values():
        for path, questions in _of_policies(fields, distinct, accounts):
            known = asked.setdefault(".".join(path), _Questions())
            known.named |= questions.named
            known.others |= questions.others
            known.expressions |= questions.expressions
            known.is_shown |= questions.is_shown
    return _reader({tuple(name.split(".")): _answers(questions) for name, questions in asked.items()})


def _add_values(questions: _Questions, values: list[Any]) -> None:
    for value in values:
        excluded = value.get("anything-but") if isinstance(value, dict) else value
        named = excluded if isinstance(excluded, list) else [excluded]
        texts = [text for text in named if isinstance(text, str)]
        if len(texts) == len(named):
            questions.named.update(texts)
        else:
            questions.others[f"fits {value}"] = partial(fits_value, value)
            questions.expressions.update(_expressions(value))


def _expressions(value: Any) -> Iterator[str]:
    """Yield regular expressions for the texts about which a condition does not say what it says about most texts."""
    for operator, operand in operands(value):
        if operator == "prefix":
            yield f"{re.escape(operand)}.*"
        elif operator == "suffix":
            yield f".*{re.escape(operand)}"
        elif operator == "wildcard":
            yield wildcard_expression(operand)


def _of_policies(
    fields: Fields, policies: tuple[Policy, ...], accounts: tuple[str, ...]
) -> Iterator[tuple[Path, _Questions]]:
    """Yield what reference.py, the simulation and the volume ask about a field."""
    items = tuple(dict.fromkeys(item for policy in policies for item in policy.suppressions))
    states = (path for clause in fields.states for path, _condition in clause)
    for path in (*states, fields.severity, fields.region):
        yield path, _Questions(is_shown=True)
    named = {*accounts, *(account for policy in policies for account in policy.other_channels_account_ids)}
    named.update(account for item in items for account in item.account_ids)
    yield fields.account, _Questions({"", *named}, is_shown=any(policy.account_ids for policy in policies))
    yield fields.control, _named(controls.REPEATING, *(item.control_ids for item in items))
    yield fields.called_service, _named(controls.GLOBAL_SERVICES)
    yield fields.resource_type, _named(fields.global_resource_types, *(item.resource_types for item in items))
    beginnings = {text for item in items for text in item.title_prefixes}
    yield (
        fields.title,
        _Questions(
            others={f"begins {text}": methodcaller("startswith", text) for text in beginnings},
            expressions={f"{re.escape(text)}.*" for text in beginnings},
        ),
    )
    products = {*PRODUCTS, *(text for item in items for text in item.product_arns)}
    yield (
        fields.product,
        _Questions(
            others={f"is {text}": partial(is_product, value=text) for text in products},
            # Of any product with this name, or with this ARN.
            expressions={f".*{re.escape(text.rpartition('/')[2])}" for text in products},
        ),
    )
    resources = {text for item in items for text in item.resource_ids}
    yield (
        fields.resource_id,
        _Questions(
            others={f"like {text}": partial(is_like, value=text) for text in resources},
            expressions=set(map(expression, resources)),
        ),
    )
    if fields.resource_tags:
        for key, texts in (tag for item in items for tag in item.resource_tags):
            yield (*fields.resource_tags, key), _named(texts)
    if any(policy.fix_available or policy.exploit_available or policy.minimum_epss for policy in policies):
        for path in (fields.epss_score, fields.exploit_available[0], fields.fix_available[0]):
            yield path, _Questions(is_shown=True)


def _named(*texts: Iterable[str]) -> _Questions:
    return _Questions({"", *(text for some in texts for text in some)})


class _Answers(dict[str, Hashable]):
    """What identifies the answers to questions about a text, by the text."""

    def __init__(self, questions: _Questions) -> None:
        self.named, self.others = frozenset(questions.named), tuple(questions.others.values())
        self.is_answered = re.compile("|".join(questions.expressions) or "(?!)", re.DOTALL).fullmatch

    def __missing__(self, text: str) -> Hashable:
        if text not in self.named and not self.is_answered(text):
            return MOST
        bits = "".join(["1" if question(text) else "0" for question in self.others])
        found = f"={text}{bits}" if text in self.named else f"~{bits}"
        if len(self) >= MOST_TEXTS:
            self.clear()
        self[text] = found
        return found


def _answers(questions: _Questions) -> Callable[[str], Hashable]:
    """Return a function that returns for a text what identifies the answers to *questions*."""
    if questions.is_shown:
        return str
    if len(questions.named) == 1 and not questions.others:
        return bool
    return _Answers(questions).__getitem__


def _reader(fields: Mapping[Path, Callable[[str], Hashable]]) -> Reader:
    """Return a function that reads *fields* below a value, in each element of a list.

    A name with dots may be one key or several, for a pattern: {"a.b": 1} and {"a": {"b": 1}} have the same leaf.
    """
    of_text = fields.get((), str)
    children: dict[str, dict[Path, Callable[[str], Hashable]]] = {}
    for path, answers in fields.items():
        for number in range(1, len(path) + 1):
            children.setdefault(".".join(path[:number]), {})[path[number:]] = answers
    every = tuple((key, _reader(below)) for key, below in children.items())
    usual = tuple((key, below) for key, below in every if "." not in key)
    rare = frozenset(children) - {key for key, _below in usual}

    def read(value: Any) -> Hashable:
        if value.__class__ is str:
            return of_text(value)
        if value.__class__ is dict:
            readers = usual if rare.isdisjoint(value) else every
            return tuple([below(value[key]) if key in value else None for key, below in readers])
        if value.__class__ is list:
            return (LIST, *[read(element) for element in value])
        return value.__class__, value  # as True == 1 == 1.0

    return read
