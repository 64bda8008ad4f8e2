# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What --diff shows: before and after as JSON that a person can read, pure. PRIVATE to the collection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from typing import Any

from .._stack import live
from .._stack import template
from .text import few_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._channel.custom_action import CustomAction
    from .._model.outcome import AccountOutcome
    from .._model.outcome import TargetOutcome
    from .._model.plan import ChannelPlan

# Of a line; before it, a diff writes a sign.
WIDTH = 79


def differences(targets: Sequence[TargetOutcome], accounts: Sequence[AccountOutcome]) -> list[dict[str, str]]:
    """Return a difference for each change: targets that change alike are shown once, under their names."""
    alike: dict[tuple[str, str], list[str]] = {}
    for target in targets:
        if target.changed and not target.problems:
            alike.setdefault((notation(_before(target)), notation(_after(target))), []).append(target.host)
    found = [_difference(few_of(hosts), before, after) for (before, after), hosts in alike.items()]
    return found + [item for account in accounts if account.channel for item in _of_channels(account, account.channel)]


def _of_channels(account: AccountOutcome, planned: ChannelPlan) -> list[dict[str, str]]:
    found = []
    for merge in planned.merges:
        if merge.plan.changed:
            name = f"account {account.account.id}, configuration {merge.name}"
            after = merge.plan.after if merge in planned.kept else None
            found.append(_difference(name, notation(merge.plan.before or {}), notation(after or {})))
    return found + _of_buttons(account, planned)


def _of_buttons(account: AccountOutcome, planned: ChannelPlan) -> list[dict[str, str]]:
    before = {action["ActionName"]: action for action in account.plan.snapshot.buttons}
    after = {desired.name: of_button.after for desired, of_button in planned.buttons.desired if of_button.changed}
    leaving = [action["ActionName"] for action in (*planned.buttons.removed, *planned.deleted_buttons.removed)]
    return [
        _difference(f"account {account.account.id}, button {name}", _button(before.get(name)), _button(after.get(name)))
        for name in (*after, *leaving)
    ]


def _button(action: CustomAction | None) -> str:
    if action is None:
        return ""
    channels = [arn.rpartition("/")[2] for arn in action["ChatConfigurationArns"]]
    return notation({"command": action["Definition"]["CommandText"], "channels": channels})


def notation(value: dict[str, Any]) -> str:
    """Return *value* as JSON, in which what fits on a line stands on one; an empty text for an empty one."""
    return "\n".join([*_lines(value, "", ""), ""]) if value else ""


def _lines(value: Any, before: str, after: str) -> list[str]:
    indent = " " * (len(before) - len(before.lstrip()))
    line = before + json.dumps(value, sort_keys=True) + after
    if len(line) <= WIDTH or not value or not isinstance(value, (dict, list)):
        return [line]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return [before + opening, *_items(value, f"{indent}  "), indent + closing + after]


def _items(value: dict[str, Any] | list[Any], indent: str) -> list[str]:
    if isinstance(value, dict):
        named = [(f"{json.dumps(key)}: ", value[key]) for key in sorted(value)]
    elif any(isinstance(item, (dict, list)) for item in value):
        named = [("", item) for item in value]
    else:
        return _filled([json.dumps(item) for item in value], indent)
    found = []
    for number, (name, item) in enumerate(named, start=1):
        found += _lines(item, indent + name, "," if number < len(named) else "")
    return found


def _filled(words: list[str], indent: str) -> list[str]:
    lines = [indent + words[0]]
    for word in words[1:]:
        if len(lines[-1]) + len(word) + len(", ,") <= WIDTH:
            lines[-1] += f", {word}"
        else:
            lines[-1] += ","
            lines.append(indent + word)
    return lines


def _difference(header: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": header, "after_header": header, "before": before, "after": after}


def _before(target: TargetOutcome) -> dict[str, Any]:
    current = target.live
    action = current.action
    shown: dict[str, Any] = {}
    if action:
        shown["custom action"] = {"name": action["Name"], "description": action["Description"]}
    if target.repairs:
        shown["changed by hand"] = [str(drift) for drift in target.repairs]
    if current.stack:
        shown["stack"] = (
            template.outline(current.template) if current.template else {"status": live.status_of(current.stack)}
        )
    return shown


def _after(target: TargetOutcome) -> dict[str, Any]:
    if target.desired is None:
        return {}
    action = target.desired.action
    return {
        "custom action": {"name": action.name, "description": action.description},
        "stack": template.outline(template.template(target.desired.stack)),
    }
