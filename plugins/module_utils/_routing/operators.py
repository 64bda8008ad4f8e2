# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operators of event patterns that this collection uses, on one value of an event: pure. PRIVATE to the collection.

EventBridge also has equals-ignore-case and cidr, and compares numbers in other ways than >=.
"""

from __future__ import annotations

import decimal
import functools
import re
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

# The decimals of numbers that EventBridge compares (event-ruler, ComparableNumber).
DECIMALS = 6


def is_missing(wanted: Any) -> bool:
    """Return whether *wanted* is the condition that a field is missing."""
    return isinstance(wanted, dict) and wanted.get("exists") is False


def fits_value(wanted: Any, value: Any) -> bool:
    """Return whether a leaf's *value* matches one item of a pattern's value list."""
    if not isinstance(wanted, dict):
        return _equal(wanted, value)
    ((operator, operand),) = wanted.items()
    return OPERATORS[operator](operand, value)


def operands(wanted: Any) -> Iterator[tuple[str, Any]]:
    """Yield each operator and operand of one item of a pattern's value list, also those that anything-but negates."""
    ((operator, operand),) = wanted.items() if isinstance(wanted, dict) else [("exactly", wanted)]
    for item in [operand[1]] if operator == "numeric" else _as_list(operand):
        if operator == "anything-but":
            yield from operands(item)
        else:
            yield operator, item


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(value: Any) -> decimal.Decimal:
    return decimal.Decimal(str(value))


def _equal(wanted: Any, value: Any) -> bool:
    if _is_number(wanted) and _is_number(value):
        return _number(wanted) == _number(value)
    return type(wanted) is type(value) and bool(wanted == value)


def _wildcard(operand: Any, value: Any) -> bool:
    return isinstance(value, str) and _regex(operand).fullmatch(value) is not None


@functools.lru_cache(maxsize=1024)
def _regex(wildcard: str) -> re.Pattern[str]:
    return re.compile(wildcard_expression(wildcard), re.DOTALL)


def wildcard_expression(wildcard: str) -> str:
    """Return the regular expression for the texts that *wildcard* matches."""
    pieces = re.findall(r"\\.|[^\\]", wildcard, re.DOTALL)
    return "".join(".*" if piece == "*" else re.escape(piece[-1]) for piece in pieces)


def _numeric(operand: Any, value: Any) -> bool:
    return _is_number(value) and round(value, DECIMALS) == value and bool(_number(value) >= _number(operand[1]))


def _anything_but(operand: Any, value: Any) -> bool:
    if not isinstance(operand, dict):
        return not any(_equal(item, value) for item in _as_list(operand))
    ((operator, excluded),) = operand.items()
    return not any(OPERATORS[operator](item, value) for item in _as_list(excluded))


def _as_list(operand: Any) -> list[Any]:
    return operand if isinstance(operand, list) else [operand]


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "exactly": _equal,
    "prefix": lambda operand, value: isinstance(value, str) and value.startswith(operand),
    "suffix": lambda operand, value: isinstance(value, str) and value.endswith(operand),
    "wildcard": _wildcard,
    "exists": lambda operand, _value: operand is True,
    "numeric": _numeric,
    "anything-but": _anything_but,
}
