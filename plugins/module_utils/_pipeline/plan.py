# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The difference between what a target shall be and what it is: pure. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from .._aws import errors
from .._aws.errors import UserError
from .._securityhub import action_target
from .._stack import stack_set
from .._stack import states
from .._stack import template
from . import drift
from . import repair

if TYPE_CHECKING:
    from .._stack.template import StackDesign
    from .desired import Pipeline
    from .settings import Settings
    from .survey import LiveTarget

# What to do where the stack of a stack set is not the wanted one.
BRING = "run the playbook securityhub_slack_export.yml, and deploy the file that it writes"

CREATE = "create"
UPDATE = "update"
DELETE = "delete"
NONE = "none"


@dataclass(frozen=True)
class TargetPlan:
    """What has to be done with one target.

    An operation on its custom action, what is to be put back in its stack's resources, then operations on the stack.
    """

    action: str = NONE
    repairs: tuple[drift.Drift, ...] = ()
    stack: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Tell whether anything has to be written."""
        operations = [operation for operation in self.stack if operation != states.WAIT]
        return self.action != NONE or bool(self.repairs) or bool(operations)


def plan(settings: Settings, wanted: Pipeline | None, live: LiveTarget) -> TargetPlan:
    """Return how *live* becomes *wanted* (None: it is removed). Raise UserError where it must not be changed."""
    found = problems(settings, wanted, live, present=wanted is not None)
    if found:
        raise UserError(errors.joined(found))
    stack = () if settings.stack_set else stack_path(wanted, live)
    if wanted is None:
        return TargetPlan(action=DELETE if live.action else NONE, stack=stack)
    return TargetPlan(action=_action(wanted, live), repairs=_repairs(live), stack=stack)


def problems(settings: Settings, wanted: Pipeline | None, live: LiveTarget, *, present: bool) -> list[str]:
    """Return all that keeps *live* from becoming *wanted*, each as a sentence with its remedy.

    *present*: it shall have a pipeline, also where it is not known which one (*wanted* None).
    """
    found = []
    if present and not live.hub:
        found.append("Security Hub is not enabled there: enable it, or take the region out of the inventory.")
    if settings.stack_set:
        why = why_not_of_set(wanted, live.stack)
        return [*found, f"a stack set is to make its stack, and {why}: {BRING}."] if why else found
    return found + _stack_problems(settings.name, wanted, live)


def why_not_of_set(wanted: Pipeline | None, stack: dict[str, Any] | None) -> str:
    """Return in words why the stack that a stack set has made is not the wanted one, '' if it is, or none is wanted."""
    if wanted is None or (same(wanted.stack, stack) and status_of(stack) in states.STANDING):
        return ""
    if stack is None:
        return f"no stack has the topic {wanted.stack.topics[0]}"
    if not is_ours(stack):
        return f"the stack {stack['StackName']}, which has the topic, is of another template"
    if status_of(stack) not in states.STANDING:
        return f"the stack {stack['StackName']} is in {status_of(stack)}"
    return f"the stack {stack['StackName']} was made from other variables than the inventory holds now"


def _stack_problems(name: str, wanted: Pipeline | None, live: LiveTarget) -> list[str]:
    found = []
    if _is_foreign(live.stack):
        found.append(
            f"the stack {name} is there, but was not made by this collection: set securityhub_slack_name to a name of "
            f"its own."
        )
    elif states.STUCK in stack_path(wanted, live):
        reason = str((live.stack or {}).get("StackStatusReason", "")).rstrip(".")
        found.append(
            f"the stack {name} is in {status_of(live.stack)}{f' ({reason})' if reason else ''}, which no update leads "
            f"out of: look at its events in the console, remove it there or with securityhub_slack_state=absent, and "
            f"run the playbook again."
        )
    return found


def is_ours(stack: dict[str, Any] | None) -> bool:
    """Tell whether this collection has made the stack."""
    return template.MANAGED_TAG in tags_of(stack)


def tags_of(stack: dict[str, Any] | None) -> dict[str, str]:
    """Return the tags of a stack as boto3 shapes it, and what has the place of tags in the stack of a stack set."""
    tags = {tag["Key"]: tag["Value"] for tag in (stack or {}).get("Tags", [])}
    given = parameters_of(stack)
    return tags | {tag: given[parameter] for parameter, tag in stack_set.MARKS.items() if parameter in given}


def parameters_of(stack: dict[str, Any] | None) -> dict[str, str]:
    """Return the parameters of a stack as boto3 shapes it."""
    return {item["ParameterKey"]: item["ParameterValue"] for item in (stack or {}).get("Parameters", [])}


def status_of(stack: dict[str, Any] | None) -> str:
    """Return the status of a stack, or '' without one."""
    return str(stack["StackStatus"]) if stack else ""


def same(design: StackDesign | None, stack: dict[str, Any] | None) -> bool:
    """Tell whether the live stack was made from the wanted template and tags."""
    return design is not None and tags_of(stack).get(template.DIGEST_TAG) == design.digest


def _is_foreign(stack: dict[str, Any] | None) -> bool:
    # An unexecuted change set leaves an empty stack without tags: nothing of anybody's is in it.
    return stack is not None and not is_ours(stack) and status_of(stack) != states.EMPTY


def _action(wanted: Pipeline, live: LiveTarget) -> str:
    if live.action is None:
        return CREATE
    return UPDATE if action_target.changes(live.action, wanted.action) else NONE


def _repairs(live: LiveTarget) -> tuple[drift.Drift, ...]:
    if live.path is None or live.resources is None:
        return ()
    return tuple(repair.repairable(drift.drifts(live.resources, live.path)))


def stack_path(wanted: Pipeline | None, live: LiveTarget) -> tuple[str, ...]:
    """Return the operations that lead the live stack to the wanted one, or away."""
    design = wanted.stack if wanted else None
    return states.path(status_of(live.stack), present=design is not None, same=same(design, live.stack))
