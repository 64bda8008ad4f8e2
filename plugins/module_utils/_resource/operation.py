# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does with a resource. PRIVATE to the collection."""

from __future__ import annotations

from enum import Enum


class Operation(str, Enum):
    """One step for a resource; the value is the word that results and tables show.

    Those from WAIT on exist for stacks only.
    """

    NONE = "none"
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    WAIT = "wait"
    DELETE_AGAIN = "delete again"  # what blocked a deletion often passes, such as a dependency being deleted too
    DELETE_RETAINING = "delete, retaining what cannot be deleted"
    RESUME = "resume"  # roll back a failed update, or continue to
    STUCK = "stuck"  # needs a person

    __str__ = str.__str__  # f-strings and results show the value in every Python version
