# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that AWS may refuse because something is missing, or exists already. PRIVATE to the collection."""

from __future__ import annotations

from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")


def accepted(call: Callable[..., Any], refusal: type[Exception], /, **members: Any) -> bool:
    """Make the call; return False if AWS answers with *refusal*, such as that there is nothing to delete."""
    try:
        call(**members)
    except refusal:
        return False
    return True


def existing(read: Callable[[], Answer], missing: type[Exception] | tuple[type[Exception], ...]) -> Answer | None:
    """Return what *read* returns, or None if AWS answers with *missing*."""
    try:
        return read()
    except missing:
        return None
