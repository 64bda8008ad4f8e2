# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture of a terminal, as SVG."""

from __future__ import annotations

import io
import re

import rich.console
import rich.text
from rich._export_format import CONSOLE_SVG_FORMAT

from .terminal import COLUMNS

FONT = re.compile(r"@font-face \{\{.*?\}\}\n", re.DOTALL)  # loaded from the network


def picture(shown: str, title: str) -> str:
    """Return a picture of what a terminal shows, with the codes of its colors. It loads nothing."""
    console = rich.console.Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(rich.text.Text.from_ansi(shown))
    return console.export_svg(title=title, code_format=FONT.sub("", CONSOLE_SVG_FORMAT), unique_id="session")
