# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all targets forward, read without stacks and channels: for commands that work on findings. PRIVATE."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._observe import fleet as observe
from .._plan import design
from .._plan import forwarding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .._model.plan import FleetDesign
    from .._model.snapshot import TargetSnapshot
    from .context import Context


def designs(
    context: Context, targets: Sequence[TargetSnapshot], unselected: Sequence[TargetSnapshot] = ()
) -> FleetDesign:
    """Return what the targets forward, or would forward once deployed. Nothing is raised."""
    fleet = observe.hubs(context.aws, targets, unselected, context.today)
    return forwarding.without_disabled_hubs(design.fleet(fleet, context.today))
