# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that are not ours, made fit to be shown: pure. PRIVATE to the collection.

Names, titles and error texts of AWS come from whoever may write them. A terminal obeys some characters of them, others
turn the direction of what stands around them, and half a surrogate pair cannot be written to a file at all.
"""

from __future__ import annotations

import unicodedata
from typing import Any

STANDS_FOR = "?"
OF_LINES = ("Zl", "Zp")  # categories of what ends a line or a paragraph, beside the control characters


def sanitize(text: str) -> str:
    """Return *text* with line ends, and without all else that does something instead of being seen."""
    # What most texts are, told a hundred times faster.
    if text.isprintable():
        return text
    return "".join(char if char == "\n" or _is_seen(char) else STANDS_FOR for char in text)


def sanitize_line(text: str) -> str:
    """Return *text* as one line: what stands in one must not look like another."""
    return sanitize(text).replace("\n", " ")


def sanitize_all(value: Any) -> Any:
    """Return *value* (as JSON has them) with all its texts inert, but for the keys, which programs look up."""
    if isinstance(value, str):
        return sanitize(value)
    if isinstance(value, dict):
        return {key: sanitize_all(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [sanitize_all(item) for item in value]
    return value


def _is_seen(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] != "C" and category not in OF_LINES
