# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The locations of AWS Regions on a coarse map of the world, and where their names fit: pure. PRIVATE.

A wide screen shows the panels of the map side by side, a narrow one below each other, so that names stay readable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# The northern edge of the map and the size of a cell, in degrees; then a bit for each cell of land, row by row.
NORTH = 78.0
STEP = 3.0
COLUMNS = 120
LAND = (
    # Derived from the public-domain elevation model GLOBE of NOAA.
    "187fff80000000007000000",
    "180b807ff800000200ffc01000",
    "3c007c9f83ff0000c0017ffffff80",
    "87ffffff9c3f80007f9fffffffffff",
    "7ffffff0c1c0600ef7fffffffffff",
    "7fffff8300c0003dfffffffffff7c",
    "183fff83e000003cfffffffffe040",
    "ffff3f0000211fffffffffc0c0",
    "7fffbf800053ffffffffffe080",
    "3ffffe40001fffffffffffe000",
    "1ffffe00001fffffffffffc000",
    "1ffff800001db87fffffff9000",
    "1ffff00000701ffffffffe0000",
    "1fffe000006007fffffff22000",
    "fffc000003f00fffffff08000",
    "7ff8000007f99fffffff00000",
    "3f0800000fffff7fffff00000",
    "f0000001fffff8bffff00000",
    "60000001ffff7f1fffc00000",
    "72000001ffff3e0f1e000000",
    "1e000001ffffbc060f080000",
    "3000003ffffe00607000000",
    "1c0001fffff80601000000",
    "3f0000fffff80000040000",
    "3fe00001fff00004200000",
    "3fe00001ffe00004600000",
    "7ff80001ffc00006600000",
    "7ffe0000ff800002007000",
    "7fff0000ff800000003800",
    "3fff00007f800000000000",
    "1ffe0000ff800000019000",
    "ffe0000ff98000007d800",
    "7fe0000ff1000000ff800",
    "7fc00007f1000003ffc00",
    "ff000007e0000003ffe00",
    "ff000007e0000003ffe00",
    "fe000003c0000003ffe00",
    "fc0000000000000103c00",
    "f80000000000000001c00",
    "1e00000000000000000002",
    "1c00000000000000000004",
    "1c00000000000000000000",
    "1800000000000000000000",
    "1800000000000000000000",
)


# In units of the drawing: a cell, the first and the last row that are shown, and the size of a label.
CELL = 10
TOP, BOTTOM = 30, 420
LINE, LETTER = 16, 8
SPOT = 10  # radius, with its outline


@dataclass(frozen=True)
class Panel:
    """A part of the map, from *left* to *right*."""

    name: str
    left: int
    right: int


PANELS = (
    Panel("the Americas", 100, 480),
    Panel("Europe, the Middle East and Africa", 480, 820),
    Panel("Asia and the Pacific", 820, 1200),
)


@dataclass(frozen=True)
class Label:
    """Where the name of a Region begins, the middle of its line, and the end that is *near* the Region."""

    region: str
    left: float
    y: float
    near: float


@dataclass(frozen=True)
class Location:
    """The location of a Region: its name, latitude and longitude."""

    name: str
    latitude: float
    longitude: float


