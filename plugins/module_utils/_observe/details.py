# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what only matters once it is known what each target should have. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from .._aws import errors
from .._aws import parallel
from .._model import topics
from .._model.snapshot import healthy
from .._stack import live
from . import accounts as of_account
from . import targets as of_target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._aws.clients import Clients
    from .._model.plan import AccountDesign
    from .._model.plan import TargetDesign
    from .._model.snapshot import LiveTarget


def details(aws: Clients, designs: Sequence[AccountDesign], *, templates: bool = False) -> list[AccountDesign]:
    """Return the designs with stale topics, buttons and, to repair drift, the live resources of their stacks.

    *templates*: read those of the stacks that will change, for a readable difference.
    """
    return parallel.recovered(partial(_account, aws, templates=templates), designs, _failed)


def _account(aws: Clients, design: AccountDesign, *, templates: bool) -> AccountDesign:
    if not healthy(design.targets):
        return design
    snapshot = design.snapshot
    checks = parallel.each(
        lambda pair: of_target.topic_exists(aws, pair[0].settings, pair[1]), topics.unknown_topics(design)
    )
    snapshot = replace(snapshot, stale=frozenset(outcome.item[1] for outcome in checks if outcome.value is False))
    if design.settings.value("buttons") or snapshot.identity.has_permissions:
        snapshot = replace(snapshot, buttons=of_account.buttons(aws, snapshot))
    targets = parallel.recovered(partial(_target, aws, templates=templates), design.targets, _target_failed)
    return replace(design, snapshot=snapshot, targets=tuple(targets))


def _target(aws: Clients, target: TargetDesign, *, templates: bool) -> TargetDesign:
    if target.problems:
        return target
    if target.settings.value("repair_drift"):
        target = with_path(aws, target)
    stack = target.live.stack
    if templates and stack and live.path(target.desired.stack if target.desired else None, stack):
        try:
            target = _with_live(target, of_target.with_template(aws, target.settings, target.live))
        except errors.failures():
            return target  # the difference shows the status of the stack instead
    return target


def with_path(aws: Clients, target: TargetDesign) -> TargetDesign:
    """Return *target* with the live resources of its stack, if it should have one. Raise UserError; see targets."""
    if target.desired is None or target.account is None:
        return target
    stack = target.desired.stack
    return _with_live(target, of_target.with_path(aws, target.settings, target.account, target.live, stack))


def _with_live(target: TargetDesign, found: LiveTarget) -> TargetDesign:
    return replace(target, snapshot=replace(target.snapshot, live=found))


def _target_failed(target: TargetDesign, error: BaseException) -> TargetDesign:
    return replace(target, problems=tuple(errors.sentences(error)))


def _failed(design: AccountDesign, error: BaseException) -> AccountDesign:
    targets = (target if target.problems else _target_failed(target, error) for target in design.targets)
    return replace(design, targets=tuple(targets))
