# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the cast that README shows."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from ansible_collections.secops.securityhub.tests.sessions import picture
from ansible_collections.secops.securityhub.tests.sessions import recorder
from ansible_collections.secops.securityhub.tests.sessions.terminal import LINES
from ansible_collections.secops.securityhub.tests.sessions.terminal import PROMPT

SCREENS = [
    (10.0, "$ deploy\n"),
    (10.5, "$ deploy\nStacks 0/3"),
    (70.0, "$ deploy\n3 changed\n"),
    (70.0, f"$ deploy\n3 changed\n\n{PROMPT}"),
    (70.0, "$ deploy\n3 changed\n\n$ check\n"),
    (70.2, f"$ deploy\n3 changed\n\n$ check\n\n{PROMPT}"),
]
KIBIBYTE = 1024


def strips(cast: str) -> dict[str, tuple[str, list[tuple[float, int]]]]:
    """Return the place where each filmstrip ends, in lines, and its steps: percent and lines."""
    found = {}
    for name in ("finished", "last"):
        base = re.search(rf"\.{name}-strip {{ transform: translateY\((.+?)px\); animation: {name}-steps ", cast)
        steps = re.search(rf"@keyframes {name}-steps {{(.*?)}} }}", cast, re.DOTALL)
        places = re.findall(r"([\d.]+)% { transform: translateY\((.+?)px\)", steps[1])
        found[name] = lines(base[1]), [(float(percent), lines(place)) for percent, place in places]
    return found


def lines(pixels: str) -> int:
    """Return a distance in lines."""
    return round(float(pixels) / picture.LINE_HEIGHT)


def test_a_cast_shows_each_screen_at_its_time_and_ends_with_the_last_one():
    found = strips(picture.cast(SCREENS, "A title"))
    above = LINES - 1
    # Half a second, a minute that is cut to a second, and a pause before the second command.
    percents = [0, 10.64, 31.91, 31.91, 95.74, 100]
    assert found["finished"] == (above - 5, list(zip(percents, [above - n for n in (1, 1, 2, 3, 4, 5)])))
    assert found["last"] == (-2, list(zip(percents, [0, -1, 0, -2, 0, -2])))


def test_the_recorded_cast_is_small_and_loads_nothing():
    cast = (recorder.RECORDS / "cast.svg").read_text(encoding="utf-8")
    names = {element.tag.rpartition("}")[2] for element in ET.fromstring(cast).iter()}
    assert names == {"svg", "style", "defs", "clipPath", "rect", "circle", "g", "text"}
    assert not re.search(r"url\((?!#)|@import|href", cast)
    assert "prefers-reduced-motion" in cast
    assert "Stacks&#160;0/3" in cast
    assert len(cast) < 100 * KIBIBYTE
