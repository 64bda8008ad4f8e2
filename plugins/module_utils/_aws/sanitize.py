# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes foreign text safe to print: pure. PRIVATE to the collection.

Names, titles and errors from AWS may be anyone's text. Terminals execute some characters, others reverse the direction
of the text around them, and half a surrogate pair cannot be written to a file at all.
"""

from __future__ import annotations

import unicodedata
from typing import Any

REPLACEMENT = "?"
LINE_ENDS = ("Zl", "Zp")  # categories that end a line or a paragraph, besides the control characters


def sanitize(text: str) -> str:
    """Return *text* with every invisible or control character replaced, except line ends."""
    return "\n".join(
        # most lines; a hundred times faster
        line if line.isprintable() else "".join(char if _is_visible(char) else REPLACEMENT for char in line)
        for line in text.split("\n")
    )


def sanitize_line(text: str) -> str:
    """Return *text* sanitized and in one line, so that it cannot pretend to be another line."""
    return sanitize(text).replace("\n", " ")


def sanitize_all(value: Any) -> Any:
    """Return *value* (of JSON's types) with all its texts sanitized, except the keys, which programs look up."""
    if isinstance(value, str):
        return sanitize(value)
    if isinstance(value, dict):
        return {key: sanitize_all(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [sanitize_all(item) for item in value]
    return value


def _is_visible(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] != "C" and category not in LINE_ENDS
