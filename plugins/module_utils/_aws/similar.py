# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user who misspelt a name may have meant: pure. PRIVATE to the collection."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def similar(name: str, known: Iterable[str]) -> str:
    """Return the known name that is most similar, whatever its case, '' if none is."""
    by_case = {item.casefold(): item for item in known}
    near = difflib.get_close_matches(name.casefold(), by_case, n=1)
    return by_case[near[0]] if near else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a question to append to a sentence, '' if no known name is similar."""
    near = similar(name, known)
    return f" Did you mean {near}?" if near else ""
