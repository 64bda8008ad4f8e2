# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What --diff shows: the values that differ, before and after, as JSON with their paths. Pure. PRIVATE."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from typing import Any
from typing import TypedDict

from .._aws.few import few_of
from .._resource.operation import Operation
from .._securityhub import automation_rule
from .._stack import live
from .._stack import template

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Iterator
    from collections.abc import Mapping
    from collections.abc import Sequence

    from .._channel.custom_action import CustomAction
    from .._model.outcome import AccountOutcome
    from .._model.outcome import TargetOutcome
    from .._model.plan import ChannelPlan
    from .._resource.shapes import Json


class Difference(TypedDict):
    """What something, by its *name*, has and then should have, as JSON."""

    name: str
    before: Any
    after: Any


def differences(targets: Sequence[TargetOutcome], accounts: Sequence[AccountOutcome]) -> list[Difference]:
    """Return a difference for each change: targets that change alike are shown once, under their names."""
    changing = [target for target in targets if target.changed and not target.problems]
    found = alike((target.host, _before(target), _after(target)) for target in changing)
    return found + [item for account in accounts if account.channel for item in _of_channels(account, account.channel)]


def alike(changes: Iterable[tuple[str, Any, Any]], prefix: str = "") -> list[Difference]:
    """Return a difference for each name, value before and value after; names with equal values share one."""
    found: dict[str, tuple[list[str], Any, Any]] = {}
    for name, before, after in changes:
        found.setdefault(json.dumps([before, after], sort_keys=True), ([], before, after))[0].append(name)
    return [
        Difference(name=f"{prefix}{few_of(names)}", before=before, after=after)
        for names, before, after in found.values()
    ]


def lines(found: Sequence[Difference]) -> list[str]:
    """Return the differences for people: under each name the values that only one side has, with their paths."""
    shown = []
    for item in found:
        shown += ["", f"{item['name']}:", *(f"  {line}" for line in _changes(item["before"], item["after"], ""))]
    return shown


def _changes(before: Any, after: Any, path: str) -> Iterator[str]:
    """Yield a line for each value that differs."""
    if all(value is None or isinstance(value, dict) for value in (before, after)):
        old, new = before or {}, after or {}
        for key in sorted({*old, *new}):
            yield from _changes(old.get(key), new.get(key), f"{path} > {key}" if path else key)
    elif isinstance(before, list) and isinstance(after, list):
        removed = [item for item in before if item not in after]
        added = [item for item in after if item not in before]
        # A condition that names many values is one item of a list.
        if len(removed) == len(added) == 1 and _have_the_same_keys(removed[0], added[0]):
            yield from _changes(removed[0], added[0], path)
        else:
            yield from (_line(sign, path, item) for sign, items in (("-", removed), ("+", added)) for item in items)
    elif before != after:
        yield from (_line(sign, path, value) for sign, value in (("-", before), ("+", after)) if value is not None)


def _have_the_same_keys(one: Any, other: Any) -> bool:
    return isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys()


def _line(sign: str, path: str, value: Any) -> str:
    return f"{sign} {path}: {value if isinstance(value, str) else json.dumps(value, sort_keys=True)}"


def _of_channels(account: AccountOutcome, planned: ChannelPlan) -> list[Difference]:
    found = []
    for merge in planned.merges:
        if merge.plan.changed:
            name = f"account {account.account.id}, configuration {merge.name}"
            after = merge.plan.after if merge in planned.kept else None
            found.append(Difference(name=name, before=merge.plan.before or {}, after=after or {}))
    return found + _of_buttons(account, planned)


def _of_buttons(account: AccountOutcome, planned: ChannelPlan) -> list[Difference]:
    before = {action["ActionName"]: action for action in account.plan.snapshot.buttons}
    after = {desired.name: of_button.after for desired, of_button in planned.buttons.desired if of_button.changed}
    leaving = [action["ActionName"] for action in (*planned.buttons.removed, *planned.deleted_buttons.removed)]
    return [
        Difference(
            name=f"account {account.account.id}, button {name}",
            before=_button(before.get(name)),
            after=_button(after.get(name)),
        )
        for name in (*after, *leaving)
    ]


def _button(action: CustomAction | None) -> Json:
    if action is None:
        return {}
    channels = [arn.rpartition("/")[2] for arn in action["ChatConfigurationArns"]]
    return {"command": action["Definition"]["CommandText"], "channels": channels}


def _before(target: TargetOutcome) -> Json:
    current = target.live
    shown: Json = {}
    if current.action and target.action != Operation.NONE:
        shown["custom action"] = {"name": current.action["Name"], "description": current.action["Description"]}
    changing = {*target.rules.removed, *(arn for arn, _rule in target.rules.updated)}
    if changing:
        rules = [rule for rule in current.rules or () if rule["RuleArn"] in changing]
        shown["automation rules"] = {rule["RuleName"]: _rule(rule) for rule in rules}
    if target.repairs:
        shown["changed by hand"] = [str(drift) for drift in target.repairs]
    if current.stack and _is_written(target):
        shown["stack"] = (
            template.outline(current.template) if current.template else {"status": live.status_of(current.stack)}
        )
    return shown


def _after(target: TargetOutcome) -> Json:
    shown: Json = {}
    if target.desired and target.action != Operation.NONE:
        action = target.desired.action
        shown["custom action"] = {"name": action.name, "description": action.description}
    rules = [*target.rules.created, *(rule for _arn, rule in target.rules.updated)]
    if rules:
        shown["automation rules"] = {rule.name: _rule(rule.members) for rule in rules}
    if target.desired and _is_written(target):
        shown["stack"] = template.outline(template.template(target.desired.stack))
    return shown


def _rule(members: Mapping[str, Any]) -> Json:
    """Return what a person has to know of an automation rule, whatever the order of its values."""
    names = ("Description", "RuleOrder", "RuleStatus", "Criteria", "Actions")
    return {name: automation_rule.comparable(members.get(name)) for name in names}


def _is_written(target: TargetOutcome) -> bool:
    return any(operation != Operation.WAIT for operation in target.stack)
