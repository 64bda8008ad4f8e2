# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The colors of the HTML pages have the contrast that WCAG 2.1 AA requires, in light and in dark.

Computed from the style sheet, so that it runs where no browser is.
"""

from __future__ import annotations

import re

import pytest
from ansible_collections.secops.securityhub.plugins.module_utils._report.page import CSS

LIGHT, DARK = (
    dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block)) for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
)
STATES = ("ok", "risk", "unknown", "broken", "none")
SEVERITIES = ("critical", "high", "medium", "low", "informational")
# 1.4.3 Contrast (Minimum): text on its background.
TEXT = [
    *(("ink", below) for below in ("page", "card", "sea", *(f"{state}-bg" for state in STATES))),
    *(("soft", below) for below in ("page", "card")),
    *((state, "card") for state in STATES),  # the tag of a problem
    *((state, f"{state}-bg") for state in STATES),  # the symbol in a cell
]
# 1.4.11 Non-text Contrast: what one has to see to understand a drawing.
GRAPHICS = [
    *((state, "sea") for state in STATES),
    ("soft", "sea"),  # the line from a name on the map to its spot
    *((severity, below) for severity in SEVERITIES for below in ("card", "none-bg")),
    ("unknown", "page"),  # the outline of what has the focus
]
DECORATION = {"line", "land"}


def luminance(color):
    channels = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear))


def contrast(one, other):
    """Return the contrast ratio of two colors, https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_contrast_ratio_is_that_of_wcag():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(TEXT, 4.5), (GRAPHICS, 3.0)], ids=["text", "graphics"])
def test_contrast(colors, pairs, least):
    poor = {
        pair: round(contrast(*map(colors.get, pair)), 2) for pair in pairs if contrast(*map(colors.get, pair)) < least
    }
    assert poor == {}


def test_every_color_is_checked_and_has_a_dark_twin():
    assert set(LIGHT) == set(DARK) == {color for pair in TEXT + GRAPHICS for color in pair} | DECORATION


def test_colors_are_used_by_name_only():
    rules = CSS[CSS.rindex("--shadow") :]
    assert re.findall(r"#[0-9a-f]{3,6}\b", rules) == ["#fff"], "white paper in print"
