# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An export: a value. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING

from .._stack.stack_set_resource import Instance

if TYPE_CHECKING:
    from .._resource.shapes import Json
    from .plan import TargetDesign


@dataclass(frozen=True)
class Export:
    """The template that contains the StackSet, or why there is none.

    *problem*: what keeps the StackSet as a whole from being written; those of single targets are in their problems.
    *notices*: what could not be checked.
    """

    targets: tuple[TargetDesign, ...]
    document: Json = field(default_factory=dict)
    problem: str = ""
    notices: tuple[str, ...] = ()

    @property
    def instances(self) -> list[Instance]:
        """Return the stacks of the StackSet, by account and region."""
        instances = (
            Instance(target.account_id, target.settings.region, target.desired.stack)
            for target in self.targets
            if target.desired is not None and target.settings.stack_set
        )
        return sorted(instances, key=lambda instance: (instance.account_id, instance.region))
