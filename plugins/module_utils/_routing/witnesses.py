# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events that show whether EventBridge evaluates an event pattern as intended: pure. PRIVATE to the collection.

What must match is decided by the documentation (reference.py); a pattern only names the values that matter.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from .fields import ASFF
from .fields import OCSF
from .fields import Fields
from .fields import Path
from .matcher import Event
from .matcher import alternatives_of
from .matcher import fits
from .matcher import leaves_of
from .notation import SOURCE
from .notation import Pattern
from .operators import fits_value
from .operators import is_missing
from .operators import operands
from .patterns import CUSTOM_ACTION
from .policy import Policy
from .policy import Scope
from .reference import Finding
from .reference import shows_texts
from .reference import why_not_forwarded
from .simulation import event_of

# Path -> value list of a pattern; path -> text, None for a missing field.
Conditions = Mapping[Path, list[Any]]
Texts = Mapping[Path, Any]

# The account of the documentation.
ACCOUNT = "123456789012"
# Of findings that all Regions treat alike.
REGION = "us-east-1"
TIME = "2026-01-01T00:00:00Z"
FINDING = ("detail", "findings")
# TestEventPattern takes one event a call. The patterns that the tests draw have at most 18 alternatives, and need 39.
MAX_ALTERNATIVES = 64
MAX_WITNESSES = 100
# No value that a policy names, beside those that it does.
OTHERS = ("other", "~", "0")
# What other events on the bus have in the fields outside of a finding.
OF_OTHER_EVENTS: dict[Path, tuple[str, ...]] = {
    ("source",): ("aws.guardduty",),
    ("detail-type",): (ASFF.detail_type, OCSF.detail_type, CUSTOM_ACTION),
}


@dataclass(frozen=True)
class Witness:
    """An event, and whether a pattern must match it. about: the field by which a near miss differs from a match."""

    event: Event = field(hash=False)
    must_match: bool
    about: str = ""


def of_policy(pattern: Pattern, policy: Policy, scope: Scope, trusted: bool | None = None) -> tuple[Witness, ...]:
    """Return the witnesses of a *pattern* that automatic_patterns() compiled from the other arguments."""
    fields = policy.fields
    finding = _finding(fields, scope.region or REGION)

    def is_meant(event: Event) -> bool:
        (found,) = event["detail"]["findings"]
        is_imported = (event["source"], event["detail-type"]) == (SOURCE, fields.detail_type)
        return (
            is_imported
            and why_not_forwarded(policy, scope, found) == ""
            and trusted in (None, shows_texts(policy, scope, found))
        )

    return _witnesses(pattern, {**event_of(finding, ACCOUNT, scope.region or REGION), "time": TIME}, fields, is_meant)


def of_action(pattern: Pattern, action_arn: str, trusted: bool | None = None) -> tuple[Witness, ...]:
    """Return the witnesses of a *pattern* that action_pattern() compiled from the other arguments."""
    region = action_arn.split(":")[3]
    finding = _finding(ASFF, region)
    sent = {"detail-type": CUSTOM_ACTION, "resources": [action_arn], "time": TIME}

    def is_meant(event: Event) -> bool:
        (found,) = event["detail"]["findings"]
        is_sent = (event["source"], event["detail-type"], event["resources"]) == (SOURCE, CUSTOM_ACTION, [action_arn])
        return is_sent and trusted in (None, shows_texts(Policy(()), Scope("", ""), found))

    return _witnesses(pattern, {**event_of(finding, ACCOUNT, region), **sent}, ASFF, is_meant)


def _witnesses(
    pattern: Pattern, event: Event, fields: Fields, is_meant: Callable[[Event], bool]
) -> tuple[Witness, ...]:
    """Return events that *pattern* must match, and near misses that it must not.

    For each alternative (one entry of each of its $or lists) there is one event, if possible one that no other
    alternative matches; beyond MAX_ALTERNATIVES only each entry has one. For each condition of an alternative there is
    one near miss, an event that the alternative would match with another text in this field, if the policy has one that
    no rule must match.
    """
    common, lists = _lists_of(pattern, fields)
    event = _changed(event, _texts(event, {}, common, []))
    chosen = [
        [_texts(event, common, entry, [other for other in entries if other is not entry]) for entry in entries]
        for entries in lists
    ]
    found: dict[str, Witness] = {}
    near_misses: dict[str, Witness] = {}
    conditions_done: set[str] = set()
    named = _named_by_field([common, *(entry for entries in lists for entry in entries)])
    for numbers in _combinations([len(entries) for entries in lists]):
        alternative: dict[Path, list[Any]] = dict(common)
        match = event
        for number, entries, texts in zip(numbers, lists, chosen):
            alternative.update(entries[number])
            match = _changed(match, texts[number])
        found.setdefault(json.dumps(match), Witness(match, is_meant(match)))
        new = {path: values for path, values in alternative.items() if f"{path} {values}" not in conditions_done}
        conditions_done |= {f"{path} {values}" for path, values in new.items()}
        for path, miss in _near_misses(match, new, alternative, named, is_meant):
            near_misses.setdefault(json.dumps(miss), Witness(miss, False, ".".join(_within_finding(path))))
    # A lost finding is worse than one too many.
    return (*found.values(), *near_misses.values())[:MAX_WITNESSES]


