# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an update of a stack changes, in words: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._aws.few import few_of
from .._plan import recorded
from .._resource.tags import SETTINGS_TAG
from .._stack import live
from .._stack import template

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._services.cloudformation import Stack
    from .._stack.template import StackDesign

SWITCHES = {
    "buttons": "buttons",
    "alarms": "alarms",
    "mark_notified": "marking as NOTIFIED",
    "report_resolved": "reports of resolved findings",
    "topic_policy_conditions": "conditions of topic policies",
}
VALUES = {"findings": "finding format", "messages": "message format", "key": "encryption"}
KEYS = {"create": "own key"}
OTHERS = {
    "boundary": "permissions boundary",
    "linked": "policies of linked regions",
    "deduplicated": "deduplication of global findings",
    recorded.ADDITIONS: "mentions and links",
    recorded.RECEIVERS: "receivers",
    recorded.DIGEST: "scheduled digest",
}
RESPONSIBILITIES = {"global": "global findings", "linked": "findings of linked regions"}


def changes(stack: Stack | None, design: StackDesign, suppressions: Mapping[str, str]) -> list[str]:
    """Return what the update of a live stack to *design* changes; nothing if the stack does not say what it has.

    *suppressions*: the descriptions of the target's, by their hashes in the tag.
    """
    tags = live.tags_of(stack)
    before, after = recorded.entries_of(tags.get(SETTINGS_TAG, "")), recorded.entries_of(design.settings)
    if not before or not after:
        return []
    found = _channels(template.topics_of(tags), design)
    for entry in dict.fromkeys((*after, *before)):
        channel, _colon, name = entry.rpartition(":")
        old, new = (entries.get(entry, recorded.NONE) for entries in (before, after))
        is_in_both = not channel or all(f"{channel}:{recorded.SEVERITY}" in entries for entries in (before, after))
        if old != new and is_in_both:
            found += [f"{channel} {words}".lstrip() for words in _change(name, old, new, suppressions)]
    for name, words in RESPONSIBILITIES.items():
        has, gets = name in live.responsibilities_of(stack), name in design.responsibilities
        if has != gets:
            found.append(f"{words} {'on' if gets else 'off'}")
    return found + (["tags"] if not _same_tags(tags, design) else [])


def _channels(before: tuple[str, ...], design: StackDesign) -> list[str]:
    both = {"added": set(design.topics) - set(before), "removed": set(before) - set(design.topics)}
    return [f"topic {few_of(sorted(topics))} {verb}" for verb, topics in both.items() if topics]


def _change(name: str, before: str, after: str, suppressions: Mapping[str, str]) -> list[str]:
    if name == recorded.ON:
        old, new = (_items(value) for value in (before, after))
        return [
            f"{words} {'on' if item in new else 'off'}"
            for item, words in SWITCHES.items()
            if (item in old) != (item in new)
        ]
    if name in VALUES:
        return [f"{VALUES[name]} {KEYS.get(before, before)} -> {KEYS.get(after, after)}"]
    if name == recorded.SEVERITY:
        return [_severity(before, after)]
    if name == recorded.SUPPRESSIONS:
        return [_suppressions(before, after, suppressions)]
    if name == recorded.ACCOUNTS:
        numbers = ["all" if value == recorded.NONE else value.partition(":")[0] for value in (before, after)]
        return [f"accounts {' -> '.join(numbers)}" if numbers[0] != numbers[1] else "other accounts"]
    if name == recorded.VULNERABILITIES:
        wanted = [value.replace(recorded.AND, ", ").replace("-", " ") for value in (before, after)]
        return [f"vulnerability filters {' -> '.join(wanted)}"]
    return [OTHERS.get(name, name)]


def _severity(before: str, after: str) -> str:
    if before.endswith(recorded.ABOVE) and after.endswith(recorded.ABOVE):
        return f"minimum severity {before[:-1]} -> {after[:-1]}"
    return f"severities {_severities(before)} -> {_severities(after)}"


def _severities(value: str) -> str:
    return value.replace(recorded.ABOVE, " and above").replace(recorded.AND, ", ").replace(recorded.BY_HAND, "none")


def _suppressions(before: str, after: str, descriptions: Mapping[str, str]) -> str:
    old, new = (_items(value) for value in (before, after))
    added = [descriptions[item] for item in new if item not in old and item in descriptions]
    named = f" ({few_of(added)})" if added else ""
    return f"suppressions {len(old)} -> {len(new)}{named}" if len(old) != len(new) else f"other suppressions{named}"


def _items(value: str) -> list[str]:
    return [] if value == recorded.NONE else value.split(recorded.AND)


def _same_tags(tags: Mapping[str, str], design: StackDesign) -> bool:
    ours = template.stack_tags(design)
    theirs = {key: value for key, value in tags.items() if not key.startswith("aws:")}
    return theirs.keys() <= ours.keys() and all(theirs.get(key) == value for key, value in design.tags)
