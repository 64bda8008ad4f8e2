# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a terminal, as SVG: what it shows in the end, and a cast of how it gets there."""

from __future__ import annotations

import io
import itertools
import re

import rich.console
import rich.text
from rich._export_format import CONSOLE_SVG_FORMAT

from .terminal import COLUMNS
from .terminal import LINES
from .terminal import PROMPT

FONT = re.compile(r"@font-face \{\{.*?\}\}\n", re.DOTALL)  # loaded from the network


# A cast has two filmstrips that move in steps: the finished lines and, below them, the states of the last line.
STRIP = """\
<style>
.{unique_id}-matrix {{ font-family: Fira Code, monospace; font-size: {char_height}px }}
.{unique_id}-strip {{ ANIMATION }}
@media (prefers-reduced-motion: reduce) {{ .{unique_id}-strip {{ animation: none }} }}
@keyframes {unique_id}-steps {{ STEPS }}
{styles}
</style>
<defs>{lines}</defs>
<g class="{unique_id}-matrix {unique_id}-strip">{backgrounds}{matrix}</g>
"""
LINE_HEIGHT = 24.4  # of rich
CONTENT = "<!-- content -->"
LONGEST_WAIT, PAUSE = 1.0, 3.0  # seconds; a pause is before each command but the first


def picture(shown: str, title: str) -> str:
    """Return a picture of what a terminal shows, with the codes of its colors. It loads nothing."""
    return _export(shown, FONT.sub("", CONSOLE_SVG_FORMAT), "session", title)


def cast(screens: list[tuple[float, str]], title: str) -> str:
    """Return an animation of what a terminal shows; it waits only shortly, ends at the end, and loads nothing."""
    times = _times(screens)
    shown = [screen.split("\n") for _time, screen in screens]
    states = list(dict.fromkeys(lines[-1] for lines in shown))
    above = LINES - 1
    finished = _strip("\n".join(shown[-1][:-1]), "finished", [(above - len(lines) + 1) for lines in shown], times)
    last = _strip("\n".join(states), "last", [-states.index(lines[-1]) for lines in shown], times)
    content = (
        f'<svg height="{above * LINE_HEIGHT}">{finished}</svg>'
        f'<svg y="{above * LINE_HEIGHT}" height="{LINE_HEIGHT}">{last}</svg>'
    )
    empty = FONT.sub("", CONSOLE_SVG_FORMAT).replace("{matrix}", CONTENT)
    return _export("\n" * above, empty, "frame", title).replace(CONTENT, content)


def _times(screens: list[tuple[float, str]]) -> list[float]:
    waits = [
        PAUSE if shown.endswith(PROMPT) else min(later - earlier, LONGEST_WAIT)
        for (earlier, shown), (later, _shown) in itertools.pairwise(screens)
    ]
    return list(itertools.accumulate(waits, initial=0))


def _strip(shown: str, name: str, offsets: list[int], times: list[float]) -> str:
    places = [f"transform: translateY({offset * LINE_HEIGHT:.1f}px)" for offset in offsets]
    steps = [f"{time / times[-1]:.2%} {{{{ {place} }}}}" for time, place in zip(times, places)]
    animation = f"{places[-1]}; animation: {{unique_id}}-steps {times[-1]:.1f}s step-end"
    return _export(shown, STRIP.replace("ANIMATION", animation).replace("STEPS", "\n".join(steps)), name)


def _export(shown: str, code_format: str, name: str, title: str = "") -> str:
    console = rich.console.Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(rich.text.Text.from_ansi(shown))
    return console.export_svg(title=title, code_format=code_format, unique_id=name)
