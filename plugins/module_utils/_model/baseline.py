# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A baseline: a value. PRIVATE to the collection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._routing.reference import Finding
    from .._services.securityhub import Unprocessed
    from .plan import TargetDesign


@dataclass(frozen=True)
class Baseline:
    """One target: the findings that its rules would forward now, and what happened when they were marked.

    *unprocessed*: as BatchUpdateFindings or BatchUpdateFindingsV2 answers. In check mode nothing is marked.
    """

    target: TargetDesign
    findings: tuple[Finding, ...] = ()
    marked: int = 0
    unprocessed: tuple[Unprocessed, ...] = ()
    problems: tuple[str, ...] = ()
