# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings that another target shall send from now on: who ends only after who takes over. PRIVATE to the collection.

EventBridge changes the rules of two Regions at no common moment. So a finding of that time arrives twice rather than
not at all: the taker's pipeline stands, and the channel carries its topic, before the giver's is changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._aws.errors import UserError
from .._routing import topology
from .._stack import states
from .._stack import template
from . import plan
from .target import healthy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .._routing.clauses import Scope
    from .._routing.policy import Policy
    from .target import AccountRun
    from .target import Target

GLOBAL = "global"  # the findings about global resources
LINKED = "linked"  # the findings of the Regions that feed this one

NOTICE = (
    "findings change hands: who takes over begins before the others end, so that none is lost; one of those moments "
    "may arrive twice"
)


def duties(scope: Scope, policies: Iterable[Policy]) -> tuple[str, ...]:
    """Return what a target with this scope and the *policies* of its routes sends beside its own Region's findings."""
    owns = scope.region == scope.owner_region and any(topology.cares(policy) for policy in policies)
    found = ((GLOBAL, owns), (LINKED, scope.sends_linked))
    return tuple(duty for duty, has_it in found if has_it)


def gives_up(target: Target) -> frozenset[str]:
    """Return the duties that the live pipeline has, and will have no longer when the target's plan is carried out."""
    if target.wanted is None or not target.plan.stack:
        return frozenset()
    return _live_duties(target) - set(target.wanted.stack.duties)


def sends_linked(target: Target) -> bool:
    """Tell whether the live pipeline sends for the Regions that feed it."""
    return LINKED in _live_duties(target)


def sends_global(target: Target) -> bool:
    """Tell whether the live pipeline stands and sends the findings about global resources."""
    return _stands(target) and GLOBAL in _live_duties(target)


def notices(account: AccountRun) -> list[str]:
    """Return what to say of an account whose findings change hands."""
    targets = healthy(account.targets)
    return [NOTICE] if any(gives_up(target) or _leaves_for_home(account, target) for target in targets) else []


def hold_back(account: AccountRun) -> None:
    """Let every target fail that would end before who takes over from it is in place: findings would be lost."""
    for target in healthy(account.targets):
        sentence = _why_to_stay(account, target)
        if sentence:
            target.fail(UserError(sentence))


def _why_to_stay(account: AccountRun, target: Target) -> str:
    home, given = account.home, gives_up(target)
    if home and home.error and _leaves_for_home(account, target):
        region = home.settings.region
        return f"it shall leave, because {region} sends its findings, and the pipeline there {_absent(home.error)}"
    if GLOBAL in given and account.owner and (why := _why_absent(account.owner, account)):
        return (
            f"it goes on sending the findings about global resources, because the pipeline of "
            f"{account.owner.settings.region}, which shall send them, {_absent(why)}"
        )
    if LINKED in given and account.sliced and account.facts.aggregator:
        return (
            "it goes on sending for the Regions that feed it, whose pipelines other slices have: go from the home "
            "Region to one pipeline a Region in a run of the whole inventory, without securityhub_slack_job_slices."
        )
    for taker in account.linked if LINKED in given else ():
        if why := _why_absent(taker, account):
            region = taker.settings.region
            return f"it goes on sending for {region}, because the pipeline there {_absent(why)}"
    return ""


def _absent(why: str) -> str:
    return f"is not in place ({why.rstrip('.')}): mend that, and run the playbook again."


def _leaves_for_home(account: AccountRun, target: Target) -> bool:
    leaving = target.plan.changed or bool(target.superseded)
    return bool(account.home) and target.settings.present and target.wanted is None and leaving


def _why_absent(taker: Target, account: AccountRun) -> str:
    if taker.error:
        return taker.error
    if any(taker is target for target in account.targets):
        return ""
    if sends_global(taker) if taker is account.owner else _stands(taker):
        return ""
    if taker.elsewhere:
        return "another slice has to deploy it first"
    return "it is not deployed as it shall be: include it in the run"


def _stands(target: Target) -> bool:
    return plan.status_of(target.live.stack) in states.STANDING


def _live_duties(target: Target) -> frozenset[str]:
    return template.duties_of(plan.tags_of(target.live.stack))