def _combinations(lengths: list[int]) -> Iterable[tuple[int, ...]]:
    """Return which entry of each list to combine, at most MAX_ALTERNATIVES times: first so that each occurs once."""
    each = (tuple(step % length for length in lengths) for step in range(max(lengths, default=1)))
    every = itertools.product(*map(range, lengths))
    return itertools.islice(dict.fromkeys(itertools.chain(each, every)), MAX_ALTERNATIVES)


def _lists_of(pattern: Pattern, fields: Fields) -> tuple[Conditions, list[list[Conditions]]]:
    """Return the conditions of *pattern* outside of its $or lists, and the entries of each list."""
    lists: list[list[Conditions]] = []

    def descend(node: Pattern, prefix: str) -> Iterator[tuple[Path, list[Any]]]:
        for key, value in node.items():
            if key == "$or":
                entries = (entry for member in value for entry in alternatives_of(member, prefix))
                lists.append([{_path(name, fields): values for name, values in entry.items()} for entry in entries])
            elif isinstance(value, dict):
                yield from descend(value, f"{prefix}{key}.")
            else:
                yield _path(prefix + key, fields), value

    return dict(descend(pattern, "")), lists


def _finding(fields: Fields, region: str) -> Finding:
    """Return a finding that the conditions of a pattern complete."""
    lists = ("resources", "evidences", "vulnerabilities") if fields.is_ocsf else ("Resources", "Vulnerabilities")
    finding: Finding = {name: [{}] for name in lists}
    named = (*fields.always_present, fields.product, fields.title, fields.resource_id, fields.resource_type)
    texts = dict.fromkeys(named, "example")
    return _changed(finding, {**texts, fields.account: ACCOUNT, fields.region: region})


def _path(name: str, fields: Fields) -> Path:
    """Return the path of a field from its dotted *name*; a tag's key may have dots."""
    path = tuple(name.split("."))
    tags = (*FINDING, *(fields.resource_tags or ("",)))
    return (*tags, ".".join(path[len(tags) :])) if path[: len(tags)] == tags else path


def _within_finding(path: Path) -> Path:
    return path[len(FINDING) :] if path[: len(FINDING)] == FINDING else path


def _texts(event: Event, common: Conditions, entry: Conditions, others: list[Conditions]) -> Texts:
    """Return texts with which *event*, which meets *common*, meets *entry* too, and as few of the *others* as possible.

    If no single change is enough, changes are made as long as each reduces how many of the *others* are met.
    """
    options: list[Texts] = [{path: text} for path, values in entry.items() for text in _accepted(values)]
    options += [{path: text} for other in others for path, values in other.items() for text in _rejected(values)]

    def met_others(texts: Texts) -> int:
        return sum(_is_met(other, _changed(event, texts)) for other in others)

    def changes(texts: Texts) -> Iterator[Texts]:
        every: Iterator[Texts] = ({**texts, **option} for option in options)
        yield from (one for one in every if all(_is_met(meant, _changed(event, one)) for meant in (entry, common)))

    texts: Texts = {path: next(_accepted(values, _at(event, path))) for path, values in entry.items()}
    met = met_others(texts)
    if met:
        texts = next((one for one in changes(texts) if met_others(one) == 0), texts)
        met = met_others(texts)
    while met:
        fewer = next((one for one in changes(texts) if met_others(one) < met), None)
        if fewer is None:
            break
        texts, met = fewer, met_others(fewer)
    return texts


