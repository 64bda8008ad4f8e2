# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiles a policy into a JSONata expression, with which a state machine selects findings. PRIVATE to the collection.

It says of a finding that GetFindings returns what the event patterns say of its event, except that the workflow status
does not matter. Conditions on the elements of one array must hold for one element, as in event patterns.
"""

from __future__ import annotations

import json
import re

from .clauses import Clause
from .clauses import clauses_of
from .conditions import AT_LEAST
from .conditions import EXACT
from .conditions import PREFIX
from .conditions import SUFFIX
from .conditions import TRUE
from .conditions import WILDCARD
from .conditions import Condition
from .conditions import Matcher
from .fields import Fields
from .fields import Path
from .policy import Policy
from .policy import Scope

# The variable that holds the finding.
FINDING = "$f"
STATUSES = (("Workflow", "Status"), ("status",))
ANYTHING = r"[\s\S]*"


def forwarded(policy: Policy, scope: Scope) -> str:
    """Return the expression that is true for a finding that a channel receives, or received when it was NEW."""
    fields = policy.fields
    by_array: dict[str, list[Clause]] = {}
    for clause in clauses_of(policy, scope):
        if not any(path in STATUSES for path, _condition in clause):
            array = next((path[0] for path, _condition in clause if not fields.is_single(path)), "")
            by_array.setdefault(array, []).append(clause)
    return " and ".join(_all_of(clauses, array, fields) for array, clauses in by_array.items())


def text(value: str | list[str]) -> str:
    """Return a text, or a list of texts, as JSONata. CloudFormation would read ${...} in it as a variable."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("$", "\\u0024")


def _all_of(clauses: list[Clause], array: str, fields: Fields) -> str:
    """Return the test of all clauses, for one element of *array* if they are about one."""
    tests = " and ".join(_clause(clause, array, fields) for clause in clauses)
    if not array:
        return tests
    # As in event patterns, only the elements with the first of the fields that they may lack count, if any has it.
    named = {path for clause in clauses for path, _condition in clause if path[0] == array}
    if array == fields.resource_type[0]:
        named |= {fields.resource_type, fields.resource_id}
    lacking = sorted(
        path
        for path in named
        if fields.is_of_vulnerability(path) or (fields.is_optional(path) and not fields.is_tag(path))
    )
    elements = [
        (_asked(path, clauses, fields), f"{FINDING}.{array}[$exists({_value(path, array, fields)})]")
        for path in lacking
    ]
    # A finding without such an element is one with an element that has no field.
    chosen = "".join(f"{asked}$exists({some})?{some}:" for asked, some in elements or [("", f"{FINDING}.{array}")])
    return f"$exists(({chosen}[{{}}])[{tests}])"


def _asked(path: Path, clauses: list[Clause], fields: Fields) -> str:
    """Return the beginning of a test that only holds in Regions whose policy asks for a field, '' for all Regions."""
    elsewhere = [dict(clause).get(fields.region) for clause in clauses if path in dict(clause)]
    value = ".".join((FINDING, *fields.region))
    tests = [f"$not({_condition(value, condition)})" for condition in elsewhere if condition]
    return f"({' or '.join(tests)}) and " if tests and len(tests) == len(elsewhere) else ""


def _clause(clause: Clause, array: str, fields: Fields) -> str:
    tests = [_condition(_value(path, array, fields), condition) for path, condition in clause]
    return f"({' or '.join(tests)})" if tests else "false"


def _value(path: Path, array: str, fields: Fields) -> str:
    if path[0] != array:
        return ".".join((FINDING, *path))
    if fields.is_tag(path):
        return f"$lookup(Tags,{text(path[-1])})"
    return ".".join(path[1:])


def _condition(value: str, condition: Condition) -> str:
    """Return the test of a value. Without the field, a negated condition holds: it cannot be about a required field."""
    exact = sorted(matcher.text for matcher in condition.matchers if matcher.kind == EXACT)
    tests = [f"{value} in {text(exact)}"] if exact else []
    tests += [_test(value, matcher) for matcher in sorted(condition.open_ended)]
    one = " or ".join(tests) or "false"
    if condition.negated:
        return f"$not({one})"
    return f"$not($exists({value})) or {one}" if condition.absent else one


def _test(value: str, matcher: Matcher) -> str:
    """Return the test of an open-ended matcher, which is false without the field."""
    tests = {
        PREFIX: f'($type({value})="string" and $substring({value},0,{len(matcher.text)})={text(matcher.text)})',
        SUFFIX: f"$substring({value},-{len(matcher.text)})={text(matcher.text)}",
        WILDCARD: f"$contains({value},/{_regex(matcher.text)}/)=true",
        TRUE: f"{value}=true",
        AT_LEAST: f'($type({value})="number" and {value}>={matcher.text})',
    }
    return tests[matcher.kind]


def _regex(wildcard: str) -> str:
    pieces = re.findall(r"\\.|[^\\]", wildcard, re.DOTALL)
    return f"^{''.join(ANYTHING if piece == '*' else _escaped(piece[-1]) for piece in pieces)}$"


def _escaped(char: str) -> str:
    return char if char.isascii() and char.isalnum() else f"\\u{ord(char):04x}" if ord(char) < 0x10000 else char
