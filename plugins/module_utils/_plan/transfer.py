# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Transfer of findings from one target to another: the old one stops after the new one has started. PRIVATE.

EventBridge does not change the rules of two regions at the same moment. So a finding of that time arrives twice rather
than not at all: the target it moves to is deployed, and the channel lists its topic, before the one it moves from is
changed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from typing import Any

from .._model.layout import GLOBAL
from .._model.layout import LINKED
from .._model.layout import forwards_global
from .._model.plan import RulesPlan
from .._model.plan import TargetPlan
from .._resource.operation import Operation
from .._stack import live

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._model.plan import AccountDesign
    from .._model.plan import OfTarget

# The operations of a target of which none is carried out.
NOTHING: dict[str, Any] = {"action": Operation.NONE, "repairs": (), "stack": (), "rules": RulesPlan()}
NOTICE = (
    "another region is taking over some findings; it starts before the old one stops, so a finding of that moment may "
    "arrive twice"
)


def ends(target: TargetPlan) -> frozenset[str]:
    """Return the responsibilities that the live stack has, and will not have once the plan is carried out."""
    if target.desired is None or not target.stack:
        return frozenset()
    return live.responsibilities_of(target.live.stack) - set(target.desired.stack.responsibilities)


def notices(design: AccountDesign, targets: Sequence[TargetPlan]) -> list[str]:
    """Return what to report about an account whose findings move to another target."""
    moving = (target for target in targets if not target.problems)
    return [NOTICE] if any(ends(target) or _leaves_for_home(design, target) for target in moving) else []


def held(design: AccountDesign, targets: Sequence[TargetPlan], known: Sequence[OfTarget]) -> tuple[TargetPlan, ...]:
    """Return the plans, in which a target keeps what it has if the target it moves findings to cannot start.

    *known*: all targets of the account, of any stage, with the problems they have by now.
    """
    by_host = {item.host: item for item in known}
    found = tuple(_held(design, target, by_host) for target in targets)
    if found == tuple(targets):
        return found
    # A target that keeps what it has does not start what others move to it either.
    return held(design, found, [*by_host.values(), *found])


def _held(design: AccountDesign, target: TargetPlan, by_host: dict[str, OfTarget]) -> TargetPlan:
    reason = "" if target.problems else why_to_stay(design, target, by_host)
    return replace(target, problems=(reason,), **NOTHING) if reason else target


def why_to_stay(design: AccountDesign, target: TargetPlan, by_host: dict[str, OfTarget]) -> str:
    """Return why *target* must not stop what it forwards today, as findings would be lost; '' if it may."""
    home = by_host.get(design.home)
    if home and home.problems and _leaves_for_home(design, target):
        region = home.settings.region
        return f"it was not removed: {region} should forward its findings, but {_not_in_place(home.error)}"
    stopping = ends(target)
    successor = by_host.get(design.global_findings)
    if GLOBAL in stopping and successor and (reason := _why_absent(successor, design)):
        return (
            f"it still forwards the findings about global resources: {successor.settings.region} should forward them, "
            f"but {_not_in_place(reason)}"
        )
    if LINKED in stopping and design.snapshot.job_slices and design.snapshot.facts.aggregator:
        return (
            "it still forwards the findings of its linked regions, whose deployments are in other slices. Change from "
            "the home region to one deployment per region in a run of the whole inventory, without "
            "securityhub_slack_job_slices."
        )
    for linked in (by_host[host] for host in design.linked) if LINKED in stopping else ():
        if reason := _why_absent(linked, design):
            return f"it still forwards the findings of {linked.settings.region}, because {_not_in_place(reason)}"
    return ""


def _not_in_place(reason: str) -> str:
    return f"its deployment is not in place ({reason.rstrip('.')}). Fix that, then rerun the playbook."


def _leaves_for_home(design: AccountDesign, target: TargetPlan) -> bool:
    leaving = target.changed or bool(target.design.replaced)
    return bool(design.home) and target.settings.present and target.desired is None and leaving


def _why_absent(target: OfTarget, design: AccountDesign) -> str:
    if target.problems:
        return target.error
    if any(target.host == item.host for item in design.targets):
        return ""
    if forwards_global(target) if target.host == design.global_findings else live.is_deployed(target.live.stack):
        return ""
    if target.snapshot.in_another_slice:
        return "another slice has to deploy it first"
    return "it is not deployed as it should be. Include it in the run"