def _near_misses(
    match: Event,
    conditions: Conditions,
    alternative: Conditions,
    named: Mapping[Path, list[str]],
    is_meant: Callable[[Event], bool],
) -> Iterator[tuple[Path, Event]]:
    """Yield for each of *conditions* an event that does not meet it, and that no rule must match, if there is one.

    It is *match* with another text in this field, or another match of *alternative* that differs in one more field.
    """
    found: dict[Path, Event] = {}
    for bases in ([match], _other_matches(match, alternative, named, is_meant)):
        missing = conditions.keys() - found.keys()
        if not missing:
            break
        bases = list(bases)
        for path in missing:
            changed = (_changed(base, {path: text}) for base in bases for text in _rejected_at(path, conditions[path]))
            miss = next((one for one in changed if not is_meant(one)), None)
            if miss is not None:
                found[path] = miss
    yield from ((path, found[path]) for path in conditions if path in found)


def _other_matches(
    match: Event, alternative: Conditions, named: Mapping[Path, list[str]], is_meant: Callable[[Event], bool]
) -> Iterator[Event]:
    for path, texts in named.items():
        for text in texts:
            changed = _changed(match, {path: text})
            if _is_met(alternative, changed) and is_meant(changed):
                yield changed


def _is_met(conditions: Conditions, event: Event) -> bool:
    return fits({".".join(path): values for path, values in conditions.items()}, leaves_of(event))


def _accepted(values: list[Any], present: str | None = None) -> Iterator[Any]:
    """Yield values that one of *values* accepts, *present* first if it does; None if the field may be missing."""
    options = (*([] if present is None else [present]), *_named(values), *OTHERS)
    yield from (text for text in options if any(fits_value(value, text) for value in values))
    if any(map(is_missing, values)):
        yield None


def _rejected(values: list[Any]) -> Iterator[Any]:
    """Yield values that none of *values* accepts, near ones first, and None for a missing field if it must not be."""
    named = list(_named(values))
    for text in (*named, *(near for value in named for near in _near(value))):
        if not any(fits_value(value, text) for value in values):
            yield text
    if not any(map(is_missing, values)):
        yield None


def _rejected_at(path: Path, values: list[Any]) -> Iterator[Any]:
    """Yield values for the field at *path* that none of *values* accepts."""
    if path[: len(FINDING)] == FINDING:
        yield from _rejected(values)
    else:  # fields of every event
        texts = (*OF_OTHER_EVENTS.get(path, ()), *_rejected(values))
        yield from (text for text in texts if text not in (None, *values))


def _named_by_field(conditions: Iterable[Conditions]) -> Mapping[Path, list[str]]:
    """Return the texts that *conditions* name, by field."""
    found: dict[Path, dict[str, None]] = {}
    for one in conditions:
        for path, values in one.items():
            found.setdefault(path, {}).update(dict.fromkeys(_named(values)))
    return {path: list(texts) for path, texts in found.items()}


def _near(value: Any) -> tuple[Any, ...]:
    if isinstance(value, bool):
        return (not value,)
    return (value / 2,) if isinstance(value, float) else (f"{value}-x", f"x-{value}")


def _named(values: list[Any]) -> Iterator[Any]:
    """Yield a value for each value, prefix, suffix, wildcard and least number in *values*, negated or not."""
    for operator, operand in (pair for value in values for pair in operands(value)):
        if operator == "wildcard":
            yield _unescaped(operand)
        elif operator == "numeric" or (operator != "exists" and isinstance(operand, (str, bool))):
            yield operand


def _unescaped(wildcard: str) -> str:
    """Return a text that *wildcard* matches."""
    pieces = wildcard.replace("\\\\", "\0").replace("\\*", "\1").replace("*", "x")
    return pieces.replace("\1", "*").replace("\0", "\\")


def _at(event: Event, path: Path) -> str | None:
    node: Any = event
    for key in path:
        if not isinstance(node, dict) or key not in node:
            return None
        node = node[key][0] if isinstance(node[key], list) else node[key]
    return str(node)


def _changed(node: Event, texts: Texts) -> Event:
    """Return *node* with *texts* at their paths, in the first element of an array; without the fields of None."""
    for path, text in texts.items():
        node = _with(node, path, text)
    return node


def _with(node: Event, path: Path, text: Any) -> Event:
    key, rest = path[0], path[1:]
    inner = node.get(key, {})
    if not rest and text is None:
        return {name: value for name, value in node.items() if name != key}
    if not rest:
        return {**node, key: [text] if isinstance(inner, list) else text}
    if isinstance(inner, list):
        return {**node, key: [_with(inner[0], rest, text), *inner[1:]]}
    return {**node, key: _with(inner, rest, text)}