# Named as in https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html; to within a degree.
REGIONS = {
    "af-south-1": Location("Cape Town", -33.9, 18.4),
    "ap-east-1": Location("Hong Kong", 22.3, 114.2),
    "ap-east-2": Location("Taipei", 25.0, 121.5),
    "ap-northeast-1": Location("Tokyo", 35.7, 139.7),
    "ap-northeast-2": Location("Seoul", 37.6, 127.0),
    "ap-northeast-3": Location("Osaka", 34.7, 135.5),
    "ap-south-1": Location("Mumbai", 19.1, 72.9),
    "ap-south-2": Location("Hyderabad", 17.4, 78.5),
    "ap-southeast-1": Location("Singapore", 1.4, 103.8),
    "ap-southeast-2": Location("Sydney", -33.9, 151.2),
    "ap-southeast-3": Location("Jakarta", -6.2, 106.8),
    "ap-southeast-4": Location("Melbourne", -37.8, 145.0),
    "ap-southeast-5": Location("Malaysia", 3.1, 101.7),
    "ap-southeast-6": Location("New Zealand", -36.8, 174.8),
    "ap-southeast-7": Location("Thailand", 13.8, 100.5),
    "ca-central-1": Location("Montreal", 45.5, -73.6),
    "ca-west-1": Location("Calgary", 51.0, -114.1),
    "eu-central-1": Location("Frankfurt", 50.1, 8.7),
    "eu-central-2": Location("Zurich", 47.4, 8.5),
    "eu-north-1": Location("Stockholm", 59.3, 18.1),
    "eu-south-1": Location("Milan", 45.5, 9.2),
    "eu-south-2": Location("Spain", 41.6, -0.9),
    "eu-west-1": Location("Ireland", 53.3, -6.3),
    "eu-west-2": Location("London", 51.5, -0.1),
    "eu-west-3": Location("Paris", 48.9, 2.3),
    "il-central-1": Location("Tel Aviv", 32.1, 34.8),
    "me-central-1": Location("UAE", 24.5, 54.4),
    "me-south-1": Location("Bahrain", 26.1, 50.6),
    "me-west-1": Location("Saudi Arabia", 24.7, 46.7),
    "mx-central-1": Location("Mexico", 20.6, -100.4),
    "sa-east-1": Location("Sao Paulo", -23.5, -46.6),
    "sa-west-1": Location("Chile", -33.4, -70.7),
    "us-east-1": Location("N. Virginia", 38.9, -77.5),
    "us-east-2": Location("Ohio", 40.0, -83.0),
    "us-west-1": Location("N. California", 37.4, -121.9),
    "us-west-2": Location("Oregon", 45.8, -119.7),
}


def land(panel: Panel) -> list[tuple[int, int]]:
    """Return the centers of all cells of land."""
    return [
        (column * CELL + CELL // 2, row * CELL + CELL // 2)
        for row, digits in enumerate(LAND)
        for column in range(panel.left // CELL, panel.right // CELL)
        if int(digits, 16) >> (COLUMNS - 1 - column) & 1
    ]


def position(region: str) -> tuple[float, float]:
    """Return where a Region is."""
    location = REGIONS[region]
    return (
        round((location.longitude + 180) / STEP * CELL, 1),
        round((NORTH - location.latitude) / STEP * CELL, 1),
    )


def is_on(panel: Panel, region: str) -> bool:
    """Tell whether a Region is on a panel."""
    return panel.left <= position(region)[0] < panel.right


def labels(panel: Panel, shown: list[str], named: list[str]) -> list[Label]:
    """Return the labels of the *named* Regions, which cover neither each other nor the spot of a Region that is shown.

    A label is beside its Region, or as little above or below as there is room for it.
    """
    found: list[Label] = []
    for region in sorted(named, key=position):
        places = [*_places(panel, region)]
        free = [place for place in places if not any(_overlap(place, other) for other in found)]
        clear = [place for place in free if not any(_covers(place, other) for other in shown if other != region)]
        found.append((clear or free or places)[0])
    return found


def _places(panel: Panel, region: str) -> Iterator[Label]:
    """Yield the places for a label, the nearest first."""
    x, y = position(region)
    width = LETTER * len(region)
    sides = [(x + SPOT + 2, x + SPOT + 2), (x - SPOT - 2 - width, x - SPOT - 2)]
    inside = [(left, near) for left, near in sides if panel.left <= left <= panel.right - width]
    steps = sorted(range(-BOTTOM, BOTTOM, LINE // 2), key=abs)
    for step in steps:
        for left, near in inside:
            if TOP + LINE / 2 <= y + step <= BOTTOM - LINE / 2:
                yield Label(region, round(left, 1), round(y + step, 1), round(near, 1))


def _overlap(one: Label, other: Label) -> bool:
    beside = one.left < other.left + LETTER * len(other.region) and other.left < one.left + LETTER * len(one.region)
    return beside and abs(one.y - other.y) < LINE


def _covers(label: Label, region: str) -> bool:
    x, y = position(region)
    beside = label.left - SPOT < x < label.left + LETTER * len(label.region) + SPOT
    return beside and abs(label.y - y) < LINE / 2 + SPOT
