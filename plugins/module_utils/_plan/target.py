# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to change on one target: pure. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._model.plan import DEPLOY_EXPORT
from .._model.plan import RulesPlan
from .._model.plan import TargetPlan
from .._resource.operation import Operation
from .._resource.ownership import not_managed
from .._securityhub import action_target
from .._securityhub import automation_rule
from .._stack import live
from . import drift

if TYPE_CHECKING:
    from .._model.plan import Deployment
    from .._model.plan import OfTarget
    from .._model.plan import TargetDesign
    from .._model.snapshot import LiveTarget
    from .._routing.automation import Rule
    from .._services.cloudformation import Stack
    from .._services.securityhub import AutomationRule


def plan(design: TargetDesign, blockers: tuple[str, ...] = (), *, was_read: bool = True) -> TargetPlan:
    """Return what leads from the live state to the design, or why nothing may change.

    *blockers*: what preflight found. *was_read*: the live state is known.
    """
    problems = dict.fromkeys((*design.problems, *(_problems(design) if was_read else ()), *blockers))
    if problems:
        return TargetPlan(design, problems=tuple(problems))
    desired, target = design.desired, design.live
    stack = () if design.settings.stack_set else live.path(desired.stack if desired else None, target.stack)
    if desired is None:
        ours = target.action and not foreign_action(design)
        action = Operation.DELETE if ours else Operation.NONE
        return TargetPlan(design, action=action, stack=stack, rules=rules_of(None, target))
    rules = rules_of(desired, target)
    repairs = drift.repairable(drift.drifts(target.path)) if target.path else []
    return TargetPlan(design, _action(desired, target), tuple(repairs), stack, rules=rules)


def foreign_action(design: OfTarget) -> str:
    """Return the Id of the target's custom action if it is not ours, else ''."""
    settings, action = design.settings, design.live.action
    return str(settings.value("action_id")) if action and not action_target.is_ours(action, settings.name) else ""


def _problems(design: TargetDesign) -> list[str]:
    """Return what keeps the live state from becoming the desired one, each as a sentence with its remedy."""
    settings, desired, stack = design.settings, design.desired, design.live.stack
    # A target that should be present, and has problems already, has no desired deployment.
    present = desired is not None or (settings.present and bool(design.problems))
    problems = []
    if present and not design.live.hub:
        problems.append("Security Hub is not enabled. Enable it, or remove the region from the inventory.")
    foreign = foreign_action(design) if present else ""
    if foreign:
        problems.append(action_target.not_ours(foreign, design.live.action))
    problems += _without_room(desired, design.live)
    if settings.stack_set:
        reason = why_not_of_stack_set(desired, stack)
        if reason:
            problems.append(f"securityhub_slack_use_stack_set is set, and {reason}. {_sentence(DEPLOY_EXPORT)}")
        return problems
    return problems + _stack_problems(settings.name, desired, stack)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def why_not_of_stack_set(desired: Deployment | None, stack: Stack | None) -> str:
    """Return in words why the stack that a StackSet created is not as desired; '' if it is, or none is desired."""
    if desired is None or (live.matches(desired.stack, stack) and live.is_deployed(stack)):
        return ""
    if stack is None:
        return f"no stack has the topic {desired.stack.topics[0]}"
    if not live.is_ours(stack):
        return f"the stack {stack['StackName']}, which has the topic, was created from another template"
    if not live.is_deployed(stack):
        return f"the stack {stack['StackName']} is in {live.status_of(stack)}"
    return f"the stack {stack['StackName']} was created from other variables than the inventory has now"


def _stack_problems(name: str, desired: Deployment | None, stack: Stack | None) -> list[str]:
    if live.is_foreign(stack):
        return [not_managed(f"the stack {name}")]
    if Operation.STUCK not in live.path(desired.stack if desired else None, stack):
        return []
    reason = str((stack or {}).get("StackStatusReason", "")).rstrip(".")
    return [
        f"the stack {name} is in {live.status_of(stack)}{f' ({reason})' if reason else ''}, which cannot be updated. "
        f"Check its events in the console, delete it there or with securityhub_slack_state=absent, then rerun the "
        f"playbook."
    ]


def _action(desired: Deployment, target: LiveTarget) -> Operation:
    if target.action is None:
        return Operation.CREATE
    return Operation.UPDATE if action_target.changes(target.action, desired.action) else Operation.NONE


def rules_of(desired: Deployment | None, target: LiveTarget) -> RulesPlan:
    """Return what leads from the live automation rules of a deployment to those that it should have.

    A rule is found by its name, which its content determines, so a difference was made by hand.
    """
    wanted = {rule.name: rule for rule in (desired.rules if desired else ())}
    found: dict[str, AutomationRule] = {}
    removed = []
    for live_rule in target.rules or ():
        if live_rule["RuleName"] not in wanted or live_rule["RuleName"] in found:
            removed.append(live_rule["RuleArn"])
        else:
            found[live_rule["RuleName"]] = live_rule
    return RulesPlan(
        tuple(rule for name, rule in wanted.items() if name not in found),
        tuple((found[name]["RuleArn"], wanted[name]) for name in found if _differs(found[name], wanted[name])),
        tuple(removed),
    )


def _differs(live_rule: AutomationRule, rule: Rule) -> bool:
    comparable = automation_rule.comparable
    return any(comparable(live_rule.get(key)) != comparable(value) for key, value in rule.members.items())


def _without_room(desired: Deployment | None, target: LiveTarget) -> list[str]:
    """Return why the region has no room for the automation rules. Those that are removed make room for others."""
    planned = rules_of(desired, target)
    new = len(planned.created)
    if not new or target.rule_count - len(planned.removed) + new <= automation_rule.LIMIT:
        return []
    return [
        f"this account and region has {target.rule_count} automation rules of Security Hub, {new} more are needed for "
        f"suppressions with suppress_in: security_hub, and AWS allows {automation_rule.LIMIT}. Delete unused rules, or "
        f"shorten the suppressions."
    ]
