# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether every version of AWS's event-ruler treats an event pattern alike: pure. PRIVATE to the collection.

Which version EventBridge runs is not public. A pattern that is safe is valid, has no two alternatives of which
event-ruler may drop one (see pieces.clash), and few wildcards in one list.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .matcher import Alternative
from .matcher import alternatives_of
from .matcher import registered
from .validation import validate

# EventBridge rejects patterns whose wildcards are too complex. The time of event-ruler's MachineComplexityEvaluator
# doubles with every wildcard whose asterisks are not all at one end: half a second for 12 asterisks, no end with 20
# (measured with version 2.0.1).
MAX_ASTERISKS = 12


def hazards(pattern: dict[str, Any]) -> list[str]:
    """Return what is not safe about *pattern*, each as a sentence; nothing if it is safe."""
    problems = validate(pattern)
    if problems:
        return problems
    alternatives = alternatives_of(pattern)
    kept = registered(alternatives)
    dropped = [f"EventBridge may ignore the alternative {one}" for one in alternatives if one not in kept]
    return [*dropped, *dict.fromkeys(_wildcard_hazards(alternatives))]


def _wildcard_hazards(alternatives: list[Alternative]) -> Iterator[str]:
    for alternative in alternatives:
        for name, values in alternative.items():
            count = sum(_asterisks(text) for text in _wildcards(values))
            if count > MAX_ASTERISKS:
                yield (
                    f"the resource_ids that apply together contain {count} asterisks within the text, and EventBridge "
                    f"can evaluate about {MAX_ASTERISKS} in one list ({name})"
                )


def _wildcards(values: list[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, dict):
            for operator, operand in value.items():
                if operator == "wildcard":
                    yield from operand if isinstance(operand, list) else [operand]
                elif isinstance(operand, dict):
                    yield from _wildcards([operand])


def _asterisks(wildcard: str) -> int:
    """Return the number of asterisks in *wildcard*, none if there is only one and it is at the beginning or the end."""
    count = wildcard.replace("\\\\", "").replace("\\*", "").count("*")
    return 0 if count == 1 and (wildcard.startswith("*") or wildcard.endswith("*")) else count
