# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulation: a value. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._routing import simulation
    from .._routing.volume import Volume
    from .plan import TargetDesign


@dataclass(frozen=True)
class Simulation:
    """The decisions on findings, added up, and the volume of messages.

    *targets*: those of the play, and the other targets of their accounts.
    """

    targets: tuple[TargetDesign, ...]
    notices: tuple[str, ...]
    decided: simulation.Tally = field(hash=False)
    volume: Volume = field(hash=False)
